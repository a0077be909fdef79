/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mutexes: one word when nobody waits. Waiters are served in the order they came, but a thread that
 * comes by just then may be first: nothing is handed over.
 */
#include "sched/mutex.h"

#include "lib/check.h"

void mutex_init(struct mutex *m)
{
	atomic_store_explicit(&m->owner, 0, memory_order_relaxed);
	wait_queue_init(&m->waiters);
}

/* By a thread in the queue: take it, or have its owner look at the queue when it unlocks. There may be
 * more in the queue, so whoever gets it here looks, too. */
static bool take_or_mark(struct mutex *m)
{
	uintptr_t owner = atomic_load_explicit(&m->owner, memory_order_relaxed), next;

	do {
		next = (owner ? owner : (uintptr_t)thread_current()) | MUTEX_WAITED;
		/* acquire: as in mutex_trylock() */
	} while (!atomic_compare_exchange_weak_explicit(
		&m->owner, &owner, next, memory_order_acquire, memory_order_relaxed));
	return !owner;
}

int mutex_wait(struct mutex *m, bool interruptible)
{
	struct wait_entry e = { .func = wait_wake_thread,
				.thread = thread_current(),
				.exclusive = true };
	int err = 0;

	check(!mutex_is_mine(m));
	wait_add(&m->waiters, &e);
	for (;;) {
		thread_prepare_block();
		if (take_or_mark(m))
			break;
		err = wait_sleep(interruptible, TIMER_NEVER);
		if (err)
			break;
	}
	thread_cancel_block();
	wait_remove(&m->waiters, &e);
	if (err) /* the wake that was for us goes on to the next */
		wake_up_one(&m->waiters, 0);
	return err;
}

void mutex_unlock_waited(struct mutex *m)
{
	check(mutex_is_mine(m));
	/* The mark was seen, so who set it is seen in the queue; free before the next is woken. */
	atomic_thread_fence(memory_order_acquire);
	atomic_store_explicit(&m->owner, 0, memory_order_release);
	wake_up_one(&m->waiters, 0);
}

bool mutex_is_mine(const struct mutex *m)
{
	uintptr_t owner = atomic_load_explicit(&m->owner, memory_order_relaxed);

	return (owner & ~MUTEX_WAITED) == (uintptr_t)thread_current();
}
