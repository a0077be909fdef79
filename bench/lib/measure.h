/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Measuring by the virtual counter and printing the table. Under `tools/stet-qemu --icount` one
 * instruction is one nanosecond, so a row's nanoseconds a round are instructions a round.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

static inline uint64_t ticks_now(void)
{
	uint64_t t;

	__asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(t)::"memory");
	return t;
}

struct row {
	const char *name; /* without spaces: the first column of --tsv */
	const char *what;
	/* Do the thing `rounds` times: counter ticks it took, or 0 if it cannot be done here. */
	uint64_t (*measure)(uint64_t rounds);
	uint64_t rounds; /* in each repetition */
};

/*
 * Run the rows the arguments ask for (all without arguments), each in a process of its own, which
 * is ended when a repetition takes too long. The program's exit status: 0, or 1 when a row failed.
 */
int rows_run(const struct row *rows, int count, int argc, char **argv);
