/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scheduler: who has the CPU. Each CPU has a queue of threads that are ready, ordered by the
 * time they have had (virtual runtime): the one that had least runs next, for one slice while
 * others wait. No timer runs while nobody waits. Who becomes ready where is place.c's.
 *
 * A thread that blocks when nobody is ready stays on its CPU and waits there, on its own stack,
 * until an interrupt brings somebody, or its own wake: then nothing was switched at all. Only after
 * a thread that ended or moves away does the idle thread wait in its place.
 *
 * Locks: sched/queue.h. Everything here is masked.
 */
#include "arch/irq.h"
#include "arch/sysreg.h"
#include "arch/timer.h"
#include "lib/check.h"
#include "lib/relaxed.h"
#include "lib/string.h"
#include "sched/queue.h"
#include "sched/stack.h"
#include "sched/watchdog.h"

struct run_queue run_queues[MAX_CPUS];
_Atomic uint64_t run_idle_cpus;
static void (*idle_hook)(bool enter); /* set once, at kvm's start */

void thread_begin(void); /* called by switch.S */

/* ---- switching ---- */

/* To another thread's stack; returns when somebody switches to from again. No register but x29 is
 * kept, so who calls this keeps what it needs on its stack: switch.S does not save it again. */
static inline void switch_stacks(struct thread *from, struct thread *to)
{
	register struct thread *x0 __asm__("x0") = from;
	register struct thread *x1 __asm__("x1") = to;

	__asm__ volatile("bl thread_switch"
			 : "+r"(x0), "+r"(x1)
			 :
			 : "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12",
			   "x13", "x14", "x15", "x16", "x17", "x18", "x19", "x20", "x21", "x22",
			   "x23", "x24", "x25", "x26", "x27", "x28", "x30", "cc", "memory");
}

/* The thread that left ends, or moves to another CPU. Its queue is locked, and is not when this returns. */
static __attribute__((noinline)) void run_part(struct run_queue *q, struct thread *left)
	RELEASES(q->lock) NO_LOCK_ANALYSIS
{
	int to = q->leaving_to;

	q->leaving = NULL;
	q->leaving_to = -1;
	spin_unlock(&q->lock);
	if (to >= 0) {
		run_enqueue(left, (unsigned)to);
		return;
	}
	stack_free(left->stack);
	if (left->released)
		left->released(left);
}

/* First thing in the thread that came in: the lock of its queue is still held by the one that left.
 */
static inline void run_finish(void) NO_LOCK_ANALYSIS
{
	struct run_queue *q = queue_here();

	if (__builtin_expect(q->leaving != NULL, 0))
		run_part(q, q->leaving);
	else
		spin_unlock(&q->lock);
}

void thread_begin(void)
{
	run_finish();
	irq_enable();
}

/* What of programs stands in the CPU from one thread to the next: their thread pointers, and what
 * their hook sees to. While the CPU is set up for a guest it is the guest's, and each thread's own
 * is in memory; the way back to EL0 sees to that then (kvm/world.c). */
static inline void switch_program(struct thread *from, struct thread *to)
{
	from->tpidr_el0 = sysreg_read(tpidr_el0);
	sysreg_write(tpidr_el0, to->tpidr_el0);
	if (cpu_has(CPU_SME)) {
		from->tpidr2_el0 = sysreg_read_named(SYSREG_TPIDR2_EL0);
		sysreg_write_named(SYSREG_TPIDR2_EL0, to->tpidr2_el0);
	}
	if (to->switched_in)
		to->switched_in(to);
}

/* Give the CPU of from, the current thread, to to. Masked, queue locked; returns when from is
 * chosen again, unlocked. */
static inline void run_switch(struct run_queue *q, struct thread *from,
			      struct thread *to) NO_LOCK_ANALYSIS
{
	struct cpu *cpu = this_cpu();

	q->stats.switches++;
	to->started = from->started; /* charged up to now */
	q->current = cpu->current = to;
	/* Before to's work word is looked at; partner: the fence in thread_set_work(). */
	atomic_thread_fence(memory_order_seq_cst);
	run_arm_slice(q);
	if (to->mmu && to->mmu != from->mmu)
		mmu_activate(to->mmu);
	if (cpu->mode != CPU_GUEST)
		switch_program(from, to);
	switch_stacks(from, to);
	run_finish();
}

/* The CPU has nothing to do. Masked, locked; returns so after an interrupt was handled or a thread
 * of another CPU has come. */
static void run_wait(struct run_queue *q) NO_LOCK_ANALYSIS
{
	unsigned here = cpu_id();

	q->idling = true; /* from now on who makes a thread ready here sends an SGI */
	spin_unlock(&q->lock);
	atomic_fetch_or_explicit(&run_idle_cpus, BIT(here), memory_order_relaxed);
	if (!run_steal(here)) {
		if (idle_hook)
			idle_hook(true);
		__asm__ volatile("dsb sy\n\twfi" ::: "memory"); /* ends though masked */
		if (idle_hook)
			idle_hook(false);
	}
	atomic_fetch_and_explicit(&run_idle_cpus, ~BIT(here), memory_order_relaxed);
	irq_dispatch();
	spin_lock(&q->lock);
	run_charge_idle(q);
	q->idling = false;
}

/* The current thread, blocked or the idle thread, waits until it is woken or another is ready; that
 * one is returned, in no heap any more. */
static struct thread *run_wait_here(struct run_queue *q, struct thread *t) HOLDS(q->lock)
{
	for (;;) {
		struct thread *next = NULL;
		bool woken;

		run_wait(q);
		woken = t != &q->idle && thread_state(t) == THREAD_RUNNING;
		if (woken && !q->ready_count)
			next = t;
		else if (woken)
			ready_insert(q, t);
		if (!next)
			next = ready_take(q);
		if (next) {
			if (!ktimer_active(&q->watch))
				watchdog_start(&q->watch);
			return next;
		}
	}
}

/* Masked, locked. The current thread, if it is still ready, has been put into the heap by the
 * caller, or moves away. */
static void run_next(struct run_queue *q) RELEASES(q->lock) NO_LOCK_ANALYSIS
{
	struct thread *t = thread_current(), *next = ready_take(q);

	if (!next) {
		if (t == &q->idle || thread_state(t) == THREAD_BLOCKED)
			next = run_wait_here(q, t);
		else
			next = &q->idle;
	}
	if (next == t) {
		run_arm_slice(q); /* others still wait */
		spin_unlock(&q->lock);
		return;
	}
	run_switch(q, t, next);
}

/* Let others run that had less than limit, or move where there is more room. */
static inline __attribute__((always_inline)) void give_way(struct run_queue *q, struct thread *t,
							    uint64_t limit) RELEASES(q->lock)
	NO_LOCK_ANALYSIS
{
	unsigned here = cpu_id(), to = run_balance(q, t, here);
	struct thread *next;

	if (to != here) {
		q->leaving = t; /* run_finish() puts it there */
		q->leaving_to = (int)to;
		run_next(q);
		return;
	}
	next = ready_swap(q, t, limit);
	if (next) {
		run_switch(q, t, next);
	} else {
		run_arm_slice(q);
		spin_unlock(&q->lock);
	}
}

static __attribute__((noinline)) void yield(bool to_any)
{
	struct thread *t = thread_current();
	uint64_t daif = irq_save();
	struct run_queue *q = queue_here();

	if (relaxed_u32(&t->work) & WORK_RESCHED)
		thread_clear_work(t, WORK_RESCHED);
	if (t != &q->idle) { /* which during boot has things to do */
		spin_lock(&q->lock);
		run_charge(q);
		give_way(q, t, to_any ? UINT64_MAX : t->vruntime);
	}
	irq_restore(daif);
}

void thread_yield(void)
{
	yield(true);
}

void thread_preempt(void)
{
	yield(false);
}

void thread_prepare_block(void)
{
	thread_set_state(thread_current(), THREAD_BLOCKING);
	/* The state before the condition is looked at; partner: the fence in thread_wake(), whose
	 * caller has made the condition true. */
	atomic_thread_fence(memory_order_seq_cst);
}

void thread_cancel_block(void)
{
	thread_set_state(thread_current(), THREAD_RUNNING);
}

void thread_block(void)
{
	struct thread *t = thread_current();
	struct run_queue *q;

	check(!irq_masked());
	irq_disable();
	q = queue_here();
	spin_lock(&q->lock);
	if (thread_state(t) != THREAD_BLOCKING) {
		spin_unlock(&q->lock);
	} else {
		thread_set_state(t, THREAD_BLOCKED);
		thread_clear_work(t, WORK_RESCHED);
		run_charge(q);
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
	thread_set_state(t, THREAD_DEAD);
	run_charge(q);
	q->leaving = t;
	run_next(q);
	panic("a dead thread ran");
}

/* ---- idle CPUs ---- */

void run_idle(void)
{
	struct run_queue *q = queue_here();

	watchdog_start(&q->watch); /* somebody may be ready before this CPU has idled once */
	for (;;) {
		irq_disable();
		spin_lock(&q->lock);
		run_next(q);
		irq_enable();
	}
}

bool run_is_idle(unsigned cpu)
{
	return __atomic_load_n(&run_queues[cpu].idling, __ATOMIC_RELAXED);
}

void run_set_idle_hook(void (*hook)(bool enter))
{
	idle_hook = hook;
}

void run_cpu_init(uint64_t stack)
{
	struct run_queue *q = &run_queues[cpu_id()];
	struct thread *t = &q->idle;

	this_cpu()->queue = q;
	q->leaving_to = -1;
	run_place_init(q);
	watchdog_init(&q->watch);
	snprintf(t->name, sizeof(t->name), "idle/%u", cpu_id());
	t->cpu = cpu_id();
	t->affinity = BIT(cpu_id());
	t->stack = stack;
	if (t->started) /* it was off: as good as idle */
		q->stats.idle_ns += timer_ticks_to_ns(timer_ticks() - t->started);
	t->started = timer_ticks();
	q->current = this_cpu()->current = t;
}

void run_stats(unsigned cpu, struct run_stats *out)
{
	*out = run_queues[cpu].stats;
	out->idle_ns = timer_ticks_to_ns(run_queues[cpu].idle_ticks);
	out->runnable = run_queues[cpu].ready_count;
}
