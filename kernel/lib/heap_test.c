/* SPDX-License-Identifier: BSD-2-Clause */
/* Skew heaps: random insertions and removals; the order, and that nobody is lost, is checked each time. */
#include "lib/heap.h"

#include <stdlib.h>

#include "tap.h"

#define ITEMS 300

struct item {
	struct heap_node node;
	bool in;
};

static struct item items[ITEMS];
static struct heap heap;

/* Nodes below n, or a negative number if one is before its parent or not in. */
static int count(const struct heap_node *n, uint64_t least)
{
	int left, right;

	if (!n)
		return 0;
	if (n->key < least || !heap_entry(n, struct item, node)->in)
		return -ITEMS;
	left = count(n->left, n->key);
	right = count(n->right, n->key);
	return left + right + 1;
}

static void turn(unsigned keys, int *held)
{
	struct item *it = &items[rand() % ITEMS];

	if (!it->in) {
		it->in = true;
		heap_insert(&heap, &it->node, (uint64_t)rand() % keys);
		++*held;
	} else if (rand() % 2) {
		heap_entry(heap.root, struct item, node)->in = false;
		heap_remove_first(&heap);
		--*held;
	}
}

/* keys: how many different ones there are. */
static void play(unsigned keys)
{
	int held = 0;
	uint64_t last = 0;

	for (int i = 0; i < 20000; i++) {
		turn(keys, &held);
		if (count(heap.root, 0) != held)
			break;
	}
	expect_eq(count(heap.root, 0), held);
	for (; heap.root; held--) {
		expect(heap.root->key >= last);
		last = heap.root->key;
		heap_entry(heap.root, struct item, node)->in = false;
		heap_remove_first(&heap);
	}
	expect_eq(held, 0);
}

/* In order, which is how a heap gets long edges; none is lost. */
static void in_order(bool up)
{
	for (unsigned i = 0; i < ITEMS; i++) {
		items[i].in = true;
		heap_insert(&heap, &items[i].node, up ? i : ITEMS - 1 - i);
	}
	for (unsigned i = 0; i < ITEMS; i++) {
		if (!expect(heap.root && heap.root->key == i))
			return;
		items[up ? i : ITEMS - 1 - i].in = false;
		heap_remove_first(&heap);
	}
	expect(!heap.root);
}

TEST(random_turns_keep_the_order_and_lose_nobody)
{
	srand(1);
	play(1000000);
}

TEST(equal_keys_are_all_there)
{
	play(3);
}

TEST(rising_and_falling_keys_come_out_in_order)
{
	in_order(true);
	in_order(false);
}
