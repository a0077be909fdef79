/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timers: a tree for each CPU, ordered by deadline; the first one is what the CPU's hardware timer
 * is set to. A queue's lock covers its tree, running, and cpu of the timers in it; fn is called
 * without it. Two are held at once, in order of the CPUs, only by one that leaves its timers to
 * another.
 */
#include "sched/ktimer.h"

#include "arch/cpu.h"
#include "arch/spinlock.h"
#include "lib/bits.h"

struct timer_queue {
	struct spinlock lock;
	struct rb_tree timers;
	struct ktimer *running; /* whose fn is being called */
	uint64_t programmed;	/* what the hardware is set to */
};

static struct timer_queue queues[MAX_CPUS];

static void queue_insert(struct timer_queue *q, struct ktimer *t) HOLDS(q->lock)
{
	struct rb_node **link = &q->timers.root, *parent = NULL;

	while (*link) {
		parent = *link;
		link = &parent->child[t->deadline >=
				      rb_entry(parent, struct ktimer, node)->deadline];
	}
	rb_insert(&q->timers, &t->node, parent, link);
}

static struct ktimer *queue_first(struct timer_queue *q) HOLDS(q->lock)
{
	struct rb_node *node = rb_first(&q->timers);

	return node ? rb_entry(node, struct ktimer, node) : NULL;
}

/* Set this CPU's hardware for its first timer. A cancelled one may leave it early: harmless. */
static void queue_program(struct timer_queue *q) HOLDS(q->lock)
{
	struct ktimer *first = queue_first(q);
	uint64_t deadline = first ? first->deadline : TIMER_NEVER;

	if (deadline != q->programmed) {
		q->programmed = deadline;
		timer_set(deadline);
	}
}

void ktimer_init(struct ktimer *t, void (*fn)(struct ktimer *t))
{
	*t = (struct ktimer){ .fn = fn, .cpu = -1 };
}

/* Take t out of whatever queue it is in, and lock that; NULL: it was in none. Masked. */
static struct timer_queue *ktimer_remove(struct ktimer *t) NO_LOCK_ANALYSIS
{
	for (;;) {
		int cpu = __atomic_load_n(&t->cpu, __ATOMIC_ACQUIRE); /* partner: ktimer_interrupt() */
		struct timer_queue *q;

		if (cpu < 0)
			return NULL;
		q = &queues[cpu];
		spin_lock(&q->lock);
		if (t->cpu == cpu) {
			rb_remove(&q->timers, &t->node);
			__atomic_store_n(&t->cpu, -1, __ATOMIC_RELAXED);
			return q;
		}
		spin_unlock(&q->lock);
	}
}

void ktimer_start(struct ktimer *t, uint64_t deadline_ns) NO_LOCK_ANALYSIS
{
	uint64_t daif = irq_save();
	struct timer_queue *q = ktimer_remove(t);

	if (q)
		spin_unlock(&q->lock);
	q = &queues[cpu_id()];
	spin_lock(&q->lock);
	t->deadline = deadline_ns;
	__atomic_store_n(&t->cpu, (int)cpu_id(), __ATOMIC_RELAXED);
	queue_insert(q, t);
	queue_program(q);
	spin_unlock(&q->lock);
	irq_restore(daif);
}

void ktimer_cancel(struct ktimer *t) NO_LOCK_ANALYSIS
{
	bool again;

	do {
		uint64_t daif = irq_save();
		struct timer_queue *q = ktimer_remove(t);

		if (q)
			spin_unlock(&q->lock);
		irq_restore(daif);
		again = false;
		for (unsigned cpu = 0; cpu < cpu_count(); cpu++) {
			/* acquire: pairs with the release in ktimer_interrupt(): fn has returned. It may
			 * have started the timer again. */
			while (__atomic_load_n(&queues[cpu].running, __ATOMIC_ACQUIRE) == t)
				again = true;
		}
	} while (again || ktimer_active(t));
}

/* From the hardware's interrupt, masked. */
static void ktimer_interrupt(void)
{
	struct timer_queue *q = &queues[cpu_id()];
	struct ktimer *t;

	spin_lock(&q->lock);
	q->programmed = TIMER_NEVER; /* it has fired and is off */
	while ((t = queue_first(q)) && t->deadline <= timer_now()) {
		rb_remove(&q->timers, &t->node);
		__atomic_store_n(&q->running, t, __ATOMIC_RELAXED);
		/* release: who finds it in no queue sees it running */
		__atomic_store_n(&t->cpu, -1, __ATOMIC_RELEASE);
		spin_unlock(&q->lock);
		t->fn(t);
		spin_lock(&q->lock);
		__atomic_store_n(&q->running, NULL, __ATOMIC_RELEASE);
	}
	queue_program(q);
	spin_unlock(&q->lock);
}

void ktimer_hand_over(unsigned heir) NO_LOCK_ANALYSIS
{
	struct timer_queue *from = &queues[cpu_id()], *to = &queues[heir];
	struct ktimer *t;

	spin_lock(&min(from, to)->lock);
	spin_lock(&max(from, to)->lock);
	while ((t = queue_first(from))) {
		rb_remove(&from->timers, &t->node);
		__atomic_store_n(&t->cpu, (int)heir, __ATOMIC_RELAXED);
		queue_insert(to, t);
	}
	queue_program(from);
	spin_unlock(&from->lock);
	spin_unlock(&to->lock);
	ipi_send(heir, IPI_TIMER);
}

/* Timers have come from a CPU that left. */
static void ktimer_ipi(void)
{
	struct timer_queue *q = &queues[cpu_id()];

	spin_lock(&q->lock);
	queue_program(q);
	spin_unlock(&q->lock);
}

void ktimer_setup(void)
{
	ipi_register(IPI_TIMER, ktimer_ipi);
	for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
		queues[cpu].programmed = TIMER_NEVER;
	timer_set_handler(ktimer_interrupt);
}
