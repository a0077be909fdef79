/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What of a state counts in fp_model.c, which includes this: epochs and registers that nobody can
 * tell apart become equal, twins get other names, and which memory there is.
 */
#pragma once

enum { PAST = 1, PRESENT = MAX_CPUS };

/* armed_at of the present epoch of a CPU gets its name; that it was armed before is only asked by
 * strict contexts. */
static void rename_armed(uint64_t *armed)
{
	for (unsigned c = 0; c < CPUS; c++) {
		if (*armed != cpu_state[c].fp_epoch)
			continue;
		*armed = PRESENT + c;
		return;
	}
	*armed = *armed && strict_used ? PAST : 0;
}

static void rename_epochs(void)
{
	for (unsigned n = 0; n < context_total; n++)
		rename_armed(&contexts[n].fp.policy.armed_at);
	for (unsigned c = 0; c < CPUS; c++) {
		uint64_t *now = &cpu_state[c].fp_epoch, *zeroed = &cpu_state[c].fp_zeroed_at;

		*zeroed = strict_used && *zeroed == *now ? PRESENT + c : 0;
		*now = PRESENT + c;
	}
}

/* What nobody can see any more is all the same; whose it was matters to strict contexts. */
static void forget_old(uint8_t *part)
{
	if (!strict_used && *part >= OLD)
		*part = TORN;
}

static void forget_old_parts(struct parts *parts)
{
	forget_old(&parts->v);
	forget_old(&parts->z);
	forget_old(&parts->p);
}

/* The form that does not count, and both while the registers are newer. */
static void forget_image(struct context_model *c)
{
	int home = c->fp.bank.home;
	bool dirty = home != BANK_NO_CPU && !cpus[home].masked && c->fp.bank.dirty;

	if (!c->fp.wide || dirty)
		c->image = (struct parts){ TORN, TORN, TORN };
	if (c->fp.wide || dirty)
		c->fp.v[0][0] = TORN;
	forget_old_parts(&c->image);
	forget_old(&c->fp.v[0][0]);
}

static void forget_unseen(void)
{
	for (unsigned n = 0; n < context_total; n++)
		forget_image(&contexts[n]);
	for (unsigned c = 0; c < CPUS; c++) {
		if (!strict_used && !cpus[c].masked && !vector_bank.slots[c].owner)
			cpus[c].regs = (struct parts){ TORN, TORN, TORN };
		forget_old_parts(&cpus[c].regs);
		if (cpus[c].idle) /* it asks for nothing: how it asked before is nothing either */
			requests[c].save = false;
	}
}

/* ---- twins ---- */

static void rename_part(uint8_t *part, const unsigned *place)
{
	if (*part >= OLD && *part < OLD + (int)context_total)
		*part = (uint8_t)(OLD + place[*part - OLD]);
	else if (*part >= NEWEST && *part < NEWEST + (int)context_total)
		*part = (uint8_t)(NEWEST + place[*part - NEWEST]);
}

static void rename_parts(struct parts *parts, const unsigned *place)
{
	rename_part(&parts->v, place);
	rename_part(&parts->z, place);
	rename_part(&parts->p, place);
}

static void renamed(const unsigned *place)
{
	for (unsigned n = 0; n < context_total; n++) {
		rename_parts(&contexts[n].truth, place);
		rename_parts(&contexts[n].image, place);
		rename_part(&contexts[n].fp.v[0][0], place);
	}
	for (unsigned c = 0; c < CPUS; c++)
		rename_parts(&cpus[c].regs, place);
}

/* By nothing that names a context. */
static uint64_t key_of(const struct context_model *c)
{
	const struct fp_context *fp = &c->fp;
	unsigned place[MAX_CONTEXTS] = { 0 };
	struct parts t = c->truth, i = c->image;
	uint8_t v = fp->v[0][0];

	rename_parts(&t, place);
	rename_parts(&i, place);
	rename_part(&v, place);
	return (uint64_t)fp->guest | (uint64_t)fp->sve << 1 | (uint64_t)fp->wide << 2 |
	       (uint64_t)fp->dead << 3 | (uint64_t)!fp->sve_image << 4 |
	       (uint64_t)in_a_call(c) << 5 | (uint64_t)(fp->policy.kind == FP_STRICT) << 6 |
	       (uint64_t)fp->given << 7 | (uint64_t)(t.v | t.z << 4 | t.p << 8) << 8 |
	       (uint64_t)(i.v | i.z << 4 | i.p << 8 | v << 12) << 24 |
	       (uint64_t)(fp->policy.armed_at % MAX_CPUS) << 40 | (uint64_t)c->thread.work << 48;
}

static int twins_order(unsigned one, unsigned other)
{
	uint64_t a = key_of(&contexts[one]), b = key_of(&contexts[other]);

	return a < b ? -1 : a > b;
}

static unsigned add_context(struct explore_part *parts, struct context_model *c, unsigned group)
{
	struct explore_part list[] = {
		{ c, offsetof(struct context_model, fp), group },
		{ &c->fp, offsetof(struct fp_context, v), group },
		{ &c->fp.v[0][0], 1, group },
		{ &c->fp.sve_image, sizeof(c->fp) - offsetof(struct fp_context, sve_image), group },
		{ &c->thread.work, sizeof(c->thread.work), group },
		{ &c->frame.syscall, sizeof(c->frame.syscall), group },
	};

	memcpy(parts, list, sizeof(list));
	return ARRAY_SIZE(list);
}

static unsigned add_cpu(struct explore_part *parts, unsigned n)
{
	struct cpu *cpu = &cpu_state[n];
	struct explore_part list[] = {
		{ &cpus[n], sizeof(cpus[n]), n },
		{ &cpu->cptr_el2, sizeof(cpu->cptr_el2), n },
		{ &cpu->fp_epoch, sizeof(cpu->fp_epoch), n },
		{ &cpu->fp_zeroed_at, sizeof(cpu->fp_zeroed_at), n },
		{ &cpu->entered, sizeof(cpu->entered), n },
		{ &cpu->mode, sizeof(cpu->mode), n },
		{ &vector_bank.slots[n].owner, sizeof(void *), n },
		{ &requests[n].ctx, sizeof(requests[n].ctx), n },
		{ &requests[n].save, sizeof(requests[n].save), n },
		{ &mailboxes[n].askers, sizeof(uint64_t), n },
	};

	memcpy(parts, list, sizeof(list));
	return ARRAY_SIZE(list);
}

static unsigned add_parts(struct explore_part *parts)
{
	unsigned count = 0;

	for (unsigned i = 0; i < CPUS; i++)
		count += add_cpu(parts + count, i);
	for (unsigned n = 0; n < context_total; n++)
		count += add_context(parts + count, &contexts[n], CPUS + n);
	return count;
}
