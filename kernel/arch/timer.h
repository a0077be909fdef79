/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The counter and the host's one-shot timer (CNTHP, PPI 26) of each CPU.
 */
#pragma once

#include "lib/types.h"

uint64_t timer_frequency(void); /* Hz, CNTFRQ_EL0 */
static inline uint64_t timer_ticks(void) /* CNTPCT_EL0; EL2 has no offset */
{
	uint64_t ticks;

	/* No ISB: a read that is a few instructions early is as good for what the host does with it. */
	__asm__ volatile("mrs %0, cntpct_el0" : "=r"(ticks));
	return ticks;
}
uint64_t timer_now(void);	/* ns since the counter was zero; monotonic over all CPUs */
uint64_t timer_ticks_to_ns(uint64_t ticks);
uint64_t timer_ns_to_ticks(uint64_t ns); /* saturates */
/* Interrupt this CPU at that time (ns); TIMER_NEVER: not at all. Masked. */
#define TIMER_NEVER UINT64_MAX
void timer_set(uint64_t deadline_ns);
/* Who gets it: sched/ktimer.c. Runs masked. */
void timer_set_handler(void (*handler)(void));
/* Once, and on each CPU. */
void timer_init(void);
void timer_cpu_init(void);
