/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When to load vector registers ahead. Entered from fp.c; the state is the context's.
 *
 * A save and a load are due at any change of user; the trap (T) that shows the change is what can
 * be saved by loading ahead, and a load that nobody needed (W: the other one's save, our load, and
 * both again when the other comes back) is what can be lost. Use shows only through a trap: arm64
 * has no dirty bit. So each use that was shown by a trap earns T, and who has earned it n times in
 * a row is loaded ahead n * T / W times; then the trap is armed once more, to look. A trap that was
 * armed and did not come ends the streak. Who uses the registers each time thus traps once in
 * AHEAD_MOST + 1 times; who never does, costs nothing; and what is lost is bounded by AHEAD_MOST
 * for each look.
 *
 * Costs come from a table of published cores by MIDR, or the boot argument fp_costs. Measurements
 * under QEMU are upside down (20 instructions to save, 150 to trap) and steer nothing.
 *
 * State: costs, written once at boot.
 */
#include "bank/fp_policy.h"

#include "lib/bits.h"
#include "lib/string.h"

#define AHEAD_MOST 64u
#define FP_BYTES   520u
#define COST_MOST  1000000u

/* MIDR_EL1 without variant and revision. */
#define MIDR_MODEL (BITS(31, 24) | BITS(15, 4))

static const struct {
	uint32_t midr;
	struct fp_costs costs;
} published[] = {
	/* X-Gene: Dall et al., ISCA 2016, table III; the trap is an estimate from its exception
	 * level changes (about 70 cycles each way) and the way into C */
	{ 0x50000000, { .trap = 300, .save = 282, .load = 310 } },
};

static struct fp_costs costs = { .trap = 300, .save = 282, .load = 310 };

struct fp_costs fp_costs_of(uint32_t midr)
{
	for (size_t i = 0; i < ARRAY_SIZE(published); i++)
		if ((midr & MIDR_MODEL) == (published[i].midr & MIDR_MODEL))
			return published[i].costs;
	return (struct fp_costs){ .trap = 300, .save = 282, .load = 310 };
}

void fp_policy_set_costs(const struct fp_costs *c)
{
	costs = *c;
}

/* A number of COST_MOST at most at *text, which moves behind it; 0: none is there. */
static uint32_t parse_cost(const char **text)
{
	uint32_t n = 0;

	while (**text >= '0' && **text <= '9' && n <= COST_MOST)
		n = n * 10 + (uint32_t)(*(*text)++ - '0');
	return n > COST_MOST ? 0 : n;
}

bool fp_costs_parse(struct fp_costs *c, const char *text)
{
	uint32_t n[3];

	for (unsigned i = 0; i < ARRAY_SIZE(n); i++) {
		n[i] = parse_cost(&text);
		if (!n[i] || *text++ != (i < 2 ? ',' : 0))
			return false;
	}
	*c = (struct fp_costs){ n[0], n[1], n[2] };
	return true;
}

static const char *const names[FP_POLICIES] = {
	[FP_ADAPTIVE] = "adaptive",
	[FP_EAGER] = "eager",
	[FP_LAZY] = "lazy",
	[FP_STRICT] = "strict",
};

const char *fp_policy_name(enum fp_policy_kind kind)
{
	return names[kind];
}

bool fp_policy_parse(const char *name, enum fp_policy_kind *kind)
{
	for (unsigned i = 0; i < FP_POLICIES; i++) {
		if (strcmp(name, names[i]))
			continue;
		*kind = (enum fp_policy_kind)i;
		return true;
	}
	return false;
}

void fp_policy_init(struct fp_policy *p, enum fp_policy_kind kind)
{
	*p = (struct fp_policy){ .kind = (uint8_t)kind };
	p->ahead = kind == FP_EAGER; /* and it never becomes less */
	p->spend = kind != FP_EAGER;
}

void fp_policy_used(struct fp_policy *p, unsigned bytes)
{
	/* the other one's save, our load, and both again when the other comes back */
	uint64_t waste = 2ull * ((uint64_t)costs.save + costs.load) * bytes / FP_BYTES;
	/* a longer streak earns no more than AHEAD_MOST */
	uint64_t streak_most = min(AHEAD_MOST * waste / costs.trap + 1, (uint64_t)UINT16_MAX);

	p->armed_at = 0;
	p->streak = (uint16_t)min(p->streak + 1ull, streak_most);
	if (p->kind == FP_ADAPTIVE || p->kind == FP_STRICT)
		p->ahead = (uint16_t)min((uint64_t)p->streak * costs.trap / waste,
					 (uint64_t)AHEAD_MOST);
}
