/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One walker for stage 1 (host programs, kernel) and stage 2 (guests): VMSAv8-64, 4 KiB granule.
 * It knows descriptors, not registers: the caller does the TLB maintenance, told by the return
 * values and by the gather callback what was live. Concurrency: the caller's lock.
 */
#pragma once

#include "lib/list.h"
#include "lib/types.h"

/* Descriptor bits (DDI 0487 D8.3). */
#define PTE_VALID   0x1ull
#define PTE_TABLE   0x2ull /* levels 0-2: table; level 3: page */
#define PTE_ADDRESS 0x0000fffffffff000ull
#define PTE_AF	    (1ull << 10)
/* stage 1 */
#define PTE_ATTR(n)  ((uint64_t)(n) << 2) /* index into MAIR_EL2: enum mair in mm/mmu.h */
#define PTE_USER     (1ull << 6)
#define PTE_RDONLY   (1ull << 7)
#define PTE_INNER_SH (3ull << 8)
#define PTE_NG	     (1ull << 11)
#define PTE_PXN	     (1ull << 53)
#define PTE_UXN	     (1ull << 54)
#define PTE_SW_WRITE                                                                               \
	(1ull << 55) /* software: the mapping may be made writable (not yet dirty, or COW) */
/* stage 2 */
#define S2_MEM_NORMAL (0xfull << 2) /* write-back; FWB clear */
#define S2_MEM_DEVICE (0x1ull << 2) /* nGnRE */
#define S2_READ	      (1ull << 6)
#define S2_WRITE      (1ull << 7)
#define S2_XN	      (2ull << 53)

struct pagetable {
	pa_t root;
	unsigned start_level; /* 0 or 1; VTCR_EL2.SL0 and TCR_EL2 follow from it */
	unsigned va_bits;     /* addresses are taken modulo 2^va_bits: either half of stage 1 */
	unsigned root_order;  /* the root is 2^root_order pages: concatenated tables of stage 2 */
	uint64_t pages;	      /* table pages held, the root's included */
};

/* va_bits 31 to 48. Stage 2 begins at level 1 up to 43 bits, with up to 16 concatenated tables (DDI
 * 0487 D8.2.2), stage 1 up to 39 bits. -ENOMEM. */
int pagetable_init(struct pagetable *pt, unsigned va_bits, bool stage2);
/* Free every table page (not what leaves point at). */
void pagetable_destroy(struct pagetable *pt);

/* The leaf that translates va: its descriptor, and its size in *size (4 KiB, 2 MiB, 1 GiB); 0 if
 * none (*size is then the size of the hole's entry). */
uint64_t pagetable_lookup(const struct pagetable *pt, uint64_t va, uint64_t *size);

/* Write one leaf of size bytes (4 KiB, 2 MiB or 1 GiB) at va: descriptor = pa | attrs | valid.
 * A present leaf of the same size is replaced (and returned in *old: the caller does
 * break-before-make if output or attributes other than permissions differ: it unmaps first).
 * A 2 MiB leaf over a table, or a 4 KiB leaf below a block: -EEXIST, nothing changed (unmap
 * first). -ENOMEM. */
int pagetable_map(struct pagetable *pt, uint64_t va, pa_t pa, uint64_t size, uint64_t attrs,
		  uint64_t *old);

/* Map [va, va + size) with the largest leaves that fit. For the kernel's own, boot-time use. */
int pagetable_map_range(struct pagetable *pt, uint64_t va, pa_t pa, uint64_t size, uint64_t attrs);

/* Visit every leaf in [va, va + size) in order. fn returns the descriptor that shall stand there
 * (0 clears the leaf); a leaf larger than the range is visited once, whole, by its own va. */
typedef uint64_t (*pagetable_visit)(void *arg, uint64_t va, uint64_t size, uint64_t desc);
void pagetable_walk(struct pagetable *pt, uint64_t va, uint64_t size, pagetable_visit fn,
		    void *arg);

/* Unlink the tables that lie whole within [va, va + size) and hold no leaf; their pages go to the
 * list. The caller invalidates the TLB (walks may have cached them, so not by last level), then
 * calls pagetable_free_list(). */
void pagetable_prune(struct pagetable *pt, uint64_t va, uint64_t size, struct list *unlinked);
void pagetable_free_list(struct list *unlinked);
