/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Searching in bitmaps, a word at a time. Entered from everywhere; no state, no lock.
 */
#include "lib/bitmap.h"

/* The first bit at or after from that differs from the bits of flip (all ones or all zeros). */
static unsigned next_other(const uint64_t *map, unsigned bits, unsigned from, uint64_t flip)
{
	uint64_t word;
	unsigned n = from / 64;

	if (from >= bits)
		return bits;
	word = (map[n] ^ flip) & ~0ull << (from % 64);
	while (!word) {
		if (++n >= BITMAP_WORDS(bits))
			return bits;
		word = map[n] ^ flip;
	}
	n = n * 64 + (unsigned)__builtin_ctzll(word);
	return n < bits ? n : bits;
}

unsigned bitmap_next_clear(const uint64_t *map, unsigned bits, unsigned from)
{
	return next_other(map, bits, from, ~0ull);
}

unsigned bitmap_next_set(const uint64_t *map, unsigned bits, unsigned from)
{
	return next_other(map, bits, from, 0);
}
