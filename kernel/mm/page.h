/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Physical pages: a buddy allocator over all of the machine's memory, 8 bytes of metadata a page,
 * filled only for pages that were handed out (memory never touched costs nothing at boot).
 * A block of order n is 2^n pages, aligned to its size; PAGE_MAX_ORDER is 2 MiB.
 * Pages are counted by reference: alloc gives one, page_put() of the last one frees the block.
 */
#pragma once

#include "lib/types.h"

#define PAGE_MAX_ORDER 9
#define BLOCK_ORDER    (BLOCK_SHIFT - PAGE_SHIFT)

/* All RAM is mapped at LINEAR_BASE + physical address. */
#define LINEAR_BASE UINT64_C(0xffff000000000000)

#ifdef __aarch64__
static inline void *pa_to_va(pa_t pa)
{
	return (void *)(LINEAR_BASE + pa.v);
}
static inline pa_t va_to_pa(const void *va) /* of the linear map only, not of the kernel image */
{
	return (pa_t){ (uint64_t)va - LINEAR_BASE };
}
#else /* the host's tests: "physical" memory is the test's own */
void *pa_to_va(pa_t pa);
pa_t va_to_pa(const void *va);
#endif

/* Boot: pages lie in [start, end); metadata is carved from the first region that has room.
 * Call once with the span of all memory, then page_add_region() for each usable part. */
void page_init(pa_t start, pa_t end, void *metadata);
size_t page_metadata_bytes(pa_t start, pa_t end);
void page_add_region(pa_t start, pa_t end);

/* 2^order pages, contents undefined; NULL if there are none. Any context that may take a spinlock.
 */
void *page_alloc(unsigned order);
void *page_alloc_zeroed(unsigned order);
/* For programs: NULL too if it would take what the kernel keeps for itself. */
void *page_alloc_user(unsigned order);
void *page_alloc_user_zeroed(unsigned order);
/* Is less free than that reserve and so many pages? A hint. */
bool page_scarce(uint64_t pages);
/* References to the block that starts at this page (for a part of a block: to the whole block). */
void page_get(pa_t pa);
void page_put(pa_t pa);
unsigned page_refs(pa_t pa);
/* Of the block that holds this page. */
unsigned page_order(pa_t pa);
/* page_put() for what page_alloc() returned; NULL is allowed. */
void page_free(void *va);
/* Is this RAM that page_alloc() hands out and has handed out, now or before? */
bool page_is_managed(pa_t pa);

/* In pages. */
uint64_t page_total(void);
uint64_t page_free_count(void);
