/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The vector bank: V0-V31, FPSR, FPCR, and SVE's Z, P and FFR (SME stays trapped and hidden).
 * Contexts are the threads of programs and vCPUs, equal owners; the kernel itself uses no vector
 * register.
 *
 * Access is apart from ownership: CPTR_EL2.FPEN and .ZEN decide who may use the registers untrapped
 * (DDI 0487 D23.2.30, layout of E2H=1; for guests, TGE=0, only their bit 0 counts):
 *
 *	xEN	host EL0	guest		written when
 *	00	traps		traps		a guest is entered that does not own the bank
 *	01	traps		open		a vCPU owns it; stays through crossings to host EL0
 *	11	open		open		a program's thread owns it and goes to EL0
 *
 * A context that is in a bank is DIRTY: it was loaded because its owner used a register, and from
 * then on is open whenever its owner runs there.
 *
 * ZEN is open only to contexts that have used SVE since they began; all others move V registers.
 * Of a program's thread inside a system call V registers are all there is: the rest ends with the
 * call (Documentation/arm64/sve.rst of Linux, 3), so it is not moved, and zero afterwards.
 */
#pragma once

#include "bank/bank.h"
#include "bank/fp_image.h"
#include "bank/fp_policy.h"
#include "lib/bits.h"
#include "sched/thread.h"

struct fp_context {
	struct bank_ctx bank;
	bool guest; /* a vCPU's */
	/* SVE, all written by the claimant: */
	bool sve;      /* has used it: ZEN is open while it is here */
	bool wide;     /* the image is sve_image, not v */
	bool dead;     /* all but the V registers has ended with a system call */
	bool given;    /* all of it is a tracer's or a frame's, and does not end with this call */
	uint16_t vq;   /* vector length in quadwords: ZCR_EL2.LEN + 1 while it owns the bank */
	uint64_t open; /* CPTR_EL2 while it owns the bank and runs */
	struct fp_policy policy;
	/* fp_regs.S knows how these lie. While a CPU is home they are old: fp_sync() first. */
	_Alignas(16) uint8_t v[V_COUNT][V_SIZE];
	uint32_t fpsr, fpcr;
	void *sve_image;	       /* fp_image.h; NULL: none yet, nor any use of SVE */
	uint64_t zcr_el1;	       /* a vCPU's: goes with its SVE registers */
	struct thread *thread;	       /* whose it is; NULL: a vCPU's */
	const struct trapframe *frame; /* the thread's last entry from EL0 */
};

#define CPTR_FPEN	BITS(21, 20)
#define CPTR_ZEN	BITS(17, 16)
#define CPTR_FPEN_GUEST BIT(20)
#define CPTR_ZEN_GUEST	BIT(16)
#define CPTR_EL0	(BIT(21) | BIT(17)) /* beside the guest's bit: open for EL0 too */
#define CPTR_TTA	BIT(28)		    /* trace registers trap */
#define CPTR_TAM	BIT(30)		    /* activity monitors trap */
/* SMEN is 0: SME traps. */
#define CPTR_CLOSED (CPTR_TTA | CPTR_TAM)

/* Once, before the other CPUs start, with the policy of contexts that nobody gives another; then on
 * each CPU, the first one too: everything closed. */
void fp_init(enum fp_policy_kind usual);
void fp_cpu_init(void);
/* Nobody's registers are in this CPU's bank any more. Masked. */
void fp_evict_local(void);
/* Has somebody who has used SVE this CPU's registers? Masked. */
bool fp_owner_is_wide(void);
/* Registers that nobody owns have changed: who armed a trap before has to look again. Masked. */
void fp_begin_epoch(struct cpu *cpu);

/* A context with all registers zero. vq: fp_length.h's, 0 without SVE. thread: NULL for a vCPU. */
void fp_context_init(struct fp_context *fp, unsigned vq, struct thread *thread);
/* The context ends: leave whatever bank it is in. Claimant, enabled, may wait. */
void fp_context_end(struct fp_context *fp);
/* child = a copy of the parent's newest state (fork: V registers, its vector length). Claimant of
 * both, in the parent's system call. The child was initialised before. */
void fp_context_copy(struct fp_context *child, struct fp_context *parent);
/* All registers zero again (exec, vCPU reset), SVE not used yet. Claimant, enabled, may wait. */
void fp_context_reset(struct fp_context *fp);
/* Another policy. Claimant, enabled, may wait. */
void fp_set_policy(struct fp_context *fp, enum fp_policy_kind kind);
/* Another vector length: the V registers stay. Claimant, enabled, may wait. */
void fp_set_length(struct fp_context *fp, unsigned vq);
/* Memory for the SVE image, contents zero, if there is none yet. -ENOMEM. Claimant, may sleep. */
int fp_need_sve(struct fp_context *fp);
/* After fp_sync(): the image is from now on the V registers alone, or SVE's (fp_need_sve() was 0).
 * It keeps its values as far as there is room. */
void fp_narrow_image(struct fp_context *fp);
void fp_widen_image(struct fp_context *fp);

/* Trap on first use (EC 0x07; EC 0x19): take the bank and open access. Enabled before and after.
 * From host EL0 by the current thread with its own context; for a vCPU from its run loop. Of SVE:
 * -ENOMEM, nothing is changed then. */
void fp_trap(struct fp_context *fp);
int fp_trap_sve(struct fp_context *fp);

/* A thread that has used SVE is on its way out of a system call, or stops in one: what SVE adds has
 * ended, but for what it was given since. */
static inline void fp_leave_call(struct fp_context *fp)
{
	/* relaxed: see only_v_lives() in fp.c */
	if (!fp->given)
		__atomic_store_n(&fp->dead, true, __ATOMIC_RELAXED);
}
/* Last before host EL0, for a thread that has used SVE, before fp_enter_user(): if it is here, see
 * to it that what has ended reads as zero. Masked. */
void fp_settle(struct fp_context *fp);

/* Write CPTR_EL2 of this CPU. ERET makes it count for EL0 and guests: no ISB. Masked. */
static inline void fp_set_access(struct cpu *cpu, uint64_t cptr)
{
	if (cpu->cptr_el2 != cptr) {
		cpu->cptr_el2 = cptr;
		cpu->entered = NULL;
		/* CPTR_EL2; no instruction at EL2 depends on it but fp.c's, which take care */
#ifdef __aarch64__ /* a model has no such register */
		__asm__ volatile("msr cptr_el2, %0" ::"r"(cptr));
#endif
	}
}

/* The rare way of the two below. Masked. */
void fp_enter_absent(struct cpu *cpu, struct fp_context *fp);

/* Before host EL0 runs after another thread ran here, or after a guest did (CPU_GUEST mode): set
 * access right for this context. Masked, until the ERET. */
static inline void fp_enter_user(struct cpu *cpu, struct fp_context *fp)
{
	if (bank_is_at(&fp->bank, cpu->id)) {
		fp_set_access(cpu, fp->open);
		cpu->fp_avoided++;
	} else if (fp->policy.armed_at != cpu->fp_epoch) {
		fp_enter_absent(cpu, fp);
	} else {
		/* closed for EL0; perhaps right for the guest, whose registers stand then */
		cpu->fp_avoided += (cpu->cptr_el2 & CPTR_FPEN) != 0;
		fp_set_access(cpu, cpu->cptr_el2 & ~CPTR_EL0);
	}
}

/* A program's thread gets the CPU. If that were set up for a guest, access would be made right on
 * the way to EL0 anyhow; it is not, and it is made right here where there is nothing to choose.
 * False: fp_enter_user() is due before EL0, if the thread gets there at all. Right it stays until
 * then: who takes the bank, or gives it up, closes it to EL0 or opens it for itself. Masked. */
static inline bool fp_switch(struct cpu *cpu, struct fp_context *fp)
{
	if (bank_is_at(&fp->bank, cpu->id))
		fp_set_access(cpu, fp->open);
	else if (fp->policy.armed_at == cpu->fp_epoch)
		fp_set_access(cpu, cpu->cptr_el2 & ~CPTR_EL0);
	else
		return false;
	return true;
}

/* Before a guest runs after anything that clears cpu->entered: right again until that is cleared,
 * as a change of access and any load do. Masked, until the ERET. */
static inline void fp_enter_guest(struct cpu *cpu, struct fp_context *fp)
{
	if (bank_is_at(&fp->bank, cpu->id))
		fp_set_access(cpu, fp->open);
	else if (fp->policy.armed_at == cpu->fp_epoch)
		fp_set_access(cpu, CPTR_CLOSED);
	else
		fp_enter_absent(cpu, fp);
}

/* Make the image the newest state for reading or writing from outside. Claimant, enabled, may wait.
 */
void fp_sync(struct fp_context *fp);

/* Of this machine since boot. */
struct fp_stats {
	uint64_t saves, loads;		 /* of 32 registers and two, or all of SVE's */
	uint64_t wide_saves, wide_loads; /* of these, those of all of SVE's */
	uint64_t traps;		 /* first uses */
	uint64_t ahead;		 /* loads without a trap */
	uint64_t zeroed;	 /* times all were made zero for a strict context */
	uint64_t avoided;	 /* crossings at which a vCPU's or a program's registers stood */
};
struct fp_stats fp_stats(void);
