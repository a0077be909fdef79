/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Skew heaps (Sleator and Tarjan, Self-adjusting heaps, 1986): two are merged along their right
 * edges, and each node on the way changes its sides over, which keeps the edges short.
 */
#include "lib/heap.h"

struct heap_node *heap_merge(struct heap_node *a, struct heap_node *b)
{
	struct heap_node *root, **link = &root;

	while (a && b) {
		struct heap_node *first = b->key < a->key ? b : a;
		struct heap_node *other = first == a ? b : a;

		*link = first;
		a = first->right;
		b = other;
		first->right = first->left;
		link = &first->left;
	}
	*link = a ? a : b;
	return root;
}
