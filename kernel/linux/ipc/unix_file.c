/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets as files: the way of bytes and messages into them and out again, and poll(). A stream's
 * bytes go through its pipes, messages and descriptors through the inbox of who receives them
 * (channel.c). What a socket is connected to stands in unix_socket.c.
 */
#include "linux/ipc/unix_socket.h"

#include <asm/ioctls.h>
#include <asm/poll.h>
#include <linux/fcntl.h>

#include "arch/usercopy.h"
#include "lib/bits.h"
#include "linux/ipc/unix_state.h"
#include "linux/fs/inode.h"
#include "linux/signal/signal.h"
#include "linux/process/task.h"

/* ---- bytes ---- */

static ssize_t receive_stream(struct unix_socket *s, struct iter *to, struct unix_io *io)
{
	size_t limit;

	if (!connected(s))
		return -EINVAL;
	if (!s->reads)
		return 0;
	/* what comes with the first byte is known only when that is there */
	if (!io->nonblocking && iter_left(to) &&
	    wait_event_interruptible(&s->in->read_queue, pipe_read_ready(s->in)))
		return -ERESTARTSYS;
	io->message =
		channel_due(s->inbox, __atomic_load_n(&s->in->tail, __ATOMIC_RELAXED), &limit);
	to->total = min(to->total, limit);
	return pipe_take(s->in, to, io->nonblocking);
}

ssize_t unix_receive(struct unix_socket *s, struct iter *to, struct unix_io *io)
{
	if (s->type == SOCK_STREAM)
		return receive_stream(s, to, io);
	if (s->type == SOCK_SEQPACKET && !connected(s))
		return -ENOTCONN;
	return channel_receive(s->inbox, to, io);
}

static ssize_t send_stream(struct unix_socket *s, struct iter *from, struct unix_io *io)
{
	struct message *m = io->message;
	ssize_t n;

	if (!connected(s))
		return -ENOTCONN;
	if (!s->writes)
		return -EPIPE;
	if (m) {
		m->at = __atomic_load_n(&s->out->head, __ATOMIC_RELAXED);
		channel_add(s->outbox, m);
	}
	n = pipe_give(s->out, from, io->nonblocking, false);
	if (n > 0 || (m && !channel_remove(s->outbox, m)))
		io->message = NULL; /* it goes with the bytes */
	return n;
}

/* Where a message goes to, one reference. */
static int find_outbox(struct unix_socket *s, const struct unix_name *to, struct channel **out)
{
	struct inode *inode = NULL;
	int err = !to || is_abstract(to) ? 0 : unix_find_inode(to, &inode);
	struct unix_socket *peer;

	if (err)
		return err;
	mutex_lock(&unix_lock);
	peer = to ? unix_bound_find(inode, to, s->type) : NULL;
	*out = to ? (peer ? peer->inbox : NULL) : s->outbox;
	if (!s->writes)
		err = -EPIPE;
	else if (!*out)
		err = to ? -ECONNREFUSED : -ENOTCONN;
	else if (peer && peer->type != s->type)
		err = -EPROTOTYPE;
	else
		channel_get(*out);
	mutex_unlock(&unix_lock);
	if (inode)
		inode_put(inode);
	return err;
}

/* A message of all that is in from. Its descriptors come from another one that was made for them.
 */
static int compose(struct unix_socket *s, struct iter *from, struct message *files,
		   struct message **out)
{
	struct message *m = message_new(iter_left(from));

	if (!m)
		return -EMSGSIZE;
	if (iter_get(from, m->data, iter_left(from))) {
		message_free(m);
		return -EFAULT;
	}
	m->from = s->name;
	if (files) {
		m->files = files->files;
		m->count = files->count;
		files->count = 0;
		files->files = NULL;
	}
	*out = m;
	return 0;
}

static ssize_t send_message(struct unix_socket *s, struct iter *from, struct unix_io *io)
{
	ssize_t size = (ssize_t)iter_left(from);
	struct channel *to;
	struct message *m;
	int err = find_outbox(s, s->type == SOCK_DGRAM ? io->to : NULL, &to);

	if (err)
		return err;
	err = compose(s, from, io->message, &m);
	if (!err) {
		err = channel_send(to, m, io->nonblocking);
		if (err)
			message_free(m);
	}
	channel_put(to);
	if (err == -ECONNREFUSED && s->type == SOCK_SEQPACKET)
		err = -EPIPE;
	return err ? err : size;
}

ssize_t unix_send(struct unix_socket *s, struct iter *from, struct unix_io *io)
{
	ssize_t n = s->type == SOCK_STREAM ? send_stream(s, from, io) : send_message(s, from, io);

	if (n == -EPIPE && io->signal && s->type == SOCK_STREAM)
		signal_send_task(task_current(), SIGPIPE);
	return n;
}

/* ---- the file ---- */

static ssize_t unix_read(struct file *f, struct iter *to, loff_t *pos)
{
	struct unix_io io = { .nonblocking = file_nonblocking(f) };
	ssize_t n = unix_receive(f->data, to, &io);

	(void)pos;
	message_free(io.message); /* with what comes along */
	return n;
}

static ssize_t unix_write(struct file *f, struct iter *from, loff_t *pos)
{
	struct unix_io io = { .nonblocking = file_nonblocking(f), .signal = true };

	(void)pos;
	return unix_send(f->data, from, &io);
}

static uint32_t poll_connected(struct unix_socket *s, struct poll_table *table)
{
	uint32_t in, out, ready;

	poll_wait(table, &s->in->read_queue);
	poll_wait(table, &s->out->write_queue);
	in = pipe_read_ready(s->in);
	out = pipe_write_ready(s->out);
	ready = (in & ~POLLHUP) | (out & ~POLLERR);
	if ((in & POLLHUP) || !s->reads) /* the other side writes no more: a read ends at once */
		ready |= POLLIN | POLLRDNORM | POLLRDHUP;
	if (out & POLLERR)
		ready |= POLLOUT | POLLWRNORM | (in & POLLHUP);
	return ready;
}

static uint32_t poll_messages(struct unix_socket *s, struct poll_table *table)
{
	uint32_t ready;

	poll_wait(table, &s->inbox->read_queue);
	ready = channel_read_ready(s->inbox);
	if (!s->outbox)
		return ready | POLLOUT | POLLWRNORM;
	poll_wait(table, &s->outbox->write_queue);
	ready |= channel_write_ready(s->outbox);
	if (s->type == SOCK_SEQPACKET && ready & POLLRDHUP && s->outbox->deaf)
		ready |= POLLHUP;
	return ready;
}

static uint32_t unix_poll(struct file *f, struct poll_table *table)
{
	struct unix_socket *s = f->data;

	if (s->type == SOCK_DGRAM || (s->type != SOCK_STREAM && connected(s)))
		return poll_messages(s, table);
	if (connected(s))
		return poll_connected(s, table);
	poll_wait(table, &s->queue);
	if (unix_listening(s))
		return list_empty(&s->waiting) ? 0 : POLLIN | POLLRDNORM;
	return POLLOUT | POLLWRNORM | POLLHUP;
}

static long unix_ioctl(struct file *f, unsigned cmd, uint64_t arg)
{
	struct unix_socket *s = f->data;

	if (cmd != FIONREAD)
		return -ENOTTY;
	if (s->type != SOCK_STREAM)
		return put_user((int)channel_first_size(s->inbox), arg);
	return connected(s) ? put_user((int)pipe_used(s->in), arg) : -EINVAL;
}

static int unix_stat(struct file *f, struct stat *st)
{
	*st = (struct stat){
		.st_ino = (uint64_t)(uintptr_t)f->data & UINT32_MAX,
		.st_mode = S_IFSOCK | 0777,
		.st_nlink = 1,
		.st_blksize = PAGE_SIZE,
	};
	return 0;
}

const struct file_ops unix_ops = {
	.read = unix_read,
	.write = unix_write,
	.poll = unix_poll,
	.ioctl = unix_ioctl,
	.stat = unix_stat,
	.release = unix_release,
};
