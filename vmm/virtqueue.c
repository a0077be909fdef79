/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Split virtqueues, the device's side. Everything here is read from memory that a hostile guest
 * writes at the same time, so each field is loaded once into a local and checked before use: an
 * address and length must lie in guest memory, an index in its table, a chain must end, and
 * readable buffers come before writable ones. A queue that breaks a rule answers -EPROTO; its
 * device then says DEVICE_NEEDS_RESET. Pure: no system call, tested on the host.
 *
 * One thread uses a queue at a time (the device's lock). Manual: Virtual I/O Device (VIRTIO) 1.2,
 * section 2.7.
 */
#include "virtqueue.h"

#include <errno.h>
#include <string.h>

#define DESC_ALIGN  16
#define AVAIL_ALIGN 2
#define USED_ALIGN  4

static bool is_aligned(uint64_t address, uint64_t align)
{
	return !(address & (align - 1));
}

int virtqueue_start(struct virtqueue *queue)
{
	uint32_t size = queue->size;

	if (!size || size > VIRTQUEUE_SIZE_MAX || size & (size - 1))
		return -EINVAL;
	if (!is_aligned(queue->desc_address, DESC_ALIGN) ||
	    !is_aligned(queue->avail_address, AVAIL_ALIGN) ||
	    !is_aligned(queue->used_address, USED_ALIGN))
		return -EINVAL;
	queue->desc =
		memory_at(queue->memory, queue->desc_address, size * sizeof(struct vring_desc));
	queue->avail = memory_at(queue->memory, queue->avail_address,
				 sizeof(struct vring_avail) + size * sizeof(__virtio16));
	queue->used = memory_at(queue->memory, queue->used_address,
				sizeof(struct vring_used) + size * sizeof(struct vring_used_elem));
	if (!queue->desc || !queue->avail || !queue->used)
		return -EINVAL;
	queue->next_avail = 0;
	queue->next_used = 0;
	queue->ready = true;
	return 0;
}

/* A descriptor as it was at one moment. */
static struct vring_desc load_desc(const struct virtqueue *queue, uint16_t index)
{
	const struct vring_desc *desc = &queue->desc[index];

	return (struct vring_desc){
		.addr = __atomic_load_n(&desc->addr, __ATOMIC_RELAXED),
		.len = __atomic_load_n(&desc->len, __ATOMIC_RELAXED),
		.flags = __atomic_load_n(&desc->flags, __ATOMIC_RELAXED),
		.next = __atomic_load_n(&desc->next, __ATOMIC_RELAXED),
	};
}

static int add_buffer(const struct virtqueue *queue, struct virtqueue_chain *chain,
		      const struct vring_desc *desc)
{
	struct iovec *iov = &chain->iov[chain->readable + chain->writable];

	if (desc->flags & VRING_DESC_F_INDIRECT) /* never offered */
		return -EPROTO;
	iov->iov_base = memory_at(queue->memory, desc->addr, desc->len);
	iov->iov_len = desc->len;
	if (!iov->iov_base)
		return -EPROTO;
	if (desc->flags & VRING_DESC_F_WRITE)
		chain->writable++;
	else if (chain->writable)
		return -EPROTO;
	else
		chain->readable++;
	return 0;
}

static int load_chain(const struct virtqueue *queue, struct virtqueue_chain *chain)
{
	uint16_t index = chain->head;

	/* A chain longer than the table goes in a circle. */
	for (uint32_t n = 0; n < queue->size; n++) {
		struct vring_desc desc;
		int err;

		if (index >= queue->size)
			return -EPROTO;
		desc = load_desc(queue, index);
		err = add_buffer(queue, chain, &desc);
		if (err)
			return err;
		if (!(desc.flags & VRING_DESC_F_NEXT))
			return 0;
		index = desc.next;
	}
	return -EPROTO;
}

int virtqueue_pop(struct virtqueue *queue, struct virtqueue_chain *chain)
{
	/* acquire: pairs with the driver's barrier between filling the ring and moving idx */
	uint16_t idx = __atomic_load_n(&queue->avail->idx, __ATOMIC_ACQUIRE);
	uint16_t waiting = (uint16_t)(idx - queue->next_avail);

	if (!waiting)
		return 0;
	if (waiting > queue->size)
		return -EPROTO;
	chain->head = __atomic_load_n(&queue->avail->ring[queue->next_avail % queue->size],
				      __ATOMIC_RELAXED);
	chain->readable = 0;
	chain->writable = 0;
	queue->next_avail++;
	return load_chain(queue, chain) ?: 1;
}

void virtqueue_push(struct virtqueue *queue, const struct virtqueue_chain *chain, uint32_t written)
{
	struct vring_used_elem *elem = &queue->used->ring[queue->next_used % queue->size];

	elem->id = chain->head;
	elem->len = written;
	queue->next_used++;
	/* release: the driver that sees idx sees the element and the buffers' new contents */
	__atomic_store_n(&queue->used->idx, queue->next_used, __ATOMIC_RELEASE);
}

bool virtqueue_set_notify(struct virtqueue *queue, bool notify)
{
	__atomic_store_n(&queue->used->flags, notify ? 0 : VRING_USED_F_NO_NOTIFY,
			 __ATOMIC_RELAXED);
	/* The driver moves idx, then reads flags; we write flags, then read idx: one of us sees. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return __atomic_load_n(&queue->avail->idx, __ATOMIC_RELAXED) != queue->next_avail;
}

bool virtqueue_wants_interrupt(const struct virtqueue *queue)
{
	/* Orders our store to used->idx before the load of the driver's flags. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return !(__atomic_load_n(&queue->avail->flags, __ATOMIC_RELAXED) &
		 VRING_AVAIL_F_NO_INTERRUPT);
}

size_t iov_take(struct iovec **iov, unsigned *count, void *out, size_t bytes)
{
	size_t done = 0;

	while (done < bytes && *count) {
		struct iovec *first = *iov;
		size_t n = first->iov_len < bytes - done ? first->iov_len : bytes - done;

		if (out && n)
			memcpy((uint8_t *)out + done, first->iov_base, n);
		done += n;
		first->iov_base = (uint8_t *)first->iov_base + n;
		first->iov_len -= n;
		if (!first->iov_len) {
			(*iov)++;
			(*count)--;
		}
	}
	return done;
}

size_t iov_put(const struct iovec *iov, unsigned count, const void *in, size_t bytes)
{
	size_t done = 0;

	for (unsigned i = 0; i < count && done < bytes; i++) {
		size_t n = iov[i].iov_len < bytes - done ? iov[i].iov_len : bytes - done;

		memcpy(iov[i].iov_base, (const uint8_t *)in + done, n);
		done += n;
	}
	return done;
}

uint8_t *iov_drop_last(struct iovec *iov, unsigned *count)
{
	struct iovec *last;

	while (*count && !iov[*count - 1].iov_len)
		(*count)--;
	if (!*count)
		return NULL;
	last = &iov[*count - 1];
	last->iov_len--;
	return (uint8_t *)last->iov_base + last->iov_len;
}

size_t iov_bytes(const struct iovec *iov, unsigned count)
{
	size_t total = 0;

	for (unsigned i = 0; i < count; i++)
		total += iov[i].iov_len;
	return total;
}
