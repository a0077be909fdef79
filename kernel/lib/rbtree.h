/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A red-black tree of nodes that live inside their owners. The caller walks down to the place
 * (comparing its own keys), links the node and lets rb_insert() balance.
 */
#pragma once

#include "lib/types.h"

struct rb_node {
	struct rb_node *parent, *child[2]; /* child[0] is the smaller */
	bool red;
};

struct rb_tree {
	struct rb_node *root;
};

/* Link node at *link below parent (NULL for an empty tree), then balance. */
void rb_insert(struct rb_tree *tree, struct rb_node *node, struct rb_node *parent,
	       struct rb_node **link);
void rb_remove(struct rb_tree *tree, struct rb_node *node);
/* In key order; NULL at the end. */
struct rb_node *rb_first(const struct rb_tree *tree);
struct rb_node *rb_next(const struct rb_node *node);
struct rb_node *rb_prev(const struct rb_node *node);

#define rb_entry(node, type, member) container_of(node, type, member)
