/* SPDX-License-Identifier: BSD-2-Clause */
/* See seeds.h. */
#include <stdlib.h>
#include <time.h>
#include "tests/lib/abi.h"
#include "tests/lib/seeds.h"

static uint64_t state;

static void run(uint64_t seed, void (*fn)(void))
{
	bool failed = tap_failed;

	state = seed * 0x9e3779b97f4a7c15 + 1;
	state = state ? state : 1;
	tap_failed = false;
	fn();
	if (tap_failed)
		tap_print("# seed %lu\n", (unsigned long)seed);
	tap_failed |= failed;
}

void seeds_run(unsigned fixed, void (*fn)(void))
{
	uint64_t seconds = tap_argc > 1 ? strtoul(tap_argv[1], NULL, 0) : 0;
	uint64_t seed = tap_argc > 2 ? strtoul(tap_argv[2], NULL, 0) : now_ns(CLOCK_REALTIME);
	uint64_t end, count = 0;

	if (tap_argc > 2 && !seconds)
		return run(seed, fn);
	for (uint64_t n = 1; n <= fixed && !tap_failed; n++)
		run(n, fn);
	if (!seconds)
		return;
	tap_print("# from seed %lu\n", (unsigned long)seed);
	for (end = now_ns(CLOCK_MONOTONIC) + seconds * 1000000000;
	     now_ns(CLOCK_MONOTONIC) < end && !tap_failed; count++)
		run(seed++, fn);
	tap_print("# %lu seeds\n", (unsigned long)count);
}

uint64_t seeds_pick(uint64_t n)
{
	return (random_next(&state) >> 16) % n;
}

uint64_t seeds_number(void)
{
	switch (seeds_pick(4)) {
	case 0:
		return seeds_pick(20);
	case 1:
		return (1ull << seeds_pick(64)) + seeds_pick(3) - 1;
	case 2:
		return -seeds_pick(300);
	default:
		return random_next(&state);
	}
}
