/* SPDX-License-Identifier: BSD-2-Clause */
/* Setting up the host's GICv3; what others use of it is arch/irq.h. */
#pragma once

#include "lib/types.h"

#define GIC_REGIONS 8

struct gic_region {
	void *base;
	uint64_t size;
};

/* Once: the mapped distributor and redistributor regions, and gic_memory() bytes of zeroes, for
 * ever. */
size_t gic_memory(void *distributor);
void gic_init(void *distributor, const struct gic_region *redistributors, unsigned count,
	      void *memory);
/* Each CPU. False: no redistributor in the regions has this CPU's affinity. */
bool gic_cpu_init(void);
/* The calling CPU takes no interrupt any more; the SPIs go to heir. Masked. */
void gic_cpu_leave(unsigned heir);
/* ICC_SGI1R_EL1 for SGI 0 to the CPU with this affinity. */
uint64_t gic_sgi_value(uint64_t mpidr);
/* In an FIQ: acknowledge it; was it IPI_STOP? */
bool gic_fiq_is_stop(void);
