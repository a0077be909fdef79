/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A skew heap of nodes that live inside their owners: the one with the least key is at the root. It has no
 * balance to keep, so to insert into a heap of none, and to take the first out of one or two, is a few stores; of n
 * it is O(log n) on the average over any row of calls. Equal keys leave in any order.
 */
#pragma once

#include "lib/types.h"

struct heap_node {
	struct heap_node *left, *right;
	uint64_t key;
};

struct heap {
	struct heap_node *root; /* NULL: empty */
};

/* The root of both heaps together; either may be NULL. */
struct heap_node *heap_merge(struct heap_node *a, struct heap_node *b);

static inline void heap_insert(struct heap *heap, struct heap_node *node, uint64_t key)
{
	node->left = node->right = NULL;
	node->key = key;
	heap->root = heap->root ? heap_merge(heap->root, node) : node;
}

/* Take the root out: there is one. */
static inline void heap_remove_first(struct heap *heap)
{
	struct heap_node *left = heap->root->left, *right = heap->root->right;

	heap->root = right ? heap_merge(left, right) : left;
}

#define heap_entry(node, type, member) container_of(node, type, member)
