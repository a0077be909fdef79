/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Physical pages: a buddy allocator. Entered from everybody who needs memory, in any context.
 *
 * Every page has one struct page_meta; only the first page of a block (its head) says something,
 * the words of all others are zero. A block never crosses a 2 MiB boundary, so the head of any
 * page is found by clearing address bits one after the other. Free blocks are chained through
 * their own memory.
 *
 * Memory is not touched before it is needed: each region keeps its middle as a range of 2 MiB
 * blocks never handed out ("fresh"), which are opened one by one when the free lists are empty;
 * the metadata of a block is cleared when it is opened. Only the ragged ends of a region
 * are opened at once, at most nine blocks each.
 *
 * Lock: pages_lock, for everything but the reference counts, which are atomic. Taken with
 * interrupts masked; the innermost of all locks.
 */
#include "mm/page.h"

#include <stdatomic.h>

#include "arch/spinlock.h"
#include "arch/zero.h"
#include "lib/bits.h"
#include "lib/check.h"
#include "lib/list.h"
#include "lib/string.h"

#define ORDERS	       (PAGE_MAX_ORDER + 1)
#define PAGES_PER_OPEN (1ull << PAGE_MAX_ORDER)
#define MAX_REGIONS    64

enum page_state {
	PAGE_NO_HEAD = 0,
	PAGE_FREE,
	PAGE_USED,
};

struct page_meta {
	_Atomic uint32_t refs;
	uint8_t state; /* enum page_state */
	uint8_t order;
	uint16_t unused;
};
_Static_assert(sizeof(struct page_meta) == 8, "the memory budget: 8 bytes a page");

/* Pages are numbered by physical address / 4096. [first, end) belongs to the allocator, of which
 * [fresh, fresh_end) was never opened. */
struct region {
	uint64_t first, end, fresh, fresh_end;
};

static struct spinlock pages_lock = SPINLOCK_INIT; /* covers all below, and meta but for refs */
static struct list free_lists[ORDERS] GUARDED_BY(pages_lock);
static struct region regions[MAX_REGIONS] GUARDED_BY(pages_lock);
static unsigned region_count GUARDED_BY(pages_lock);
static uint64_t total_pages GUARDED_BY(pages_lock), free_pages GUARDED_BY(pages_lock);

static uint64_t base_page, end_page; /* what meta spans; fixed after page_init() */
static struct page_meta *meta;

static struct page_meta *meta_of(uint64_t page)
{
	return &meta[page - base_page];
}

static void *page_to_va(uint64_t page)
{
	return pa_to_va((pa_t){ page << PAGE_SHIFT });
}

static uint64_t va_to_page(const void *va)
{
	return va_to_pa(va).v >> PAGE_SHIFT;
}

/* ---- free blocks ---- */

static void block_make_free(uint64_t page, unsigned order) HOLDS(pages_lock)
{
	struct page_meta *m = meta_of(page);

	m->state = PAGE_FREE;
	m->order = (uint8_t)order;
	list_push(&free_lists[order], page_to_va(page));
}

static bool block_is_free(uint64_t page, unsigned order)
{
	const struct page_meta *m = meta_of(page);

	return m->state == PAGE_FREE && m->order == order;
}

static void block_unlink(uint64_t page) HOLDS(pages_lock)
{
	list_remove(page_to_va(page));
	meta_of(page)->state = PAGE_NO_HEAD;
}

/* Give a block back, joined with its buddy as long as that is free too. */
static void block_free(uint64_t page, unsigned order) HOLDS(pages_lock)
{
	free_pages += 1ull << order;
	meta_of(page)->state = PAGE_NO_HEAD;
	for (; order < PAGE_MAX_ORDER; order++) {
		uint64_t buddy = page ^ 1ull << order;

		if (!block_is_free(buddy, order))
			break;
		block_unlink(buddy);
		page &= ~(1ull << order);
	}
	block_make_free(page, order);
}

/* ---- fresh memory ---- */

static void open_metadata(uint64_t first)
{
	memset(meta_of(first), 0, PAGES_PER_OPEN * sizeof(*meta));
}

/* Open one fresh block into the free lists; false: none is left. */
static bool open_fresh(void) HOLDS(pages_lock)
{
	for (struct region *r = regions; r < regions + region_count; r++) {
		if (r->fresh == r->fresh_end)
			continue;
		open_metadata(r->fresh);
		block_make_free(r->fresh, PAGE_MAX_ORDER);
		r->fresh += PAGES_PER_OPEN;
		return true;
	}
	return false;
}

/* Was the 2 MiB block at first opened for a ragged end of a region before? */
static bool ragged_block_is_open(uint64_t first) HOLDS(pages_lock)
{
	for (const struct region *r = regions; r < regions + region_count; r++) {
		if (align_down(r->first, PAGES_PER_OPEN) == first ||
		    align_down(r->end - 1, PAGES_PER_OPEN) == first)
			return true;
	}
	return false;
}

/* [first, end), less than 2 MiB and within one such block, into the free lists. */
static void open_ragged(uint64_t first, uint64_t end) HOLDS(pages_lock)
{
	uint64_t block = align_down(first, PAGES_PER_OPEN);

	if (first == end)
		return;
	if (!ragged_block_is_open(block))
		open_metadata(block);
	while (first < end) {
		unsigned order = 0;

		while (is_aligned(first, 2ull << order) && first + (2ull << order) <= end)
			order++;
		block_free(first, order);
		first += 1ull << order;
	}
}

size_t page_metadata_bytes(pa_t start, pa_t end)
{
	return (align_up(end.v, BLOCK_SIZE) - align_down(start.v, BLOCK_SIZE)) / PAGE_SIZE *
	       sizeof(struct page_meta);
}

/* Before anybody else runs. */
void page_init(pa_t start, pa_t end, void *metadata) NO_LOCK_ANALYSIS
{
	base_page = align_down(start.v, BLOCK_SIZE) >> PAGE_SHIFT;
	end_page = align_up(end.v, BLOCK_SIZE) >> PAGE_SHIFT;
	meta = metadata;
	region_count = 0;
	total_pages = free_pages = 0;
	for (unsigned i = 0; i < ORDERS; i++)
		list_init(&free_lists[i]);
}

void page_add_region(pa_t start, pa_t end)
{
	uint64_t first = align_up(start.v, PAGE_SIZE) >> PAGE_SHIFT, last = end.v >> PAGE_SHIFT;
	uint64_t fresh = align_up(first, PAGES_PER_OPEN),
		 fresh_end = align_down(last, PAGES_PER_OPEN);
	uint64_t daif;

	if (first >= last)
		return;
	daif = spin_lock_irqsave(&pages_lock);
	check(region_count < MAX_REGIONS && first >= base_page && last <= end_page);
	if (fresh < fresh_end) {
		open_ragged(first, fresh);
		open_ragged(fresh_end, last);
	} else { /* no whole block: at most two parts */
		uint64_t middle = min(fresh, last);

		open_ragged(first, middle);
		open_ragged(middle, last);
		fresh = fresh_end = last;
	}
	regions[region_count++] = (struct region){ first, last, fresh, fresh_end };
	free_pages += fresh_end - fresh;
	total_pages += last - first;
	spin_unlock_irqrestore(&pages_lock, daif);
}

/* ---- handing out ---- */

/* The first page of a free block of that order, no longer free; false: none. */
static bool block_take(unsigned order, uint64_t *page) HOLDS(pages_lock)
{
	unsigned o = order;

	while (o < ORDERS && list_empty(&free_lists[o]))
		o++;
	if (o == ORDERS) {
		if (!open_fresh())
			return false;
		o = PAGE_MAX_ORDER;
	}
	*page = va_to_page(free_lists[o].next);
	block_unlink(*page);
	while (o > order) { /* the upper halves stay free */
		o--;
		block_make_free(*page + (1ull << o), o);
	}
	free_pages -= 1ull << order;
	return true;
}

void *page_alloc(unsigned order)
{
	struct page_meta *m;
	uint64_t page, daif;
	bool found;

	if (order > PAGE_MAX_ORDER)
		return NULL;
	daif = spin_lock_irqsave(&pages_lock);
	found = block_take(order, &page);
	if (found) {
		m = meta_of(page);
		m->order = (uint8_t)order;
		m->state = PAGE_USED;
		atomic_store_explicit(&m->refs, 1, memory_order_relaxed);
	}
	spin_unlock_irqrestore(&pages_lock, daif);
	return found ? page_to_va(page) : NULL;
}

void *page_alloc_zeroed(unsigned order)
{
	void *p = page_alloc(order);

	if (p)
		zero_pages(p, PAGE_SIZE << order);
	return p;
}

/* ---- the reserve ---- */

#define RESERVE_SHARE 64 /* of all memory */
#define RESERVE_MOST  2048

bool page_scarce(uint64_t pages)
{
	return page_free_count() < min(page_total() / RESERVE_SHARE, (uint64_t)RESERVE_MOST) + pages;
}

void *page_alloc_user(unsigned order)
{
	return page_scarce(1ull << order) ? NULL : page_alloc(order);
}

void *page_alloc_user_zeroed(unsigned order)
{
	return page_scarce(1ull << order) ? NULL : page_alloc_zeroed(order);
}

/* ---- references ---- */

/*
 * The first page of the used block that holds page. Without the lock: the caller has a reference,
 * so the block stays as it is, and only words of the block itself are looked at.
 */
static uint64_t head_of(uint64_t page)
{
	check(page >= base_page && page < end_page);
	for (unsigned order = 0; order < ORDERS; order++) {
		uint64_t head = align_down(page, 1ull << order);
		const struct page_meta *m = meta_of(head);

		if (m->state == PAGE_NO_HEAD)
			continue;
		check(m->state == PAGE_USED && page - head < 1ull << m->order);
		return head;
	}
	panic("page %#lx belongs to no block", (unsigned long)page);
}

void page_get(pa_t pa)
{
	struct page_meta *m = meta_of(head_of(pa.v >> PAGE_SHIFT));

	check(atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed) != 0);
}

void page_put(pa_t pa)
{
	uint64_t head = head_of(pa.v >> PAGE_SHIFT), daif;
	struct page_meta *m = meta_of(head);
	/* release: all use of the page comes before; acquire: before it is handed out again */
	uint32_t refs = atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel);

	check(refs != 0);
	if (refs != 1)
		return;
	daif = spin_lock_irqsave(&pages_lock);
	block_free(head, m->order);
	spin_unlock_irqrestore(&pages_lock, daif);
}

unsigned page_refs(pa_t pa)
{
	return atomic_load_explicit(&meta_of(head_of(pa.v >> PAGE_SHIFT))->refs,
				    memory_order_relaxed);
}

unsigned page_order(pa_t pa)
{
	return meta_of(head_of(pa.v >> PAGE_SHIFT))->order;
}

void page_free(void *va)
{
	if (va)
		page_put(va_to_pa(va));
}

/* No lock: regions come at boot only, and a page the caller has a hold of is no longer fresh, however far others
 * have got. */
bool page_is_managed(pa_t pa) NO_LOCK_ANALYSIS
{
	uint64_t page = pa.v >> PAGE_SHIFT;

	for (const struct region *r = regions; r < regions + region_count; r++) {
		if (page >= r->first && page < r->end)
			return page < __atomic_load_n(&r->fresh, __ATOMIC_RELAXED) || page >= r->fresh_end;
	}
	return false;
}

/* Hints both: they may be old when they are read. */
uint64_t page_total(void) NO_LOCK_ANALYSIS
{
	return __atomic_load_n(&total_pages, __ATOMIC_RELAXED);
}

uint64_t page_free_count(void) NO_LOCK_ANALYSIS
{
	return __atomic_load_n(&free_pages, __ATOMIC_RELAXED);
}
