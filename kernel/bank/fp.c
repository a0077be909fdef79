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
 * State: counts of traps, each CPU's own.
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

struct trap_count {
	_Alignas(64) uint64_t n;
};
static struct trap_count traps[MAX_CPUS];

static struct fp_context *fp_of(struct bank_ctx *ctx)
{
	return container_of(ctx, struct fp_context, bank);
}

/* EL2 itself is about to use the registers. Masked. */
static void open_for_kernel(void)
{
	if ((this_cpu()->cptr_el2 & CPTR_FPEN) != CPTR_FPEN_NONE)
		return;
	fp_set_access(CPTR_FPEN_GUEST);
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
}

static void vector_close(struct bank_ctx *ctx)
{
	(void)ctx;
	fp_set_access(CPTR_FPEN_NONE);
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
	fp_set_access(CPTR_FPEN_NONE);
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
	fp_set_access(fpen);
	traps[cpu_id()].n++;
	irq_enable();
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
		sum.traps += __atomic_load_n(&traps[cpu].n, __ATOMIC_RELAXED);
		sum.avoided += __atomic_load_n(&cpu_get(cpu)->fp_avoided, __ATOMIC_RELAXED);
	}
	return sum;
}
