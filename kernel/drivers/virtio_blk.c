/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio disks (virtio 1.2, section 5.2): one queue, several requests in flight. A request is three
 * descriptors: what to do, the data, and a byte for the answer. Its thread sleeps until the
 * interrupt has found it done.
 *
 * blk.lock covers the queue; taken in the interrupt, so with interrupts masked. All threads wait on
 * one queue: a request's memory is its thread's, who may free it the moment it is done.
 */
#include <linux/errno.h>
#include <linux/virtio_blk.h>

#include "arch/spinlock.h"
#include "drivers/block.h"
#include "drivers/virtio.h"
#include "lib/bits.h"
#include "lib/check.h"
#include "lib/printk.h"
#include "mm/page.h"
#include "mm/slab.h"
#include "sched/wait.h"

#define REQUEST_QUEUE 0
#define STATUS_NONE   0xff /* the device has not answered */

struct virtio_blk {
	struct block_device disk;
	struct virtio_device *dev;
	bool can_flush;
	struct spinlock lock;
	struct virtqueue queue;
	struct wait_queue waiters;
};

struct request {
	struct virtio_blk_outhdr header;
	uint8_t status;
	_Atomic bool done;
};

static struct virtio_blk *blk_of(struct block_device *disk)
{
	return container_of(disk, struct virtio_blk, disk);
}

static bool try_add(struct virtio_blk *blk, const struct virtqueue_buffer *buffers, unsigned count,
		    struct request *r)
{
	uint64_t daif = spin_lock_irqsave(&blk->lock);
	int err = virtqueue_add(&blk->queue, buffers, count, r);

	spin_unlock_irqrestore(&blk->lock, daif);
	if (!err)
		virtio_notify(blk->dev, REQUEST_QUEUE);
	return !err;
}

static bool is_done(struct request *r)
{
	/* acquire: status and data are read after it */
	return atomic_load_explicit(&r->done, memory_order_acquire);
}

static int result_of(const struct request *r)
{
	switch (r->status) {
	case VIRTIO_BLK_S_OK:
		return 0;
	case VIRTIO_BLK_S_UNSUPP:
		return -EOPNOTSUPP;
	default:
		return -EIO;
	}
}

/* Do one request, data may be NULL. */
static int run(struct virtio_blk *blk, uint32_t type, uint64_t sector, void *data, size_t size)
{
	struct request *r = kzalloc(sizeof(*r));
	struct virtqueue_buffer buffers[3];
	unsigned n = 0;
	int err;

	if (!r)
		return -ENOMEM;
	r->header = (struct virtio_blk_outhdr){ .type = type, .sector = sector };
	r->status = STATUS_NONE;
	buffers[n++] = (struct virtqueue_buffer){ va_to_pa(&r->header), sizeof(r->header), false };
	if (data)
		buffers[n++] = (struct virtqueue_buffer){ va_to_pa(data), (uint32_t)size,
							  type == VIRTIO_BLK_T_IN };
	buffers[n++] = (struct virtqueue_buffer){ va_to_pa(&r->status), sizeof(r->status), true };
	wait_event(&blk->waiters, try_add(blk, buffers, n, r));
	wait_event(&blk->waiters, is_done(r));
	err = result_of(r);
	kfree(r);
	return err;
}

static int blk_transfer(struct block_device *disk, bool write, uint64_t sector, void *buffer,
			size_t count)
{
	check(sector + count <= disk->sectors && count <= UINT32_MAX / SECTOR_SIZE);
	return run(blk_of(disk), write ? VIRTIO_BLK_T_OUT : VIRTIO_BLK_T_IN, sector, buffer,
		   count * SECTOR_SIZE);
}

static int blk_flush(struct block_device *disk)
{
	struct virtio_blk *blk = blk_of(disk);

	/* without the feature writes are through when they are done (5.2.6.2) */
	return blk->can_flush ? run(blk, VIRTIO_BLK_T_FLUSH, 0, NULL, 0) : 0;
}

/* virtio_device has no room for its owner: there are few disks. */
static struct virtio_blk *blk_of_device(const struct virtio_device *dev)
{
	struct block_device *disk;

	for (unsigned n = 0; (disk = block_get(n)); n++)
		if (blk_of(disk)->dev == dev)
			return blk_of(disk);
	return NULL;
}

static void blk_interrupt(struct virtio_device *dev)
{
	struct virtio_blk *blk = blk_of_device(dev);
	struct request *r;
	uint32_t written;
	uint64_t daif;

	if (!blk)
		return;
	daif = spin_lock_irqsave(&blk->lock);
	while ((r = virtqueue_take(&blk->queue, &written)))
		/* release: pairs with is_done() */
		atomic_store_explicit(&r->done, true, memory_order_release);
	spin_unlock_irqrestore(&blk->lock, daif);
	wake_up(&blk->waiters, 0);
}

static int blk_setup(struct virtio_blk *blk)
{
	uint64_t features;
	int err = virtio_negotiate(blk->dev, BIT(VIRTIO_BLK_F_RO) | BIT(VIRTIO_BLK_F_FLUSH),
				   &features);

	if (err)
		return err;
	blk->disk.read_only = features & BIT(VIRTIO_BLK_F_RO);
	blk->can_flush = features & BIT(VIRTIO_BLK_F_FLUSH);
	virtio_config(blk->dev, offsetof(struct virtio_blk_config, capacity), &blk->disk.sectors,
		      sizeof(blk->disk.sectors));
	return virtio_queue_setup(blk->dev, REQUEST_QUEUE, &blk->queue);
}

int virtio_blk_probe(struct virtio_device *dev)
{
	struct virtio_blk *blk;
	int err;

	if (!block_has_room())
		return -ENOSPC;
	blk = kzalloc(sizeof(*blk));
	if (!blk)
		return -ENOMEM;
	blk->dev = dev;
	blk->disk.transfer = blk_transfer;
	blk->disk.flush = blk_flush;
	wait_queue_init(&blk->waiters);
	dev->interrupt = blk_interrupt;
	err = blk_setup(blk);
	if (!err)
		err = virtio_start(dev);
	if (err) {
		virtqueue_destroy(&blk->queue);
		kfree(blk);
		return err;
	}
	check(!block_register(&blk->disk));
	printk("%s: %llu sectors%s\n", blk->disk.name, (unsigned long long)blk->disk.sectors,
	       blk->disk.read_only ? ", read-only" : "");
	return 0;
}
