/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Address spaces of programs: areas (linux/space/vma.h), demand-zero memory with 2 MiB pages where
 * they fit, private and shared file mappings, copy on write, and the notifier by which KVM follows
 * changes.
 */
#pragma once

#include "mm/mmu.h"
#include "lib/list.h"
#include "linux/space/vma.h"
#include "sched/mutex.h"

/* Called with space->lock held, before the pages in [start, end) are unmapped, moved or
 * write-protected. A larger page that reaches beyond the range is to be given up whole. */
struct space_notifier {
	struct list link;
	void (*invalidate)(struct space_notifier *n, uint64_t start, uint64_t end);
};

#define SPACE_AREAS 65530 /* /proc/sys/vm/max_map_count */

struct space {
	struct mmu_context mmu;
	struct mutex lock;	/* covers the areas, the page table's contents and the notifiers */
	_Atomic uint32_t refs;	/* who may look at the structure */
	_Atomic uint32_t users; /* processes that run in it; each is a reference, too */
	struct rb_tree areas;
	struct list notifiers;
	uint64_t brk_start, brk, mmap_top;
	unsigned area_count;	      /* a program may map until there are SPACE_AREAS */
	uint64_t room_size, room_top; /* find_room() of space.c; 0: nothing is known */
	uint64_t resident;	      /* bytes mapped */
	uint64_t
		change; /* counts invalidations: KVM asks whether one came between lookup and map */
};

/* Where things lie. The stack's area is mapped as a whole and filled on demand. */
#define STACK_TOP   ((1ull << 48) - 16 * PAGE_SIZE)
#define STACK_SIZE  (8ull << 20) /* RLIMIT_STACK of the first program */
#define STACK_LEAST (128ull << 10)
#define STACK_MOST  (56ull << 20)
#define MMAP_TOP    (STACK_TOP - (64ull << 20))
#define MMAP_LOW    0x10000ull

struct space *space_create(void); /* one user. NULL: no memory */
static inline void space_get(struct space *s)
{
	atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
}
void space_put(struct space *s); /* the last one frees everything. May sleep */
/* A process runs in it (vfork), no longer runs in it. When the last one leaves all areas go, even
 * if somebody keeps the space: a VM does, and the mapping of its vCPU keeps the VM. May sleep. */
static inline void space_enter(struct space *s)
{
	space_get(s);
	atomic_fetch_add_explicit(&s->users, 1, memory_order_relaxed);
}
void space_leave(struct space *s);
/* Fill an empty child with the parent's memory, copy on write. On -ENOMEM put the child. */
int space_fork(struct space *child, struct space *parent);

/* mmap's rules; *va in: hint or fixed address, out: where. Page-aligned sizes. -ENOMEM, -EINVAL,
 * -EEXIST, or what the file says. The area holds a reference of its own to file. */
int space_map(struct space *s, uint64_t *va, uint64_t size, uint32_t prot, uint32_t flags,
	      struct file *file, uint64_t offset);
/* The same for an area of the kernel's own making: ops instead of a file. Fixed address. */
int space_map_special(struct space *s, uint64_t va, uint64_t size, uint32_t prot,
		      const struct vma_ops *ops, void *data);
int space_unmap(struct space *s, uint64_t va, uint64_t size);
/* -ENOMEM: not all of it is mapped; -EACCES. Nothing has changed then. */
int space_protect(struct space *s, uint64_t va, uint64_t size, uint32_t prot);
int space_discard(struct space *s, uint64_t va, uint64_t size); /* MADV_DONTNEED */
/* Set and clear VMA_* bits in all areas of the range; -ENOMEM as space_protect(). */
int space_flags(struct space *s, uint64_t va, uint64_t size, uint32_t set, uint32_t clear);
uint64_t space_set_brk(struct space *s, uint64_t brk);
/* mremap's rules with checked, aligned arguments; the new address in *to (in: MREMAP_FIXED's). */
int space_remap(struct space *s, uint64_t va, uint64_t old_size, uint64_t new_size, unsigned flags,
		uint64_t *to);

/* Make va present for that access. 0; -EFAULT: no area (SEGV_MAPERR), -EACCES: not allowed by prot
 * (SEGV_ACCERR), -ENOMEM, -EIO: SIGBUS. Takes the lock. */
int space_fault(struct space *s, uint64_t va, bool write, bool exec);
/* Make all of the range present, as far as it is allowed. Takes the lock. */
int space_populate(struct space *s, uint64_t va, uint64_t size);

/* Copy between kernel memory and any space (linux/space/space_access.c). force: whatever rights its
 * areas have, as debuggers do. Bytes copied, fewer if the rest cannot be. Takes the lock, may
 * sleep. */
enum space_access { SPACE_READ, SPACE_WRITE };
size_t space_copy(struct space *s, uint64_t va, void *kernel, size_t size, enum space_access access,
		  bool force);

/* For KVM: the page or block that va maps to for that access, made present. *size is PAGE_SIZE or
 * BLOCK_SIZE (a whole aligned block lies behind va), *pa its start, *writable whether the program
 * itself may write now (a read fault on memory that is COW: mapped read-only). Takes one reference
 * on the block (space_unpin() gives it back). Called with s->lock held (so that no invalidation
 * comes before the caller has mapped it): 0 or as space_fault(). */
int space_pin_locked(struct space *s, uint64_t va, bool write, pa_t *pa, uint64_t *size,
		     bool *writable);
void space_unpin(pa_t pa);

/* These take the lock. */
void space_notifier_add(struct space *s, struct space_notifier *n);
void space_notifier_remove(struct space *s, struct space_notifier *n);
/* The area that contains va; lock held. */
static inline struct vma *space_find(struct space *s, uint64_t va)
{
	return vma_find(&s->areas, va);
}
