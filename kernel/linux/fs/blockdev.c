/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Disks as programs see them: /dev/vda and so on, bytes at any offset. Every transfer goes through
 * a buffer of its own and reaches the disk before it returns; nothing is cached. The rest of a
 * sector that is written in part is read first.
 *
 * A write in part must not lose a whole write to the same sector meanwhile: whole writes run beside
 * each other, a write in part runs alone. writing.lock covers that.
 */
#include "linux/fs/blockdev.h"

#include <linux/fcntl.h>
#include <linux/kdev_t.h>

#include "arch/usercopy.h"
#include "drivers/block.h"
#include "lib/bits.h"
#include "lib/printk.h"
#include "lib/string.h"
#include "linux/fs/inode.h"
#include "linux/fs/uapi_fs.h"
#include "mm/page.h"
#include "sched/thread.h"

#define DISK_MAJOR   254 /* Linux gives virtio disks a dynamic one, from 254 down */
#define MINOR_SHIFT  4	 /* 16 minors a disk: itself and partitions */
#define BUFFER_ORDER 5	 /* at most 128 KiB at once */

static struct {
	struct mutex lock;
	unsigned whole; /* whole writes now running */
	struct wait_queue queue;
} writing;

static uint64_t disk_bytes(const struct block_device *disk)
{
	return disk->sectors * SECTOR_SIZE;
}

/* A buffer for up to `size` bytes, maybe smaller: *room is a multiple of sectors. */
static void *buffer_alloc(size_t size, size_t *room)
{
	unsigned order = 0;

	while (order < BUFFER_ORDER && (PAGE_SIZE << order) < size)
		order++;
	for (;; order--) {
		void *buffer = page_alloc(order);

		*room = PAGE_SIZE << order;
		if (buffer || !order)
			return buffer;
	}
}

/* ---- one buffer full ---- */

/* What one turn covers: bytes [pos, pos + size) in `count` sectors from `sector`. */
struct span {
	uint64_t pos, sector;
	size_t offset, size, count;
};

static struct span span_at(const struct block_device *disk, uint64_t pos, size_t wanted,
			   size_t room)
{
	struct span s = {
		.pos = pos,
		.sector = pos / SECTOR_SIZE,
		.offset = pos % SECTOR_SIZE,
	};
	size_t left = min(wanted, disk_bytes(disk) - pos);

	s.size = min(left, room - s.offset);
	s.count = (s.offset + s.size + SECTOR_SIZE - 1) / SECTOR_SIZE;
	return s;
}

static bool span_whole(const struct span *s)
{
	return !s->offset && !(s->size % SECTOR_SIZE);
}

static int write_whole(struct block_device *disk, const struct span *s, void *buffer)
{
	int err;

	mutex_lock(&writing.lock);
	writing.whole++;
	mutex_unlock(&writing.lock);
	err = disk->transfer(disk, true, s->sector, buffer, s->count);
	mutex_lock(&writing.lock);
	writing.whole--;
	mutex_unlock(&writing.lock);
	wake_up(&writing.queue, 0);
	return err;
}

static bool nobody_writes(void)
{
	return !__atomic_load_n(&writing.whole, __ATOMIC_RELAXED);
}

/* The bytes to write lie at buffer + offset already and are kept aside while the sectors come. */
static int write_part(struct block_device *disk, const struct span *s, uint8_t *buffer)
{
	uint8_t *whole;
	size_t room;
	int err = -ENOMEM;

	whole = buffer_alloc(s->count * SECTOR_SIZE, &room);
	if (!whole || room < s->count * SECTOR_SIZE)
		goto out;
	mutex_lock(&writing.lock);
	wait_event(&writing.queue, nobody_writes());
	err = disk->transfer(disk, false, s->sector, whole, s->count);
	if (!err) {
		memcpy(whole + s->offset, buffer + s->offset, s->size);
		err = disk->transfer(disk, true, s->sector, whole, s->count);
	}
	mutex_unlock(&writing.lock);
out:
	page_free(whole);
	return err;
}

static int read_turn(struct block_device *disk, const struct span *s, uint8_t *buffer,
		     struct iter *to)
{
	int err = disk->transfer(disk, false, s->sector, buffer, s->count);

	return err ? err : iter_put(to, buffer + s->offset, s->size);
}

static int write_turn(struct block_device *disk, const struct span *s, uint8_t *buffer,
		      struct iter *from)
{
	int err = iter_get(from, buffer + s->offset, s->size);

	if (err)
		return err;
	return span_whole(s) ? write_whole(disk, s, buffer) : write_part(disk, s, buffer);
}

/* ---- file operations ---- */

static ssize_t transfer(struct file *f, struct iter *it, loff_t *pos, bool write)
{
	struct block_device *disk = f->data;
	size_t room, done = 0;
	uint8_t *buffer = buffer_alloc(iter_left(it) + SECTOR_SIZE, &room);
	int err = buffer ? 0 : -ENOMEM;

	while (!err && iter_left(it) && (uint64_t)*pos < disk_bytes(disk)) {
		struct span s = span_at(disk, (uint64_t)*pos, iter_left(it), room);

		err = write ? write_turn(disk, &s, buffer, it) : read_turn(disk, &s, buffer, it);
		if (err)
			break;
		*pos += (loff_t)s.size;
		done += s.size;
		thread_checkpoint();
	}
	page_free(buffer);
	return done ? (ssize_t)done : err;
}

static ssize_t disk_read(struct file *f, struct iter *to, loff_t *pos)
{
	return transfer(f, to, pos, false);
}

static ssize_t disk_write(struct file *f, struct iter *from, loff_t *pos)
{
	const struct block_device *disk = f->data;

	if (disk->read_only)
		return -EPERM;
	if (iter_left(from) && (uint64_t)*pos >= disk_bytes(disk))
		return -ENOSPC;
	return transfer(f, from, pos, true);
}

static loff_t disk_seek(struct file *f, loff_t offset, int whence)
{
	loff_t size = (loff_t)disk_bytes(f->data);

	if (whence == SEEK_CUR)
		offset += f->pos;
	else if (whence == SEEK_END)
		offset += size;
	else if (whence != SEEK_SET)
		return -EINVAL;
	return offset < 0 || offset > size ? -EINVAL : (f->pos = offset);
}

static int disk_fsync(struct file *f)
{
	struct block_device *disk = f->data;

	return disk->flush(disk);
}

static long disk_ioctl(struct file *f, unsigned cmd, uint64_t arg)
{
	const struct block_device *disk = f->data;

	switch (cmd) {
	case BLKGETSIZE64:
		return put_user(disk_bytes(disk), arg);
	case BLKGETSIZE:
		return put_user((unsigned long)disk->sectors, arg);
	case BLKSSZGET:
	case BLKPBSZGET:
		return put_user((int)SECTOR_SIZE, arg);
	case BLKBSZGET:
		return put_user((int)PAGE_SIZE, arg);
	case BLKROGET:
		return put_user((int)disk->read_only, arg);
	case BLKFLSBUF:
		return disk_fsync(f);
	default:
		return -ENOTTY;
	}
}

static const struct file_ops disk_ops = {
	.read = disk_read,
	.write = disk_write,
	.seek = disk_seek,
	.ioctl = disk_ioctl,
	.fsync = disk_fsync,
};

static int disk_open(struct file *f)
{
	f->data = block_get((unsigned)MINOR(f->inode->rdev) >> MINOR_SHIFT);
	if (!f->data)
		return -ENXIO;
	f->ops = &disk_ops;
	return 0;
}

void blockdev_init(void)
{
	struct block_device *disk;

	mutex_init(&writing.lock);
	wait_queue_init(&writing.queue);
	for (unsigned n = 0; (disk = block_get(n)); n++) {
		int err = devfs_register(disk->name, DISK_MAJOR, n << MINOR_SHIFT, true, disk_open,
					 0660);

		if (err)
			printk("%s: no name in /dev: error %d\n", disk->name, err);
	}
}
