/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading and writing in many segments (man 2 readv), and from file to file (man 2 sendfile). Each
 * ends in file_read() and file_write() of file.c, which know the rules of modes and positions.
 */
#include <linux/fcntl.h>
#include <linux/uio.h>

#include "arch/usercopy.h"
#include "lib/bits.h"
#include "linux/fs/inode.h"
#include "linux/syscalls.h"
#include "mm/page.h"
#include "mm/slab.h"
#include "sched/thread.h"

#define SEGMENTS_FEW 8 /* of readv() without allocation */

/* ---- many segments ---- */

_Static_assert(sizeof(struct iovec) == sizeof(struct iter_segment), "copied as they are");

/* The rules of readv(): each length fits a ssize_t, each range is the program's; the sum is cut. */
static int segments_check(struct iter_segment *segments, unsigned count)
{
	uint64_t room = RW_MAX;

	for (unsigned i = 0; i < count; i++) {
		struct iter_segment *s = &segments[i];

		if ((int64_t)s->length < 0)
			return -EINVAL;
		if (!user_range_ok(s->base, s->length))
			return -EFAULT;
		s->length = min(s->length, room);
		room -= s->length;
	}
	return 0;
}

static long transfer_segments(struct file *f, uint64_t user, unsigned count, transfer_fn fn,
			      loff_t *pos)
{
	struct iter_segment few[SEGMENTS_FEW], *segments = few;
	struct iter it;
	long n;

	if (count > UIO_MAXIOV)
		return -EINVAL;
	if (count > SEGMENTS_FEW)
		segments = kmalloc(count * sizeof(*segments));
	if (!segments)
		return -ENOMEM;
	n = copy_from_user(segments, user, count * sizeof(*segments));
	if (!n)
		n = segments_check(segments, count);
	if (!n) {
		iter_segments(&it, segments, count);
		n = pos && *pos > INT64_MAX - (loff_t)iter_left(&it) ? -EINVAL : fn(f, &it, pos);
	}
	if (segments != few)
		kfree(segments);
	return n;
}

static long transfer_vector(struct trapframe *tf, transfer_fn fn, loff_t *pos)
{
	struct fd_light fd = fd_get_light((int)tf->x[0]);
	uint32_t count = (uint32_t)tf->x[2];
	long n;

	if (!fd.file)
		return -EBADF;
	if (pos && !fd.file->ops->seek)
		n = -ESPIPE;
	else
		n = transfer_segments(fd.file, tf->x[1], count, fn, pos);
	fd_put_light(fd);
	return n;
}

long sys_readv(struct trapframe *tf)
{
	return transfer_vector(tf, file_read, NULL);
}

long sys_writev(struct trapframe *tf)
{
	return transfer_vector(tf, file_write, NULL);
}

static long transfer_vector_at(struct trapframe *tf, transfer_fn fn)
{
	loff_t pos = (loff_t)tf->x[3];

	return pos < 0 ? -EINVAL : transfer_vector(tf, fn, &pos);
}

long sys_preadv(struct trapframe *tf)
{
	return transfer_vector_at(tf, file_read);
}

long sys_pwritev(struct trapframe *tf)
{
	return transfer_vector_at(tf, file_write);
}

/* Position -1 means the file's own; no RWF_ flag is known (man 2 preadv2: EOPNOTSUPP). */
static long transfer_vector_flags(struct trapframe *tf, transfer_fn fn)
{
	if (tf->x[5])
		return -EOPNOTSUPP;
	if ((int64_t)tf->x[3] == -1)
		return transfer_vector(tf, fn, NULL);
	return transfer_vector_at(tf, fn);
}

long sys_preadv2(struct trapframe *tf)
{
	return transfer_vector_flags(tf, file_read);
}

long sys_pwritev2(struct trapframe *tf)
{
	return transfer_vector_flags(tf, file_write);
}

/* ---- from file to file ---- */

#define COPY_BUFFER PAGE_SIZE

/* Move up to count bytes from *pos on, which advances by what has arrived. Bytes moved or -errno.
 */
static ssize_t copy_between(struct file *out, struct file *in, loff_t *pos, size_t count)
{
	uint8_t *buffer = kmalloc(COPY_BUFFER);
	size_t done = 0;
	ssize_t n = buffer ? 0 : -ENOMEM;

	while (buffer && done < count) {
		loff_t from = *pos;
		struct iter it;

		iter_kernel(&it, buffer, min(count - done, (size_t)COPY_BUFFER));
		n = file_read(in, &it, &from);
		if (n <= 0)
			break;
		iter_kernel(&it, buffer, (size_t)n);
		n = file_write(out, &it, NULL);
		if (n <= 0)
			break;
		*pos += n;
		done += (size_t)n;
		thread_checkpoint();
	}
	kfree(buffer);
	return done ? (ssize_t)done : n;
}

/* Before anything is taken from where it comes from. */
static int may_copy(const struct file *out, const struct file *in, loff_t pos, uint64_t count)
{
	if ((in->flags & O_ACCMODE) == O_WRONLY || (out->flags & O_ACCMODE) == O_RDONLY)
		return -EBADF;
	if (!in->inode || (in->inode->mode & S_IFMT) == S_IFDIR || !in->ops->read ||
	    !out->ops->write)
		return -EINVAL;
	return pos < 0 || count > (uint64_t)(INT64_MAX - pos) ? -EINVAL : 0;
}

static ssize_t sendfile(struct file *out, struct file *in, uint64_t user, uint64_t count)
{
	loff_t pos = in->pos;
	ssize_t n;

	if (user && get_user(pos, user))
		return -EFAULT;
	n = may_copy(out, in, pos, count);
	if (!n)
		n = copy_between(out, in, &pos, min(count, RW_MAX));
	if (n > 0 && !user) {
		mutex_lock(&in->pos_lock);
		in->pos = pos;
		mutex_unlock(&in->pos_lock);
	}
	return n >= 0 && user && put_user(pos, user) ? -EFAULT : n;
}

long sys_sendfile(struct trapframe *tf)
{
	struct file *out = fd_get((int)tf->x[0]), *in = fd_get((int)tf->x[1]);
	ssize_t n = in && out ? sendfile(out, in, tf->x[2], tf->x[3]) : -EBADF;

	if (in)
		file_put(in);
	if (out)
		file_put(out);
	return n;
}
