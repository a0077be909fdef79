/* SPDX-License-Identifier: BSD-2-Clause */
/* What holds in every state of vgic_model.c, which includes this, and at rest. */
#pragma once

/* ---- the rules ---- */

static bool nothing_left(void)
{
	for (unsigned kind = 0; kind < KINDS; kind++)
		if (model.due[kind])
			return false;
	return !vcpu.requests && gic_cpu.lrs <= LRS_FULL && !gic_cpu.frozen &&
	       !gic_cpu.hw_changed && !gic_cpu.irqs[numbers[LEVEL]].line && model.handling < 0 &&
	       !model.host_active[0] && !model.host_active[1] &&
	       (gic_cpu.home != BANK_NO_CPU || !vcpu.timer.active);
}

/* Nobody will do anything more by himself. */
static bool at_rest(void)
{
	const struct actor_model *t = &actors[THREAD];

	for (unsigned i = 0; i < ACTORS; i++)
		if (actors[i].stores.count || actors[i].in_interrupt)
			return false;
	return actors[INJECTOR].over && !t->pending && !model.locals_left && !model.timers_left &&
	       !model.levels_left && model.callee == BANK_NO_CPU &&
	       (t->in_guest || model.state == BLOCKED) && nothing_left();
}

/* In how many list registers is it? */
static unsigned copies(unsigned kind)
{
	unsigned n = 0;

	for (unsigned c = 0; c < HOMES; c++)
		for (unsigned i = 0; i < LRS; i++)
			n += lr_busy(interfaces[c].lr[i]) && kind_in(interfaces[c].lr[i]) == kind;
	return n;
}

static void check_guest(void)
{
	const struct interface *i = &interfaces[(unsigned)model.where];

	explore_expect(home_for(THREAD) == model.where && gic_cpu.home == model.where,
		       "the guest runs where its registers are");
	explore_expect(i->vmcr == GUEST_VMCR && (i->ap[1] == 1) == (model.handling >= 0),
		       "VMCR and active priorities went along");
}

static void check_state(void)
{
	for (unsigned kind = 0; kind < KINDS; kind++)
		explore_expect(copies(kind) <= 1, "no interrupt is in two list registers");
	if (actors[THREAD].in_guest)
		check_guest();
	explore_expect(choices(THREAD) || choices(INJECTOR) || choices(OTHER) || at_rest(),
		       "somebody goes on, or all is done");
}
