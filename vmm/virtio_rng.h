/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

struct vm;
struct virtio_device;

/* Add an entropy device to the machine. Dies if it cannot. */
struct virtio_device *virtio_rng_create(struct vm *vm, unsigned index);
