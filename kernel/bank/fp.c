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
 * State: counts, each CPU's own.
 */
#include "bank/fp.h"

#include <stddef.h>

#include "arch/irq.h"
#include "lib/string.h"

/* fp_regs.S. regs: V0 to V31, then FPSR and FPCR. */
void fp_regs_save(void *regs);
void fp_regs_load(const void *regs);
_Static_assert(offsetof(struct fp_context, fpsr) == offsetof(struct fp_context, v) + 512 &&
		       offsetof(struct fp_context, fpcr) == offsetof(struct fp_context, v) + 516,
	       "fp_regs.S");

struct counts {
	_Alignas(64) uint64_t traps, ahead;
};
static struct counts counts[MAX_CPUS];

static struct fp_context *fp_of(struct bank_ctx *ctx)
{
	return container_of(ctx, struct fp_context, bank);
}

/* EL2 itself is about to use the registers. Masked. */
static void open_for_kernel(void)
{
	if ((this_cpu()->cptr_el2 & CPTR_FPEN) != CPTR_FPEN_NONE)
		return;
	fp_set_access(this_cpu(), CPTR_FPEN_GUEST);
	__asm__ volatile("isb" ::: "memory"); /* orders the CPTR_EL2 write before the first use */
}

static void vector_save(struct bank_ctx *ctx)
{
	open_for_kernel();
	fp_regs_save(fp_of(ctx)->v);
}

static void vector_load(struct bank_ctx *ctx)
{
	open_for_kernel();
	fp_regs_load(fp_of(ctx)->v);
	this_cpu()->fp_epoch += MAX_CPUS; /* so that no two CPUs ever have the same */
	this_cpu()->fp_entered = NULL;
}

static void vector_close(struct bank_ctx *ctx)
{
	(void)ctx;
	fp_set_access(this_cpu(), CPTR_FPEN_NONE);
}

static const struct bank_ops vector_ops = {
	.name = "vector",
	.save = vector_save,
	.load = vector_load,
	.close = vector_close,
};

static struct bank vector_bank = { .ops = &vector_ops };

void fp_init(void)
{
	ipi_register(IPI_BANK, bank_handle_requests);
}

void fp_cpu_init(void)
{
	uint64_t daif = irq_save();

	this_cpu()->cptr_el2 = 0; /* unknown: written in any case */
	this_cpu()->fp_epoch = MAX_CPUS + cpu_id();
	fp_set_access(this_cpu(), CPTR_FPEN_NONE);
	irq_restore(daif);
}

void fp_context_init(struct fp_context *fp, bool guest)
{
	memset(fp, 0, sizeof(*fp));
	bank_ctx_init(&fp->bank, &vector_bank);
	fp->guest = guest;
}

void fp_context_end(struct fp_context *fp)
{
	bank_discard(&fp->bank);
}

void fp_context_reset(struct fp_context *fp)
{
	bank_discard(&fp->bank);
	memset(fp->v, 0, sizeof(fp->v));
	fp->fpsr = fp->fpcr = 0;
}

void fp_context_copy(struct fp_context *child, struct fp_context *parent)
{
	bank_discard(&child->bank);
	bank_evict(&parent->bank);
	memcpy(child->v, parent->v, sizeof(child->v));
	child->fpsr = parent->fpsr;
	child->fpcr = parent->fpcr;
}

void fp_sync(struct fp_context *fp)
{
	bank_evict(&fp->bank);
}

static void take_and_open(struct fp_context *fp, uint64_t fpen)
{
	bank_take(&fp->bank);
	bank_dirty(&fp->bank); /* open from here on: nothing tells us of a change any more */
	fp_set_access(this_cpu(), fpen);
	fp_policy_used(&fp->policy);
	counts[cpu_id()].traps++;
	irq_enable();
}

/* Open it for its owner, or close it for who is not: for EL0 01 will do, and may stay for the
 * guest. */
static void set_access_for(const struct fp_context *fp, bool here)
{
	if (fp->guest)
		fp_set_access(this_cpu(), here ? CPTR_FPEN_GUEST : CPTR_FPEN_NONE);
	else if (here)
		fp_set_access(this_cpu(), CPTR_FPEN_ALL);
	else if ((this_cpu()->cptr_el2 & CPTR_FPEN) == CPTR_FPEN_ALL)
		fp_set_access(this_cpu(), CPTR_FPEN_GUEST);
}

/* Not here, and no trap was armed since somebody came into the bank: load ahead, or arm the trap.
 */
void fp_enter_absent(struct fp_context *fp)
{
	/* What stands on another CPU is not waited for here: it traps, if it is used. */
	bool here = fp_policy_enter(&fp->policy, this_cpu()->fp_epoch) && bank_try_take(&fp->bank);

	if (here) {
		bank_dirty(&fp->bank);
		counts[cpu_id()].ahead++;
	}
	set_access_for(fp, here);
}

void fp_enter_other_guest(struct fp_context *fp)
{
	struct cpu *cpu = this_cpu();

	if (bank_is_at(&fp->bank, cpu->id))
		fp_set_access(cpu, CPTR_FPEN_GUEST);
	else if (fp->policy.armed_at == cpu->fp_epoch)
		fp_set_access(cpu, CPTR_FPEN_NONE);
	else
		fp_enter_absent(fp);
	/* From now on wrong as soon as access is changed or anybody is loaded: both forget it. A
	 * context that ends here is closed; one that is not here leaves access closed. */
	cpu->fp_entered = fp;
}

void fp_trap_user(struct fp_context *fp)
{
	take_and_open(fp, CPTR_FPEN_ALL);
}

void fp_trap_guest(struct fp_context *fp)
{
	take_and_open(fp, CPTR_FPEN_GUEST);
}

struct fp_stats fp_stats(void)
{
	struct fp_stats sum = { .moved = bank_stats(&vector_bank) };

	for (unsigned cpu = 0; cpu < cpu_count(); cpu++) {
		sum.traps += __atomic_load_n(&counts[cpu].traps, __ATOMIC_RELAXED);
		sum.ahead += __atomic_load_n(&counts[cpu].ahead, __ATOMIC_RELAXED);
		sum.avoided += __atomic_load_n(&cpu_get(cpu)->fp_avoided, __ATOMIC_RELAXED);
	}
	return sum;
}
