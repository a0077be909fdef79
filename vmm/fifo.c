/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The queue of typed bytes between the input thread (tty.c) and a console device (serial.c,
 * virtio_console.c). It is closed before its device goes away, so that the input thread, which
 * outlives every virtual machine, is never left waiting in it.
 */
#include "fifo.h"

void fifo_init(struct fifo *fifo)
{
	*fifo = (struct fifo){ .count = 0 };
	pthread_mutex_init(&fifo->lock, NULL);
	pthread_cond_init(&fifo->changed, NULL);
}

size_t fifo_put(struct fifo *fifo, const uint8_t *bytes, size_t count, bool wait)
{
	size_t n = 0;

	pthread_mutex_lock(&fifo->lock);
	while (wait && fifo->count == FIFO_SIZE && !fifo->closed)
		pthread_cond_wait(&fifo->changed, &fifo->lock);
	while (n < count && fifo->count < FIFO_SIZE && !fifo->closed) {
		fifo->bytes[(fifo->head + fifo->count) % FIFO_SIZE] = bytes[n++];
		fifo->count++;
	}
	pthread_mutex_unlock(&fifo->lock);
	return n;
}

size_t fifo_get(struct fifo *fifo, uint8_t *bytes, size_t count)
{
	size_t n = 0;

	pthread_mutex_lock(&fifo->lock);
	while (n < count && fifo->count) {
		bytes[n++] = fifo->bytes[fifo->head];
		fifo->head = (fifo->head + 1) % FIFO_SIZE;
		fifo->count--;
	}
	pthread_cond_signal(&fifo->changed);
	pthread_mutex_unlock(&fifo->lock);
	return n;
}

bool fifo_is_empty(struct fifo *fifo)
{
	bool empty;

	pthread_mutex_lock(&fifo->lock);
	empty = !fifo->count;
	pthread_mutex_unlock(&fifo->lock);
	return empty;
}

void fifo_close(struct fifo *fifo)
{
	pthread_mutex_lock(&fifo->lock);
	fifo->closed = true;
	pthread_cond_broadcast(&fifo->changed);
	pthread_mutex_unlock(&fifo->lock);
}
