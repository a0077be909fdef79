/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtio entropy device (virtio 1.2, section 5.4): asked once at boot for bytes that go into
 * entropy.c's pool when they come. One device is used; others are left alone.
 */
#include <linux/errno.h>

#include "drivers/entropy.h"
#include "drivers/virtio.h"
#include "mm/page.h"
#include "mm/slab.h"

#define SEED_BYTES 64

struct rng {
	struct virtqueue queue;
	uint8_t seed[SEED_BYTES]; /* where the device writes */
};
static struct rng *rng; /* the interrupt's from virtio_start() on */

static void rng_interrupt(struct virtio_device *dev)
{
	uint32_t written;

	(void)dev;
	if (virtqueue_take(&rng->queue, &written))
		entropy_seed(rng->seed, written < SEED_BYTES ? written : SEED_BYTES);
}

int virtio_rng_probe(struct virtio_device *dev)
{
	struct virtqueue_buffer buffer = { .size = SEED_BYTES, .device_writes = true };
	uint64_t features;
	int err;

	if (rng)
		return -EBUSY;
	rng = kzalloc(sizeof(*rng));
	if (!rng)
		return -ENOMEM;
	err = virtio_negotiate(dev, 0, &features);
	if (!err)
		err = virtio_queue_setup(dev, 0, &rng->queue);
	if (err)
		return err;
	buffer.pa = va_to_pa(rng->seed);
	dev->interrupt = rng_interrupt;
	err = virtqueue_add(&rng->queue, &buffer, 1, rng->seed);
	if (!err)
		err = virtio_start(dev);
	if (!err)
		virtio_notify(dev, 0);
	return err;
}
