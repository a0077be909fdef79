/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What can be asked of any open file besides reading, writing and ioctl: position, flags, status,
 * sync. Each call finds the file by fd_get_light() and asks its operations.
 */
#include <asm/ioctls.h>
#include <asm/stat.h>
#include <linux/fadvise.h>
#include <linux/fcntl.h>

#include "arch/usercopy.h"
#include "linux/fs/fd.h"
#include "linux/fs/inode.h"
#include "linux/fs/lock.h"
#include "linux/syscalls.h"
#include "linux/process/task.h"
#include "linux/fs/uapi_fs.h"

/* What F_SETFL may change (man 2 fcntl). */
#define SETTABLE_FLAGS (O_APPEND | O_ASYNC_FLAG | O_DIRECT | O_NOATIME | O_NONBLOCK)
#define O_ASYNC_FLAG   FASYNC

long sys_lseek(struct trapframe *tf)
{
	struct fd_light fd = fd_get_light((int)tf->x[0]);
	loff_t pos = -ESPIPE;

	if (!fd.file)
		return -EBADF;
	if ((int)tf->x[2] < SEEK_SET || (int)tf->x[2] > SEEK_MAX) {
		pos = -EINVAL;
	} else if (fd.file->ops->seek) {
		mutex_lock(&fd.file->pos_lock);
		pos = fd.file->ops->seek(fd.file, (loff_t)tf->x[1], (int)tf->x[2]);
		mutex_unlock(&fd.file->pos_lock);
	}
	fd_put_light(fd);
	return pos;
}

/* ---- fcntl ---- */

static long set_flags(struct file *f, uint32_t flags)
{
	uint32_t old = __atomic_load_n(&f->flags, __ATOMIC_RELAXED);

	/* two threads that set different flags at once: one of them wins, as in Linux */
	__atomic_store_n(&f->flags, (old & ~SETTABLE_FLAGS) | (flags & SETTABLE_FLAGS),
			 __ATOMIC_RELAXED);
	return 0;
}

static long fcntl(int fd, struct file *f, unsigned cmd, uint64_t arg)
{
	switch (cmd) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		return fd_duplicate_from(fd, arg, cmd == F_DUPFD_CLOEXEC);
	case F_GETFD:
		return fd_cloexec(fd);
	case F_SETFD:
		fd_set_cloexec(fd, arg & FD_CLOEXEC);
		return 0;
	case F_GETFL:
		return f->flags;
	case F_SETFL:
		return f->flags & O_PATH ? -EBADF : set_flags(f, (uint32_t)arg);
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		return lock_fcntl(f, cmd, arg);
	default:
		return f->ops->fcntl ? f->ops->fcntl(f, cmd, arg) : -EINVAL;
	}
}

long sys_fcntl(struct trapframe *tf)
{
	struct fd_light fd = fd_get_light_any((int)tf->x[0]);
	long result;

	if (!fd.file)
		return -EBADF;
	result = fcntl((int)tf->x[0], fd.file, (unsigned)tf->x[1], tf->x[2]);
	fd_put_light(fd);
	return result;
}

/* ---- ioctl ---- */

static long set_nonblocking(struct file *f, uint64_t user)
{
	int on;

	if (get_user(on, user))
		return -EFAULT;
	return set_flags(f, on ? f->flags | O_NONBLOCK : f->flags & ~(uint32_t)O_NONBLOCK);
}

long file_ioctl_common(int fd, struct file *f, unsigned cmd, uint64_t arg)
{
	switch (cmd) {
	case FIOCLEX:
	case FIONCLEX:
		fd_set_cloexec(fd, cmd == FIOCLEX);
		return 0;
	case FIONBIO:
		return set_nonblocking(f, arg);
	case FIONREAD:
		if (f->inode && (f->inode->mode & S_IFMT) == S_IFREG)
			return put_user((int)((loff_t)f->inode->size - f->pos), arg);
		return f->ops->ioctl ? f->ops->ioctl(f, cmd, arg) : -ENOTTY;
	default:
		return f->ops->ioctl ? f->ops->ioctl(f, cmd, arg) : -ENOTTY;
	}
}

/* ---- status ---- */

/* What fstat() tells of a file that is no path. */
static void stat_anonymous(const struct file *f, struct stat *st)
{
	*st = (struct stat){
		.st_ino = (uint64_t)(uintptr_t)f->ops & 0xffffffff,
		.st_mode = S_IRUSR | S_IWUSR,
		.st_nlink = 1,
		.st_blksize = PAGE_SIZE,
	};
}

int file_stat(struct file *f, struct stat *st)
{
	if (f->ops->stat)
		return f->ops->stat(f, st);
	if (f->inode)
		inode_stat(f->inode, st);
	else
		stat_anonymous(f, st);
	return 0;
}

bool file_is_pipe(struct file *f)
{
	struct stat st;

	return !file_stat(f, &st) && (st.st_mode & S_IFMT) == S_IFIFO;
}

long sys_fstat(struct trapframe *tf)
{
	struct fd_light fd = fd_get_light_any((int)tf->x[0]);
	struct stat st;
	long err;

	if (!fd.file)
		return -EBADF;
	err = file_stat(fd.file, &st);
	fd_put_light(fd);
	return err ? err : put_user(st, tf->x[1]);
}

/* ---- to the disk ---- */

long sys_fsync(struct trapframe *tf)
{
	struct fd_light fd = fd_get_light((int)tf->x[0]);
	long err;

	if (!fd.file)
		return -EBADF;
	err = fd.file->ops->fsync ? fd.file->ops->fsync(fd.file) : -EINVAL;
	fd_put_light(fd);
	return err;
}

long sys_fdatasync(struct trapframe *tf)
{
	return sys_fsync(tf);
}

/* Nothing is cached: disks are written before write() returns, and RAM files have no disk. */
long sys_sync(struct trapframe *tf)
{
	(void)tf;
	return 0;
}

static long file_must_exist(struct trapframe *tf)
{
	struct fd_light fd = fd_get_light((int)tf->x[0]);

	if (!fd.file)
		return -EBADF;
	fd_put_light(fd);
	return 0;
}

long sys_syncfs(struct trapframe *tf)
{
	return file_must_exist(tf);
}

long sys_fadvise64(struct trapframe *tf) /* advice may be ignored (man 2 posix_fadvise) */
{
	struct fd_light fd = fd_get_light((int)tf->x[0]);
	long err;

	if (!fd.file)
		return -EBADF;
	err = file_is_pipe(fd.file)						? -ESPIPE
	      : (loff_t)tf->x[2] < 0 || (uint32_t)tf->x[3] > POSIX_FADV_NOREUSE ? -EINVAL
										: 0;
	fd_put_light(fd);
	return err;
}
