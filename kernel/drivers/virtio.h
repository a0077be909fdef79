/* SPDX-License-Identifier: BSD-2-Clause */
/* A virtio device on its transport, as the drivers of single devices use it
 * (drivers/virtio_mmio.c). */
#pragma once

#include "drivers/virtqueue.h"

struct virtio_device {
	volatile uint8_t *registers;
	unsigned intid;
	bool edge;
	void (*interrupt)(struct virtio_device *dev); /* masked: look at the queues */
};

/* What each device's driver is: takes over *dev (kept for ever) or gives -errno. */
int virtio_blk_probe(struct virtio_device *dev);
int virtio_rng_probe(struct virtio_device *dev);

/* Reset, acknowledge, agree on the features in wanted that the device has (and VERSION_1).
 * The agreed ones in *features. -ENODEV: it does not speak VERSION_1. */
int virtio_negotiate(struct virtio_device *dev, uint64_t wanted, uint64_t *features);
/* Make queue `index` and tell the device. -ENOMEM, -ENODEV (no such queue). */
int virtio_queue_setup(struct virtio_device *dev, unsigned index, struct virtqueue *q);
/* Interrupts go to dev->interrupt, and the device may begin. */
int virtio_start(struct virtio_device *dev);
void virtio_give_up(struct virtio_device *dev); /* FAILED: nobody drives it */
void virtio_notify(struct virtio_device *dev, unsigned queue);
/* The device's own configuration, read until it did not change meanwhile. */
void virtio_config(struct virtio_device *dev, unsigned offset, void *to, size_t size);
