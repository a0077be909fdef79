/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A CPU that keeps interrupts masked for seconds is a mistake of ours that no other part of the
 * kernel need ever notice. So each CPU that has something to run takes a timer interrupt every
 * PERIOD_NS and looks at the next CPU of the ring: one that does not idle takes that interrupt too,
 * so its count of interrupts moves. If it has not moved in LOOKS looks, that CPU is made to print
 * where it is (arch/panic.c), and all ends.
 *
 * QEMU with -icount and several CPUs may run one and not another: it runs them in turns, but each
 * may use all instructions up to the next timer's deadline, and of a first one that neither sleeps
 * nor yields nothing is left for the next (up to QEMU 8.0; later ones divide it). A CPU that got no
 * turn is not stuck. So the one that looks yields first, which gives the other its turn. To a core
 * it is a hint.
 *
 * A CPU that idles takes part only as long as the one it looks after does not, and only if
 * something woke it meanwhile: where all idle, no timer runs.
 *
 * State: watches[], each CPU's own.
 */
#include "sched/watchdog.h"

#include "arch/cpu.h"
#include "arch/irq.h"
#include "arch/panic.h"
#include "lib/bits.h"
#include "sched/queue.h"

#define PERIOD_NS 2000000000ull
#define LOOKS	  5 /* of QEMU's CPUs one may not run for a while */

struct watch {
	uint16_t cpu;	/* whom it looked at last */
	uint16_t still; /* looks at which the count was the same */
	uint32_t count; /* its low bits */
};

static struct watch watches[MAX_CPUS];

static unsigned next_online(unsigned me)
{
	unsigned cpu = me;

	do
		cpu = (cpu + 1) % cpu_count();
	while (cpu != me && !cpu_is_online(cpu));
	return cpu;
}

static void watchdog_look(struct ktimer *t)
{
	struct watch *w = &watches[cpu_id()];
	unsigned next = next_online(cpu_id());
	uint64_t count;
	bool busy;

	__asm__ volatile("yield");
	count = irq_count_all(next);
	busy = next != cpu_id() && !run_is_idle(next);
	w->still = busy && next == w->cpu && count == w->count ? (uint16_t)(w->still + 1) : 0;
	w->cpu = (uint16_t)next;
	w->count = count;
	if (w->still == LOOKS)
		panic_cpu_stuck(next, "it has taken no interrupt for 10 s");
	if (busy || !run_is_idle(cpu_id()))
		watchdog_start(t);
}

void watchdog_start(struct ktimer *watch)
{
	ktimer_start(watch, timer_now() + PERIOD_NS);
}

void watchdog_init(struct ktimer *watch)
{
	ktimer_init(watch, watchdog_look);
}
