/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The calls that make, move and remove names (man 2 mkdir, mknod, unlink, link, symlink, rename).
 * Each walks and changes under one hold of fs_lock, so that nobody sees half of it. Only the RAM
 * file system's directories can be changed; others give -EPERM.
 */
#include <linux/errno.h>

#include "lib/string.h"
#include "linux/fs/inode.h"
#include "linux/fs/ramfs.h"
#include "linux/syscalls.h"
#include "linux/process/task.h"
#include "linux/fs/uapi_fs.h"

static bool is_dir(const struct inode *inode)
{
	return (inode->mode & S_IFMT) == S_IFDIR;
}

/* ---- making ---- */

/* Give inode the name that w found free. HOLDS(fs_lock) */
static int name_new(const struct walk *w, struct inode *inode)
{
	if (w->inode || w->dots)
		return -EEXIST;
	if (w->slash && !is_dir(inode))
		return -ENOENT;
	return ramfs_link(w->dir, w->name, w->length, inode);
}

/* Walk to the path at a user address and name inode there. */
static int place(int dirfd, uint64_t user, struct inode *inode)
{
	struct walk w;
	char *path;
	int err = path_from_user(user, &path);

	if (err)
		return err;
	mutex_lock(&fs_lock);
	err = walk(&w, dirfd, path, WALK_NAME);
	if (!err) {
		err = name_new(&w, inode);
		walk_end(&w);
	}
	mutex_unlock(&fs_lock);
	path_free(path);
	return err;
}

static int make(int dirfd, uint64_t user, uint32_t mode, uint64_t rdev)
{
	uint32_t umask =
		atomic_load_explicit(&task_current()->process->fs->umask, memory_order_relaxed);
	struct inode *inode = ramfs_create(mode & ~umask, rdev);
	int err;

	if (!inode)
		return -ENOMEM;
	err = place(dirfd, user, inode);
	inode_put(inode);
	return err;
}

long sys_mkdirat(struct trapframe *tf)
{
	return make((int)tf->x[0], tf->x[1], S_IFDIR | ((uint32_t)tf->x[2] & 01777), 0);
}

long sys_mknodat(struct trapframe *tf)
{
	uint32_t mode = (uint32_t)tf->x[2] & (S_IFMT | 07777);

	switch (mode & S_IFMT) {
	case 0:
		mode |= S_IFREG;
		break;
	case S_IFREG:
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		break;
	case S_IFDIR:
		return -EPERM;
	default:
		return -EINVAL;
	}
	return make((int)tf->x[0], tf->x[1], mode, (uint32_t)tf->x[3]);
}

long sys_symlinkat(struct trapframe *tf)
{
	struct inode *link;
	char *text;
	int err = path_from_user(tf->x[0], &text);

	if (err)
		return err;
	if (!*text) {
		path_free(text);
		return -ENOENT;
	}
	link = ramfs_create_symlink(text, strlen(text));
	path_free(text);
	if (!link)
		return -ENOMEM;
	err = place((int)tf->x[1], tf->x[2], link);
	inode_put(link);
	return err;
}

long sys_linkat(struct trapframe *tf)
{
	int flags = (int)tf->x[4], err;
	struct inode *inode;

	if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	err = path_inode_user((int)tf->x[0], tf->x[1], flags & AT_SYMLINK_FOLLOW ? WALK_FOLLOW : 0,
			      flags & AT_EMPTY_PATH, &inode);
	if (err)
		return err;
	err = is_dir(inode) ? -EPERM : place((int)tf->x[2], tf->x[3], inode);
	inode_put(inode);
	return err;
}

/* ---- removing ---- */

/* HOLDS(fs_lock) */
static int may_remove_dir(const struct walk *w)
{
	if (w->inode == fs_root())
		return -EBUSY;
	if (!is_dir(w->inode))
		return -ENOTDIR;
	if (w->dots)
		return !strcmp(w->name, ".") ? -EINVAL : -ENOTEMPTY;
	if (!ramfs_is_dir(w->inode)) /* /proc */
		return -EBUSY;
	return ramfs_dir_empty(w->inode) ? 0 : -ENOTEMPTY;
}

/* HOLDS(fs_lock) */
static int may_remove(const struct walk *w, bool directory)
{
	if (!w->inode)
		return -ENOENT;
	if (directory)
		return may_remove_dir(w);
	if (is_dir(w->inode))
		return -EISDIR;
	return w->slash ? -ENOTDIR : 0;
}

long sys_unlinkat(struct trapframe *tf)
{
	bool directory = tf->x[2] & AT_REMOVEDIR;
	struct walk w;
	char *path;
	int err;

	if ((int)tf->x[2] & ~AT_REMOVEDIR)
		return -EINVAL;
	err = path_from_user(tf->x[1], &path);
	if (err)
		return err;
	mutex_lock(&fs_lock);
	err = walk(&w, (int)tf->x[0], path, WALK_NAME);
	if (!err) {
		err = may_remove(&w, directory);
		if (!err)
			err = ramfs_unlink(w.dir, w.name, w.length);
		walk_end(&w);
	}
	mutex_unlock(&fs_lock);
	path_free(path);
	return err;
}

/* ---- moving ---- */

/* Is `dir` the directory `inode` or below it? HOLDS(fs_lock) */
static bool lies_below(const struct inode *dir, const struct inode *inode)
{
	for (; dir != inode; dir = dir->parent)
		if (dir == dir->parent)
			return false;
	return true;
}

/* May the new name, if it is taken, give way to the old one's inode? HOLDS(fs_lock) */
static int may_replace(const struct walk *from, const struct walk *to, unsigned flags)
{
	if (flags & RENAME_NOREPLACE)
		return -EEXIST;
	if (is_dir(from->inode)) {
		if (!is_dir(to->inode))
			return -ENOTDIR;
		if (!ramfs_is_dir(to->inode))
			return -EBUSY;
		return ramfs_dir_empty(to->inode) ? 0 : -ENOTEMPTY;
	}
	return is_dir(to->inode) ? -EISDIR : 0;
}

/* HOLDS(fs_lock) */
static int may_rename(const struct walk *from, const struct walk *to, unsigned flags)
{
	if (from->dots || to->dots)
		return -EBUSY;
	if (!from->inode)
		return -ENOENT;
	if (!ramfs_is_dir(from->dir) || !ramfs_is_dir(to->dir))
		return -EPERM;
	if (is_dir(from->inode)) {
		if (!ramfs_is_dir(from->inode))
			return -EBUSY;
		if (lies_below(to->dir, from->inode))
			return -EINVAL;
	} else if (from->slash || to->slash) {
		return -ENOTDIR;
	}
	return to->inode ? may_replace(from, to, flags) : 0;
}

/* HOLDS(fs_lock) */
static int rename_walked(const struct walk *from, const struct walk *to, unsigned flags)
{
	int err = may_rename(from, to, flags);

	if (err || from->inode == to->inode) /* two names of one file: nothing happens */
		return err;
	if (!to->dir->nlink)
		return -ENOENT;
	/* The old name goes first and its memory with it, so that the new one can hardly fail; if
	 * it does the old one comes back into the same room. The walk holds the inode meanwhile. */
	ramfs_unlink(from->dir, from->name, from->length);
	if (to->inode)
		ramfs_unlink(to->dir, to->name, to->length);
	err = ramfs_link(to->dir, to->name, to->length, from->inode);
	if (err && !to->inode)
		ramfs_link(from->dir, from->name, from->length, from->inode);
	return err;
}

static int rename_locked(int from_fd, char *from_path, int to_fd, char *to_path, unsigned flags)
{
	struct walk from, to;
	int err = walk(&from, from_fd, from_path, WALK_NAME);

	if (err)
		return err;
	err = walk(&to, to_fd, to_path, WALK_NAME);
	if (!err) {
		err = rename_walked(&from, &to, flags);
		walk_end(&to);
	}
	walk_end(&from);
	return err;
}

static long rename(struct trapframe *tf, unsigned flags)
{
	char *from, *to;
	int err;

	if (flags & ~RENAME_NOREPLACE)
		return -EINVAL;
	err = path_from_user(tf->x[1], &from);
	if (err)
		return err;
	err = path_from_user(tf->x[3], &to);
	if (!err) {
		mutex_lock(&fs_lock);
		err = rename_locked((int)tf->x[0], from, (int)tf->x[2], to, flags);
		mutex_unlock(&fs_lock);
		path_free(to);
	}
	path_free(from);
	return err;
}

long sys_renameat(struct trapframe *tf)
{
	return rename(tf, 0);
}

long sys_renameat2(struct trapframe *tf)
{
	return rename(tf, (unsigned)tf->x[4]);
}
