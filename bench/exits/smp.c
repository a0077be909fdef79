/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two vCPUs: SGIs between them, on two CPUs and on one, and two that hand over one CPU because each
 * leaves to its VMM, which yields. Each thread is pinned: two that spin for each other on one CPU
 * would wait for the scheduler's tick in every round.
 */
#include <linux/sched.h>
#include <pthread.h>
#include "bench/exits/rows.h"

enum { SGI = 3 };

GUEST_INLINE void guest_answers_with(uint64_t arg, enum fp fp)
{
	guest_takes(fp ? on_count_fp : on_count, SGI);
	ready = 1;
	while (!stop)
		cpu_relax();
	guest_done(arg);
}
GUEST_PAIR(guest_answers)

GUEST_INLINE void guest_sgis_with(uint64_t rounds, enum fp fp)
{
	uint64_t begin, seen = 0;

	guest_takes(on_count, SGI);
	begin = section_begin();
	while (rounds--) {
		guest_fp(fp);
		sgi_send(SGI, 2);
		while (irqs[1] == seen)
			cpu_relax();
		seen++;
	}
	begin = section_end(begin);
	stop = 1;
	guest_done(begin);
}
GUEST_PAIR(guest_sgis)

/*
 * Two vCPUs on one CPU wake each other and sleep: one round is there and back. Each counts how
 * often it slept: one whose thread has to leave the CPU when it wakes the other finds the answer
 * there and has nothing to wait for.
 */
GUEST_INLINE void sleep_until_irq(unsigned me, uint64_t *seen, uint64_t *slept)
{
	*slept += irqs[me] == *seen;
	wfi_until(irqs[me] != *seen);
	++*seen;
}

/* It never misses one, see wfi_until(). */
GUEST_INLINE void guest_echoes_with(uint64_t rounds, enum fp fp)
{
	uint64_t seen = 0, slept = 0;

	guest_takes(on_count, SGI);
	ready = 1;
	while (seen < rounds) {
		guest_fp(fp);
		sleep_until_irq(1, &seen, &slept);
		sgi_send(SGI, 1);
	}
	guest_done(slept);
}
GUEST_PAIR(guest_echoes)

GUEST_INLINE void guest_calls_with(uint64_t rounds, enum fp fp)
{
	uint64_t begin, seen = 0, slept = 0;

	guest_takes(on_count, SGI);
	begin = section_begin();
	while (seen < rounds) {
		guest_fp(fp);
		sgi_send(SGI, 2);
		sleep_until_irq(0, &seen, &slept);
	}
	begin = section_end(begin);
	guest_done(slept >= rounds - rounds / 8 ? begin : 0);
}
GUEST_PAIR(guest_calls)

/*
 * vCPU 0 runs row->guest on CPU 0, vCPU 1 the other guest, ready before, on that CPU. For the sake
 * of those on one CPU each has a thread of its own that neither takes the CPU from the other when
 * it wakes: that would be so if the other had had a millisecond more. Linux has SCHED_BATCH for it;
 * on Stet both are new and have had the same.
 */
static uint64_t with_partner(const struct row *row, uint64_t rounds, unsigned cpu,
			     void (*partner)(uint64_t))
{
	const struct sched_param any = { 0 };
	uint64_t ticks = 0, answers = 0;

	if (!run_on_cpu(cpu))
		return 0;
	sys(__NR_sched_setscheduler, 0, SCHED_BATCH, &any);
	vm_create(&vm, 2);
	if (vm_add_gic(&vm, 64) == 0) {
		vcpu_thread_start(&vm.vcpu[1], partner, rounds);
		run_on_cpu(0);
		while (!guest_view(&vm, ready))
			sys(__NR_sched_yield);
		vcpu_thread_start(&vm.vcpu[0], row->guest, rounds);
		vcpu_thread_join(&vm.vcpu[0], &ticks);
		vcpu_thread_join(&vm.vcpu[1], &answers);
	}
	vm_destroy(&vm);
	return answers >= rounds - rounds / 8 ? ticks : 0;
}

static uint64_t sgis(const struct row *row, uint64_t rounds)
{
	return with_partner(row, rounds, 1, row->fp ? guest_answers_fp : guest_answers);
}

/* A round is one SGI, so half of there and back. */
static uint64_t sgis_on_one_cpu(const struct row *row, uint64_t rounds)
{
	return with_partner(row, (rounds + 1) / 2, 0, row->fp ? guest_echoes_fp : guest_echoes);
}

/* Two threads on one CPU, each with a vCPU of its own; whose turn it is. */
struct partner {
	const struct row *row;
	volatile int turn;
	volatile bool stop;
	long err;
};

/* One exit of vCPU `me`, then the CPU is the other's. */
static void take_turn(struct partner *p, int me)
{
	p->err = p->err ?: vcpu_run(&vm.vcpu[me]);
	vmm_fp(p->row->fp);
	p->turn = !me;
	while (p->turn != me && !p->stop)
		sys(__NR_sched_yield);
}

static void *partner_body(void *arg)
{
	struct partner *p = arg;

	while (p->turn != 1)
		sys(__NR_sched_yield);
	while (!p->stop)
		take_turn(p, 1);
	return NULL;
}

/* A round is one exit, of either. */
static uint64_t hand_overs(const struct row *row, uint64_t rounds)
{
	struct partner partner = { .row = row };
	pthread_t thread;
	uint64_t ticks;

	if (!run_on_cpu(0))
		return 0;
	vm_create(&vm, 2);
	vm_add_gic(&vm, 64);
	vcpu_start(&vm.vcpu[0], row->guest, 0);
	vcpu_start(&vm.vcpu[1], row->guest, 0);
	pthread_create(&thread, NULL, partner_body, &partner);
	take_turn(&partner, 0);
	ticks = section_begin();
	for (uint64_t n = 0; n < rounds / 2; n++)
		take_turn(&partner, 0);
	ticks = section_end(ticks);
	partner.stop = true;
	pthread_join(thread, NULL);
	vm_destroy(&vm);
	return partner.err ? 0 : ticks;
}

static const struct row rows[] = {
	{ "sgi", "SGI to another, running vCPU, and seeing its answer (two CPUs)", sgis, 200,
	  guest_sgis, FP_NOBODY },
	{ "sgi-guest-fp", "... both guests use FP each round", sgis, 100, guest_sgis_fp, FP_GUEST },
	{ "sgi-one-cpu", "SGI to a vCPU asleep on the same CPU; the sender sleeps", sgis_on_one_cpu,
	  500, guest_calls, FP_NOBODY },
	{ "sgi-one-cpu-guest-fp", "... both guests use FP each round", sgis_on_one_cpu, 200,
	  guest_calls_fp, FP_GUEST },
	{ "hand-over", "two vCPUs hand over one CPU: exit to the VMM, sched_yield", hand_overs, 500,
	  guest_writes, FP_NOBODY },
	{ "hand-over-guest-fp", "... the guests use FP each round", hand_overs, 500,
	  guest_writes_fp, FP_GUEST },
	{ "hand-over-vmm-fp", "... the VMM uses FP each round", hand_overs, 500, guest_writes,
	  FP_VMM },
	{ "hand-over-both-fp", "... both use FP each round", hand_overs, 500, guest_writes_fp,
	  FP_BOTH },
};
const struct row_list smp_rows = ROW_LIST(rows);
