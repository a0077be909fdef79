/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sending to sockets and receiving from them (man 2 send, recv), with what comes along: the
 * sender's address and descriptors (SCM_RIGHTS). Sockets are not passed, so that none can wait in
 * its own inbox for ever (Linux looks for such circles now and then).
 */
#include <asm/socket.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/uio.h>

#include "arch/usercopy.h"
#include "lib/bits.h"
#include "linux/ipc/channel.h"
#include "linux/ipc/socket_calls.h"
#include "linux/syscalls.h"
#include "mm/slab.h"

/* No UAPI header has these (man 2 send, recv; man 7 unix). */
#define MSG_PEEK	 0x2
#define MSG_CTRUNC	 0x8
#define MSG_TRUNC	 0x20
#define MSG_DONTWAIT	 0x40
#define MSG_EOR		 0x80
#define MSG_NOSIGNAL	 0x4000
#define MSG_CMSG_CLOEXEC 0x40000000
#define SCM_RIGHTS	 1
#define SCM_CREDENTIALS	 2
#define SCM_MOST	 253  /* descriptors at once */
#define CONTROL_MOST	 4096 /* bytes of control data */
#define VECTOR_MOST	 16   /* segments of a message */

struct user_msghdr {
	uint64_t name;
	uint32_t name_length, padding;
	uint64_t vector, vector_count;
	uint64_t control, control_length;
	uint32_t flags;
};

struct control {
	uint64_t length; /* with this head */
	int level, type;
};

/* ---- what comes along ---- */

static int add_files(struct message *m, const int *fds, size_t count)
{
	if (m->count + count > SCM_MOST)
		return -EINVAL;
	for (size_t i = 0; i < count; i++) {
		struct file *f = fd_get_any(fds[i]);

		if (!f)
			return -EBADF;
		m->files[m->count++] = f;
		if (unix_of(f))
			return -ETOOMANYREFS;
	}
	return 0;
}

/* The control data of a message to be sent. */
static int parse_control(struct message *m, const uint8_t *data, uint64_t size)
{
	uint64_t step;
	int err = 0;

	for (uint64_t at = 0; !err && at + sizeof(struct control) <= size; at += step) {
		const struct control *c = (const void *)(data + at);

		if (c->length < sizeof(*c) || c->length > size - at)
			return -EINVAL;
		step = align_up(c->length, 8);
		if (c->level != SOL_SOCKET)
			continue;
		if (c->type == SCM_RIGHTS)
			err = add_files(m, (const int *)(c + 1),
					(c->length - sizeof(*c)) / sizeof(int));
		else if (c->type !=
			 SCM_CREDENTIALS) /* the kernel knows them: nobody else is here */
			err = -EINVAL;
	}
	return err;
}

static int control_from_user(const struct user_msghdr *h, struct message **out)
{
	struct message *m;
	uint8_t *data;
	int err;

	if (h->control_length > CONTROL_MOST)
		return -ENOBUFS;
	m = message_new(0);
	data = kmalloc(CONTROL_MOST);
	if (m)
		m->files = kcalloc(SCM_MOST, sizeof(*m->files));
	err = !m || !data || !m->files ? -ENOMEM
				       : copy_from_user(data, h->control, h->control_length);
	if (!err)
		err = parse_control(m, data, h->control_length);
	kfree(data);
	if (err || !m->count)
		message_free(m);
	else
		*out = m;
	return err;
}

/* Descriptors for as many files as there is room for: the rest is closed with the message. */
static int control_to_user(struct user_msghdr *h, struct message *m, uint32_t flags)
{
	struct control c = { .level = SOL_SOCKET, .type = SCM_RIGHTS };
	uint64_t room = h->control ? h->control_length : 0, most, n = 0;

	h->control_length = 0;
	if (!m || !m->count)
		return 0;
	most = room > sizeof(c) ? (room - sizeof(c)) / sizeof(int) : 0;
	for (; n < m->count && n < most; n++) {
		int fd = fd_install(m->files[n], flags & MSG_CMSG_CLOEXEC);

		if (fd < 0)
			break;
		m->files[n] = NULL;
		if (put_user(fd, h->control + sizeof(c) + n * sizeof(int)))
			return -EFAULT;
	}
	if (n < m->count)
		h->flags |= MSG_CTRUNC;
	if (!n)
		return 0;
	c.length = sizeof(c) + n * sizeof(int);
	h->control_length = min(align_up(c.length, 8), room);
	return put_user(c, h->control);
}

/* ---- sending ---- */

static ssize_t send(struct file *f, struct iter *it, uint32_t flags, struct unix_io *io)
{
	if (flags & ~(uint32_t)(MSG_DONTWAIT | MSG_NOSIGNAL | MSG_EOR | MSG_CMSG_CLOEXEC))
		return -EOPNOTSUPP;
	if (io->to && unix_type(f->data) == SOCK_STREAM)
		return -EISCONN;
	io->nonblocking = file_nonblocking(f) || (flags & MSG_DONTWAIT);
	io->signal = !(flags & MSG_NOSIGNAL);
	return unix_send(f->data, it, io);
}

long sys_sendto(struct trapframe *tf)
{
	struct unix_io io = { 0 };
	struct unix_socket *s;
	struct unix_name name;
	struct fd_light fd;
	struct iter it;
	long n = user_range_ok(tf->x[1], tf->x[2]) ? socket_get((int)tf->x[0], &fd, &s) : -EFAULT;

	if (n)
		return n;
	if (tf->x[4]) {
		n = socket_name_from_user(&name, tf->x[4], (uint32_t)tf->x[5]);
		io.to = &name;
	}
	iter_user(&it, tf->x[1], tf->x[2]);
	if (!n)
		n = send(fd.file, &it, (uint32_t)tf->x[3], &io);
	fd_put_light(fd);
	return n;
}

static int message_segments(const struct user_msghdr *h, struct iter_segment *segments)
{
	if (h->vector_count > VECTOR_MOST)
		return -EMSGSIZE;
	if (copy_from_user(segments, h->vector, h->vector_count * sizeof(*segments)))
		return -EFAULT;
	for (uint64_t i = 0; i < h->vector_count; i++)
		if (!user_range_ok(segments[i].base, segments[i].length))
			return -EFAULT;
	return 0;
}

/* The socket, the head and an iterator over its segments. */
static int message_get(struct trapframe *tf, struct fd_light *fd, struct user_msghdr *h,
		       struct iter_segment *segments, struct iter *it)
{
	struct unix_socket *s;
	int err = socket_get((int)tf->x[0], fd, &s);

	if (err)
		return err;
	err = get_user(*h, tf->x[1]);
	if (!err)
		err = message_segments(h, segments);
	if (err)
		fd_put_light(*fd);
	else
		iter_segments(it, segments, (unsigned)h->vector_count);
	return err;
}

long sys_sendmsg(struct trapframe *tf)
{
	struct iter_segment segments[VECTOR_MOST];
	struct unix_io io = { 0 };
	struct user_msghdr h;
	struct unix_name name;
	struct fd_light fd;
	struct iter it;
	long n = message_get(tf, &fd, &h, segments, &it);

	if (n)
		return n;
	if (h.name && h.name_length) {
		n = socket_name_from_user(&name, h.name, h.name_length);
		io.to = &name;
	}
	if (!n && h.control_length)
		n = control_from_user(&h, &io.message);
	if (!n)
		n = send(fd.file, &it, (uint32_t)tf->x[2], &io);
	message_free(io.message);
	fd_put_light(fd);
	return n;
}

/* ---- receiving ---- */

static ssize_t receive(struct file *f, struct iter *it, uint32_t flags, struct unix_io *io)
{
	bool stream = unix_type(f->data) == SOCK_STREAM;
	ssize_t n;

	if (flags & ~(uint32_t)(MSG_DONTWAIT | MSG_NOSIGNAL | MSG_CMSG_CLOEXEC |
				(stream ? 0 : MSG_PEEK | MSG_TRUNC)))
		return -EOPNOTSUPP;
	io->nonblocking = file_nonblocking(f) || (flags & MSG_DONTWAIT);
	io->peek = flags & MSG_PEEK;
	n = unix_receive(f->data, it, io);
	return n >= 0 && flags & MSG_TRUNC ? (ssize_t)io->whole : n;
}

long sys_recvfrom(struct trapframe *tf)
{
	struct unix_io io = { 0 };
	struct unix_socket *s;
	struct fd_light fd;
	struct iter it;
	long n = user_range_ok(tf->x[1], tf->x[2]) ? socket_get((int)tf->x[0], &fd, &s) : -EFAULT;

	if (n)
		return n;
	iter_user(&it, tf->x[1], tf->x[2]);
	n = receive(fd.file, &it, (uint32_t)tf->x[3], &io);
	message_free(io.message);
	fd_put_light(fd);
	if (n < 0 || !tf->x[4])
		return n;
	if (!io.from.length) /* man 7 unix: no name, and a stream gives none */
		return put_user((uint32_t)0, tf->x[5]) ? -EFAULT : n;
	return socket_name_to_user(&io.from, tf->x[4], tf->x[5]) ? -EFAULT : n;
}

long sys_recvmsg(struct trapframe *tf)
{
	struct iter_segment segments[VECTOR_MOST];
	uint64_t length_at = tf->x[1] + offsetof(struct user_msghdr, name_length);
	struct unix_io io = { 0 };
	struct user_msghdr h;
	struct fd_light fd;
	struct iter it;
	size_t room;
	long n = message_get(tf, &fd, &h, segments, &it);

	if (n)
		return n;
	room = iter_left(&it);
	n = receive(fd.file, &it, (uint32_t)tf->x[2], &io);
	h.flags = n >= 0 && io.whole > room ? MSG_TRUNC : 0;
	if (n >= 0 && control_to_user(&h, io.message, (uint32_t)tf->x[2]))
		n = -EFAULT;
	message_free(io.message);
	fd_put_light(fd);
	if (n < 0)
		return n;
	if (h.name && io.from.length) {
		if (socket_name_to_user(&io.from, h.name, length_at) ||
		    get_user(h.name_length, length_at))
			return -EFAULT;
	} else {
		h.name_length = 0;
	}
	return put_user(h, tf->x[1]) ? -EFAULT : n;
}
