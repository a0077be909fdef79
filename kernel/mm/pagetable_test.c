/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Translation tables against a reference map: a window of 16 MiB in which every page knows its
 * descriptor and its leaf's size, changed by the same random steps.
 */
#include "mm/pagetable.h"

#include <linux/errno.h>

#include "host/memory.h"
#include "lib/bits.h"
#include "tap.h"

#define WINDOW	    (16 * BLOCK_SIZE / 2)
#define PAGES	    (WINDOW / PAGE_SIZE)
#define BLOCK_PAGES (BLOCK_SIZE / PAGE_SIZE)
#define ATTRS	    (PTE_AF | PTE_ATTR(1) | PTE_UXN)

struct ref {
	uint64_t desc, size; /* size 0: no leaf */
};

static struct pagetable table;
static struct ref refs[PAGES];
static uint64_t base; /* the window's va */

static void start(unsigned va_bits, bool stage2, uint64_t window)
{
	host_memory(8 * BLOCK_SIZE);
	memset(refs, 0, sizeof(refs));
	base = window;
	expect_eq(pagetable_init(&table, va_bits, stage2), 0);
}

static void ref_set(uint64_t page, uint64_t size, uint64_t desc)
{
	for (uint64_t i = 0; i < size / PAGE_SIZE; i++)
		refs[page + i] = (struct ref){ desc, size };
}

static bool ref_has_any(uint64_t page, uint64_t pages)
{
	for (uint64_t i = page; i < page + pages; i++) {
		if (refs[i].size)
			return true;
	}
	return false;
}

static void expect_same(uint64_t page)
{
	uint64_t size, desc = pagetable_lookup(&table, base + page * PAGE_SIZE, &size);

	expect_eq(desc, refs[page].size ? refs[page].desc : 0);
	if (desc)
		expect_eq(size, refs[page].size);
}

static uint64_t random_pa(uint64_t size)
{
	return align_down(((uint64_t)rand() << 17 ^ (uint64_t)rand()) & PTE_ADDRESS, size);
}

/* ---- the random steps ---- */

static void step_map_page(uint64_t page)
{
	uint64_t pa = random_pa(PAGE_SIZE), old = ~0ull;
	int err = pagetable_map(&table, base + page * PAGE_SIZE, (pa_t){ pa }, PAGE_SIZE, ATTRS,
				&old);

	if (refs[page].size == BLOCK_SIZE) {
		expect_eq(err, -EEXIST);
		return;
	}
	expect_eq(err, 0);
	expect_eq(old, refs[page].size ? refs[page].desc : 0);
	ref_set(page, PAGE_SIZE, pa | ATTRS | PTE_VALID | PTE_TABLE);
}

static void step_map_block(uint64_t page)
{
	uint64_t pa = random_pa(BLOCK_SIZE), old = ~0ull;
	int err;

	page = align_down(page, BLOCK_PAGES);
	err = pagetable_map(&table, base + page * PAGE_SIZE, (pa_t){ pa }, BLOCK_SIZE, ATTRS, &old);
	if (err) {
		expect_eq(err, -EEXIST); /* a table is there; it may be empty */
		expect(refs[page].size != BLOCK_SIZE);
		return;
	}
	expect(refs[page].size == BLOCK_SIZE || !ref_has_any(page, BLOCK_PAGES));
	expect_eq(old, refs[page].size ? refs[page].desc : 0);
	ref_set(page, BLOCK_SIZE, pa | ATTRS | PTE_VALID);
}

static uint64_t next_page; /* visits come in order and miss nothing */

static uint64_t visit(void *arg, uint64_t va, uint64_t size, uint64_t desc)
{
	uint64_t page = (va - base) / PAGE_SIZE, new = *(bool *)arg ? 0 : desc ^ PTE_RDONLY;

	expect(va >= base && va < base + WINDOW);
	if (page > next_page)
		expect(!ref_has_any(next_page, page - next_page));
	expect_eq(desc, refs[page].desc);
	expect_eq(size, refs[page].size);
	ref_set(page, new ? size : PAGE_SIZE, new);
	if (!new)
		memset(&refs[page], 0, size / PAGE_SIZE * sizeof(refs[0]));
	next_page = page + size / PAGE_SIZE;
	return new;
}

static void step_walk(uint64_t page)
{
	uint64_t pages = (uint64_t)rand() % (PAGES - page) % 700 + 1;
	bool clear = rand() % 2;

	next_page = refs[page].size == BLOCK_SIZE ? align_down(page, BLOCK_PAGES) : page;
	pagetable_walk(&table, base + page * PAGE_SIZE, pages * PAGE_SIZE, visit, &clear);
	if (next_page < page + pages)
		expect(!ref_has_any(next_page, page + pages - next_page));
}

static void step_prune(uint64_t page)
{
	uint64_t before = table.pages, freed = page_free_count(), size;
	struct list unlinked = LIST_INIT(unlinked);

	page = align_down(page, BLOCK_PAGES);
	pagetable_prune(&table, base + page * PAGE_SIZE, BLOCK_SIZE, &unlinked);
	pagetable_free_list(&unlinked);
	expect_eq(page_free_count() - freed, before - table.pages);
	pagetable_lookup(&table, base + page * PAGE_SIZE, &size);
	expect(ref_has_any(page, BLOCK_PAGES) || size >= BLOCK_SIZE);
}

static void random_steps(int rounds)
{
	static void (*const steps[])(uint64_t) = { step_map_page,  step_map_page, step_map_block,
						   step_map_block, step_walk,	  step_walk,
						   step_prune };

	for (int i = 0; i < rounds && !tap_failed; i++) {
		steps[rand() % 7]((uint64_t)rand() % PAGES);
		for (int j = 0; j < 8; j++)
			expect_same((uint64_t)rand() % PAGES);
	}
	for (uint64_t i = 0; i < PAGES; i++)
		expect_same(i);
	pagetable_destroy(&table);
	expect_eq(page_free_count(), page_total());
}

TEST(stage_1_of_48_bits)
{
	start(48, false, 0x7f1234400000);
	expect_eq(table.start_level, 0);
	random_steps(20000);
}

TEST(stage_1_upper_half)
{
	start(48, false, 0xffff800040000000);
	random_steps(5000);
}

TEST(stage_2_of_40_bits_has_two_concatenated_tables)
{
	start(40, true, 0xff0000000000 + 0x3fc0000000 - BLOCK_SIZE * 4); /* in the second table */
	expect_eq(table.start_level, 1);
	expect_eq(table.root_order, 1);
	random_steps(5000);
}

TEST(start_levels)
{
	static const struct {
		unsigned bits, level, order;
		bool stage2;
	} rows[] = {
		{ 48, 0, 0, true }, { 44, 0, 0, true },	 { 43, 1, 4, true },  { 39, 1, 0, true },
		{ 32, 1, 0, true }, { 48, 0, 0, false }, { 40, 0, 0, false }, { 39, 1, 0, false },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		struct pagetable pt;

		expect_eq(pagetable_init(&pt, rows[i].bits, rows[i].stage2), 0);
		expect_eq(pt.start_level, rows[i].level);
		expect_eq(pt.root_order, rows[i].order);
		expect(is_aligned(pt.root.v, PAGE_SIZE << rows[i].order));
		expect_eq(pagetable_map(&pt, BIT(rows[i].bits) - PAGE_SIZE, (pa_t){ 0 }, PAGE_SIZE,
					0, NULL),
			  0);
		pagetable_destroy(&pt);
	}
	expect_eq(page_free_count(), page_total());
}

TEST(ranges_use_the_largest_leaves)
{
	uint64_t size, gib = 1ull << 30;

	start(48, false, 0);
	expect_eq(pagetable_map_range(&table, gib - BLOCK_SIZE - PAGE_SIZE,
				      (pa_t){ 5 * gib - BLOCK_SIZE - PAGE_SIZE },
				      gib + 2 * BLOCK_SIZE + 2 * PAGE_SIZE, ATTRS),
		  0);
	for (uint64_t va = gib - BLOCK_SIZE - PAGE_SIZE; va < 2 * gib + BLOCK_SIZE + PAGE_SIZE;
	     va += size) {
		uint64_t desc = pagetable_lookup(&table, va, &size);

		expect_eq(desc & PTE_ADDRESS, va + 4 * gib);
		expect_eq(size, va == gib ? gib
				: is_aligned(va, BLOCK_SIZE) && va < 2 * gib + BLOCK_SIZE
					? BLOCK_SIZE
					: PAGE_SIZE);
	}
	expect_eq(table.pages, 6); /* levels 0 and 1, two each of levels 2 and 3 */
	pagetable_destroy(&table);
}

TEST(no_memory_leaves_nothing_mapped)
{
	uint64_t size;
	void *p;

	start(48, false, 0);
	while ((p = page_alloc(0)))
		;
	expect_eq(pagetable_map(&table, 0, (pa_t){ 0 }, PAGE_SIZE, ATTRS, NULL), -ENOMEM);
	expect_eq(pagetable_lookup(&table, 0, &size), 0);
}
