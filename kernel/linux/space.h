/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Address spaces of programs: areas (struct vma), demand-zero memory with 2 MiB pages where they
 * fit, private and shared file mappings, copy on write, and the notifier by which KVM follows changes.
 */
#pragma once

#include "arch/mmu.h"
#include "lib/list.h"
#include "lib/rbtree.h"
#include "sched/mutex.h"

struct file;
struct vma;

struct vma_ops {
	/* The page at offset (bytes) of the mapping's file, one reference taken; -errno (-EFAULT: SIGBUS).
	 * A page of shared mappings is mapped as it is, of private ones copied on write. */
	int (*page)(struct vma *vma, uint64_t offset, pa_t *pa);
};

struct vma {
	struct rb_node node;
	struct space *space;
	uint64_t start, end; /* page aligned, end exclusive */
	uint32_t prot;	     /* PROT_* */
	uint32_t flags;	     /* MAP_SHARED or MAP_PRIVATE, MAP_NORESERVE, MAP_STACK, MAP_GROWSDOWN … */
	uint64_t offset;     /* of start in the file */
	struct file *file;   /* one reference; NULL: anonymous */
	const struct vma_ops *ops; /* NULL: anonymous */
	void *data;
};

/* Called with space->lock held, before the pages in [start, end) are unmapped, moved or write-protected. */
struct space_notifier {
	struct list link;
	void (*invalidate)(struct space_notifier *n, uint64_t start, uint64_t end);
};

struct space {
	struct mmu_context mmu;
	struct mutex lock; /* covers the areas and the page table's contents */
	_Atomic uint32_t refs;
	struct rb_tree areas;
	struct list notifiers;
	uint64_t brk_start, brk, mmap_top;
	uint64_t resident; /* bytes mapped */
	uint64_t change;   /* counts invalidations: KVM asks whether one came between lookup and map */
};

struct space *space_create(void); /* NULL: no memory */
void space_get(struct space *s);
void space_put(struct space *s); /* the last one frees everything. May sleep */
int space_fork(struct space *child, struct space *parent); /* copy on write */

/* mmap's rules; *va in: hint or fixed address, out: where. Page-aligned sizes. -ENOMEM, -EINVAL, -EEXIST. */
int space_map(struct space *s, uint64_t *va, uint64_t size, uint32_t prot, uint32_t flags,
	      struct file *file, uint64_t offset);
int space_unmap(struct space *s, uint64_t va, uint64_t size);
int space_protect(struct space *s, uint64_t va, uint64_t size, uint32_t prot);
int space_discard(struct space *s, uint64_t va, uint64_t size); /* MADV_DONTNEED */
uint64_t space_set_brk(struct space *s, uint64_t brk);

/* Make va present for that access. 0; -EFAULT: no area (SEGV_MAPERR), -EACCES: not allowed by prot
 * (SEGV_ACCERR), -ENOMEM, -EIO: SIGBUS. Takes the lock. */
int space_fault(struct space *s, uint64_t va, bool write, bool exec);

/* For KVM: the page or block that va maps to for that access, made present. *size is PAGE_SIZE or
 * BLOCK_SIZE (a whole aligned block lies behind va), *pa its start, *writable whether the program itself may
 * write now (a read fault on memory that is COW: mapped read-only). Takes one reference on
 * the block. Called with s->lock held (so that no invalidation comes before the caller has mapped it):
 * 0 or as space_fault(). */
int space_pin_locked(struct space *s, uint64_t va, bool write, pa_t *pa, uint64_t *size, bool *writable);

void space_notifier_add(struct space *s, struct space_notifier *n);
void space_notifier_remove(struct space *s, struct space_notifier *n);
struct vma *space_find(struct space *s, uint64_t va); /* the area that contains va; lock held */
