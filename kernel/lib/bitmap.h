/* SPDX-License-Identifier: BSD-2-Clause */
/* Bits in an array of words. Not atomic: the caller holds the lock of what they describe. */
#pragma once

#include "lib/types.h"

#define BITMAP_WORDS(bits) (((bits) + 63) / 64)

static inline bool bitmap_test(const uint64_t *map, unsigned n)
{
	return map[n / 64] >> (n % 64) & 1;
}

static inline void bitmap_set(uint64_t *map, unsigned n)
{
	map[n / 64] |= 1ull << (n % 64);
}

static inline void bitmap_clear(uint64_t *map, unsigned n)
{
	map[n / 64] &= ~(1ull << (n % 64));
}

/* The first clear (set) bit at or after from, or bits if there is none. */
unsigned bitmap_next_clear(const uint64_t *map, unsigned bits, unsigned from);
unsigned bitmap_next_set(const uint64_t *map, unsigned bits, unsigned from);
