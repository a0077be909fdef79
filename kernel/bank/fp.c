/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The vector bank: the hardware half. Entered from the traps of first use (linux/, kvm/), from
 * whoever inspects, copies or ends a context, and from bank.c by its struct bank_ops; goes out to
 * fp_regs.S. Who owns the registers is decided in bank.c; when access is opened, in fp.h and here.
 *
 * The kernel moves the registers itself, and FPEN = 00 traps EL2 too (DDI 0487 D23.2.30): save and
 * load open access first and put an ISB before the first use (the write and the use are at the same
 * EL; nothing else orders them). Both run masked, so nobody sees the access in between.
 *
 * State: fp_* of struct cpu, each CPU's own; the usual policy.
 */
#include "bank/fp.h"

#include <linux/errno.h>
#include <stddef.h>

#include "arch/irq.h"
#include "arch/sysreg.h"
#include "arch/trap.h"
#include "bank/fp_length.h"
#include "lib/check.h"
#include "lib/string.h"
#include "mm/slab.h"

/* fp_regs.S. regs: V0 to V31, then FPSR and FPCR; or an SVE image and those two words. */
void fp_regs_save(void *regs);
void fp_regs_load(const void *regs);
void fp_regs_save_sve(void *image, uint32_t *words);
void fp_regs_load_sve(const void *image, const uint32_t *words);
void fp_regs_load_narrow(const void *regs); /* fp_regs_load(), and all else of SVE = 0 */
void fp_regs_zero(void);
void fp_regs_zero_predicates(void);
void fp_regs_keep_v(void);
_Static_assert(offsetof(struct fp_context, fpsr) == offsetof(struct fp_context, v) + 512 &&
		       offsetof(struct fp_context, fpcr) == offsetof(struct fp_context, v) + 516,
	       "fp_regs.S");

static struct bank vector_bank;
static enum fp_policy_kind usual_policy; /* written once at boot */
static bool strict_used;		 /* anybody is strict; never goes back */

static struct fp_context *fp_of(struct bank_ctx *ctx)
{
	return container_of(ctx, struct fp_context, bank);
}

static bool is_strict(const struct fp_context *fp)
{
	return fp->policy.kind == FP_STRICT;
}

/* EL2 itself is about to use the registers. Masked. */
static inline void open_for_kernel(struct cpu *cpu)
{
	if (cpu->cptr_el2 & CPTR_FPEN)
		return;
	fp_set_access(cpu, CPTR_CLOSED | CPTR_FPEN_GUEST);
	isb(); /* orders the CPTR_EL2 write before the first use */
}

/* The same with SVE. Where that is open, so is the rest. */
static inline void open_sve_for_kernel(struct cpu *cpu)
{
	if (!(cpu->cptr_el2 & CPTR_ZEN_GUEST)) {
		fp_set_access(cpu, CPTR_CLOSED | CPTR_FPEN_GUEST | CPTR_ZEN_GUEST);
		isb(); /* orders the CPTR_EL2 write before ZCR_EL2 and the first use */
	}
}

/* Other registers are about to be in this CPU than were: fp's, which may run, so they change. open:
 * what the load needs. */
static inline void begin_load(struct cpu *cpu, struct fp_context *fp, uint64_t open)
{
	bool closed = !(cpu->cptr_el2 & open);

	cpu->fp_epoch += MAX_CPUS; /* so that no two CPUs ever have the same */
	cpu->entered = NULL;
	fp_set_access(cpu, fp->open);
	if (closed)
		isb(); /* orders the CPTR_EL2 write before ZCR_EL2 and the first use */
	bank_dirty(&fp->bank);
}

/* ---- contexts that have used SVE ---- */

static inline bool in_call(const struct fp_context *fp)
{
	return fp->frame->syscall >= 0;
}

/* relaxed: set by the claimant on the CPU where it runs. Another CPU that has its state is asked
 * for it by the claimant, or saves it on its own: then either this or in_call() is true already. */
static inline bool only_v_lives(const struct fp_context *fp)
{
	return (in_call(fp) && !fp->given) || __atomic_load_n(&fp->dead, __ATOMIC_RELAXED);
}

/* What has ended with a system call is in the image no more. relaxed: see only_v_lives(). */
static inline void forget_the_dead(struct fp_context *fp)
{
	if (fp->wide && only_v_lives(fp))
		fp_narrow_image(fp);
	__atomic_store_n(&fp->dead, false, __ATOMIC_RELAXED);
}

static inline void save_wide(struct cpu *cpu, struct fp_context *fp)
{
	cpu->fp_counts.wide_saves++;
	fp_regs_save_sve(fp->sve_image, &fp->fpsr);
}

/* The vector length is fp's since it was loaded. */
static void guest_save_sve(struct bank_ctx *ctx)
{
	struct fp_context *fp = fp_of(ctx);
	struct cpu *cpu = this_cpu();

	open_sve_for_kernel(cpu);
	fp->zcr_el1 = sysreg_read_named(SYSREG_ZCR_EL12);
	save_wide(cpu, fp);
}

/* A thread whose V registers are all that is left has nothing to end with its next system call. */
static void thread_save_sve(struct bank_ctx *ctx)
{
	struct fp_context *fp = fp_of(ctx);
	struct cpu *cpu = this_cpu();

	open_sve_for_kernel(cpu);
	fp->wide = !only_v_lives(fp);
	if (fp->wide)
		return save_wide(cpu, fp);
	thread_clear_work(fp->thread, WORK_SVE);
	cpu->fp_counts.saves_of_v++;
	fp_regs_save(fp->v);
}

static inline void load_wide(struct cpu *cpu, struct fp_context *fp)
{
	cpu->fp_counts.wide_loads++;
	fp_regs_load_sve(fp->sve_image, &fp->fpsr);
}

static void guest_load_sve(struct bank_ctx *ctx)
{
	struct fp_context *fp = fp_of(ctx);
	struct cpu *cpu = this_cpu();

	begin_load(cpu, fp, CPTR_ZEN_GUEST);
	fp_length_set(cpu, fp->vq);
	sysreg_write_named(SYSREG_ZCR_EL12, fp->zcr_el1);
	load_wide(cpu, fp);
}

static __attribute__((noinline)) void load_image(struct cpu *cpu, struct fp_context *fp)
{
	forget_the_dead(fp);
	if (fp->wide)
		load_wide(cpu, fp);
	else
		fp_regs_load_narrow(fp->v);
}

static void thread_load_sve(struct bank_ctx *ctx)
{
	struct fp_context *fp = fp_of(ctx);
	struct cpu *cpu = this_cpu();

	begin_load(cpu, fp, CPTR_ZEN_GUEST);
	fp_length_set(cpu, fp->vq);
	/* relaxed: a bit for the thread itself, which this CPU runs */
	atomic_fetch_or_explicit(&fp->thread->work, WORK_SVE, memory_order_relaxed);
	if (__builtin_expect(fp->wide || fp->dead, 0))
		return load_image(cpu, fp);
	fp_regs_load_narrow(fp->v);
}

/* relaxed: here, so nobody else looks at dead. */
void fp_settle(struct fp_context *fp)
{
	struct cpu *cpu = this_cpu();

	if (!bank_is_at(&fp->bank, cpu->id) || !__atomic_load_n(&fp->dead, __ATOMIC_RELAXED))
		return;
	open_sve_for_kernel(cpu);
	fp_regs_keep_v();
	__atomic_store_n(&fp->dead, false, __ATOMIC_RELAXED);
}

/* ---- strict contexts: docs/banks.md ---- */

/* Nothing of anybody is left in this CPU's registers, at any length. Masked, nobody owns them or
 * the owner is saved and leaves. */
static void make_zero(struct cpu *cpu)
{
	if (cpu->fp_zeroed_at == cpu->fp_epoch)
		return;
	cpu->fp_zeroed_at = cpu->fp_epoch;
	cpu->fp_counts.zeroed++;
	if (cpu_has(CPU_SVE)) {
		open_sve_for_kernel(cpu);
		fp_length_set(cpu, SVE_VQ_LIMIT);
		fp_regs_zero_predicates();
	} else {
		open_for_kernel(cpu);
	}
	fp_regs_zero();
}

void fp_begin_epoch(struct cpu *cpu)
{
	cpu->fp_epoch += MAX_CPUS;
	cpu->fp_counts.other_epochs++;
	cpu->entered = NULL;
}

/* fp is about to run with the registers closed to it: if it or who is in them is strict, nobody is
 * in them. */
static void keep_apart(struct cpu *cpu, struct fp_context *fp)
{
	struct bank_ctx *owner = vector_bank.slots[cpu->id].owner;

	if (!is_strict(fp) && !(owner && is_strict(fp_of(owner))))
		return;
	bank_evict_local(&vector_bank);
	if (cpu->fp_zeroed_at != cpu->fp_epoch) {
		fp_begin_epoch(cpu);
		make_zero(cpu);
	}
	if (fp->policy.armed_at)
		fp->policy.armed_at = cpu->fp_epoch;
}

/* ---- the bank ---- */

static void save_v(struct bank_ctx *ctx)
{
	struct cpu *cpu = this_cpu();

	open_for_kernel(cpu);
	cpu->fp_counts.saves_of_v++;
	fp_regs_save(fp_of(ctx)->v);
}

static void load_v(struct bank_ctx *ctx)
{
	struct fp_context *fp = fp_of(ctx);

	begin_load(this_cpu(), fp, CPTR_FPEN_GUEST);
	fp_regs_load(fp->v);
}

static void vector_close(struct bank_ctx *ctx)
{
	struct cpu *cpu = this_cpu();

	if (is_strict(fp_of(ctx)))
		make_zero(cpu);
	fp_set_access(cpu, CPTR_CLOSED);
}

/* What is moved of a context: chosen by set_sve(). */
static const struct bank_ops v_ops = { "vector", save_v, load_v, vector_close },
			     thread_sve_ops = { "vector", thread_save_sve, thread_load_sve,
						vector_close },
			     guest_sve_ops = { "vector", guest_save_sve, guest_load_sve,
					       vector_close };

static const struct bank_ops *ops_of(const struct fp_context *fp)
{
	return !fp->sve ? &v_ops : fp->guest ? &guest_sve_ops : &thread_sve_ops;
}

static void save_strict(struct bank_ctx *ctx)
{
	ops_of(fp_of(ctx))->save(ctx);
	make_zero(this_cpu());
}

static void load_strict(struct bank_ctx *ctx)
{
	make_zero(this_cpu());
	ops_of(fp_of(ctx))->load(ctx);
}

static const struct bank_ops strict_ops = { "vector", save_strict, load_strict, vector_close };

static struct bank vector_bank = { .ops = &v_ops };

void fp_init(enum fp_policy_kind usual)
{
	usual_policy = usual;
	strict_used = usual == FP_STRICT;
	ipi_register(IPI_BANK, bank_handle_requests);
}

void fp_cpu_init(void)
{
	uint64_t daif = irq_save();
	struct cpu *cpu = this_cpu();

	cpu->cptr_el2 = 0; /* unknown: written in any case */
	/* One that comes again has not the epoch of before: its registers are others. */
	cpu->fp_epoch = (cpu->fp_epoch ? cpu->fp_epoch : cpu->id) + MAX_CPUS;
	cpu->fp_counts.other_epochs++;
	cpu->fp_zeroed_at = 0;
	if (cpu_has(CPU_SVE)) {
		fp_set_access(cpu, CPTR_CLOSED | CPTR_FPEN_GUEST | CPTR_ZEN_GUEST);
		isb(); /* orders the CPTR_EL2 write before ZCR_EL2 */
		fp_length_probe();
	}
	fp_set_access(cpu, CPTR_CLOSED);
	irq_restore(daif);
}

void fp_evict_local(void)
{
	bank_evict_local(&vector_bank);
}

bool fp_owner_is_wide(void)
{
	struct bank_ctx *owner = vector_bank.slots[cpu_id()].owner;

	return owner && fp_of(owner)->sve;
}

/* ---- contexts ---- */

/* From now on SVE is open to it, or not. In no bank. */
static void set_sve(struct fp_context *fp, bool sve)
{
	uint64_t guest = CPTR_FPEN_GUEST | (sve ? CPTR_ZEN_GUEST : 0);

	fp->sve = sve;
	fp->bank.ops = is_strict(fp) ? &strict_ops : ops_of(fp);
	fp->open = CPTR_CLOSED | guest | (fp->guest ? 0 : guest << 1);
}

void fp_context_init(struct fp_context *fp, unsigned vq, struct thread *thread)
{
	memset(fp, 0, sizeof(*fp));
	bank_ctx_init(&fp->bank, &vector_bank);
	fp->guest = !thread;
	fp->thread = thread;
	fp->frame = thread ? thread_trapframe(thread) : NULL;
	fp->vq = (uint16_t)vq;
	fp_policy_init(&fp->policy, usual_policy);
	set_sve(fp, false);
}

void fp_set_policy(struct fp_context *fp, enum fp_policy_kind kind)
{
	fp_sync(fp); /* if it was strict, its registers are zeroed on the way out */
	if (kind == FP_STRICT)
		strict_used = true;
	/* A CPU that it has entered with its registers closed may think that all is in place. It is
	 * not running: what is lost by this is only what another one has to find out again.
	 * relaxed: who runs it next has claimed it after this. */
	for (unsigned n = 0; n < cpu_count(); n++) {
		__atomic_store_n(&cpu_get(n)->entered, NULL, __ATOMIC_RELAXED);
	}
	fp_policy_init(&fp->policy, kind);
	set_sve(fp, fp->sve);
}

void fp_context_end(struct fp_context *fp)
{
	bank_discard(&fp->bank);
	kfree(fp->sve_image);
	fp->sve_image = NULL;
	set_sve(fp, false);
}

void fp_context_reset(struct fp_context *fp)
{
	bank_discard(&fp->bank);
	memset(fp->v, 0, sizeof(fp->v));
	fp->fpsr = fp->fpcr = 0;
	fp->zcr_el1 = 0;
	fp->wide = fp->given = false;
	set_sve(fp, false);
}

void fp_context_copy(struct fp_context *child, struct fp_context *parent)
{
	bank_discard(&child->bank);
	fp_sync(parent);
	if (parent->wide) /* given to it in this call */
		fp_image_narrow(parent->v, parent->sve_image, parent->vq);
	memcpy(child->v, parent->v, sizeof(child->v));
	child->fpsr = parent->fpsr;
	child->fpcr = parent->fpcr;
	child->vq = parent->vq;
}

void fp_set_length(struct fp_context *fp, unsigned vq)
{
	fp_sync(fp);
	fp_narrow_image(fp);
	set_sve(fp, false);
	kfree(fp->sve_image); /* its size goes by the length */
	fp->sve_image = NULL;
	fp->vq = (uint16_t)vq;
}

int fp_need_sve(struct fp_context *fp)
{
	if (!fp->sve_image)
		fp->sve_image = kzalloc(SVE_BYTES(fp->vq));
	return fp->sve_image ? 0 : -ENOMEM;
}

void fp_narrow_image(struct fp_context *fp)
{
	if (fp->wide)
		fp_image_narrow(fp->v, fp->sve_image, fp->vq);
	fp->wide = fp->given = false;
}

void fp_widen_image(struct fp_context *fp)
{
	if (!fp->wide)
		fp_image_widen(fp->sve_image, fp->v, fp->vq);
	fp->wide = true;
	set_sve(fp, true);
	if (!fp->thread)
		return;
	fp->given = in_call(fp);
	thread_set_work(fp->thread, WORK_SVE);
}

void fp_sync(struct fp_context *fp)
{
	bank_evict(&fp->bank);
	if (!fp->guest)
		forget_the_dead(fp);
}

/* ---- access ---- */

void fp_trap(struct fp_context *fp)
{
	uint64_t epoch = this_cpu()->fp_epoch;

	bank_take(&fp->bank);
	fp_set_access(this_cpu(), fp->open); /* if it was here all the time */
	fp_policy_used(&fp->policy, V_BYTES + 8 + (fp->sve ? SVE_BYTES(fp->vq) - V_BYTES : 0));
	this_cpu()->fp_counts.traps++;
	this_cpu()->fp_counts.trap_loads += this_cpu()->fp_epoch != epoch;
	irq_enable();
}

int fp_trap_sve(struct fp_context *fp)
{
	if (!fp->sve) {
		if (fp_need_sve(fp))
			return -ENOMEM;
		bank_evict(&fp->bank); /* comes back with the rest of it, zero */
		if (fp->guest)	       /* its image is all of SVE from now on */
			fp_widen_image(fp);
		else
			set_sve(fp, true);
	}
	fp_trap(fp);
	return 0;
}

/* Nor will it be, for now. */
static __attribute__((noinline)) void stay_absent(struct cpu *cpu, struct fp_context *fp)
{
	if (__builtin_expect(strict_used, 0))
		keep_apart(cpu, fp);
	/* for EL0 01 is closed, and may be right for the guest */
	fp_set_access(cpu, fp->guest ? CPTR_CLOSED : cpu->cptr_el2 & ~CPTR_EL0);
}

/* Not here, and no trap was armed since somebody came into the bank: load ahead, or arm the trap.
 */
void fp_enter_absent(struct cpu *cpu, struct fp_context *fp)
{
	/* What stands on another CPU is not waited for here: it traps, if it is used. */
	if (fp_policy_enter(&fp->policy, cpu->fp_epoch) && bank_is_free(&fp->bank))
		return bank_enter(&fp->bank);
	stay_absent(cpu, fp);
}
