/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who owns the registers. A bank is a set of registers that each CPU has once and that holds the
 * state of one context at a time. There are two: the vector bank (bank/fp.c; host threads, vCPUs
 * and the kernel are contexts) and the guest bank (kvm/world.c; vCPUs).
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

#include "lib/types.h"

#define BANK_NO_CPU (-1)

struct bank_ctx;

struct bank_ops {
	const char *name;
	/* This CPU's registers -> the image. Interrupts are masked; must not wait. */
	void (*save)(struct bank_ctx *ctx);
	/* The image -> this CPU's registers. */
	void (*load)(struct bank_ctx *ctx);
	/* The owner has left this CPU's bank (saved or thrown away): make the registers harmless
	 * (guest bank: stop timers, close ICH, empty VTTBR; vector bank: close access). */
	void (*close)(struct bank_ctx *ctx);
};

struct bank;

struct bank_ctx {
	struct bank *bank;
	_Atomic int home;  /* the CPU whose bank holds this state, or BANK_NO_CPU */
	bool dirty;	   /* the bank is newer than the image; written only at home, masked */
	uint64_t saves, loads;
};

void bank_ctx_init(struct bank_ctx *ctx, struct bank *bank);

/* Is ctx in this CPU's bank? Interrupts masked: the answer stays true until they are unmasked. */
bool bank_is_here(const struct bank_ctx *ctx);

/* Bring ctx into this CPU's bank. Called with interrupts enabled by the one claimant of ctx, holds
 * no spinlock, may wait (unmasked). Returns with interrupts MASKED and ctx here. */
void bank_take(struct bank_ctx *ctx);

/* Like bank_take() but only if that needs no waiting: with interrupts masked, ctx here or home
 * none; true and here, or false and nothing changed. */
bool bank_try_take(struct bank_ctx *ctx);

/* The registers may now change under the image: mark DIRTY. Masked, ctx here. */
static inline void bank_dirty(struct bank_ctx *ctx)
{
	ctx->dirty = true;
}

/* Make the image the newest state and ctx's home none (save if DIRTY), wherever it was. May wait,
 * unmasked. Before reading or changing the image from outside. The claimant's call. */
void bank_evict(struct bank_ctx *ctx);

/* The same without saving: the context ends or its image is to be replaced whole. */
void bank_discard(struct bank_ctx *ctx);

/* Evict whatever is in this CPU's bank (kernel SIMD, CPU going down). Masked. */
void bank_evict_local(struct bank *bank);

/* Run the requests other CPUs posted to this one: the handler of IPI_BANK. Masked, never waits. */
void bank_handle_requests(void);
