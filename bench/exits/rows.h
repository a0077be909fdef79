/* SPDX-License-Identifier: BSD-2-Clause */
/* What the kinds of rows share: the VM of the row that runs, a few guests, where threads run. */
#pragma once
#include "bench/lib/measure.h"
#include "tests/kvm/lib/gic.h"
#include "tests/kvm/lib/vm.h"

enum { VTIMER = 27, SPI = 40, DOORBELL = 0x1000, TIMER_ENABLE = 1 };

extern const struct row_list trap_rows, exit_rows, event_rows, timer_rows, smp_rows, memory_rows,
	life_rows, sve_rows, host_rows;

/* The VM of the row; a row makes its own and destroys it. */
extern struct vm vm;
/* The guests' own: interrupts taken by each vCPU; two flags of theirs. */
extern volatile uint64_t irqs[2], stop, ready;

/* One VM with one vCPU, which times itself: a row's measure(). */
uint64_t guest_timed(const struct row *row, uint64_t rounds);
/* The same while somebody watches its exits (docs/stat.md). */
uint64_t guest_watched(const struct row *row, uint64_t rounds);

/* The calling thread and those it starts run on that CPU only. False if they cannot. */
bool run_on_cpu(unsigned cpu);

/* Guests: count an interrupt, without FP and with; get ready to take one. */
GUEST void on_count(struct guest_cpu *cpu);
GUEST void on_count_fp(struct guest_cpu *cpu);
GUEST void guest_takes(void (*handler)(struct guest_cpu *), unsigned irq);
/* The guest of rows that leave to the VMM each round, and one that uses FP before. */
GUEST void guest_writes(uint64_t arg);
GUEST void guest_writes_fp(uint64_t arg);

/* One vector instruction in a guest, if it uses FP in this row. */
GUEST_INLINE void guest_fp(enum fp fp)
{
	if (fp & FP_GUEST)
		__asm__ volatile("fadd v0.2d, v0.2d, v1.2d" ::: "memory");
}

/*
 * The guest `name` and `name`_fp, which uses FP each round: both are `name`_with(argument, fp),
 * inline, so that neither has an instruction to find out which it is.
 */
#define GUEST_PAIR(name)                                                                           \
	static GUEST void name(uint64_t arg)                                                       \
	{                                                                                          \
		name##_with(arg, FP_NOBODY);                                                       \
	}                                                                                          \
	static GUEST void name##_fp(uint64_t arg)                                                  \
	{                                                                                          \
		name##_with(arg, FP_GUEST);                                                        \
	}

/* One vector instruction in the VMM, if it uses FP in this row. */
static inline void vmm_fp(enum fp fp)
{
	if (fp & FP_VMM)
		__asm__ volatile("fadd v0.2d, v0.2d, v1.2d" ::: "v0", "memory");
}
