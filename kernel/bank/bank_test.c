/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What each call of bank.c does, one after the other: two CPUs that this test switches between by
 * hand; a request is answered at once. Races are bank_model.c's and bank_race.c's part.
 */
#include "bank/bank.h"

#include <string.h>

#include "tap.h"

static unsigned cpu;
static bool masked;
static unsigned sent, saves, loads, closes;
static int regs[2];

struct state {
	struct bank_ctx ctx;
	int image;
};

unsigned bank_env_cpu(void)
{
	return cpu;
}

void bank_env_mask(void)
{
	expect(!masked);
	masked = true;
}

void bank_env_unmask(void)
{
	expect(masked);
	masked = false;
}

void bank_env_send(unsigned to)
{
	unsigned from = cpu;

	expect(!masked);
	sent++;
	cpu = to;
	masked = true;
	bank_handle_requests();
	masked = false;
	cpu = from;
}

bool bank_env_online(unsigned to)
{
	(void)to;
	return true;
}

void bank_env_relax(void)
{
	expect(!"waits for a request that was answered");
}

void bank_env_step(void)
{
}

static struct state *state_of(struct bank_ctx *ctx)
{
	return container_of(ctx, struct state, ctx);
}

static void save(struct bank_ctx *ctx)
{
	expect(masked);
	saves++;
	state_of(ctx)->image = regs[cpu];
}

static void load(struct bank_ctx *ctx)
{
	expect(masked);
	loads++;
	regs[cpu] = state_of(ctx)->image;
}

static void close_bank(struct bank_ctx *ctx)
{
	expect(masked);
	expect(ctx->home == (int)cpu);
	closes++;
	regs[cpu] = -1;
}

static const struct bank_ops ops = { "test", save, load, close_bank };
static struct bank bank = { .ops = &ops };
static struct state a, b;

static void start(void)
{
	memset(bank.slots, 0, sizeof(bank.slots));
	bank_ctx_init(&a.ctx, &bank);
	bank_ctx_init(&b.ctx, &bank);
	a.image = 10;
	b.image = 20;
	cpu = sent = saves = loads = closes = 0;
	masked = false;
}

static void take_and_change(struct state *s, int value)
{
	bank_take(&s->ctx);
	expect(masked && bank_is_here(&s->ctx));
	bank_dirty(&s->ctx);
	regs[cpu] = value;
	bank_env_unmask();
}

TEST(state_stays_where_it_is)
{
	start();
	for (int i = 0; i < 5; i++)
		take_and_change(&a, i);
	expect_eq(loads, 1);
	expect_eq(saves, 0);
	expect_eq(a.image, 10);
}

TEST(the_next_owner_pushes_out_without_a_close)
{
	start();
	take_and_change(&a, 11);
	take_and_change(&b, 21);
	expect_eq(a.image, 11);
	expect_eq(a.ctx.home, BANK_NO_CPU);
	expect(!bank_is_here(&a.ctx) && bank_is_here(&b.ctx));
	expect_eq(saves, 1);
	expect_eq(closes, 0);
	expect_eq(loads, 2);
}

TEST(clean_state_is_not_saved)
{
	start();
	bank_take(&a.ctx);
	bank_env_unmask();
	take_and_change(&b, 21);
	expect_eq(saves, 0);
	bank_take(&a.ctx);
	expect_eq(regs[0], 10);
	bank_env_unmask();
	expect_eq(saves, 1);
}

TEST(take_from_another_cpu_asks_it)
{
	start();
	take_and_change(&a, 11);
	cpu = 1;
	bank_take(&a.ctx);
	expect_eq(regs[1], 11);
	expect(bank_is_here(&a.ctx));
	bank_env_unmask();
	expect_eq(sent, 1);
	expect_eq(closes, 1);
	expect_eq(regs[0], -1);
	cpu = 0;
	expect(!bank_is_here(&a.ctx));
}

TEST(who_is_free_enters_without_waiting)
{
	start();
	bank_env_mask();
	expect(bank_is_free(&a.ctx));
	bank_enter(&a.ctx);
	expect(bank_is_here(&a.ctx));
	expect(!bank_is_free(&a.ctx));
	cpu = 1;
	expect(!bank_is_free(&a.ctx));
	bank_env_unmask();
	expect_eq(sent, 0);
	expect_eq(loads, 1);
}

TEST(evict_makes_the_image_new_wherever_it_was)
{
	start();
	take_and_change(&a, 11);
	bank_evict(&a.ctx);
	expect_eq(a.image, 11);
	take_and_change(&a, 12);
	cpu = 1;
	bank_evict(&a.ctx);
	expect_eq(a.image, 12);
	bank_evict(&a.ctx);
	expect_eq(saves, 2);
	expect_eq(closes, 2);
	expect(!masked);
}

TEST(discard_leaves_the_image_alone)
{
	start();
	take_and_change(&a, 11);
	cpu = 1;
	bank_discard(&a.ctx);
	expect_eq(a.image, 10);
	expect_eq(a.ctx.home, BANK_NO_CPU);
	expect_eq(saves, 0);
	expect_eq(closes, 1);
	take_and_change(&a, 12);
	bank_discard(&a.ctx);
	expect_eq(a.image, 10);
}

TEST(evict_local_empties_this_cpu_only)
{
	start();
	take_and_change(&a, 11);
	cpu = 1;
	take_and_change(&b, 21);
	bank_env_mask();
	bank_evict_local(&bank);
	bank_evict_local(&bank);
	bank_env_unmask();
	expect_eq(b.image, 21);
	expect_eq(b.ctx.home, BANK_NO_CPU);
	expect_eq(a.ctx.home, 0);
	expect_eq(closes, 1);
}

TEST(a_new_context_at_an_old_address_starts_from_its_image)
{
	start();
	take_and_change(&a, 11);
	bank_discard(&a.ctx);
	bank_ctx_init(&a.ctx, &bank);
	a.image = 70;
	bank_take(&a.ctx);
	expect_eq(regs[0], 70);
	bank_env_unmask();
}
