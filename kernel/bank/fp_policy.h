/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether a context that comes back to a CPU gets its vector registers ahead, or a trap on first
 * use. Never matters for correctness: only for how many traps there are.
 */
#pragma once

#include "lib/types.h"

/* The numbers are ABI: docs/abi.md. */
enum fp_policy_kind {
	FP_ADAPTIVE, /* by what its traps have shown */
	FP_EAGER,    /* ahead each time */
	FP_LAZY,     /* never ahead: a trap each time */
	FP_STRICT,   /* adaptive; and its registers and others' never stand together: fp.c */
	FP_POLICIES,
};

/* One a context. Changed by its claimant, masked. */
struct fp_policy {
	uint64_t armed_at; /* the epoch in which a trap was armed, 0: none is */
	uint16_t streak;   /* armed and used so often in a row */
	uint16_t ahead;	   /* so often yet load without a trap; 0 while a trap is armed */
	uint8_t kind;	   /* enum fp_policy_kind */
	uint8_t spend;	   /* what a load takes from ahead */
};

/* Nothing known of the context. */
void fp_policy_init(struct fp_policy *p, enum fp_policy_kind kind);

/* Arm the trap, in this epoch. */
static inline void fp_policy_arm(struct fp_policy *p, uint64_t epoch)
{
	if (p->armed_at == epoch) /* nobody came between: the same look goes on */
		return;
	if (p->armed_at)
		p->streak = 0;
	p->armed_at = epoch;
}

/* The context is about to run and is not in the bank. The epoch is a number of this CPU, not 0,
 * that changes whenever anybody is loaded into its bank. True: load it now; false: arm the trap. */
static inline bool fp_policy_enter(struct fp_policy *p, uint64_t epoch)
{
	if (!p->ahead) {
		fp_policy_arm(p, epoch);
		return false;
	}
	p->ahead = (uint16_t)(p->ahead - p->spend);
	return true;
}

/* It has used the registers: the trap came. bytes: what a save or a load of its registers moves. */
void fp_policy_used(struct fp_policy *p, unsigned bytes);

/* ---- at boot ---- */

/* What it costs on this machine, in cycles or whatever: only the proportions count. */
struct fp_costs {
	uint32_t trap;	     /* and its way into C */
	uint32_t save, load; /* of V registers */
};

/* By MIDR_EL1, or what is said for all others. */
struct fp_costs fp_costs_of(uint32_t midr);
/* "TRAP,SAVE,LOAD", each 1 to 1,000,000. False: something else, *costs stays. */
bool fp_costs_parse(struct fp_costs *costs, const char *text);
void fp_policy_set_costs(const struct fp_costs *costs);

/* "adaptive", … False: none of them. */
bool fp_policy_parse(const char *name, enum fp_policy_kind *kind);
const char *fp_policy_name(enum fp_policy_kind kind);
