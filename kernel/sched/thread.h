/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads of the kernel: what the scheduler moves between CPUs. linux/process/task.h embeds one for
 * each thread of a program; vhost and housekeeping have bare ones.
 *
 * The kernel is not preemptible: a thread gives the CPU away in thread_block() and what is built
 * on it, in thread_yield(), and where it is asked to by WORK_RESCHED: on its way to EL0, in the KVM
 * run loop, and in long loops by thread_checkpoint().
 */
#pragma once

#include <stdatomic.h>

#include "arch/cpu.h"
#include "mm/mmu.h"
#include "arch/trap.h"
#include "lib/heap.h"
#include "lib/list.h"

/* Reasons not to go straight back to EL0 or into a guest: one word, tested once. */
enum {
	WORK_RESCHED = 1u << 0, /* somebody else should run */
	WORK_SIGNAL = 1u << 1,	/* linux/signal/signal.c: a signal to take, or the process ends */
	WORK_VECTOR = 1u << 2,	/* bank/fp.c: access to the vector bank must be set before EL0 */
	WORK_GUEST = 1u << 3,	/* kvm: vcpu->requests has a bit */
	WORK_SVE = 1u << 5,	/* more than V registers may live: bank/fp.c; linux/trap.c */
	WORK_TRACE = 1u << 4,	/* linux/ptrace/traced.c: a traced system call ends */
	WORK_FRAME = 1u << 6,	/* x20-x29 in the trap frame were changed: load them all */
	WORK_STEP = 1u << 7,	/* is single-stepped: stays set; linux/ptrace/traced.c */
};

enum thread_state {
	THREAD_RUNNING,	 /* on a CPU or in its queue */
	THREAD_BLOCKING, /* has said what it waits for, still on its CPU: a wake makes it RUNNING */
	THREAD_BLOCKED,
	THREAD_DEAD,
};

/* What arch/switch.S saves. */
struct switch_frame {
	uint64_t x29, lr, sp;
};

struct thread {
	struct switch_frame frame; /* offset 0 */
	_Atomic uint32_t work;	   /* offset: generated; vectors.S tests it before EL0 */
	_Atomic uint32_t state;	   /* enum thread_state */
	uint32_t cpu;		   /* runs there, or last did */
	uint64_t affinity;	   /* CPUs it may run on, one bit each */
	uint64_t stack;		   /* lowest usable address */
	struct mmu_context
		*mmu; /* the program's; NULL: a kernel thread, keeps whatever is loaded */
	uint64_t tpidr_el0, tpidr2_el0; /* of a program, while it does not run */
	struct heap_node run_node;
	uint64_t runtime, vruntime, started; /* ticks: had in all; for the order; last charged at */
	char name[16];
	void (*entry)(void *arg);
	void *arg;
	/* Hooks of linux/ for its tasks; may be NULL. Gets the CPU, which is not set up for a
	 * guest; masked: */
	void (*switched_in)(struct thread *t);
	void (*released)(
		struct thread *t); /* DEAD and off its stack: free the owner. may be NULL */
};

/* Not volatile: to a function the current thread is always the same one, also after it has slept
 * and goes on on another CPU. (Not so this_cpu().) */
static inline struct thread *thread_current(void)
{
#ifdef __aarch64__
	struct thread *t;

	_Static_assert(offsetof(struct cpu, current) == 0, "the load below");
	__asm__("mrs %0, tpidr_el2\n\tldr %0, [%0]" : "=r"(t));
	return t;
#else
	return this_cpu()->current;
#endif
}

/* Make *t ready to run entry(arg) in the kernel on a stack of its own. -ENOMEM. */
int thread_init(struct thread *t, const char *name, void (*entry)(void *), void *arg);
/* Make an initialised thread run for the first time. */
void thread_start(struct thread *t);
/* An initialised thread that never started: give the stack back. */
void thread_abandon(struct thread *t);
/* A kernel thread of its own: kzalloc, init, start. NULL: no memory. */
struct thread *thread_spawn(const char *name, void (*entry)(void *), void *arg);
_Noreturn void thread_exit(void);

static inline struct trapframe *thread_trapframe(struct thread *t);

/* Wait: set BLOCKING first, look at the condition, then block (returns at once if woken between).
 */
void thread_prepare_block(void);
void thread_cancel_block(void);
void thread_block(void);
/* Make t run if it is BLOCKING or BLOCKED; true if it was. Any context. */
bool thread_wake(struct thread *t);
/* Let another of this CPU run, if there is one; or only one that had less (WORK_RESCHED). */
void thread_yield(void);
void thread_preempt(void);
/* In long loops, no lock held: yield if asked to. */
static inline void thread_checkpoint(void);
/* Set a work bit of t and make t's CPU look at it, wherever t is; WORK_SIGNAL and WORK_GUEST wake
 * it too. Any context. */
void thread_set_work(struct thread *t, uint32_t bit);
static inline void thread_clear_work(struct thread *t, uint32_t bit)
{
	/* acquire: what was written before the bit was set is seen after it is cleared */
	atomic_fetch_and_explicit(&t->work, ~bit, memory_order_acquire);
}
static inline bool thread_has_work(struct thread *t, uint32_t bits)
{
	return atomic_load_explicit(&t->work, memory_order_acquire) & bits;
}
/* Only on these CPUs from now on (moves at its next block or yield; at once if it is current). */
int thread_set_affinity(struct thread *t, uint64_t cpus);

/* Stacks: THREAD_STACK bytes at an address aligned to twice that; below it a guard of the same
 * size. */
#define THREAD_STACK 16384ull

static inline struct trapframe *thread_trapframe(struct thread *t)
{
	return (struct trapframe *)(t->stack + THREAD_STACK) - 1;
}

static inline void thread_checkpoint(void)
{
	if (thread_has_work(thread_current(), WORK_RESCHED))
		thread_preempt();
}
