/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The slow half of a ticket lock. A lock that cannot be had for seconds is a mistake of ours (its
 * holder waits, or is stuck with interrupts masked): say so and stop.
 */
#include "arch/spinlock.h"

#include "arch/cpu.h"
#include "arch/timer.h"
#include "lib/check.h"

#define SPIN_LIMIT_NS 20000000000ull /* QEMU's other CPUs may not run for a while */

void spin_lock_contended(struct spinlock *lock, uint32_t ticket)
{
	uint64_t start = timer_now();

	/* acquire: pairs with the release in spin_unlock() */
	while (atomic_load_explicit(&lock->owner, memory_order_acquire) != ticket) {
		__asm__ volatile("yield");
		if (timer_now() - start > SPIN_LIMIT_NS)
			panic("cpu %u waits for a spinlock (ticket %u, owner %u)", cpu_id(), ticket,
			      atomic_load_explicit(&lock->owner, memory_order_relaxed));
	}
}
