/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two vCPUs: SGIs between them, on two CPUs and on one, and two that hand over one CPU because each
 * leaves to its VMM, which yields. Each thread is pinned: two that spin for each other on one CPU
 * would wait for the scheduler's tick in every round.
 */
#include <pthread.h>
#include "bench/exits/rows.h"

enum { SGI = 3 };

GUEST_INLINE void guest_answers_with(uint64_t arg, enum fp fp)
{
	(void)arg;
	guest_takes(fp ? on_count_fp : on_count, SGI);
	ready = 1;
	while (!stop)
		cpu_relax();
	guest_done(0);
}
GUEST_PAIR(guest_answers)

GUEST_INLINE void guest_sgis_with(uint64_t rounds, enum fp fp)
{
	uint64_t begin, seen = 0;

	guest_takes(on_count, SGI);
	while (!ready)
		cpu_relax();
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

/* The one that answers sleeps until the other is done; it never misses one, see wfi_until(). */
GUEST_INLINE void guest_echoes_with(uint64_t rounds, enum fp fp)
{
	uint64_t seen = 0;

	guest_takes(on_count, SGI);
	ready = 1;
	while (rounds--) {
		guest_fp(fp);
		wfi_until(irqs[1] != seen);
		seen++;
		sgi_send(SGI, 1);
	}
	guest_done(0);
}
GUEST_PAIR(guest_echoes)

/* Two vCPUs wake each other and sleep: one round is there and back. */
GUEST_INLINE void guest_calls_with(uint64_t rounds, enum fp fp)
{
	uint64_t begin, seen = 0;

	guest_takes(on_count, SGI);
	while (!ready) /* cpu_relax() is for another CPU, and slow */
		;
	begin = section_begin();
	while (rounds--) {
		guest_fp(fp);
		sgi_send(SGI, 2);
		wfi_until(irqs[0] != seen);
		seen++;
	}
	guest_done(section_end(begin));
}
GUEST_PAIR(guest_calls)

/* vCPU 0 runs row->guest here on CPU 0, vCPU 1 the other guest in a thread on that CPU. */
static uint64_t with_partner(const struct row *row, uint64_t rounds, unsigned cpu,
			     void (*partner)(uint64_t))
{
	uint64_t ticks = 0, ignored;

	if (!run_on_cpu(cpu))
		return 0;
	vm_create(&vm, 2);
	if (vm_add_gic(&vm, 64) == 0) {
		vcpu_thread_start(&vm.vcpu[1], partner, rounds);
		run_on_cpu(0);
		vcpu_start(&vm.vcpu[0], row->guest, rounds);
		vcpu_run_done(&vm.vcpu[0], &ticks);
		vcpu_thread_join(&vm.vcpu[1], &ignored);
	}
	vm_destroy(&vm);
	return ticks;
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
