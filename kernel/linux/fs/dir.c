/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Directories as a program holds them: the working directory, and reading names by getdents64().
 * Records are made in the kernel's memory and copied when fs_lock is free again: a program's memory
 * may fault, and a fault must not come under that lock.
 */
#include <linux/errno.h>
#include <linux/limits.h>

#include "arch/usercopy.h"
#include "lib/bits.h"
#include "lib/string.h"
#include "linux/fs/inode.h"
#include "linux/fs/ramfs.h"
#include "linux/syscalls.h"
#include "linux/process/task.h"
#include "mm/slab.h"

#define DIRENTS_MAX 4096u /* bytes made at once */

/* As man 2 getdents64; no UAPI header has it. */
struct linux_dirent64 {
	uint64_t ino;
	int64_t next;
	uint16_t length;
	uint8_t type;
	char name[];
};

/* d_type is the kind's number in st_mode (DT_DIR = 4 = S_IFDIR >> 12, …). */
static uint8_t dirent_type(uint32_t mode)
{
	return (mode & S_IFMT) >> 12;
}

bool dirents_add(struct dirents *d, uint64_t ino, loff_t next, uint32_t mode, const char *name,
		 size_t length)
{
	size_t size = align_up(offsetof(struct linux_dirent64, name) + length + 1, 8);
	struct linux_dirent64 *e = (void *)(d->data + d->used);

	if (size > d->size - d->used) {
		d->full = true;
		return false;
	}
	memset(e, 0, size);
	e->ino = ino;
	e->next = next;
	e->length = (uint16_t)size;
	e->type = dirent_type(mode);
	memcpy(e->name, name, length);
	d->used += size;
	return true;
}

/* HOLDS(f->pos_lock) */
static long read_names(struct file *f, uint64_t user, struct dirents *d)
{
	loff_t before = f->pos;
	int err = f->ops->readdir(f, d);

	if (err)
		return err;
	if (!d->used)
		return d->full ? -EINVAL : 0; /* not even one fits; or the end */
	if (!copy_to_user(user, d->data, d->used))
		return (long)d->used;
	f->pos = before;
	return -EFAULT;
}

static long getdents(struct file *f, uint64_t user, size_t size)
{
	struct dirents d = { .size = min(size, (size_t)DIRENTS_MAX) };
	size_t least = align_up(offsetof(struct linux_dirent64, name) + 2, 8);
	long n;

	if (!f->ops->readdir)
		return -ENOTDIR;
	if (size < least)
		return -EINVAL;
	d.data = kmalloc(d.size);
	if (!d.data)
		return -ENOMEM;
	mutex_lock(&f->pos_lock);
	n = read_names(f, user, &d);
	mutex_unlock(&f->pos_lock);
	kfree(d.data);
	return n;
}

long sys_getdents64(struct trapframe *tf)
{
	struct fd_light fd = fd_get_light((int)tf->x[0]);
	long n;

	if (!fd.file)
		return -EBADF;
	n = getdents(fd.file, tf->x[1], (uint32_t)tf->x[2]);
	fd_put_light(fd);
	return n;
}

/* ---- the working directory ---- */

long sys_getcwd(struct trapframe *tf)
{
	struct fs_state *fs = task_current()->process->fs;
	char *path = kmalloc(PATH_MAX);
	struct inode *cwd;
	long n;

	if (!path)
		return -ENOMEM;
	mutex_lock(&fs_lock);
	cwd = inode_get(fs->cwd);
	mutex_unlock(&fs_lock);
	n = inode_path(cwd, path, PATH_MAX);
	inode_put(cwd);
	if (n >= 0) {
		n++; /* the NUL counts */
		if ((uint64_t)n > tf->x[1])
			n = -ERANGE;
		else if (copy_to_user(tf->x[0], path, (size_t)n))
			n = -EFAULT;
	}
	kfree(path);
	return n;
}

/* Put dir in the place of *which, the caller's working directory or root. Takes over the reference.
 */
static long set_dir(struct inode **which, struct inode *dir)
{
	struct inode *old = dir;
	long err = -ENOTDIR;

	if ((dir->mode & S_IFMT) == S_IFDIR) {
		mutex_lock(&fs_lock);
		old = *which;
		*which = dir;
		mutex_unlock(&fs_lock);
		err = 0;
	}
	inode_put(old);
	return err;
}

static long set_dir_path(struct inode **which, uint64_t user)
{
	struct inode *dir;
	int err = path_inode_user(AT_FDCWD, user, WALK_FOLLOW, false, &dir);

	return err ? err : set_dir(which, dir);
}

long sys_chdir(struct trapframe *tf)
{
	return set_dir_path(&task_current()->process->fs->cwd, tf->x[0]);
}

long sys_chroot(struct trapframe *tf)
{
	struct process *p = task_current()->process;

	return p->uid.effective ? -EPERM : set_dir_path(&p->fs->root, tf->x[0]);
}

long sys_fchdir(struct trapframe *tf)
{
	struct fd_light fd = fd_get_light_any((int)tf->x[0]);
	long err;

	if (!fd.file)
		return -EBADF;
	err = fd.file->inode ? set_dir(&task_current()->process->fs->cwd, inode_get(fd.file->inode))
			     : -ENOTDIR;
	fd_put_light(fd);
	return err;
}

/* ---- mounting ---- */

/* What every Stet has, and where. */
static const struct {
	const char *type, *path;
} mounted[] = {
	{ "proc", "/proc" },
	{ "sysfs", "/sys" },
	{ "devtmpfs", "/dev" },
};

static int mount_known(const char *type, struct inode *at)
{
	char path[16];
	int n = inode_path(at, path, sizeof(path));

	for (size_t i = 0; i < ARRAY_SIZE(mounted); i++)
		if (!strcmp(type, mounted[i].type))
			return n > 0 && !strcmp(path, mounted[i].path) ? 0 : -EINVAL;
	/* everything lies in RAM: an empty directory is all that a new tmpfs would be */
	if (strcmp(type, "tmpfs"))
		return -ENODEV;
	return ramfs_is_dir(at) && ramfs_dir_empty(at) ? 0 : -EBUSY;
}

/* There is one tree and nothing is mounted into it. Start-up scripts ask for what is there
 * already, and for that the answer is yes. */
long sys_mount(struct trapframe *tf)
{
	struct inode *at;
	char type[16] = "";
	ssize_t n = tf->x[2] ? copy_string_from_user(type, tf->x[2], sizeof(type)) : 0;
	int err;

	if (n < 0)
		return n == -ENAMETOOLONG ? -ENODEV : n;
	err = path_inode_user(AT_FDCWD, tf->x[1], WALK_FOLLOW, false, &at);
	if (err)
		return err;
	err = (at->mode & S_IFMT) == S_IFDIR ? mount_known(type, at) : -ENOTDIR;
	inode_put(at);
	return err;
}

long sys_umount2(struct trapframe *tf)
{
	struct inode *at;
	int err = path_inode_user(AT_FDCWD, tf->x[0], WALK_FOLLOW, false, &at);

	if (err)
		return err;
	inode_put(at);
	return -EINVAL; /* not a mount point */
}
