/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The RAM file system: directories, symbolic links and special files. The whole tree lies here;
 * procfs.c hangs its directories into it. Contents of regular files are in ramfile.c, devices
 * open by devfs.c. Everything about names is covered by fs_lock.
 *
 * A directory keeps its names twice: in a tree for looking up, and in a list in the order of their
 * making, where each has a number that never comes again, for reading in pieces while names come
 * and go.
 */
#include "linux/fs/ramfs.h"

#include <linux/errno.h>

#include "lib/check.h"
#include "lib/string.h"
#include "linux/fs/devfs.h"
#include "linux/fs/uapi_fs.h"
#include "mm/page.h"
#include "mm/slab.h"

struct ram_dir {
	struct inode inode;
	struct rb_tree names;
	struct list order;
	loff_t next_cookie;
};

struct ram_symlink {
	struct inode inode;
	char text[];
};

#define COOKIE_DOTDOT 1 /* "." is 0 */
#define COOKIE_FIRST  2

static struct inode *root; /* set by ramfs_init() for ever */

struct inode *fs_root(void)
{
	return root;
}

/* ---- directories ---- */

static struct ram_dir *ram_dir(const struct inode *inode)
{
	return container_of(inode, struct ram_dir, inode);
}

static int name_compare(const char *name, size_t length, const struct dir_entry *e)
{
	if (length != e->length)
		return length < e->length ? -1 : 1;
	return memcmp(name, e->name, length);
}

/* The entry, or NULL and in *parent and *link the place where it would be. */
static struct dir_entry *entry_find(struct ram_dir *dir, const char *name, size_t length,
				    struct rb_node **parent, struct rb_node ***link)
{
	*parent = NULL;
	*link = &dir->names.root;
	while (**link) {
		struct dir_entry *e = rb_entry(**link, struct dir_entry, node);
		int order = name_compare(name, length, e);

		if (!order)
			return e;
		*parent = **link;
		*link = &(*parent)->child[order > 0];
	}
	return NULL;
}

static struct dir_entry *entry_of(struct inode *dir, const char *name, size_t length)
{
	struct rb_node *parent, **link;

	return entry_find(ram_dir(dir), name, length, &parent, &link);
}

static int dir_lookup(struct inode *dir, const char *name, size_t length, struct inode **out)
{
	struct dir_entry *e = entry_of(dir, name, length);

	if (!e)
		return -ENOENT;
	*out = inode_get(e->inode);
	return 0;
}

/* A directory keeps its parent, so that ".." leads somewhere even when both have been removed. */
static void dir_release(struct inode *inode)
{
	for (;;) {
		struct inode *parent = inode->parent;

		kfree(ram_dir(inode));
		if (!parent)
			return;
		/* acq_rel: as inode_put(), which would recurse once for each level */
		if (atomic_fetch_sub_explicit(&parent->refs, 1, memory_order_acq_rel) != 1)
			return;
		inode = parent;
	}
}

static const struct inode_ops dir_ops = {
	.lookup = dir_lookup,
	.release = dir_release,
};

bool ramfs_is_dir(const struct inode *inode)
{
	return inode->ops == &dir_ops;
}

bool ramfs_dir_empty(const struct inode *dir)
{
	return list_empty(&ram_dir(dir)->order);
}

static void entry_added(struct dir_entry *e)
{
	bool directory = (e->inode->mode & S_IFMT) == S_IFDIR;

	inode_get(e->inode);
	e->inode->entry = e;
	e->inode->nlink += directory ? 2 : 1;
	e->inode->ctime = e->dir->mtime = e->dir->ctime = inode_now();
	if (directory) {
		if (e->inode->parent)
			inode_put(e->inode->parent);
		e->inode->parent = inode_get(e->dir);
		e->dir->nlink++;
	}
}

int ramfs_link(struct inode *dir, const char *name, size_t length, struct inode *inode)
{
	struct rb_node *parent, **link;
	struct dir_entry *e;

	if (!ramfs_is_dir(dir))
		return -EPERM;
	if (!dir->nlink)
		return -ENOENT;
	if (entry_find(ram_dir(dir), name, length, &parent, &link))
		return -EEXIST;
	e = kzalloc(sizeof(*e) + length);
	if (!e)
		return -ENOMEM;
	e->dir = dir;
	e->inode = inode;
	e->length = (uint16_t)length;
	e->cookie = ram_dir(dir)->next_cookie++;
	memcpy(e->name, name, length);
	rb_insert(&ram_dir(dir)->names, &e->node, parent, link);
	list_append(&ram_dir(dir)->order, &e->link);
	entry_added(e);
	return 0;
}

int ramfs_unlink(struct inode *dir, const char *name, size_t length)
{
	struct dir_entry *e;
	struct inode *inode;

	if (!ramfs_is_dir(dir))
		return -EPERM;
	e = entry_of(dir, name, length);
	if (!e)
		return -ENOENT;
	inode = e->inode;
	rb_remove(&ram_dir(dir)->names, &e->node);
	list_remove(&e->link);
	if (inode->entry == e)
		inode->entry = NULL;
	inode->ctime = dir->mtime = dir->ctime = inode_now();
	if ((inode->mode & S_IFMT) == S_IFDIR) {
		inode->nlink -= 2;
		dir->nlink--;
	} else {
		inode->nlink--;
	}
	kfree(e);
	inode_put(inode);
	return 0;
}

/* ---- reading a directory ---- */

static bool add_dots(struct file *f, struct dirents *to)
{
	struct inode *dir = f->inode;

	if (f->pos == 0) {
		if (!dirents_add(to, dir->ino, COOKIE_DOTDOT, S_IFDIR, ".", 1))
			return false;
		f->pos = COOKIE_DOTDOT;
	}
	if (f->pos == COOKIE_DOTDOT) {
		if (!dirents_add(to, dir->parent->ino, COOKIE_FIRST, S_IFDIR, "..", 2))
			return false;
		f->pos = COOKIE_FIRST;
	}
	return true;
}

static int dir_readdir(struct file *f, struct dirents *to)
{
	const struct dir_entry *e;

	mutex_lock(&fs_lock);
	if (f->inode->nlink && add_dots(f, to)) {
		list_for_each(e, &ram_dir(f->inode)->order, link) {
			if (e->cookie < f->pos)
				continue;
			if (!dirents_add(to, e->inode->ino, e->cookie + 1, e->inode->mode, e->name,
					 e->length))
				break;
			f->pos = e->cookie + 1;
		}
	}
	mutex_unlock(&fs_lock);
	return 0;
}

static loff_t dir_seek(struct file *f, loff_t offset, int whence)
{
	if (whence == SEEK_CUR)
		offset += f->pos;
	else if (whence != SEEK_SET)
		return -EINVAL;
	if (offset < 0)
		return -EINVAL;
	return f->pos = offset;
}

static int nothing_to_sync(struct file *f)
{
	(void)f;
	return 0;
}

static const struct file_ops dir_file_ops = {
	.seek = dir_seek,
	.readdir = dir_readdir,
	.fsync = nothing_to_sync,
};

static struct inode *dir_create(uint32_t mode)
{
	struct ram_dir *dir = page_scarce(0) ? NULL : kzalloc(sizeof(*dir));

	if (!dir)
		return NULL;
	inode_init(&dir->inode, &dir_ops, mode);
	dir->inode.file_ops = &dir_file_ops;
	list_init(&dir->order);
	dir->next_cookie = COOKIE_FIRST;
	return &dir->inode;
}

/* ---- symbolic links and special files ---- */

static ssize_t symlink_readlink(struct inode *link, char *to, size_t size)
{
	size_t n = link->size < size ? link->size : size;

	memcpy(to, container_of(link, struct ram_symlink, inode)->text, n);
	return (ssize_t)n;
}

static void symlink_release(struct inode *inode)
{
	kfree(container_of(inode, struct ram_symlink, inode));
}

static const struct inode_ops symlink_ops = {
	.readlink = symlink_readlink,
	.release = symlink_release,
};

struct inode *ramfs_create_symlink(const char *text, size_t length)
{
	struct ram_symlink *link = kzalloc(sizeof(*link) + length);

	if (!link)
		return NULL;
	inode_init(&link->inode, &symlink_ops, S_IFLNK | 0777);
	link->inode.size = length;
	memcpy(link->text, text, length);
	return &link->inode;
}

static void special_release(struct inode *inode)
{
	kfree(inode);
}

static const struct inode_ops special_ops = {
	.open = devfs_open,
	.release = special_release,
};

static struct inode *special_create(uint32_t mode, uint64_t rdev)
{
	struct inode *inode = page_scarce(0) ? NULL : kzalloc(sizeof(*inode));

	if (!inode)
		return NULL;
	inode_init(inode, &special_ops, mode);
	inode->rdev = rdev;
	return inode;
}

struct inode *ramfs_create(uint32_t mode, uint64_t rdev)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return dir_create(mode);
	case S_IFREG:
		return ramfile_create(mode);
	case S_IFIFO:
		return fifo_create(mode);
	default:
		return special_create(mode, rdev);
	}
}

/* ---- for the kernel ---- */

void ramfs_init(void)
{
	mutex_init(&fs_lock);
	root = dir_create(S_IFDIR | 0755);
	check(root);
	root->parent = root;
	root->nlink = 2;
}

/* The directory of that name in dir, made if it is missing. */
static int dir_within(struct inode *dir, const char *name, size_t length, struct inode **out)
{
	struct inode *made;
	int err = dir->ops->lookup(dir, name, length, out);

	if (err != -ENOENT) {
		if (!err)
			inode_put(*out); /* the tree keeps it: the kernel removes no directory */
		return err;
	}
	made = dir_create(S_IFDIR | 0755);
	if (!made)
		return -ENOMEM;
	err = ramfs_link(dir, name, length, made);
	inode_put(made);
	*out = made;
	return err;
}

int ramfs_place(const char *path, struct inode *inode)
{
	struct inode *dir = root;
	const char *slash;
	int err = 0;

	mutex_lock(&fs_lock);
	while (*path == '/')
		path++;
	while (!err && (slash = strchr(path, '/'))) {
		err = dir_within(dir, path, (size_t)(slash - path), &dir);
		if (!err && !ramfs_is_dir(dir))
			err = -ENOTDIR;
		path = slash + 1;
	}
	if (!err)
		err = ramfs_link(dir, path, strlen(path), inode);
	mutex_unlock(&fs_lock);
	return err;
}
