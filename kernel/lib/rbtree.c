/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Red-black trees: the balancing. Entered from whoever keeps things in key order (timers, memory
 * areas, slots); no state of its own, the caller's lock covers the tree.
 *
 * Rules: the root is black; a red node has black children; every way down from a node passes the
 * same number of black nodes. A missing child counts as black. "dir" is 0 for the smaller side, 1
 * for the greater one: each case is written once for both.
 */
#include "lib/rbtree.h"

static bool is_red(const struct rb_node *n)
{
	return n && n->red;
}

static unsigned side_of(const struct rb_node *n)
{
	return n->parent->child[1] == n;
}

/* Put b (may be NULL) where a hangs. */
static void replace(struct rb_tree *tree, struct rb_node *a, struct rb_node *b)
{
	if (a->parent)
		a->parent->child[side_of(a)] = b;
	else
		tree->root = b;
	if (b)
		b->parent = a->parent;
}

/* Turn the edge between n and its child on the other side: n goes down to side dir. */
static void rotate(struct rb_tree *tree, struct rb_node *n, unsigned dir)
{
	struct rb_node *up = n->child[!dir];

	replace(tree, n, up);
	n->child[!dir] = up->child[dir];
	if (n->child[!dir])
		n->child[!dir]->parent = n;
	up->child[dir] = n;
	n->parent = up;
}

void rb_insert(struct rb_tree *tree, struct rb_node *node, struct rb_node *parent,
	       struct rb_node **link)
{
	*node = (struct rb_node){ .parent = parent, .red = true };
	*link = node;
	while (is_red(node->parent)) {
		struct rb_node *up = node->parent, *top = up->parent; /* a red node is no root */
		unsigned dir = side_of(up);

		if (is_red(top->child[!dir])) {
			up->red = top->child[!dir]->red = false;
			top->red = true;
			node = top;
			continue;
		}
		if (side_of(node) != dir) {
			rotate(tree, up, dir);
			up = node;
		}
		up->red = false;
		top->red = true;
		rotate(tree, top, !dir);
		break;
	}
	tree->root->red = false;
}

/* The ways through parent's child on side dir have one black node too few. */
static void mend_removal(struct rb_tree *tree, struct rb_node *parent, unsigned dir)
{
	while (parent && !is_red(parent->child[dir])) {
		struct rb_node *other = parent->child[!dir];

		if (is_red(other)) {
			other->red = false;
			parent->red = true;
			rotate(tree, parent, dir);
			other = parent->child[!dir];
		}
		if (!is_red(other->child[0]) && !is_red(other->child[1])) {
			other->red = true;
			if (parent->parent)
				dir = side_of(parent);
			else if (!parent->red)
				return; /* the whole tree is one black node lower */
			if (parent->red) {
				parent->red = false;
				return;
			}
			parent = parent->parent;
			continue;
		}
		if (!is_red(other->child[!dir])) {
			other->child[dir]->red = false;
			other->red = true;
			rotate(tree, other, !dir);
			other = parent->child[!dir];
		}
		other->red = parent->red;
		parent->red = other->child[!dir]->red = false;
		rotate(tree, parent, dir);
		return;
	}
	if (parent)
		parent->child[dir]->red = false;
}

/* n has two children: its successor, which has no smaller child, changes places with it. */
static void swap_with_next(struct rb_tree *tree, struct rb_node *n)
{
	struct rb_node *next = rb_next(n), old = *next;

	replace(tree, n, next);
	next->red = n->red;
	next->child[0] = n->child[0];
	next->child[0]->parent = next;
	if (old.parent == n) {
		next->child[1] = n;
		n->parent = next;
	} else {
		next->child[1] = n->child[1];
		next->child[1]->parent = next;
		n->parent = old.parent;
		n->parent->child[0] = n;
	}
	n->red = old.red;
	n->child[0] = NULL;
	n->child[1] = old.child[1];
	if (n->child[1])
		n->child[1]->parent = n;
}

void rb_remove(struct rb_tree *tree, struct rb_node *node)
{
	struct rb_node *parent, *child;
	unsigned dir;

	if (node->child[0] && node->child[1])
		swap_with_next(tree, node);
	parent = node->parent;
	child = node->child[0] ? node->child[0] : node->child[1];
	dir = parent ? side_of(node) : 0;
	replace(tree, node, child);
	if (!node->red && parent)
		mend_removal(tree, parent, dir);
	if (tree->root)
		tree->root->red = false;
}

static struct rb_node *outermost(struct rb_node *n, unsigned dir)
{
	while (n && n->child[dir])
		n = n->child[dir];
	return n;
}

static struct rb_node *neighbour(const struct rb_node *n, unsigned dir)
{
	if (n->child[dir])
		return outermost(n->child[dir], !dir);
	while (n->parent && side_of(n) == dir)
		n = n->parent;
	return n->parent;
}

struct rb_node *rb_first(const struct rb_tree *tree)
{
	return outermost(tree->root, 0);
}

struct rb_node *rb_next(const struct rb_node *node)
{
	return neighbour(node, 1);
}

struct rb_node *rb_prev(const struct rb_node *node)
{
	return neighbour(node, 0);
}
