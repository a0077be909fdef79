/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* The guest's memory: one range of its physical addresses and where it is mapped here. */
struct guest_memory {
	uint8_t *host; /* aligned to 2 MiB */
	uint64_t base; /* guest-physical */
	uint64_t size; /* bytes */
};

/* Map `size` bytes of zeroes, taken from the host as they are touched. 0 or -errno. */
int memory_create(struct guest_memory *memory, uint64_t base, uint64_t size);
void memory_destroy(struct guest_memory *memory);

/* Where [address, address+size) is mapped, or NULL if not all of it is guest memory. */
static inline void *memory_at(const struct guest_memory *memory, uint64_t address, uint64_t size)
{
	uint64_t offset = address - memory->base;

	if (address < memory->base || size > memory->size || offset > memory->size - size)
		return NULL;
	return memory->host + offset;
}
