/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtio entropy device: fills the guest's buffers from the host's getrandom(). A request is
 * answered with at most RNG_BYTES_MAX bytes; the driver sees how many. Manual: Virtual I/O Device
 * (VIRTIO) 1.2, section 5.4.
 */
#include "virtio_rng.h"

#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <sys/random.h>

#include "report.h"
#include "virtio_mmio.h"

#define RNG_BYTES_MAX 256 /* getrandom() gives this much at once without fail */

static uint32_t handle(struct virtio_device *device, struct virtqueue_chain *chain)
{
	uint8_t bytes[RNG_BYTES_MAX];
	ssize_t n = getrandom(bytes, sizeof(bytes), 0);

	(void)device;
	if (n <= 0)
		return 0;
	return (uint32_t)iov_put(chain->iov + chain->readable, chain->writable, bytes, (size_t)n);
}

static void serve(struct virtio_device *device, unsigned queue)
{
	virtio_serve_all(device, queue, handle);
}

static const struct virtio_kind rng_kind = {
	.name = "entropy",
	.id = VIRTIO_ID_RNG,
	.queues = 1,
	.serve = serve,
};

struct virtio_device *virtio_rng_create(struct vm *vm, unsigned index)
{
	struct virtio_device *device = calloc(1, sizeof(*device));

	if (!device)
		die("no memory for the entropy device");
	device->kind = &rng_kind;
	virtio_create(device, vm, index);
	return device;
}
