/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the user typed and the guest has not read yet: bytes from the input thread to a console
 * device. The input thread waits in fifo_put() for room; the device's side never waits.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FIFO_SIZE 1024

struct fifo {
	pthread_mutex_t lock; /* covers all of it */
	pthread_cond_t changed;
	uint8_t bytes[FIFO_SIZE];
	size_t head, count;
	bool closed;
};

void fifo_init(struct fifo *fifo);

/* Add up to `count` bytes; with `wait`, at least one unless the fifo is closed. How many. */
size_t fifo_put(struct fifo *fifo, const uint8_t *bytes, size_t count, bool wait);

/* Take up to `count` bytes. How many. */
size_t fifo_get(struct fifo *fifo, uint8_t *bytes, size_t count);

bool fifo_is_empty(struct fifo *fifo);

/* From now on fifo_put() takes nothing and waits for nothing. */
void fifo_close(struct fifo *fifo);
