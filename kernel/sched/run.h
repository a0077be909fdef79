/* SPDX-License-Identifier: BSD-2-Clause */
/* Run queues: which thread has which CPU. */
#pragma once

#include "sched/thread.h"

/* Boot: the calling CPU's current thread becomes its idle thread, on the stack it is on. */
void run_cpu_init(uint64_t stack);
/* The calling thread stays on its CPU, but no other is any more, and none comes. */
void run_close(void);
/* The idle thread's loop, for each CPU at the end of its start-up. */
_Noreturn void run_idle(void);
/* Does nothing run on that CPU? A hint, unless it is the caller's. */
bool run_is_idle(unsigned cpu);
/* Called around WFI of an idle CPU, masked; kvm closes ICH_HCR_EL2 there. Set once. */
void run_set_idle_hook(void (*hook)(bool enter));

struct run_stats {
	uint64_t switches, steals, wakeups;
	uint64_t idle_ns;
	unsigned runnable;
};
void run_stats(unsigned cpu, struct run_stats *out);
