/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory for host tests of code that allocates pages: "physical" addresses are the host's pointers
 * (pa_to_va() in tests/host/stubs.c). The memory and its metadata begin full of garbage.
 */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "mm/page.h"

/* Give mm/page.c size bytes (whole 2 MiB blocks); what it had before is forgotten, so only once in
 * a test that uses mm/slab.c. */
static inline void host_memory(size_t size)
{
	static char *memory;
	static void *metadata;
	pa_t start, end;

	free(memory);
	free(metadata);
	memory = aligned_alloc(BLOCK_SIZE, size);
	start = (pa_t){ (uint64_t)memory };
	end = (pa_t){ (uint64_t)memory + size };
	metadata = malloc(page_metadata_bytes(start, end));
	memset(memory, 0xa5, size);
	memset(metadata, 0xa5, page_metadata_bytes(start, end));
	page_init(start, end, metadata);
	page_add_region(start, end);
}
