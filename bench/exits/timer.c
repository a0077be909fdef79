/* SPDX-License-Identifier: BSD-2-Clause */
/* The virtual timer: programming it, its interrupt, waking by it, and the VMM setting it. */
#include "bench/exits/rows.h"

static const uint64_t FAR_AHEAD = 1ull << 62;

static GUEST void on_vtimer(struct guest_cpu *cpu)
{
	uint32_t n = irq_acknowledge();

	sysreg_write(cntv_ctl_el0, 0);
	irqs[cpu->id]++;
	irq_end(n);
}

GUEST_INLINE void guest_timer_with(uint64_t rounds, enum fp fp)
{
	uint64_t begin, seen = 0;

	guest_takes(on_vtimer, VTIMER);
	begin = section_begin();
	while (rounds--) {
		guest_fp(fp);
		sysreg_write(cntv_cval_el0, 0);
		sysreg_write(cntv_ctl_el0, TIMER_ENABLE);
		isb();
		while (irqs[0] == seen)
			;
		seen++;
	}
	guest_done(section_end(begin));
}
GUEST_PAIR(guest_timer)

static GUEST void guest_programs(uint64_t rounds)
{
	uint64_t begin;

	guest_takes(on_vtimer, VTIMER);
	begin = section_begin();
	while (rounds--) {
		sysreg_write(cntv_cval_el0, FAR_AHEAD);
		sysreg_write(cntv_ctl_el0, TIMER_ENABLE);
		isb();
	}
	begin = section_end(begin);
	sysreg_write(cntv_ctl_el0, 0);
	guest_done(begin);
}

/* How late after its time a sleeping guest runs again. The marks hold going to sleep and waking. */
GUEST_INLINE void guest_wakes_with(uint64_t rounds, enum fp fp)
{
	uint64_t nap = sysreg_read(cntfrq_el0) / 5000, late = 0, due;

	guest_takes(on_vtimer, VTIMER);
	irq_disable();
	while (rounds--) {
		due = ticks_now() + nap;
		sysreg_write(cntv_cval_el0, due);
		sysreg_write(cntv_ctl_el0, TIMER_ENABLE);
		isb();
		MARK_BEGIN;
		__asm__ volatile("wfi" ::: "memory");
		guest_fp(fp);
		late += section_end(due);
		irq_enable();
		isb();
		irq_disable();
	}
	guest_done(late);
}
GUEST_PAIR(guest_wakes)

static uint64_t timer_sets(const struct row *row, uint64_t rounds)
{
	uint64_t ticks;
	long err;

	vm_create(&vm, 1);
	vm_add_gic(&vm, 64);
	vcpu_start(&vm.vcpu[0], row->guest, 0);
	err = vcpu_run(&vm.vcpu[0]);
	ticks = section_begin();
	while (rounds-- && !err)
		err = reg_set64(&vm.vcpu[0], KVM_REG_ARM_TIMER_CVAL, FAR_AHEAD);
	ticks = section_end(ticks);
	vm_destroy(&vm);
	return err ? 0 : ticks;
}

static const struct row rows[] = {
	{ "vtimer", "virtual timer interrupt: arm, take, end", guest_timed, 500, guest_timer,
	  FP_NOBODY },
	{ "vtimer-guest-fp", "... the guest uses FP each round", guest_timed, 200, guest_timer_fp,
	  FP_GUEST },
	{ "timer-program", "the guest programs its timer, which does not trap", guest_timed, 2000,
	  guest_programs, FP_NOBODY },
	{ "timer-set", "the VMM programs the guest's timer (ONE_REG)", timer_sets, 1000,
	  guest_writes, FP_NOBODY },
	{ "wfi-wake", "WFI wake-up: lateness after the timer's due time", guest_timed, 100,
	  guest_wakes, FP_NOBODY },
	{ "wfi-wake-guest-fp", "... lateness until the guest has used FP", guest_timed, 50,
	  guest_wakes_fp, FP_GUEST },
};
const struct row_list timer_rows = ROW_LIST(rows);
