/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who answers a guest's access to a device register: a table of address ranges, complete before
 * the first vCPU runs and never changed while one does, so reading it needs no lock. Entered from
 * vcpu.c at every KVM_EXIT_MMIO.
 */
#include "bus.h"

#include <stddef.h>

#include "report.h"

void bus_add(struct bus *bus, const struct bus_range *range)
{
	struct bus_range *slot = &bus->ranges[bus->count];

	if (bus->count == BUS_RANGES_MAX)
		die("more than %d devices", BUS_RANGES_MAX);
	*slot = (struct bus_range){
		.name = range->name,
		.base = range->base,
		.size = range->size,
		.read = range->read,
		.write = range->write,
		.device = range->device,
	};
	bus->count++;
}

static struct bus_range *find(struct bus *bus, uint64_t address, unsigned bytes)
{
	for (unsigned i = 0; i < bus->count; i++) {
		struct bus_range *range = &bus->ranges[i];

		if (address >= range->base && address - range->base <= range->size - bytes) {
			atomic_fetch_add_explicit(&range->accesses, 1, memory_order_relaxed);
			return range;
		}
	}
	atomic_fetch_add_explicit(&bus->unclaimed, 1, memory_order_relaxed);
	return NULL;
}

uint64_t bus_read(struct bus *bus, uint64_t address, unsigned bytes)
{
	struct bus_range *range = find(bus, address, bytes);

	return range ? range->read(range->device, address - range->base, bytes) : 0;
}

void bus_write(struct bus *bus, uint64_t address, unsigned bytes, uint64_t value)
{
	struct bus_range *range = find(bus, address, bytes);

	if (range)
		range->write(range->device, address - range->base, bytes, value);
}
