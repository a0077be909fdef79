/* SPDX-License-Identifier: BSD-2-Clause */
/* Wait queues: lists of entries, each with a function to call. The lock order is queue, then
 * scheduler. */
#include "sched/wait.h"

void wait_queue_init(struct wait_queue *q)
{
	*q = (struct wait_queue){ .lock = SPINLOCK_INIT };
	list_init(&q->entries);
}

void wait_add(struct wait_queue *q, struct wait_entry *e)
{
	uint64_t daif = spin_lock_irqsave(&q->lock);

	/* Those that want it alone stand behind all others, in the order they came. */
	if (e->exclusive)
		list_append(&q->entries, &e->link);
	else
		list_push(&q->entries, &e->link);
	spin_unlock_irqrestore(&q->lock, daif);
}

void wait_remove(struct wait_queue *q, struct wait_entry *e)
{
	uint64_t daif = spin_lock_irqsave(&q->lock);

	list_remove(&e->link);
	spin_unlock_irqrestore(&q->lock, daif);
}

bool wait_wake_thread(struct wait_entry *e, uint32_t key)
{
	(void)key;
	return thread_wake(e->thread);
}

static void wake(struct wait_queue *q, uint32_t key, bool one) HOLDS(q->lock)
{
	struct wait_entry *e, *next;

	list_for_each_safe(e, next, &q->entries, link)
	{
		if (e->func(e, key) && e->exclusive && one)
			break;
	}
}

void wake_up_locked(struct wait_queue *q, uint32_t key)
{
	wake(q, key, false);
}

void wake_up(struct wait_queue *q, uint32_t key)
{
	uint64_t daif = spin_lock_irqsave(&q->lock);

	wake(q, key, false);
	spin_unlock_irqrestore(&q->lock, daif);
}

void wake_up_one(struct wait_queue *q, uint32_t key)
{
	uint64_t daif = spin_lock_irqsave(&q->lock);

	wake(q, key, true);
	spin_unlock_irqrestore(&q->lock, daif);
}

struct wait_timer {
	struct ktimer timer;
	struct thread *thread;
};

static void wait_timer_over(struct ktimer *t)
{
	thread_wake(container_of(t, struct wait_timer, timer)->thread);
}

int wait_sleep(bool interruptible, uint64_t deadline_ns)
{
	struct wait_timer timeout = { .thread = thread_current() };

	if (interruptible && thread_has_work(thread_current(), WORK_SIGNAL))
		return -EINTR;
	if (deadline_ns == TIMER_NEVER) {
		thread_block();
		return 0;
	}
	if (timer_now() >= deadline_ns)
		return -ETIMEDOUT;
	ktimer_init(&timeout.timer, wait_timer_over);
	ktimer_start(&timeout.timer, deadline_ns);
	thread_block();
	ktimer_cancel(&timeout.timer);
	return 0;
}

int thread_sleep_until(uint64_t deadline_ns, bool interruptible)
{
	int err = 0;

	while (!err) {
		thread_prepare_block();
		err = wait_sleep(interruptible, deadline_ns);
	}
	thread_cancel_block();
	return err == -ETIMEDOUT ? 0 : err;
}
