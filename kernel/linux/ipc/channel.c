/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages between sockets (linux/ipc/channel.h, man 7 unix). A message is made by who sends it and
 * freed by who receives it, or with the channel; files are let go outside of the lock.
 */
#include "linux/ipc/channel.h"

#include <asm/poll.h>
#include <linux/errno.h>

#include "arch/usercopy.h"
#include "lib/bits.h"
#include "linux/signal/signal.h"
#include "mm/slab.h"

#define CHANNEL_MOST 212992u /* bytes that may wait: net.core.wmem_default */

struct message *message_new(size_t size)
{
	struct message *m = size > CHANNEL_MOST ? NULL : kmalloc(sizeof(*m) + size);

	if (m) {
		*m = (struct message){ .size = size };
		list_init(&m->link);
	}
	return m;
}

void message_free(struct message *m)
{
	if (!m)
		return;
	for (unsigned i = 0; i < m->count; i++)
		if (m->files[i])
			file_put(m->files[i]);
	kfree(m->files);
	kfree(m);
}

struct channel *channel_create(void)
{
	struct channel *c = kzalloc(sizeof(*c));

	if (!c)
		return NULL;
	c->refs = 1;
	mutex_init(&c->lock);
	list_init(&c->messages);
	wait_queue_init(&c->read_queue);
	wait_queue_init(&c->write_queue);
	return c;
}

static void drop_all(struct channel *c)
{
	struct message *m;

	do {
		mutex_lock(&c->lock);
		m = list_empty(&c->messages) ? NULL
					     : list_first(&c->messages, struct message, link);
		if (m)
			list_remove(&m->link);
		mutex_unlock(&c->lock);
		message_free(m);
	} while (m);
}

void channel_put(struct channel *c)
{
	/* acq_rel: the last one sees what the others did */
	if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
		return;
	drop_all(c);
	kfree(c);
}

void channel_end(struct channel *c, bool deaf, bool silent)
{
	mutex_lock(&c->lock);
	c->deaf |= deaf;
	c->silent |= silent;
	mutex_unlock(&c->lock);
	if (deaf)
		drop_all(c);
	wake_up(&c->read_queue, 0);
	wake_up(&c->write_queue, 0);
}

static bool has_room(struct channel *c, size_t size)
{
	size_t bytes = __atomic_load_n(&c->bytes, __ATOMIC_RELAXED);

	return !bytes || bytes + size <= CHANNEL_MOST;
}

static bool is_deaf(struct channel *c)
{
	return __atomic_load_n(&c->deaf, __ATOMIC_RELAXED);
}

/* HOLDS(lock) */
static void append(struct channel *c, struct message *m)
{
	list_append(&c->messages, &m->link);
	/* an empty one takes room, too */
	__atomic_store_n(&c->bytes, c->bytes + m->size + sizeof(*m), __ATOMIC_RELAXED);
}

/* HOLDS(lock) */
static void take(struct channel *c, struct message *m)
{
	list_remove(&m->link);
	__atomic_store_n(&c->bytes, c->bytes - m->size - sizeof(*m), __ATOMIC_RELAXED);
}

int channel_send(struct channel *c, struct message *m, bool nonblocking)
{
	int err = -EAGAIN;

	while (err == -EAGAIN) {
		mutex_lock(&c->lock);
		if (c->deaf) {
			err = -ECONNREFUSED;
		} else if (has_room(c, m->size)) {
			append(c, m);
			err = 0;
		}
		mutex_unlock(&c->lock);
		if (err != -EAGAIN || nonblocking)
			break;
		if (wait_event_interruptible(&c->write_queue, has_room(c, m->size) || is_deaf(c)))
			err = -ERESTARTSYS;
	}
	if (!err)
		wake_up(&c->read_queue, POLLIN | POLLRDNORM);
	return err;
}

/* HOLDS(lock); messages is not empty */
static ssize_t deliver(struct channel *c, struct iter *to, struct unix_io *io)
{
	struct message *m = list_first(&c->messages, struct message, link);
	size_t n = min(m->size, iter_left(to));

	if (iter_put(to, m->data, n))
		return -EFAULT;
	io->from = m->from;
	io->whole = m->size;
	if (!io->peek) {
		take(c, m);
		io->message = m;
	}
	return (ssize_t)n;
}

ssize_t channel_receive(struct channel *c, struct iter *to, struct unix_io *io)
{
	ssize_t n = -EAGAIN;

	while (n == -EAGAIN) {
		mutex_lock(&c->lock);
		if (!list_empty(&c->messages))
			n = deliver(c, to, io);
		else if (c->silent || c->deaf)
			n = 0;
		mutex_unlock(&c->lock);
		if (n != -EAGAIN || io->nonblocking)
			break;
		if (wait_event_interruptible(&c->read_queue, channel_read_ready(c)))
			n = -ERESTARTSYS;
	}
	if (io->message)
		wake_up(&c->write_queue, POLLOUT | POLLWRNORM);
	return n;
}

void channel_add(struct channel *c, struct message *m)
{
	mutex_lock(&c->lock);
	append(c, m);
	mutex_unlock(&c->lock);
}

bool channel_remove(struct channel *c, struct message *m)
{
	struct message *other;
	bool found = false;

	mutex_lock(&c->lock);
	list_for_each(other, &c->messages, link)
		found |= other == m;
	if (found)
		take(c, m);
	mutex_unlock(&c->lock);
	return found;
}

struct message *channel_due(struct channel *c, uint64_t at, size_t *limit)
{
	struct message *m, *due = NULL;

	*limit = SIZE_MAX;
	mutex_lock(&c->lock);
	if (!list_empty(&c->messages)) {
		m = list_first(&c->messages, struct message, link);
		if (m->at <= at) {
			take(c, m);
			due = m;
			m = list_empty(&c->messages)
				    ? NULL
				    : list_first(&c->messages, struct message, link);
		}
		if (m && m->at > at)
			*limit = m->at - at;
	}
	mutex_unlock(&c->lock);
	return due;
}

uint32_t channel_read_ready(struct channel *c)
{
	bool ended = __atomic_load_n(&c->silent, __ATOMIC_RELAXED) || is_deaf(c);

	return (__atomic_load_n(&c->bytes, __ATOMIC_RELAXED) || ended ? POLLIN | POLLRDNORM : 0) |
	       (ended ? POLLRDHUP : 0);
}

uint32_t channel_write_ready(struct channel *c)
{
	return (has_room(c, 0) ? POLLOUT | POLLWRNORM : 0) |
	       (is_deaf(c) ? POLLOUT | POLLWRNORM : 0);
}

size_t channel_first_size(struct channel *c)
{
	size_t size = 0;

	mutex_lock(&c->lock);
	if (!list_empty(&c->messages))
		size = list_first(&c->messages, struct message, link)->size;
	mutex_unlock(&c->lock);
	return size;
}
