/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A task that does nothing but use its registers, which are all its tracer's: general registers, V
 * registers or all of SVE, at any length. The calling thread is the tracer.
 */
#pragma once
#include "tests/lib/tracer.h"
#include "tests/torture/lib/state.h"

struct victim {
	pid_t pid;
	struct user_pt_regs general;
	struct state want;
};

/* False: it could not be traced. */
bool victim_begin(struct victim *v, uint64_t *seed);
/* Stop it: are they what was written last? Then write others, or not, and let it go on. What was
 * wrong, counted; less than 0: it could not be stopped, read or written. */
int victim_look(struct victim *v, uint64_t *seed);
void victim_end(struct victim *v);
