/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Locks on files that programs take to agree among themselves: record locks (man 2 fcntl), whose
 * owner is a table of descriptors (a process) or, for F_OFD_*, an open file; and flock(2), whose
 * owner is an open file. The two kinds do not see each other. There are few, so all of them stand
 * in one list; locks_lock covers it. Who waits for one waits for any to go and tries again: nobody
 * looks for circles of waiters (EDEADLK).
 */
#include "linux/fs/lock.h"

#include <linux/errno.h>
#include <linux/fcntl.h>

#include "arch/usercopy.h"
#include "lib/bits.h"
#include "linux/fs/inode.h"
#include "linux/signal/signal.h"
#include "linux/syscalls.h"
#include "linux/process/task.h"
#include "linux/fs/uapi_fs.h"
#include "mm/slab.h"

#define OFFSET_LAST INT64_MAX

struct lock {
	struct list link;
	const void *owner;
	const void *object; /* what is locked: an inode, or what stands for it */
	bool whole;	    /* flock() */
	short type;	    /* F_RDLCK, F_WRLCK, F_UNLCK */
	int pid;	    /* of F_GETLK; -1: F_OFD_* */
	loff_t start, last;
};

_Atomic unsigned lock_count; /* relaxed: who must see a lock took it himself */
static struct mutex locks_lock = { .waiters = WAIT_QUEUE_INIT(locks_lock.waiters) };
static struct list locks = LIST_INIT(locks);
static struct wait_queue gone = WAIT_QUEUE_INIT(gone); /* some lock was given up: */
static _Atomic unsigned goings;			       /* how often; before the wake */

static void tell_waiters(void)
{
	atomic_fetch_add_explicit(&goings, 1, memory_order_relaxed);
	wake_up(&gone, 0);
}

static const void *object_of(const struct file *f)
{
	return f->inode ? (const void *)f->inode : f->data;
}

static void lock_add(struct lock *l)
{
	list_append(&locks, &l->link);
	atomic_fetch_add_explicit(&lock_count, 1, memory_order_relaxed);
}

static void lock_remove(struct lock *l)
{
	list_remove(&l->link);
	kfree(l);
	atomic_fetch_sub_explicit(&lock_count, 1, memory_order_relaxed);
}

static bool overlaps(const struct lock *a, const struct lock *b)
{
	return a->object == b->object && a->whole == b->whole && a->start <= b->last &&
	       b->start <= a->last;
}

/* Who stands in the way of `wanted`; NULL: nobody. HOLDS(locks_lock) */
static struct lock *conflict(const struct lock *wanted)
{
	struct lock *l;

	list_for_each(l, &locks, link)
		if (overlaps(l, wanted) && l->owner != wanted->owner &&
		    (l->type == F_WRLCK || wanted->type == F_WRLCK))
			return l;
	return NULL;
}

/* Take [start, last] of `hole` out of what its owner holds. spare becomes the upper part of a lock
 * that is cut in two; whether it was used. HOLDS(locks_lock) */
static bool carve(const struct lock *hole, struct lock *spare)
{
	struct lock *l, *next;
	bool used = false;

	list_for_each_safe(l, next, &locks, link)
	{
		if (!overlaps(l, hole) || l->owner != hole->owner)
			continue;
		if (l->start < hole->start && l->last > hole->last) {
			*spare = *l;
			spare->start = hole->last + 1;
			l->last = hole->start - 1;
			lock_add(spare);
			used = true;
		} else if (l->start < hole->start) {
			l->last = hole->start - 1;
		} else if (l->last > hole->last) {
			l->start = hole->last + 1;
		} else {
			lock_remove(l);
		}
	}
	return used;
}

/* Set or give up, without waiting. -EAGAIN: somebody is in the way. */
static int lock_try(const struct lock *wanted)
{
	struct lock *new = kmalloc(sizeof(*new)), *spare = kmalloc(sizeof(*spare));
	int err = new &&spare ? 0 : -ENOLCK;

	mutex_lock(&locks_lock);
	if (!err && wanted->type != F_UNLCK && conflict(wanted))
		err = -EAGAIN;
	if (!err) {
		if (carve(wanted, spare))
			spare = NULL;
		if (wanted->type != F_UNLCK) {
			*new = *wanted;
			lock_add(new);
			new = NULL;
		}
	}
	mutex_unlock(&locks_lock);
	kfree(new);
	kfree(spare);
	if (!err)
		tell_waiters(); /* a write lock may have become a read lock */
	return err;
}

static long lock_set(const struct lock *wanted, bool wait)
{
	for (;;) {
		unsigned before = atomic_load_explicit(&goings, memory_order_relaxed);
		int err = lock_try(wanted);

		if (err != -EAGAIN || !wait)
			return err;
		if (wait_event_interruptible(
			    &gone, atomic_load_explicit(&goings, memory_order_relaxed) != before))
			return -ERESTARTSYS;
	}
}

void lock_drop(const void *owner, const struct file *f)
{
	struct lock *l, *next;

	mutex_lock(&locks_lock);
	list_for_each_safe(l, next, &locks,
			   link) if (l->owner == owner && (!f || l->object == object_of(f)))
		lock_remove(l);
	mutex_unlock(&locks_lock);
	tell_waiters();
}

/* ---- fcntl ---- */

/* The range of a struct flock, from where the file stands. */
static int range(const struct file *f, const struct flock *fl, struct lock *l)
{
	loff_t base = fl->l_whence == SEEK_CUR ? f->pos : 0;

	if (fl->l_whence == SEEK_END)
		base = f->inode ? (loff_t)f->inode->size : 0;
	else if (fl->l_whence != SEEK_SET && fl->l_whence != SEEK_CUR)
		return -EINVAL;
	if (__builtin_add_overflow(base, fl->l_start, &l->start))
		return -EOVERFLOW;
	l->last = OFFSET_LAST;
	if (fl->l_len > 0 && __builtin_add_overflow(l->start, fl->l_len - 1, &l->last))
		return -EOVERFLOW;
	if (fl->l_len < 0) {
		l->last = l->start - 1;
		l->start += fl->l_len;
	}
	return l->start < 0 ? -EINVAL : 0;
}

static long lock_get(const struct lock *wanted, struct flock *fl, uint64_t user)
{
	struct lock *l;

	if (wanted->type == F_UNLCK)
		return -EINVAL;
	mutex_lock(&locks_lock);
	l = conflict(wanted);
	fl->l_type = F_UNLCK;
	if (l)
		*fl = (struct flock){ l->type, SEEK_SET, l->start,
				      l->last == OFFSET_LAST ? 0 : l->last - l->start + 1, l->pid };
	mutex_unlock(&locks_lock);
	return put_user(*fl, user);
}

/* man 2 fcntl: a lock for reading needs a file that can be read. */
static int may_lock(const struct file *f, short type)
{
	uint32_t mode = f->flags & O_ACCMODE;

	if (type == F_UNLCK)
		return 0;
	if (type != F_RDLCK && type != F_WRLCK)
		return -EINVAL;
	return mode == (type == F_RDLCK ? O_WRONLY : O_RDONLY) ? -EBADF : 0;
}

long lock_fcntl(struct file *f, unsigned cmd, uint64_t user)
{
	bool ofd = cmd >= F_OFD_GETLK;
	const struct process *p = task_current()->process;
	struct lock l = { .owner = ofd ? (void *)f : p->fds, .object = object_of(f) };
	struct flock fl;
	int err;

	if (f->flags & O_PATH)
		return -EBADF;
	if (get_user(fl, user))
		return -EFAULT;
	if (ofd && fl.l_pid)
		return -EINVAL;
	l.type = fl.l_type;
	l.pid = ofd ? -1 : p->pid;
	err = range(f, &fl, &l);
	if (err)
		return err;
	if (cmd == F_GETLK || cmd == F_OFD_GETLK)
		return lock_get(&l, &fl, user);
	err = may_lock(f, fl.l_type);
	return err ? err : lock_set(&l, cmd == F_SETLKW || cmd == F_OFD_SETLKW);
}

/* ---- flock ---- */

long sys_flock(struct trapframe *tf)
{
	struct fd_light fd = fd_get_light((int)tf->x[0]);
	unsigned how = (unsigned)tf->x[1];
	struct lock l = { .owner = fd.file, .whole = true, .last = OFFSET_LAST };
	long err = -EINVAL;

	if (!fd.file)
		return -EBADF;
	if (how & LOCK_MAND) { /* as Linux, which has no such locks any more and says yes */
		fd_put_light(fd);
		return 0;
	}
	l.object = object_of(fd.file);
	switch (how & ~(unsigned)LOCK_NB) {
	case LOCK_SH:
	case LOCK_EX:
	case LOCK_UN:
		l.type = how & LOCK_SH ? F_RDLCK : how & LOCK_EX ? F_WRLCK : F_UNLCK;
		err = lock_set(&l, !(how & LOCK_NB));
	}
	fd_put_light(fd);
	return err;
}
