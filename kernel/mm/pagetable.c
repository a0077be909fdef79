/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Translation tables of both stages (DDI 0487 D8.2, D8.3). Entered from mm/mmu.c,
 * linux/space/space.c and kvm/stage2.c, each with the lock of its tables; goes out to page.c for
 * table pages.
 *
 * The hardware walks the tables at the same time. Every descriptor is therefore written as one
 * 64-bit store, with release: who reads a table descriptor, a walk too, finds the table behind it
 * filled (the address dependency of the walk is the partner). Nothing here waits until walks see a
 * store, or until the TLB has forgotten what stood there before: DSB and TLBI are the caller's, in
 * mm/mmu.c. Hardware does not write descriptors (TCR_EL2.HA and VTCR_EL2.HA are 0), so a
 * descriptor that was read stays so while the lock is held.
 *
 * Tables are never freed while an entry is removed, only by pagetable_prune() and
 * pagetable_destroy().
 */
#include "mm/pagetable.h"

#include <linux/errno.h>

#include "lib/bits.h"
#include "lib/check.h"
#include "mm/page.h"

#define LAST_LEVEL  3u
#define LEVEL_BITS  9u
#define TABLE_SLOTS (1u << LEVEL_BITS)

/* An entry of a level maps 2^level_shift() bytes: 512 GiB, 1 GiB, 2 MiB, 4 KiB. */
static unsigned level_shift(unsigned level)
{
	return PAGE_SHIFT + (LAST_LEVEL - level) * LEVEL_BITS;
}

static uint64_t level_size(unsigned level)
{
	return 1ull << level_shift(level);
}

static uint64_t desc_read(const uint64_t *slot)
{
	return __atomic_load_n(slot, __ATOMIC_RELAXED);
}

static void desc_write(uint64_t *slot, uint64_t desc)
{
	__atomic_store_n(slot, desc, __ATOMIC_RELEASE);
}

static bool is_table(uint64_t desc, unsigned level)
{
	return level < LAST_LEVEL && (desc & (PTE_VALID | PTE_TABLE)) == (PTE_VALID | PTE_TABLE);
}

static bool is_leaf(uint64_t desc, unsigned level)
{
	return (desc & PTE_VALID) && !is_table(desc, level);
}

static uint64_t *table_of(uint64_t desc)
{
	return pa_to_va((pa_t){ desc & PTE_ADDRESS });
}

static uint64_t *root_of(const struct pagetable *pt)
{
	return pa_to_va(pt->root);
}

static uint64_t offset_in(const struct pagetable *pt, uint64_t va)
{
	return va & (BIT(pt->va_bits) - 1);
}

/* The slot of va (already cut to va_bits) in its table of this level; the root has more or fewer
 * than 512 slots. */
static uint64_t *slot_of(const struct pagetable *pt, uint64_t *table, unsigned level, uint64_t va)
{
	uint64_t index = va >> level_shift(level);

	return &table[level == pt->start_level ? index : index % TABLE_SLOTS];
}

int pagetable_init(struct pagetable *pt, unsigned va_bits, bool stage2)
{
	unsigned bits = va_bits - (stage2 ? 4 : 0); /* 16 concatenated tables resolve 4 bits */
	void *root;

	check(va_bits > 30 && va_bits <= 48);
	*pt = (struct pagetable){ .va_bits = va_bits,
				  .start_level = bits > level_shift(0) ? 0 : 1 };
	if (va_bits > level_shift(pt->start_level) + LEVEL_BITS)
		pt->root_order = va_bits - level_shift(pt->start_level) - LEVEL_BITS;
	root = page_alloc_zeroed(pt->root_order);
	if (!root)
		return -ENOMEM;
	pt->root = va_to_pa(root);
	pt->pages = 1ull << pt->root_order;
	return 0;
}

/* Most slots are empty: four at a look. A table begins at a multiple of that. */
static inline bool four_empty(const uint64_t *slot)
{
	return !((uintptr_t)slot % (4 * sizeof(*slot))) && !(slot[0] | slot[1] | slot[2] | slot[3]);
}

/* Those below this table, which has leaves only at the last level: nobody looks into it. */
static void free_tables(uint64_t *table, unsigned slots, unsigned level)
{
	for (unsigned i = 0; i < slots; i++) {
		if (four_empty(&table[i])) {
			i += 3;
			continue;
		}
		if (!is_table(table[i], level))
			continue;
		if (level + 1 < LAST_LEVEL)
			free_tables(table_of(table[i]), TABLE_SLOTS, level + 1);
		page_free(table_of(table[i]));
	}
}

void pagetable_destroy(struct pagetable *pt)
{
	unsigned slots = TABLE_SLOTS << pt->root_order;

	free_tables(root_of(pt), slots, pt->start_level);
	page_free(root_of(pt));
	*pt = (struct pagetable){ 0 };
}

uint64_t pagetable_lookup(const struct pagetable *pt, uint64_t va, uint64_t *size)
{
	uint64_t *table = root_of(pt), desc;
	unsigned level = pt->start_level;

	va = offset_in(pt, va);
	for (;; level++) {
		desc = desc_read(slot_of(pt, table, level, va));
		if (!is_table(desc, level))
			break;
		table = table_of(desc);
	}
	*size = level_size(level);
	return desc & PTE_VALID ? desc : 0;
}

/* Hang a new, empty table into an empty slot; NULL: no memory. */
static uint64_t *table_create(struct pagetable *pt, uint64_t *slot)
{
	uint64_t *table = page_alloc_zeroed(0);

	if (!table)
		return NULL;
	pt->pages++;
	desc_write(slot, va_to_pa(table).v | PTE_TABLE | PTE_VALID);
	return table;
}

/* The slot of va at the given level, tables made on the way. -EEXIST: a larger leaf is there. */
static int find_slot(struct pagetable *pt, uint64_t va, unsigned level, uint64_t **found)
{
	uint64_t *table = root_of(pt);

	for (unsigned l = pt->start_level; l < level; l++) {
		uint64_t *slot = slot_of(pt, table, l, va);
		uint64_t desc = desc_read(slot);

		if (is_leaf(desc, l))
			return -EEXIST;
		table = is_table(desc, l) ? table_of(desc) : table_create(pt, slot);
		if (!table)
			return -ENOMEM;
	}
	*found = slot_of(pt, table, level, va);
	return 0;
}

static unsigned level_of_size(uint64_t size)
{
	for (unsigned level = 1; level <= LAST_LEVEL; level++) {
		if (size == level_size(level))
			return level;
	}
	panic("a leaf of %#lx bytes", (unsigned long)size);
}

static uint64_t make_leaf(uint64_t pa, uint64_t attrs, unsigned level)
{
	return pa | attrs | PTE_VALID | (level == LAST_LEVEL ? PTE_TABLE : 0);
}

int pagetable_map(struct pagetable *pt, uint64_t va, pa_t pa, uint64_t size, uint64_t attrs,
		  uint64_t *old)
{
	unsigned level = level_of_size(size);
	uint64_t *slot, before;
	int err;

	check(is_aligned(va | pa.v, size));
	err = find_slot(pt, offset_in(pt, va), level, &slot);
	if (err)
		return err;
	before = desc_read(slot);
	if (is_table(before, level))
		return -EEXIST;
	if (old)
		*old = before & PTE_VALID ? before : 0;
	desc_write(slot, make_leaf(pa.v, attrs, level));
	return 0;
}

int pagetable_map_range(struct pagetable *pt, uint64_t va, pa_t pa, uint64_t size, uint64_t attrs)
{
	while (size) {
		unsigned level = 1;
		int err;

		while (level < LAST_LEVEL &&
		       (!is_aligned(va | pa.v, level_size(level)) || size < level_size(level)))
			level++;
		err = pagetable_map(pt, va, pa, level_size(level), attrs, NULL);
		if (err)
			return err;
		va += level_size(level);
		pa.v += level_size(level);
		size -= level_size(level);
	}
	return 0;
}

struct walk {
	const struct pagetable *pt;
	uint64_t end;  /* cut to va_bits, like all addresses during a walk; exclusive */
	uint64_t high; /* what was cut off, given back to fn */
	pagetable_visit fn;
	void *arg;
};

/* Visit what lies in [va, w->end) and below this table, which maps va. */
static void walk_table(const struct walk *w, uint64_t *table, unsigned level, uint64_t va)
{
	uint64_t *slot = slot_of(w->pt, table, level, va);
	uint64_t stop = level == w->pt->start_level
				? BIT(w->pt->va_bits)
				: align_down(va, level_size(level - 1)) + level_size(level - 1);
	uint64_t size = level_size(level), end = min(stop, w->end);

	for (; va < end; va = align_down(va, size) + size, slot++) {
		uint64_t desc = desc_read(slot), new;

		if (!(desc & PTE_VALID)) {
			if (four_empty(slot)) {
				va = align_down(va, size) + 3 * size;
				slot += 3;
			}
			continue;
		}
		if (is_table(desc, level)) {
			walk_table(w, table_of(desc), level + 1, va);
			continue;
		}
		new = w->fn(w->arg, w->high | align_down(va, size), size, desc);
		if (new != desc)
			desc_write(slot, new);
	}
}

void pagetable_walk(struct pagetable *pt, uint64_t va, uint64_t size, pagetable_visit fn, void *arg)
{
	uint64_t first = offset_in(pt, va);
	struct walk w = { pt, first + size, va - first, fn, arg };

	walk_table(&w, root_of(pt), pt->start_level, first);
}

static bool table_is_empty(const uint64_t *table)
{
	for (unsigned i = 0; i < TABLE_SLOTS; i++) {
		if (table[i] & PTE_VALID)
			return false;
	}
	return true;
}

/*
 * The list node lies in the unlinked table itself. A walk that still holds the table may read it:
 * pointers to pages have bit 0 clear, so these are invalid descriptors.
 */
static void unlink_table(struct pagetable *pt, uint64_t *slot, struct list *unlinked)
{
	uint64_t *table = table_of(*slot);

	desc_write(slot, 0);
	list_append(unlinked, (struct list *)table);
	pt->pages--;
}

static void prune_table(struct pagetable *pt, uint64_t *table, unsigned level, uint64_t va,
			uint64_t end, struct list *unlinked)
{
	while (va < end) {
		uint64_t *slot = slot_of(pt, table, level, va), desc = desc_read(slot);
		uint64_t first = align_down(va, level_size(level)),
			 next = first + level_size(level);

		if (is_table(desc, level)) {
			prune_table(pt, table_of(desc), level + 1, va, min(end, next), unlinked);
			if (va == first && next <= end && table_is_empty(table_of(desc)))
				unlink_table(pt, slot, unlinked);
		}
		va = next;
	}
}

void pagetable_prune(struct pagetable *pt, uint64_t va, uint64_t size, struct list *unlinked)
{
	uint64_t first = offset_in(pt, va);

	prune_table(pt, root_of(pt), pt->start_level, first, first + size, unlinked);
}

void pagetable_free_list(struct list *unlinked)
{
	while (!list_empty(unlinked)) {
		struct list *node = unlinked->next;

		list_remove(node);
		page_free(node);
	}
}
