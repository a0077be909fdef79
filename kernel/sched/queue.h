/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The run queues, between run.c (who gives the CPU to whom) and place.c (who becomes ready where).
 *
 * A queue's lock covers its heap, and state, cpu and run_node of the threads whose ->cpu it is; it
 * is held over thread_switch() and released by the thread that comes in. Two queues' locks are
 * never held at once. Everything here is masked.
 */
#pragma once

#include "arch/spinlock.h"
#include "lib/heap.h"
#include "sched/ktimer.h"
#include "sched/run.h"

#define SLICE_NS       4000000ull
#define GRANULARITY_NS 1000000ull /* a waking thread preempts one that had this much more */

struct run_queue {
	_Alignas(64) struct spinlock lock;
	struct heap ready; /* by virtual runtime */
	unsigned ready_count;
	bool closed; /* the CPU is off or on its way: nobody joins */
	bool idling; /* nobody is ready: the current thread waits for somebody, or for its own wake
		      */
	uint64_t floor; /* least virtual runtime of late; never falls. Newcomers begin near it */
	uint64_t idle_ticks;
	struct thread *current; /* as in struct cpu */
	struct thread *leaving; /* it ends, or moves to another CPU: for run_finish(); else NULL */
	int leaving_to;		/* that CPU, or -1 */
	struct thread idle;
	struct ktimer slice;
	struct ktimer watch; /* watchdog.c */
	struct run_stats stats;
};

extern struct run_queue run_queues[MAX_CPUS];

/* The calling CPU's. Masked. */
static inline struct run_queue *queue_here(void)
{
	return this_cpu()->queue;
}

/* The CPUs that are idling, one bit each: a hint for who places a thread. */
extern _Atomic uint64_t run_idle_cpus;

static inline enum thread_state thread_state(const struct thread *t)
{
	return atomic_load_explicit(&t->state, memory_order_relaxed);
}

static inline void thread_set_state(struct thread *t, enum thread_state state)
{
	atomic_store_explicit(&t->state, state, memory_order_relaxed);
}

/* The CPUs whose queue is not closed: a hint too, but not on such a CPU itself. */
extern _Atomic uint64_t run_open_cpus;

/* ---- the time the current thread has had; queue locked ---- */

/* What passed since it began or was last charged, in ticks. */
static inline uint64_t run_spent(struct run_queue *q)
{
	uint64_t now = timer_ticks(), spent = now - q->current->started;

	q->current->started = now;
	return spent;
}

/* Charge it; any CPU. Alone it carries the floor along: who comes begins beside it. */
static inline void run_charge(struct run_queue *q) HOLDS(q->lock)
{
	struct thread *t = q->current;
	uint64_t spent = run_spent(q);

	t->runtime += spent;
	t->vruntime += spent;
	if (!q->ready_count && q->floor < t->vruntime)
		q->floor = t->vruntime;
}

/* It waited meanwhile. */
static inline void run_charge_idle(struct run_queue *q) HOLDS(q->lock)
{
	q->idle_ticks += run_spent(q);
}

/* ---- the heap of ready threads; queue locked ---- */

static inline void ready_insert(struct run_queue *q, struct thread *t) HOLDS(q->lock)
{
	heap_insert(&q->ready, &t->run_node, t->vruntime);
	q->ready_count++;
}

/* NULL: none is ready. */
static inline struct thread *ready_first(const struct run_queue *q)
{
	return q->ready_count ? heap_entry(q->ready.root, struct thread, run_node) : NULL;
}

/* There is one. */
static inline void ready_remove_first(struct run_queue *q) HOLDS(q->lock)
{
	heap_remove_first(&q->ready);
	q->ready_count--;
}

/* t leaves the heap to run. */
static inline void ready_goes(struct run_queue *q, const struct thread *t) HOLDS(q->lock)
{
	if (q->floor < t->vruntime)
		q->floor = t->vruntime;
}

/* The one that had least, taken out of the heap to run now; NULL: none is ready. */
static inline struct thread *ready_take(struct run_queue *q) HOLDS(q->lock)
{
	struct thread *t = ready_first(q);

	if (!t)
		return NULL;
	ready_remove_first(q);
	ready_goes(q, t);
	return t;
}

/* The same, if it had less than limit, and t, which is ready, takes its place. */
static inline struct thread *ready_swap(struct run_queue *q, struct thread *t, uint64_t limit)
	HOLDS(q->lock)
{
	struct thread *first = ready_first(q);

	if (!first || first->vruntime >= limit)
		return NULL;
	heap_remove_first(&q->ready);
	heap_insert(&q->ready, &t->run_node, t->vruntime);
	ready_goes(q, first);
	return first;
}

/* ---- place.c; queue locked ---- */

/* Where the current thread should go on: here, unless it may not stay or another CPU has at least
 * two fewer waiting. */
unsigned run_find_room(const struct run_queue *q, const struct thread *t, unsigned here);
static inline unsigned run_balance(const struct run_queue *q, const struct thread *t, unsigned here)
{
	return q->ready_count < 2 && t->affinity >> here & 1 ? here : run_find_room(q, t, here);
}
void slice_start(struct run_queue *q) HOLDS(q->lock);
/* The slice timer runs only while somebody waits for this CPU. */
static inline void run_arm_slice(struct run_queue *q) HOLDS(q->lock)
{
	if (q->ready_count && !ktimer_active(&q->slice))
		slice_start(q);
}

/* ---- place.c; no queue locked ---- */

/* t, ready and in no queue, joins cpu's. */
void run_enqueue(struct thread *t, unsigned cpu);
/* Have the first of the longest queue join this CPU's. False: there was none. */
bool run_steal(unsigned here);
/* Once on each CPU. */
void run_place_init(struct run_queue *q);
