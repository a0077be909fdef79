/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * FIFOs (man 7 fifo): a name for a pipe. The pipe comes with the first open and goes with the last
 * close, and what nobody has read goes with it. inode.lock covers which pipe it is; each open file,
 * and each open that still waits for the other end, is one of the pipe's holds.
 */
#include "linux/fs/inode.h"
#include "linux/ipc/pipe.h"
#include "linux/fs/ramfs.h"
#include "linux/signal/signal.h"
#include "mm/slab.h"

struct fifo {
	struct inode inode;
	struct pipe *pipe;	     /* NULL: nobody has it open. inode.lock */
	unsigned readings, writings; /* opens of each kind since it came. inode.lock */
};

static struct fifo *fifo_of(const struct inode *inode)
{
	return container_of(inode, struct fifo, inode);
}

/* One hold less; the last one takes the pipe along. */
static void drop_hold(struct fifo *fifo, struct pipe *p)
{
	mutex_lock(&fifo->inode.lock);
	if (p->holds == 1)
		fifo->pipe = NULL;
	pipe_leave(p, &p->holds);
	mutex_unlock(&fifo->inode.lock);
}

static void leave(struct fifo *fifo, struct file *f)
{
	struct pipe *p = f->data;

	if (pipe_reads(f))
		pipe_leave(p, &p->readers);
	if (pipe_writes(f))
		pipe_leave(p, &p->writers);
	drop_hold(fifo, p);
}

static void fifo_release(struct file *f)
{
	leave(fifo_of(f->inode), f);
}

static const struct file_ops fifo_ops = {
	.read = pipe_read,
	.write = pipe_write,
	.poll = pipe_poll,
	.ioctl = pipe_ioctl,
	.fcntl = pipe_fcntl,
	.release = fifo_release,
};

/* Count the file as an end of the pipe; -ENXIO: it may not wait and nobody reads (man 7 fifo).
 * HOLDS(inode.lock) */
static int enter(struct fifo *fifo, struct file *f)
{
	struct pipe *p = fifo->pipe;
	int err = 0;

	mutex_lock(&p->lock);
	if (!pipe_reads(f) && file_nonblocking(f) && !p->readers) {
		err = -ENXIO;
	} else {
		if (pipe_reads(f))
			pipe_join(p, &p->readers);
		if (pipe_writes(f))
			pipe_join(p, &p->writers);
		fifo->readings += pipe_reads(f);
		fifo->writings += pipe_writes(f);
	}
	mutex_unlock(&p->lock);
	return err;
}

/* The other end has been opened since: it may have gone again meanwhile. */
static bool met(const struct fifo *fifo, const struct file *f, unsigned before)
{
	const struct pipe *p = f->data;

	if (pipe_reads(f))
		return __atomic_load_n(&p->writers, __ATOMIC_RELAXED) ||
		       __atomic_load_n(&fifo->writings, __ATOMIC_RELAXED) != before;
	return __atomic_load_n(&p->readers, __ATOMIC_RELAXED) ||
	       __atomic_load_n(&fifo->readings, __ATOMIC_RELAXED) != before;
}

/* Wait for the other end, as open() does without O_NONBLOCK. */
static int meet(struct fifo *fifo, struct file *f, unsigned before)
{
	struct pipe *p = f->data;
	struct wait_queue *queue = pipe_reads(f) ? &p->read_queue : &p->write_queue;

	wake_up(&p->read_queue, 0);
	wake_up(&p->write_queue, 0);
	if ((pipe_reads(f) && pipe_writes(f)) || file_nonblocking(f) || met(fifo, f, before))
		return 0;
	return wait_event_interruptible(queue, met(fifo, f, before)) ? -ERESTARTSYS : 0;
}

static int fifo_open(struct inode *inode, struct file *f)
{
	struct fifo *fifo = fifo_of(inode);
	unsigned before;
	int err = 0;

	mutex_lock(&inode->lock);
	if (!fifo->pipe)
		fifo->pipe = pipe_create();
	f->data = fifo->pipe;
	if (!f->data) {
		mutex_unlock(&inode->lock);
		return -ENOMEM;
	}
	pipe_join(fifo->pipe, &fifo->pipe->holds);
	before = pipe_reads(f) ? fifo->writings : fifo->readings;
	err = enter(fifo, f);
	mutex_unlock(&inode->lock);
	if (err) {
		drop_hold(fifo, f->data);
		return err;
	}
	err = meet(fifo, f, before);
	if (err)
		leave(fifo, f);
	else
		f->ops = &fifo_ops;
	return err;
}

static void inode_release(struct inode *inode)
{
	kfree(fifo_of(inode));
}

static const struct inode_ops fifo_inode_ops = { .open = fifo_open, .release = inode_release };

struct inode *fifo_create(uint32_t mode)
{
	struct fifo *fifo = kzalloc(sizeof(*fifo));

	if (!fifo)
		return NULL;
	inode_init(&fifo->inode, &fifo_inode_ops, mode);
	return &fifo->inode;
}
