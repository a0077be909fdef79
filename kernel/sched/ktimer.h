/* SPDX-License-Identifier: BSD-2-Clause */
/* Timers of the kernel: call fn once at a time, masked, on the CPU that started it. */
#pragma once

#include "arch/timer.h"
#include "lib/rbtree.h"

struct ktimer {
	struct rb_node node;
	uint64_t deadline; /* ns, timer_now() */
	void (*fn)(struct ktimer *t);
	int cpu; /* where it is queued, -1: nowhere */
};

void ktimer_init(struct ktimer *t, void (*fn)(struct ktimer *t));
/* (Re)start. Any context; one caller at a time for one timer. */
void ktimer_start(struct ktimer *t, uint64_t deadline_ns);
/* After it returns fn neither runs nor will run. Not from fn itself, not under a lock that fn
 * takes. */
void ktimer_cancel(struct ktimer *t);
static inline bool ktimer_active(const struct ktimer *t)
{
	return __atomic_load_n(&t->cpu, __ATOMIC_RELAXED) >= 0;
}

/* The calling CPU's timers go to CPU heir, and its hardware is off. Masked. */
void ktimer_hand_over(unsigned heir);

/* Boot, once. */
void ktimer_setup(void);
