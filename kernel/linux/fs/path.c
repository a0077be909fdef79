/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The way from a path to an inode (man 7 path_resolution): names, ".", "..", slashes, symbolic
 * links. One tree, no mount points, a root for each process (chroot); the programs are root, so
 * nothing is forbidden on the way.
 *
 * The path lies in a buffer of PATH_MAX bytes; a symbolic link's text takes the place of what has
 * been walked, so nothing recurses.
 */
#include <linux/limits.h>

#include "arch/usercopy.h"
#include "lib/string.h"
#include "linux/fs/inode.h"
#include "linux/process/task.h"
#include "mm/slab.h"

#define LINKS_MAX 40 /* on one way, man 7 path_resolution */

static bool is_dir(const struct inode *inode)
{
	return (inode->mode & S_IFMT) == S_IFDIR;
}

static bool is_link(const struct inode *inode)
{
	return (inode->mode & S_IFMT) == S_IFLNK;
}

/* ---- buffers ---- */

int path_from_user(uint64_t user, char **out)
{
	char *path = kmalloc(PATH_MAX);
	ssize_t n;

	*out = NULL;
	if (!path)
		return -ENOMEM;
	n = copy_string_from_user(path, user, PATH_MAX);
	if (n < 0) {
		kfree(path);
		return (int)n;
	}
	*out = path;
	return 0;
}

void path_free(char *path)
{
	kfree(path);
}

/* ---- the walk ---- */

/* Where the caller's paths begin; at boot it is no task that loads the archive. HOLDS(fs_lock) */
static struct inode *root(void)
{
	return thread_current()->mmu ? task_current()->process->fs->root : fs_root();
}

/* Where a relative path begins; one reference. */
static int walk_start(int dirfd, const char *path, struct inode **out)
{
	struct fd_light fd;
	int err = -ENOTDIR;

	if (*path == '/') {
		*out = inode_get(root());
		return 0;
	}
	if (dirfd == AT_FDCWD) {
		*out = inode_get(task_current()->process->fs->cwd);
		return 0;
	}
	fd = fd_get_light_any(dirfd);
	if (!fd.file)
		return -EBADF;
	if (fd.file->inode && is_dir(fd.file->inode)) {
		*out = inode_get(fd.file->inode);
		err = 0;
	}
	fd_put_light(fd);
	return err;
}

/* Replace what is in path by the link's text and the rest (which lies in path too). */
static int splice_link(struct inode *link, char *path, const char *rest)
{
	char *text = kmalloc(PATH_MAX);
	ssize_t n;
	int err = -ENOMEM;

	if (!text)
		return -ENOMEM;
	n = link->ops->readlink(link, text, PATH_MAX - 1);
	if (n < 0) {
		err = (int)n;
	} else if ((size_t)n + strlen(rest) >= PATH_MAX) {
		err = -ENAMETOOLONG;
	} else {
		strlcpy(text + n, rest, PATH_MAX - (size_t)n);
		strlcpy(path, text, PATH_MAX);
		err = 0;
	}
	kfree(text);
	return err;
}

/* One name in dir. */
static int step(struct inode *dir, const struct walk *w, struct inode **out)
{
	if (!strcmp(w->name, "."))
		*out = inode_get(dir);
	else if (!strcmp(w->name, ".."))
		*out = inode_get(dir == root() ? dir : dir->parent);
	else
		return dir->ops->lookup(dir, w->name, w->length, out);
	return 0;
}

/* Take the next name off *at: its bytes into w, *at behind it and the slashes after it. */
static int next_name(struct walk *w, const char **at)
{
	const char *name = *at, *end = name;

	while (*end && *end != '/')
		end++;
	w->length = (uint32_t)(end - name);
	if (w->length >= sizeof(w->name))
		return -ENAMETOOLONG;
	memcpy(w->name, name, w->length);
	w->name[w->length] = 0;
	w->dots = !strcmp(w->name, ".") || !strcmp(w->name, "..");
	w->slash = *end == '/';
	while (*end == '/')
		end++;
	*at = end;
	return 0;
}

static void replace(struct inode **inode, struct inode *by)
{
	inode_put(*inode);
	*inode = by;
}

/* The link `link` in w->dir was met: go on at *at, which may lie in path anew. On a link that
 * knows where it leads, *target is that inode. */
static int follow(struct walk *w, struct inode *link, char *path, const char **at,
		  struct inode **target)
{
	int err;

	if (link->ops->follow)
		return link->ops->follow(link, target);
	*target = NULL;
	/* the slashes before the rest were skipped; a link to a directory needs one */
	err = splice_link(link, path, w->slash ? *at - 1 : *at);
	if (err)
		return err;
	*at = path;
	if (*path == '/')
		replace(&w->dir, inode_get(root()));
	return *path ? 0 : -ENOENT;
}

/* Is a symbolic link followed here? Always on the way, and at the end as the flags say. */
static bool follows(const struct walk *w, const char *at, unsigned flags)
{
	if (*at || (flags & WALK_FOLLOW))
		return true;
	return w->slash && !(flags & WALK_NAME);
}

/* From w->dir along path; fills in w->inode. */
static int walk_on(struct walk *w, char *path, unsigned flags)
{
	const char *at = path;
	unsigned links = 0;
	int err;

	for (;;) {
		struct inode *child, *target;

		while (*at == '/')
			at++;
		if (!*at) { /* "/", or a link's text of slashes */
			w->inode = inode_get(w->dir);
			w->dots = true;
			w->length = 0;
			return 0;
		}
		if (!is_dir(w->dir))
			return -ENOTDIR;
		err = next_name(w, &at);
		if (!err)
			err = step(w->dir, w, &child);
		if (err == -ENOENT && !*at)
			return 0; /* it may be made: w->inode stays NULL */
		if (err)
			return err;
		if (is_link(child) && follows(w, at, flags)) {
			err = ++links > LINKS_MAX ? -ELOOP : follow(w, child, path, &at, &target);
			inode_put(child);
			if (err)
				return err;
			if (!target)
				continue;
			child = target;
		}
		if (!*at) {
			w->inode = child;
			return w->slash && !(flags & WALK_NAME) && !is_dir(child) ? -ENOTDIR : 0;
		}
		replace(&w->dir, child);
	}
}

int walk(struct walk *w, int dirfd, char *path, unsigned flags)
{
	int err;

	*w = (struct walk){ 0 };
	if (!*path)
		return -ENOENT;
	err = walk_start(dirfd, path, &w->dir);
	if (err)
		return err;
	err = walk_on(w, path, flags);
	if (err)
		walk_end(w);
	return err;
}

void walk_end(struct walk *w)
{
	inode_put(w->dir);
	if (w->inode)
		inode_put(w->inode);
}

/* ---- whole ways ---- */

int path_inode(int dirfd, char *path, unsigned flags, struct inode **out)
{
	struct walk w;
	int err;

	mutex_lock(&fs_lock);
	err = walk(&w, dirfd, path, flags);
	if (!err) {
		if (w.inode)
			*out = inode_get(w.inode);
		else
			err = -ENOENT;
		walk_end(&w);
	}
	mutex_unlock(&fs_lock);
	return err;
}

/* What the descriptor itself is (AT_EMPTY_PATH). -EBADF; -ENOENT: it is no path. */
static int descriptor_inode(int dirfd, struct inode **out)
{
	struct fd_light fd;
	int err = -ENOENT;

	if (dirfd == AT_FDCWD) {
		mutex_lock(&fs_lock);
		*out = inode_get(task_current()->process->fs->cwd);
		mutex_unlock(&fs_lock);
		return 0;
	}
	fd = fd_get_light_any(dirfd);
	if (!fd.file)
		return -EBADF;
	if (fd.file->inode) {
		*out = inode_get(fd.file->inode);
		err = 0;
	}
	fd_put_light(fd);
	return err;
}

int path_inode_user(int dirfd, uint64_t user, unsigned flags, bool empty_ok, struct inode **out)
{
	char *path;
	int err = path_from_user(user, &path);

	if (err)
		return err;
	if (!*path && empty_ok)
		err = descriptor_inode(dirfd, out);
	else
		err = path_inode(dirfd, path, flags, out);
	path_free(path);
	return err;
}
