/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What waits at a socket in whole messages: datagrams, packets, and the descriptors that come with
 * a stream's bytes. Each socket has a channel as its inbox; those who send to it hold it.
 */
#pragma once

#include "linux/ipc/unix_socket.h"

struct message {
	struct list link;
	uint64_t at; /* of a stream: the byte it comes with, as pipe.head counts */
	size_t size;
	struct unix_name from;
	unsigned count;	     /* descriptors that come along */
	struct file **files; /* one reference each; NULL: taken */
	uint8_t data[];
};

struct channel {
	_Atomic uint32_t refs;
	struct mutex lock; /* covers the rest but the queues */
	struct list messages;
	size_t bytes;
	bool deaf;   /* its socket reads no more */
	bool silent; /* nobody sends any more */
	struct wait_queue read_queue, write_queue;
};

struct channel *channel_create(void); /* one reference. NULL: no memory */
static inline struct channel *channel_get(struct channel *c)
{
	atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
	return c;
}
void channel_put(struct channel *c); /* or NULL; the last one frees what still waits. May sleep */
/* Nobody reads, or nobody sends any more. Who waits learns it. */
void channel_end(struct channel *c, bool deaf, bool silent);
/* 0; -ECONNREFUSED: deaf; -EAGAIN, -ERESTARTSYS. Not 0: m stays the caller's. */
int channel_send(struct channel *c, struct message *m, bool nonblocking);
/* The first message fills to, and is io->message, or with io->peek stays; io->from and io->whole
 * tell of it. Bytes, 0 too if it is silent; -EAGAIN, -EFAULT, -ERESTARTSYS. */
ssize_t channel_receive(struct channel *c, struct iter *to, struct unix_io *io);
/* Of a stream: put m there without waiting, and take it back (false: it has been received). */
void channel_add(struct channel *c, struct message *m);
bool channel_remove(struct channel *c, struct message *m);
/* Of a stream of which `at` bytes have been read: what comes with the next one, NULL: nothing. At
 * most *limit bytes may be read with it. */
struct message *channel_due(struct channel *c, uint64_t at, size_t *limit);
uint32_t channel_read_ready(struct channel *c);
uint32_t channel_write_ready(struct channel *c);
size_t channel_first_size(struct channel *c);
