/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who becomes ready, and on which CPU. A thread wakes on the CPU it last ran on, where its
 * registers still are (banks), unless that one is busy and another idles; an idle CPU takes threads
 * from the longest queue. A thread that waits on its own stack (run.c) is still its CPU's current
 * one: it can only be woken there, and needs no place in the heap for that.
 *
 * Locks: sched/queue.h. Everything here is masked.
 */
#include <linux/errno.h>

#include "arch/irq.h"
#include "arch/timer.h"
#include "lib/bits.h"
#include "sched/queue.h"

_Atomic uint64_t run_open_cpus;

static uint64_t slice, granularity; /* SLICE_NS, GRANULARITY_NS in ticks; written at boot */

/* ---- slices ---- */

void slice_start(struct run_queue *q)
{
	ktimer_start(&q->slice, timer_now() + SLICE_NS);
}

static void slice_over(struct ktimer *t)
{
	(void)t;
	thread_set_work(thread_current(), WORK_RESCHED);
}

static __attribute__((noinline)) void somebody_joined(struct run_queue *q)
{
	spin_lock(&q->lock);
	run_arm_slice(q);
	spin_unlock(&q->lock);
}

/* From a CPU that let somebody join this one's queue. The idle loop looks for itself. */
static void run_ipi(void)
{
	struct run_queue *q = queue_here();

	/* A hint will do: what it announces was counted before it was sent. */
	if (__atomic_load_n(&q->ready_count, __ATOMIC_RELAXED) && !q->idling)
		somebody_joined(q);
}

/* ---- placing ---- */

/* Where t may run now: if none of the CPUs it wants is there, anywhere. */
static uint64_t run_allowed(const struct thread *t)
{
	uint64_t open = atomic_load_explicit(&run_open_cpus, memory_order_relaxed);

	return t->affinity & open ? t->affinity & open : open;
}

/* Where a thread that becomes ready goes: where it was, unless that CPU is busy and another idles.
 */
static unsigned run_place(const struct thread *t)
{
	uint64_t allowed = run_allowed(t);
	uint64_t idle = atomic_load_explicit(&run_idle_cpus, memory_order_relaxed) & allowed;

	if (idle && !(idle >> t->cpu & 1))
		return (unsigned)__builtin_ctzll(idle);
	if (allowed >> t->cpu & 1)
		return t->cpu;
	return (unsigned)__builtin_ctzll(allowed);
}

#define NEW_THREAD UINT64_MAX /* as its vruntime: it has had as much as the others */

/* Neither what t slept through nor what it ran elsewhere counts for more than a slice. */
static void run_bound_time(const struct run_queue *q, struct thread *t) HOLDS(q->lock)
{
	if (t->vruntime == NEW_THREAD)
		t->vruntime = q->floor;
	t->vruntime = max(t->vruntime, q->floor > slice ? q->floor - slice : 0);
	t->vruntime = min(t->vruntime, q->floor + slice);
}

/* t, ready and in no heap, joins this queue; who runs there makes room if t had so much less. */
static void run_join(struct run_queue *q, struct thread *t, unsigned cpu) HOLDS(q->lock)
{
	struct thread *running = q->idling || q->current == &q->idle ? NULL : q->current;

	if (running)
		run_charge(q);
	t->cpu = cpu;
	run_bound_time(q, t);
	ready_insert(q, t);
	q->stats.wakeups++;
	if (running && t->vruntime + granularity < running->vruntime)
		thread_set_work(running, WORK_RESCHED);
	else if (q != queue_here())
		ipi_send(cpu, IPI_RESCHEDULE); /* it looks, or starts its slice timer */
	else if (!q->idling)
		run_arm_slice(q);
}

void run_enqueue(struct thread *t, unsigned cpu)
{
	for (;;) {
		struct run_queue *q = &run_queues[cpu];
		bool closed;

		spin_lock(&q->lock);
		closed = q->closed;
		if (!closed)
			run_join(q, t, cpu);
		spin_unlock(&q->lock);
		if (!closed)
			return;
		cpu = run_place(t);
	}
}

/* Lock the queue whose affair t is. */
static struct run_queue *lock_queue_of(struct thread *t) NO_LOCK_ANALYSIS
{
	for (;;) {
		unsigned cpu = __atomic_load_n(&t->cpu, __ATOMIC_RELAXED);
		struct run_queue *q = &run_queues[cpu];

		spin_lock(&q->lock);
		if (t->cpu == cpu)
			return q;
		spin_unlock(&q->lock);
	}
}

/* t was blocked. Its queue is locked, and is not when this returns. */
static void wake_blocked(struct run_queue *q, struct thread *t) RELEASES(q->lock) NO_LOCK_ANALYSIS
{
	unsigned cpu = t->cpu, to;
	bool joins;

	if (q->current == t) { /* it waits on its own stack */
		q->stats.wakeups++;
		if (q != queue_here())
			ipi_send(cpu, IPI_RESCHEDULE);
		spin_unlock(&q->lock);
		return;
	}
	to = run_place(t);
	joins = to == cpu && !q->closed;
	if (joins)
		run_join(q, t, cpu);
	spin_unlock(&q->lock);
	if (!joins)
		run_enqueue(t, to);
}

bool thread_wake(struct thread *t) NO_LOCK_ANALYSIS
{
	uint64_t daif = irq_save();
	struct run_queue *q;
	enum thread_state state;
	bool waits;

	/* What the caller has made true, before the state is looked at; partner: the fence in
	 * thread_prepare_block(). */
	atomic_thread_fence(memory_order_seq_cst);
	q = lock_queue_of(t);
	state = thread_state(t);
	waits = state == THREAD_BLOCKED || state == THREAD_BLOCKING;

	if (waits)
		thread_set_state(t, THREAD_RUNNING);
	if (state == THREAD_BLOCKED)
		wake_blocked(q, t);
	else
		spin_unlock(&q->lock);
	irq_restore(daif);
	return waits;
}

void thread_start(struct thread *t)
{
	uint64_t daif = irq_save(), idle, allowed = run_allowed(t);
	unsigned best = run_place(t);

	idle = atomic_load_explicit(&run_idle_cpus, memory_order_relaxed);
	for (unsigned cpu = 0; !(idle >> best & 1) && cpu < cpu_count(); cpu++) {
		if (allowed >> cpu & 1 &&
		    run_queues[cpu].ready_count < run_queues[best].ready_count)
			best = cpu;
	}
	t->vruntime = NEW_THREAD;
	run_enqueue(t, best);
	irq_restore(daif);
}

void thread_set_work(struct thread *t, uint32_t bit)
{
	unsigned cpu;

	atomic_fetch_or_explicit(&t->work, bit, memory_order_release);
	/* The bit before who runs is looked at; partner: the fence in run_switch(). */
	atomic_thread_fence(memory_order_seq_cst);
	cpu = __atomic_load_n(&t->cpu, __ATOMIC_RELAXED);
	if (cpu != cpu_id() && cpu_get(cpu)->current == t)
		ipi_send(cpu, IPI_RESCHEDULE);
	if (bit & (WORK_SIGNAL | WORK_GUEST))
		thread_wake(t);
}

int thread_set_affinity(struct thread *t, uint64_t cpus)
{
	if (!(cpus & atomic_load_explicit(&run_open_cpus, memory_order_relaxed)))
		return -EINVAL;
	t->affinity = cpus & (BIT(cpu_count()) - 1);
	if (t == thread_current()) {
		if (!(t->affinity >> cpu_id() & 1))
			thread_yield();
	} else {
		thread_set_work(t, WORK_RESCHED);
	}
	return 0;
}

/* ---- balance ---- */

unsigned run_find_room(const struct run_queue *q, const struct thread *t, unsigned here)
{
	uint64_t allowed = run_allowed(t);
	bool may_stay = allowed >> here & 1;
	unsigned best = here, least = may_stay ? q->ready_count : UINT32_MAX;

	for (unsigned cpu = 0; cpu < cpu_count(); cpu++) {
		/* A hint: the other queue is not locked. */
		unsigned waiting = __atomic_load_n(&run_queues[cpu].ready_count, __ATOMIC_RELAXED);

		if (cpu != here && allowed >> cpu & 1 && (!may_stay || waiting + 2 <= least)) {
			best = cpu;
			least = waiting;
			may_stay = true;
		}
	}
	return best;
}

bool run_steal(unsigned here) NO_LOCK_ANALYSIS
{
	unsigned from = here, most = 0;
	struct thread *t;

	for (unsigned cpu = 0; cpu < cpu_count(); cpu++) {
		unsigned waiting = __atomic_load_n(&run_queues[cpu].ready_count, __ATOMIC_RELAXED);

		if (cpu != here && waiting > most) {
			from = cpu;
			most = waiting;
		}
	}
	if (from == here)
		return false;
	spin_lock(&run_queues[from].lock);
	t = ready_first(&run_queues[from]);
	if (t && run_allowed(t) >> here & 1)
		ready_remove_first(&run_queues[from]);
	else
		t = NULL;
	spin_unlock(&run_queues[from].lock);
	if (!t)
		return false;
	run_queues[here].stats.steals++;
	run_enqueue(t, here);
	return true;
}

/* ---- CPUs that come and go ---- */

void run_close(void) NO_LOCK_ANALYSIS
{
	uint64_t daif = irq_save();
	struct run_queue *q = queue_here();
	struct thread *t;

	atomic_fetch_and_explicit(&run_open_cpus, ~BIT(cpu_id()), memory_order_relaxed);
	spin_lock(&q->lock);
	q->closed = true;
	while ((t = ready_take(q))) {
		spin_unlock(&q->lock);
		run_enqueue(t, run_place(t));
		spin_lock(&q->lock);
	}
	spin_unlock(&q->lock);
	irq_restore(daif);
	ktimer_cancel(&q->slice);
	ktimer_cancel(&q->watch);
}

void run_place_init(struct run_queue *q)
{
	slice = timer_ns_to_ticks(SLICE_NS);
	granularity = timer_ns_to_ticks(GRANULARITY_NS);
	ktimer_init(&q->slice, slice_over);
	ipi_register(IPI_RESCHEDULE, run_ipi);
	q->closed = false;
	atomic_fetch_or_explicit(&run_open_cpus, BIT(cpu_id()), memory_order_relaxed);
}
