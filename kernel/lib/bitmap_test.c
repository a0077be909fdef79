/* SPDX-License-Identifier: BSD-2-Clause */
/* Searching in bitmaps, against looking at each bit. */
#include "lib/bitmap.h"

#include <stdlib.h>

#include "tap.h"

static unsigned slow_next(const uint64_t *map, unsigned bits, unsigned from, bool set)
{
	while (from < bits && bitmap_test(map, from) != set)
		from++;
	return from < bits ? from : bits;
}

TEST(next_agrees_with_looking_at_each_bit)
{
	uint64_t map[4];

	srand(5);
	for (int round = 0; round < 3000; round++) {
		unsigned bits = (unsigned)rand() % 257;

		for (int i = 0; i < 4; i++)
			map[i] = round % 3 == 0	  ? 0
				 : round % 3 == 1 ? ~0ull
						  : (uint64_t)rand() << 32;
		for (int i = 0; i < rand() % 6; i++) {
			bitmap_set(map, (unsigned)rand() % 256);
			bitmap_clear(map, (unsigned)rand() % 256);
		}
		for (unsigned from = 0; from < 258; from++) {
			expect_eq(bitmap_next_set(map, bits, from),
				  slow_next(map, bits, from, true));
			expect_eq(bitmap_next_clear(map, bits, from),
				  slow_next(map, bits, from, false));
		}
	}
}
