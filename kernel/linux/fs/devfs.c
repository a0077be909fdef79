/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices: which number opens what, and their names in /dev. A special file made anywhere in the
 * tree opens by its number; the table only grows, so it is read without a lock.
 * Here too are the devices that are nothing but memory: null, zero, full, random, urandom.
 */
#include "linux/fs/devfs.h"

#include <linux/errno.h>
#include <linux/kdev_t.h>
#include <linux/major.h>

#include "drivers/entropy.h"
#include "lib/bits.h"
#include "lib/check.h"
#include "lib/string.h"
#include "linux/fs/ramfs.h"
#include "linux/signal/signal.h"
#include "linux/fs/uapi_fs.h"
#include "mm/slab.h"
#include "sched/thread.h"

struct device {
	struct device *next;
	uint64_t number;
	bool block;
	int (*open)(struct file *f);
};

static struct device *_Atomic devices;

/* st_rdev as user space packs it: for the numbers in use here, MKDEV of 8 bits each. */
static uint64_t device_number(unsigned major, unsigned minor)
{
	return MKDEV(major, minor);
}

int devfs_register(const char *name, unsigned major, unsigned minor, bool block,
		   int (*open)(struct file *f), uint32_t mode)
{
	uint32_t kind = block ? S_IFBLK : S_IFCHR;
	struct device *d = kzalloc(sizeof(*d));
	struct inode *inode;
	char path[64];
	int err;

	if (!d)
		return -ENOMEM;
	inode = ramfs_create(kind | mode, device_number(major, minor));
	if (!inode) {
		kfree(d);
		return -ENOMEM;
	}
	*d = (struct device){ NULL, device_number(major, minor), block, open };
	d->next = atomic_load_explicit(&devices, memory_order_relaxed);
	/* release: the reader that finds it sees it whole. One registrar at a time: boot */
	atomic_store_explicit(&devices, d, memory_order_release);
	snprintf(path, sizeof(path), "/dev/%s", name);
	err = ramfs_place(path, inode);
	inode_put(inode);
	return err;
}

int devfs_open(struct inode *inode, struct file *f)
{
	bool block = (inode->mode & S_IFMT) == S_IFBLK;
	const struct device *d = atomic_load_explicit(&devices, memory_order_acquire);

	if (!block && (inode->mode & S_IFMT) != S_IFCHR)
		return -ENXIO;
	for (; d; d = d->next)
		if (d->number == inode->rdev && d->block == block)
			return d->open(f);
	return -ENXIO;
}

/* ---- memory devices ---- */

#define RANDOM_MINOR 8
#define PIECE	     256 /* bytes of random data made at once, on the stack */

static loff_t memory_seek(struct file *f, loff_t offset, int whence)
{
	(void)whence; /* man 4 null: every position is the same */
	return f->pos = offset < 0 ? 0 : offset;
}

static ssize_t null_read(struct file *f, struct iter *to, loff_t *pos)
{
	(void)f, (void)to, (void)pos;
	return 0;
}

static ssize_t null_write(struct file *f, struct iter *from, loff_t *pos)
{
	(void)f, (void)pos;
	return (ssize_t)iter_left(from);
}

static ssize_t zero_read(struct file *f, struct iter *to, loff_t *pos)
{
	size_t start = iter_left(to);
	int err = 0;

	(void)f, (void)pos;
	while (!err && iter_left(to)) {
		err = iter_zero(to, min(iter_left(to), (size_t)65536));
		thread_checkpoint();
	}
	return iter_moved(to, start, err);
}

static ssize_t full_write(struct file *f, struct iter *from, loff_t *pos)
{
	(void)f, (void)from, (void)pos;
	return -ENOSPC;
}

static ssize_t random_read(struct file *f, struct iter *to, loff_t *pos)
{
	size_t start = iter_left(to);
	int err = 0;

	(void)pos;
	/* man 4 random: only /dev/random waits */
	if (f->inode && f->inode->rdev == device_number(MEM_MAJOR, RANDOM_MINOR))
		err = entropy_ready(!file_nonblocking(f));
	if (err == -EINTR)
		err = -ERESTARTSYS;
	while (!err && iter_left(to)) {
		uint8_t piece[PIECE];
		size_t n = min(iter_left(to), sizeof(piece));

		entropy_get(piece, n);
		err = iter_put(to, piece, n);
		thread_checkpoint();
	}
	return iter_moved(to, start, err);
}

static ssize_t random_write(struct file *f, struct iter *from, loff_t *pos)
{
	size_t start = iter_left(from);
	int err = 0;

	(void)f, (void)pos;
	while (!err && iter_left(from)) {
		uint8_t piece[PIECE];
		size_t n = min(iter_left(from), sizeof(piece));

		err = iter_get(from, piece, n);
		if (!err)
			entropy_add(piece, n);
		thread_checkpoint();
	}
	return iter_moved(from, start, err);
}

static const struct file_ops null_ops = { .read = null_read,
					  .write = null_write,
					  .seek = memory_seek };
static const struct file_ops zero_ops = { .read = zero_read,
					  .write = null_write,
					  .seek = memory_seek };
static const struct file_ops full_ops = { .read = zero_read,
					  .write = full_write,
					  .seek = memory_seek };
static const struct file_ops random_ops = { .read = random_read,
					    .write = random_write,
					    .seek = memory_seek };

static int null_open(struct file *f)
{
	f->ops = &null_ops;
	return 0;
}

static int zero_open(struct file *f)
{
	f->ops = &zero_ops;
	return 0;
}

static int full_open(struct file *f)
{
	f->ops = &full_ops;
	return 0;
}

static int random_open(struct file *f)
{
	f->ops = &random_ops;
	return 0;
}

/* Numbers: Linux, Documentation/admin-guide/devices.txt, major 1. */
static const struct {
	const char *name;
	unsigned minor;
	int (*open)(struct file *f);
} memory_devices[] = {
	{ "null", 3, null_open },      { "zero", 5, zero_open },
	{ "full", 7, full_open },      { "random", RANDOM_MINOR, random_open },
	{ "urandom", 9, random_open },
};

/* What programs expect beside devices (man 4 fd). */
static const struct {
	const char *path, *text;
} links[] = {
	{ "/dev/fd", "/proc/self/fd" },
	{ "/dev/stdin", "/proc/self/fd/0" },
	{ "/dev/stdout", "/proc/self/fd/1" },
	{ "/dev/stderr", "/proc/self/fd/2" },
};

void devfs_init(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(memory_devices); i++)
		check(!devfs_register(memory_devices[i].name, MEM_MAJOR, memory_devices[i].minor,
				      false, memory_devices[i].open, 0666));
	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		struct inode *link = ramfs_create_symlink(links[i].text, strlen(links[i].text));

		check(link && !ramfs_place(links[i].path, link));
		inode_put(link);
	}
}
