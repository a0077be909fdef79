/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdint.h>

#include "memory.h"

/* A file opened for the guest, read into its memory at each start. */
struct boot_file {
	const char *path;
	int fd;
	uint64_t size; /* bytes */
};

/* Where things are in guest memory: guest-physical addresses. */
struct boot_layout {
	uint64_t kernel, kernel_end; /* the end is past what the kernel uses before it reads fdt */
	uint64_t fdt;
	uint64_t initrd, initrd_end; /* equal: none */
};

#define FDT_SIZE_MAX 0x10000ull

/* Open a file. Ends the program with a message if it cannot; `what` says what it is for. */
void boot_open(struct boot_file *file, const char *what);

/*
 * Check that *kernel is an arm64 Linux Image and decide where it, the device tree and the initrd
 * (or NULL) go in `size` bytes of guest memory at `base`. Dies if they do not fit.
 */
void boot_plan(struct boot_layout *layout, const struct boot_file *kernel,
	       const struct boot_file *initrd, uint64_t base, uint64_t size);

/* Read both files into guest memory. Dies if they cannot be read. */
void boot_load(const struct boot_layout *layout, const struct boot_file *kernel,
	       const struct boot_file *initrd, const struct guest_memory *memory);
