/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ASIDs and VMIDs: numbers of 8 or 16 bits handed out until they run out; then a new generation
 * begins, in which the numbers that are live on some CPU stay reserved for their holders.
 * Pure: no register is named here; the caller flushes TLBs when it is told to.
 */
#pragma once

#include <stdatomic.h>

#include "lib/relaxed.h"
#include "lib/types.h"

#define IDSPACE_MAX_CPUS 64

struct id_tag {
	_Atomic uint64_t v; /* generation | number; 0: none yet */
};

struct idspace {
	_Atomic uint64_t generation; /* a multiple of 2^bits */
	unsigned bits, cpus, next;
	uint64_t *used; /* bitmap of 2^bits: taken in this generation */
	/* What runs there now; 0: nothing since the rollover. */
	_Atomic uint64_t active[IDSPACE_MAX_CPUS];
	/* What ran there at the last rollover: keeps its number. */
	uint64_t reserved[IDSPACE_MAX_CPUS];
	uint64_t flush_pending; /* CPUs that must flush before they run a new number */
};

/* bits 2 to 16, cpus fewer than 2^bits - 1. -ENOMEM. Number 0 is never handed out. */
int idspace_init(struct idspace *ids, unsigned bits, unsigned cpus);
/* All that are made from now on have at most that many bits: a test wants many rollovers. */
void idspace_limit(unsigned bits);
/* Make tag valid in the current generation and active on cpu; returns true if this CPU must
 * flush its whole TLB (of that kind) before using it. Caller holds the lock of ids, is that cpu. */
bool idspace_activate(struct idspace *ids, struct id_tag *tag, unsigned cpu);
/* The same without the lock where nothing needs deciding: true, active and nothing to flush; or
 * false, nothing changed, call idspace_activate(). Masked. */
bool idspace_try_activate(struct idspace *ids, struct id_tag *tag, unsigned cpu);
/* Is tag what runs on cpu already, with no rollover since it was made so? Then it keeps its number until
 * another one is made active there. Masked, on that cpu. */
static inline bool idspace_is_active(const struct idspace *ids, const struct id_tag *tag, unsigned cpu)
{
	uint64_t v = relaxed_atomic_u64(&ids->active[cpu]);

	return v && v == relaxed_atomic_u64(&tag->v);
}
/* Nothing of this kind is loaded on cpu any more. Lock held. */
void idspace_deactivate(struct idspace *ids, unsigned cpu);
/* Without the lock: is the tag of the current generation? A hint unless it is active here. */
bool idspace_current(const struct idspace *ids, const struct id_tag *tag);
/* What goes into TTBR0_EL2 or VTTBR_EL2. */
unsigned idspace_number(const struct idspace *ids, const struct id_tag *tag);
