/* SPDX-License-Identifier: BSD-2-Clause */
/* A lock to sleep for. Not recursive; never taken in interrupts or under a spinlock. */
#pragma once

#include "lib/locks.h"
#include "sched/wait.h"

struct LOCK_TYPE mutex {
	_Atomic(struct thread *) owner;
	struct wait_queue waiters;
};

void mutex_init(struct mutex *m);
void mutex_lock(struct mutex *m) ACQUIRES(*m);
int mutex_lock_interruptible(struct mutex *m) TRY_ACQUIRES(0, *m); /* 0 or -EINTR */
bool mutex_trylock(struct mutex *m) TRY_ACQUIRES(true, *m);
void mutex_unlock(struct mutex *m) RELEASES(*m);
bool mutex_is_mine(const struct mutex *m);
