/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The socket calls (man 7 socket), for the one family there is: AF_UNIX. Addresses are taken apart
 * here and messages in socket_message.c; what a socket is stands in unix_socket.c.
 */
#include <asm/socket.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/net.h>
#include <linux/socket.h>
#include <linux/uio.h>

#include "arch/usercopy.h"
#include "lib/bits.h"
#include "lib/string.h"
#include "linux/syscalls.h"
#include "linux/ipc/socket_calls.h"

/* No UAPI header has these (man 2 socket, send, shutdown). */
#define SOCK_TYPE     0xf
#define SOCK_CLOEXEC  O_CLOEXEC
#define SOCK_NONBLOCK O_NONBLOCK
#define SHUT_RDWR     2
#define SOCK_RAW      3 /* means datagrams here */

int socket_get(int number, struct fd_light *fd, struct unix_socket **s)
{
	*fd = fd_get_light(number);
	if (!fd->file)
		return -EBADF;
	*s = unix_of(fd->file);
	if (*s)
		return 0;
	fd_put_light(*fd);
	return -ENOTSOCK;
}

/* ---- addresses ---- */

int socket_name_from_user(struct unix_name *name, uint64_t user, uint64_t length)
{
	struct sockaddr_un address = { 0 };

	if (length > sizeof(address) || length <= sizeof(address.sun_family))
		return -EINVAL;
	if (copy_from_user(&address, user, length))
		return -EFAULT;
	if (address.sun_family != AF_UNIX)
		return -EINVAL;
	*name = (struct unix_name){ .length = (uint32_t)(length - sizeof(address.sun_family)) };
	memcpy(name->path, address.sun_path, name->length);
	if (name->path[0])
		name->length = (uint32_t)strlen(name->path);
	return 0;
}

/* man 2 accept: as much as there is room for, and the whole length. */
int socket_name_to_user(const struct unix_name *name, uint64_t user, uint64_t user_length)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	uint32_t whole = sizeof(address.sun_family) + name->length, room;

	if (name->length && name->path[0])
		whole++; /* the NUL */
	if (get_user(room, user_length))
		return -EFAULT;
	if ((int)room < 0)
		return -EINVAL;
	memcpy(address.sun_path, name->path, min(whole - 2, (uint32_t)sizeof(address.sun_path)));
	room = min(room, whole);
	if (room && copy_to_user(user, &address, min(room, (uint32_t)sizeof(address))))
		return -EFAULT;
	return put_user(whole, user_length);
}

/* ---- making and connecting ---- */

static int check_kind(int family, int type, int protocol)
{
	if (family != AF_UNIX)
		return -EAFNOSUPPORT;
	if (type & ~(SOCK_TYPE | SOCK_CLOEXEC | SOCK_NONBLOCK))
		return -EINVAL;
	switch (type & SOCK_TYPE) {
	case SOCK_STREAM:
	case SOCK_DGRAM:
	case SOCK_RAW:
	case SOCK_SEQPACKET:
		break;
	default:
		return -ESOCKTNOSUPPORT;
	}
	return protocol && protocol != AF_UNIX ? -EPROTONOSUPPORT : 0;
}

static int kind(uint32_t type)
{
	return (type & SOCK_TYPE) == SOCK_RAW ? SOCK_DGRAM : (int)(type & SOCK_TYPE);
}

static long install(struct file *f, uint32_t type)
{
	int fd = fd_install(f, type & SOCK_CLOEXEC);

	if (fd < 0)
		file_put(f);
	return fd;
}

long sys_socket(struct trapframe *tf)
{
	uint32_t type = (uint32_t)tf->x[1];
	struct file *f;
	int err = check_kind((int)tf->x[0], (int)type, (int)tf->x[2]);

	if (!err)
		err = unix_create(kind(type), type & SOCK_NONBLOCK, &f);
	return err ? err : install(f, type);
}

long sys_socketpair(struct trapframe *tf)
{
	uint32_t type = (uint32_t)tf->x[1];
	struct file *ends[2];
	int fds[2], err = check_kind((int)tf->x[0], (int)type, (int)tf->x[2]);

	if (!err)
		err = unix_pair(kind(type), type & SOCK_NONBLOCK, ends);
	if (err)
		return err;
	fds[0] = (int)install(ends[0], type);
	if (fds[0] < 0) {
		file_put(ends[1]);
		return fds[0];
	}
	fds[1] = (int)install(ends[1], type);
	if (fds[1] >= 0 && !copy_to_user(tf->x[3], fds, sizeof(fds)))
		return 0;
	fd_close(fds[0]);
	if (fds[1] >= 0)
		fd_close(fds[1]);
	return fds[1] < 0 ? fds[1] : -EFAULT;
}

long sys_bind(struct trapframe *tf)
{
	struct unix_socket *s;
	struct unix_name name;
	struct fd_light fd;
	int err = socket_get((int)tf->x[0], &fd, &s);

	if (err)
		return err;
	err = socket_name_from_user(&name, tf->x[1], (uint32_t)tf->x[2]);
	if (!err)
		err = unix_bind(s, &name);
	fd_put_light(fd);
	return err;
}

long sys_listen(struct trapframe *tf)
{
	struct unix_socket *s;
	struct fd_light fd;
	int err = socket_get((int)tf->x[0], &fd, &s);

	if (err)
		return err;
	err = unix_listen(s, (unsigned)tf->x[1]);
	fd_put_light(fd);
	return err;
}

long sys_connect(struct trapframe *tf)
{
	struct unix_socket *s;
	struct unix_name name;
	struct fd_light fd;
	int err = socket_get((int)tf->x[0], &fd, &s);

	if (err)
		return err;
	err = socket_name_from_user(&name, tf->x[1], (uint32_t)tf->x[2]);
	if (!err)
		err = unix_connect(s, &name, file_nonblocking(fd.file));
	fd_put_light(fd);
	return err;
}

static long accept(struct trapframe *tf, uint32_t type)
{
	struct unix_socket *s;
	struct unix_name peer;
	struct fd_light fd;
	struct file *f;
	int err = type & ~(SOCK_CLOEXEC | SOCK_NONBLOCK) ? -EINVAL
							 : socket_get((int)tf->x[0], &fd, &s);

	if (err)
		return err;
	err = unix_accept(s, type & SOCK_NONBLOCK, file_nonblocking(fd.file), &f, &peer);
	fd_put_light(fd);
	if (!err && tf->x[1]) {
		err = socket_name_to_user(&peer, tf->x[1], tf->x[2]);
		if (err)
			file_put(f);
	}
	return err ? err : install(f, type);
}

long sys_accept(struct trapframe *tf)
{
	return accept(tf, 0);
}

long sys_accept4(struct trapframe *tf)
{
	return accept(tf, (uint32_t)tf->x[3]);
}

static long get_name(struct trapframe *tf, bool peer)
{
	struct unix_socket *s;
	struct unix_name name;
	struct fd_light fd;
	int err = socket_get((int)tf->x[0], &fd, &s);

	if (err)
		return err;
	err = unix_name_of(s, peer, &name);
	fd_put_light(fd);
	return err ? err : socket_name_to_user(&name, tf->x[1], tf->x[2]);
}

long sys_getsockname(struct trapframe *tf)
{
	return get_name(tf, false);
}

long sys_getpeername(struct trapframe *tf)
{
	return get_name(tf, true);
}

long sys_shutdown(struct trapframe *tf)
{
	unsigned how = (unsigned)tf->x[1];
	struct unix_socket *s;
	struct fd_light fd;
	int err = socket_get((int)tf->x[0], &fd, &s);

	if (err)
		return err;
	/* 0: reading, 1: writing, 2: both */
	if (how > SHUT_RDWR)
		err = -EINVAL;
	else
		unix_shutdown(s, how != 1, how != 0);
	fd_put_light(fd);
	return err;
}

/* ---- options ---- */

static int option_value(const struct unix_socket *s, int level, int option, int *value)
{
	if (level != SOL_SOCKET)
		return -EOPNOTSUPP;
	switch (option) {
	case SO_TYPE:
		*value = unix_type(s);
		return 0;
	case SO_DOMAIN:
		*value = AF_UNIX;
		return 0;
	case SO_PROTOCOL:
	case SO_ERROR:
		*value = 0;
		return 0;
	case SO_ACCEPTCONN:
		*value = unix_listening(s);
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}

long sys_getsockopt(struct trapframe *tf)
{
	struct unix_socket *s;
	struct fd_light fd;
	uint32_t room, size = sizeof(int);
	int value[3] = { 0, 0, 0 }, err = socket_get((int)tf->x[0], &fd, &s);

	if (err)
		return err;
	if ((int)tf->x[1] == SOL_SOCKET && (int)tf->x[2] == SO_PEERCRED) {
		value[0] = unix_peer_pid(s); /* struct ucred; everybody is root */
		size = sizeof(value);
	} else {
		err = option_value(s, (int)tf->x[1], (int)tf->x[2], value);
	}
	fd_put_light(fd);
	if (err)
		return err;
	if (get_user(room, tf->x[4]))
		return -EFAULT;
	room = min(room, size);
	if (room && copy_to_user(tf->x[3], value, room))
		return -EFAULT;
	return put_user(room, tf->x[4]);
}

/* No option of SOL_SOCKET changes a stream between local programs; these are known and accepted. */
long sys_setsockopt(struct trapframe *tf)
{
	struct unix_socket *s;
	struct fd_light fd;
	int value, err = (int)tf->x[4] < 0 ? -EINVAL : socket_get((int)tf->x[0], &fd, &s);

	if (err)
		return err;
	fd_put_light(fd);
	if ((int)tf->x[1] != SOL_SOCKET)
		return -EOPNOTSUPP;
	if ((uint32_t)tf->x[4] < sizeof(value))
		return -EINVAL;
	if (get_user(value, tf->x[3]))
		return -EFAULT;
	switch ((int)tf->x[2]) {
	case SO_REUSEADDR:
	case SO_KEEPALIVE:
	case SO_SNDBUF:
	case SO_RCVBUF:
		return 0;
	default:
		return -ENOPROTOOPT;
	}
}
