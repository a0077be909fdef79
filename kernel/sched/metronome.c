/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What interrupts and threads have to wait for, seen by something that wakes all the time. With
 * bench.kthread=1 on the command line each CPU has a kernel thread that a timer wakes every
 * millisecond, less a little, so that it does not keep step with anything. The latest its
 * interrupt has come is the longest stretch with interrupts masked that it met, and the latest the
 * thread ran after that is what the scheduler made of it. Beside a vCPU it is also the other
 * side of a hand-over without a second guest (bench/fair.c).
 *
 * Without the argument none of this exists. State: beats[], each CPU's own.
 */
#include "sched/metronome.h"

#include "arch/cpu.h"
#include "mm/slab.h"
#include "sched/ktimer.h"
#include "sched/thread.h"

#define PERIOD_NS 997000ull

struct beat {
	_Alignas(64) struct thread thread;
	struct ktimer timer;
	uint64_t due, came; /* this beat: when it was to come, and came (0: not yet) */
	struct metronome_stats stats;
};

static struct beat *beats[MAX_CPUS];

static void note(uint64_t *worst, uint64_t late)
{
	if (late > *worst)
		__atomic_store_n(worst, late, __ATOMIC_RELAXED);
}

static void beat_comes(struct ktimer *t)
{
	struct beat *b = container_of(t, struct beat, timer);
	uint64_t now = timer_now();

	note(&b->stats.interrupt_ns, now - b->due);
	__atomic_store_n(&b->came, now, __ATOMIC_RELAXED);
	thread_wake(&b->thread);
}

static void beat_thread(void *arg)
{
	struct beat *b = arg;

	for (;;) {
		b->due = timer_now() + PERIOD_NS;
		b->came = 0;
		ktimer_start(&b->timer, b->due);
		for (;;) {
			thread_prepare_block();
			if (__atomic_load_n(&b->came, __ATOMIC_RELAXED))
				break;
			thread_block();
		}
		thread_cancel_block();
		note(&b->stats.thread_ns, timer_now() - b->came);
		__atomic_store_n(&b->stats.beats, b->stats.beats + 1, __ATOMIC_RELAXED);
	}
}

bool metronome_start(void)
{
	for (unsigned cpu = 0; cpu < cpu_count(); cpu++) {
		struct beat *b = kzalloc(sizeof(*b));

		if (!b || thread_init(&b->thread, "metronome", beat_thread, b))
			return false;
		b->thread.affinity = 1ull << cpu;
		ktimer_init(&b->timer, beat_comes);
		beats[cpu] = b;
		thread_start(&b->thread);
	}
	return true;
}

struct metronome_stats metronome_stats(void)
{
	struct metronome_stats sum = { 0 };

	for (unsigned cpu = 0; cpu < cpu_count() && beats[cpu]; cpu++) {
		const struct metronome_stats *s = &beats[cpu]->stats;

		sum.beats += __atomic_load_n(&s->beats, __ATOMIC_RELAXED);
		note(&sum.interrupt_ns, __atomic_load_n(&s->interrupt_ns, __ATOMIC_RELAXED));
		note(&sum.thread_ns, __atomic_load_n(&s->thread_ns, __ATOMIC_RELAXED));
	}
	return sum;
}
