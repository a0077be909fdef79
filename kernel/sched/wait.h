/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Wait queues. A waiter is a thread that sleeps, or a callback (poll, epoll, irqfd, ioeventfd):
 * wake_up() calls each entry's func under the queue's lock, interrupts masked.
 *
 *	wait_event(&queue, condition)		sleeps until it is true
 *	wait_event_interruptible(…)		0, or -EINTR when the thread has WORK_SIGNAL
 *	wait_event_timeout(…, deadline_ns)	interruptible too: 0, -EINTR, -ETIMEDOUT
 */
#pragma once

#include <linux/errno.h>

#include "arch/spinlock.h"
#include "lib/list.h"
#include "sched/ktimer.h"
#include "sched/thread.h"

struct wait_queue {
	struct spinlock lock; /* covers entries */
	struct list entries;
};

struct wait_entry {
	struct list link;
	/* key: POLL* bits that have become true, 0: all. Returns true if it consumed an exclusive
	 * wake. */
	bool (*func)(struct wait_entry *e, uint32_t key);
	struct thread *thread; /* for wait_wake_thread() */
	bool exclusive;	       /* wake_up_one() stops after one of these that returned true */
};

#define WAIT_QUEUE_INIT(q)                                                                         \
	{                                                                                          \
		SPINLOCK_INIT, LIST_INIT((q).entries)                                              \
	}

void wait_queue_init(struct wait_queue *q);
void wait_add(struct wait_queue *q, struct wait_entry *e);
void wait_remove(struct wait_queue *q, struct wait_entry *e); /* harmless if not queued */
bool wait_wake_thread(struct wait_entry *e, uint32_t key);    /* the func of a sleeping thread */

void wake_up(struct wait_queue *q, uint32_t key); /* everybody */
/* The same for who has the queue's lock, masked: it covers what is waited for, too. */
void wake_up_locked(struct wait_queue *q, uint32_t key) HOLDS(q->lock);
void wake_up_one(struct wait_queue *q, uint32_t key);

static inline bool wait_queue_empty(struct wait_queue *q) /* a hint, without the lock */
{
	return list_empty(&q->entries);
}

/* One turn of a waiting loop: 0 slept (or was woken), -EINTR, -ETIMEDOUT; see the macros. */
int wait_sleep(bool interruptible, uint64_t deadline_ns);

#define wait_event_common(q, cond, interruptible, deadline)                                        \
	({                                                                                         \
		struct wait_entry e_ = { .func = wait_wake_thread, .thread = thread_current() };   \
		int err_ = 0;                                                                      \
                                                                                                   \
		if (!(cond)) {                                                                     \
			wait_add(q, &e_);                                                          \
			for (;;) {                                                                 \
				thread_prepare_block();                                            \
				if (cond)                                                          \
					break;                                                     \
				err_ = wait_sleep(interruptible, deadline);                        \
				if (err_)                                                          \
					break;                                                     \
			}                                                                          \
			thread_cancel_block();                                                     \
			wait_remove(q, &e_);                                                       \
		}                                                                                  \
		err_;                                                                              \
	})
#define wait_event(q, cond)			 (void)wait_event_common(q, cond, false, TIMER_NEVER)
#define wait_event_interruptible(q, cond)	 wait_event_common(q, cond, true, TIMER_NEVER)
#define wait_event_timeout(q, cond, deadline_ns) wait_event_common(q, cond, true, deadline_ns)

/* Sleep until a time (ns, timer_now()): 0 or -EINTR. */
int thread_sleep_until(uint64_t deadline_ns, bool interruptible);
