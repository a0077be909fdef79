/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who owns the registers. A bank is a set of registers that each CPU has once and that holds the
 * state of one context at a time. There are two: the vector bank (bank/fp.c; host threads and vCPUs
 * are contexts) and the guest bank (kvm/world.c; vCPUs).
 *
 * The newest state of a context is in its memory image, or in one CPU's bank and nowhere else.
 * A context is evicted only when another one takes that bank, when it must run elsewhere, when
 * somebody inspects or changes its image, when it ends or when the CPU goes down: never because
 * of an exit, an interrupt or a switch of threads. The protocol is docs/banks.md.
 *
 * Pure: registers are reached through struct bank_ops, CPUs through bank/bank_env.h.
 */
#pragma once

#include <stdatomic.h>

#include "bank/bank_env.h"
#include "lib/relaxed.h"
#include "lib/types.h"

#define BANK_NO_CPU (-1)

struct bank_ctx;

/* All are called with interrupts masked on the CPU whose bank it is, and must not wait. */
struct bank_ops {
	const char *name;
	/* This CPU's registers -> the image. */
	void (*save)(struct bank_ctx *ctx);
	/* The image -> this CPU's registers, all of them: save() of another context may have gone
	 * before, without a close() between. May mark it DIRTY. */
	void (*load)(struct bank_ctx *ctx);
	/* ctx leaves (saved or thrown away) and nobody comes: make the registers harmless (guest
	 * bank: stop timers, close ICH, empty VTTBR; vector bank: close access). Before the home
	 * of ctx is given up, so its image may still be touched. */
	void (*close)(struct bank_ctx *ctx);
};

/* Each CPU's own: written and read by it alone, interrupts masked. */
struct bank_slot {
	_Alignas(64) struct bank_ctx *owner; /* NULL: nobody */
};

/* A bank of every CPU; its own writable storage: struct bank b = { .ops = &… }. */
struct bank {
	struct bank_slot slots[MAX_CPUS];
	const struct bank_ops *ops; /* what its contexts begin with */
};

struct bank_ctx {
	_Atomic int home; /* the CPU whose bank holds this state, or BANK_NO_CPU */
	bool dirty;	  /* the bank is newer than the image; written only at home, masked */
	const struct bank_ops *ops; /* changed by the claimant alone while home is none */
	struct bank *bank;
};

/* The image is the newest state. */
void bank_ctx_init(struct bank_ctx *ctx, struct bank *bank);

/* Is ctx in the bank of this CPU, me? Interrupts masked: the answer stays true until they are
 * unmasked. */
static inline bool bank_is_at(const struct bank_ctx *ctx, unsigned me)
{
	/* relaxed: home becomes this CPU, or stops being it, by this CPU's own stores only */
	return relaxed_int(&ctx->home) == (int)me;
}

static inline bool bank_is_here(const struct bank_ctx *ctx)
{
	return bank_is_at(ctx, bank_env_cpu());
}

/* Bring ctx into this CPU's bank. Called with interrupts enabled by the one claimant of ctx, holds
 * no spinlock, may wait (unmasked). Returns with interrupts MASKED and ctx here. */
void bank_take(struct bank_ctx *ctx);

/* Is ctx in no bank? Asked by its claimant, who alone can change that. */
static inline bool bank_is_free(const struct bank_ctx *ctx)
{
	bank_env_step();
	/* acquire: pairs with the release in give_up(); the image is complete when home is none */
	return atomic_load_explicit(&ctx->home, memory_order_acquire) == BANK_NO_CPU;
}

/* Bring ctx, which is free, into this CPU's bank. Masked. The claimant's call. */
void bank_enter(struct bank_ctx *ctx);

/* The registers may now change under the image: mark DIRTY. Masked, ctx here. */
static inline void bank_dirty(struct bank_ctx *ctx)
{
	ctx->dirty = true;
}

/* Make the image the newest state and ctx's home none (save if DIRTY), wherever it was. Interrupts
 * enabled before and after; may wait. Before reading or changing the image from outside. The
 * claimant's call. */
void bank_evict(struct bank_ctx *ctx);

/* The same without saving: the context ends or its image is to be replaced whole. */
void bank_discard(struct bank_ctx *ctx);

/* Evict whatever is in this CPU's bank (kernel SIMD, CPU going down). Masked. */
void bank_evict_local(struct bank *bank);

/* Run the requests other CPUs posted to this one: the handler of IPI_BANK. Masked, never waits. */
void bank_handle_requests(void);
