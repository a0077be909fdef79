/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Open files: what a descriptor names. Everything a program can open is a struct file with a table
 * of operations: kvm's VMs and vCPUs, eventfds, pipes, the tty, /proc, RAM files.
 */
#pragma once

#include <stdatomic.h>

#include "lib/list.h"
#include "lib/types.h"
#include "sched/mutex.h"
#include "sched/wait.h"

struct file;
struct vma;
struct space;
struct inode;
struct stat;
struct dirents;

/* A caller that wants to know when a file becomes ready: poll() adds an entry to each queue. */
struct poll_table {
	void (*add)(struct poll_table *table, struct wait_queue *queue);
};
static inline void poll_wait(struct poll_table *table, struct wait_queue *queue)
{
	if (table)
		table->add(table, queue);
}

/* Where bytes come from or go to: a program's memory or the kernel's (exec, tests). */
struct iter {
	bool user;
	union {
		uint64_t uva;
		uint8_t *kva;
	};
	size_t left;  /* of this segment */
	size_t total; /* of all */
	/* more segments (readv): the next ones */
	const struct iter_segment {
		uint64_t base, length; /* as struct iovec */
	} * segments;
	unsigned segment_count;
};
void iter_user(struct iter *it, uint64_t uva, size_t size);
void iter_kernel(struct iter *it, void *kva, size_t size);
/* Over count segments of user memory; they stay the caller's. */
void iter_segments(struct iter *it, const struct iter_segment *segments, unsigned count);
static inline size_t iter_left(const struct iter *it)
{
	return it->total;
}
/* Advance by size, at most iter_left(). 0; -EFAULT: advanced by what could be moved before. */
int iter_put(struct iter *it, const void *from, size_t size); /* a read() delivers */
int iter_get(struct iter *it, void *to, size_t size);	      /* a write() takes */
int iter_zero(struct iter *it, size_t size);		      /* zeros are delivered */
/* The same for 8 bytes. */
int iter_put_word(struct iter *it, uint64_t word);
int iter_get_word(struct iter *it, uint64_t *word);
/* How much has moved since iter_left() was start; err if nothing. */
static inline ssize_t iter_moved(const struct iter *it, size_t start, ssize_t err)
{
	return start != it->total ? (ssize_t)(start - it->total) : err;
}

struct file_ops {
	/* *pos is the file's position or pread's; bytes moved or -errno. May sleep. */
	ssize_t (*read)(struct file *f, struct iter *to, loff_t *pos);
	ssize_t (*write)(struct file *f, struct iter *from, loff_t *pos);
	loff_t (*seek)(struct file *f, loff_t offset, int whence); /* NULL: -ESPIPE */
	long (*ioctl)(struct file *f, unsigned cmd, uint64_t arg); /* NULL: -ENOTTY */
	/* POLL* bits ready now; adds its queues to table (NULL: only asks). NULL: always ready. */
	uint32_t (*poll)(struct file *f, struct poll_table *table);
	/* Fill in vma->ops / vma->file for a mapping; NULL: -ENODEV. */
	int (*mmap)(struct file *f, struct vma *vma);
	int (*fsync)(struct file *f);
	int (*stat)(struct file *f, struct stat *st);
	/* Add entries from f->pos on and advance it, until dirents_add() says no.
	 * HOLDS(f->pos_lock) */
	int (*readdir)(struct file *f, struct dirents *to);
	int (*truncate)(struct file *f, loff_t size);
	int (*fallocate)(struct file *f, unsigned mode, loff_t from, loff_t length);
	long (*fcntl)(struct file *f, unsigned cmd, uint64_t arg); /* NULL: -EINVAL */
	void (*release)(struct file *f); /* last reference gone. May sleep */
};

struct file {
	_Atomic uint32_t refs;
	uint32_t flags; /* O_* : access mode, O_APPEND, O_NONBLOCK */
	const struct file_ops *ops;
	void *data;	     /* the ops' own */
	struct inode *inode; /* of a path in the RAM file system, else NULL */
	loff_t pos;
	struct mutex pos_lock; /* covers pos for read(), write(), lseek() */
	struct list watches;   /* epoll items that watch this file; linux/ipc/epoll.c's lock */
};

/* A file that is no path ("anon inode"): refs 1. NULL: no memory. */
struct file *file_create(const struct file_ops *ops, void *data, uint32_t flags);
static inline struct file *file_get(struct file *f)
{
	atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed);
	return f;
}
void file_put(struct file *f);
void file_gone(struct file *f); /* the last reference has been given back */
static inline __attribute__((always_inline)) void file_put_inline(struct file *f)
{
	/* acq_rel: release() sees all that was done through the other references */
	if (atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel) == 1)
		file_gone(f);
}

#define RW_MAX 0x7ffff000ull /* bytes of one call, man 2 read */
/* By the rules of access mode and position; pos NULL: the file's own. Bytes or -errno. */
typedef ssize_t (*transfer_fn)(struct file *f, struct iter *it, loff_t *pos);
ssize_t file_read(struct file *f, struct iter *to, loff_t *pos);
ssize_t file_write(struct file *f, struct iter *from, loff_t *pos);
int file_stat(struct file *f, struct stat *st);
bool file_is_pipe(struct file *f); /* or a FIFO */
/* ioctl: the commands that mean the same for every file; others go to its operations. */
long file_ioctl_common(int fd, struct file *f, unsigned cmd, uint64_t arg);
static inline bool file_nonblocking(const struct file *f)
{
	return __atomic_load_n(&f->flags, __ATOMIC_RELAXED) & 04000; /* O_NONBLOCK */
}
/* The kernel's own reading: size bytes at pos; bytes read (fewer only at the end) or -errno. */
ssize_t file_read_kernel(struct file *f, void *to, size_t size, loff_t pos);

/* Descriptors of the current process (linux/fs/fd.h has the table itself). */
/* Takes a reference; NULL: -EBADF. What O_PATH has opened is an open file for fd_get_any() alone.
 */
struct file *fd_get(int fd);
struct file *fd_get_any(int fd);
/* Lowest free number for f (the table takes over the caller's reference on success); -EMFILE,
 * -ENOMEM. */
int fd_install(struct file *f, bool cloexec);
int fd_close(int fd);

/* A descriptor as a system call needs it for its own duration: uncounted if no other task can
 * close it meanwhile (Linux's fdget() rule). .file is NULL: -EBADF. Undone by fd_put_light(). */
struct fd_light {
	struct file *file;
	bool counted;
};
struct fd_light fd_get_light(int fd); /* not of O_PATH */
struct fd_light fd_get_light_any(int fd);
static inline void fd_put_light(struct fd_light fd)
{
	if (fd.counted)
		file_put(fd.file);
}

/* ---- eventfd, for irqfd and ioeventfd (linux/ipc/eventfd.c) ---- */
/* The eventfd of a descriptor, one reference; -EBADF, -EINVAL (not an eventfd). */
int eventfd_from_fd(int fd, struct file **out);
/* Add n to its counter and wake; any context. */
void eventfd_signal(struct file *eventfd, uint64_t n);
struct wait_queue *eventfd_queue(struct file *eventfd); /* irqfd adds its callback entry */
/* Counter -> 0; true if it was not 0. Wakes nobody. Any context; _locked: from a callback in the
 * queue. */
bool eventfd_take(struct file *eventfd);
bool eventfd_take_locked(struct file *eventfd);

/* ---- devices: /dev/NAME (linux/fs/devfs.c) ---- */
int devfs_register(const char *name, unsigned major, unsigned minor, bool block,
		   int (*open)(struct file *f), uint32_t mode);
/* ---- /proc/PATH made on each open by show() (linux/proc/procfs.c) ---- */
struct text; /* a growing buffer */
void text_printf(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int procfs_register(const char *path, void (*show)(struct text *t, void *arg), void *arg);
