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
	p = (struct fp_policy){ 0 };
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
		fp_policy_used(&p);
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
	fp_policy_used(&p);
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
