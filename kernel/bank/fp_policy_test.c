/* SPDX-License-Identifier: BSD-2-Clause */
/* The policy against a context that always, never, at times, or maliciously uses the registers. */
#include "bank/fp_policy.h"

#include <stdlib.h>

#include "tap.h"

static struct fp_policy p;
static uint64_t epoch;
static unsigned traps, wasted, loads;

static void start(void)
{
	fp_policy_init(&p, FP_ADAPTIVE);
	epoch = 64;
	traps = wasted = loads = 0;
}

/* The context comes back after somebody else had the bank. */
static void turn(bool uses)
{
	epoch += 64;
	if (fp_policy_enter(&p, epoch)) {
		loads++;
		wasted += !uses;
	} else if (uses) {
		traps++;
		fp_policy_used(&p, 520);
	}
}

TEST(who_always_uses_them_traps_ever_more_rarely)
{
	unsigned before;

	start();
	for (int i = 0; i < 20000; i++)
		turn(true);
	before = traps;
	expect(before < 20000 / 20);
	for (int i = 0; i < 6500; i++)
		turn(true);
	expect_eq(traps - before, 100); /* one in 65 */
	expect_eq(traps + loads, 26500);
}

TEST(who_never_uses_them_costs_nothing)
{
	start();
	for (int i = 0; i < 1000; i++)
		turn(false);
	expect_eq(loads + traps, 0);
}

TEST(one_use_earns_nothing_yet)
{
	start();
	turn(true);
	turn(false);
	turn(true);
	turn(false);
	expect_eq(loads, 0);
	expect_eq(traps, 2);
}

TEST(the_end_of_use_is_seen_at_the_next_look)
{
	start();
	for (int i = 0; i < 20000; i++)
		turn(true);
	for (int i = 0; i < 1000; i++)
		turn(false);
	expect(wasted <= 64);
	/* and then it has to earn anew */
	turn(true);
	turn(true);
	expect(p.ahead == 0);
}

TEST(the_same_look_goes_on_while_nobody_else_comes)
{
	unsigned before;

	start();
	for (int i = 0; i < 8; i++)
		turn(true);
	while (p.ahead)
		turn(true);
	before = p.streak;
	epoch += 64;
	expect(!fp_policy_enter(&p, epoch));
	for (int i = 0; i < 100; i++)
		expect(!fp_policy_enter(&p, epoch)); /* exits and returns: no new look */
	fp_policy_used(&p, 520);
	expect_eq(p.streak, before + 1);
}

/* Uses the registers exactly when a trap is armed: each trap is worth its cost, then all is waste.
 */
TEST(malice_costs_no_more_than_it_earned)
{
	start();
	for (int i = 0; i < 100000; i++)
		turn(p.ahead == 0);
	expect(wasted <= 64 * traps);
	start();
	for (int i = 0; i < 100; i++) { /* at first, no more than what its traps paid for */
		turn(p.ahead == 0);
		expect(wasted * 1184 <= (uint64_t)traps * (traps + 1) / 2 * 300);
	}
}

TEST(random_use_stays_near_the_trap_alone)
{
	for (unsigned percent = 5; percent < 100; percent += 5) {
		unsigned uses = 0;
		uint64_t cost, lazy;

		start();
		srand(percent);
		for (int i = 0; i < 50000; i++) {
			bool use = (unsigned)rand() % 100 < percent;

			uses += use;
			turn(use);
		}
		cost = (uint64_t)traps * 300 + (uint64_t)wasted * 1184 + (uint64_t)uses * 592;
		lazy = (uint64_t)uses * (300 + 592);
		expect(cost <= lazy * 11 / 10);
	}
}

TEST(eager_always_and_lazy_never)
{
	start();
	fp_policy_init(&p, FP_EAGER);
	for (int i = 0; i < 1000; i++)
		turn(i % 3 == 0);
	expect_eq(loads, 1000);
	expect_eq(traps, 0);
	fp_policy_used(&p, 520); /* it stood on another CPU */
	turn(false);
	expect_eq(loads, 1001);
	start();
	fp_policy_init(&p, FP_LAZY);
	for (int i = 0; i < 1000; i++)
		turn(true);
	expect_eq(loads, 0);
	expect_eq(traps, 1000);
}

TEST(strict_learns_as_adaptive_does)
{
	start();
	fp_policy_init(&p, FP_STRICT);
	for (int i = 0; i < 20000; i++)
		turn(true);
	expect(traps < 20000 / 20 && traps + loads == 20000);
}

TEST(what_costs_more_to_move_is_learned_more_slowly)
{
	unsigned streaks[2], bytes[2] = { 520, 2184 };

	for (int i = 0; i < 2; i++) {
		start();
		for (streaks[i] = 0; !p.ahead; streaks[i]++)
			fp_policy_used(&p, bytes[i]);
		for (int n = 0; n < 10000; n++)
			fp_policy_used(&p, bytes[i]);
		expect_eq(p.ahead, 64);
	}
	expect_eq(streaks[0], 4);  /* 1,184 / 300 */
	expect_eq(streaks[1], 17); /* 4.2 times as much */
}

TEST(costs_by_core_and_by_hand)
{
	struct fp_costs c = fp_costs_of(0x501f0001), other = fp_costs_of(0x410fd0b1);

	expect_eq(c.save, 282);
	expect(other.trap && other.save && other.load);
	expect(fp_costs_parse(&c, "10,200,3000"));
	expect(c.trap == 10 && c.save == 200 && c.load == 3000);
	expect(!fp_costs_parse(&c, "10,200") && !fp_costs_parse(&c, "10,200,0") &&
	       !fp_costs_parse(&c, "10,200,3000,4") && !fp_costs_parse(&c, "") &&
	       !fp_costs_parse(&c, "1,2,1000001") && !fp_costs_parse(&c, "1,2,99999999999") &&
	       !fp_costs_parse(&c, "-1,2,3"));
	expect_eq(c.load, 3000);
}

TEST(any_costs_keep_the_bounds)
{
	const struct fp_costs usual = fp_costs_of(0);

	srand(7);
	for (int i = 0; i < 500; i++) {
		struct fp_costs c = { 1 + (unsigned)rand() % 1000000,
				      1 + (unsigned)rand() % 1000000,
				      1 + (unsigned)rand() % 1000000 };

		fp_policy_set_costs(&c);
		start();
		for (int n = 0; n < 300; n++) {
			fp_policy_used(&p, 8744);
			expect(p.ahead <= 64 && p.streak);
		}
	}
	fp_policy_set_costs(&usual);
}

TEST(names)
{
	enum fp_policy_kind kind = FP_ADAPTIVE;

	for (unsigned i = 0; i < FP_POLICIES; i++) {
		expect(fp_policy_parse(fp_policy_name((enum fp_policy_kind)i), &kind));
		expect_eq(kind, i);
	}
	expect(!fp_policy_parse("", &kind) && !fp_policy_parse("eagerly", &kind));
}
