/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scheduler. Each CPU has a queue of threads that are ready, ordered by the time they have had
 * (virtual runtime): the one that had least runs next, for one slice while others wait. A thread
 * wakes on the CPU it last ran on, where its registers still are (banks), unless that one is busy
 * and another idles; an idle CPU takes threads from the longest queue. No timer runs while nobody
 * waits.
 *
 * A queue's lock covers its tree, and state, cpu and run_node of the threads whose ->cpu it is; it
 * is held over thread_switch() and released by the thread that comes in. Two queues' locks are
 * never held at once. Everything here is masked.
 */
#include "sched/run.h"

#include <linux/errno.h>

#include "arch/irq.h"
#include "arch/spinlock.h"
#include "arch/sysreg.h"
#include "arch/timer.h"
#include "lib/check.h"
#include "lib/string.h"
#include "sched/ktimer.h"
#include "sched/stack.h"

#define SLICE_NS       4000000ull
#define GRANULARITY_NS 1000000ull /* a waking thread preempts one that had this much more */

struct run_queue {
	struct spinlock lock;
	struct rb_tree ready;
	unsigned ready_count;
	uint64_t floor; /* least virtual runtime of late; never falls. Newcomers begin near it */
	struct thread *leaving; /* set by the thread that switches out, for run_finish() */
	int leaving_to;		/* the CPU it moves to, or -1 */
	struct thread idle;
	struct ktimer slice;
	_Atomic bool idling;
	struct run_stats stats;
};

static struct run_queue queues[MAX_CPUS];
static void (*idle_hook)(bool enter); /* set once, at kvm's start */

void thread_switch(struct thread *from, struct thread *to);	      /* switch.S */
void thread_switch_tls(struct thread *from, const struct thread *to); /* thread.c */
void thread_begin(void);					      /* called by switch.S */

static void run_enqueue(struct thread *t, unsigned cpu);

static struct run_queue *queue_here(void)
{
	return &queues[cpu_id()];
}

/* ---- the tree of ready threads; queue locked ---- */

static void ready_insert(struct run_queue *q, struct thread *t) HOLDS(q->lock)
{
	struct rb_node **link = &q->ready.root, *parent = NULL;

	while (*link) {
		parent = *link;
		link = &parent->child[t->vruntime >=
				      rb_entry(parent, struct thread, run_node)->vruntime];
	}
	rb_insert(&q->ready, &t->run_node, parent, link);
	q->ready_count++;
}

static void ready_remove(struct run_queue *q, struct thread *t) HOLDS(q->lock)
{
	rb_remove(&q->ready, &t->run_node);
	q->ready_count--;
}

static struct thread *ready_first(struct run_queue *q) HOLDS(q->lock)
{
	struct rb_node *node = rb_first(&q->ready);

	return node ? rb_entry(node, struct thread, run_node) : NULL;
}

/* ---- switching ---- */

/* Charge the current thread for the time since it began or was last charged. */
static void run_charge(struct run_queue *q, struct thread *t) HOLDS(q->lock)
{
	uint64_t now = timer_ticks(), spent = now - t->started;

	t->started = now;
	t->runtime += spent;
	if (t == &q->idle)
		q->stats.idle_ns += timer_ticks_to_ns(spent);
	else
		t->vruntime += spent;
}

/* First thing in the thread that came in: the lock of its queue is still held by the one that left.
 */
static void run_finish(void) NO_LOCK_ANALYSIS
{
	struct run_queue *q = queue_here();
	struct thread *left = q->leaving;
	int to = q->leaving_to;
	bool dead = atomic_load_explicit(&left->state, memory_order_relaxed) == THREAD_DEAD;

	q->leaving_to = -1;
	spin_unlock(&q->lock);
	if (to >= 0)
		run_enqueue(left, (unsigned)to);
	if (dead) {
		stack_free(left->stack);
		if (left->released)
			left->released(left);
	}
}

void thread_begin(void)
{
	run_finish();
	irq_enable();
}

/* The slice timer runs only while somebody waits for this CPU. */
static void run_arm_slice(struct run_queue *q) HOLDS(q->lock)
{
	if (q->ready_count && !ktimer_active(&q->slice))
		ktimer_start(&q->slice, timer_now() + SLICE_NS);
}

static void slice_over(struct ktimer *t)
{
	(void)t;
	thread_set_work(thread_current(), WORK_RESCHED);
}

/* Give the CPU to to. Masked, queue locked; returns when the current thread is chosen again,
 * unlocked. */
static void run_switch(struct run_queue *q, struct thread *to) NO_LOCK_ANALYSIS
{
	struct cpu *cpu = this_cpu();
	struct thread *from = cpu->current;

	q->stats.switches++;
	to->started = from->started; /* charged up to now */
	q->leaving = from;
	cpu->current = to;
	/* Before to's work word is looked at; partner: the fence in thread_set_work(). */
	atomic_thread_fence(memory_order_seq_cst);
	run_arm_slice(q);
	if (to->mmu)
		mmu_activate(to->mmu);
	thread_switch_tls(from, to);
	if (to->switched_in)
		to->switched_in(to);
	thread_switch(from, to);
	run_finish();
}

/* Masked, locked. The current thread, if it is still ready, has been put into the tree by the
 * caller. */
static void run_next(struct run_queue *q) RELEASES(q->lock) NO_LOCK_ANALYSIS
{
	struct thread *next = ready_first(q);

	if (next) {
		ready_remove(q, next);
		q->floor = max(q->floor, next->vruntime);
	} else {
		next = &q->idle;
	}
	if (next == thread_current()) {
		run_arm_slice(q); /* others still wait */
		spin_unlock(&q->lock);
		return;
	}
	run_switch(q, next);
}

/* The CPU the current thread should go on on: this one, unless it may not stay or another has at
 * least two fewer waiting. */
static unsigned run_balance(const struct run_queue *q, const struct thread *t, unsigned here)
{
	bool may_stay = t->affinity >> here & 1;
	unsigned best = here, least = may_stay ? q->ready_count : UINT32_MAX;

	for (unsigned cpu = 0; cpu < cpu_count(); cpu++) {
		/* A hint: the other queue is not locked. */
		unsigned waiting = __atomic_load_n(&queues[cpu].ready_count, __ATOMIC_RELAXED);

		if (cpu != here && t->affinity >> cpu & 1 && (!may_stay || waiting + 2 <= least)) {
			best = cpu;
			least = waiting;
			may_stay = true;
		}
	}
	return best;
}

void thread_yield(void)
{
	struct thread *t = thread_current();
	uint64_t daif = irq_save();
	struct run_queue *q = queue_here();
	unsigned here = cpu_id(), to;

	spin_lock(&q->lock);
	thread_clear_work(t, WORK_RESCHED);
	run_charge(q, t);
	if (t != &q->idle) {
		to = run_balance(q, t, here);
		if (to == here)
			ready_insert(q, t);
		else
			q->leaving_to = (int)to; /* run_finish() puts it there */
	}
	run_next(q);
	irq_restore(daif);
}

void thread_prepare_block(void)
{
	atomic_store_explicit(&thread_current()->state, THREAD_BLOCKING, memory_order_relaxed);
	/* The state before the condition is looked at; partner: the lock that thread_wake() takes
	 * after its caller has made the condition true. */
	atomic_thread_fence(memory_order_seq_cst);
}

void thread_cancel_block(void)
{
	atomic_store_explicit(&thread_current()->state, THREAD_RUNNING, memory_order_relaxed);
}

void thread_block(void)
{
	struct thread *t = thread_current();
	struct run_queue *q;

	check(!irq_masked());
	irq_disable();
	q = queue_here();
	spin_lock(&q->lock);
	if (atomic_load_explicit(&t->state, memory_order_relaxed) != THREAD_BLOCKING) {
		spin_unlock(&q->lock);
	} else {
		atomic_store_explicit(&t->state, THREAD_BLOCKED, memory_order_relaxed);
		thread_clear_work(t, WORK_RESCHED);
		run_charge(q, t);
		run_next(q);
	}
	irq_enable();
}

void thread_exit(void)
{
	struct thread *t = thread_current();
	struct run_queue *q;

	irq_disable();
	q = queue_here();
	spin_lock(&q->lock);
	atomic_store_explicit(&t->state, THREAD_DEAD, memory_order_relaxed);
	run_charge(q, t);
	run_next(q);
	panic("a dead thread ran");
}

/* ---- waking and placing ---- */

static bool queue_is_idle(unsigned cpu)
{
	return atomic_load_explicit(&queues[cpu].idling, memory_order_relaxed);
}

/* Where a thread that becomes ready goes: where it was, unless that CPU is busy and another idles.
 */
static unsigned run_place(const struct thread *t)
{
	if (t->affinity >> t->cpu & 1 && queue_is_idle(t->cpu))
		return t->cpu;
	for (unsigned cpu = 0; cpu < cpu_count(); cpu++) {
		if (t->affinity >> cpu & 1 && queue_is_idle(cpu))
			return cpu;
	}
	if (t->affinity >> t->cpu & 1)
		return t->cpu;
	return (unsigned)__builtin_ctzll(t->affinity);
}

/* Has newcomer t had so much less than the running one that it should run at once? */
static bool run_preempts(struct run_queue *q, const struct thread *t, const struct thread *running)
	HOLDS(q->lock)
{
	return running == &q->idle ||
	       t->vruntime + timer_ns_to_ticks(GRANULARITY_NS) < running->vruntime;
}

/* t, ready and in no queue, joins cpu's. Masked. */
static void run_enqueue(struct thread *t, unsigned cpu)
{
	struct run_queue *q = &queues[cpu];
	uint64_t slice = timer_ns_to_ticks(SLICE_NS);
	struct thread *running;

	spin_lock(&q->lock);
	t->cpu = cpu;
	/* Neither what it slept through nor what it ran elsewhere counts for more than a slice. */
	t->vruntime = max(t->vruntime, q->floor > slice ? q->floor - slice : 0);
	t->vruntime = min(t->vruntime, q->floor + slice);
	ready_insert(q, t);
	q->stats.wakeups++;
	running = cpu_get(cpu)->current;
	if (run_preempts(q, t, running))
		thread_set_work(running, WORK_RESCHED);
	else if (cpu == cpu_id())
		run_arm_slice(q);
	else
		ipi_send(cpu, IPI_RESCHEDULE); /* it arms its slice timer */
	spin_unlock(&q->lock);
}

static void run_ipi(void)
{
	struct run_queue *q = queue_here();

	spin_lock(&q->lock);
	run_arm_slice(q);
	spin_unlock(&q->lock);
}

bool thread_wake(struct thread *t)
{
	uint64_t daif = irq_save();
	struct run_queue *q;
	uint32_t state;

	for (;;) {
		unsigned cpu = __atomic_load_n(&t->cpu, __ATOMIC_RELAXED);

		q = &queues[cpu];
		spin_lock(&q->lock);
		if (t->cpu == cpu)
			break;
		spin_unlock(&q->lock);
	}
	state = atomic_load_explicit(&t->state, memory_order_relaxed);
	if (state == THREAD_BLOCKED || state == THREAD_BLOCKING)
		atomic_store_explicit(&t->state, THREAD_RUNNING, memory_order_relaxed);
	spin_unlock(&q->lock);
	if (state == THREAD_BLOCKED)
		run_enqueue(t, run_place(t));
	irq_restore(daif);
	return state == THREAD_BLOCKED || state == THREAD_BLOCKING;
}

void thread_start(struct thread *t)
{
	uint64_t daif = irq_save();
	unsigned best = run_place(t);

	if (!queue_is_idle(best)) {
		for (unsigned cpu = 0; cpu < cpu_count(); cpu++) {
			if (t->affinity >> cpu & 1 &&
			    queues[cpu].ready_count < queues[best].ready_count)
				best = cpu;
		}
	}
	t->vruntime = queues[best].floor;
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
	uint64_t online = cpu_count() == 64 ? ~0ull : BIT(cpu_count()) - 1;

	if (!(cpus & online))
		return -EINVAL;
	t->affinity = cpus & online;
	if (t == thread_current()) {
		if (!(t->affinity >> cpu_id() & 1))
			thread_yield();
	} else {
		thread_set_work(t, WORK_RESCHED);
	}
	return 0;
}

/* ---- idle CPUs ---- */

/* Take a thread from the longest queue; masked, no lock held. */
static struct thread *run_steal(unsigned here)
{
	unsigned from = here, most = 0;
	struct thread *t = NULL;

	for (unsigned cpu = 0; cpu < cpu_count(); cpu++) {
		unsigned waiting = __atomic_load_n(&queues[cpu].ready_count, __ATOMIC_RELAXED);

		if (cpu != here && waiting > most) {
			from = cpu;
			most = waiting;
		}
	}
	if (from == here)
		return NULL;
	spin_lock(&queues[from].lock);
	t = ready_first(&queues[from]);
	if (t && t->affinity >> here & 1)
		ready_remove(&queues[from], t);
	else
		t = NULL;
	spin_unlock(&queues[from].lock);
	return t;
}

/* Masked; returns masked after an interrupt is pending or somebody is ready. */
static void run_wait(struct run_queue *q)
{
	atomic_store_explicit(&q->idling, true, memory_order_relaxed);
	if (!__atomic_load_n(&q->ready_count, __ATOMIC_RELAXED)) {
		if (idle_hook)
			idle_hook(true);
		/* What a waker did before this CPU looked idle is seen above; what comes later
		 * sends an SGI, which ends WFI though masked. */
		__asm__ volatile("dsb sy\n\twfi" ::: "memory");
		if (idle_hook)
			idle_hook(false);
	}
	atomic_store_explicit(&q->idling, false, memory_order_relaxed);
}

void run_idle(void)
{
	struct run_queue *q = queue_here();
	struct thread *stolen;

	for (;;) {
		irq_disable();
		if (!q->ready_count) {
			stolen = run_steal(cpu_id());
			if (stolen) {
				q->stats.steals++;
				run_enqueue(stolen, cpu_id());
			} else {
				run_wait(q);
			}
		}
		irq_enable();
		if (q->ready_count)
			thread_yield();
	}
}

void run_idle_on(uint64_t stack)
{
	queue_here()->idle.stack = stack;
	__asm__ volatile("mov sp, %0\n\tb run_idle" ::"r"(stack + THREAD_STACK));
	__builtin_unreachable();
}

void run_set_idle_hook(void (*hook)(bool enter))
{
	idle_hook = hook;
}

void run_cpu_init(uint64_t stack)
{
	struct run_queue *q = queue_here();
	struct thread *t = &q->idle;

	q->leaving_to = -1;
	ktimer_init(&q->slice, slice_over);
	snprintf(t->name, sizeof(t->name), "idle/%u", cpu_id());
	t->cpu = cpu_id();
	t->affinity = BIT(cpu_id());
	t->stack = stack;
	t->started = timer_ticks();
	this_cpu()->current = t;
	ipi_register(IPI_RESCHEDULE, run_ipi);
}

void run_stats(unsigned cpu, struct run_stats *out)
{
	*out = queues[cpu].stats;
	out->runnable = queues[cpu].ready_count;
}
