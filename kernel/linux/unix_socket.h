/* SPDX-License-Identifier: BSD-2-Clause */
/* Stream sockets between programs of this machine (man 7 unix), for the calls in linux/socket.c. */
#pragma once

#include <linux/un.h>

#include "linux/pipe.h"

/* What lies in sun_path: a path, or with a zero byte first an abstract name. length 0: no name. */
struct unix_name {
	uint32_t length; /* without the NUL of a path */
	char path[UNIX_PATH_MAX + 1];
};

struct unix_socket;

/* A file that is a new socket, or the two ends of a connection. -ENOMEM. */
int unix_create(uint32_t flags, struct file **out);
int unix_pair(uint32_t flags, struct file *out[2]);
/* The socket of a file; NULL: it is none. */
struct unix_socket *unix_of(struct file *f);

int unix_bind(struct unix_socket *s, const struct unix_name *name);
int unix_listen(struct unix_socket *s, unsigned backlog);
int unix_connect(struct unix_socket *s, const struct unix_name *name, bool nonblocking);
int unix_accept(struct unix_socket *s, uint32_t flags, bool nonblocking, struct file **out,
		struct unix_name *peer);
void unix_shutdown(struct unix_socket *s, bool reading, bool writing);
/* Bytes, 0 at the end, or as pipe_take() and pipe_give(); -ENOTCONN. */
ssize_t unix_receive(struct unix_socket *s, struct iter *to, bool nonblocking);
ssize_t unix_send(struct unix_socket *s, struct iter *from, bool nonblocking, bool signal);
int unix_name_of(struct unix_socket *s, bool peer, struct unix_name *out); /* -ENOTCONN */
bool unix_listening(const struct unix_socket *s);
