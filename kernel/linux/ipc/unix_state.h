/* SPDX-License-Identifier: BSD-2-Clause */
/* What a socket is, for unix_socket.c and unix_file.c. */
#pragma once

#include "linux/ipc/channel.h"
#include "sched/mutex.h"

/* NEW to LISTENING or CONNECTED; neither of these changes any more, but a datagram socket may get
 * another peer. */
enum unix_state { NEW, LISTENING, CONNECTED };

struct unix_socket {
	enum unix_state state;
	int type, pid, peer_pid;	/* pid: who made it */
	struct channel *inbox, *outbox; /* its own; the peer's, once it has one */
	struct unix_name name, peer_name;
	struct inode *inode;	/* of a path it is bound to; counted */
	struct list bound_link; /* in bound, while it has a name */
	struct pipe *in, *out;	/* CONNECTED; held */
	bool reads, writes;	/* this end of the pipe has not been shut down */
	struct list waiting;	/* LISTENING: connections not yet accepted, by waiting_link */
	struct list waiting_link;
	unsigned waiting_count, waiting_most;
	struct wait_queue queue; /* who waits for a connection, and polls without one */
};

extern struct mutex unix_lock; /* covers states, names and waiting connections of all sockets */
extern const struct file_ops unix_ops;

static inline bool connected(const struct unix_socket *s)
{
	/* acquire: pairs with join(); the pipes are there */
	return __atomic_load_n(&s->state, __ATOMIC_ACQUIRE) == CONNECTED;
}

static inline bool is_abstract(const struct unix_name *name)
{
	return !name->path[0];
}

/* The bound socket of an inode or, if that is NULL, of an abstract name, which each type has for
 * itself. HOLDS(unix_lock) */
struct unix_socket *unix_bound_find(const struct inode *inode, const struct unix_name *name,
				    int type);
/* The inode at a name that is a path, one reference. */
int unix_find_inode(const struct unix_name *name, struct inode **out);
void unix_release(struct file *f);
