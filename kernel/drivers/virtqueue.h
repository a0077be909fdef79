/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A split virtqueue, the driver's side (virtio 1.2, section 2.7). Pure but for barriers; the
 * caller's lock covers everything.
 */
#pragma once

#include <linux/virtio_ring.h>

#include "lib/types.h"

#define VIRTQUEUE_SIZE 128 /* descriptors: the whole queue lies in one page */

struct virtqueue {
	uint16_t size, free_count, free_head, last_used;
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	void *tokens[VIRTQUEUE_SIZE]; /* of the chain that begins there */
};

struct virtqueue_buffer {
	pa_t pa;
	uint32_t size;
	bool device_writes;
};

/* A queue of size (a power of two, at most VIRTQUEUE_SIZE) descriptors. -ENOMEM. */
int virtqueue_init(struct virtqueue *q, unsigned size);
void virtqueue_destroy(struct virtqueue *q); /* the device no longer uses it */
/* Hand a chain of count buffers to the device, known by token (not NULL). -ENOSPC: too few
 * descriptors are free. The caller notifies the device. */
int virtqueue_add(struct virtqueue *q, const struct virtqueue_buffer *buffers, unsigned count,
		  void *token);
/* A chain that the device has done, by its token; NULL: none. *written: bytes it wrote. A device
 * that lies about which chain it has done gets NULL and its answer is stepped over. */
void *virtqueue_take(struct virtqueue *q, uint32_t *written);
