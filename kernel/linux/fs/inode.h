/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names: inodes, the tree of directories, and the way from a path to an inode.
 *
 * There is one tree. Directories and files made by programs are linux/fs/ramfs.c's; /proc and /sys
 * hang in it as directories with operations of their own. fs_lock covers every directory entry
 * of the whole tree; an inode's own lock covers its contents.
 */
#pragma once

#include <asm/stat.h>
#include <linux/fcntl.h>
#include <linux/stat.h>

#include "linux/fs/file.h"

struct inode;
struct dir_entry;

struct inode_ops {
	/* HOLDS(fs_lock). One reference in *out; -ENOENT. NULL: not a directory. */
	int (*lookup)(struct inode *dir, const char *name, size_t length, struct inode **out);
	/* Bytes (no NUL) of a symbolic link's text, at most size. */
	ssize_t (*readlink)(struct inode *link, char *to, size_t size);
	/* /proc/self/fd/N: what the link leads to, whatever its text says; one reference. May be
	 * NULL */
	int (*follow)(struct inode *link, struct inode **out);
	/* Finish an open: set f->ops, f->data. NULL: f->ops are inode->file_ops. */
	int (*open)(struct inode *inode, struct file *f);
	void (*release)(struct inode *inode); /* last reference gone; frees it */
};

struct inode {
	_Atomic uint32_t refs;
	uint32_t mode, uid, gid; /* mode with S_IFMT */
	uint32_t nlink;		 /* fs_lock */
	uint64_t ino, rdev, size;
	uint64_t atime, mtime, ctime; /* ns since 1970 */
	const struct inode_ops *ops;
	const struct file_ops *file_ops;
	struct mutex lock;	 /* covers size and contents */
	struct inode *parent;	 /* of a directory, counted; the root's is itself. fs_lock */
	struct dir_entry *entry; /* a name it has now, NULL: none. fs_lock */
};

/* What CLONE_FS shares. */
struct fs_state {
	_Atomic uint32_t refs;
	struct inode *cwd;  /* fs_lock */
	struct inode *root; /* where paths begin, chroot(2). fs_lock */
	_Atomic uint32_t umask;
};
struct fs_state *fs_state_create(void); /* cwd is the root, umask 022. NULL: no memory */
struct fs_state *fs_state_clone(struct fs_state *from);
static inline struct fs_state *fs_state_get(struct fs_state *fs)
{
	atomic_fetch_add_explicit(&fs->refs, 1, memory_order_relaxed);
	return fs;
}
void fs_state_put(struct fs_state *fs);

extern struct mutex fs_lock;
struct inode *fs_root(void); /* the whole tree's; not counted: for ever */

void inode_init(struct inode *inode, const struct inode_ops *ops, uint32_t mode);
static inline struct inode *inode_get(struct inode *inode)
{
	atomic_fetch_add_explicit(&inode->refs, 1, memory_order_relaxed);
	return inode;
}
void inode_put(struct inode *inode);
void inode_stat(const struct inode *inode, struct stat *st);
uint64_t inode_now(void); /* for the times */
/* The path of an inode, NUL-terminated, in to[0 .. size): its length; -ENAMETOOLONG, -ENOENT (no
 * name). */
int inode_path(struct inode *inode, char *to, size_t size);

/* ---- paths (linux/fs/path.c) ---- */

/* A path of a program or the kernel, PATH_MAX bytes, freed by path_free(). */
int path_from_user(uint64_t user, char **out);
void path_free(char *path);

struct walk {
	struct inode *dir;   /* where the last name is or would be; one reference */
	struct inode *inode; /* what it names, NULL: nothing yet; one reference */
	char name[256];	     /* the last name; "" when the path ends in "/", "." or ".." */
	uint32_t length;
	bool slash; /* something followed by '/': only a directory will do */
	bool dots;  /* ended in "." or ".." */
};

#define WALK_FOLLOW 1u /* a symbolic link at the end is followed */
#define WALK_NAME   2u /* the last name itself is meant, even if a '/' follows it */

/* From dirfd (AT_FDCWD: the working directory) along path, which is changed on the way. A missing
 * last name is no error (w->inode NULL). On 0 the caller calls walk_end(). HOLDS(fs_lock) */
int walk(struct walk *w, int dirfd, char *path, unsigned flags);
void walk_end(struct walk *w);

/* The inode of a path, one reference. Takes fs_lock. */
int path_inode(int dirfd, char *path, unsigned flags, struct inode **out);
/* The same for the path at a user address; "" means dirfd itself if empty_ok (AT_EMPTY_PATH). */
int path_inode_user(int dirfd, uint64_t user, unsigned flags, bool empty_ok, struct inode **out);
/* Open a path; flags are O_*; -errno. For exec and the first program. */
int path_open(int dirfd, const char *path, uint32_t flags, uint32_t mode, struct file **out);
/* Make a file of an inode (takes its own reference). */
int inode_open(struct inode *inode, uint32_t flags, struct file **out);

/* ---- reading directories ---- */

struct dirents {
	uint8_t *data; /* struct linux_dirent64 records */
	size_t size, used;
	bool full; /* a record did not fit */
};
/* One more record; next is the position after it, type one of DT_*. false: no room. */
bool dirents_add(struct dirents *d, uint64_t ino, loff_t next, uint32_t mode, const char *name,
		 size_t length);
