/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine, as its device tree describes it. */
#pragma once

#include "lib/types.h"

#define FDT_REGIONS 32
#define FDT_CPUS    64
#define FDT_VIRTIO  32

struct fdt_region {
	uint64_t start, size;
};

struct fdt_device {
	struct fdt_region reg;
	unsigned intid; /* 0: none */
	bool edge;
};

struct machine {
	const void *fdt;
	struct fdt_region memory[FDT_REGIONS];
	unsigned memory_count;
	struct fdt_region reserved[FDT_REGIONS];
	unsigned reserved_count;
	uint64_t cpus[FDT_CPUS]; /* MPIDR affinity */
	unsigned cpu_count;
	struct fdt_region gicd;
	struct fdt_region gicr[FDT_REGIONS];
	unsigned gicr_count;
	struct fdt_device uart, rtc;
	struct fdt_device virtio[FDT_VIRTIO];
	unsigned virtio_count;
	bool psci, psci_hvc;
	struct fdt_region initrd;
	const char *bootargs;
	const void *rng_seed;
	size_t rng_seed_size;
	unsigned dropped; /* entries of the tree for which there was no room above */
};

/* Read what Stet uses of the tree that lies at physical address fdt_pa. 0, or -EINVAL with *why =
 * which part it lacks. */
int fdt_read_machine(const void *fdt, uint64_t fdt_pa, struct machine *m, const char **why);

/* The parts of memory that nothing above occupies, nor the image: *out of at most max rows,
 * page-aligned, in no order, some of size 0. Returns the count. What finds no row is left out. */
unsigned fdt_free_memory(const struct machine *m, struct fdt_region image, struct fdt_region *out,
			 unsigned max);
