/* SPDX-License-Identifier: BSD-2-Clause */
/* Red-black trees: random insertions and removals; the rules and the order are checked each time.
 */
#include "lib/rbtree.h"

#include <stdlib.h>

#include "tap.h"

#define ITEMS 300

struct item {
	struct rb_node node;
	int key;
	bool in;
};

static struct item items[ITEMS];
static struct rb_tree tree;

static void insert(struct item *it)
{
	struct rb_node **link = &tree.root, *parent = NULL;

	while (*link) {
		parent = *link;
		link = &parent->child[it->key > rb_entry(parent, struct item, node)->key];
	}
	rb_insert(&tree, &it->node, parent, link);
	it->in = true;
}

/* The number of black nodes on each way down, or -1 if a rule is broken. */
static int black_height(const struct rb_node *n)
{
	int left, right;

	if (!n)
		return 1;
	for (int i = 0; i < 2; i++) {
		if (n->child[i] && (n->child[i]->parent != n || (n->red && n->child[i]->red)))
			return -1;
	}
	left = black_height(n->child[0]);
	right = black_height(n->child[1]);
	return left < 0 || left != right ? -1 : left + !n->red;
}

static bool order_is_right(void)
{
	struct rb_node *n = rb_first(&tree), *before = NULL;

	for (int i = 0; i < ITEMS; i++) {
		if (!items[i].in)
			continue;
		if (n != &items[i].node || rb_prev(n) != before)
			return false;
		before = n;
		n = rb_next(n);
	}
	return !n;
}

TEST(random_insert_and_remove_keep_rules_and_order)
{
	srand(1);
	for (int i = 0; i < ITEMS; i++)
		items[i].key = i;
	for (int round = 0; round < 5000 && !tap_failed; round++) {
		struct item *it = &items[rand() % ITEMS];

		if (it->in) {
			rb_remove(&tree, &it->node);
			it->in = false;
		} else {
			insert(it);
		}
		expect(!tree.root || !tree.root->red);
		expect(black_height(tree.root) > 0);
		expect(order_is_right());
	}
}

TEST(removal_of_all_empties_the_tree)
{
	for (int i = 0; i < ITEMS; i++) {
		if (items[i].in)
			rb_remove(&tree, &items[i].node);
		items[i].in = false;
		expect(black_height(tree.root) > 0);
	}
	expect(!tree.root && !rb_first(&tree));
}
