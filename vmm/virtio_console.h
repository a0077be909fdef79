/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "tty.h"

struct vm;
struct virtio_device;

/* Add a console device to the machine. Dies if it cannot. */
struct virtio_device *virtio_console_create(struct vm *vm, unsigned index);

/* The struct tty_sink input function of a console device. */
void virtio_console_input(void *console, const uint8_t *bytes, size_t count, bool wait);

/* Let go an input thread that waits for room. */
void virtio_console_close(struct virtio_device *device);
