/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who owns which registers: the protocol, docs/banks.md rules 1 to 13. Entered from bank/fp.c and
 * kvm/world.c with their contexts and from the IPI by which another CPU wants one back; goes out
 * to their struct bank_ops.
 *
 * There is no lock. A slot (owner) belongs to its CPU, which changes it with interrupts masked.
 * home of a context is set by the CPU that loads it, which finds it none, and cleared by the CPU it
 * names. Only the one claimant of a context takes or evicts it, so no two CPUs load it at once.
 *
 * A CPU that wants a context from another one posts a request and waits, with interrupts enabled,
 * until it is answered: so it has at most one request, and a request never outlives its context.
 * Nobody waits with interrupts masked, so two CPUs that want something of each other both get it.
 */
#include "bank/bank.h"

#include "lib/check.h"

/* What a CPU asks of another one. */
struct request {
	_Alignas(64) _Atomic(struct bank_ctx *) ctx; /* NULL: nothing, or answered */
	bool save;				     /* false: throw the state away */
};

struct mailbox {
	_Alignas(64) _Atomic uint64_t askers; /* bit n: requests[n] is for this CPU */
};
_Static_assert(MAX_CPUS <= 64, "one bit a CPU");

static struct request requests[MAX_CPUS];  /* by the asking CPU */
static struct mailbox mailboxes[MAX_CPUS]; /* by the asked CPU */

static int home_of(const struct bank_ctx *ctx)
{
	bank_env_step();
	/* acquire: pairs with the release in give_up(); the image is complete when home is none */
	return atomic_load_explicit(&ctx->home, memory_order_acquire);
}

static struct bank_slot *slot_here(struct bank *bank)
{
	return &bank->slots[bank_env_cpu()];
}

/* The image of ctx, which is here, becomes the newest state, or the state is thrown away. Masked.
 */
static void settle(struct bank_ctx *ctx, bool save)
{
	if (save && ctx->dirty)
		ctx->ops->save(ctx);
	ctx->dirty = false;
}

/* ctx, which is here and settled, gives up this CPU's bank; the registers stay as they are. Masked.
 */
static void give_up(struct bank_slot *slot, struct bank_ctx *ctx)
{
	slot->owner = NULL;
	bank_env_step();
	/* release: the image, and all else of ctx, is written before anybody loads it elsewhere;
	 * pairs with the acquire in home_of() */
	atomic_store_explicit(&ctx->home, BANK_NO_CPU, memory_order_release);
}

/* ctx, which is here, leaves, and nobody takes its place. Masked. */
static void leave(struct bank_ctx *ctx, bool save)
{
	struct bank_slot *slot = slot_here(ctx->bank);

	settle(ctx, save);
	ctx->ops->close(ctx);
	give_up(slot, ctx);
}

void bank_enter(struct bank_ctx *ctx)
{
	unsigned me = bank_env_cpu();
	struct bank_slot *slot = &ctx->bank->slots[me];
	struct bank_ctx *owner = slot->owner;

	if (owner) {
		settle(owner, true);
		give_up(slot, owner);
	}
	ctx->ops->load(ctx);
	slot->owner = ctx;
	bank_env_step();
	/* relaxed: nobody else acts on ctx but its claimant, who is here, and other CPUs only read
	 * from home where to ask */
	atomic_store_explicit(&ctx->home, (int)me, memory_order_relaxed);
}

/* cpu is off: nobody will answer, unless it took the request before. Who clears the bit has it.
 * relaxed: the request is this CPU's own, and the bit alone decides; partner: the exchange in
 * bank_handle_requests(). */
static void withdraw(unsigned cpu, struct request *r)
{
	uint64_t bit = 1ull << bank_env_cpu();

	bank_env_step();
	if (atomic_fetch_and_explicit(&mailboxes[cpu].askers, ~bit, memory_order_relaxed) & bit)
		atomic_store_explicit(&r->ctx, NULL, memory_order_relaxed);
}

/* Have cpu give up ctx if it still is there, and wait. Enabled. r->ctx is set relaxed: the release
 * of the bit comes behind it. */
static void ask(unsigned cpu, struct bank_ctx *ctx, bool save)
{
	unsigned me = bank_env_cpu();
	struct request *r = &requests[me];

	r->save = save;
	bank_env_step();
	atomic_store_explicit(&r->ctx, ctx, memory_order_relaxed);
	bank_env_step();
	/* release: the request is written before it is found; partner: bank_handle_requests() */
	atomic_fetch_or_explicit(&mailboxes[cpu].askers, 1ull << me, memory_order_release);
	bank_env_send(cpu);
	/* acquire: pairs with the release in answer() */
	for (; atomic_load_explicit(&r->ctx, memory_order_acquire); bank_env_relax())
		if (!bank_env_online(cpu))
			withdraw(cpu, r);
}

static void answer(struct request *r)
{
	struct bank_ctx *ctx;

	bank_env_step();
	/* relaxed: behind the acquire that found the asker's bit */
	ctx = atomic_load_explicit(&r->ctx, memory_order_relaxed);
	if (home_of(ctx) == (int)bank_env_cpu()) {
		check(slot_here(ctx->bank)->owner == ctx);
		leave(ctx, r->save);
	}
	bank_env_step();
	/* release: what was done for the request comes before its answer; partner: ask() */
	atomic_store_explicit(&r->ctx, NULL, memory_order_release);
}

void bank_handle_requests(void)
{
	_Atomic uint64_t *askers = &mailboxes[bank_env_cpu()].askers;
	uint64_t left;

	bank_env_step();
	/* acquire: pairs with the release in ask() */
	left = atomic_exchange_explicit(askers, 0, memory_order_acquire);
	for (; left; left &= left - 1)
		answer(&requests[__builtin_ctzll(left)]);
}

void bank_ctx_init(struct bank_ctx *ctx, struct bank *bank)
{
	*ctx = (struct bank_ctx){ .bank = bank, .ops = bank->ops, .home = BANK_NO_CPU };
}

void bank_take(struct bank_ctx *ctx)
{
	for (;;) {
		int home;

		bank_env_mask();
		home = home_of(ctx);
		if (home == BANK_NO_CPU)
			bank_enter(ctx);
		if (home == BANK_NO_CPU || home == (int)bank_env_cpu())
			return;
		bank_env_unmask();
		ask((unsigned)home, ctx, true);
	}
}

/* Make the home of ctx none, wherever it is. */
static void send_away(struct bank_ctx *ctx, bool save)
{
	for (;;) {
		int home;

		bank_env_mask();
		home = home_of(ctx);
		if (home == (int)bank_env_cpu()) {
			leave(ctx, save);
			home = BANK_NO_CPU;
		}
		bank_env_unmask();
		if (home == BANK_NO_CPU)
			return;
		ask((unsigned)home, ctx, save);
	}
}

/* Only its claimant, the caller, could bring it in again. */
static bool is_out(const struct bank_ctx *ctx)
{
	return home_of(ctx) == BANK_NO_CPU;
}

void bank_evict(struct bank_ctx *ctx)
{
	if (!is_out(ctx))
		send_away(ctx, true);
}

void bank_discard(struct bank_ctx *ctx)
{
	if (!is_out(ctx))
		send_away(ctx, false);
}

void bank_evict_local(struct bank *bank)
{
	struct bank_ctx *owner = slot_here(bank)->owner;

	if (owner)
		leave(owner, true);
}
