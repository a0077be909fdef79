/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupts for a vCPU whose registers stand in a CPU's guest bank while it does not run: its
 * thread is in the VMM, is preempted, or waits in WFI; or it was evicted by then, looked at, moved.
 * Timers, SGIs, lines and eventfds: each interrupt is taken once, none is lost, none comes twice.
 */
#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include "tests/kvm/lib/gic.h"
#include "tests/kvm/lib/takes.h"
#include "tests/lib/cpus.h"

enum { ROUNDS = 500 };

static struct vm vm;

/* In guest memory: what the VMM says. */
static volatile uint32_t wanted, arm_us, sgis_sent;

/* ---- a vCPU that goes out, and takes what has come since ---- */

static GUEST void on_take(struct guest_cpu *cpu)
{
	uint32_t n = irq_acknowledge();

	(void)cpu;
	if (n >= IRQS)
		return;
	taken[n]++;
	if (n == TIMER) {
		if (takes_now() < sysreg_read(cntv_cval_el0))
			early++;
		takes_timer(0, 0);
	}
	if (n >= LEVEL0) /* the VMM lowers the line */
		mmio_write32(GUEST_PORT + PORT_TEST + 4, n);
	irq_end(n);
}

static GUEST uint32_t all_taken(void)
{
	uint32_t sum = 0;

	for (unsigned n = 0; n < IRQS; n++)
		sum += taken[n];
	return sum;
}

static GUEST void guest_goes_out(uint64_t arg)
{
	(void)arg;
	takes_begin(on_take);
	for (uint32_t round = 0;; round++) {
		uint64_t until;

		if (arm_us)
			takes_timer(takes_now() + takes_us(arm_us), ENABLE);
		mmio_write32(GUEST_PORT + PORT_TEST, round);
		irq_enable();
		until = takes_now() + takes_us(1000000);
		while (all_taken() < wanted && takes_now() < until)
			cpu_relax();
		until = takes_now() + takes_us(50); /* anything more? */
		while (takes_now() < until)
			cpu_relax();
		irq_disable();
	}
}

/* The other vCPU: each time it runs it may send an SGI, and leaves. */
static GUEST void guest_sends(uint64_t arg)
{
	(void)arg;
	gicv3_init();
	for (uint32_t round = 0;; round++) {
		if (sgis_sent < wanted) {
			sgi_send(SGI, 1);
			sgis_sent = wanted;
		}
		mmio_write32(GUEST_PORT + PORT_TEST, round);
	}
}

/* ---- what the VMM does while it is out ---- */

static struct vcpu *vcpu, *other;
static uint64_t seed;
static uint32_t expected[IRQS];

static void spin_ms(unsigned ms)
{
	uint64_t until = now_ns(CLOCK_MONOTONIC) + ms * 1000000ul;

	while (now_ns(CLOCK_MONOTONIC) < until)
		;
}

static void *elsewhere(void *arg)
{
	void (*fn)(void) = (void (*)(void))(uintptr_t)arg;

	fn();
	return NULL;
}

/* By a thread of its own, on any CPU. */
static void do_elsewhere(void (*fn)(void))
{
	pthread_t thread;

	expect_eq(pthread_create(&thread, NULL, elsewhere, (void *)(uintptr_t)fn), 0);
	pthread_join(thread, NULL);
}

static void run_other(void)
{
	guest_view(&vm, wanted) = 0;
	expect_eq(vcpu_run(other), 0);
}

static void send_sgi(void)
{
	guest_view(&vm, sgis_sent) = 0;
	guest_view(&vm, wanted) = 1;
	expect_eq(vcpu_run(other), 0);
	expect_eq(guest_view(&vm, sgis_sent), 1);
}

static void look_at_timer(void)
{
	uint64_t ctl = reg_get64(vcpu, KVM_REG_ARM_TIMER_CTL);

	(void)reg_get64(vcpu, KVM_REG_ARM_TIMER_CVAL);
	expect_eq(ctl & ENABLE, guest_view(&vm, arm_us) != 0);
}

static void look_at_gic(void)
{
	uint32_t value;

	expect_eq(device_get(vm.gic, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS, GICR_SGI + GICD_ISPENDR,
			     &value),
		  0);
	expect_eq(device_get(vm.gic, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, GICD_ISPENDR + 4, &value), 0);
}

/* Something happens; bits of what the guest must take. */
static uint64_t attack(void)
{
	unsigned n = (unsigned)(random_next(&seed) % 4);

	switch (random_next(&seed) % 16) {
	case 0:
		sleep_ms(1);
		return 0;
	case 1:
		spin_ms(1);
		return 0;
	case 2:
		run_other();
		return 0;
	case 3:
		do_elsewhere(run_other);
		return 0;
	case 4:
		cpus_pin((int)(random_next(&seed) % 2) % cpus_allowed());
		return 0;
	case 5:
		look_at_timer();
		return 0;
	case 6:
		do_elsewhere(look_at_timer);
		return 0;
	case 7:
		do_elsewhere(look_at_gic);
		return 0;
	case 8:
		send_sgi();
		return 1ul << SGI;
	case 9:
		do_elsewhere(send_sgi);
		return 1ul << SGI;
	case 10 ... 11:
		takes_pulse(&vm, EDGE0 + n);
		return 1ul << (EDGE0 + n);
	case 12 ... 13:
		takes_signal(n);
		return 1ul << (FDS0 + n);
	case 14:
		vm_irq_line(&vm, LEVEL0 + n, 1);
		return 1ul << (LEVEL0 + n);
	default: /* a level that is gone before the guest looks */
		vm_irq_line(&vm, LEVEL0 + 4 + n, 1);
		look_at_gic();
		vm_irq_line(&vm, LEVEL0 + 4 + n, 0);
		return 0;
	}
}

/* The deadline is over; the VMM moves it away, and nothing of it is left. */
static bool take_timer_back(void)
{
	if (random_next(&seed) % 4)
		return false;
	sleep_ms(1);
	expect_eq(reg_set64(vcpu, KVM_REG_ARM_TIMER_CTL, 0), 0);
	return true;
}

static void one_round(void)
{
	uint32_t armed = guest_view(&vm, arm_us), sum = 0;
	uint64_t come = 0;

	for (unsigned i = random_next(&seed) % 6; i; i--)
		come |= attack();
	if (armed && !take_timer_back())
		come |= 1ul << TIMER;
	for (unsigned n = 0; n < IRQS; n++) {
		expected[n] += come >> n & 1;
		sum += expected[n];
	}
	guest_view(&vm, wanted) = sum;
}

/* Run until it is out again, lowering the lines it has taken. */
static bool run_out(void)
{
	for (;;) {
		uint32_t n;

		if (!expect_eq(vcpu_run(vcpu), 0) ||
		    !expect_eq(vcpu->run->exit_reason, KVM_EXIT_MMIO))
			return false;
		if (vcpu->run->mmio.phys_addr == GUEST_PORT + PORT_TEST)
			return true;
		n = *(uint32_t *)vcpu->run->mmio.data;
		if (!expect(n >= LEVEL0 && n < IRQS))
			return false;
		vm_irq_line(&vm, n, 0);
	}
}

static bool counts_agree(unsigned round)
{
	bool same = true;

	for (unsigned n = 0; n < IRQS; n++) {
		if (guest_view(&vm, taken[n]) == expected[n])
			continue;
		tap_print("# round %u: interrupt %u was taken %u times, not %u\n", round, n,
			  guest_view(&vm, taken[n]), expected[n]);
		same = false;
	}
	return expect(same);
}

static void setup(int vcpus)
{
	takes_create(&vm, vcpus);
	vcpu = &vm.vcpu[0];
	other = &vm.vcpu[1];
}

TEST(what_comes_while_it_is_out_is_taken_once)
{
	unsigned rounds = rounds_wanted(ROUNDS);
	int count = cpus_allowed();

	seed = 11;
	setup(2);
	vcpu_start(vcpu, guest_goes_out, 0);
	vcpu_start(other, guest_sends, 0);
	for (unsigned round = 0; round < rounds && run_out() && counts_agree(round); round++) {
		one_round();
		/* for the next one: it expires while it is out, or perhaps later */
		guest_view(&vm, arm_us) = (uint32_t[]){ 0, 1, 100, 1500 }[random_next(&seed) % 4];
	}
	expect_eq(guest_view(&vm, early), 0);
	expect(expected[TIMER] > rounds / 5 && expected[SGI] > rounds / 25 && expected[EDGE0] > rounds / 50);
	cpus_unpin(count);
	takes_destroy(&vm);
}

/* ---- an expired timer of a vCPU that does not run ---- */

static long interrupts_so_far(void)
{
	FILE *f = fopen("/proc/stet/machine", "r");
	char line[128];
	long n = -1;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, " cpus: interrupts %ld", &n) == 1)
			break;
	if (f)
		fclose(f);
	return n;
}

TEST(an_expired_timer_does_not_interrupt_again_and_again)
{
	long before;

	if (interrupts_so_far() < 0) {
		tap_skip("no /proc/stet/machine here");
		return;
	}
	setup(1);
	guest_view(&vm, arm_us) = 1;
	vcpu_start(vcpu, guest_goes_out, 0);
	expect(run_out());
	for (int spinning = 0; spinning < 2; spinning++) {
		before = interrupts_so_far();
		if (spinning)
			spin_ms(50);
		else
			sleep_ms(50);
		/* a few a tick and CPU; a storm has thousands */
		expect(interrupts_so_far() - before < 300);
	}
	guest_view(&vm, wanted) = 1;
	guest_view(&vm, arm_us) = 0;
	expect(run_out());
	expect_eq(guest_view(&vm, taken[TIMER]), 1);
	takes_destroy(&vm);
}
