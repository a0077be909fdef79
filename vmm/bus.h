/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#define BUS_RANGES_MAX 32

/* A device's registers. The callbacks come from any vCPU's thread, several at a time. */
struct bus_range {
	const char *name;
	uint64_t base, size; /* guest-physical, bytes */
	uint64_t (*read)(void *device, uint64_t offset, unsigned bytes);
	void (*write)(void *device, uint64_t offset, unsigned bytes, uint64_t value);
	void *device;
	atomic_ullong accesses;
};

struct bus {
	struct bus_range ranges[BUS_RANGES_MAX];
	unsigned count;
	atomic_ullong unclaimed; /* accesses to addresses that are nobody's */
};

/* Add a device's registers. Only while no vCPU runs; ranges must not overlap. */
void bus_add(struct bus *bus, const struct bus_range *range);

/* A guest's access of 1, 2, 4 or 8 bytes. Nobody's addresses read as zero and ignore writes. */
uint64_t bus_read(struct bus *bus, uint64_t address, unsigned bytes);
void bus_write(struct bus *bus, uint64_t address, unsigned bytes, uint64_t value);
