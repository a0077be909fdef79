/* SPDX-License-Identifier: BSD-2-Clause */
/* The disks of this machine, in the order in which they were found. Filled at boot, then only
 * read. */
#include "drivers/block.h"

#include <linux/errno.h>
#include <stdatomic.h>

#define DISKS_MAX 26 /* vda … vdz */

static struct block_device *disks[DISKS_MAX];
static _Atomic unsigned disk_count;

bool block_has_room(void)
{
	return atomic_load_explicit(&disk_count, memory_order_relaxed) < DISKS_MAX;
}

int block_register(struct block_device *dev)
{
	unsigned n = atomic_load_explicit(&disk_count, memory_order_relaxed);

	if (n == DISKS_MAX)
		return -ENOSPC;
	dev->name[0] = 'v';
	dev->name[1] = 'd';
	dev->name[2] = (char)('a' + n);
	dev->name[3] = 0;
	disks[n] = dev;
	/* release: pairs with the acquire in block_get() */
	atomic_store_explicit(&disk_count, n + 1, memory_order_release);
	return 0;
}

struct block_device *block_get(unsigned n)
{
	return n < atomic_load_explicit(&disk_count, memory_order_acquire) ? disks[n] : NULL;
}
