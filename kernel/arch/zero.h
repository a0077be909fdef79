/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Zeroing whole pages: DC ZVA writes a block of zeros (64 bytes nearly everywhere) without reading
 * the memory first.
 */
#pragma once

#include "lib/bits.h"
#include "lib/string.h"

#ifdef __aarch64__
#define DCZID_BS  BITS(3, 0) /* log2 of the block's size in words */
#define DCZID_DZP BIT(4)     /* DC ZVA is prohibited */

/* size bytes at p, both multiples of 4096. Normal memory, MMU on (DDI 0487 C5.3, DC ZVA). */
static inline void zero_pages(void *p, size_t size)
{
	uint64_t dczid, block;
	char *at = p, *end = at + size;

	__asm__("mrs %0, dczid_el0" : "=r"(dczid));
	if (dczid & DCZID_DZP) {
		memset(p, 0, size);
		return;
	}
	block = 4ull << field_get(DCZID_BS, dczid); /* at most 2 KiB: two divide a page */
	for (; at < end; at += 2 * block)
		__asm__ volatile("dc zva, %0\n\tdc zva, %1" ::"r"(at), "r"(at + block) : "memory");
}
#else /* host tests */
static inline void zero_pages(void *p, size_t size)
{
	memset(p, 0, size);
}
#endif
