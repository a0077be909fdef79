/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <linux/virtio_ring.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "memory.h"

#define VIRTQUEUE_SIZE_MAX 256

/* A split virtqueue, seen from the device. Sizes and addresses are what the guest wrote. */
struct virtqueue {
	const struct guest_memory *memory;
	uint64_t desc_address, avail_address, used_address;
	uint32_t size;
	bool ready; /* checked by virtqueue_start(); what follows is valid */
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	uint16_t next_avail, next_used;
};

/* One request: the buffers the guest lets us read, then those it lets us write. */
struct virtqueue_chain {
	uint16_t head;
	unsigned readable, writable; /* how many entries of iov of each kind */
	struct iovec iov[VIRTQUEUE_SIZE_MAX];
};

/* Begin with what the guest set. -EINVAL if size, alignment or addresses are not allowed. */
int virtqueue_start(struct virtqueue *queue);

/*
 * The next request. 1, 0 if there is none, -EPROTO if the guest's rings make no sense (the queue
 * must not be used again until the guest resets the device).
 */
int virtqueue_pop(struct virtqueue *queue, struct virtqueue_chain *chain);

/* Give a request back; `written` bytes of its writable buffers hold an answer. */
void virtqueue_push(struct virtqueue *queue, const struct virtqueue_chain *chain, uint32_t written);

/* Ask the guest to notify us of new requests or not. True if there are some already. */
bool virtqueue_set_notify(struct virtqueue *queue, bool notify);

/* Does the guest want an interrupt for what was pushed? */
bool virtqueue_wants_interrupt(const struct virtqueue *queue);

/*
 * Scattered buffers: copy the first `bytes` bytes of *iov[*count] to `out` and move *iov, *count
 * and the first entry past them. How many were there. out may be NULL.
 */
size_t iov_take(struct iovec **iov, unsigned *count, void *out, size_t bytes);

/* Copy `bytes` bytes into the first buffers. How many found room. */
size_t iov_put(const struct iovec *iov, unsigned count, const void *in, size_t bytes);

/* Take the last byte off; where it is, or NULL if there is none. */
uint8_t *iov_drop_last(struct iovec *iov, unsigned *count);

size_t iov_bytes(const struct iovec *iov, unsigned count);
