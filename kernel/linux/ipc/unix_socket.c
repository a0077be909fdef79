/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets between programs of this machine (man 7 unix). A stream's connection is two pipes, one
 * for each direction; a socket reads one and writes the other. Packets and datagrams, and the
 * descriptors that come with a stream's bytes, go into the inbox of who receives them (channel.c).
 *
 * unix_lock covers states, names and waiting connections of all sockets; the bytes' way is the
 * pipes'. A socket holds its pipes until it is closed, so that a thread may sleep in one while
 * another shuts the connection down.
 */
#include "linux/ipc/unix_socket.h"

#include <asm/poll.h>
#include <linux/fcntl.h>
#include <linux/limits.h>

#include "lib/bits.h"
#include "lib/string.h"
#include "linux/ipc/unix_state.h"
#include "linux/fs/inode.h"
#include "linux/fs/ramfs.h"
#include "linux/process/task.h"
#include "mm/slab.h"

#define BACKLOG_MAX 4096u /* net.core.somaxconn */

struct mutex unix_lock = { .waiters = WAIT_QUEUE_INIT(unix_lock.waiters) };
static struct list bound = LIST_INIT(bound);
/* Connecting to a listener that is full: woken, and the number changed, when anything may be
 * different. */
static struct wait_queue room_queue = WAIT_QUEUE_INIT(room_queue);
static _Atomic uint32_t room_number;

struct unix_socket *unix_of(struct file *f)
{
	return f->ops == &unix_ops ? f->data : NULL;
}

/* ---- making and ending ---- */

static struct unix_socket *socket_new(int type)
{
	struct unix_socket *s = kzalloc(sizeof(*s));

	if (s)
		s->inbox = channel_create();
	if (!s || !s->inbox) {
		kfree(s);
		return NULL;
	}
	s->type = type;
	s->reads = s->writes = type != SOCK_STREAM;
	s->pid = task_current()->process->pid;
	list_init(&s->bound_link);
	list_init(&s->waiting);
	list_init(&s->waiting_link);
	wait_queue_init(&s->queue);
	return s;
}

/* Connect two new sockets. HOLDS(unix_lock), or nobody knows them yet */
static int join(struct unix_socket *a, struct unix_socket *b)
{
	if (a->type == SOCK_STREAM) {
		struct pipe *there = pipe_create_sockets(), *back = pipe_create_sockets();

		if (!there || !back) {
			pipe_destroy(there);
			pipe_destroy(back);
			return -ENOMEM;
		}
		a->out = b->in = there;
		a->in = b->out = back;
		a->reads = a->writes = b->reads = b->writes = true;
	}
	a->outbox = channel_get(b->inbox);
	b->outbox = channel_get(a->inbox);
	a->peer_pid = b->pid;
	b->peer_pid = a->pid;
	__atomic_store_n(&a->state, CONNECTED, __ATOMIC_RELEASE);
	__atomic_store_n(&b->state, CONNECTED, __ATOMIC_RELEASE);
	return 0;
}

/* HOLDS(unix_lock) */
static void shut(struct unix_socket *s, bool reading, bool writing)
{
	if (reading && s->reads) {
		s->reads = false;
		if (s->in)
			pipe_leave(s->in, &s->in->readers);
		else
			channel_end(s->inbox, true, false);
	}
	if (writing && s->writes) {
		s->writes = false;
		if (s->out)
			pipe_leave(s->out, &s->out->writers);
		else if (s->outbox && s->type == SOCK_SEQPACKET)
			channel_end(s->outbox, false, true);
	}
}

/* HOLDS(unix_lock) */
static void socket_end(struct unix_socket *s)
{
	list_remove(&s->bound_link);
	list_remove(&s->waiting_link);
	while (!list_empty(&s->waiting))
		socket_end(list_first(&s->waiting, struct unix_socket, waiting_link));
	shut(s, true, true);
	if (s->in) {
		pipe_leave(s->in, &s->in->holds);
		pipe_leave(s->out, &s->out->holds);
	}
	channel_put(s->inbox);
	channel_put(s->outbox);
	if (s->inode)
		inode_put(s->inode);
	kfree(s);
}

static void room_changed(void)
{
	atomic_fetch_add_explicit(&room_number, 1, memory_order_release);
	wake_up(&room_queue, 0);
}

void unix_release(struct file *f)
{
	mutex_lock(&unix_lock);
	socket_end(f->data);
	mutex_unlock(&unix_lock);
	room_changed();
}

/* Takes over s. */
static int socket_file(struct unix_socket *s, uint32_t flags, struct file **out)
{
	*out = file_create(&unix_ops, s, O_RDWR | flags);
	if (*out)
		return 0;
	mutex_lock(&unix_lock);
	socket_end(s);
	mutex_unlock(&unix_lock);
	return -ENOMEM;
}

int unix_create(int type, uint32_t flags, struct file **out)
{
	struct unix_socket *s = socket_new(type);

	return s ? socket_file(s, flags, out) : -ENOMEM;
}

int unix_type(const struct unix_socket *s)
{
	return s->type;
}

int unix_peer_pid(const struct unix_socket *s)
{
	return s->peer_pid;
}

int unix_pair(int type, uint32_t flags, struct file *out[2])
{
	int err = unix_create(type, flags, &out[0]);

	if (err)
		return err;
	err = unix_create(type, flags, &out[1]);
	if (!err) {
		err = join(out[0]->data, out[1]->data);
		if (err)
			file_put(out[1]);
	}
	if (err)
		file_put(out[0]);
	return err;
}

/* ---- names ---- */

struct unix_socket *unix_bound_find(const struct inode *inode, const struct unix_name *name,
				    int type)
{
	struct unix_socket *s;

	list_for_each(s, &bound, bound_link) {
		if (inode ? s->inode == inode
			  : !s->inode && s->type == type && s->name.length == name->length &&
				    !memcmp(s->name.path, name->path, name->length))
			return s;
	}
	return NULL;
}

/* A new socket inode at the path. */
static int make_inode(const char *name, struct inode **out)
{
	uint32_t umask =
		atomic_load_explicit(&task_current()->process->fs->umask, memory_order_relaxed);
	char *path = kmalloc(PATH_MAX);
	struct inode *inode = ramfs_create(S_IFSOCK | (0777 & ~umask), 0);
	struct walk w;
	int err = path && inode ? 0 : -ENOMEM;

	if (!err) {
		strlcpy(path, name, PATH_MAX);
		mutex_lock(&fs_lock);
		err = walk(&w, AT_FDCWD, path, WALK_NAME);
		if (!err) {
			err = w.inode ? -EEXIST : ramfs_link(w.dir, w.name, w.length, inode);
			walk_end(&w);
		}
		mutex_unlock(&fs_lock);
	}
	kfree(path);
	if (err && inode)
		inode_put(inode);
	*out = inode;
	return err == -EEXIST ? -EADDRINUSE : err;
}

/* HOLDS(unix_lock) */
static int bind_locked(struct unix_socket *s, const struct unix_name *name)
{
	int err = 0;

	if (s->name.length)
		return -EINVAL;
	if (!is_abstract(name))
		err = make_inode(name->path, &s->inode);
	else if (unix_bound_find(NULL, name, s->type))
		err = -EADDRINUSE;
	if (err) {
		s->inode = NULL;
		return err;
	}
	s->name = *name;
	list_append(&bound, &s->bound_link);
	return 0;
}

int unix_bind(struct unix_socket *s, const struct unix_name *name)
{
	int err;

	mutex_lock(&unix_lock);
	err = bind_locked(s, name);
	mutex_unlock(&unix_lock);
	return err;
}

int unix_name_of(struct unix_socket *s, bool peer, struct unix_name *out)
{
	int err = 0;

	mutex_lock(&unix_lock);
	if (peer && s->state != CONNECTED)
		err = -ENOTCONN;
	*out = peer ? s->peer_name : s->name;
	mutex_unlock(&unix_lock);
	return err;
}

/* ---- connecting ---- */

int unix_listen(struct unix_socket *s, unsigned backlog)
{
	int err = 0;

	mutex_lock(&unix_lock);
	if (s->type == SOCK_DGRAM)
		err = -EOPNOTSUPP;
	else if (s->state == CONNECTED || !s->name.length)
		err = -EINVAL;
	else
		s->state = LISTENING;
	s->waiting_most = min(backlog, BACKLOG_MAX) + 1;
	mutex_unlock(&unix_lock);
	return err;
}

bool unix_listening(const struct unix_socket *s)
{
	return __atomic_load_n(&s->state, __ATOMIC_ACQUIRE) == LISTENING;
}

/* Queue a connection from s at the listener l. -EAGAIN: it is full. HOLDS(unix_lock) */
static int enqueue(struct unix_socket *s, struct unix_socket *l)
{
	struct unix_socket *other;

	if (l->waiting_count >= l->waiting_most)
		return -EAGAIN;
	other = socket_new(l->type);
	if (!other)
		return -ENOMEM;
	other->pid = l->pid;
	if (join(s, other)) {
		socket_end(other);
		return -ENOMEM;
	}
	s->peer_name = other->name = l->name;
	other->peer_name = s->name;
	list_append(&l->waiting, &other->waiting_link);
	l->waiting_count++;
	wake_up(&l->queue, POLLIN | POLLRDNORM);
	return 0;
}

/* HOLDS(unix_lock) */
static int connect_locked(struct unix_socket *s, const struct inode *inode,
			  const struct unix_name *name)
{
	struct unix_socket *l = unix_bound_find(inode, name, s->type);

	if (l && l->type != s->type)
		return -EPROTOTYPE;
	if (!l || (l->state != LISTENING && s->type != SOCK_DGRAM))
		return -ECONNREFUSED;
	if (s->type == SOCK_DGRAM) { /* to another one, too */
		channel_put(s->outbox);
		s->outbox = channel_get(l->inbox);
		s->peer_name = l->name;
		s->peer_pid = l->pid;
		s->state = CONNECTED;
		return 0;
	}
	if (s->state != NEW)
		return s->state == CONNECTED ? -EISCONN : -EINVAL;
	return enqueue(s, l);
}

int unix_find_inode(const struct unix_name *name, struct inode **out)
{
	char *path = kmalloc(PATH_MAX);
	int err;

	if (!path)
		return -ENOMEM;
	strlcpy(path, name->path, PATH_MAX);
	err = path_inode(AT_FDCWD, path, WALK_FOLLOW, out);
	kfree(path);
	return err;
}

int unix_connect(struct unix_socket *s, const struct unix_name *name, bool nonblocking)
{
	struct inode *inode = NULL;
	int err = is_abstract(name) ? 0 : unix_find_inode(name, &inode);

	while (!err) {
		uint32_t number = atomic_load_explicit(&room_number, memory_order_acquire);

		mutex_lock(&unix_lock);
		err = connect_locked(s, inode, name);
		mutex_unlock(&unix_lock);
		if (err != -EAGAIN || nonblocking)
			break;
		err = wait_event_interruptible(
			&room_queue,
			atomic_load_explicit(&room_number, memory_order_acquire) != number);
		err = err ? -ERESTARTSYS : 0;
	}
	if (inode)
		inode_put(inode);
	return err;
}

/* The first waiting connection, off the list; NULL: none. HOLDS(unix_lock) */
static struct unix_socket *dequeue(struct unix_socket *l)
{
	struct unix_socket *s;

	if (list_empty(&l->waiting))
		return NULL;
	s = list_first(&l->waiting, struct unix_socket, waiting_link);
	list_remove(&s->waiting_link);
	l->waiting_count--;
	return s;
}

int unix_accept(struct unix_socket *s, uint32_t flags, bool nonblocking, struct file **out,
		struct unix_name *peer)
{
	struct unix_socket *other;

	if (!unix_listening(s))
		return -EINVAL;
	for (;;) {
		mutex_lock(&unix_lock);
		other = dequeue(s);
		mutex_unlock(&unix_lock);
		if (other)
			break;
		if (nonblocking)
			return -EAGAIN;
		if (wait_event_interruptible(&s->queue, !list_empty(&s->waiting)))
			return -ERESTARTSYS;
	}
	room_changed();
	*peer = other->peer_name;
	return socket_file(other, flags, out);
}

void unix_shutdown(struct unix_socket *s, bool reading, bool writing)
{
	mutex_lock(&unix_lock);
	shut(s, reading, writing); /* nothing to do without a connection */
	mutex_unlock(&unix_lock);
}
