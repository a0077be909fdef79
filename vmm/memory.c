/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's memory as the VMM sees it: an anonymous mapping, reserved but not committed, whose
 * start is aligned to 2 MiB so that the host can back it, and map it for the guest, with 2 MiB
 * blocks. A guest that reboots gets a new mapping, so it never sees what the last one left.
 */
#include "memory.h"

#include <errno.h>
#include <sys/mman.h>

#define BLOCK_SIZE (2ull << 20)

int memory_create(struct guest_memory *memory, uint64_t base, uint64_t size)
{
	uint8_t *map, *start;
	size_t head, tail;

	map = mmap(NULL, size + BLOCK_SIZE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (map == MAP_FAILED)
		return -errno;
	start = (uint8_t *)(((uintptr_t)map + BLOCK_SIZE - 1) & ~(uintptr_t)(BLOCK_SIZE - 1));
	head = (size_t)(start - map);
	tail = BLOCK_SIZE - head;
	if (head)
		munmap(map, head);
	if (tail)
		munmap(start + size, tail);
	madvise(start, size, MADV_HUGEPAGE); /* a hint; a host without it answers an error */
	*memory = (struct guest_memory){ .host = start, .base = base, .size = size };
	return 0;
}

void memory_destroy(struct guest_memory *memory)
{
	munmap(memory->host, memory->size);
	memory->host = NULL;
}
