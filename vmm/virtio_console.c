/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtio console with one port: what the guest sends goes to stdout; what the user types waits
 * in a fifo until the guest offers a buffer. Manual: Virtual I/O Device (VIRTIO) 1.2, section 5.3.
 */
#include "virtio_console.h"

#include <linux/virtio_ids.h>
#include <stdlib.h>

#include "fifo.h"
#include "report.h"
#include "virtio_mmio.h"

enum { QUEUE_RECEIVE, QUEUE_TRANSMIT, QUEUE_COUNT };

struct virtio_console {
	struct virtio_device device; /* first: the transport hands it back to us */
	struct fifo fifo;
};

/* In pieces, to end soon when told to: a request may be as long as all of memory, many times. */
static uint32_t transmit(struct virtio_device *device, struct virtqueue_chain *chain)
{
	struct iovec *iov = chain->iov;
	unsigned count = chain->readable;
	uint8_t bytes[512];
	size_t n;

	do {
		n = iov_take(&iov, &count, bytes, sizeof(bytes));
		tty_output(bytes, n);
	} while (n && !atomic_load(&device->stopping));
	return 0;
}

static void receive(struct virtio_console *console)
{
	struct virtio_device *device = &console->device;
	struct virtqueue_chain chain;
	uint8_t bytes[64];
	bool pushed = false;

	while (!fifo_is_empty(&console->fifo) && virtio_pop(device, QUEUE_RECEIVE, &chain)) {
		const struct iovec *iov = chain.iov + chain.readable;
		size_t room = iov_bytes(iov, chain.writable);
		size_t n = fifo_get(&console->fifo, bytes,
				    room < sizeof(bytes) ? room : sizeof(bytes));

		iov_put(iov, chain.writable, bytes, n);
		virtqueue_push(&device->queues[QUEUE_RECEIVE], &chain, (uint32_t)n);
		pushed = true;
	}
	if (pushed)
		virtio_interrupt(device, QUEUE_RECEIVE);
}

static void serve(struct virtio_device *device, unsigned queue)
{
	if (queue == QUEUE_TRANSMIT)
		virtio_serve_all(device, queue, transmit);
	else
		receive((struct virtio_console *)device);
}

void virtio_console_input(void *argument, const uint8_t *bytes, size_t count, bool wait)
{
	struct virtio_console *console = argument;
	size_t n;

	do {
		n = fifo_put(&console->fifo, bytes, count, wait);
		bytes += n;
		count -= n;
		virtio_wake(&console->device);
	} while (wait && count && n);
}

static const struct virtio_kind console_kind = {
	.name = "console",
	.id = VIRTIO_ID_CONSOLE,
	.queues = QUEUE_COUNT,
	.serve = serve,
};

struct virtio_device *virtio_console_create(struct vm *vm, unsigned index)
{
	struct virtio_console *console = calloc(1, sizeof(*console));

	if (!console)
		die("no memory for the console");
	fifo_init(&console->fifo);
	console->device.kind = &console_kind;
	virtio_create(&console->device, vm, index);
	return &console->device;
}

void virtio_console_close(struct virtio_device *device)
{
	fifo_close(&((struct virtio_console *)device)->fifo);
}
