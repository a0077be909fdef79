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

static GUEST void guest_timer(uint64_t rounds)
{
	uint64_t begin, seen = 0;

	guest_takes(on_vtimer, VTIMER);
	begin = section_begin();
	while (rounds--) {
		sysreg_write(cntv_cval_el0, 0);
		sysreg_write(cntv_ctl_el0, TIMER_ENABLE);
		isb();
		while (irqs[0] == seen)
			;
		seen++;
	}
	guest_done(section_end(begin));
}

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
static GUEST void guest_wakes(uint64_t rounds)
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
		late += section_end(due);
		irq_enable();
		isb();
		irq_disable();
	}
	guest_done(late);
}

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
	{ "timer-program", "the guest programs its timer, which does not trap", guest_timed, 2000,
	  guest_programs, FP_NOBODY },
	{ "timer-set", "the VMM programs the guest's timer (ONE_REG)", timer_sets, 1000,
	  guest_writes, FP_NOBODY },
	{ "wfi-wake", "WFI wake-up: lateness after the timer's due time", guest_timed, 100,
	  guest_wakes, FP_NOBODY },
};
const struct row_list timer_rows = ROW_LIST(rows);
