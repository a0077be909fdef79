/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "virtqueue.h"

#define VIRTIO_QUEUES_MAX 2

struct vm;
struct virtio_device;

/* What a kind of device adds to the transport. */
struct virtio_kind {
	const char *name;
	uint32_t id;	 /* VIRTIO_ID_… */
	unsigned queues; /* how many */
	/* Work on a queue that may have requests. On the device's thread, under its lock. */
	void (*serve)(struct virtio_device *device, unsigned queue);
};

struct virtio_device {
	struct vm *vm;
	const struct virtio_kind *kind;
	unsigned index;	   /* which of the machine's virtio devices: register page and SPI */
	uint64_t features; /* offered */
	const void *config;
	size_t config_size;

	int kick[VIRTIO_QUEUES_MAX], wake, irq; /* eventfds */
	pthread_t thread;
	atomic_bool stopping;

	pthread_mutex_t lock; /* covers what follows */
	uint32_t features_sel, driver_features_sel, queue_sel;
	uint64_t driver_features;
	struct virtqueue queues[VIRTIO_QUEUES_MAX];
	atomic_uint status, interrupt_status; /* read without the lock; written under it, but */
					      /* interrupt_status also by the acknowledgement */
};

/*
 * Add a device, whose kind, features and config are set, to the machine: its registers, eventfds
 * and thread. Dies if it cannot.
 */
void virtio_create(struct virtio_device *device, struct vm *vm, unsigned index);

/* End its thread and close its files. Only after all vCPUs have stopped. */
void virtio_destroy(struct virtio_device *device);

/* Have the device's thread serve all queues soon. From any thread. */
void virtio_wake(struct virtio_device *device);

/*
 * For serve(): call handle() for each request waiting in `queue`; it returns how many bytes it
 * wrote to the request's writable buffers. Interrupts the guest as it wishes.
 */
void virtio_serve_all(struct virtio_device *device, unsigned queue,
		      uint32_t (*handle)(struct virtio_device *, struct virtqueue_chain *));

/* For serve(): the next request; false if there is none or the rings make no sense. */
bool virtio_pop(struct virtio_device *device, unsigned queue, struct virtqueue_chain *chain);

/* For serve(): interrupt the guest, after pushing, unless it does not want it. */
void virtio_interrupt(struct virtio_device *device, unsigned queue);
