/* SPDX-License-Identifier: BSD-2-Clause */
/* See takes.h. */
#include <sys/eventfd.h>
#include <unistd.h>
#include "tests/kvm/lib/gic.h"
#include "tests/kvm/lib/takes.h"

volatile uint32_t taken[IRQS], early;
static int fds[LEVEL0 - FDS0];

GUEST void takes_timer(uint64_t due, uint64_t ctl)
{
	sysreg_write(cntv_cval_el0, due);
	sysreg_write(cntv_ctl_el0, ctl);
	isb();
}

GUEST void takes_timer_off(struct guest_cpu *cpu)
{
	uint32_t n = irq_acknowledge();

	(void)cpu;
	takes_timer(0, 0);
	taken[TIMER]++;
	irq_end(n);
}

GUEST uint64_t takes_now(void)
{
	isb();
	return sysreg_read(cntvct_el0);
}

GUEST uint64_t takes_us(uint64_t n)
{
	return sysreg_read(cntfrq_el0) / 1000 * n / 1000;
}

GUEST void takes_begin(void (*handler)(struct guest_cpu *))
{
	guest_self()->on_irq = handler;
	gicv3_init();
	gicv3_enable(SGI, IRQ_PRIORITY);
	gicv3_enable(TIMER, IRQ_PRIORITY);
	for (unsigned n = EDGE0; n < IRQS; n++) {
		gicv3_edge(n, n < LEVEL0);
		gicv3_enable(n, IRQ_PRIORITY);
		mmio_write64(GUEST_GICD + GICD_IROUTER + 8 * n, guest_self()->id);
	}
}

void takes_create(struct vm *vm, int vcpus)
{
	vm_create(vm, vcpus);
	expect_eq(vm_add_gic(vm, 64), 0);
	for (unsigned i = 0; i < LEVEL0 - FDS0; i++) {
		struct kvm_irqfd irqfd = { .gsi = FDS0 - 32 + i };

		fds[i] = eventfd(0, EFD_NONBLOCK);
		irqfd.fd = (uint32_t)fds[i];
		expect_eq(ioc(vm->fd, KVM_IRQFD, &irqfd), 0);
	}
}

void takes_destroy(struct vm *vm)
{
	for (unsigned i = 0; i < LEVEL0 - FDS0; i++)
		close(fds[i]);
	vm_destroy(vm);
}

void takes_pulse(struct vm *vm, unsigned n)
{
	expect_eq(vm_irq_line(vm, n, 1), 0);
	expect_eq(vm_irq_line(vm, n, 0), 0);
}

void takes_signal(unsigned i)
{
	uint64_t one = 1;

	expect_eq(write(fds[i], &one, 8), 8);
}
