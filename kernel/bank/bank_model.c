/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every interleaving of bank.c, which is included here as it stands, by tests/host/explore.h. CPUs
 * are its actors: each access to shared state, each sending of an SGI, each unmasking and each turn
 * of waiting leaves open which CPU goes on and whether an interrupt comes first.
 *
 * Each CPU does for ever any of: run a context (take it, change its registers), read one, inspect
 * and change an image, throw a context away and make a new image, go off and come back. So contexts
 * migrate, push each other out and end in every order. `bank_model CPUS CONTEXTS` explores more
 * than the two and two of `make check`.
 *
 * Values are not modelled, only whether a copy (an image, a CPU's registers) is the newest one
 * ("fresh"): that keeps the states few. A save or a load is torn in its middle.
 */
#include "bank/bank.c"

#include <stdlib.h>

#include "host/explore.h"
#include "lib/bits.h"
#include "tap.h"

#define MAX_MODEL_CPUS 3
#define MAX_CONTEXTS   4
#define NOBODY	       (-1)

/* Operation number: one of these for a context, or (the last two) go off, and come back or
 * not: one CPU only. */
enum op { OP_RUN, OP_READ, OP_INSPECT, OP_REPLACE, OPS_PER_CONTEXT };

struct cpu_model {
	int regs_of;	      /* whose state is in the registers */
	bool regs_fresh;      /* and is it the newest? */
	bool masked, pending; /* interrupts; the IPI */
	bool idle;	      /* waits for its next operation */
	bool off, gone;	      /* gone: for good */
};

struct context_model {
	struct bank_ctx ctx;
	bool image_fresh, claimed, replacing;
};

static void save(struct bank_ctx *ctx);
static void load(struct bank_ctx *ctx);
static void close_bank(struct bank_ctx *ctx);
static const struct bank_ops ops = { "model", save, load, close_bank };
static struct bank bank = { .ops = &ops };
static struct cpu_model cpus[MAX_MODEL_CPUS];
static struct context_model contexts[MAX_CONTEXTS];
static unsigned cpu_total = 2, context_total = 2;

#define me (explore_actor)

/* An interrupt that is pending and not masked is the first choice at each yield. */
static bool interrupt_may_come(unsigned cpu)
{
	return cpus[cpu].pending && !cpus[cpu].masked;
}

/* What an idle CPU does next. */
static unsigned next_op(void)
{
	return explore_choice() - interrupt_may_come(me);
}

static void yield(void)
{
	explore_yield();
	while (interrupt_may_come(me) && explore_choice() == 0) {
		cpus[me].pending = false;
		cpus[me].masked = true;
		bank_handle_requests();
		cpus[me].masked = false;
		explore_yield();
	}
}

/* ---- the environment of bank.c ---- */

unsigned bank_env_cpu(void)
{
	return me;
}

void bank_env_mask(void)
{
	explore_expect(!cpus[me].masked, "interrupts are masked once");
	cpus[me].masked = true;
}

void bank_env_unmask(void)
{
	explore_expect(cpus[me].masked, "interrupts are unmasked once");
	cpus[me].masked = false;
	yield();
}

void bank_env_send(unsigned cpu)
{
	yield();
	cpus[cpu].pending = true;
}

bool bank_env_online(unsigned cpu)
{
	yield();
	return !cpus[cpu].off;
}

void bank_env_relax(void)
{
	explore_expect(!cpus[me].masked, "nobody waits with interrupts masked");
	yield();
}

void bank_env_step(void)
{
	yield();
}

/* ---- registers and images ---- */

static int number_of(const struct bank_ctx *ctx)
{
	return (int)(container_of(ctx, struct context_model, ctx) - contexts);
}

static void save(struct bank_ctx *ctx)
{
	int n = number_of(ctx);

	explore_expect(cpus[me].masked && cpus[me].regs_of == n, "save of what is here, masked");
	contexts[n].image_fresh = false;
	yield();
	contexts[n].image_fresh = cpus[me].regs_fresh;
}

static void load(struct bank_ctx *ctx)
{
	int n = number_of(ctx);

	explore_expect(cpus[me].masked, "load masked");
	cpus[me].regs_of = n;
	cpus[me].regs_fresh = false;
	yield();
	cpus[me].regs_fresh = contexts[n].image_fresh;
}

static void close_bank(struct bank_ctx *ctx)
{
	explore_expect(cpus[me].masked && cpus[me].regs_of == number_of(ctx),
		       "close of what is here");
	cpus[me].regs_of = NOBODY;
	cpus[me].regs_fresh = false;
}

/* All copies of n are old from now on. */
static void make_old(int n)
{
	contexts[n].image_fresh = false;
	for (unsigned i = 0; i < cpu_total; i++) {
		if (cpus[i].regs_of == n)
			cpus[i].regs_fresh = false;
	}
}

static void use_registers(int n, bool change)
{
	explore_expect(bank_is_here(&contexts[n].ctx) && cpus[me].masked,
		       "here after take, masked");
	explore_expect(cpus[me].regs_of == n && cpus[me].regs_fresh, "runs on the newest state");
	if (!change)
		return;
	bank_dirty(&contexts[n].ctx);
	make_old(n);
	cpus[me].regs_fresh = true;
}

/* ---- what CPUs do ---- */

/* The guest or program runs for a while: interrupts may come. */
static void run(int n, bool change)
{
	bank_take(&contexts[n].ctx);
	use_registers(n, change);
	bank_env_unmask();
	bank_env_mask();
	use_registers(n, change);
	bank_env_unmask();
}

static void change_image(int n, bool replace)
{
	contexts[n].replacing = replace;
	if (replace)
		bank_discard(&contexts[n].ctx);
	else
		bank_evict(&contexts[n].ctx);
	explore_expect(contexts[n].ctx.home == BANK_NO_CPU, "home is none after evict");
	explore_expect(replace || contexts[n].image_fresh,
		       "an inspected image is the newest state");
	make_old(n);
	contexts[n].image_fresh = true;
	contexts[n].replacing = false;
}

/* boot/smp.c: SGIs to a CPU that is off are lost. */
static void go_off_and_come_back(void)
{
	bank_env_mask();
	bank_evict_local(&bank);
	cpus[me].off = true;
	yield();
	while (cpus[me].gone)
		yield();
	cpus[me].pending = false;
	cpus[me].off = false;
	bank_handle_requests();
	bank_env_unmask();
}

static void operate(unsigned op)
{
	int n = (int)(op / OPS_PER_CONTEXT);

	if (op >= OPS_PER_CONTEXT * context_total) {
		cpus[me].gone = op > OPS_PER_CONTEXT * context_total;
		go_off_and_come_back();
		return;
	}
	if (contexts[n].claimed)
		return;
	contexts[n].claimed = true;
	if (op % OPS_PER_CONTEXT <= OP_READ)
		run(n, op % OPS_PER_CONTEXT == OP_RUN);
	else
		change_image(n, op % OPS_PER_CONTEXT == OP_REPLACE);
	contexts[n].claimed = false;
}

static void cpu_main(void)
{
	for (;;) {
		cpus[me].idle = true;
		yield();
		cpus[me].idle = false;
		operate(next_op());
	}
}

static unsigned choices(unsigned cpu)
{
	unsigned ops_here = cpus[cpu].idle ? OPS_PER_CONTEXT * context_total + 1 + (cpu == 1) : 1;

	return ops_here + interrupt_may_come(cpu);
}

static bool at_rest(void)
{
	for (unsigned i = 0; i < cpu_total; i++) {
		if (!cpus[i].gone && (!cpus[i].idle || cpus[i].pending))
			return false;
	}
	return true;
}

/* ---- rules that hold in every state ---- */

static void check_context(unsigned n)
{
	const struct context_model *c = &contexts[n];
	int home = c->ctx.home;

	for (unsigned i = 0; i < cpu_total; i++) {
		if (!cpus[i].masked)
			explore_expect((bank.slots[i].owner == &c->ctx) == (home == (int)i),
				       "owner and home agree outside of transitions");
	}
	if (c->replacing)
		return;
	if (home == BANK_NO_CPU)
		explore_expect(c->image_fresh, "home none: the image is the newest state");
	else if (!cpus[home].masked || !c->image_fresh) /* masked: it may be leaving, saved */
		explore_expect(cpus[home].regs_of == (int)n && cpus[home].regs_fresh,
			       "the bank of its home holds the newest state");
	if (home != BANK_NO_CPU && !c->ctx.dirty && !cpus[home].masked)
		explore_expect(c->image_fresh, "CLEAN: bank and image agree");
}

static void check_state(void)
{
	for (unsigned n = 0; n < context_total; n++)
		check_context(n);
}

/* ---- the search ---- */

static struct explore_result explore(void)
{
	struct explore_part parts[3 + 4 * MAX_MODEL_CPUS];
	struct explore_model m = {
		.actors = cpu_total,
		.actor_main = cpu_main,
		.parts = parts,
		.choices = choices,
		.check = check_state,
		.at_rest = at_rest,
	};

	for (unsigned i = 0; i < context_total; i++) {
		contexts[i] = (struct context_model){ .image_fresh = true };
		bank_ctx_init(&contexts[i].ctx, &bank);
	}
	parts[m.part_count++] = (struct explore_part){ cpus, sizeof(cpus) };
	parts[m.part_count++] = (struct explore_part){ contexts, sizeof(contexts) };
	for (unsigned i = 0; i < cpu_total; i++) {
		struct explore_part of_cpu[] = {
			{ &bank.slots[i].owner, sizeof(bank.slots[i].owner) },
			{ &requests[i].ctx, sizeof(requests[i].ctx) },
			{ &requests[i].save, sizeof(requests[i].save) },
			{ &mailboxes[i].askers, sizeof(mailboxes[i].askers) },
		};

		cpus[i].regs_of = NOBODY;
		for (unsigned p = 0; p < ARRAY_SIZE(of_cpu); p++)
			parts[m.part_count++] = of_cpu[p];
	}
	return explore_run(&m);
}

static unsigned argument(int n, unsigned otherwise, unsigned most)
{
	return tap_argc > n ? min((unsigned)atoi(tap_argv[n]), most) : otherwise;
}

TEST(every_interleaving_keeps_the_rules_and_can_come_to_rest)
{
	struct explore_result r;

	cpu_total = argument(1, cpu_total, MAX_MODEL_CPUS);
	context_total = argument(2, context_total, MAX_CONTEXTS);
	r = explore();
	tap_print("# %u CPUs, %u contexts: %u states, %zu transitions\n", cpu_total, context_total,
		  r.states, r.transitions);
	expect(!r.broken);
	expect_eq(r.stuck, 0);
}
