/* SPDX-License-Identifier: BSD-2-Clause */
/* Sockets between programs of this machine (man 7 unix), for the calls in linux/ipc/socket.c. */
#pragma once

#include <linux/un.h>

#include "linux/ipc/pipe.h"

/* What lies in sun_path: a path, or with a zero byte first an abstract name. length 0: no name. */
struct unix_name {
	uint32_t length; /* without the NUL of a path */
	char path[UNIX_PATH_MAX + 1];
};

/* No UAPI header has these (man 2 socket). */
#define SOCK_STREAM    1
#define SOCK_DGRAM     2
#define SOCK_SEQPACKET 5

struct unix_socket;
struct message;				  /* linux/ipc/channel.h */
struct message *message_new(size_t size); /* NULL: no memory, or too large */
void message_free(struct message *m);	  /* or NULL */

/* How one send or receive is to be done, and what comes along. */
struct unix_io {
	bool nonblocking, signal, peek;
	const struct unix_name *to; /* of a datagram; NULL: whom the socket is connected to */
	struct message *message;    /* descriptors; the caller's, if it is there after the call */
	struct unix_name from;	    /* received: whose the message was, */
	size_t whole;		    /* and its size */
};

/* A file that is a new socket, or the two ends of a connection. -ENOMEM. */
int unix_create(int type, uint32_t flags, struct file **out);
int unix_pair(int type, uint32_t flags, struct file *out[2]);
int unix_type(const struct unix_socket *s);
int unix_peer_pid(const struct unix_socket *s); /* who made it; 0: there is none */
/* The socket of a file; NULL: it is none. */
struct unix_socket *unix_of(struct file *f);

int unix_bind(struct unix_socket *s, const struct unix_name *name);
int unix_listen(struct unix_socket *s, unsigned backlog);
int unix_connect(struct unix_socket *s, const struct unix_name *name, bool nonblocking);
int unix_accept(struct unix_socket *s, uint32_t flags, bool nonblocking, struct file **out,
		struct unix_name *peer);
void unix_shutdown(struct unix_socket *s, bool reading, bool writing);
/* Bytes, 0 at the end, or as pipe_take(), pipe_give(), channel_send() and channel_receive();
 * -ENOTCONN. */
ssize_t unix_receive(struct unix_socket *s, struct iter *to, struct unix_io *io);
ssize_t unix_send(struct unix_socket *s, struct iter *from, struct unix_io *io);
int unix_name_of(struct unix_socket *s, bool peer, struct unix_name *out); /* -ENOTCONN */
bool unix_listening(const struct unix_socket *s);
