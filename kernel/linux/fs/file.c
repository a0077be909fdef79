/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Open files: their life, read, write and ioctl. Numbers are in fd.c, the bytes' way to the program
 * in iter.c, readv and its kin in file_vector.c, everything else one can ask of a file in fcntl.c.
 *
 * A file's position is covered by its pos_lock; a call that is alone with the file (uncounted
 * descriptor, one reference) does without.
 */
#include "linux/fs/file.h"

#include <asm/ioctls.h>
#include <linux/fcntl.h>

#include "arch/usercopy.h"
#include "lib/bits.h"
#include "linux/ipc/epoll.h"
#include "linux/fs/fd.h"
#include "linux/fs/inode.h"
#include "linux/fs/lock.h"
#include "linux/syscalls.h"
#include "mm/page.h"
#include "mm/slab.h"

struct file *file_create(const struct file_ops *ops, void *data, uint32_t flags)
{
	struct file *f = page_scarce(0) ? NULL : kzalloc(sizeof(*f));

	if (!f)
		return NULL;
	atomic_init(&f->refs, 1);
	f->flags = flags;
	f->ops = ops;
	f->data = data;
	mutex_init(&f->pos_lock);
	list_init(&f->watches);
	return f;
}

void file_put(struct file *f)
{
	file_put_inline(f);
}

void file_gone(struct file *f)
{
	lock_owner_gone(f);
	if (!list_empty(&f->watches))
		epoll_file_gone(f);
	if (f->ops && f->ops->release)
		f->ops->release(f);
	if (f->inode)
		inode_put(f->inode);
	kfree(f);
}

/* ---- reading and writing ---- */

static bool mode_reads(const struct file *f)
{
	return (f->flags & O_ACCMODE) != O_WRONLY && !(f->flags & O_PATH);
}

static bool mode_writes(const struct file *f)
{
	return (f->flags & O_ACCMODE) != O_RDONLY && !(f->flags & O_PATH);
}

ssize_t file_read(struct file *f, struct iter *to, loff_t *pos)
{
	ssize_t n;

	if (!mode_reads(f))
		return -EBADF;
	if (!f->ops->read)
		return f->inode && (f->inode->mode & S_IFMT) == S_IFDIR ? -EISDIR : -EINVAL;
	if (pos || !f->ops->seek)
		return f->ops->read(f, to, pos ? pos : &(loff_t){ 0 });
	if (atomic_load_explicit(&f->refs, memory_order_relaxed) == 1)
		return f->ops->read(f, to, &f->pos);
	mutex_lock(&f->pos_lock);
	n = f->ops->read(f, to, &f->pos);
	mutex_unlock(&f->pos_lock);
	return n;
}

ssize_t file_write(struct file *f, struct iter *from, loff_t *pos)
{
	ssize_t n;

	if (!mode_writes(f))
		return -EBADF;
	if (!f->ops->write)
		return -EINVAL;
	if (pos || !f->ops->seek)
		return f->ops->write(f, from, pos ? pos : &(loff_t){ 0 });
	if (atomic_load_explicit(&f->refs, memory_order_relaxed) == 1)
		return f->ops->write(f, from, &f->pos);
	mutex_lock(&f->pos_lock);
	n = f->ops->write(f, from, &f->pos);
	mutex_unlock(&f->pos_lock);
	return n;
}

ssize_t file_read_kernel(struct file *f, void *to, size_t size, loff_t pos)
{
	size_t done = 0;

	while (done < size) {
		struct iter it;
		ssize_t n;

		iter_kernel(&it, (uint8_t *)to + done, size - done);
		n = file_read(f, &it, &pos);
		if (n < 0)
			return n;
		if (!n)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

/* read() and write(); pread() and pwrite() with pos. */
static inline __attribute__((always_inline)) long transfer(struct trapframe *tf, transfer_fn fn,
							   loff_t *pos)
{
	struct fd_light fd = fd_borrow((int)tf->x[0]);
	uint64_t va = tf->x[1], size = tf->x[2];
	long n = -EBADF;

	if (!fd.file)
		return -EBADF;
	if (pos && !fd.file->ops->seek) {
		n = -ESPIPE;
	} else if (pos && *pos > INT64_MAX - (loff_t)min(size, RW_MAX)) {
		n = -EINVAL;
	} else if (!user_range_ok(va, size)) {
		n = -EFAULT;
	} else {
		struct iter it;

		iter_user(&it, va, min(size, RW_MAX));
		n = fn(fd.file, &it, pos);
	}
	fd_give_back(fd);
	return n;
}

static __attribute__((noinline)) long transfer_or_at(struct trapframe *tf, transfer_fn fn,
						     loff_t *pos)
{
	return transfer(tf, fn, pos);
}

long sys_read(struct trapframe *tf)
{
	return transfer_or_at(tf, file_read, NULL);
}

long sys_write(struct trapframe *tf)
{
	return transfer(tf, file_write, NULL);
}

static long transfer_at(struct trapframe *tf, transfer_fn fn)
{
	loff_t pos = (loff_t)tf->x[3];

	return pos < 0 ? -EINVAL : transfer_or_at(tf, fn, &pos);
}

long sys_pread64(struct trapframe *tf)
{
	return transfer_at(tf, file_read);
}

long sys_pwrite64(struct trapframe *tf)
{
	return transfer_at(tf, file_write);
}

/* ---- ioctl ---- */

static inline __attribute__((always_inline)) long ioctl(struct file *f, struct trapframe *tf)
{
	unsigned cmd = (unsigned)tf->x[1];

	if (_IOC_TYPE(cmd) == _IOC_TYPE(FIONBIO))
		return file_ioctl_common((int)tf->x[0], f, cmd, tf->x[2]);
	return f->ops->ioctl ? f->ops->ioctl(f, cmd, tf->x[2]) : -ENOTTY;
}

/* In a table that other tasks may change meanwhile. */
static __attribute__((noinline)) long ioctl_counted(struct fd_table *t, struct trapframe *tf)
{
	struct file *f = fd_table_get_file(t, (unsigned)tf->x[0]);
	long result;

	if (!f)
		return -EBADF;
	result = ioctl(f, tf);
	file_put_inline(f);
	return result;
}

long sys_ioctl(struct trapframe *tf)
{
	struct fd_table *t = task_current()->process->fds;
	struct file *f;

	if (fd_table_shared(t))
		return ioctl_counted(t, tf);
	f = fd_table_at(t, (unsigned)tf->x[0]);
	return f ? ioctl(f, tf) : -EBADF;
}
