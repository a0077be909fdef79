/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tree of areas: see vma.h. Neighbouring areas never overlap; the tree is sorted by start and
 * so by end. Linux's rules for these calls are in mmap(2); nothing here allocates or takes a lock.
 */
#include "linux/space/vma.h"

#include "lib/bits.h"

struct vma *vma_above(const struct rb_tree *areas, uint64_t va)
{
	struct rb_node *n = areas->root;
	struct vma *best = NULL;

	while (n) {
		struct vma *vma = rb_entry(n, struct vma, node);

		if (vma->end > va) {
			best = vma;
			n = n->child[0];
		} else {
			n = n->child[1];
		}
	}
	return best;
}

struct vma *vma_find(const struct rb_tree *areas, uint64_t va)
{
	struct vma *vma = vma_above(areas, va);

	return vma && vma->start <= va ? vma : NULL;
}

bool vma_range_free(const struct rb_tree *areas, uint64_t va, uint64_t size)
{
	struct vma *vma = vma_above(areas, va);

	return !vma || vma->start >= va + size;
}

bool vma_range_full(const struct rb_tree *areas, uint64_t va, uint64_t size)
{
	uint64_t end = va + size;

	for (struct vma *vma = vma_find(areas, va); vma && vma->start <= va; vma = vma_next(vma)) {
		va = vma->end;
		if (va >= end)
			return true;
	}
	return va >= end;
}

uint64_t vma_room(const struct rb_tree *areas, uint64_t size, uint64_t align, uint64_t low,
		  uint64_t high)
{
	struct vma *above = vma_above(areas, high);
	struct rb_node *n = NULL;
	uint64_t top = above ? min(high, above->start) : high;

	/* Go down from gap to gap: top is the end of the gap, below it lies the area of n. */
	if (above)
		n = rb_prev(&above->node);
	else
		for (n = areas->root; n && n->child[1]; n = n->child[1])
			;
	for (;; n = rb_prev(n)) {
		uint64_t bottom = n ? max(low, rb_entry(n, struct vma, node)->end) : low;
		uint64_t start;

		if (top >= size) {
			start = align_down(top - size, align);
			if (start >= bottom)
				return start;
		}
		if (!n || bottom == low)
			return 0;
		top = min(top, rb_entry(n, struct vma, node)->start);
	}
}

void vma_insert(struct rb_tree *areas, struct vma *vma)
{
	struct rb_node **link = &areas->root, *parent = NULL;

	while (*link) {
		parent = *link;
		link = &parent->child[vma->start > rb_entry(parent, struct vma, node)->start];
	}
	rb_insert(areas, &vma->node, parent, link);
}

void vma_remove(struct rb_tree *areas, struct vma *vma)
{
	rb_remove(areas, &vma->node);
}

void vma_split(struct rb_tree *areas, struct vma *vma, struct vma *upper, uint64_t at)
{
	*upper = *vma;
	upper->start = at;
	upper->offset = vma->offset + (at - vma->start);
	vma->end = at;
	vma_insert(areas, upper);
}

bool vma_continues(const struct vma *a, const struct vma *b)
{
	return a->end == b->start && a->prot == b->prot && a->flags == b->flags &&
	       a->file == b->file && a->ops == b->ops && a->data == b->data &&
	       (!a->ops || a->offset + (a->end - a->start) == b->offset);
}
