/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Split virtqueues, the driver's side (virtio 1.2, section 2.7). Free descriptors are chained by
 * their next fields. What the device writes is not trusted: an index out of range or of a chain
 * that is not with the device is stepped over.
 */
#include "drivers/virtqueue.h"

#include <linux/errno.h>
#include <stdatomic.h>

#include "lib/bits.h"
#include "lib/check.h"
#include "mm/page.h"

static size_t avail_offset(unsigned size)
{
	return size * sizeof(struct vring_desc);
}

static size_t used_offset(unsigned size)
{
	size_t avail = sizeof(struct vring_avail) + (size + 1) * sizeof(uint16_t);

	return align_up(avail_offset(size) + avail, sizeof(uint64_t));
}

_Static_assert(VIRTQUEUE_SIZE *(sizeof(struct vring_desc) + sizeof(uint16_t) +
				sizeof(struct vring_used_elem)) +
			       32 <=
		       PAGE_SIZE,
	       "a queue fits one page");

int virtqueue_init(struct virtqueue *q, unsigned size)
{
	uint8_t *page = page_alloc_zeroed(0);

	check(size && size <= VIRTQUEUE_SIZE && !(size & (size - 1)));
	if (!page)
		return -ENOMEM;
	*q = (struct virtqueue){
		.size = (uint16_t)size,
		.free_count = (uint16_t)size,
		.desc = (void *)page,
		.avail = (void *)(page + avail_offset(size)),
		.used = (void *)(page + used_offset(size)),
	};
	for (unsigned i = 0; i < size; i++)
		q->desc[i].next = (uint16_t)(i + 1);
	return 0;
}

void virtqueue_destroy(struct virtqueue *q)
{
	page_free(q->desc);
	q->desc = NULL;
}

/* Fill in descriptors from the free ones; the index of the first. */
static uint16_t chain(struct virtqueue *q, const struct virtqueue_buffer *buffers, unsigned count)
{
	uint16_t head = q->free_head;

	for (unsigned i = 0; i < count; i++) {
		struct vring_desc *d = &q->desc[q->free_head];

		d->addr = buffers[i].pa.v;
		d->len = buffers[i].size;
		d->flags = (buffers[i].device_writes ? VRING_DESC_F_WRITE : 0) |
			   (i + 1 < count ? VRING_DESC_F_NEXT : 0);
		q->free_head = d->next;
	}
	q->free_count -= count;
	return head;
}

int virtqueue_add(struct virtqueue *q, const struct virtqueue_buffer *buffers, unsigned count,
		  void *token)
{
	uint16_t head;

	if (count > q->free_count)
		return -ENOSPC;
	head = chain(q, buffers, count);
	q->tokens[head] = token;
	q->avail->ring[q->avail->idx % q->size] = head;
	/* release: the device sees descriptors and ring before the index that covers them */
	__atomic_store_n(&q->avail->idx, (uint16_t)(q->avail->idx + 1), __ATOMIC_RELEASE);
	return 0;
}

/* Give a chain's descriptors back. Lengths and links are ours: the device cannot write them. */
static void unchain(struct virtqueue *q, uint16_t head)
{
	uint16_t last = head;

	q->free_count++;
	while (q->desc[last].flags & VRING_DESC_F_NEXT) {
		last = q->desc[last].next;
		q->free_count++;
	}
	q->desc[last].next = q->free_head;
	q->free_head = head;
}

void *virtqueue_take(struct virtqueue *q, uint32_t *written)
{
	/* acquire: the element and the buffers are read after the index that covers them */
	while (q->last_used != __atomic_load_n(&q->used->idx, __ATOMIC_ACQUIRE)) {
		const struct vring_used_elem *e = &q->used->ring[q->last_used++ % q->size];
		uint32_t head = __atomic_load_n(&e->id, __ATOMIC_RELAXED);
		void *token = head < q->size ? q->tokens[head] : NULL;

		if (!token)
			continue;
		q->tokens[head] = NULL;
		*written = e->len;
		unchain(q, (uint16_t)head);
		return token;
	}
	return NULL;
}
