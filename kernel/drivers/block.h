/* SPDX-License-Identifier: BSD-2-Clause */
/* Disks, as drivers offer them and linux/fs/blockdev.c shows them: /dev/vda, /dev/vdb … */
#pragma once

#include "lib/types.h"

#define SECTOR_SIZE 512

struct block_device {
	char name[8];
	uint64_t sectors;
	bool read_only;
	/* Move count sectors between the disk and physically contiguous kernel memory (linear map).
	 * Sleeps until done. 0, -EIO, -ENOMEM. Any thread; several at a time. */
	int (*transfer)(struct block_device *dev, bool write, uint64_t sector, void *buffer,
			size_t count);
	int (*flush)(struct block_device *dev);
};

/* Both at boot only. Gives the disk the next name, vda first. Kept for ever. -ENOSPC: no room. */
bool block_has_room(void);
int block_register(struct block_device *dev);
struct block_device *block_get(unsigned n); /* NULL: no such */
