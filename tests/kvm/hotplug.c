/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CPUs go off and come again while vCPUs run on them, sleep with a timer set, or left their
 * registers in the bank of the CPU that goes: no register, no interrupt and no timer is lost.
 */
#include <pthread.h>
#include <sched.h>
#include "tests/kvm/lib/fp.h"
#include "tests/kvm/lib/vm.h"
#include "tests/lib/cpus.h"

enum { VIRTUAL = 27, ENABLE = 1, IMASK = 2, ROUNDS = 12, SGI = 3 };

static struct vm vm, other;
static volatile uint64_t stop, turns[8], slept[8], sent, got, no_more;
static int cpus;

static bool machine_fits(void)
{
	cpus = cpus_allowed();
	if (cpus >= 2 && cpu_switch(1, true) == 0)
		return true;
	tap_skip("wants two CPUs that go off");
	return false;
}

/* Registers hold over turns without an exit, with one, and with one to the VMM. */
static GUEST void guest_holds_registers(uint64_t to_vmm)
{
	uint64_t id = guest_self()->id, wrong = 0, low, high;

	while (!stop) {
		uint64_t v = ++turns[id] << 2;

		sysreg_write(contextidr_el1, v);
		sysreg_write(tpidr_el0, v + 4);
		sysreg_write(tpidrro_el0, v + 8);
		sysreg_write(ttbr0_el1, v & 0xfffc);
		__asm__ volatile("fmov d31, %0\n\tmov v31.d[1], %1" ::"r"(v), "r"(~v) : "v31");
		for (unsigned i = 0; i < 5000; i++)
			__asm__ volatile("" ::: "memory");
		if (to_vmm)
			mmio_write64(GUEST_PORT + PORT_TEST, v);
		else
			(void)hvc(0x84000000, 0, 0, 0);
		__asm__ volatile("fmov %0, d31\n\tmov %1, v31.d[1]" : "=r"(low), "=r"(high));
		wrong += low != v || high != ~v;
		wrong += (uint32_t)sysreg_read(contextidr_el1) != (uint32_t)v;
		wrong += sysreg_read(tpidr_el0) != v + 4 || sysreg_read(tpidrro_el0) != v + 8;
		wrong += sysreg_read(ttbr0_el1) != (v & 0xfffc);
	}
	guest_done(wrong);
}

static GUEST void on_irq(struct guest_cpu *cpu)
{
	uint32_t n = irq_acknowledge();

	(void)cpu;
	if (n == VIRTUAL)
		sysreg_write(cntv_ctl_el0, ENABLE | IMASK);
	else if (n == SGI)
		got++;
	isb();
	irq_end(n);
}

/* Sleeps of a millisecond each; after each an SGI to the next vCPU, which answers by nothing. */
static GUEST void guest_sleeps(uint64_t next)
{
	struct guest_cpu *self = guest_self();
	uint64_t early = 0;

	self->on_irq = on_irq;
	gicv3_init();
	gicv3_enable(VIRTUAL, IRQ_PRIORITY);
	irq_enable();
	while (!stop) {
		uint64_t due = sysreg_read(cntvct_el0) + sysreg_read(cntfrq_el0) / 1000;

		sysreg_write(cntv_cval_el0, due);
		sysreg_write(cntv_ctl_el0, ENABLE);
		isb();
		wfi_until(sysreg_read(cntv_ctl_el0) & IMASK);
		early += sysreg_read(cntvct_el0) < due;
		slept[self->id]++;
		if (got == sent) {
			sent++;
			sgi_send(SGI, 1u << next);
		}
	}
	while (got != sent)
		cpu_relax();
	no_more = 1; /* it goes with the last one, not with one that came when stop was set */
	sgi_send(SGI, 1u << next);
	guest_done(early);
}

static GUEST void guest_takes_sgis(uint64_t arg)
{
	(void)arg;
	guest_self()->on_irq = on_irq;
	gicv3_init();
	gicv3_enable(SGI, IRQ_PRIORITY);
	irq_enable();
	wfi_until(no_more);
	guest_done(0);
}

/* A vCPU whose exits the thread takes, moving at each. */
static void *mover(void *arg)
{
	struct vcpu *vcpu = arg;
	uint64_t seed = 5;

	while (vcpu_run(vcpu) == 0 && vcpu->run->exit_reason == KVM_EXIT_MMIO &&
	       vcpu->run->mmio.phys_addr == GUEST_PORT + PORT_TEST) {
		cpu_set_t set = { { 1ul << random_next(&seed) % (uint64_t)cpus } };

		(void)sched_setaffinity(0, sizeof(set), &set); /* that CPU may be off */
	}
	return (void *)(uintptr_t)(vcpu->run->mmio.phys_addr != GUEST_PORT + PORT_DONE ||
				   *(uint64_t *)vcpu->run->mmio.data != 0);
}

struct progress {
	uint64_t turns[2], other, slept, got;
};

static struct progress progress(void)
{
	return (struct progress){ { guest_view(&vm, turns[0]), guest_view(&vm, turns[1]) },
				  guest_view(&other, turns[0]),
				  guest_view(&vm, slept[2]),
				  guest_view(&vm, got) };
}

static bool all_moved(struct progress old)
{
	struct progress now = progress();

	return now.turns[0] > old.turns[0] && now.turns[1] > old.turns[1] &&
	       now.other > old.other && now.slept > old.slept && now.got > old.got;
}

TEST(vcpus_go_on_while_cpus_come_and_go)
{
	int rounds = (int)rounds_wanted(ROUNDS);
	pthread_t moving;
	uint64_t value;
	void *failed;

	if (!machine_fits())
		return;
	vm_create(&vm, 4);
	vm_create(&other, 1);
	require(vm_add_gic(&vm, 64) == 0);
	vcpu_thread_start(&vm.vcpu[0], guest_holds_registers, false);
	vcpu_thread_start(&vm.vcpu[1], guest_holds_registers, false);
	vcpu_thread_start(&vm.vcpu[2], guest_sleeps, 3);
	vcpu_thread_start(&vm.vcpu[3], guest_takes_sgis, 0);
	vcpu_start(&other.vcpu[0], guest_holds_registers, true);
	pthread_create(&moving, NULL, mover, &other.vcpu[0]);
	for (int i = 0; i < rounds && !tap_failed; i++) {
		uint64_t limit = now_ns(CLOCK_MONOTONIC) + 20000000000ull;
		struct progress old = progress();

		expect_eq(cpu_switch(i % cpus, false), 0);
		while (!all_moved(old) && expect(now_ns(CLOCK_MONOTONIC) < limit))
			sleep_ms(2);
		expect_eq(cpu_switch(i % cpus, true), 0);
	}
	guest_view(&vm, stop) = 1;
	guest_view(&other, stop) = 1;
	for (int i = 0; i < 3; i++) {
		expect(vcpu_thread_join(&vm.vcpu[i], &value));
		expect_eq(value, 0);
	}
	expect(vcpu_thread_join(&vm.vcpu[3], &value));
	pthread_join(moving, &failed);
	expect(!failed);
	vm_destroy(&other);
}

/* Nobody runs it: its registers stand in the bank of a CPU that goes, and a VM ends then. */
TEST(what_stands_in_a_bank_outlives_its_cpu)
{
	if (!machine_fits())
		return;
	for (int cpu = 0; cpu < cpus; cpu++) {
		vm_create(&vm, 1);
		vm_create(&other, 1);
		vcpu_start(&vm.vcpu[0], guest_holds_registers, true);
		vcpu_start(&other.vcpu[0], guest_holds_registers, true);
		cpus_pin(cpu);
		expect_eq(vcpu_run(&other.vcpu[0]), 0);
		expect_eq(vcpu_run(&vm.vcpu[0]), 0);
		expect_eq(cpu_switch(cpu, false), 0);
		vm_destroy(&other);
		for (int i = 0; i < 10; i++)
			expect_eq(vcpu_run(&vm.vcpu[0]), 0);
		guest_view(&vm, stop) = 1;
		expect_eq(vcpu_run(&vm.vcpu[0]), 0);
		expect(exit_is_write(&vm.vcpu[0], GUEST_PORT + PORT_DONE, 8, 0));
		expect_eq(cpu_switch(cpu, true), 0);
		cpus_unpin(cpus);
		vm_destroy(&vm);
	}
}
