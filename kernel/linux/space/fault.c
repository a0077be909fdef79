/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pages of an address space: made present on a fault, copied on write, shared by fork, taken
 * away. Entered from trap.c (a program's fault), from user copies, from kvm/stage2.c through
 * space_pin_locked(), and from space.c when areas change.
 *
 * Each leaf holds one reference to its page; the 512 pages of a split block hold 512 to the block.
 * A private page may be written in place when nobody else holds it, else it is copied. Live
 * leaves that change more than their permissions go by break-before-make (DDI 0487 D8.14): clear,
 * flush, write. What was unmapped is let go only after the flush.
 * space->lock covers it all.
 */
#include <linux/errno.h>
#include <linux/mman.h>

#include "bank/fp_kernel.h"
#include "lib/bits.h"

#include "lib/check.h"
#include "lib/string.h"
#include "linux/space/space_pages.h"
#include "mm/page.h"
#include "sched/thread.h"

#define LEAF_ATTRS (~(PTE_ADDRESS | PTE_VALID | PTE_TABLE))

static void page_hold(pa_t pa)
{
	if (page_is_managed(pa))
		page_get(pa);
}

void space_unpin(pa_t pa)
{
	if (page_is_managed(pa))
		page_put(pa);
}

/* What a leaf of vma's says. Without any right the access flag is clear: EL0 may not use it, and a
 * user copy faults like EL0 would. */
static uint64_t leaf_attrs(const struct vma *vma, bool writable)
{
	uint64_t attrs = PTE_INNER_SH | PTE_ATTR(MAIR_NORMAL) | PTE_NG | PTE_PXN;

	if (vma->prot & (PROT_READ | PROT_WRITE | PROT_EXEC))
		attrs |= PTE_AF | PTE_USER;
	if (!(vma->prot & PROT_EXEC))
		attrs |= PTE_UXN;
	if (!(vma->prot & PROT_WRITE) || !writable)
		attrs |= PTE_RDONLY;
	return attrs;
}

static uint64_t leaf(struct space *s, uint64_t va, uint64_t *size)
{
	return pagetable_lookup(&s->mmu.table, va, size);
}

static void invalidate(struct space *s, uint64_t start, uint64_t end)
{
	struct space_notifier *n;

	s->change++;
	list_for_each(n, &s->notifiers, link)
		n->invalidate(n, start, end);
}

/* Long walks go in steps, so that others may run in between. */
static uint64_t step_end(uint64_t va, uint64_t end)
{
	return min(end, align_down(va, 64ull << 20) + (64ull << 20));
}

/* Nothing is at va yet. Takes over the caller's reference to the page on success. */
static int install(struct vma *vma, uint64_t va, pa_t pa, uint64_t size, bool writable)
{
	struct space *s = vma->space;
	uint64_t old = 0;
	int err;

	if (vma->prot & PROT_EXEC)
		cache_sync_code(pa_to_va(pa), size);
	err = pagetable_map(&s->mmu.table, va, pa, size, leaf_attrs(vma, writable), &old);
	if (err)
		return err;
	check(!old);
	mmu_publish();
	s->resident += size;
	return 0;
}

static uint64_t clear_one(void *arg, uint64_t va, uint64_t size, uint64_t desc)
{
	(void)arg, (void)va, (void)size, (void)desc;
	return 0;
}

/* Take the leaf at va away and make sure that nobody uses it any more. */
static void remove_leaf(struct space *s, uint64_t va, uint64_t size)
{
	pagetable_walk(&s->mmu.table, va, size, clear_one, NULL);
	tlb_flush_user_page(&s->mmu, va);
	s->resident -= size;
}

/* Replace a block by 512 pages, if one reaches over va. -ENOMEM: it is as it was. */
static int split_at(struct space *s, uint64_t va)
{
	uint64_t size, base = align_down(va, BLOCK_SIZE), old;
	uint64_t desc = leaf(s, va, &size);
	pa_t block = { desc & PTE_ADDRESS };

	if (!desc || size != BLOCK_SIZE)
		return 0;
	remove_leaf(s, base, BLOCK_SIZE);
	for (uint64_t at = 0; at < BLOCK_SIZE; at += PAGE_SIZE) {
		pa_t pa = { block.v + at };

		/* Only the first needs a table, and only that can fail. */
		if (pagetable_map(&s->mmu.table, base + at, pa, PAGE_SIZE, desc & LEAF_ATTRS,
				  &old)) {
			check(at == 0);
			check(!pagetable_map(&s->mmu.table, base, block, BLOCK_SIZE,
					     desc & LEAF_ATTRS, &old));
			break;
		}
		if (at)
			page_hold(block);
	}
	mmu_publish();
	s->resident += BLOCK_SIZE;
	leaf(s, va, &size);
	return size == PAGE_SIZE ? 0 : -ENOMEM;
}

int pages_cut(struct space *s, uint64_t at)
{
	return is_aligned(at, BLOCK_SIZE) ? 0 : split_at(s, at);
}

static int split_edges(struct space *s, uint64_t start, uint64_t end)
{
	int err = pages_cut(s, start);

	return err ? err : pages_cut(s, end);
}

/* ---- taking away ---- */

struct gather {
	struct space *space;
	uint64_t resume; /* where the first leaf is that found no room, 0: all did */
	unsigned count;
	uint64_t va[32];
	pa_t pages[32];
};

static uint64_t gather_one(void *arg, uint64_t va, uint64_t size, uint64_t desc)
{
	struct gather *g = arg;

	if (g->count == ARRAY_SIZE(g->pages)) {
		g->resume = g->resume ? g->resume : va;
		return desc;
	}
	g->va[g->count] = va;
	g->pages[g->count++] = (pa_t){ desc & PTE_ADDRESS };
	g->space->resident -= size;
	return 0;
}

static void gather_flush(struct gather *g)
{
	if (g->count > 8) {
		tlb_flush_user(&g->space->mmu);
	} else {
		for (unsigned i = 0; i < g->count; i++)
			tlb_flush_user_page(&g->space->mmu, g->va[i]);
	}
}

static void drop(struct space *s, uint64_t start, uint64_t end, bool flush)
{
	struct gather g = { .space = s, .resume = start };

	do {
		uint64_t from = g.resume;
		uint64_t to = step_end(from, end);

		g.resume = 0;
		g.count = 0;
		pagetable_walk(&s->mmu.table, from, to - from, gather_one, &g);
		if (flush)
			gather_flush(&g);
		for (unsigned i = 0; i < g.count; i++)
			space_unpin(g.pages[i]);
		if (!g.resume && to < end)
			g.resume = to;
		thread_checkpoint();
	} while (g.resume);
}

int pages_drop(struct space *s, uint64_t start, uint64_t end)
{
	struct vma *vma;
	int err = split_edges(s, start, end);

	if (err)
		return err;
	for (vma = vma_above(&s->areas, start); vma && vma->start < end; vma = vma_next(vma)) {
		uint64_t from = max(start, vma->start), to = min(end, vma->end);

		invalidate(s, from, to);
		drop(s, from, to, true);
	}
	return 0;
}

void pages_drop_all(struct space *s)
{
	struct vma *vma;

	for (vma = vma_above(&s->areas, 0); vma; vma = vma_next(vma))
		drop(s, vma->start, vma->end, false);
}

/* ---- changing rights ---- */

struct protect {
	struct vma *vma;
	uint64_t changed; /* leaves */
};

static uint64_t protect_one(void *arg, uint64_t va, uint64_t size, uint64_t desc)
{
	struct protect *p = arg;
	/* A private page that was not writable may be somebody else's too: the write fault decides.
	 */
	bool writable = !(desc & PTE_RDONLY) || p->vma->flags & MAP_SHARED;
	uint64_t new = (desc & ~LEAF_ATTRS) | leaf_attrs(p->vma, writable);

	(void)va;
	if (p->vma->prot & PROT_EXEC && desc & PTE_UXN)
		cache_sync_code(pa_to_va((pa_t){ desc & PTE_ADDRESS }), size);
	p->changed += new != desc;
	return new;
}

int pages_protect(struct vma *vma, uint64_t start, uint64_t end)
{
	struct space *s = vma->space;
	struct protect p = { .vma = vma };
	int err = split_edges(s, start, end);

	if (err)
		return err;
	invalidate(s, start, end);
	for (uint64_t to; start < end; start = to) {
		to = step_end(start, end);
		pagetable_walk(&s->mmu.table, start, to - start, protect_one, &p);
		thread_checkpoint();
	}
	if (p.changed)
		tlb_flush_user(&s->mmu);
	return 0;
}

/* ---- sharing ---- */

struct share {
	struct space *to;
	uint64_t delta; /* of the address there */
	bool protect;
	int err;
};

static uint64_t share_one(void *arg, uint64_t va, uint64_t size, uint64_t desc)
{
	struct share *sh = arg;
	pa_t pa = { desc & PTE_ADDRESS };
	uint64_t old = 0, new = sh->protect ? desc | PTE_RDONLY : desc;

	if (sh->err)
		return desc;
	sh->err =
		pagetable_map(&sh->to->mmu.table, va + sh->delta, pa, size, new &LEAF_ATTRS, &old);
	if (sh->err)
		return desc;
	page_hold(pa);
	sh->to->resident += size;
	return new;
}

int pages_share(struct space *child, struct vma *vma)
{
	struct share sh = { .to = child, .protect = true };

	invalidate(vma->space, vma->start, vma->end);
	for (uint64_t to, from = vma->start; from < vma->end && !sh.err; from = to) {
		to = step_end(from, vma->end);
		pagetable_walk(&vma->space->mmu.table, from, to - from, share_one, &sh);
		thread_checkpoint();
	}
	return sh.err;
}

int pages_alias(struct space *s, uint64_t from, uint64_t to, uint64_t size)
{
	struct share sh = { .to = s, .delta = to - from };
	int err = split_edges(s, from, from + size);

	/* Blocks can stay whole only if they lie right at the new place too. */
	for (uint64_t at = 0; !err && !is_aligned(sh.delta, BLOCK_SIZE) && at < size;
	     at += BLOCK_SIZE)
		err = split_at(s, from + at);
	if (!err && !is_aligned(sh.delta, BLOCK_SIZE))
		err = split_at(s, from + size - PAGE_SIZE);
	if (err)
		return err;
	pagetable_walk(&s->mmu.table, from, size, share_one, &sh);
	mmu_publish();
	return sh.err;
}

/* ---- faults ---- */

static int fault_anonymous(struct vma *vma, uint64_t va, uint64_t hole)
{
	uint64_t base = align_down(va, BLOCK_SIZE);
	bool fits = base >= vma->start && vma->end - base >= BLOCK_SIZE && hole >= BLOCK_SIZE;
	void *page;

	if (fits && !(vma->flags & MAP_STACK)) {
		page = page_alloc_user_zeroed(BLOCK_ORDER);
		if (page && !install(vma, base, va_to_pa(page), BLOCK_SIZE, true))
			return 0;
		page_free(page);
	}
	page = page_alloc_user_zeroed(0);
	if (!page)
		return -ENOMEM;
	if (!install(vma, align_down(va, PAGE_SIZE), va_to_pa(page), PAGE_SIZE, true))
		return 0;
	page_free(page);
	return -ENOMEM;
}

/* A page of our own with what is at pa. */
static void *page_copy(pa_t pa)
{
	void *page = page_alloc_user(0);

	if (page)
		kernel_copy_page(page, pa_to_va(pa));
	return page;
}

static int fault_file(struct vma *vma, uint64_t va, bool write)
{
	bool copy = write && !(vma->flags & MAP_SHARED);
	pa_t pa;
	int err;

	va = align_down(va, PAGE_SIZE);
	err = vma->ops->page(vma, vma->offset + (va - vma->start), &pa);
	if (err)
		return err == -ENOMEM ? err : -EIO;
	if (copy) {
		void *page = page_copy(pa);

		space_unpin(pa);
		if (!page)
			return -ENOMEM;
		pa = va_to_pa(page);
	}
	err = install(vma, va, pa, PAGE_SIZE, copy || vma->flags & MAP_SHARED);
	if (err)
		space_unpin(pa);
	return err;
}

/* A write to a page that is mapped read-only although the area may be written. */
static int fault_write(struct vma *vma, uint64_t va, uint64_t desc, uint64_t size)
{
	struct space *s = vma->space;
	pa_t pa = { desc & PTE_ADDRESS };
	void *page;
	int err;

	if (vma->flags & MAP_SHARED || (page_is_managed(pa) && page_refs(pa) == 1)) {
		va = align_down(va, size);
		err = pagetable_map(&s->mmu.table, va, pa, size, leaf_attrs(vma, true), &desc);
		tlb_flush_user_page(&s->mmu, va);
		return err;
	}
	err = split_at(s, va);
	if (err)
		return err;
	va = align_down(va, PAGE_SIZE);
	pa.v = leaf(s, va, &size) & PTE_ADDRESS;
	page = page_copy(pa);
	if (!page)
		return -ENOMEM;
	invalidate(s, va, va + PAGE_SIZE);
	remove_leaf(s, va, PAGE_SIZE);
	/* The table is there: this cannot fail. */
	check(!install(vma, va, va_to_pa(page), PAGE_SIZE, true));
	space_unpin(pa);
	return 0;
}

static bool allowed(const struct vma *vma, bool write, bool exec)
{
	if (write)
		return vma->prot & PROT_WRITE;
	if (exec)
		return vma->prot & PROT_EXEC;
	return vma->prot & (PROT_READ | PROT_WRITE | PROT_EXEC);
}

/* A debugger may reach what the program itself may not; no page of others is written by that. */
static bool may_force(const struct vma *vma, bool write, enum fault_kind kind)
{
	return kind == FAULT_FORCED && !(write && vma->flags & MAP_SHARED);
}

int pages_fault(struct space *s, uint64_t va, bool write, enum fault_kind kind)
{
	struct vma *vma = vma_find(&s->areas, va);
	uint64_t size, desc;

	if (!vma)
		return -EFAULT;
	if (!allowed(vma, write, kind == FAULT_EXEC) && !may_force(vma, write, kind))
		return -EACCES;
	desc = leaf(s, va, &size);
	if (!desc)
		return vma->ops ? fault_file(vma, va, write) : fault_anonymous(vma, va, size);
	if (write && desc & PTE_RDONLY)
		return fault_write(vma, va, desc, size);
	return 0; /* another thread was faster */
}

int space_fault(struct space *s, uint64_t va, bool write, bool exec)
{
	int err;

	mutex_lock(&s->lock);
	err = pages_fault(s, va, write, exec ? FAULT_EXEC : FAULT_DATA);
	mutex_unlock(&s->lock);
	return err;
}

int space_populate(struct space *s, uint64_t va, uint64_t size)
{
	uint64_t end = va + size, step;
	int err = 0;

	while (va < end && !err) {
		struct vma *vma;

		mutex_lock(&s->lock);
		vma = vma_find(&s->areas, va);
		err = !vma ? -ENOMEM : pages_fault(s, va, vma->prot & PROT_WRITE, FAULT_DATA);
		leaf(s, va, &step);
		mutex_unlock(&s->lock);
		va = align_down(va, step) + step;
		thread_checkpoint();
	}
	return err;
}

int space_pin_locked(struct space *s, uint64_t va, bool write, pa_t *pa, uint64_t *size,
		     bool *writable)
{
	int err = pages_fault(s, va, write, FAULT_DATA);
	uint64_t desc;

	if (err)
		return err;
	desc = leaf(s, va, size);
	pa->v = desc & PTE_ADDRESS;
	*writable = !(desc & PTE_RDONLY);
	page_hold(*pa);
	return 0;
}
