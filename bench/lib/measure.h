/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Measuring by the virtual counter, and printing the table. Under `tools/stet-qemu --icount` one
 * instruction is one nanosecond, so where nobody sleeps a row's nanoseconds a round are
 * instructions a round. What is measured also lies between two marks that tools/plugin/count.c
 * knows, which counts by class and does not count sleep.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* `movz xzr, #n, lsl #16`, which does nothing, at every level. */
#define MARK(n)	    __asm__ volatile("movz xzr, #" #n ", lsl #16" ::: "memory")
#define MARK_ROW    MARK(2) /* a row begins; the first of its repetitions is the warm-up */
#define MARK_REPEAT MARK(3)
#define MARK_BEGIN  MARK(4) /* what is measured, any number of times in a repetition */
#define MARK_END    MARK(5)

#define ALWAYS_INLINE static inline __attribute__((always_inline, target("general-regs-only")))

ALWAYS_INLINE uint64_t ticks_now(void)
{
	uint64_t t;

	__asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(t)::"memory");
	return t;
}

/* The time something begins; a guest has these too. */
ALWAYS_INLINE uint64_t section_begin(void)
{
	MARK_BEGIN;
	return ticks_now();
}

/* How long it took, in ticks. */
ALWAYS_INLINE uint64_t section_end(uint64_t begin)
{
	uint64_t t = ticks_now() - begin;

	MARK_END;
	return t;
}

/* Who uses FP in each round. */
enum fp { FP_NOBODY = 0, FP_GUEST = 1, FP_VMM = 2, FP_BOTH = FP_GUEST | FP_VMM };

struct row {
	const char *name; /* without spaces: the first column of --tsv */
	const char *what;
	/* Do the thing `rounds` times: counter ticks it took, or 0 if it cannot be done here. */
	uint64_t (*measure)(const struct row *row, uint64_t rounds);
	uint64_t rounds;	 /* in each repetition */
	void (*guest)(uint64_t); /* the guest that measure() runs, where it can be several */
	enum fp fp;
};

struct row_list {
	const struct row *rows;
	int count;
};
#define ROW_LIST(array)                                                                            \
	{                                                                                          \
		array, sizeof(array) / sizeof(array[0])                                            \
	}

/*
 * Run the rows the arguments ask for (all without arguments), each in a process of its own, which
 * is ended when a repetition takes too long. The lists end with one that is empty. The program's
 * exit status: 0, or 1 when a row failed.
 */
int rows_run(const struct row_list *lists, int argc, char **argv);
