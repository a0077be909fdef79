/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ASIDs and VMIDs: numbers of 8 or 16 bits handed out until they run out; then a new generation
 * begins, in which the numbers that are live on some CPU stay reserved for their holders.
 * Pure: no register is named here; the caller flushes TLBs when it is told to.
 */
#pragma once

#include "lib/types.h"

#define IDSPACE_MAX_CPUS 64

struct id_tag {
	uint64_t v; /* generation | number; 0: none yet */
};

struct idspace {
	uint64_t generation;
	unsigned bits, next;
	uint64_t *used;				/* bitmap of 2^bits */
	struct id_tag active[IDSPACE_MAX_CPUS]; /* what runs there now; 0: nothing since the rollover */
	struct id_tag reserved[IDSPACE_MAX_CPUS];
	uint64_t flush_pending; /* CPUs that must flush before they run a new number */
};

/* -ENOMEM. Number 0 is never handed out. */
int idspace_init(struct idspace *ids, unsigned bits, unsigned cpus);
/* Make tag valid in the current generation and active on cpu; returns true if this CPU must
 * flush its whole TLB (of that kind) before using it. Caller holds the lock of ids. */
bool idspace_activate(struct idspace *ids, struct id_tag *tag, unsigned cpu);
/* Nothing of this kind is loaded on cpu any more. */
void idspace_deactivate(struct idspace *ids, unsigned cpu);
/* Fast test without the lock: is the tag of the current generation? */
bool idspace_current(const struct idspace *ids, struct id_tag tag);
unsigned idspace_number(const struct idspace *ids, struct id_tag tag);
