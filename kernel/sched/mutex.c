/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mutexes: one word when nobody waits. Waiters are served in the order they came, but a thread that
 * comes by just then may be first: nothing is handed over.
 */
#include "sched/mutex.h"

#include "lib/check.h"

void mutex_init(struct mutex *m)
{
	atomic_store_explicit(&m->owner, NULL, memory_order_relaxed);
	wait_queue_init(&m->waiters);
}

bool mutex_trylock(struct mutex *m) NO_LOCK_ANALYSIS
{
	struct thread *nobody = NULL;

	/* acquire: pairs with the release in mutex_unlock() */
	return atomic_compare_exchange_strong_explicit(&m->owner, &nobody, thread_current(),
						       memory_order_acquire, memory_order_relaxed);
}

static int mutex_wait(struct mutex *m, bool interruptible) NO_LOCK_ANALYSIS
{
	struct wait_entry e = { .func = wait_wake_thread,
				.thread = thread_current(),
				.exclusive = true };
	int err = 0;

	check(!mutex_is_mine(m));
	wait_add(&m->waiters, &e);
	for (;;) {
		thread_prepare_block();
		if (mutex_trylock(m))
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

void mutex_lock(struct mutex *m) NO_LOCK_ANALYSIS
{
	if (!mutex_trylock(m))
		mutex_wait(m, false);
}

int mutex_lock_interruptible(struct mutex *m) NO_LOCK_ANALYSIS
{
	return mutex_trylock(m) ? 0 : mutex_wait(m, true);
}

void mutex_unlock(struct mutex *m) NO_LOCK_ANALYSIS
{
	check(mutex_is_mine(m));
	/* seq_cst: the owner before the waiters are looked at; partner: mutex_wait() is in the
	 * queue before its last mutex_trylock(). */
	atomic_store_explicit(&m->owner, NULL, memory_order_seq_cst);
	atomic_thread_fence(memory_order_seq_cst);
	if (!wait_queue_empty(&m->waiters))
		wake_up_one(&m->waiters, 0);
}

bool mutex_is_mine(const struct mutex *m)
{
	return atomic_load_explicit(&m->owner, memory_order_relaxed) == thread_current();
}
