/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's two timers: virtual (PPI 27) and physical (PPI 30), while it runs and while it
 * sleeps, and the counter's offset from the VMM. Arm DDI 0487, D11.2.
 */
#include <stddef.h>
#include "tests/kvm/lib/vm.h"

enum { VIRTUAL = 27, PHYSICAL = 30, ENABLE = 1, IMASK = 2, ISTATUS = 4, TICKS = 500 };

static struct vm vm;
static volatile uint64_t fired_at[8], last_irq[8], ticks[8], interval;
static volatile uint64_t results[8];

static GUEST void ctl_write(unsigned irq, uint64_t v)
{
	if (irq == VIRTUAL)
		sysreg_write(cntv_ctl_el0, v);
	else
		sysreg_write(cntp_ctl_el0, v);
	isb();
}

static GUEST uint64_t ctl_read(unsigned irq)
{
	return irq == VIRTUAL ? sysreg_read(cntv_ctl_el0) : sysreg_read(cntp_ctl_el0);
}

static GUEST void cval_write(unsigned irq, uint64_t v)
{
	if (irq == VIRTUAL)
		sysreg_write(cntv_cval_el0, v);
	else
		sysreg_write(cntp_cval_el0, v);
	isb();
}

static GUEST uint64_t count(unsigned irq)
{
	isb();
	return irq == VIRTUAL ? sysreg_read(cntvct_el0) : sysreg_read(cntpct_el0);
}

/* The timer's interrupt comes once: the handler masks it at the timer. */
static GUEST void on_timer(struct guest_cpu *cpu)
{
	uint32_t n = irq_acknowledge();

	last_irq[cpu->id] = n;
	fired_at[cpu->id] = count(n);
	if (n == VIRTUAL || n == PHYSICAL)
		ctl_write(n, ENABLE | IMASK);
	irq_end(n);
}

static GUEST void timer_setup(unsigned irq, void (*handler)(struct guest_cpu *))
{
	struct guest_cpu *self = guest_self();

	self->on_irq = handler;
	gicv3_init();
	gicv3_enable(irq, IRQ_PRIORITY);
	irq_enable();
}

static GUEST uint64_t ms(uint64_t n)
{
	return sysreg_read(cntfrq_el0) / 1000 * n;
}

static bool run(void (*fn)(uint64_t), uint64_t arg, uint64_t *value)
{
	vm_create(&vm, 1);
	expect_eq(vm_add_gic(&vm, 64), 0);
	vcpu_start(&vm.vcpu[0], fn, arg);
	return vcpu_run_done(&vm.vcpu[0], value);
}

/* Arm for 5 ms from now, wait in the way asked for, and give the lateness in ticks. */
static GUEST uint64_t fire_once(unsigned irq, bool sleep)
{
	uint64_t due = count(irq) + ms(5), irqs = guest_self()->irqs;

	cval_write(irq, due);
	ctl_write(irq, ENABLE);
	if (sleep)
		wfi_until(guest_self()->irqs != irqs);
	while (guest_self()->irqs == irqs)
		cpu_relax();
	return fired_at[0] - due;
}

static GUEST void guest_fires(uint64_t irq)
{
	timer_setup((unsigned)irq, on_timer);
	results[0] = fire_once((unsigned)irq, false);
	results[1] = fire_once((unsigned)irq, true);
	results[2] = fire_once((unsigned)irq, false);
	results[3] = last_irq[0];
	results[4] = sysreg_read(cntfrq_el0);
	guest_done(guest_self()->irqs);
}

static void expect_fires(unsigned irq)
{
	uint64_t irqs, hz;

	expect(run(guest_fires, irq, &irqs));
	hz = guest_view(&vm, results[4]);
	expect_eq(irqs, 3);
	expect_eq(guest_view(&vm, results[3]), irq);
	for (int i = 0; i < 3; i++) {
		/* Never early; late by less than two seconds. */
		expect(guest_view(&vm, results[i]) < 2 * hz);
	}
	vm_destroy(&vm);
}

TEST(the_virtual_timer_fires_running_and_asleep)
{
	expect_fires(VIRTUAL);
}

TEST(the_physical_timer_fires_running_and_asleep)
{
	expect_fires(PHYSICAL);
}

static GUEST void guest_masked(uint64_t irq)
{
	unsigned n = (unsigned)irq;
	uint64_t until;

	timer_setup(n, on_timer);
	cval_write(n, count(n));
	ctl_write(n, ENABLE | IMASK);
	until = count(n) + ms(5);
	while (count(n) < until)
		;
	results[0] = guest_self()->irqs;
	results[1] = ctl_read(n);
	ctl_write(n, ENABLE);
	for (until = count(n) + ms(2000); !guest_self()->irqs && count(n) < until;)
		;
	results[2] = guest_self()->irqs;
	ctl_write(n, 0);
	results[3] = ctl_read(n) & (ENABLE | IMASK);
	guest_done(1);
}

static void expect_masked(unsigned irq)
{
	uint64_t done;

	expect(run(guest_masked, irq, &done));
	expect_eq(guest_view(&vm, results[0]), 0);
	expect_eq(guest_view(&vm, results[1]), ENABLE | IMASK | ISTATUS);
	expect_eq(guest_view(&vm, results[2]), 1);
	expect_eq(guest_view(&vm, results[3]), 0);
	vm_destroy(&vm);
}

TEST(a_masked_timer_is_silent_until_unmasked)
{
	expect_masked(VIRTUAL);
	expect_masked(PHYSICAL);
}

/* Leaves the condition true the first two times: a level interrupt comes again. */
static GUEST void on_timer_third_time(struct guest_cpu *cpu)
{
	uint32_t n = irq_acknowledge();

	if (cpu->irqs == 3)
		ctl_write(n, 0);
	irq_end(n);
}

static GUEST void guest_level(uint64_t irq)
{
	unsigned n = (unsigned)irq;
	uint64_t until;

	timer_setup(n, on_timer_third_time);
	cval_write(n, count(n));
	ctl_write(n, ENABLE);
	for (until = count(n) + ms(20); count(n) < until;)
		;
	guest_done(guest_self()->irqs);
}

TEST(the_timer_interrupt_is_a_level)
{
	uint64_t irqs;

	expect(run(guest_level, VIRTUAL, &irqs));
	expect_eq(irqs, 3);
	vm_destroy(&vm);
	expect(run(guest_level, PHYSICAL, &irqs));
	expect_eq(irqs, 3);
	vm_destroy(&vm);
}

static GUEST void guest_disabled(uint64_t irq)
{
	unsigned n = (unsigned)irq;
	uint64_t until;

	timer_setup(n, on_timer);
	gicv3_disable(n);
	cval_write(n, count(n));
	ctl_write(n, ENABLE);
	for (until = count(n) + ms(5); count(n) < until;)
		;
	results[0] = guest_self()->irqs;
	results[1] = mmio_read32(gicr_sgi_base() + 0x200) >> n & 1; /* GICR_ISPENDR0 */
	gicv3_enable(n, IRQ_PRIORITY);
	for (until = count(n) + ms(2000); !guest_self()->irqs && count(n) < until;)
		;
	results[2] = guest_self()->irqs;
	guest_done(1);
}

TEST(a_disabled_interrupt_waits)
{
	uint64_t done;

	expect(run(guest_disabled, VIRTUAL, &done));
	expect_eq(guest_view(&vm, results[0]), 0);
	expect_eq(guest_view(&vm, results[1]), 1);
	expect_eq(guest_view(&vm, results[2]), 1);
	vm_destroy(&vm);
}

static GUEST void guest_wfi_masked(uint64_t irq)
{
	unsigned n = (unsigned)irq;

	timer_setup(n, on_timer);
	irq_disable();
	cval_write(n, count(n) + ms(5));
	ctl_write(n, ENABLE);
	while (!(ctl_read(n) & ISTATUS))
		__asm__ volatile("wfi");
	results[0] = guest_self()->irqs;
	irq_enable();
	isb();
	results[1] = guest_self()->irqs;
	guest_done(1);
}

TEST(wfi_wakes_with_interrupts_masked)
{
	uint64_t done;

	expect(run(guest_wfi_masked, VIRTUAL, &done));
	expect_eq(guest_view(&vm, results[0]), 0);
	expect_eq(guest_view(&vm, results[1]), 1);
	vm_destroy(&vm);
}

/* The last one stops the timer: where a tick takes longer than the interval nothing else would run. */
static GUEST void on_tick(struct guest_cpu *cpu)
{
	uint32_t n = irq_acknowledge();

	if (++ticks[cpu->id] == TICKS)
		ctl_write(n, 0);
	else
		cval_write(n, count(n) + interval);
	irq_end(n);
}

static GUEST void guest_ticks(uint64_t arg)
{
	struct guest_cpu *self = guest_self();
	uint64_t until;

	(void)arg;
	interval = sysreg_read(cntfrq_el0) / 5000; /* 200 us */
	timer_setup(VIRTUAL, on_tick);
	until = count(VIRTUAL) + ms(20000);
	cval_write(VIRTUAL, count(VIRTUAL) + interval);
	ctl_write(VIRTUAL, ENABLE);
	while (ticks[self->id] < TICKS && count(VIRTUAL) < until) {
		if (ticks[self->id] & 1)
			wfi_until(!(ticks[self->id] & 1));
	}
	irq_disable();
	guest_done(ticks[self->id]);
}

TEST(five_hundred_ticks_on_each_of_two_vcpus)
{
	uint64_t a, b;

	vm_create(&vm, 2);
	expect_eq(vm_add_gic(&vm, 64), 0);
	vcpu_thread_start(&vm.vcpu[0], guest_ticks, 0);
	vcpu_thread_start(&vm.vcpu[1], guest_ticks, 0);
	expect(vcpu_thread_join(&vm.vcpu[0], &a));
	expect(vcpu_thread_join(&vm.vcpu[1], &b));
	expect_eq(a, TICKS);
	expect_eq(b, TICKS);
	vm_destroy(&vm);
}

static GUEST void guest_counter(uint64_t arg)
{
	(void)arg;
	results[0] = count(VIRTUAL);
	results[1] = count(PHYSICAL);
	guest_done(1);
}

TEST(the_vmm_sets_the_virtual_counter)
{
	uint64_t done, hz, want = 0x123456789000;

	__asm__("mrs %0, cntfrq_el0" : "=r"(hz));
	vm_create(&vm, 1);
	expect_eq(vm_add_gic(&vm, 64), 0);
	expect_eq(reg_set64(&vm.vcpu[0], KVM_REG_ARM_TIMER_CNT, want), 0);
	expect(reg_get64(&vm.vcpu[0], KVM_REG_ARM_TIMER_CNT) - want < 10 * hz);
	vcpu_start(&vm.vcpu[0], guest_counter, 0);
	expect(vcpu_run_done(&vm.vcpu[0], &done));
	expect(guest_view(&vm, results[0]) - want < 10 * hz);
	vm_destroy(&vm);
}

static GUEST void guest_sets_timer(uint64_t arg)
{
	cval_write(VIRTUAL, arg);
	ctl_write(VIRTUAL, ENABLE | IMASK);
	guest_done(0);
	guest_done(ctl_read(VIRTUAL) << 32 | (sysreg_read(cntv_cval_el0) & 0xffffffff));
}

TEST(the_vmm_reads_and_writes_the_timer)
{
	struct vcpu *vcpu = &vm.vcpu[0];
	uint64_t done;

	expect(run(guest_sets_timer, 0x7000000000001234, &done));
	expect_eq(reg_get64(vcpu, KVM_REG_ARM_TIMER_CVAL), 0x7000000000001234);
	expect_eq(reg_get64(vcpu, KVM_REG_ARM_TIMER_CTL), ENABLE | IMASK);
	expect_eq(reg_set64(vcpu, KVM_REG_ARM_TIMER_CVAL, 0x7fffffff00005678), 0);
	expect_eq(reg_set64(vcpu, KVM_REG_ARM_TIMER_CTL, IMASK), 0);
	expect(vcpu_run_done(vcpu, &done));
	expect_eq(done, (uint64_t)IMASK << 32 | 0x5678);
	vm_destroy(&vm);
}

static GUEST void guest_tval(uint64_t arg)
{
	uint64_t before, cval;

	(void)arg;
	before = count(VIRTUAL);
	sysreg_write(cntv_tval_el0, 1000);
	isb();
	cval = sysreg_read(cntv_cval_el0);
	results[0] = cval - before;
	sysreg_write(cntp_tval_el0, 0xffffffff); /* -1: just past */
	isb();
	results[1] = count(PHYSICAL) - sysreg_read(cntp_cval_el0);
	ctl_write(PHYSICAL, ENABLE | IMASK);
	results[2] = ctl_read(PHYSICAL);
	guest_done(1);
}

TEST(timer_values_count_from_now)
{
	uint64_t done, hz;

	__asm__("mrs %0, cntfrq_el0" : "=r"(hz));
	expect(run(guest_tval, 0, &done));
	expect(guest_view(&vm, results[0]) >= 1000 && guest_view(&vm, results[0]) < 1000 + 2 * hz);
	expect(guest_view(&vm, results[1]) < 2 * hz);
	expect_eq(guest_view(&vm, results[2]), ENABLE | IMASK | ISTATUS);
	vm_destroy(&vm);
}
