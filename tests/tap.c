/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs tests and prints their results as TAP. Nothing but tap_print() is asked of the world, so
 * this file runs in bare guests and in the kernel as it does on the host.
 */
#include "tap.h"

int tap_failed;
static const char *skipped;

void tap_skip(const char *reason)
{
	skipped = reason;
}

int tap_run(const struct tap_test *first, const struct tap_test *end)
{
	int bad = 0, n = 0;

	tap_print("1..%d\n", (int)(end - first));
	for (const struct tap_test *t = first; t < end; t++) {
		tap_failed = 0;
		skipped = (void *)0;
		t->run();
		tap_print("%sok %d - %s%s%s\n", tap_failed ? "not " : "", ++n, t->name,
			  skipped ? " # SKIP " : "", skipped ? skipped : "");
		bad += tap_failed;
	}
	return bad;
}
