/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Laying an initramfs archive over the RAM file system at boot. File contents stay in the archive.
 * An entry takes the place of what has its name, except that directories stay and get the new mode,
 * and devices that devfs made stay as they are. One damaged entry ends the loading.
 */
#include <linux/errno.h>
#include <linux/kdev_t.h>
#include <linux/limits.h>

#include "lib/printk.h"
#include "lib/string.h"
#include "linux/fs/cpio.h"
#include "linux/linux.h"
#include "linux/fs/ramfs.h"
#include "mm/slab.h"

/* A file of several names: the archive has its data only with the last. */
struct hard_link {
	struct hard_link *next;
	uint32_t ino, dev_major, dev_minor;
	struct inode *inode; /* counted */
};

static struct inode *link_known(const struct hard_link *links, const struct cpio_entry *e)
{
	for (; links; links = links->next)
		if (links->ino == e->ino && links->dev_major == e->dev_major &&
		    links->dev_minor == e->dev_minor)
			return inode_get(links->inode);
	return NULL;
}

static int link_remember(struct hard_link **links, const struct cpio_entry *e, struct inode *inode)
{
	struct hard_link *link = kzalloc(sizeof(*link));

	if (!link)
		return -ENOMEM;
	*link = (struct hard_link){ *links, e->ino, e->dev_major, e->dev_minor, inode_get(inode) };
	*links = link;
	return 0;
}

static void links_free(struct hard_link *links)
{
	while (links) {
		struct hard_link *next = links->next;

		inode_put(links->inode);
		kfree(links);
		links = next;
	}
}

static struct inode *entry_inode(const struct cpio_entry *e)
{
	struct inode *inode;

	if ((e->mode & S_IFMT) == S_IFLNK)
		return ramfs_create_symlink((const char *)e->data, e->size);
	inode = ramfs_create(e->mode, MKDEV(e->rdev_major, e->rdev_minor));
	return inode;
}

static void entry_attributes(const struct cpio_entry *e, struct inode *inode)
{
	inode->uid = e->uid;
	inode->gid = e->gid;
	inode->atime = inode->mtime = e->mtime * 1000000000ull;
	if (e->size && ramfile_is(inode))
		ramfile_set_image(inode, e->data, e->size);
}

/* The inode for an entry, one reference: a new one, or one that came before with another name. */
static int entry_make(const struct cpio_entry *e, struct hard_link **links, struct inode **out)
{
	bool shared = (e->mode & S_IFMT) == S_IFREG && e->nlink > 1;

	*out = shared ? link_known(*links, e) : NULL;
	if (!*out) {
		*out = entry_inode(e);
		if (!*out)
			return -ENOMEM;
		if (shared && link_remember(links, e, *out)) {
			inode_put(*out);
			return -ENOMEM;
		}
	}
	entry_attributes(e, *out);
	return 0;
}

/* Make room for a new file of that name: what stands there goes. -EEXIST: it stays. */
static int make_room(struct walk *w, const struct cpio_entry *e)
{
	uint32_t kind = w->inode->mode & S_IFMT;

	if (kind == S_IFDIR || kind == S_IFCHR || kind == S_IFBLK) {
		if ((e->mode & S_IFMT) == kind && kind == S_IFDIR)
			w->inode->mode = e->mode;
		return -EEXIST;
	}
	return ramfs_unlink(w->dir, w->name, w->length);
}

/* 0: the name is free. */
static int prepare(char *path, const struct cpio_entry *e)
{
	struct walk w;
	int err;

	mutex_lock(&fs_lock);
	err = walk(&w, AT_FDCWD, path, 0);
	if (err == -ENOENT) { /* a directory on the way is missing */
		err = 0;
	} else if (!err) {
		if (w.inode)
			err = make_room(&w, e);
		walk_end(&w);
	}
	mutex_unlock(&fs_lock);
	return err;
}

/* The entry's absolute path without "." at its front, in path[PATH_MAX]. */
static bool entry_path(const struct cpio_entry *e, char *path)
{
	const char *name = e->name;

	if (!strcmp(name, "."))
		name = "";
	if (!strncmp(name, "./", 2))
		name += 2;
	path[0] = '/';
	return strlcpy(path + 1, name, PATH_MAX - 1) < PATH_MAX - 1;
}

static int load_entry(const struct cpio_entry *e, struct hard_link **links, char *path)
{
	struct inode *inode;
	int err;

	if (!entry_path(e, path))
		return -ENAMETOOLONG;
	err = prepare(path, e);
	if (err)
		return err == -EEXIST ? 0 : err;
	err = entry_make(e, links, &inode);
	if (err)
		return err;
	entry_path(e, path); /* the walk may have changed it */
	err = ramfs_place(path, inode);
	inode_put(inode);
	return err;
}

int ramfs_load_cpio(const void *archive, size_t size)
{
	char *path = kmalloc(PATH_MAX);
	struct hard_link *links = NULL;
	struct cpio_entry e;
	size_t offset = 0;
	int found;

	if (!path)
		return -ENOMEM;
	while ((found = cpio_next(archive, size, &offset, &e)) > 0) {
		int err = load_entry(&e, &links, path);

		if (err)
			printk("initramfs: %s: error %d\n", e.name, err);
	}
	links_free(links);
	kfree(path);
	if (found < 0)
		printk("initramfs: damaged at byte %zu\n", offset);
	return found;
}
