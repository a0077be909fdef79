/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What can be asked and changed of a named file besides its contents: status, access, mode, owner,
 * times, a link's text (man 2 stat, statx, access, chmod, chown, utimensat, readlink, statfs).
 * Programs are root: permission bits are kept and shown, but stop nobody.
 */
#include <asm/statfs.h>
#include <asm/unistd.h>
#include <linux/errno.h>
#include <linux/xattr.h>
#include <linux/kdev_t.h>
#include <linux/limits.h>
#include <linux/magic.h>
#include <linux/time_types.h>

#include "arch/usercopy.h"
#include "lib/bits.h"
#include "lib/string.h"
#include "linux/fs/inode.h"
#include "linux/syscalls.h"
#include "mm/page.h"
#include "mm/slab.h"

#define UTIME_NOW  ((1l << 30) - 1) /* man 2 utimensat; no UAPI header has them */
#define UTIME_OMIT ((1l << 30) - 2)
#define ACCESS_ALL 7 /* R_OK | W_OK | X_OK */
#define ACCESS_X   1

static unsigned walk_flags(int at_flags)
{
	return at_flags & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW;
}

/* ---- status ---- */

/* Status of what (dirfd, path) names; "" with AT_EMPTY_PATH is the open file itself. */
static int status_at(int dirfd, uint64_t user, int flags, struct stat *st)
{
	struct inode *inode;
	int err = path_inode_user(dirfd, user, walk_flags(flags), flags & AT_EMPTY_PATH, &inode);
	struct file *f;

	if (!err) {
		inode_stat(inode, st);
		inode_put(inode);
		return 0;
	}
	/* an open file that is no path has a status too */
	f = err == -ENOENT && (flags & AT_EMPTY_PATH) && dirfd >= 0 ? fd_get_any(dirfd) : NULL;
	if (!f)
		return err;
	if (!f->inode)
		err = file_stat(f, st);
	file_put(f);
	return err;
}

long sys_newfstatat(struct trapframe *tf)
{
	int flags = (int)tf->x[3], err;
	struct stat st;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH))
		return -EINVAL;
	err = status_at((int)tf->x[0], tf->x[1], flags, &st);
	return err ? err : put_user(st, tf->x[2]);
}

static struct statx_timestamp statx_time(long seconds, unsigned long ns)
{
	return (struct statx_timestamp){ .tv_sec = seconds, .tv_nsec = (uint32_t)ns };
}

static void statx_fill(struct statx *sx, const struct stat *st)
{
	*sx = (struct statx){
		.stx_mask = STATX_BASIC_STATS,
		.stx_blksize = (uint32_t)st->st_blksize,
		.stx_nlink = st->st_nlink,
		.stx_uid = st->st_uid,
		.stx_gid = st->st_gid,
		.stx_mode = (uint16_t)st->st_mode,
		.stx_ino = st->st_ino,
		.stx_size = (uint64_t)st->st_size,
		.stx_blocks = (uint64_t)st->st_blocks,
		.stx_atime = statx_time(st->st_atime, st->st_atime_nsec),
		.stx_mtime = statx_time(st->st_mtime, st->st_mtime_nsec),
		.stx_ctime = statx_time(st->st_ctime, st->st_ctime_nsec),
		.stx_rdev_major = (uint32_t)MAJOR(st->st_rdev),
		.stx_rdev_minor = (uint32_t)MINOR(st->st_rdev),
		.stx_dev_major = (uint32_t)MAJOR(st->st_dev),
		.stx_dev_minor = (uint32_t)MINOR(st->st_dev),
	};
}

long sys_statx(struct trapframe *tf)
{
	int flags = (int)tf->x[2], err;
	struct stat st;
	struct statx sx;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE))
		return -EINVAL;
	if (tf->x[3] & STATX__RESERVED)
		return -EINVAL;
	err = status_at((int)tf->x[0], tf->x[1], flags, &st);
	if (err)
		return err;
	statx_fill(&sx, &st);
	return put_user(sx, tf->x[4]);
}

static long statfs(uint64_t user)
{
	struct statfs st = {
		.f_type = TMPFS_MAGIC,
		.f_bsize = PAGE_SIZE,
		.f_blocks = page_total(),
		.f_bfree = page_free_count(),
		.f_bavail = page_free_count(),
		.f_namelen = NAME_MAX,
		.f_frsize = PAGE_SIZE,
	};

	return put_user(st, user);
}

long sys_statfs(struct trapframe *tf)
{
	struct inode *inode;
	int err = path_inode_user(AT_FDCWD, tf->x[0], WALK_FOLLOW, false, &inode);

	if (err)
		return err;
	inode_put(inode);
	return statfs(tf->x[1]);
}

long sys_fstatfs(struct trapframe *tf)
{
	struct fd_light fd = fd_get_light_any((int)tf->x[0]);

	if (!fd.file)
		return -EBADF;
	fd_put_light(fd);
	return statfs(tf->x[1]);
}

/* ---- access ---- */

/* Root may do anything but execute what nobody may (man 2 access). */
static int access_of(const struct inode *inode, unsigned wanted)
{
	bool file = (inode->mode & S_IFMT) != S_IFDIR;

	return file && (wanted & ACCESS_X) && !(inode->mode & 0111) ? -EACCES : 0;
}

static long access_at(struct trapframe *tf, int flags)
{
	struct inode *inode;
	int err;

	if ((unsigned)tf->x[2] & ~ACCESS_ALL)
		return -EINVAL;
	if (flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	err = path_inode_user((int)tf->x[0], tf->x[1], walk_flags(flags), flags & AT_EMPTY_PATH,
			      &inode);
	if (err)
		return err;
	err = access_of(inode, (unsigned)tf->x[2]);
	inode_put(inode);
	return err;
}

long sys_faccessat(struct trapframe *tf)
{
	return access_at(tf, 0);
}

long sys_faccessat2(struct trapframe *tf)
{
	return access_at(tf, (int)tf->x[3]);
}

/* ---- a link's text ---- */

/* Is it ""? Then the descriptor itself is meant, and what is no link gives another error. */
static bool path_empty(uint64_t user)
{
	char first;

	return !get_user(first, user) && !first;
}

static long readlink(struct inode *link, uint64_t user, size_t size)
{
	char *text;
	ssize_t n;

	if (!link->ops->readlink)
		return -EINVAL;
	text = kmalloc(PATH_MAX);
	if (!text)
		return -ENOMEM;
	n = link->ops->readlink(link, text, min(size, (size_t)PATH_MAX));
	if (n > 0 && copy_to_user(user, text, (size_t)n))
		n = -EFAULT;
	kfree(text);
	return n;
}

long sys_readlinkat(struct trapframe *tf)
{
	struct inode *inode;
	long n;

	if ((int)tf->x[3] <= 0)
		return -EINVAL;
	n = path_inode_user((int)tf->x[0], tf->x[1], 0, true, &inode);
	if (n)
		return n;
	n = readlink(inode, tf->x[2], (size_t)tf->x[3]);
	inode_put(inode);
	return n == -EINVAL && path_empty(tf->x[1]) ? -ENOENT : n;
}

/* ---- mode and owner ---- */

/* The inode of an open file, one reference; NULL: it is no path, and has nothing to change. -EBADF.
 */
static int inode_of_fd(int fd, struct inode **out)
{
	struct fd_light light = fd_get_light(fd);

	if (!light.file)
		return -EBADF;
	*out = light.file->inode ? inode_get(light.file->inode) : NULL;
	fd_put_light(light);
	return 0;
}

static long set_mode(struct inode *inode, uint32_t mode)
{
	if (!inode)
		return 0;
	mutex_lock(&inode->lock);
	inode->mode = (inode->mode & S_IFMT) | (mode & 07777);
	inode->ctime = inode_now();
	mutex_unlock(&inode->lock);
	inode_put(inode);
	return 0;
}

long sys_fchmod(struct trapframe *tf)
{
	struct inode *inode;
	int err = inode_of_fd((int)tf->x[0], &inode);

	return err ? err : set_mode(inode, (uint32_t)tf->x[1]);
}

long sys_fchmodat(struct trapframe *tf)
{
	struct inode *inode;
	int err = path_inode_user((int)tf->x[0], tf->x[1], WALK_FOLLOW, false, &inode);

	return err ? err : set_mode(inode, (uint32_t)tf->x[2]);
}

/* -1: stays as it is. */
static long set_owner(struct inode *inode, uint32_t uid, uint32_t gid)
{
	if (!inode)
		return 0;
	mutex_lock(&inode->lock);
	if (uid != UINT32_MAX)
		inode->uid = uid;
	if (gid != UINT32_MAX)
		inode->gid = gid;
	inode->ctime = inode_now();
	mutex_unlock(&inode->lock);
	inode_put(inode);
	return 0;
}

long sys_fchown(struct trapframe *tf)
{
	struct inode *inode;
	int err = inode_of_fd((int)tf->x[0], &inode);

	return err ? err : set_owner(inode, (uint32_t)tf->x[1], (uint32_t)tf->x[2]);
}

long sys_fchownat(struct trapframe *tf)
{
	int flags = (int)tf->x[4], err;
	struct inode *inode;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	err = path_inode_user((int)tf->x[0], tf->x[1], walk_flags(flags), flags & AT_EMPTY_PATH,
			      &inode);
	return err ? err : set_owner(inode, (uint32_t)tf->x[2], (uint32_t)tf->x[3]);
}

/* ---- times ---- */

static bool time_valid(const struct __kernel_timespec *t)
{
	return t->tv_nsec == UTIME_NOW || t->tv_nsec == UTIME_OMIT ||
	       (t->tv_nsec >= 0 && t->tv_nsec < 1000000000);
}

static void time_set(uint64_t *time, const struct __kernel_timespec *t)
{
	if (t->tv_nsec == UTIME_NOW)
		*time = inode_now();
	else if (t->tv_nsec != UTIME_OMIT)
		*time = (uint64_t)t->tv_sec * 1000000000 + (uint64_t)t->tv_nsec;
}

static int times_from_user(struct __kernel_timespec t[2], uint64_t user)
{
	if (!user)
		t[0].tv_nsec = t[1].tv_nsec = UTIME_NOW;
	else if (copy_from_user(t, user, 2 * sizeof(*t)))
		return -EFAULT;
	return time_valid(&t[0]) && time_valid(&t[1]) ? 0 : -EINVAL;
}

long sys_utimensat(struct trapframe *tf)
{
	struct __kernel_timespec t[2] = { { 0 } };
	int flags = (int)tf->x[3], err = times_from_user(t, tf->x[2]);
	struct inode *inode;

	if (err)
		return err;
	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (tf->x[1]) /* futimens() passes no path */
		err = path_inode_user((int)tf->x[0], tf->x[1], walk_flags(flags),
				      flags & AT_EMPTY_PATH, &inode);
	else
		err = (int)tf->x[0] == AT_FDCWD ? -EFAULT : inode_of_fd((int)tf->x[0], &inode);
	if (err || !inode)
		return err;
	mutex_lock(&inode->lock);
	time_set(&inode->atime, &t[0]);
	time_set(&inode->mtime, &t[1]);
	inode->ctime = inode_now();
	mutex_unlock(&inode->lock);
	inode_put(inode);
	return 0;
}

/* ---- extended attributes (man 7 xattr): no file has any, and none can be given ---- */

/* The file is there. The calls come in threes: by path, by a link's own path, by descriptor. */
static int xattr_file(struct trapframe *tf, unsigned which)
{
	struct inode *inode;
	int err;

	if (which % 3 == 2)
		err = inode_of_fd((int)tf->x[0], &inode);
	else
		err = path_inode_user(AT_FDCWD, tf->x[0], which % 3 ? 0 : WALK_FOLLOW, false,
				      &inode);
	if (!err && inode)
		inode_put(inode);
	return err;
}

static int xattr_name(uint64_t user)
{
	char name[XATTR_NAME_MAX + 1];
	ssize_t n = copy_string_from_user(name, user, sizeof(name));

	if (n == -ENAMETOOLONG || !n)
		return -ERANGE;
	return n < 0 ? (int)n : -EOPNOTSUPP;
}

static int xattr_set(struct trapframe *tf)
{
	uint64_t value = tf->x[2], size = tf->x[3];
	char byte;
	int err;

	if ((uint32_t)tf->x[4] & ~(uint32_t)(XATTR_CREATE | XATTR_REPLACE))
		return -EINVAL;
	err = xattr_name(tf->x[1]);
	if (err != -EOPNOTSUPP || !size)
		return err;
	if (size > XATTR_SIZE_MAX)
		return -E2BIG;
	return get_user(byte, value) || get_user(byte, value + size - 1) ? -EFAULT : err;
}

/* All twelve calls: set, get, list, remove. */
long sys_xattr(struct trapframe *tf)
{
	unsigned which = (unsigned)tf->x[8] - __NR_setxattr;
	int err = which < 3 ? 0 : xattr_file(tf, which);

	if (err)
		return err;
	switch (which / 3) {
	case 0: /* looks at its other arguments first */
		err = xattr_set(tf);
		return err != -EOPNOTSUPP ? err : (err = xattr_file(tf, which)) ? err : -EOPNOTSUPP;
	case 2:
		return 0; /* an empty list */
	default:
		return xattr_name(tf->x[1]);
	}
}
