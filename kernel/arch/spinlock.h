/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ticket locks. Those also taken in interrupt handlers are taken with the _irqsave forms
 * everywhere. One order for all: docs/locking.md. Nobody sleeps, allocates or touches user memory
 * under one. clang checks the annotations (-Wthread-safety).
 */
#pragma once

#include <stdatomic.h>

#include "lib/locks.h"
#include "arch/irq.h"

struct LOCK_TYPE spinlock {
	_Atomic uint32_t next, owner;
};

#define SPINLOCK_INIT                                                                              \
	{                                                                                          \
		0, 0                                                                               \
	}

void spin_lock_contended(struct spinlock *lock, uint32_t ticket);

static inline void spin_lock(struct spinlock *lock) ACQUIRES(*lock) NO_LOCK_ANALYSIS
{
	uint32_t ticket = atomic_fetch_add_explicit(&lock->next, 1, memory_order_relaxed);

	/* acquire: pairs with the release in spin_unlock() */
	if (atomic_load_explicit(&lock->owner, memory_order_acquire) != ticket)
		spin_lock_contended(lock, ticket);
}

static inline void spin_unlock(struct spinlock *lock) RELEASES(*lock) NO_LOCK_ANALYSIS
{
	uint32_t owner = atomic_load_explicit(&lock->owner, memory_order_relaxed);

	/* release: pairs with the acquire in spin_lock() */
	atomic_store_explicit(&lock->owner, owner + 1, memory_order_release);
}

static inline uint64_t spin_lock_irqsave(struct spinlock *lock) ACQUIRES(*lock) NO_LOCK_ANALYSIS
{
	uint64_t daif = irq_save();

	spin_lock(lock);
	return daif;
}

static inline void spin_unlock_irqrestore(struct spinlock *lock, uint64_t daif)
	RELEASES(*lock) NO_LOCK_ANALYSIS
{
	spin_unlock(lock);
	irq_restore(daif);
}
