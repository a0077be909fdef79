/* SPDX-License-Identifier: BSD-2-Clause */
/* Channels of bytes with a reading and a writing end: pipes, and each direction of a socket. */
#pragma once

#include <linux/fcntl.h>

#include "linux/fs/file.h"

struct pipe {
	struct mutex lock; /* covers all of it but the queues */
	uint8_t **pages;   /* NULL: not written yet */
	unsigned page_count;
	uint64_t head, tail; /* bytes ever written, ever read */
	unsigned readers, writers;
	unsigned holds;		/* of sockets and FIFOs: they keep it until they are closed */
	_Atomic unsigned users; /* readers, writers and holds: the last one to leave frees it */
	struct wait_queue read_queue, write_queue;
};

struct pipe *pipe_create(void);		/* no ends yet. NULL: no memory */
struct pipe *pipe_create_sockets(void); /* its ends are two sockets', which both hold it */
void pipe_destroy(struct pipe *p);	/* one that nobody has joined, or NULL */
/* One more end or hold. HOLDS(lock), or nobody else has the pipe yet */
void pipe_join(struct pipe *p, unsigned *end);
/* An end (p->readers or p->writers) or a hold is given up; the last one frees the pipe. */
void pipe_leave(struct pipe *p, unsigned *end);

/* Bytes, 0 when nobody writes any more, -EAGAIN, -EFAULT, -ERESTARTSYS. */
ssize_t pipe_take(struct pipe *p, struct iter *to, bool nonblocking);
/* Bytes, or as above; -EPIPE if nobody reads any more, with SIGPIPE if signal. */
ssize_t pipe_give(struct pipe *p, struct iter *from, bool nonblocking, bool signal);
/* The same as operations of a file whose data is the pipe. */
ssize_t pipe_read(struct file *f, struct iter *to, loff_t *pos);
ssize_t pipe_write(struct file *f, struct iter *from, loff_t *pos);
/* POLL* bits of each end, without joining its queue. */
uint32_t pipe_read_ready(const struct pipe *p);
uint32_t pipe_write_ready(const struct pipe *p);
/* Which ends a file of a pipe or FIFO is. */
static inline bool pipe_reads(const struct file *f)
{
	return (f->flags & O_ACCMODE) != O_WRONLY;
}
static inline bool pipe_writes(const struct file *f)
{
	return (f->flags & O_ACCMODE) != O_RDONLY;
}
uint32_t pipe_poll(struct file *f, struct poll_table *table);
/* Of either end: FIONREAD, F_GETPIPE_SZ and F_SETPIPE_SZ. */
long pipe_ioctl(struct file *f, unsigned cmd, uint64_t arg);
long pipe_fcntl(struct file *f, unsigned cmd, uint64_t arg);
size_t pipe_used(const struct pipe *p);

/* A way to open an end of a file's pipe once more: first the pipe, counted, any context; NULL: it
 * is none. Then an inode for it, which takes the count over. NULL: no memory. */
struct pipe *pipe_hold(const struct file *f);
struct inode *pipe_inode(struct pipe *p);
