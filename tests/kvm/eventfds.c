/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The two ways past the VMM: guest stores that signal an eventfd (KVM_IOEVENTFD) and eventfds that
 * raise an interrupt (KVM_IRQFD). Linux: Documentation/virt/kvm/api.rst, 4.59 and 4.75.
 */
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "tests/kvm/lib/vm.h"

enum { BELL = 0x2000, SPI = 45 };
#define AT (GUEST_PORT + BELL)

static struct vm vm;
static volatile uint64_t irq_count, last_irq;

static long io_set(int fd, uint64_t addr, unsigned len, uint64_t match, unsigned flags)
{
	struct kvm_ioeventfd io = {
		.datamatch = match, .addr = addr, .len = len, .fd = fd, .flags = flags
	};

	return ioc(vm.fd, KVM_IOEVENTFD, &io);
}

/* The eventfd's count, which is 0 afterwards. */
static uint64_t take(int fd)
{
	uint64_t n = 0;

	return sys(__NR_read, fd, &n, 8) == 8 ? n : 0;
}

static GUEST void guest_rings(uint64_t arg)
{
	(void)arg;
	mmio_write32(AT, 5);
	mmio_write32(AT, 6);
	mmio_write32(AT, 5);
	guest_done(1);
	mmio_write64(AT, 5);
	mmio_write8(AT, 5);
	mmio_write32(AT + 4, 5);
	guest_done(mmio_read32(AT));
}

TEST(a_store_signals_and_the_guest_goes_on)
{
	int fd = eventfd(0, EFD_NONBLOCK);
	uint64_t done;

	vm_create(&vm, 1);
	expect_eq(io_set(fd, AT, 4, 0, 0), 0);
	vcpu_start(&vm.vcpu[0], guest_rings, 0);
	expect(vcpu_run_done(&vm.vcpu[0], &done));
	expect_eq(take(fd), 3);
	/* Another width, another address, a read: not this one's. */
	expect_eq(vcpu_run(&vm.vcpu[0]), 0);
	expect(exit_is_write(&vm.vcpu[0], AT, 8, 5));
	expect_eq(vcpu_run(&vm.vcpu[0]), 0);
	expect(exit_is_write(&vm.vcpu[0], AT, 1, 5));
	expect_eq(vcpu_run(&vm.vcpu[0]), 0);
	expect(exit_is_write(&vm.vcpu[0], AT + 4, 4, 5));
	expect_eq(vcpu_run(&vm.vcpu[0]), 0);
	expect(exit_is_read(&vm.vcpu[0], AT, 4));
	expect_eq(take(fd), 0);
	close(fd);
	vm_destroy(&vm);
}

TEST(only_the_matching_value_signals)
{
	int fd = eventfd(0, EFD_NONBLOCK), six = eventfd(0, EFD_NONBLOCK);
	uint64_t done;

	vm_create(&vm, 1);
	expect_eq(io_set(fd, AT, 4, 5, KVM_IOEVENTFD_FLAG_DATAMATCH), 0);
	vcpu_start(&vm.vcpu[0], guest_rings, 0);
	expect_eq(vcpu_run(&vm.vcpu[0]), 0);
	expect(exit_is_write(&vm.vcpu[0], AT, 4, 6));
	expect_eq(io_set(six, AT, 4, 6, KVM_IOEVENTFD_FLAG_DATAMATCH), 0);
	expect(vcpu_run_done(&vm.vcpu[0], &done));
	expect_eq(take(fd), 2);
	expect_eq(take(six), 0);
	vcpu_start(&vm.vcpu[0], guest_rings, 0);
	expect(vcpu_run_done(&vm.vcpu[0], &done));
	expect_eq(take(fd), 2);
	expect_eq(take(six), 1);
	close(fd);
	close(six);
	vm_destroy(&vm);
}

TEST(length_zero_takes_every_width)
{
	int fd = eventfd(0, EFD_NONBLOCK);
	uint64_t done;

	vm_create(&vm, 1);
	expect_eq(io_set(fd, AT, 0, 0, 0), 0);
	vcpu_start(&vm.vcpu[0], guest_rings, 0);
	expect(vcpu_run_done(&vm.vcpu[0], &done));
	expect_eq(vcpu_run(&vm.vcpu[0]), 0);
	expect(exit_is_write(&vm.vcpu[0], AT + 4, 4, 5));
	expect_eq(take(fd), 5);
	close(fd);
	vm_destroy(&vm);
}

TEST(deassigned_it_leaves_to_the_vmm_again)
{
	int fd = eventfd(0, EFD_NONBLOCK);

	vm_create(&vm, 1);
	expect_eq(io_set(fd, AT, 4, 0, 0), 0);
	expect_eq(io_set(fd, AT, 4, 0, KVM_IOEVENTFD_FLAG_DEASSIGN), 0);
	expect_eq(io_set(fd, AT, 4, 0, KVM_IOEVENTFD_FLAG_DEASSIGN), -ENOENT);
	vcpu_start(&vm.vcpu[0], guest_rings, 0);
	expect_eq(vcpu_run(&vm.vcpu[0]), 0);
	expect(exit_is_write(&vm.vcpu[0], AT, 4, 5));
	close(fd);
	vm_destroy(&vm);
}

TEST(bad_ioeventfds_are_refused)
{
	int fd = eventfd(0, EFD_NONBLOCK);

	vm_create(&vm, 1);
	expect_eq(io_set(fd, AT, 3, 0, 0), -EINVAL);
	expect_eq(io_set(fd, AT, 16, 0, 0), -EINVAL);
	expect_eq(io_set(fd, AT, 4, 0, 0x80), -EINVAL);
	expect_eq(io_set(fd, -2ul, 4, 0, 0), -EINVAL);
	expect_eq(io_set(fd, AT, 0, 1, KVM_IOEVENTFD_FLAG_DATAMATCH), -EINVAL);
	expect_eq(io_set(-1, AT, 4, 0, 0), -EBADF);
	expect_eq(io_set(0, AT, 4, 0, 0), -EINVAL);
	expect_eq(io_set(fd, AT, 4, 0, 0), 0);
	expect_eq(io_set(fd, AT, 4, 0, 0), -EEXIST);
	expect_eq(io_set(fd, AT, 4, 7, KVM_IOEVENTFD_FLAG_DATAMATCH), -EEXIST);
	close(fd);
	vm_destroy(&vm);
}

static void *wait_for_bell(void *arg)
{
	struct pollfd p = { *(int *)arg, POLLIN, 0 };

	return (void *)(poll(&p, 1, 10000) == 1 ? take(p.fd) : 0);
}

TEST(a_store_wakes_a_thread_in_poll)
{
	int fd = eventfd(0, EFD_NONBLOCK);
	pthread_t t;
	void *count;
	uint64_t done;

	vm_create(&vm, 1);
	expect_eq(io_set(fd, AT, 4, 5, KVM_IOEVENTFD_FLAG_DATAMATCH), 0);
	pthread_create(&t, NULL, wait_for_bell, &fd);
	sleep_ms(20);
	vcpu_start(&vm.vcpu[0], guest_rings, 0);
	expect_eq(vcpu_run(&vm.vcpu[0]), 0);
	pthread_join(t, &count);
	expect((uintptr_t)count >= 1);
	expect(vcpu_run_done(&vm.vcpu[0], &done));
	close(fd);
	vm_destroy(&vm);
}

static long irqfd_set(int fd, unsigned gsi, unsigned flags)
{
	struct kvm_irqfd irqfd = { .fd = (unsigned)fd, .gsi = gsi, .flags = flags };

	return ioc(vm.fd, KVM_IRQFD, &irqfd);
}

static GUEST void on_irq(struct guest_cpu *cpu)
{
	uint32_t n = irq_acknowledge();

	(void)cpu;
	last_irq = n;
	irq_count++;
	irq_end(n);
}

static GUEST void guest_takes(uint64_t wanted)
{
	guest_self()->on_irq = on_irq;
	gicv3_init();
	gicv3_edge(SPI, true);
	gicv3_enable(SPI, IRQ_PRIORITY);
	irq_enable();
	guest_done(0);
	wfi_until(irq_count >= wanted);
	guest_done(last_irq);
}

/* A guest that has its controller up and is about to sleep until n interrupts came. */
static void guest_prepare(uint64_t n)
{
	uint64_t done;

	vm_create(&vm, 1);
	expect_eq(vm_add_gic(&vm, 64), 0);
	vcpu_start(&vm.vcpu[0], guest_takes, n);
	expect(vcpu_run_done(&vm.vcpu[0], &done));
}

TEST(an_eventfd_raises_an_interrupt)
{
	int fd = eventfd(0, EFD_NONBLOCK);
	uint64_t one = 1, irq;

	guest_prepare(1);
	expect_eq(irqfd_set(fd, SPI - 32, 0), 0);
	expect_eq(sys(__NR_write, fd, &one, 8), 8);
	expect(vcpu_run_done(&vm.vcpu[0], &irq));
	expect_eq(irq, SPI);
	expect_eq(guest_view(&vm, irq_count), 1);
	/* The count was taken by the VM. */
	expect_eq(take(fd), 0);
	close(fd);
	vm_destroy(&vm);
}

TEST(an_eventfd_signalled_before_counts)
{
	int fd = eventfd(3, EFD_NONBLOCK);
	uint64_t irq;

	guest_prepare(1);
	expect_eq(irqfd_set(fd, SPI - 32, 0), 0);
	expect(vcpu_run_done(&vm.vcpu[0], &irq));
	expect_eq(irq, SPI);
	close(fd);
	vm_destroy(&vm);
}

static void *signal_often(void *arg)
{
	uint64_t one = 1;

	for (uint64_t i = 0; i < 20; i++) {
		sys(__NR_write, *(int *)arg, &one, 8);
		for (int n = 0; n < 5000 && guest_view(&vm, irq_count) == i; n++)
			sleep_ms(1);
	}
	return NULL;
}

TEST(a_sleeping_vcpu_is_woken_twenty_times)
{
	int fd = eventfd(0, EFD_NONBLOCK);
	pthread_t t;
	uint64_t irq;

	guest_prepare(20);
	expect_eq(irqfd_set(fd, SPI - 32, 0), 0);
	pthread_create(&t, NULL, signal_often, &fd);
	expect(vcpu_run_done(&vm.vcpu[0], &irq));
	pthread_join(t, NULL);
	expect_eq(guest_view(&vm, irq_count), 20);
	close(fd);
	vm_destroy(&vm);
}

TEST(deassigned_the_eventfd_is_only_an_eventfd)
{
	int fd = eventfd(0, EFD_NONBLOCK);
	uint64_t one = 1;

	guest_prepare(1);
	expect_eq(irqfd_set(fd, SPI - 32, 0), 0);
	expect_eq(irqfd_set(fd, SPI - 32, KVM_IRQFD_FLAG_DEASSIGN), 0);
	sys(__NR_write, fd, &one, 8);
	expect_eq(take(fd), 1);
	expect_eq(guest_view(&vm, irq_count), 0);
	close(fd);
	vm_destroy(&vm);
}

TEST(bad_irqfds_are_refused)
{
	int fd = eventfd(0, EFD_NONBLOCK);

	vm_create(&vm, 1);
	expect_eq(vm_add_gic(&vm, 64), 0);
	expect_eq(irqfd_set(-1, SPI - 32, 0), -EBADF);
	expect_eq(irqfd_set(0, SPI - 32, 0), -EINVAL);
	expect_eq(irqfd_set(fd, SPI - 32, 0x80), -EINVAL);
	expect_eq(irqfd_set(fd, SPI - 32, 0), 0);
	expect_eq(irqfd_set(fd, SPI - 32, 0), -EBUSY);
	close(fd);
	vm_destroy(&vm);
}

TEST(closing_the_eventfd_ends_the_irqfd)
{
	int fd;

	guest_prepare(1);
	for (int i = 0; i < 100; i++) {
		fd = eventfd(0, EFD_NONBLOCK);
		expect_eq(irqfd_set(fd, SPI - 32, 0), 0);
		close(fd);
	}
	vm_destroy(&vm);
}
