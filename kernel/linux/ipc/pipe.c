/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The way of bytes through pipes (man 7 pipe): a ring in pages that come when they are first
 * written. pipe.lock covers all of it and is held while bytes are copied, so that what was written
 * in one piece of up to PIPE_BUF is never mixed with others. Their files are pipe_file.c's.
 */
#include "linux/ipc/pipe.h"

#include <asm/poll.h>
#include <linux/fcntl.h>
#include <linux/limits.h>

#include "arch/usercopy.h"
#include "lib/bits.h"
#include "linux/signal/signal.h"
#include "linux/process/task.h"
#include "mm/page.h"

size_t pipe_used(const struct pipe *p)
{
	return __atomic_load_n(&p->head, __ATOMIC_RELAXED) -
	       __atomic_load_n(&p->tail, __ATOMIC_RELAXED);
}

static size_t pipe_room(const struct pipe *p)
{
	return p->page_count * PAGE_SIZE - pipe_used(p);
}

static bool readable(const struct pipe *p)
{
	return pipe_used(p) || !__atomic_load_n(&p->writers, __ATOMIC_RELAXED);
}

/* Room for a piece of that size, whole if it must be; or an error to report. */
static bool writable(const struct pipe *p, size_t need)
{
	return pipe_room(p) >= need || !__atomic_load_n(&p->readers, __ATOMIC_RELAXED);
}

/* The page that holds that byte; NULL: no memory. HOLDS(lock) */
static uint8_t *page_at(struct pipe *p, uint64_t byte)
{
	uint8_t **page = &p->pages[byte / PAGE_SIZE % p->page_count];

	if (!*page)
		*page = page_alloc_user(0);
	return *page;
}

/* Bytes moved, whole pieces only: what lies in a piece that faults is not consumed, as in Linux.
 * -EFAULT: not even the first. HOLDS(lock) */
static ssize_t move_out(struct pipe *p, struct iter *to)
{
	size_t done = 0;

	while (pipe_used(p) && iter_left(to)) {
		size_t offset = p->tail & PAGE_MASK, left = iter_left(to);
		size_t n = min(pipe_used(p), (size_t)(PAGE_SIZE - offset));

		n = min(n, left);
		if (iter_put(to, page_at(p, p->tail) + offset, n))
			return done ? (ssize_t)done : -EFAULT;
		p->tail += n;
		done += n;
	}
	return (ssize_t)done;
}

/* The same the other way; -ENOMEM too. HOLDS(lock) */
static ssize_t move_in(struct pipe *p, struct iter *from)
{
	size_t done = 0;

	while (pipe_room(p) && iter_left(from)) {
		size_t offset = p->head & PAGE_MASK, left = iter_left(from);
		size_t n = min(pipe_room(p), (size_t)(PAGE_SIZE - offset));
		uint8_t *page = page_at(p, p->head);
		int err;

		n = min(n, left);
		err = page ? iter_get(from, page + offset, n) : -ENOMEM;
		if (err)
			return done ? (ssize_t)done : err;
		p->head += n;
		done += n;
	}
	return (ssize_t)done;
}

ssize_t pipe_take(struct pipe *p, struct iter *to, bool nonblocking)
{
	ssize_t n = 0;

	if (!iter_left(to))
		return 0;
	mutex_lock(&p->lock);
	while (!pipe_used(p) && p->writers && !n) {
		mutex_unlock(&p->lock);
		if (nonblocking)
			return -EAGAIN;
		n = wait_event_interruptible(&p->read_queue, readable(p)) ? -ERESTARTSYS : 0;
		mutex_lock(&p->lock);
	}
	if (!n)
		n = move_out(p, to);
	mutex_unlock(&p->lock);
	if (n > 0)
		wake_up(&p->write_queue, POLLOUT | POLLWRNORM);
	return n;
}

/* One turn of a write: bytes, 0 after a wait, or an error. HOLDS(lock) */
static ssize_t give_turn(struct pipe *p, struct iter *from, size_t need, bool nonblocking)
	HOLDS(p->lock)
{
	ssize_t n;

	if (!p->readers)
		return -EPIPE;
	if (pipe_room(p) >= need) {
		n = move_in(p, from);
		/* up to PIPE_BUF bytes go in together or not at all */
		if (n > 0 && (size_t)n < need) {
			p->head -= (size_t)n;
			n = -EFAULT;
		}
		/* under the lock, so that a reader may come while a long write goes on */
		wake_up(&p->read_queue, POLLIN | POLLRDNORM);
		return n;
	}
	if (nonblocking)
		return -EAGAIN;
	mutex_unlock(&p->lock);
	n = wait_event_interruptible(&p->write_queue, writable(p, need));
	mutex_lock(&p->lock);
	return n ? -ERESTARTSYS : 0;
}

ssize_t pipe_give(struct pipe *p, struct iter *from, bool nonblocking, bool signal)
{
	size_t need = iter_left(from) <= PIPE_BUF ? iter_left(from) : 1;
	ssize_t n = 0, done = 0;

	mutex_lock(&p->lock);
	while (iter_left(from) && n >= 0) {
		n = give_turn(p, from, need, nonblocking);
		done += n > 0 ? n : 0;
	}
	mutex_unlock(&p->lock);
	if (n == -EPIPE && signal)
		signal_send_task(task_current(), SIGPIPE);
	return done ? done : n;
}

ssize_t pipe_read(struct file *f, struct iter *to, loff_t *pos)
{
	(void)pos;
	return pipe_take(f->data, to, file_nonblocking(f));
}

ssize_t pipe_write(struct file *f, struct iter *from, loff_t *pos)
{
	(void)pos;
	return pipe_give(f->data, from, file_nonblocking(f), true);
}

uint32_t pipe_read_ready(const struct pipe *p)
{
	return (pipe_used(p) ? POLLIN | POLLRDNORM : 0) |
	       (__atomic_load_n(&p->writers, __ATOMIC_RELAXED) ? 0 : POLLHUP);
}

uint32_t pipe_write_ready(const struct pipe *p)
{
	return (pipe_room(p) >= PIPE_BUF ? POLLOUT | POLLWRNORM : 0) |
	       (__atomic_load_n(&p->readers, __ATOMIC_RELAXED) ? 0 : POLLERR);
}
