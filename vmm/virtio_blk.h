/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct vm;
struct virtio_device;

/* A file the guest sees as a disk. */
struct disk {
	const char *path;
	bool read_only;
	int fd;		  /* set by disk_open() */
	uint64_t sectors; /* of 512 bytes */
};

/* Open the file. Ends the program with a message if it cannot. */
void disk_open(struct disk *disk);

/* Add a block device backed by the open disk to the machine. Dies if it cannot. */
struct virtio_device *virtio_blk_create(struct vm *vm, unsigned index, const struct disk *disk);
