/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The vector bank: V0-V31, FPSR, FPCR (SVE and SME stay trapped and hidden). Contexts are the
 * threads of programs and vCPUs, equal owners; the kernel itself uses no vector register.
 *
 * Access is apart from ownership: CPTR_EL2.FPEN decides who may use the registers untrapped
 * (DDI 0487 D23.2.30, layout of E2H=1; for guests, TGE=0, only its bit 0 counts):
 *
 *	FPEN	host EL0	guest		written when
 *	00	traps		traps		a guest is entered that does not own the bank
 *	01	traps		open		a vCPU owns it; stays through crossings to host EL0
 *	11	open		open		a program's thread owns it and goes to EL0
 *
 * A context that is in a bank is DIRTY: it was loaded because its owner used a register, and from
 * then on is open whenever its owner runs there.
 */
#pragma once

#include "bank/bank.h"
#include "bank/fp_policy.h"
#include "lib/bits.h"

struct fp_context {
	struct bank_ctx bank;
	bool guest; /* a vCPU's */
	struct fp_policy policy;
	/* fp_regs.S knows how these lie. While a CPU is home they are old: fp_sync() first. */
	_Alignas(16) uint8_t v[32][16];
	uint32_t fpsr, fpcr;
};

#define CPTR_FPEN	BITS(21, 20)
#define CPTR_FPEN_NONE	0ull
#define CPTR_FPEN_GUEST (1ull << 20)
#define CPTR_FPEN_ALL	(3ull << 20)
#define CPTR_TTA	BIT(28) /* trace registers trap */
#define CPTR_TAM	BIT(30) /* activity monitors trap */
/* ZEN and SMEN are 0: SVE and SME trap. */
#define CPTR_BASE (CPTR_TTA | CPTR_TAM)

/* Once, before the other CPUs start; then on each CPU, the first one too: everything closed. */
void fp_init(void);
void fp_cpu_init(void);

/* A context with all registers zero. */
void fp_context_init(struct fp_context *fp, bool guest);
/* The context ends: leave whatever bank it is in. Claimant, enabled, may wait. */
void fp_context_end(struct fp_context *fp);
/* child = a copy of the parent's newest state (fork). Claimant of both. The child's image is
 * overwritten whole; it was initialised before. */
void fp_context_copy(struct fp_context *child, struct fp_context *parent);
/* All registers zero again (exec, vCPU reset). Claimant, enabled, may wait. */
void fp_context_reset(struct fp_context *fp);

/* Trap on first use (EC 0x07): take the bank and open access. Enabled before and after. From host
 * EL0 by the current thread with its own context; for a vCPU from its run loop. */
void fp_trap_user(struct fp_context *fp);
void fp_trap_guest(struct fp_context *fp);

/* Write FPEN of this CPU. ERET makes it count for EL0 and guests: no ISB. Masked. */
static inline void fp_set_access(struct cpu *cpu, uint64_t fpen)
{
	uint64_t cptr = CPTR_BASE | fpen;

	if (cpu->cptr_el2 != cptr) {
		cpu->cptr_el2 = cptr;
		cpu->fp_entered = NULL;
		/* CPTR_EL2; no instruction at EL2 depends on it but fp.c's, which take care */
		__asm__ volatile("msr cptr_el2, %0" ::"r"(cptr));
	}
}

/* The rare ways of the two below. Masked. */
void fp_enter_absent(struct fp_context *fp);
void fp_enter_other_guest(struct fp_context *fp);

/* A crossing to host EL0: does the vector state of fp, a vCPU's, stand where it is? Masked. */
static inline void fp_count_stood(const struct fp_context *fp)
{
	if (bank_is_here(&fp->bank))
		this_cpu()->fp_avoided++;
}

/* Before host EL0 runs after another thread ran here, or after a guest did (CPU_GUEST mode): set
 * access right for this context. Masked, until the ERET. */
static inline void fp_enter_user(struct fp_context *fp)
{
	struct cpu *cpu = this_cpu();

	if (bank_is_at(&fp->bank, cpu->id)) {
		fp_set_access(cpu, CPTR_FPEN_ALL);
		cpu->fp_avoided++;
	} else if (fp->policy.armed_at != cpu->fp_epoch) {
		fp_enter_absent(fp);
	} else if (cpu->cptr_el2 == (CPTR_BASE | CPTR_FPEN_ALL)) {
		fp_set_access(cpu,
			      CPTR_FPEN_GUEST); /* closed for EL0; perhaps right for the guest */
	}
}

/* Before each entry into a guest. Masked, until the ERET. Nothing to do if nothing happened to this
 * CPU's bank and access since it was entered before: both forget fp_entered. */
static inline void fp_enter_guest(struct fp_context *fp)
{
	if (this_cpu()->fp_entered != fp)
		fp_enter_other_guest(fp);
}

/* Make the image the newest state for reading or writing from outside. Claimant, enabled, may wait.
 */
void fp_sync(struct fp_context *fp);

/* Of this machine since boot. */
struct fp_stats {
	struct bank_stats moved; /* of 32 registers and two */
	uint64_t traps;		 /* first uses */
	uint64_t ahead;		 /* loads without a trap */
	uint64_t avoided; /* crossings at which a vCPU's or a program's registers stood */
};
struct fp_stats fp_stats(void);
