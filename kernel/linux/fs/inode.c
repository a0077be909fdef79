/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inodes: their life, their status, their names; and what CLONE_FS shares, the working directory
 * and the umask. What an inode holds is its operations' (ramfs.c, procfs.c).
 *
 * fs_lock covers every directory entry of the one tree. It is held during whole walks and changes
 * of names; nothing under it sleeps for long or touches a program's memory.
 */
#include "linux/fs/inode.h"

#include <linux/limits.h>

#include "lib/string.h"
#include "linux/time/clock.h"
#include "linux/fs/ramfs.h"
#include "linux/process/task.h"
#include "mm/slab.h"

#define FS_DEVICE 1 /* st_dev of the one tree */

struct mutex fs_lock;

static _Atomic uint64_t next_ino = 1;

void inode_init(struct inode *inode, const struct inode_ops *ops, uint32_t mode)
{
	atomic_init(&inode->refs, 1);
	inode->mode = mode;
	inode->ino = atomic_fetch_add_explicit(&next_ino, 1, memory_order_relaxed);
	inode->ops = ops;
	inode->atime = inode->mtime = inode->ctime = inode_now();
	mutex_init(&inode->lock);
}

void inode_put(struct inode *inode)
{
	/* acq_rel: release() sees what was done through the other references */
	if (atomic_fetch_sub_explicit(&inode->refs, 1, memory_order_acq_rel) == 1)
		inode->ops->release(inode);
}

uint64_t inode_now(void)
{
	return clock_realtime();
}

static void time_parts(uint64_t ns, long *seconds, unsigned long *rest)
{
	*seconds = (long)(ns / 1000000000);
	*rest = ns % 1000000000;
}

void inode_stat(const struct inode *inode, struct stat *st)
{
	*st = (struct stat){
		.st_dev = FS_DEVICE,
		.st_ino = inode->ino,
		.st_mode = inode->mode,
		.st_nlink = inode->nlink,
		.st_uid = inode->uid,
		.st_gid = inode->gid,
		.st_rdev = inode->rdev,
		.st_size = (long)inode->size,
		.st_blksize = PAGE_SIZE,
		.st_blocks = (long)((inode->size + 511) / 512),
	};
	time_parts(inode->atime, &st->st_atime, &st->st_atime_nsec);
	time_parts(inode->mtime, &st->st_mtime, &st->st_mtime_nsec);
	time_parts(inode->ctime, &st->st_ctime, &st->st_ctime_nsec);
}

/* ---- names ---- */

/* Put text before *at, which moves down; false: it does not fit above start. */
static bool prepend(char **at, const char *start, const char *text, size_t length)
{
	if ((size_t)(*at - start) < length)
		return false;
	*at -= length;
	memcpy(*at, text, length);
	return true;
}

/* From the inode up to the caller's root, or the tree's if that does not lie above, written from
 * the end of the buffer to its front. HOLDS(fs_lock) */
static int path_backwards(struct inode *inode, char **at, const char *start)
{
	const struct inode *root = task_current()->process->fs->root;

	if (inode == root || inode == fs_root())
		return prepend(at, start, "/", 1) ? 0 : -ENAMETOOLONG;
	while (inode != root && inode != fs_root()) {
		const struct dir_entry *e = inode->entry;

		if (!e)
			return -ENOENT;
		if (!prepend(at, start, e->name, e->length) || !prepend(at, start, "/", 1))
			return -ENAMETOOLONG;
		inode = e->dir;
	}
	return 0;
}

int inode_path(struct inode *inode, char *to, size_t size)
{
	char *at = to + size;
	int err;

	if (!prepend(&at, to, "", 1)) /* the NUL */
		return -ENAMETOOLONG;
	mutex_lock(&fs_lock);
	err = path_backwards(inode, &at, to);
	mutex_unlock(&fs_lock);
	if (err)
		return err;
	size = (size_t)(to + size - at);
	memmove(to, at, size);
	return (int)size - 1;
}

/* ---- what CLONE_FS shares ---- */

struct fs_state *fs_state_create(void)
{
	struct fs_state *fs = kzalloc(sizeof(*fs));

	if (!fs)
		return NULL;
	atomic_init(&fs->refs, 1);
	atomic_init(&fs->umask, 022);
	fs->cwd = inode_get(fs_root());
	fs->root = inode_get(fs_root());
	return fs;
}

struct fs_state *fs_state_clone(struct fs_state *from)
{
	struct fs_state *fs = kzalloc(sizeof(*fs));

	if (!fs)
		return NULL;
	atomic_init(&fs->refs, 1);
	atomic_init(&fs->umask, atomic_load_explicit(&from->umask, memory_order_relaxed));
	mutex_lock(&fs_lock);
	fs->cwd = inode_get(from->cwd);
	fs->root = inode_get(from->root);
	mutex_unlock(&fs_lock);
	return fs;
}

void fs_state_put(struct fs_state *fs)
{
	/* acq_rel: as inode_put() */
	if (atomic_fetch_sub_explicit(&fs->refs, 1, memory_order_acq_rel) != 1)
		return;
	inode_put(fs->cwd);
	inode_put(fs->root);
	kfree(fs);
}
