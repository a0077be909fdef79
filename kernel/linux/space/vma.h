/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Areas of an address space, kept in a tree by address, and the arithmetic on them: finding,
 * splitting, joining, looking for room. Pure: pages and tables are space.c's and fault.c's part.
 * Everything here holds the lock of the space the tree belongs to.
 */
#pragma once

#include "lib/rbtree.h"
#include "lib/types.h"

struct file;
struct space;
struct vma;

struct vma_ops {
	/* The page at offset (bytes, page aligned) of the mapping's file, one reference taken;
	 * -errno (anything but -ENOMEM: SIGBUS). A page of shared mappings is mapped as it is, one
	 * of private ones is copied on write. Called with space->lock held: it may take only locks
	 * that nobody holds while he touches a program's memory. */
	int (*page)(struct vma *vma, uint64_t offset, pa_t *pa);
};

struct vma {
	struct rb_node node;
	struct space *space;
	uint64_t start, end;	   /* page aligned, end exclusive */
	uint32_t prot;		   /* PROT_READ, PROT_WRITE, PROT_EXEC */
	uint32_t flags;		   /* MAP_SHARED or MAP_PRIVATE, MAP_NORESERVE, MAP_STACK, VMA_* */
	uint64_t offset;	   /* of start in the file */
	struct file *file;	   /* one reference; NULL: anonymous */
	const struct vma_ops *ops; /* NULL: anonymous */
	void *data;		   /* the ops' own; not counted */
	struct vma *next_dead;	   /* space.c: unmapped, to be freed once the lock is given back */
};

/* In flags, besides MAP_*: bits that mmap() does not use. */
#define VMA_DONTFORK (1u << 30) /* MADV_DONTFORK */
#define VMA_READONLY (1u << 29) /* a shared mapping of a file not open for writing */

static inline struct vma *vma_next(const struct vma *vma)
{
	struct rb_node *n = rb_next(&vma->node);

	return n ? rb_entry(n, struct vma, node) : NULL;
}

/* The first area that ends above va, NULL: none. It contains va if it starts at or below it. */
struct vma *vma_above(const struct rb_tree *areas, uint64_t va);
/* The area that contains va, or NULL. */
struct vma *vma_find(const struct rb_tree *areas, uint64_t va);
bool vma_range_free(const struct rb_tree *areas, uint64_t va, uint64_t size);
/* Is every byte of [va, va + size) in some area? */
bool vma_range_full(const struct rb_tree *areas, uint64_t va, uint64_t size);
/* The highest start of size free bytes in [low, high), aligned; 0: no room. */
uint64_t vma_room(const struct rb_tree *areas, uint64_t size, uint64_t align, uint64_t low,
		  uint64_t high);
void vma_insert(struct rb_tree *areas, struct vma *vma);
void vma_remove(struct rb_tree *areas, struct vma *vma);
/* Cut vma at a page boundary inside it: it keeps the lower part, upper (memory of the caller's)
 * becomes a copy that covers the rest. A second reference to the file is the caller's part. */
void vma_split(struct rb_tree *areas, struct vma *vma, struct vma *upper, uint64_t at);
/* Can b be a continuation of a? */
bool vma_continues(const struct vma *a, const struct vma *b);
