/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Areas: each call against a map of pages kept as plain bytes, over random inserts, removals and
 * splits, and the corners by hand.
 */
#include "linux/space/vma.h"

#include <stdlib.h>

#include "tap.h"

enum { PAGES = 64, BASE = 16 };

static struct rb_tree areas;
static struct vma pool[PAGES];
static uint8_t map[BASE + PAGES + 1]; /* 0: free, else 1 + the area's place in pool */

static uint64_t address(unsigned page)
{
	return (uint64_t)page * PAGE_SIZE;
}

static struct vma *spare(void)
{
	for (unsigned i = 0; i < PAGES; i++) {
		if (pool[i].start == pool[i].end)
			return &pool[i];
	}
	return NULL;
}

static void add(unsigned first, unsigned end)
{
	struct vma *vma = spare();

	*vma = (struct vma){ .start = address(first), .end = address(end) };
	vma_insert(&areas, vma);
	for (unsigned p = first; p < end; p++)
		map[p] = (uint8_t)(1 + (vma - pool));
}

static void drop(struct vma *vma)
{
	for (uint64_t p = vma->start / PAGE_SIZE; p < vma->end / PAGE_SIZE; p++)
		map[p] = 0;
	vma_remove(&areas, vma);
	vma->end = vma->start;
}

static bool map_free(unsigned first, unsigned end)
{
	for (unsigned p = first; p < end; p++) {
		if (map[p])
			return false;
	}
	return true;
}

static bool map_full(unsigned first, unsigned end)
{
	for (unsigned p = first; p < end; p++) {
		if (!map[p])
			return false;
	}
	return true;
}

static uint64_t map_room(unsigned pages, unsigned low, unsigned high)
{
	for (unsigned first = high - pages; first >= low && first <= high; first--) {
		if (map_free(first, first + pages))
			return address(first);
	}
	return 0;
}

static void compare(unsigned first, unsigned end)
{
	struct vma *found = vma_find(&areas, address(first) + 5);

	expect((found ? 1 + (found - pool) : 0) == map[first]);
	expect(vma_range_free(&areas, address(first), address(end - first)) ==
	       map_free(first, end));
	expect(vma_range_full(&areas, address(first), address(end - first)) ==
	       map_full(first, end));
	expect(vma_room(&areas, address(end - first), PAGE_SIZE, address(BASE),
			address(BASE + PAGES)) == map_room(end - first, BASE, BASE + PAGES));
	expect(vma_room(&areas, PAGE_SIZE, PAGE_SIZE, address(first), address(end)) ==
	       map_room(1, first, end));
}

static void split(struct vma *vma, unsigned at)
{
	struct vma *upper = spare();

	vma_split(&areas, vma, upper, address(at));
	for (uint64_t p = upper->start / PAGE_SIZE; p < upper->end / PAGE_SIZE; p++)
		map[p] = (uint8_t)(1 + (upper - pool));
}

static void step(void)
{
	unsigned first = BASE + (unsigned)rand() % PAGES;
	unsigned end = first + 1 + (unsigned)rand() % (BASE + PAGES - first);
	struct vma *vma = vma_find(&areas, address(first));

	compare(first, end);
	if (!vma && map_free(first, end > first + 5 ? first + 5 : end))
		add(first, end > first + 5 ? first + 5 : end);
	else if (vma && vma->start < address(first) && rand() % 2)
		split(vma, first);
	else if (vma)
		drop(vma);
}

TEST(agrees_with_a_map_of_pages)
{
	srand(1);
	for (int i = 0; i < 20000; i++)
		step();
}

TEST(room_is_aligned_and_highest)
{
	struct rb_tree tree = { NULL };
	struct vma a = { .start = 0x5000, .end = 0x6000 };

	expect(vma_room(&tree, 0x1000, 0x1000, 0x1000, 0x8000) == 0x7000);
	expect(vma_room(&tree, 0x1000, 0x4000, 0x1000, 0x8000) == 0x4000);
	expect(vma_room(&tree, 0x8000, 0x1000, 0x1000, 0x8000) == 0);
	vma_insert(&tree, &a);
	expect(vma_room(&tree, 0x2000, 0x4000, 0x1000, 0x8000) == 0);
	expect(vma_room(&tree, 0x1000, 0x4000, 0x1000, 0x8000) == 0x4000);
	expect(vma_room(&tree, 0x3000, 0x1000, 0x1000, 0x8000) == 0x2000);
}

TEST(a_continuation_matches_in_everything)
{
	struct vma a = { .start = 0x1000, .end = 0x3000, .prot = 3, .flags = 2 };
	struct vma b = { .start = 0x3000, .end = 0x4000, .prot = 3, .flags = 2, .offset = 77 };
	struct vma_ops ops = { NULL };

	expect(vma_continues(&a, &b));
	expect(!vma_continues(&b, &a));
	b.prot = 1;
	expect(!vma_continues(&a, &b));
	b.prot = 3;
	a.ops = b.ops = &ops;
	expect(!vma_continues(&a, &b));
	b.offset = 0x2000;
	expect(vma_continues(&a, &b));
}
