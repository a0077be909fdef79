/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The vector bank: V0-V31, FPSR, FPCR (SVE and SME stay trapped and hidden). Contexts are the
 * threads of programs and vCPUs, equal owners; the kernel itself uses no vector register.
 *
 * Access is apart from ownership: CPTR_EL2.FPEN decides who may use the registers untrapped.
 * 01 while a vCPU owns the bank: open for the guest (TGE=0), closed for host EL0 (TGE=1), so nothing
 * is written at a crossing; 11 while a host thread owns it; 00 before a guest that does not own it.
 */
#pragma once

#include "bank/bank.h"

struct fp_context {
	struct bank_ctx bank;
	bool guest;		  /* a vCPU's */
	bool used;		  /* has ever been used: else its image is all zero */
	_Alignas(16) uint8_t v[32][16];
	uint32_t fpsr, fpcr;
};

extern struct bank vector_bank;

/* Once, and on each CPU as it comes up: everything closed. */
void fp_init(void);
void fp_cpu_init(void);

/* A context with all registers zero. */
void fp_context_init(struct fp_context *fp, bool guest);
/* The context ends: leave whatever bank it is in. Claimant, may wait. */
void fp_context_end(struct fp_context *fp);
/* child = a copy of the parent's newest state (fork). Claimant of both. */
void fp_context_copy(struct fp_context *child, struct fp_context *parent);

/* Trap on first use (EC 0x07): take the bank and open access. From host EL0 with interrupts enabled;
 * for a vCPU from its run loop, enabled. */
void fp_trap_user(struct fp_context *fp);
void fp_trap_guest(struct fp_context *fp);

/* Before each entry to host EL0 of another thread than the last, and into a guest: set access right for
 * this context (cheap: a compare, a write only on change). Masked. */
void fp_enter_user(struct fp_context *fp);
void fp_enter_guest(struct fp_context *fp);

/* Make the image the newest state for reading or writing from outside. Claimant, may wait. */
void fp_sync(struct fp_context *fp);

/* Counters of this machine: saves, loads, traps, switches avoided. */
struct fp_stats {
	uint64_t saves, loads, traps, avoided;
};
struct fp_stats fp_stats(void);
