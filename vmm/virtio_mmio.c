/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtio devices over MMIO: the registers every kind of device shares, and its thread. The guest
 * sets a device up by registers (bus.c, on vCPU threads); from then on it notifies through
 * ioeventfds and is interrupted through an irqfd, so a request costs no exit to a vCPU's thread.
 * The device's thread sleeps in poll() and has the kind serve whatever queue was kicked.
 *
 * `lock` is held by the device's thread while it serves and by a vCPU that touches the set-up
 * registers, so a reset waits for the request at hand. Status and the interrupt registers do not
 * take it: an interrupt handler must not wait for the disk. Manual: Virtual I/O Device (VIRTIO)
 * 1.2, sections 2.1 and 4.2.
 */
#include "virtio_mmio.h"

#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "report.h"
#include "vm.h"

#define MAGIC	  0x74726976 /* "virt" */
#define VERSION	  2
#define VENDOR_ID 0x74657473 /* "stet" */

#define FEATURE_VERSION_1 (1ull << VIRTIO_F_VERSION_1)

static void raise_interrupt(struct virtio_device *device, uint32_t why)
{
	const uint64_t one = 1;

	atomic_fetch_or(&device->interrupt_status, why);
	if (write(device->irq, &one, sizeof(one)) < 0)
		report("%s: cannot interrupt the guest: %m", device->kind->name);
}

/* The guest broke a rule: the device does nothing more until it is reset. Under the lock. */
static void need_reset(struct virtio_device *device)
{
	if (atomic_fetch_or(&device->status, VIRTIO_CONFIG_S_NEEDS_RESET) &
	    VIRTIO_CONFIG_S_NEEDS_RESET)
		return;
	for (unsigned i = 0; i < device->kind->queues; i++)
		device->queues[i].ready = false;
	raise_interrupt(device, VIRTIO_MMIO_INT_CONFIG);
}

static void reset(struct virtio_device *device)
{
	for (unsigned i = 0; i < device->kind->queues; i++)
		device->queues[i] = (struct virtqueue){ .memory = &device->vm->memory };
	device->features_sel = 0;
	device->driver_features_sel = 0;
	device->driver_features = 0;
	device->queue_sel = 0;
	atomic_store(&device->interrupt_status, 0);
	atomic_store(&device->status, 0);
}

bool virtio_pop(struct virtio_device *device, unsigned queue, struct virtqueue_chain *chain)
{
	int got;

	if (!device->queues[queue].ready || atomic_load(&device->stopping))
		return false;
	got = virtqueue_pop(&device->queues[queue], chain);
	if (got < 0)
		need_reset(device);
	return got > 0;
}

void virtio_interrupt(struct virtio_device *device, unsigned queue)
{
	if (device->queues[queue].ready && virtqueue_wants_interrupt(&device->queues[queue]))
		raise_interrupt(device, VIRTIO_MMIO_INT_VRING);
}

void virtio_serve_all(struct virtio_device *device, unsigned queue,
		      uint32_t (*handle)(struct virtio_device *, struct virtqueue_chain *))
{
	struct virtqueue *vq = &device->queues[queue];
	struct virtqueue_chain chain;
	bool pushed = false;

	do {
		virtqueue_set_notify(vq, false);
		while (virtio_pop(device, queue, &chain)) {
			virtqueue_push(vq, &chain, handle(device, &chain));
			pushed = true;
		}
	} while (vq->ready && virtqueue_set_notify(vq, true) && !atomic_load(&device->stopping));
	if (pushed)
		virtio_interrupt(device, queue);
}

static void serve(struct virtio_device *device, unsigned queue)
{
	pthread_mutex_lock(&device->lock);
	if (atomic_load(&device->status) & VIRTIO_CONFIG_S_DRIVER_OK && device->queues[queue].ready)
		device->kind->serve(device, queue);
	pthread_mutex_unlock(&device->lock);
}

/* Did somebody write to the eventfd? Takes what was written. */
static bool take_event(const struct pollfd *poll)
{
	uint64_t count;

	return poll->revents & POLLIN && read(poll->fd, &count, sizeof(count)) == sizeof(count);
}

static void *device_thread(void *argument)
{
	struct virtio_device *device = argument;
	unsigned queues = device->kind->queues;
	struct pollfd polls[VIRTIO_QUEUES_MAX + 1];

	for (unsigned i = 0; i < queues; i++)
		polls[i] = (struct pollfd){ .fd = device->kick[i], .events = POLLIN };
	polls[queues] = (struct pollfd){ .fd = device->wake, .events = POLLIN };
	while (!atomic_load(&device->stopping)) {
		bool all;

		if (poll(polls, queues + 1, -1) < 0 && errno != EINTR)
			die("%s: poll: %m", device->kind->name);
		all = take_event(&polls[queues]);
		for (unsigned i = 0; i < queues; i++)
			if (take_event(&polls[i]) || all)
				serve(device, i);
	}
	return NULL;
}

static uint64_t read_config(const struct virtio_device *device, uint64_t offset, unsigned bytes)
{
	uint64_t value = 0;

	if (offset + bytes <= device->config_size)
		memcpy(&value, (const uint8_t *)device->config + offset, bytes);
	return value;
}

static uint32_t read_locked(const struct virtio_device *device, uint64_t offset)
{
	bool valid = device->queue_sel < device->kind->queues;

	switch (offset) {
	case VIRTIO_MMIO_DEVICE_FEATURES:
		return device->features_sel > 1
			       ? 0
			       : (uint32_t)(device->features >> (32 * device->features_sel));
	case VIRTIO_MMIO_QUEUE_NUM_MAX:
		return valid ? VIRTQUEUE_SIZE_MAX : 0;
	case VIRTIO_MMIO_QUEUE_READY:
		return valid && device->queues[device->queue_sel].ready;
	default:
		return 0;
	}
}

static uint64_t register_read(void *argument, uint64_t offset, unsigned bytes)
{
	struct virtio_device *device = argument;
	uint32_t value;

	if (offset >= VIRTIO_MMIO_CONFIG)
		return read_config(device, offset - VIRTIO_MMIO_CONFIG, bytes);
	switch (offset) {
	case VIRTIO_MMIO_MAGIC_VALUE:
		return MAGIC;
	case VIRTIO_MMIO_VERSION:
		return VERSION;
	case VIRTIO_MMIO_DEVICE_ID:
		return device->kind->id;
	case VIRTIO_MMIO_VENDOR_ID:
		return VENDOR_ID;
	case VIRTIO_MMIO_INTERRUPT_STATUS:
		return atomic_load(&device->interrupt_status);
	case VIRTIO_MMIO_STATUS:
		return atomic_load(&device->status);
	}
	pthread_mutex_lock(&device->lock);
	value = read_locked(device, offset);
	pthread_mutex_unlock(&device->lock);
	return value;
}

static void write_status(struct virtio_device *device, uint32_t value)
{
	uint32_t kept = atomic_load(&device->status) & VIRTIO_CONFIG_S_NEEDS_RESET;

	if (!value) {
		reset(device);
		return;
	}
	/* The driver may take any of the features we offer, but not the old interface. */
	if (device->driver_features & ~device->features ||
	    !(device->driver_features & FEATURE_VERSION_1))
		value &= ~(uint32_t)VIRTIO_CONFIG_S_FEATURES_OK;
	atomic_store(&device->status, (value & 0xff) | kept);
	if (value & VIRTIO_CONFIG_S_DRIVER_OK)
		virtio_wake(device); /* requests may wait from before */
}

static void write_driver_features(struct virtio_device *device, uint32_t value)
{
	unsigned shift = 32 * device->driver_features_sel;

	if (device->driver_features_sel > 1 ||
	    atomic_load(&device->status) & VIRTIO_CONFIG_S_FEATURES_OK)
		return;
	device->driver_features &= ~(0xffffffffull << shift);
	device->driver_features |= (uint64_t)value << shift;
}

static void set_low(uint64_t *address, uint32_t value)
{
	*address = (*address & 0xffffffff00000000ull) | value;
}

static void set_high(uint64_t *address, uint32_t value)
{
	*address = (*address & 0xffffffffull) | (uint64_t)value << 32;
}

static void write_ready(struct virtio_device *device, struct virtqueue *queue, uint32_t value)
{
	if (!value)
		queue->ready = false;
	else if (!queue->ready && virtqueue_start(queue))
		need_reset(device);
}

/* The registers of the queue that queue_sel names. Its shape is fixed while it is ready. */
static void write_queue(struct virtio_device *device, uint64_t offset, uint32_t value)
{
	struct virtqueue *queue;

	if (device->queue_sel >= device->kind->queues)
		return;
	queue = &device->queues[device->queue_sel];
	if (offset == VIRTIO_MMIO_QUEUE_READY)
		write_ready(device, queue, value);
	if (queue->ready)
		return;
	switch (offset) {
	case VIRTIO_MMIO_QUEUE_NUM:
		queue->size = value;
		break;
	case VIRTIO_MMIO_QUEUE_DESC_LOW:
		set_low(&queue->desc_address, value);
		break;
	case VIRTIO_MMIO_QUEUE_DESC_HIGH:
		set_high(&queue->desc_address, value);
		break;
	case VIRTIO_MMIO_QUEUE_AVAIL_LOW:
		set_low(&queue->avail_address, value);
		break;
	case VIRTIO_MMIO_QUEUE_AVAIL_HIGH:
		set_high(&queue->avail_address, value);
		break;
	case VIRTIO_MMIO_QUEUE_USED_LOW:
		set_low(&queue->used_address, value);
		break;
	case VIRTIO_MMIO_QUEUE_USED_HIGH:
		set_high(&queue->used_address, value);
		break;
	}
}

static void write_locked(struct virtio_device *device, uint64_t offset, uint32_t value)
{
	switch (offset) {
	case VIRTIO_MMIO_DEVICE_FEATURES_SEL:
		device->features_sel = value;
		break;
	case VIRTIO_MMIO_DRIVER_FEATURES_SEL:
		device->driver_features_sel = value;
		break;
	case VIRTIO_MMIO_DRIVER_FEATURES:
		write_driver_features(device, value);
		break;
	case VIRTIO_MMIO_QUEUE_SEL:
		device->queue_sel = value;
		break;
	case VIRTIO_MMIO_STATUS:
		write_status(device, value);
		break;
	default:
		write_queue(device, offset, value);
	}
}

/* A notification of one of our queues never comes here: it is an ioeventfd. */
static void register_write(void *argument, uint64_t offset, unsigned bytes, uint64_t value)
{
	struct virtio_device *device = argument;

	if (bytes != 4 || offset >= VIRTIO_MMIO_CONFIG)
		return;
	if (offset == VIRTIO_MMIO_INTERRUPT_ACK) {
		atomic_fetch_and(&device->interrupt_status, ~(uint32_t)value);
		return;
	}
	pthread_mutex_lock(&device->lock);
	write_locked(device, offset, (uint32_t)value);
	pthread_mutex_unlock(&device->lock);
}

void virtio_wake(struct virtio_device *device)
{
	const uint64_t one = 1;

	if (write(device->wake, &one, sizeof(one)) < 0)
		die("%s: cannot wake its thread: %m", device->kind->name);
}

static int make_eventfd(void)
{
	int fd = eventfd(0, EFD_CLOEXEC);

	if (fd < 0)
		die("no eventfd: %m");
	return fd;
}

static void connect_eventfds(struct virtio_device *device)
{
	uint64_t base = VIRTIO_BASE + device->index * DEVICE_SIZE;

	for (unsigned i = 0; i < device->kind->queues; i++) {
		device->kick[i] = make_eventfd();
		vm_ioeventfd(device->vm, base + VIRTIO_MMIO_QUEUE_NOTIFY, i, device->kick[i]);
	}
	device->wake = make_eventfd();
	device->irq = make_eventfd();
	vm_irqfd(device->vm, VIRTIO_SPI + device->index, device->irq);
}

void virtio_create(struct virtio_device *device, struct vm *vm, unsigned index)
{
	device->vm = vm;
	device->index = index;
	device->features |= FEATURE_VERSION_1;
	pthread_mutex_init(&device->lock, NULL);
	reset(device);
	connect_eventfds(device);
	bus_add(&vm->bus, &(struct bus_range){
				  .name = device->kind->name,
				  .base = VIRTIO_BASE + index * DEVICE_SIZE,
				  .size = DEVICE_SIZE,
				  .read = register_read,
				  .write = register_write,
				  .device = device,
			  });
	if (pthread_create(&device->thread, NULL, device_thread, device))
		die("cannot start the thread of device %s", device->kind->name);
}

void virtio_destroy(struct virtio_device *device)
{
	atomic_store(&device->stopping, true);
	virtio_wake(device);
	pthread_join(device->thread, NULL);
	for (unsigned i = 0; i < device->kind->queues; i++)
		close(device->kick[i]);
	close(device->wake);
	close(device->irq);
}
