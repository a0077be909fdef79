/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opening: openat, and the calls that change an open or named file's size. The walk is path.c's,
 * what a file then does is its inode's file_ops'.
 */
#include <linux/errno.h>
#include <linux/limits.h>

#include "arch/usercopy.h"
#include "lib/string.h"
#include "linux/fs/inode.h"
#include "linux/fs/ramfs.h"
#include "linux/syscalls.h"
#include "linux/process/task.h"
#include "mm/slab.h"

/* What is not kept in the file's flags. */
#define OPEN_ONLY (O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC)
#define O_KNOWN                                                                                    \
	(O_ACCMODE | OPEN_ONLY | O_APPEND | O_NONBLOCK | O_DSYNC | FASYNC | O_DIRECT |             \
	 O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | __O_SYNC | O_PATH | __O_TMPFILE)

/* O_PATH: a place, and no open file for most calls (man 2 open). */
static loff_t path_seek(struct file *f, loff_t offset, int whence)
{
	(void)f, (void)offset, (void)whence;
	return -EBADF;
}

static long path_ioctl(struct file *f, unsigned cmd, uint64_t arg)
{
	(void)f, (void)cmd, (void)arg;
	return -EBADF;
}

static int path_fsync(struct file *f)
{
	(void)f;
	return -EBADF;
}

static int path_readdir(struct file *f, struct dirents *to)
{
	(void)f, (void)to;
	return -EBADF;
}

static const struct file_ops path_only_ops = {
	.seek = path_seek,
	.ioctl = path_ioctl,
	.fcntl = path_ioctl,
	.fsync = path_fsync,
	.readdir = path_readdir,
};

static bool is_kind(const struct inode *inode, uint32_t kind)
{
	return (inode->mode & S_IFMT) == kind;
}

int inode_open(struct inode *inode, uint32_t flags, struct file **out)
{
	uint32_t large = flags & O_PATH ? 0 : O_LARGEFILE;
	struct file *f = file_create(inode->file_ops, NULL, flags | large);
	int err = 0;

	if (!f)
		return -ENOMEM;
	f->inode = inode_get(inode);
	if (flags & O_PATH)
		f->ops = &path_only_ops;
	else if (inode->ops->open)
		err = inode->ops->open(inode, f);
	else if (!f->ops)
		err = -ENXIO;
	if (err) {
		f->ops = NULL; /* nothing to release */
		file_put(f);
		return err;
	}
	f->flags &= ~OPEN_ONLY;
	*out = f;
	return 0;
}

/* The flags' rules for what is there already. */
static int may_open(const struct inode *inode, uint32_t flags)
{
	bool writes = (flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC));

	if (is_kind(inode, S_IFLNK)) {
		if (flags & O_DIRECTORY)
			return -ENOTDIR;
		return flags & O_PATH ? 0 : -ELOOP;
	}
	if (is_kind(inode, S_IFDIR))
		return writes && !(flags & O_PATH) ? -EISDIR : 0;
	return flags & O_DIRECTORY ? -ENOTDIR : 0;
}

/* HOLDS(fs_lock) */
static int create(struct walk *w, uint32_t mode)
{
	struct inode *inode;
	int err;

	if (w->slash)
		return -EISDIR;
	inode = ramfs_create(S_IFREG | (mode & 07777), 0);
	if (!inode)
		return -ENOMEM;
	err = ramfs_link(w->dir, w->name, w->length, inode);
	if (err) {
		inode_put(inode);
		return err;
	}
	w->inode = inode;
	return 0;
}

/* The inode to open; one reference. */
static int find_or_create(int dirfd, char *path, uint32_t flags, uint32_t mode, struct inode **out)
{
	bool exclusive = (flags & O_CREAT) && (flags & O_EXCL);
	bool no_follow = exclusive || (flags & O_NOFOLLOW);
	struct walk w;
	int err;

	mutex_lock(&fs_lock);
	err = walk(&w, dirfd, path, (no_follow ? 0 : WALK_FOLLOW) | (exclusive ? WALK_NAME : 0));
	if (!err) {
		if (!exclusive && (flags & O_CREAT) && w.slash)
			err = -EISDIR;
		else if (!w.inode)
			err = flags & O_CREAT ? create(&w, mode) : -ENOENT;
		else
			err = exclusive ? -EEXIST : may_open(w.inode, flags);
		if (!err)
			*out = inode_get(w.inode);
		walk_end(&w);
	}
	mutex_unlock(&fs_lock);
	return err;
}

/* A file without a name in that directory's file system (O_TMPFILE). */
static int temporary(int dirfd, char *path, uint32_t mode, struct inode **out)
{
	struct inode *dir;
	int err = path_inode(dirfd, path, WALK_FOLLOW, &dir);

	if (err)
		return err;
	err = !is_kind(dir, S_IFDIR) ? -ENOTDIR : !ramfs_is_dir(dir) ? -EOPNOTSUPP : 0;
	inode_put(dir);
	if (err)
		return err;
	*out = ramfs_create(S_IFREG | (mode & 07777), 0);
	return *out ? 0 : -ENOMEM;
}

static int open_inode_of(int dirfd, char *path, uint32_t flags, uint32_t mode, struct file **out)
{
	struct inode *inode;
	int err;

	if (flags & __O_TMPFILE)
		err = temporary(dirfd, path, mode, &inode);
	else
		err = find_or_create(dirfd, path, flags, mode, &inode);
	if (err)
		return err;
	if ((flags & O_TRUNC) && ramfile_is(inode))
		err = ramfile_truncate(inode, 0);
	if (!err)
		err = inode_open(inode, flags, out);
	inode_put(inode);
	return err;
}

int path_open(int dirfd, const char *path, uint32_t flags, uint32_t mode, struct file **out)
{
	char *copy = kmalloc(PATH_MAX);
	int err;

	if (!copy)
		return -ENOMEM;
	if (strlcpy(copy, path, PATH_MAX) >= PATH_MAX)
		err = -ENAMETOOLONG;
	else
		err = open_inode_of(dirfd, copy, flags, mode, out);
	kfree(copy);
	return err;
}

static uint32_t umask_current(void)
{
	return atomic_load_explicit(&task_current()->process->fs->umask, memory_order_relaxed);
}

/* man 2 open: with O_PATH only these three count. */
static uint32_t flags_that_count(uint32_t flags)
{
	flags &= O_KNOWN;
	return flags & O_PATH ? flags & (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : flags;
}

long sys_openat(struct trapframe *tf)
{
	uint32_t flags = flags_that_count((uint32_t)tf->x[2]);
	uint32_t mode = (uint32_t)tf->x[3] & ~umask_current();
	struct file *f;
	char *path;
	long fd = path_from_user(tf->x[1], &path);

	if (fd)
		return fd;
	if ((flags & __O_TMPFILE) && (!(flags & O_DIRECTORY) || (flags & O_ACCMODE) == O_RDONLY))
		fd = -EINVAL;
	else
		fd = open_inode_of((int)tf->x[0], path, flags, mode, &f);
	path_free(path);
	if (fd)
		return fd;
	fd = fd_install(f, flags & O_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}

long sys_umask(struct trapframe *tf)
{
	return atomic_exchange_explicit(&task_current()->process->fs->umask,
					(uint32_t)tf->x[0] & 0777, memory_order_relaxed);
}

/* ---- size ---- */

long sys_truncate(struct trapframe *tf)
{
	struct inode *inode;
	long err;

	if ((loff_t)tf->x[1] < 0)
		return -EINVAL;
	err = path_inode_user(AT_FDCWD, tf->x[0], WALK_FOLLOW, false, &inode);
	if (err)
		return err;
	if (is_kind(inode, S_IFDIR))
		err = -EISDIR;
	else
		err = ramfile_is(inode) ? ramfile_truncate(inode, tf->x[1]) : -EINVAL;
	inode_put(inode);
	return err;
}

static bool writable(const struct file *f)
{
	return (f->flags & O_ACCMODE) != O_RDONLY && !(f->flags & O_PATH);
}

long sys_ftruncate(struct trapframe *tf)
{
	loff_t size = (loff_t)tf->x[1];
	struct fd_light fd;
	long err = -EINVAL;

	if (size < 0)
		return -EINVAL;
	fd = fd_get_light((int)tf->x[0]);
	if (!fd.file)
		return -EBADF;
	if (writable(fd.file) && fd.file->ops->truncate)
		err = fd.file->ops->truncate(fd.file, size);
	fd_put_light(fd);
	return err;
}

long sys_fallocate(struct trapframe *tf)
{
	loff_t from = (loff_t)tf->x[2], length = (loff_t)tf->x[3];
	struct fd_light fd = fd_get_light((int)tf->x[0]);
	long err;

	if (!fd.file)
		return -EBADF;
	if (from < 0 || length <= 0)
		err = -EINVAL;
	else if (!writable(fd.file))
		err = -EBADF;
	else if (from + (uint64_t)length > INT64_MAX)
		err = -EFBIG;
	else if (!fd.file->ops->fallocate)
		err = file_is_pipe(fd.file) ? -ESPIPE : -ENODEV;
	else
		err = fd.file->ops->fallocate(fd.file, (unsigned)tf->x[1], from, length);
	fd_put_light(fd);
	return err;
}
