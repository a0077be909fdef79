/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The generic timer at EL2: CNTPCT_EL0 is the clock of the machine (CNTVOFF_EL2 does not apply at
 * EL2), CNTHP with PPI 26 wakes the host (the vCPUs' timers are CNTV_EL02 and CNTP_EL02,
 * kvm/vtimer.c).
 */
#include "arch/timer.h"

#include "arch/irq.h"
#include "arch/sysreg.h"
#include "lib/check.h"

#define NS_PER_S  1000000000ull
#define TIMER_PPI 26
#define FRACTION  53

static uint64_t frequency;	    /* Hz; set once in boot */
static uint64_t ns_per_tick;	    /* with FRACTION bits behind the point */
static void (*timer_handler)(void); /* set once in boot */

uint64_t timer_frequency(void)
{
	return frequency;
}

uint64_t timer_ticks_to_ns(uint64_t ticks)
{
	return (uint64_t)((unsigned __int128)ticks * ns_per_tick >> FRACTION);
}

uint64_t timer_ns_to_ticks(uint64_t ns)
{
	uint64_t s = ns / NS_PER_S;

	if (s > UINT64_MAX / 2 / frequency)
		return UINT64_MAX / 2;
	/* Round up: a timer never fires before its time. */
	return s * frequency + (ns % NS_PER_S * frequency + NS_PER_S - 1) / NS_PER_S;
}

uint64_t timer_now(void)
{
	return timer_ticks_to_ns(timer_ticks());
}

void timer_set(uint64_t deadline_ns)
{
	if (deadline_ns == TIMER_NEVER) {
		sysreg_write(cnthp_ctl_el2, 0);
		return;
	}
	sysreg_write(cnthp_cval_el2, timer_ns_to_ticks(deadline_ns));
	sysreg_write(cnthp_ctl_el2, CNT_CTL_ENABLE);
}

void timer_set_handler(void (*handler)(void))
{
	timer_handler = handler;
}

static void timer_interrupt(void *arg, unsigned intid)
{
	(void)arg;
	(void)intid;
	/* The line falls before the interrupt is completed: the handler sets the next deadline. */
	sysreg_write(cnthp_ctl_el2, 0);
	isb();
	if (timer_handler)
		timer_handler();
}

/* Rounded up: the tick at which a timer fires is never before its time by timer_now() too, however
 * long the machine has been up. Else it would fire again and again until timer_now() is there. */
static uint64_t period(void)
{
	uint64_t ns = NS_PER_S << 34, rest = ns % frequency; /* the most that fits */

	return (ns / frequency << (FRACTION - 34)) +
	       ((rest << (FRACTION - 34)) + frequency - 1) / frequency;
}

void timer_init(void)
{
	int err;

	frequency = sysreg_read(cntfrq_el0);
	check(frequency >= 1000000);
	ns_per_tick = period();
	err = irq_register(TIMER_PPI, timer_interrupt, NULL, false);
	check(!err);
}

void timer_cpu_init(void)
{
	sysreg_write(cnthp_ctl_el2, 0);
	/* EL0VCTEN: programs read CNTVCT_EL0. EL1's bits are kvm's, which writes the whole
	 * register with the guest bank; they mean nothing while TGE = 1. */
	sysreg_write(cnthctl_el2, BIT(1));
	isb();
	irq_unmask(TIMER_PPI, false);
}
