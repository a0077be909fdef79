/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "tty.h"

struct vm;
struct serial;

/* Add a PL011 at SERIAL_BASE to the machine. Dies if it cannot. */
struct serial *serial_create(struct vm *vm);

/* The struct tty_sink input function of a struct serial. */
void serial_input(void *serial, const uint8_t *bytes, size_t count, bool wait);

/* Let go an input thread that waits for room. Then, when nothing uses the device, free it. */
void serial_close(struct serial *serial);
void serial_destroy(struct serial *serial);
