/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The slow half of a ticket lock. A lock that cannot be had for seconds is a mistake of ours (its
 * holder waits, or is stuck with interrupts masked): say so and stop.
 *
 * Nobody notes who has a lock: that would cost each exit. But the holder is a CPU that does not
 * wait for it, and all of those are made to print where they are.
 */
#include "arch/spinlock.h"

#include "arch/cpu.h"
#include "arch/panic.h"
#include "arch/timer.h"
#include "lib/check.h"
#include "lib/printk.h"

#define SPIN_LIMIT_NS 8000000000ull /* QEMU's other CPUs may not run for a while */

static const struct spinlock *waits_for[MAX_CPUS]; /* written by that CPU */

static void report_holder(const struct spinlock *lock, uint32_t ticket)
{
	uint32_t owner = atomic_load_explicit(&lock->owner, memory_order_relaxed);
	bool found = false;

	for (unsigned cpu = 0; cpu < cpu_count(); cpu++) {
		const struct spinlock *other = __atomic_load_n(&waits_for[cpu], __ATOMIC_RELAXED);

		if (other == lock || !cpu_is_online(cpu))
			continue;
		found = true;
		printk("spinlock %lx: cpu %u may have it", (uint64_t)lock, cpu);
		if (other)
			printk(" and waits for spinlock %lx", (uint64_t)other);
		printk("\n");
		panic_show_cpu(cpu);
	}
	panic("cpu %u waits for spinlock %lx (ticket %u, owner %u)%s", cpu_id(), (uint64_t)lock,
	      ticket, owner, found ? "" : ", which itself or another that waits has");
}

void spin_lock_contended(struct spinlock *lock, uint32_t ticket)
{
	const struct spinlock **waits = &waits_for[cpu_id()];
	const struct spinlock *outer = *waits; /* this may be an interrupt handler */
	uint64_t start = timer_now();

	__atomic_store_n(waits, lock, __ATOMIC_RELAXED);
	/* acquire: pairs with the release in spin_unlock() */
	while (atomic_load_explicit(&lock->owner, memory_order_acquire) != ticket) {
		__asm__ volatile("yield");
		if (timer_now() - start > SPIN_LIMIT_NS)
			report_holder(lock, ticket);
	}
	__atomic_store_n(waits, outer, __ATOMIC_RELAXED);
}
