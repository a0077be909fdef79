/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptor tables. A table is shared by the tasks that hold a reference: one reference for each
 * task, so that a count of 1 means "nobody else can close this meanwhile".
 */
#pragma once

#include "arch/spinlock.h"
#include "linux/fs/file.h"
#include "linux/process/task.h"

#define FD_MAX		 65536 /* no table grows beyond */
#define FD_LIMIT_DEFAULT 1024  /* RLIMIT_NOFILE of the first program */

struct fd_table {
	_Atomic uint32_t refs; /* tasks that use it: the last one to leave closes all */
	_Atomic uint32_t
		holds; /* who keeps its memory: the users together, and those who look at it */
	struct spinlock
		lock;	/* covers what is below; a table of one task needs it only to change */
	unsigned size;	/* numbers the arrays have room for */
	unsigned limit; /* RLIMIT_NOFILE: new numbers are below it */
	struct file **files;
	uint64_t *used, *cloexec; /* bitmaps of size */
};

struct fd_table *fd_table_create(void);			/* empty, refs 1. NULL: no memory */
struct fd_table *fd_table_clone(struct fd_table *from); /* fork: the same files. NULL: no memory */
static inline struct fd_table *fd_table_get(struct fd_table *t)
{
	atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
	return t;
}
void fd_table_put(struct fd_table *t); /* the last one closes all. May sleep */
/* Who only looks at another process' table: the hold keeps the memory, not what is open. */
static inline struct fd_table *fd_table_hold(struct fd_table *t)
{
	atomic_fetch_add_explicit(&t->holds, 1, memory_order_relaxed);
	return t;
}
void fd_table_release(struct fd_table *t);
/* execve: close what is marked. The table is the caller's alone (clone it first if not). */
void fd_table_exec(struct fd_table *t);
/* RLIMIT_NOFILE; at most FD_MAX. */
void fd_table_set_limit(struct fd_table *t, unsigned limit);
/* A file of another process' table, for /proc/N/fd; one reference. NULL: none. */
struct file *fd_table_file(struct fd_table *t, unsigned fd);
static inline bool fd_table_shared(const struct fd_table *t)
{
	/* acquire: pairs with the release of the task that left the table */
	return atomic_load_explicit(&t->refs, memory_order_acquire) > 1;
}
/* Its file, uncounted; NULL: none. Locked, or the current task's own table and not shared. */
static inline struct file *fd_table_at(const struct fd_table *t, unsigned fd)
{
	return fd < t->size ? t->files[fd] : NULL;
}
/* Counted; NULL: none. */
static inline __attribute__((always_inline)) struct file *fd_table_get_file(struct fd_table *t,
									    unsigned fd)
{
	struct file *f;

	spin_lock(&t->lock);
	f = fd_table_at(t, fd);
	if (f)
		file_get(f);
	spin_unlock(&t->lock);
	return f;
}
/* The inode of such a file, one reference. -ENOENT: closed, -ENXIO: it is no path. */
int fd_table_inode(struct fd_table *t, unsigned fd, struct inode **out);
/* The pipe of such a file, held for pipe_inode(); NULL: it is none. */
struct pipe *fd_table_pipe(struct fd_table *t, unsigned fd);
/* The lowest used number at or after from; FD_MAX: none. */
unsigned fd_table_next(struct fd_table *t, unsigned from);

/* fd_get_light() and fd_put_light(), inline: for calls of which a bench counts the instructions. */
static inline __attribute__((always_inline)) struct fd_light fd_borrow(int fd)
{
	struct fd_table *t = task_current()->process->fds;

	if (!fd_table_shared(t))
		return (struct fd_light){ fd_table_at(t, (unsigned)fd), false };
	return (struct fd_light){ fd_table_get_file(t, (unsigned)fd), true };
}
static inline __attribute__((always_inline)) void fd_give_back(struct fd_light fd)
{
	if (fd.counted)
		file_put_inline(fd.file);
}

/* Of the current task, for fcntl(): */
long fd_duplicate_from(int fd, uint64_t from, bool cloexec); /* F_DUPFD */
int fd_cloexec(int fd);					     /* 0 or 1; -EBADF */
void fd_set_cloexec(int fd, bool on);
