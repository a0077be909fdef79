/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptor tables. Numbers are found by bitmap, files by array; both grow by doubling.
 *
 * A task that is alone with its table reads it without lock and without counting the file: nobody
 * can close the descriptor before its system call ends (fd_get_light()). The table's spinlock
 * covers every change, and reads of a shared table. It is never taken in interrupts.
 */
#include "linux/fs/fd.h"

#include <linux/close_range.h>
#include <linux/errno.h>
#include <linux/fcntl.h>

#include "lib/bitmap.h"
#include "lib/bits.h"
#include "lib/string.h"
#include "linux/fs/inode.h"
#include "linux/fs/lock.h"
#include "linux/ipc/pipe.h"
#include "linux/syscalls.h"
#include "linux/process/task.h"
#include "mm/slab.h"

#define FD_SIZE_MIN 64

static struct fd_table *table_current(void)
{
	return task_current()->process->fds;
}

/* ---- making, growing, dropping ---- */

struct fd_arrays {
	struct file **files;
	uint64_t *used, *cloexec;
};

static void arrays_free(struct fd_arrays *a)
{
	kfree(a->files);
	kfree(a->used);
	kfree(a->cloexec);
}

static int arrays_alloc(struct fd_arrays *a, unsigned size)
{
	a->files = kcalloc(size, sizeof(a->files[0]));
	a->used = kcalloc(BITMAP_WORDS(size), sizeof(uint64_t));
	a->cloexec = kcalloc(BITMAP_WORDS(size), sizeof(uint64_t));
	if (a->files && a->used && a->cloexec)
		return 0;
	arrays_free(a);
	return -ENOMEM;
}

static struct fd_table *table_of_size(unsigned size, unsigned limit)
{
	struct fd_table *t = kzalloc(sizeof(*t));
	struct fd_arrays a;

	if (!t)
		return NULL;
	if (arrays_alloc(&a, size)) {
		kfree(t);
		return NULL;
	}
	atomic_init(&t->refs, 1);
	atomic_init(&t->holds, 1);
	t->size = size;
	t->limit = limit;
	t->files = a.files;
	t->used = a.used;
	t->cloexec = a.cloexec;
	return t;
}

struct fd_table *fd_table_create(void)
{
	return table_of_size(FD_SIZE_MIN, FD_LIMIT_DEFAULT);
}

static void table_free(struct fd_table *t)
{
	arrays_free(&(struct fd_arrays){ t->files, t->used, t->cloexec });
	kfree(t);
}

struct fd_table *fd_table_clone(struct fd_table *from)
{
	for (;;) {
		unsigned size = __atomic_load_n(&from->size, __ATOMIC_RELAXED);
		struct fd_table *t = table_of_size(size, from->limit);

		if (!t)
			return NULL;
		spin_lock(&from->lock);
		if (from->size == size) {
			memcpy(t->files, from->files, size * sizeof(t->files[0]));
			memcpy(t->used, from->used, size / 8);
			memcpy(t->cloexec, from->cloexec, size / 8);
			for (unsigned fd = 0; fd < size; fd++)
				if (t->files[fd])
					file_get(t->files[fd]);
			spin_unlock(&from->lock);
			return t;
		}
		/* it has grown since we looked */
		spin_unlock(&from->lock);
		table_free(t);
	}
}

void fd_table_release(struct fd_table *t)
{
	/* acq_rel: the last one sees what the others did to the table */
	if (atomic_fetch_sub_explicit(&t->holds, 1, memory_order_acq_rel) == 1)
		table_free(t);
}

/* Make room for number fd. */
static int table_grow(struct fd_table *t, unsigned fd)
{
	unsigned size = FD_SIZE_MIN;
	struct fd_arrays a, old;

	while (size <= fd)
		size *= 2;
	if (arrays_alloc(&a, size))
		return -ENOMEM;
	spin_lock(&t->lock);
	if (t->size >= size) {
		spin_unlock(&t->lock);
		arrays_free(&a);
		return 0;
	}
	memcpy(a.files, t->files, t->size * sizeof(a.files[0]));
	memcpy(a.used, t->used, t->size / 8);
	memcpy(a.cloexec, t->cloexec, t->size / 8);
	old = (struct fd_arrays){ t->files, t->used, t->cloexec };
	t->files = a.files;
	t->used = a.used;
	t->cloexec = a.cloexec;
	t->size = size;
	spin_unlock(&t->lock);
	arrays_free(&old);
	return 0;
}

/* ---- looking up ---- */

struct file *fd_table_file(struct fd_table *t, unsigned fd)
{
	return fd_table_get_file(t, fd);
}

int fd_table_inode(struct fd_table *t, unsigned fd, struct inode **out)
{
	const struct file *f;
	int err;

	spin_lock(&t->lock);
	f = fd_table_at(t, fd);
	err = !f ? -ENOENT : f->inode ? 0 : -ENXIO;
	if (!err)
		*out = inode_get(f->inode);
	spin_unlock(&t->lock);
	return err;
}

struct pipe *fd_table_pipe(struct fd_table *t, unsigned fd)
{
	const struct file *f;
	struct pipe *p;

	spin_lock(&t->lock);
	f = fd_table_at(t, fd);
	p = f ? pipe_hold(f) : NULL;
	spin_unlock(&t->lock);
	return p;
}

unsigned fd_table_next(struct fd_table *t, unsigned from)
{
	unsigned fd = FD_MAX;

	spin_lock(&t->lock);
	if (from < t->size)
		fd = bitmap_next_set(t->used, t->size, from);
	if (fd >= t->size)
		fd = FD_MAX;
	spin_unlock(&t->lock);
	return fd;
}

struct file *fd_get_any(int fd)
{
	return fd_table_file(table_current(), (unsigned)fd);
}

struct file *fd_get(int fd)
{
	struct file *f = fd_get_any(fd);

	if (!f || !(f->flags & O_PATH))
		return f;
	file_put(f);
	return NULL;
}

struct fd_light fd_get_light_any(int fd)
{
	struct fd_light light = fd_borrow(fd);

	light.counted &= light.file != NULL;
	return light;
}

struct fd_light fd_get_light(int fd)
{
	struct fd_light light = fd_get_light_any(fd);

	if (light.file && light.file->flags & O_PATH) {
		fd_put_light(light);
		return (struct fd_light){ 0 };
	}
	return light;
}

/* ---- numbers ---- */

static void table_set(struct fd_table *t, unsigned fd, struct file *f, bool cloexec)
{
	t->files[fd] = f;
	bitmap_set(t->used, fd);
	if (cloexec)
		bitmap_set(t->cloexec, fd);
	else
		bitmap_clear(t->cloexec, fd);
}

/* The lowest free number at or after from gets f. */
static int install_from(struct fd_table *t, struct file *f, unsigned from, bool cloexec)
{
	for (;;) {
		unsigned fd;

		spin_lock(&t->lock);
		fd = from < t->size ? bitmap_next_clear(t->used, t->size, from) : from;
		if (fd >= t->limit) {
			spin_unlock(&t->lock);
			return -EMFILE;
		}
		if (fd < t->size) {
			table_set(t, fd, f, cloexec);
			spin_unlock(&t->lock);
			return (int)fd;
		}
		spin_unlock(&t->lock);
		if (table_grow(t, fd))
			return -ENOMEM;
	}
}

int fd_install(struct file *f, bool cloexec)
{
	return install_from(table_current(), f, 0, cloexec);
}

/* Take the file of a number out of the table; NULL: there is none. */
static struct file *table_remove(struct fd_table *t, unsigned fd)
{
	struct file *f;

	spin_lock(&t->lock);
	f = fd_table_at(t, fd);
	if (f) {
		t->files[fd] = NULL;
		bitmap_clear(t->used, fd);
		bitmap_clear(t->cloexec, fd);
	}
	spin_unlock(&t->lock);
	return f;
}

/* A number of the table stands for f no more. */
static void closed(struct fd_table *t, struct file *f)
{
	lock_closed(t, f);
	file_put(f);
}

int fd_close(int fd)
{
	struct file *f = table_remove(table_current(), (unsigned)fd);

	if (!f)
		return -EBADF;
	closed(table_current(), f);
	return 0;
}

void fd_table_exec(struct fd_table *t)
{
	for (unsigned fd = 0; fd < t->size; fd++) {
		struct file *f = bitmap_test(t->cloexec, fd) ? table_remove(t, fd) : NULL;

		if (f)
			closed(t, f);
	}
}

void fd_table_set_limit(struct fd_table *t, unsigned limit)
{
	spin_lock(&t->lock);
	t->limit = min(limit, (unsigned)FD_MAX);
	spin_unlock(&t->lock);
}

void fd_table_put(struct fd_table *t)
{
	struct file *f;

	/* acq_rel: the last one sees what the others did to the table */
	if (atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1)
		return;
	lock_owner_gone(t);
	for (unsigned fd = fd_table_next(t, 0); fd < FD_MAX; fd = fd_table_next(t, fd + 1)) {
		f = table_remove(t, fd);
		if (f)
			file_put(f);
	}
	fd_table_release(t);
}

/* ---- system calls ---- */

long sys_close(struct trapframe *tf)
{
	return fd_close((int)tf->x[0]);
}

static void set_cloexec(struct fd_table *t, unsigned fd, bool on)
{
	spin_lock(&t->lock);
	if (fd_table_at(t, fd)) {
		if (on)
			bitmap_set(t->cloexec, fd);
		else
			bitmap_clear(t->cloexec, fd);
	}
	spin_unlock(&t->lock);
}

/* CLOSE_RANGE_UNSHARE gives the task a table of its own first, which this kernel does for none that
 * shares one. */
long sys_close_range(struct trapframe *tf)
{
	struct fd_table *t = table_current();
	unsigned first = (unsigned)tf->x[0], last = (unsigned)tf->x[1], flags = (unsigned)tf->x[2];

	if (first > last || (flags & ~(CLOSE_RANGE_CLOEXEC | CLOSE_RANGE_UNSHARE)) ||
	    (flags & CLOSE_RANGE_UNSHARE && fd_table_shared(t)))
		return -EINVAL;
	for (unsigned fd = fd_table_next(t, first); fd <= last && fd < FD_MAX;
	     fd = fd_table_next(t, fd + 1)) {
		if (flags & CLOSE_RANGE_CLOEXEC)
			set_cloexec(t, fd, true);
		else
			fd_close((int)fd);
	}
	return 0;
}

/* Another number, from `from` up, for the file of fd. */
static long duplicate(int fd, unsigned from, bool cloexec)
{
	struct file *f = fd_get_any(fd);
	int copy;

	if (!f)
		return -EBADF;
	copy = install_from(table_current(), f, from, cloexec);
	if (copy < 0)
		file_put(f);
	return copy;
}

long sys_dup(struct trapframe *tf)
{
	return duplicate((int)tf->x[0], 0, false);
}

/* f takes the place of whatever number `to` stands for; the reference goes with it. */
static int install_at(struct fd_table *t, struct file *f, unsigned to, bool cloexec)
{
	struct file *old;

	if (to >= t->limit)
		return -EBADF;
	if (to >= t->size && table_grow(t, to))
		return -ENOMEM;
	spin_lock(&t->lock);
	old = t->files[to];
	table_set(t, to, f, cloexec);
	spin_unlock(&t->lock);
	if (old)
		closed(t, old);
	return 0;
}

long sys_dup3(struct trapframe *tf)
{
	int from = (int)tf->x[0], to = (int)tf->x[1], err;
	uint32_t flags = (uint32_t)tf->x[2];
	struct file *f;

	if ((flags & ~O_CLOEXEC) || from == to)
		return -EINVAL;
	if ((unsigned)to >= table_current()->limit)
		return -EBADF;
	f = fd_get_any(from);
	if (!f)
		return -EBADF;
	err = install_at(table_current(), f, (unsigned)to, flags & O_CLOEXEC);
	if (err)
		file_put(f);
	return err ? err : to;
}

long fd_duplicate_from(int fd, uint64_t from, bool cloexec)
{
	if (from >= table_current()->limit)
		return -EINVAL;
	return duplicate(fd, (unsigned)from, cloexec);
}

int fd_cloexec(int fd)
{
	struct fd_table *t = table_current();
	int on = -EBADF;

	spin_lock(&t->lock);
	if (fd_table_at(t, (unsigned)fd))
		on = bitmap_test(t->cloexec, (unsigned)fd);
	spin_unlock(&t->lock);
	return on;
}

void fd_set_cloexec(int fd, bool on)
{
	set_cloexec(table_current(), (unsigned)fd, on);
}
