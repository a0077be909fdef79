/* SPDX-License-Identifier: BSD-2-Clause */
/* A lock to sleep for. Not recursive; never taken in interrupts or under a spinlock. */
#pragma once

#include "lib/locks.h"
#include "sched/wait.h"

struct LOCK_TYPE mutex {
	_Atomic uintptr_t owner; /* its thread, and MUTEX_WAITED; 0: free */
	struct wait_queue waiters;
};
#define MUTEX_WAITED 1ull /* somebody may be in waiters: who unlocks has to look */

void mutex_init(struct mutex *m);
int mutex_wait(struct mutex *m, bool interruptible);
void mutex_unlock_waited(struct mutex *m);

static inline bool mutex_trylock(struct mutex *m) TRY_ACQUIRES(true, *m) NO_LOCK_ANALYSIS
{
	uintptr_t nobody = 0;

	/* acquire: pairs with the release in mutex_unlock() */
	return atomic_compare_exchange_strong_explicit(&m->owner, &nobody,
						       (uintptr_t)thread_current(),
						       memory_order_acquire, memory_order_relaxed);
}

static inline void mutex_lock(struct mutex *m) ACQUIRES(*m) NO_LOCK_ANALYSIS
{
	if (!mutex_trylock(m))
		mutex_wait(m, false);
}

/* 0 or -EINTR */
static inline int mutex_lock_interruptible(struct mutex *m) TRY_ACQUIRES(0, *m) NO_LOCK_ANALYSIS
{
	return mutex_trylock(m) ? 0 : mutex_wait(m, true);
}

static inline void mutex_unlock(struct mutex *m) RELEASES(*m) NO_LOCK_ANALYSIS
{
	uintptr_t me = (uintptr_t)thread_current();

	/* release: what the lock covers, before the next one has it */
	if (!atomic_compare_exchange_strong_explicit(&m->owner, &me, 0, memory_order_release,
						     memory_order_relaxed))
		mutex_unlock_waited(m);
}

bool mutex_is_mine(const struct mutex *m);
