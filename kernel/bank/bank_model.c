/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every interleaving of bank.c, which is included here as it stands, by tests/host/explore.h. CPUs
 * are its actors: each access to shared state, each sending of an SGI, each unmasking and each turn
 * of waiting leaves open which CPU goes on and whether an interrupt comes first.
 *
 * Each CPU does for ever any of: run a context (take it, change its registers or only read them),
 * enter it ahead of use, inspect and change its image, end it and begin another at the same
 * address, go off and come back or stay off. The kernel uses the registers itself, in an interrupt,
 * wherever interrupts are enabled: between two such, which is a thread's use, in the midst of one,
 * and while it waits for another CPU. So contexts migrate, push each other out and end in every
 * order.
 *
 * Contexts are twins (explore.h). A CPU acts on one context at a time and on the owner of its bank,
 * so of any number all but two a CPU are at rest: unclaimed, in their image. `bank_model CPUS
 * CONTEXTS BANKS` with two contexts a CPU is therefore the whole protocol for as many as one likes.
 *
 * Values are not modelled, only whether a copy (an image, a CPU's registers) is the newest one
 * ("fresh"): that keeps the states few. A save or a load is torn in its middle. What an actor is
 * about is in struct cpu_model and not in local variables: those would be part of the state even
 * where they are needed no more.
 */
#include "bank/bank.c"

#include <stdlib.h>
#include <string.h>

#include "host/explore.h"
#include "lib/bits.h"
#include "tap.h"

#define MAX_MODEL_CPUS 3
#define MAX_CONTEXTS   6
#define BANKS	       2 /* the kernel uses the registers of the first */

/* Operation number: one of these for a context, or (the last two) go off, and come back or not. */
enum op { OP_RUN, OP_READ, OP_AHEAD, OP_INSPECT, OP_END, OPS_PER_CONTEXT, OP_OFF = 16, OP_GONE };

struct context_model {
	struct bank_ctx ctx;
	bool image_fresh, claimed, ending;
};

struct registers {
	struct context_model *of; /* whose state is in them */
	bool fresh;		  /* and is it the newest? */
};

static struct cpu_model {
	struct registers regs[BANKS];
	struct context_model *context; /* what it acts on, and how */
	uint8_t op;
	bool masked, pending; /* interrupts; the IPI */
	bool idle;	      /* waits for its next operation */
	bool between;	      /* in no function of bank.c, or that waits */
	bool fresh;	      /* nothing that others see was touched since the last yield */
	bool off, gone;	      /* gone: for good */
	bool in_kernel_use;
} cpus[MAX_MODEL_CPUS];

static void save(struct bank_ctx *ctx);
static void load(struct bank_ctx *ctx);
static void close_bank(struct bank_ctx *ctx);
static const struct bank_ops ops = { "model", save, load, close_bank };
static struct bank banks[BANKS] = { { .ops = &ops }, { .ops = &ops } };
static struct context_model contexts[MAX_CONTEXTS];
static unsigned cpu_total = 2, context_total = 4, bank_total = 1;
static bool atomic;

#define me (explore_actor)

#include "bank/bank_model_env.h"

/* ---- what CPUs do ---- */

/* The guest or program runs for a while: interrupts may come. What it has it may have lost then. */
static void run(void)
{
	bank_take(&cpus[me].context->ctx);
	use_registers(cpus[me].context);
	cpus[me].masked = false;
	yield_between();
	bank_env_mask();
	if (bank_is_here(&cpus[me].context->ctx))
		use_registers(cpus[me].context);
	bank_env_unmask();
}

/* fp_enter_absent(): only if nobody has to be waited for. */
static void enter_ahead(void)
{
	bank_env_mask();
	if (!bank_is_here(&cpus[me].context->ctx) && bank_is_free(&cpus[me].context->ctx))
		bank_enter(&cpus[me].context->ctx);
	if (bank_is_here(&cpus[me].context->ctx))
		use_registers(cpus[me].context);
	bank_env_unmask();
}

static bool is_asked_for(const struct bank_ctx *ctx)
{
	for (unsigned i = 0; i < cpu_total; i++)
		if (requests[i].ctx == ctx)
			return true;
	return false;
}

static void image_becomes_newest(struct context_model *c)
{
	make_old(c);
	c->image_fresh = true;
}

static void inspect(void)
{
	bank_evict(&cpus[me].context->ctx);
	explore_expect(cpus[me].context->ctx.home == BANK_NO_CPU, "home is none after evict");
	explore_expect(cpus[me].context->image_fresh, "an inspected image is the newest state");
	image_becomes_newest(cpus[me].context);
}

/* And its memory is used again, at once. */
static void end_and_begin(void)
{
	cpus[me].context->ending = true;
	bank_discard(&cpus[me].context->ctx);
	explore_expect(cpus[me].context->ctx.home == BANK_NO_CPU, "home is none after discard");
	explore_expect(!is_asked_for(&cpus[me].context->ctx),
		       "nobody looks at a context that has ended");
	bank_ctx_init(&cpus[me].context->ctx, cpus[me].context->ctx.bank);
	image_becomes_newest(cpus[me].context);
	cpus[me].context->ending = false;
}

/* boot/smp.c: SGIs to a CPU that is off are lost. */
static void go_off_and_come_back(void)
{
	bank_env_mask();
	for (unsigned b = 0; b < bank_total; b++)
		bank_evict_local(&banks[b]);
	cpus[me].off = true;
	cpus[me].gone = cpus[me].op == OP_GONE;
	do
		yield_between();
	while (cpus[me].gone);
	cpus[me].pending = false;
	cpus[me].off = false;
	bank_handle_requests();
	bank_env_unmask();
}

static void operate_on_context(void)
{
	if (cpus[me].op == OP_AHEAD)
		enter_ahead();
	else if (cpus[me].op == OP_INSPECT)
		inspect();
	else if (cpus[me].op == OP_END)
		end_and_begin();
	else
		run();
	cpus[me].context->claimed = false;
}

/* The choice, after those of interrupts, is an operation. False: not now. */
static bool choose_operation(void)
{
	unsigned choice = explore_choice() - interrupt_choices(me);

	if (choice >= OPS_PER_CONTEXT * context_total) {
		cpus[me].op = (uint8_t)(OP_OFF + choice - OPS_PER_CONTEXT * context_total);
		return true;
	}
	cpus[me].context = &contexts[choice / OPS_PER_CONTEXT];
	cpus[me].op = (uint8_t)(choice % OPS_PER_CONTEXT);
	return !cpus[me].context->claimed;
}

static void operate(void)
{
	explore_clean();
	if (cpus[me].op >= OP_OFF) {
		go_off_and_come_back();
	} else {
		cpus[me].context->claimed = true;
		operate_on_context();
	}
}

/* All but one may be off at a time. */
static bool may_go_off(void)
{
	unsigned on = 0;

	for (unsigned i = 0; i < cpu_total; i++)
		on += cpus[i].op < OP_OFF;
	return on > 1;
}

static unsigned choices(unsigned cpu)
{
	if (cpus[cpu].gone)
		return 0;
	return interrupt_choices(cpu) +
	       (cpus[cpu].idle ? OPS_PER_CONTEXT * context_total + 2 * may_go_off() : 1);
}

static bool at_rest(void)
{
	for (unsigned i = 0; i < cpu_total; i++)
		if (!cpus[i].gone && (!cpus[i].idle || cpus[i].pending))
			return false;
	return true;
}

/* ---- rules that hold in every state ---- */

static void check_context(const struct context_model *c)
{
	int home = c->ctx.home;

	for (unsigned i = 0; i < cpu_total; i++) {
		if (!cpus[i].masked)
			explore_expect((c->ctx.bank->slots[i].owner == &c->ctx) == (home == (int)i),
				       "owner and home agree outside of transitions");
		if (i != (unsigned)home && !cpus[i].masked)
			explore_expect(regs_at(i, c)->of != c, "its registers stand at home only");
	}
	if (c->ending)
		return;
	if (home == BANK_NO_CPU)
		explore_expect(c->image_fresh, "home none: the image is the newest state");
	else if (!cpus[home].masked || !c->image_fresh) /* masked: it may be leaving, saved */
		explore_expect(regs_at((unsigned)home, c)->of == c &&
				       regs_at((unsigned)home, c)->fresh,
			       "the bank of its home holds the newest state");
	if (home != BANK_NO_CPU && !cpus[home].masked)
		explore_expect(c->image_fresh == !c->ctx.dirty,
			       "CLEAN: bank and image agree; DIRTY: the bank alone is the newest");
}

/* An idle CPU asks for nothing: how it asked before is all the same. */
static void check_state(void)
{
	for (unsigned n = 0; n < context_total; n++)
		check_context(&contexts[n]);
	for (unsigned i = 0; i < cpu_total; i++)
		if (cpus[i].idle)
			requests[i].save = false;
}

/* ---- the search ---- */

static int twins_order(unsigned one, unsigned other)
{
	return memcmp(&contexts[one], &contexts[other], sizeof(contexts[0]));
}

static unsigned add_parts(struct explore_part *parts)
{
	unsigned count = 0;

	for (unsigned i = 0; i < cpu_total; i++) {
		parts[count++] = (struct explore_part){ &cpus[i], sizeof(cpus[i]), i };
		for (unsigned b = 0; b < bank_total; b++)
			parts[count++] = (struct explore_part){ &banks[b].slots[i].owner,
								sizeof(void *), i };
		parts[count++] = (struct explore_part){ &requests[i].ctx, sizeof(void *), i };
		parts[count++] = (struct explore_part){ &requests[i].save, 1, i };
		parts[count++] = (struct explore_part){ &mailboxes[i].askers, sizeof(uint64_t), i };
	}
	for (unsigned n = 0; n < context_total; n++)
		parts[count++] = (struct explore_part){ &contexts[n], sizeof(contexts[n]),
							MAX_MODEL_CPUS + n };
	return count;
}

static struct explore_result explore(void)
{
	struct explore_part parts[(4 + BANKS) * MAX_MODEL_CPUS + MAX_CONTEXTS];
	struct explore_model m = {
		.actors = cpu_total,
		.actor_main = cpu_main,
		.parts = parts,
		.choices = choices,
		.check = check_state,
		.at_rest = at_rest,
		.twins = { contexts, sizeof(contexts[0]), context_total },
		.twins_order = twins_order,
		.atomic = atomic,
		.inside = inside,
	};

	for (unsigned n = 0; n < context_total; n++) {
		contexts[n] = (struct context_model){ .image_fresh = true };
		bank_ctx_init(&contexts[n].ctx, &banks[n % bank_total]);
	}
	m.part_count = add_parts(parts);
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
	bank_total = argument(3, bank_total, BANKS);
	atomic = getenv("EXPLORE_ATOMIC");
	r = explore();
	tap_print("# %u CPUs, %u contexts, %u bank%s%s: %u states, %zu transitions\n", cpu_total,
		  context_total, bank_total, bank_total > 1 ? "s" : "",
		  atomic ? ", functions whole" : "", r.states, r.transitions);
	expect(!r.broken);
	expect_eq(r.stuck, 0);
}
