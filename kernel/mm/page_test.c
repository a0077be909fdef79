/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page allocator over memory of the host: dirty memory, ragged regions, random use against a
 * map of who has what, and that everything grows together again.
 */
#include "mm/page.h"

#include <stdlib.h>
#include <string.h>

#include "lib/bits.h"
#include "tap.h"

#define BASE	   0x40000000ull /* where "physical" memory begins */
#define SPAN	   (64 * BLOCK_SIZE)
#define MAX_BLOCKS 4096

static char *memory;
static uint8_t *metadata;

void *pa_to_va(pa_t pa)
{
	return memory + (pa.v - BASE);
}

pa_t va_to_pa(const void *va)
{
	return (pa_t){ (uint64_t)((const char *)va - memory) + BASE };
}

/* New memory and metadata, full of garbage. */
static void start(void)
{
	free(memory);
	free(metadata);
	memory = aligned_alloc(BLOCK_SIZE, SPAN);
	metadata = malloc(page_metadata_bytes((pa_t){ BASE }, (pa_t){ BASE + SPAN }));
	memset(memory, 0xa5, SPAN);
	memset(metadata, 0x01, page_metadata_bytes((pa_t){ BASE }, (pa_t){ BASE + SPAN }));
	page_init((pa_t){ BASE }, (pa_t){ BASE + SPAN }, metadata);
}

static void add(uint64_t first_page, uint64_t pages)
{
	page_add_region((pa_t){ BASE + first_page * PAGE_SIZE },
			(pa_t){ BASE + (first_page + pages) * PAGE_SIZE });
}

/* Take everything there is in blocks of an order; the number of blocks. */
static unsigned take_all(unsigned order, void **blocks)
{
	unsigned n = 0;

	while (n < MAX_BLOCKS && (blocks[n] = page_alloc(order)))
		n++;
	return n;
}

TEST(metadata_is_eight_bytes_a_page)
{
	expect_eq(page_metadata_bytes((pa_t){ BASE }, (pa_t){ BASE + SPAN }), SPAN / PAGE_SIZE * 8);
}

TEST(a_region_is_not_touched_before_use)
{
	start();
	add(0, SPAN / PAGE_SIZE);
	expect_eq(page_total(), SPAN / PAGE_SIZE);
	expect_eq(page_free_count(), SPAN / PAGE_SIZE);
	for (uint64_t i = 0; i < SPAN; i += 8) {
		if (*(uint64_t *)(memory + i) != 0xa5a5a5a5a5a5a5a5ull)
			expect(!"memory was written");
	}
	expect_eq(metadata[0], 1);
	expect(!page_is_managed((pa_t){ BASE }));
	page_free(page_alloc(0));
	expect(page_is_managed((pa_t){ BASE }));
	expect(!page_is_managed((pa_t){ BASE + BLOCK_SIZE }));
	expect_eq(metadata[8 * 512], 1);
}

TEST(ragged_regions_give_exactly_their_pages)
{
	static void *pages[MAX_BLOCKS];
	unsigned n;

	start();
	add(3, 100);		/* within one block */
	add(110, 300);		/* the same block */
	add(500, 512 + 5);	/* ends of two blocks, no whole one between... */
	add(1020, 3 * 512 + 7); /* shares a block with the one before */
	expect_eq(page_total(), 100 + 300 + 517 + 1543);
	n = take_all(0, pages);
	expect_eq(n, 100 + 300 + 517 + 1543);
	expect_eq(page_free_count(), 0);
	for (unsigned i = 0; i < n; i++) {
		uint64_t page = (va_to_pa(pages[i]).v - BASE) / PAGE_SIZE;

		expect((page >= 3 && page < 103) || (page >= 110 && page < 410) ||
		       (page >= 500 && page < 1017) || (page >= 1020 && page < 2563));
		memset(pages[i], 0x5a, PAGE_SIZE);
	}
	for (unsigned i = 0; i < n; i++)
		page_free(pages[i]);
	expect_eq(page_free_count(), page_total());
	expect_eq(take_all(PAGE_MAX_ORDER, pages), 3);
}

TEST(too_large_orders_are_refused)
{
	start();
	add(0, 2048);
	expect(!page_alloc(PAGE_MAX_ORDER + 1));
}

TEST(references_keep_a_block)
{
	pa_t pa, part;
	void *p;

	start();
	add(0, 512);
	p = page_alloc_zeroed(4);
	pa = va_to_pa(p);
	part = (pa_t){ pa.v + 9 * PAGE_SIZE };
	for (unsigned i = 0; i < 16 * PAGE_SIZE; i++)
		expect(!((char *)p)[i]);
	expect_eq(page_refs(part), 1);
	expect_eq(page_order(part), 4);
	page_get(part);
	expect_eq(page_refs(pa), 2);
	page_free(p);
	expect_eq(page_free_count(), 512 - 16);
	page_put(part);
	expect_eq(page_free_count(), 512);
	page_free(NULL);
}

/* Random use: each page of a block carries the block's mark, so overlaps are seen. */
struct block {
	uint64_t *va;
	unsigned order;
	uint64_t mark;
};

static void block_mark(struct block *b)
{
	for (uint64_t i = 0; i < 1ull << b->order; i++)
		b->va[i * 512 + 7] = b->mark + i;
}

static void block_check_and_free(struct block *b)
{
	for (uint64_t i = 0; i < 1ull << b->order; i++)
		expect(b->va[i * 512 + 7] == b->mark + i);
	expect_eq(page_order(va_to_pa(b->va)), b->order);
	page_free(b->va);
	b->va = NULL;
}

TEST(random_use_never_overlaps_and_grows_together)
{
	static struct block blocks[600];
	static void *big[MAX_BLOCKS];
	uint64_t held = 0, mark = 1;

	start();
	add(77, 20 * 512);
	srand(2);
	for (int round = 0; round < 60000; round++) {
		struct block *b = &blocks[rand() % 600];

		if (b->va) {
			held -= 1ull << b->order;
			block_check_and_free(b);
		} else {
			b->order = (unsigned)(rand() % 3 ? rand() % 4 : rand() % 10);
			b->va = page_alloc(b->order);
			b->mark = mark += 1000;
			if (!b->va)
				continue;
			expect(is_aligned(va_to_pa(b->va).v, PAGE_SIZE << b->order));
			held += 1ull << b->order;
			block_mark(b);
		}
		expect(page_free_count() == page_total() - held);
	}
	for (int i = 0; i < 600; i++) {
		if (blocks[i].va)
			block_check_and_free(&blocks[i]);
	}
	expect_eq(page_free_count(), 20 * 512);
	expect_eq(take_all(PAGE_MAX_ORDER, big), 19);
}
