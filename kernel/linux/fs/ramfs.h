/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The RAM file system: directories (ramfs.c) and file contents (ramfile.c). fs_lock covers names.
 */
#pragma once

#include "lib/rbtree.h"
#include "linux/fs/inode.h"

/* One name in a directory. */
struct dir_entry {
	struct rb_node node;	   /* in the directory's tree, by length and bytes */
	struct list link;	   /* in its order of making, for getdents64() */
	struct inode *dir, *inode; /* the inode is counted */
	loff_t cookie;		   /* position in the directory, as programs see it */
	uint16_t length;
	char name[];
};

/* Make the root: before anything else of the tree. Panics without memory. */
void ramfs_init(void);
/* A new inode of any kind but a symbolic link, no name yet, one reference. NULL: no memory. */
struct inode *ramfs_create(uint32_t mode, uint64_t rdev);
struct inode *fifo_create(uint32_t mode); /* linux/ipc/fifo.c, S_IFIFO of these */
struct inode *ramfs_create_symlink(const char *text, size_t length);

/* All four: HOLDS(fs_lock). Names have at most 255 bytes. */
/* -EEXIST, -ENOMEM, -ENOENT (the directory itself was removed), -EPERM (not in this directory). */
int ramfs_link(struct inode *dir, const char *name, size_t length, struct inode *inode);
int ramfs_unlink(struct inode *dir, const char *name, size_t length); /* -ENOENT, -EPERM */
bool ramfs_is_dir(const struct inode *inode); /* one whose names can be changed */
bool ramfs_dir_empty(const struct inode *dir);

/* For the kernel: make the path's missing directories, then link (takes no reference of the
 * caller's). */
int ramfs_place(const char *path, struct inode *inode);

/* ---- contents (linux/fs/ramfile.c) ---- */

struct ram_file;
struct inode *ramfile_create(uint32_t mode);
/* A file of that size without a name: shared anonymous memory, memfd. */
int ramfs_anonymous_file(uint64_t size, uint32_t flags, struct file **out);
/* The contents are size bytes at image, which stay there for ever; copied by pages when written. */
void ramfile_set_image(struct inode *inode, const void *image, uint64_t size);
int ramfile_truncate(struct inode *inode, uint64_t size);
void ramfile_allow_sealing(struct inode *inode); /* fcntl F_ADD_SEALS works from now on */
bool ramfile_is(const struct inode *inode);
