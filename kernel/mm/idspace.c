/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Address-space numbers (ASID, VMID; DDI 0487 D8.16.2). Entered from mm/mmu.c and kvm/stage2.c
 * when a CPU begins to use another address space; the lock is theirs.
 *
 * A tag is a generation and a number. Within a generation a number belongs to one tag and is never
 * given away, so nothing is flushed. When the numbers run out a new generation begins
 * ("rollover"): what is live on some CPU is reserved for its holder under its old number, all
 * others are free, and each CPU flushes its TLB before it runs anything it takes up from then on.
 *
 * `active` of a CPU is swapped to 0 by the rollover. That is what makes the way without the lock
 * safe: it changes active by compare-and-swap from a value that is not 0, so either the rollover
 * comes first and sends it to the lock, or the rollover sees what it stored and reserves it.
 */
#include "mm/idspace.h"

#include <linux/errno.h>

#include "lib/bitmap.h"
#include "lib/bits.h"
#include "lib/check.h"
#include "lib/string.h"
#include "mm/slab.h"

static unsigned number_of(const struct idspace *ids, uint64_t tag)
{
	return (unsigned)(tag & (BIT(ids->bits) - 1));
}

static bool is_current(const struct idspace *ids, uint64_t tag)
{
	/* tag 0 is of generation 0, which no space ever is in */
	return (tag ^ atomic_load(&ids->generation)) >> ids->bits == 0;
}

static unsigned bits_most = 16; /* written in boot, before the first is made */

void idspace_limit(unsigned bits)
{
	bits_most = bits;
}

int idspace_init(struct idspace *ids, unsigned bits, unsigned cpus)
{
	bits = min(bits, bits_most);
	check(bits <= 16 && cpus <= IDSPACE_MAX_CPUS && cpus < BIT(bits) - 1);
	memset(ids, 0, sizeof(*ids));
	ids->bits = bits;
	ids->cpus = cpus;
	ids->generation = BIT(bits);
	ids->next = 1;
	ids->used = kcalloc(BITMAP_WORDS(BIT(bits)), sizeof(uint64_t));
	if (!ids->used)
		return -ENOMEM;
	bitmap_set(ids->used, 0);
	return 0;
}

/* Begin a new generation. */
static void rollover(struct idspace *ids)
{
	atomic_store(&ids->generation, atomic_load(&ids->generation) + BIT(ids->bits));
	memset(ids->used, 0, BITMAP_WORDS(BIT(ids->bits)) * sizeof(uint64_t));
	bitmap_set(ids->used, 0);
	for (unsigned cpu = 0; cpu < ids->cpus; cpu++) {
		uint64_t tag = atomic_exchange(&ids->active[cpu], 0);

		/* 0: it still runs what it ran at the rollover before, if anything */
		if (tag)
			ids->reserved[cpu] = tag;
		bitmap_set(ids->used, number_of(ids, ids->reserved[cpu]));
		ids->flush_pending |= BIT(cpu);
	}
}

/* Is old live on some CPU? Then these know it by its new name from now on. */
static bool renew_reserved(struct idspace *ids, uint64_t old, uint64_t new)
{
	bool found = false;

	for (unsigned cpu = 0; cpu < ids->cpus; cpu++) {
		if (ids->reserved[cpu] == old) {
			ids->reserved[cpu] = new;
			found = true;
		}
	}
	return found;
}

static unsigned take_number(struct idspace *ids)
{
	unsigned all = 1u << ids->bits;
	unsigned n = bitmap_next_clear(ids->used, all, ids->next);

	if (n == all) {
		rollover(ids);
		n = bitmap_next_clear(ids->used, all, 1);
	}
	bitmap_set(ids->used, n);
	ids->next = n + 1;
	return n;
}

/* A tag of this generation for who had old in another one. */
static uint64_t renew(struct idspace *ids, uint64_t old)
{
	uint64_t tag = atomic_load(&ids->generation) | number_of(ids, old);

	if (old) {
		if (renew_reserved(ids, old, tag))
			return tag;
		if (!bitmap_test(ids->used,
				 number_of(ids, old))) { /* the old number is free: keep it */
			bitmap_set(ids->used, number_of(ids, old));
			return tag;
		}
	}
	tag = take_number(ids);
	return atomic_load(&ids->generation) | tag;
}

bool idspace_activate(struct idspace *ids, struct id_tag *tag, unsigned cpu)
{
	bool flush = ids->flush_pending & BIT(cpu);
	uint64_t v = atomic_load(&tag->v);

	if (!is_current(ids, v)) {
		v = renew(ids, v);
		atomic_store(&tag->v, v);
		flush = ids->flush_pending & BIT(cpu);
	}
	ids->flush_pending &= ~BIT(cpu);
	atomic_store(&ids->active[cpu], v);
	return flush;
}

bool idspace_try_activate(struct idspace *ids, struct id_tag *tag, unsigned cpu)
{
	uint64_t v = atomic_load(&tag->v), before = atomic_load(&ids->active[cpu]);

	return before && is_current(ids, v) &&
	       atomic_compare_exchange_strong(&ids->active[cpu], &before, v);
}

void idspace_deactivate(struct idspace *ids, unsigned cpu)
{
	atomic_store(&ids->active[cpu], 0);
	ids->reserved[cpu] = 0;
}

bool idspace_current(const struct idspace *ids, const struct id_tag *tag)
{
	return is_current(ids, atomic_load(&tag->v));
}

unsigned idspace_number(const struct idspace *ids, const struct id_tag *tag)
{
	return number_of(ids, atomic_load(&tag->v));
}
