/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What each way out of a guest costs, over the KVM API alone, so that the same binary runs on Stet
 * and on Linux in the same QEMU: `tools/stet-qemu --icount [--kernel linux] --
 * build/user/bench/exits`. Each row makes its own VM; guests time themselves where the VMM is not
 * part of the round.
 */
#include <sched.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "bench/lib/measure.h"
#include "tests/kvm/lib/gic.h"
#include "tests/kvm/lib/vm.h"

enum { VTIMER = 27, SPI = 40, DOORBELL = 0x1000, ENABLE = 1, SMCCC_VERSION = 0x80000000u };

static struct vm vm;
static volatile uint64_t irqs[2], stop, ready;

/* ---- the guests: x0 = rounds; what they are done with is the time they took ---- */

GUEST_INLINE uint64_t guest_ticks(void)
{
	isb();
	return sysreg_read(cntvct_el0);
}

static GUEST void guest_hypercalls(uint64_t rounds)
{
	uint64_t start = guest_ticks();

	while (rounds--)
		hvc(SMCCC_VERSION, 0, 0, 0);
	guest_done(guest_ticks() - start);
}

static GUEST void guest_hypercalls_fp(uint64_t rounds)
{
	uint64_t start = guest_ticks();

	while (rounds--) {
		__asm__ volatile("fadd v0.2d, v0.2d, v1.2d" ::: "memory");
		hvc(SMCCC_VERSION, 0, 0, 0);
	}
	guest_done(guest_ticks() - start);
}

static GUEST void guest_gic_reads(uint64_t rounds)
{
	uint64_t start = guest_ticks();

	while (rounds--)
		mmio_read32(GUEST_GICD + GICD_TYPER);
	guest_done(guest_ticks() - start);
}

static GUEST void guest_doorbells(uint64_t rounds)
{
	uint64_t start = guest_ticks();

	while (rounds--)
		mmio_write32(GUEST_PORT + DOORBELL, 1);
	guest_done(guest_ticks() - start);
}

static GUEST void guest_writes(uint64_t arg)
{
	(void)arg;
	for (;;)
		mmio_write32(GUEST_PORT + PORT_TEST, 1);
}

static GUEST void guest_writes_fp(uint64_t arg)
{
	(void)arg;
	for (;;) {
		__asm__ volatile("fadd v0.2d, v0.2d, v1.2d" ::: "memory");
		mmio_write32(GUEST_PORT + PORT_TEST, 1);
	}
}

static GUEST void on_count(struct guest_cpu *cpu)
{
	uint32_t n = irq_acknowledge();

	irqs[cpu->id]++;
	irq_end(n);
}

static GUEST void irq_setup(void (*handler)(struct guest_cpu *), unsigned irq)
{
	guest_self()->on_irq = handler;
	gicv3_init();
	gicv3_enable(irq, IRQ_PRIORITY);
	irq_enable();
}

static GUEST void guest_answers(uint64_t arg)
{
	(void)arg;
	irq_setup(on_count, 3);
	ready = 1;
	while (!stop)
		cpu_relax();
	guest_done(0);
}

static GUEST void guest_sgis(uint64_t rounds)
{
	uint64_t start, seen = 0;

	irq_setup(on_count, 3);
	while (!ready)
		cpu_relax();
	start = guest_ticks();
	while (rounds--) {
		sgi_send(3, 2);
		while (irqs[1] == seen)
			cpu_relax();
		seen++;
	}
	start = guest_ticks() - start;
	stop = 1;
	sgi_send(3, 2);
	guest_done(start);
}

/* Two vCPUs wake each other and sleep: one round is there and back. */
static GUEST void guest_hands_over(uint64_t rounds)
{
	uint64_t id = guest_self()->id, start, seen = 0;

	irq_setup(on_count, 3);
	if (id == 1)
		ready = 1;
	while (!ready)
		cpu_relax();
	start = guest_ticks();
	while (rounds--) {
		if (id == 0)
			sgi_send(3, 2);
		wfi_until(irqs[id] != seen);
		seen++;
		if (id == 1)
			sgi_send(3, 1);
	}
	guest_done(guest_ticks() - start);
}

static GUEST void on_vtimer(struct guest_cpu *cpu)
{
	uint32_t n = irq_acknowledge();

	sysreg_write(cntv_ctl_el0, 0);
	irqs[cpu->id]++;
	irq_end(n);
}

static GUEST void guest_timer(uint64_t rounds)
{
	uint64_t start, seen = 0;

	irq_setup(on_vtimer, VTIMER);
	start = guest_ticks();
	while (rounds--) {
		sysreg_write(cntv_cval_el0, 0);
		sysreg_write(cntv_ctl_el0, ENABLE);
		isb();
		while (irqs[0] == seen)
			;
		seen++;
	}
	guest_done(guest_ticks() - start);
}

/* How late after its time a sleeping guest runs again. */
static GUEST void guest_wakes(uint64_t rounds)
{
	uint64_t nap = sysreg_read(cntfrq_el0) / 5000, late = 0, due;

	irq_setup(on_vtimer, VTIMER);
	irq_disable();
	while (rounds--) {
		due = guest_ticks() + nap;
		sysreg_write(cntv_cval_el0, due);
		sysreg_write(cntv_ctl_el0, ENABLE);
		isb();
		__asm__ volatile("wfi" ::: "memory");
		late += guest_ticks() - due;
		irq_enable();
		isb();
		irq_disable();
	}
	guest_done(late);
}

static GUEST void on_spi(struct guest_cpu *cpu)
{
	on_count(cpu);
	mmio_write32(GUEST_PORT + PORT_TEST, 1);
}

static GUEST void guest_takes_spis(uint64_t arg)
{
	(void)arg;
	gicv3_edge(SPI, true);
	irq_setup(on_spi, SPI);
	mmio_write32(GUEST_PORT + PORT_TEST, 0);
	for (;;)
		;
}

/* ---- the rows ---- */

static uint64_t getppid_calls(uint64_t rounds)
{
	uint64_t start = ticks_now();

	while (rounds--)
		sys(__NR_getppid);
	return ticks_now() - start;
}

static uint64_t version_ioctls(uint64_t rounds)
{
	uint64_t ticks;

	vm_create_bare(&vm);
	ticks = ticks_now();
	while (rounds--)
		ioc(vm.kvm, KVM_GET_API_VERSION, 0);
	ticks = ticks_now() - ticks;
	vm_destroy(&vm);
	return ticks;
}

/* A guest that times itself. */
static uint64_t guest_timed(void (*fn)(uint64_t), uint64_t rounds)
{
	uint64_t ticks = 0;

	vm_create(&vm, 1);
	if (vm_add_gic(&vm, 64) == 0) {
		vcpu_start(&vm.vcpu[0], fn, rounds);
		vcpu_run_done(&vm.vcpu[0], &ticks);
	}
	vm_destroy(&vm);
	return ticks;
}

static uint64_t hypercalls(uint64_t rounds)
{
	return guest_timed(guest_hypercalls, rounds);
}

static uint64_t hypercalls_fp(uint64_t rounds)
{
	return guest_timed(guest_hypercalls_fp, rounds);
}

static uint64_t gic_reads(uint64_t rounds)
{
	return guest_timed(guest_gic_reads, rounds);
}

static uint64_t timer_interrupts(uint64_t rounds)
{
	return guest_timed(guest_timer, rounds);
}

static uint64_t wake_ups(uint64_t rounds)
{
	return guest_timed(guest_wakes, rounds);
}

static uint64_t mmio_rounds(void (*guest)(uint64_t), bool fp, uint64_t rounds)
{
	uint64_t ticks;
	long err = 0;

	vm_create(&vm, 1);
	vm_add_gic(&vm, 64);
	vcpu_start(&vm.vcpu[0], guest, 0);
	err |= vcpu_run(&vm.vcpu[0]);
	ticks = ticks_now();
	while (rounds-- && !err) {
		err |= vcpu_run(&vm.vcpu[0]);
		if (fp)
			__asm__ volatile("fadd v0.2d, v0.2d, v1.2d" ::: "v0", "memory");
	}
	ticks = ticks_now() - ticks;
	vm_destroy(&vm);
	return err ? 0 : ticks;
}

static uint64_t mmio_plain(uint64_t rounds)
{
	return mmio_rounds(guest_writes, false, rounds);
}

static uint64_t mmio_guest_fp(uint64_t rounds)
{
	return mmio_rounds(guest_writes_fp, false, rounds);
}

static uint64_t mmio_vmm_fp(uint64_t rounds)
{
	return mmio_rounds(guest_writes, true, rounds);
}

static uint64_t mmio_both_fp(uint64_t rounds)
{
	return mmio_rounds(guest_writes_fp, true, rounds);
}

static uint64_t sgis(uint64_t rounds)
{
	uint64_t ticks = 0, ignored;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		return 0;
	vm_create(&vm, 2);
	if (vm_add_gic(&vm, 64) == 0) {
		vcpu_thread_start(&vm.vcpu[1], guest_answers, 0);
		vcpu_start(&vm.vcpu[0], guest_sgis, rounds);
		vcpu_run_done(&vm.vcpu[0], &ticks);
		vcpu_thread_join(&vm.vcpu[1], &ignored);
	}
	vm_destroy(&vm);
	return ticks;
}

/* Both on one CPU; threads inherit the mask. Without the call there is one CPU or no row. */
static bool on_one_cpu(bool on)
{
	static unsigned long all[16];
	unsigned long one[16] = { 1 };

	if (on && sys(__NR_sched_getaffinity, 0, sizeof(all), all) < 0)
		return sysconf(_SC_NPROCESSORS_ONLN) == 1;
	return sys(__NR_sched_setaffinity, 0, sizeof(one), on ? one : all) == 0 ||
	       sysconf(_SC_NPROCESSORS_ONLN) == 1;
}

static uint64_t hand_overs(uint64_t rounds)
{
	uint64_t ticks = 0, ignored;

	if (!on_one_cpu(true))
		return 0;
	vm_create(&vm, 2);
	if (vm_add_gic(&vm, 64) == 0) {
		vcpu_thread_start(&vm.vcpu[1], guest_hands_over, rounds);
		vcpu_thread_start(&vm.vcpu[0], guest_hands_over, rounds);
		vcpu_thread_join(&vm.vcpu[0], &ticks);
		vcpu_thread_join(&vm.vcpu[1], &ignored);
	}
	vm_destroy(&vm);
	on_one_cpu(false);
	return ticks / 2;
}

static uint64_t kicks(uint64_t rounds)
{
	int fd = eventfd(0, EFD_NONBLOCK);
	struct kvm_ioeventfd io = { .addr = GUEST_PORT + DOORBELL, .len = 4, .fd = fd };
	uint64_t ticks = 0, count = 0;

	vm_create(&vm, 1);
	if (vm_add_gic(&vm, 64) == 0 && ioc(vm.fd, KVM_IOEVENTFD, &io) == 0) {
		vcpu_start(&vm.vcpu[0], guest_doorbells, rounds);
		vcpu_run_done(&vm.vcpu[0], &ticks);
	}
	vm_destroy(&vm);
	if (read(fd, &count, sizeof(count)) < 0 || count != rounds)
		ticks = 0;
	close(fd);
	return ticks;
}

/* The VMM writes the eventfd, the guest takes the interrupt and leaves from its handler. */
static uint64_t injections(uint64_t rounds)
{
	int fd = eventfd(0, EFD_NONBLOCK);
	struct kvm_irqfd irqfd = { .fd = (unsigned)fd, .gsi = SPI - 32 };
	uint64_t ticks = 0, one = 1;
	long err;

	vm_create(&vm, 1);
	err = vm_add_gic(&vm, 64);
	err = err ?: ioc(vm.fd, KVM_IRQFD, &irqfd);
	vcpu_start(&vm.vcpu[0], guest_takes_spis, 0);
	err = err ?: vcpu_run(&vm.vcpu[0]);
	ticks = ticks_now();
	while (rounds-- && !err) {
		err = sys(__NR_write, fd, &one, sizeof(one)) != sizeof(one);
		err = err ?: vcpu_run(&vm.vcpu[0]);
	}
	ticks = ticks_now() - ticks;
	vm_destroy(&vm);
	close(fd);
	return err ? 0 : ticks;
}

static const struct row rows[] = {
	{ "getppid", "system call", getppid_calls, 2000 },
	{ "api-version", "KVM_GET_API_VERSION", version_ioctls, 2000 },
	{ "hypercall", "hypercall answered in the kernel", hypercalls, 2000 },
	{ "hypercall-guest-fp", "... the guest uses FP each round", hypercalls_fp, 2000 },
	{ "gic-read", "MMIO read answered by the in-kernel GIC", gic_reads, 2000 },
	{ "mmio", "MMIO exit to the VMM and back, nobody uses FP", mmio_plain, 1000 },
	{ "mmio-guest-fp", "... the guest uses FP each round", mmio_guest_fp, 1000 },
	{ "mmio-vmm-fp", "... the VMM uses FP each round", mmio_vmm_fp, 1000 },
	{ "mmio-both-fp", "... both use FP each round", mmio_both_fp, 1000 },
	{ "sgi", "SGI to another, running vCPU, and seeing its answer", sgis, 500 },
	{ "vtimer", "virtual timer interrupt: arm, take, end", timer_interrupts, 500 },
	{ "wfi-wake", "WFI wake-up: lateness after the timer's due time", wake_ups, 100 },
	{ "hand-over", "one vCPU wakes another on its CPU and sleeps", hand_overs, 300 },
	{ "ioeventfd", "guest store that signals an eventfd", kicks, 2000 },
	{ "irqfd", "eventfd write, interrupt taken, MMIO exit", injections, 500 },
};

int main(int argc, char **argv)
{
	return rows_run(rows, sizeof(rows) / sizeof(rows[0]), argc, argv);
}
