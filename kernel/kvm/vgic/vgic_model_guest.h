/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest of vgic_model.c, which includes this: it acknowledges what is pending in its CPU's list
 * registers and ends it, one at a time, or leaves.
 */
#pragma once

/* ---- the guest ---- */

static bool guest_has_work(void)
{
	const struct interface *i = &interfaces[(unsigned)model.where];

	if (model.handling >= 0)
		return true;
	for (unsigned n = 0; n < LRS; n++)
		if (i->lr[n] & ICH_LR_PENDING)
			return true;
	return false;
}

static unsigned kind_in(uint64_t lr)
{
	unsigned kind = 0;

	while (kind < KINDS - 1 && numbers[kind] != field_get(ICH_LR_VINTID, lr))
		kind++;
	return kind;
}

/* ICC_IAR1_EL1 */
static void acknowledge(struct interface *i)
{
	unsigned n = 0, kind;

	while (!(i->lr[n] & ICH_LR_PENDING))
		n++;
	i->lr[n] = (i->lr[n] & ~ICH_LR_PENDING) | ICH_LR_ACTIVE;
	i->ap[1] = 1;
	kind = kind_in(i->lr[n]);
	explore_expect(model.came[kind], "no interrupt is acknowledged that did not come");
	model.came[kind]--;
	model.due[kind] = false;
	model.handling = (int8_t)kind;
	if (kind == TIMER)
		model.timer_line = false;
}

/* ICC_EOIR1_EL1 */
static void end(struct interface *i)
{
	unsigned n = 0, kind = (unsigned)model.handling;

	explore_expect(i->ap[1] == 1, "the active priority went along");
	i->ap[1] = 0;
	model.handling = -1;
	while (n < LRS && !((i->lr[n] & ICH_LR_ACTIVE) && kind_in(i->lr[n]) == kind))
		n++;
	if (n == LRS) {
		i->hcr += field_set(ICH_HCR_EOICOUNT, 1);
		return;
	}
	i->lr[n] &= ~ICH_LR_ACTIVE;
	if (i->lr[n] & ICH_LR_HW)
		model.host_active[(unsigned)model.where] = false;
}

/* False: an exit. */
static bool guest_acts(void)
{
	struct interface *i = &interfaces[(unsigned)model.where];

	if (model.handling == LEVEL && gic_cpu.irqs[numbers[LEVEL]].line) {
		model.guest = GUEST_LOWERS;
		return false;
	}
	if (model.handling >= 0)
		end(i);
	else
		acknowledge(i);
	return true;
}

/* How many of enum guest it may choose from. */
static unsigned guest_ways(void)
{
	return model.waits && model.handling < 0 && !model.timers_left ? GUEST_LOWERS : GUEST_WAITS;
}

static void guest_runs(void)
{
	model.choosing = true;
	yield();
	plain_in();
	model.guest = explore_choice();
	model.choosing = false;
	actors[me].fresh = true;
	if (model.guest != GUEST_SPINS)
		return;
	actors[me].in_guest = true;
	actors[me].masked = false;
	while (step())
		if (!guest_acts())
			break;
	actors[me].in_guest = false;
	mask();
}

static void guest_left(void)
{
	if (model.guest == GUEST_WAITS) {
		vcpu_block(&vcpu);
		return;
	}
	unmask();
	if (model.guest == GUEST_LOWERS)
		inject(LEVEL, false);
	else if (model.guest == GUEST_LEAVES && model.moves)
		step_switching();
}
