/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /proc and /sys: a tree of nodes that the kernel's rooms register at boot and that never go. A
 * node is a directory, a text made by a function at each reading, or a symbolic link. The names
 * of processes are proc_pid.c's; they stand in /proc beside the nodes.
 *
 * Nodes are made at boot by one thread and only read afterwards, but for the files of a directory
 * of numbers, which come and go: their nodes are made when somebody walks there.
 */
#include "linux/proc/procfs.h"

#include <linux/errno.h>

#include "lib/check.h"
#include "lib/string.h"
#include "linux/fs/ramfs.h"
#include "linux/fs/uapi_fs.h"
#include "mm/slab.h"

struct node {
	struct inode inode;
	const char *name;
	size_t name_length;
	struct node *children, *next; /* in the order of making */
	loff_t position;	      /* of this one in its directory */
	void (*show)(struct text *t, void *arg);
	int (*store)(const char *text, size_t size, void *arg); /* NULL: is not written */
	void *arg;
	const char *link;
	const struct pseudo_numbers *numbers; /* of a directory of these, and of its files */
	unsigned number;		      /* of such a file */
};

#define POSITION_FIRST 2 /* behind "." and ".." */

static struct node *proc, *sys; /* the two roots */

static struct node *node_of(struct inode *inode)
{
	return container_of(inode, struct node, inode);
}

static struct node *child_find(const struct node *dir, const char *name, size_t length)
{
	struct node *n = dir->children;

	while (n && (n->name_length != length || memcmp(n->name, name, length)))
		n = n->next;
	return n;
}

static int number_lookup(struct node *dir, int number, struct inode **out);

static int node_lookup(struct inode *dir, const char *name, size_t length, struct inode **out)
{
	struct node *n = child_find(node_of(dir), name, length);

	if (n) {
		*out = inode_get(&n->inode);
		return 0;
	}
	if (node_of(dir)->numbers)
		return number_lookup(node_of(dir), proc_number(name, length), out);
	return dir == &proc->inode ? proc_pid_lookup(dir, name, length, out) : -ENOENT;
}

static ssize_t node_readlink(struct inode *link, char *to, size_t size)
{
	size_t length = strlen(node_of(link)->link);

	length = length < size ? length : size;
	memcpy(to, node_of(link)->link, length);
	return (ssize_t)length;
}

static int node_open(struct inode *inode, struct file *f)
{
	int err = text_open(f, node_of(inode)->show, node_of(inode)->arg, NULL);

	if (!err && node_of(inode)->store)
		text_accept(f, node_of(inode)->store);
	return err;
}

static void node_release(struct inode *inode)
{
	check(!inode); /* the tree keeps every node for ever */
}

static const struct inode_ops dir_ops = { .lookup = node_lookup, .release = node_release };
static const struct inode_ops file_ops = { .open = node_open, .release = node_release };
static const struct inode_ops link_ops = { .readlink = node_readlink, .release = node_release };

static bool add_node(struct file *f, struct dirents *to, const struct inode *inode, loff_t next,
		     const char *name, size_t length)
{
	if (!dirents_add(to, inode->ino, next, inode->mode, name, length))
		return false;
	f->pos = next;
	return true;
}

static uint64_t number_ino(const struct node *dir, unsigned number)
{
	return dir->inode.ino << 32 | number;
}

static void numbers_readdir(struct file *f, struct dirents *to, const struct node *dir)
{
	unsigned n;
	char name[12];

	while ((n = dir->numbers->next((unsigned)(f->pos - POSITION_FIRST)))) {
		size_t length = (size_t)snprintf(name, sizeof(name), "%u", n);

		if (!dirents_add(to, number_ino(dir, n), n + POSITION_FIRST, S_IFREG, name, length))
			return;
		f->pos = n + POSITION_FIRST;
	}
}

static int node_readdir(struct file *f, struct dirents *to)
{
	struct node *dir = node_of(f->inode);

	if (f->pos == 0 && !add_node(f, to, f->inode, 1, ".", 1))
		return 0;
	if (f->pos == 1 && !add_node(f, to, f->inode->parent, POSITION_FIRST, "..", 2))
		return 0;
	for (struct node *n = dir->children; n; n = n->next)
		if (n->position >= f->pos &&
		    !add_node(f, to, &n->inode, n->position + 1, n->name, n->name_length))
			return 0;
	if (dir == proc)
		proc_pid_readdir(f, to);
	if (dir->numbers)
		numbers_readdir(f, to, dir);
	return 0;
}

static loff_t node_seek(struct file *f, loff_t offset, int whence)
{
	if (whence == SEEK_CUR)
		offset += f->pos;
	else if (whence != SEEK_SET)
		return -EINVAL;
	return offset < 0 ? -EINVAL : (f->pos = offset);
}

static const struct file_ops dir_file_ops = { .seek = node_seek, .readdir = node_readdir };

/* ---- making ---- */

static struct node *node_new(const char *name, size_t length, const struct inode_ops *ops,
			     uint32_t mode)
{
	struct node *n = kzalloc(sizeof(*n) + length + 1);

	if (!n)
		return NULL;
	inode_init(&n->inode, ops, mode);
	n->inode.nlink = 1;
	n->name = memcpy(n + 1, name, length);
	n->name_length = length;
	if (ops == &dir_ops)
		n->inode.file_ops = &dir_file_ops;
	return n;
}

static void child_add(struct node *dir, struct node *child)
{
	struct node **at = &dir->children;

	child->position = POSITION_FIRST;
	while (*at) {
		child->position = (*at)->position + 1;
		at = &(*at)->next;
	}
	child->inode.parent = &dir->inode;
	*at = child;
}

static int number_open(struct inode *inode, struct file *f)
{
	return node_of(inode)->numbers->open(f, node_of(inode)->number);
}

static void number_release(struct inode *inode)
{
	kfree(node_of(inode));
}

static const struct inode_ops number_ops = { .open = number_open, .release = number_release };

static int number_lookup(struct node *dir, int number, struct inode **out)
{
	struct node *n;

	if (number <= 0 || dir->numbers->next((unsigned)number - 1) != (unsigned)number)
		return -ENOENT;
	n = node_new("", 0, &number_ops, S_IFREG | 0444);
	if (!n)
		return -ENOMEM;
	n->inode.ino = number_ino(dir, (unsigned)number);
	n->numbers = dir->numbers;
	n->number = (unsigned)number;
	*out = &n->inode;
	return 0;
}

/* The directory that holds the last name of path (from below the root on); *path moves there. */
static struct node *parent_of(struct node *root, const char **path)
{
	struct node *dir = root;
	const char *slash;

	while (dir && (slash = strchr(*path, '/'))) {
		struct node *child = child_find(dir, *path, (size_t)(slash - *path));

		if (!child) {
			child = node_new(*path, (size_t)(slash - *path), &dir_ops, S_IFDIR | 0555);
			if (child)
				child_add(dir, child);
		}
		dir = child;
		*path = slash + 1;
	}
	return dir;
}

/* A new node at an absolute path. */
static int node_place(const char *path, const struct inode_ops *ops, uint32_t mode,
		      struct node **out)
{
	struct node *root = strncmp(path, "/sys/", 5) ? proc : sys;
	struct node *dir;

	path = strchr(path + 1, '/') + 1;
	dir = parent_of(root, &path);
	if (!dir)
		return -ENOMEM;
	if (child_find(dir, path, strlen(path)))
		return -EEXIST;
	*out = node_new(path, strlen(path), ops, mode);
	if (!*out)
		return -ENOMEM;
	child_add(dir, *out);
	return 0;
}

int pseudo_register(const char *path, void (*show)(struct text *t, void *arg), void *arg)
{
	struct node *n;
	int err = node_place(path, &file_ops, S_IFREG | 0444, &n);

	if (err)
		return err;
	n->show = show;
	n->arg = arg;
	return 0;
}

int pseudo_register_rw(const char *path, void (*show)(struct text *t, void *arg),
		       int (*store)(const char *text, size_t size, void *arg), void *arg)
{
	struct node *n;
	int err = node_place(path, &file_ops, S_IFREG | 0644, &n);

	if (err)
		return err;
	n->show = show;
	n->store = store;
	n->arg = arg;
	return 0;
}

int pseudo_register_numbers(const char *path, const struct pseudo_numbers *numbers)
{
	struct node *n;
	int err = node_place(path, &dir_ops, S_IFDIR | 0555, &n);

	if (!err)
		n->numbers = numbers;
	return err;
}

int pseudo_link(const char *path, const char *text)
{
	struct node *n;
	int err = node_place(path, &link_ops, S_IFLNK | 0777, &n);

	if (err)
		return err;
	n->link = text;
	return 0;
}

int procfs_register(const char *path, void (*show)(struct text *t, void *arg), void *arg)
{
	char whole[128];

	snprintf(whole, sizeof(whole), "/proc/%s", path);
	return pseudo_register(whole, show, arg);
}

static struct node *root_make(const char *name)
{
	struct node *n = node_new(name, strlen(name), &dir_ops, S_IFDIR | 0555);

	check(n && !ramfs_place(name, &n->inode));
	return n;
}

void procfs_init(void)
{
	proc = root_make("proc");
	sys = root_make("sys");
	proc_system_init();
}
