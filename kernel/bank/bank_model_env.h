/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What stands in for the machine around bank.c in bank_model.c, which includes this: steps and
 * interrupts, registers and images, and who may see what of them.
 */
#pragma once

static bool inside(unsigned cpu)
{
	return !cpus[cpu].idle && !cpus[cpu].between;
}

/* ---- interrupts: at each yield they are the first choices ---- */

static bool interrupts_may_come(unsigned cpu)
{
	return !cpus[cpu].masked && !(atomic && inside(cpu));
}

static unsigned interrupt_choices(unsigned cpu)
{
	return interrupts_may_come(cpu) ? cpus[cpu].pending + 1u : 0;
}

static void access(void);

/* bank/fp_kernel.c: whoever is there is pushed out, nobody owns what is in the registers then. */
static void use_by_kernel(void)
{
	bank_evict_local(&banks[0]);
	explore_expect(!banks[0].slots[me].owner && !cpus[me].regs[0].of,
		       "nobody's registers stand while the kernel uses them");
	cpus[me].in_kernel_use = true;
	access();
	cpus[me].in_kernel_use = false;
}

static void interrupt(bool by_ipi)
{
	bool idle = cpus[me].idle, between = cpus[me].between;

	cpus[me].masked = true;
	cpus[me].idle = cpus[me].between = false;
	explore_clean();
	if (by_ipi) {
		cpus[me].pending = false;
		bank_handle_requests();
	} else {
		use_by_kernel();
	}
	cpus[me].masked = false;
	cpus[me].idle = idle;
	cpus[me].between = between;
}

#include "bank/model_steps.h"

/* ---- registers and images ---- */

static struct context_model *model_of(struct bank_ctx *ctx)
{
	return container_of(ctx, struct context_model, ctx);
}

static struct registers *regs_at(unsigned cpu, const struct context_model *c)
{
	return &cpus[cpu].regs[c->ctx.bank - banks];
}

static void save(struct bank_ctx *ctx)
{
	struct context_model *c = model_of(ctx);

	explore_expect(cpus[me].masked && regs_at(me, c)->of == c, "save of what is here, masked");
	explore_expect(!c->image_fresh || regs_at(me, c)->fresh, "no save over a newer image");
	c->image_fresh = false;
	access();
	c->image_fresh = regs_at(me, c)->fresh;
}

static void load(struct bank_ctx *ctx)
{
	struct context_model *c = model_of(ctx);

	explore_expect(cpus[me].masked && !cpus[me].in_kernel_use, "load masked");
	*regs_at(me, c) = (struct registers){ c, false };
	access();
	regs_at(me, c)->fresh = c->image_fresh;
}

static void close_bank(struct bank_ctx *ctx)
{
	struct registers *r = regs_at(me, model_of(ctx));

	explore_expect(cpus[me].masked && r->of == model_of(ctx), "close of what is here");
	*r = (struct registers){ NULL, false };
}

/* All copies of c are old from now on. */
static void make_old(struct context_model *c)
{
	c->image_fresh = false;
	for (unsigned i = 0; i < cpu_total; i++)
		if (regs_at(i, c)->of == c)
			regs_at(i, c)->fresh = false;
}

static void use_registers(struct context_model *c)
{
	explore_expect(bank_is_here(&c->ctx) && cpus[me].masked, "here after take, masked");
	explore_expect(regs_at(me, c)->of == c && regs_at(me, c)->fresh,
		       "runs on the newest state");
	if (cpus[me].op != OP_RUN)
		return;
	bank_dirty(&c->ctx);
	make_old(c);
	regs_at(me, c)->fresh = true;
}
