/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether a context that comes back to a CPU gets its vector registers ahead, or a trap on first
 * use. Never matters for correctness: only for how many traps there are.
 */
#pragma once

#include "lib/types.h"

/* One a context, zero at first. Changed by its claimant, masked. */
struct fp_policy {
	uint64_t armed_at; /* the epoch in which a trap was armed, 0: none is */
	uint16_t streak;   /* armed and used so often in a row */
	uint16_t ahead;	   /* so often yet load without a trap */
};

/* The context is about to run and is not in the bank. The epoch is a number of this CPU, not 0,
 * that changes whenever anybody is loaded into its bank. True: load it now; false: arm the trap. */
bool fp_policy_enter(struct fp_policy *p, uint64_t epoch);

/* It has used the registers: the trap came. */
void fp_policy_used(struct fp_policy *p);
