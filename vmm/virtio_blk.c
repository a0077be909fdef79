/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtio block devices over a file: requests are done one after the other by the device's thread,
 * straight between the file and the guest's buffers. What the guest flushes has been given to
 * fsync(). A request outside the disk, or of no whole sectors, fails in its status byte; one with
 * no room for a status byte is dropped. Manual: Virtual I/O Device (VIRTIO) 1.2, section 5.2.
 */
#include "virtio_blk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "report.h"
#include "virtio_mmio.h"

#define SECTOR_SIZE 512ull

struct virtio_blk {
	struct virtio_device device; /* first: the transport hands it back to us */
	const struct disk *disk;
	struct virtio_blk_config config;
};

void disk_open(struct disk *disk)
{
	off_t end;

	disk->fd = open(disk->path, (disk->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	if (disk->fd < 0)
		die("cannot open disk %s: %m", disk->path);
	end = lseek(disk->fd, 0, SEEK_END);
	if (end < 0)
		die("disk %s has no size: %m", disk->path);
	disk->sectors = (uint64_t)end / SECTOR_SIZE;
	if (!disk->sectors)
		die("disk %s is empty", disk->path);
}

/*
 * Move all of iov between the file and memory. False if the file gives or takes no more, or if the
 * device is to end: a guest may ask for more than anyone wants to wait for.
 */
static bool transfer(struct virtio_blk *blk, struct iovec *iov, unsigned count, off_t offset,
		     bool write)
{
	int fd = blk->disk->fd;
	size_t left = iov_bytes(iov, count);

	while (left) {
		ssize_t n;

		if (atomic_load(&blk->device.stopping))
			return false;
		n = write ? pwritev(fd, iov, (int)count, offset)
			  : preadv(fd, iov, (int)count, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		iov_take(&iov, &count, NULL, (size_t)n);
		left -= (size_t)n;
		offset += n;
	}
	return true;
}

static uint8_t read_write(struct virtio_blk *blk, uint64_t sector, struct iovec *iov,
			  unsigned count, bool write)
{
	const struct disk *disk = blk->disk;
	size_t bytes = iov_bytes(iov, count);

	if (bytes % SECTOR_SIZE || sector > disk->sectors ||
	    bytes / SECTOR_SIZE > disk->sectors - sector)
		return VIRTIO_BLK_S_IOERR;
	if (write && disk->read_only)
		return VIRTIO_BLK_S_IOERR;
	if (!transfer(blk, iov, count, (off_t)(sector * SECTOR_SIZE), write))
		return VIRTIO_BLK_S_IOERR;
	return VIRTIO_BLK_S_OK;
}

static uint8_t get_id(const struct disk *disk, const struct iovec *iov, unsigned count)
{
	const char *slash = strrchr(disk->path, '/');
	char id[VIRTIO_BLK_ID_BYTES] = { 0 };

	strncpy(id, slash ? slash + 1 : disk->path, sizeof(id) - 1);
	iov_put(iov, count, id, sizeof(id));
	return VIRTIO_BLK_S_OK;
}

static uint8_t execute(struct virtio_blk *blk, const struct virtio_blk_outhdr *header,
		       struct iovec *readable, unsigned readable_count, struct iovec *writable,
		       unsigned writable_count)
{
	switch (header->type) {
	case VIRTIO_BLK_T_IN:
		return read_write(blk, header->sector, writable, writable_count, false);
	case VIRTIO_BLK_T_OUT:
		return read_write(blk, header->sector, readable, readable_count, true);
	case VIRTIO_BLK_T_FLUSH:
		return fsync(blk->disk->fd) ? VIRTIO_BLK_S_IOERR : VIRTIO_BLK_S_OK;
	case VIRTIO_BLK_T_GET_ID:
		return get_id(blk->disk, writable, writable_count);
	default:
		return VIRTIO_BLK_S_UNSUPP;
	}
}

static uint32_t handle(struct virtio_device *device, struct virtqueue_chain *chain)
{
	struct virtio_blk *blk = (struct virtio_blk *)device;
	struct iovec *readable = chain->iov, *writable = chain->iov + chain->readable;
	unsigned readable_count = chain->readable, writable_count = chain->writable;
	uint8_t *status = iov_drop_last(writable, &writable_count);
	uint32_t written = (uint32_t)iov_bytes(writable, writable_count);
	struct virtio_blk_outhdr header;

	if (!status)
		return 0;
	if (iov_take(&readable, &readable_count, &header, sizeof(header)) == sizeof(header))
		*status = execute(blk, &header, readable, readable_count, writable, writable_count);
	else
		*status = VIRTIO_BLK_S_IOERR;
	return written + 1;
}

static void serve(struct virtio_device *device, unsigned queue)
{
	virtio_serve_all(device, queue, handle);
}

static const struct virtio_kind blk_kind = {
	.name = "disk",
	.id = VIRTIO_ID_BLOCK,
	.queues = 1,
	.serve = serve,
};

struct virtio_device *virtio_blk_create(struct vm *vm, unsigned index, const struct disk *disk)
{
	struct virtio_blk *blk = calloc(1, sizeof(*blk));

	if (!blk)
		die("no memory for disk %s", disk->path);
	blk->disk = disk;
	blk->config.capacity = disk->sectors;
	blk->config.seg_max = VIRTQUEUE_SIZE_MAX - 2; /* a chain also has header and status */
	blk->device.kind = &blk_kind;
	blk->device.features = 1ull << VIRTIO_BLK_F_FLUSH | 1ull << VIRTIO_BLK_F_SEG_MAX;
	if (disk->read_only)
		blk->device.features |= 1ull << VIRTIO_BLK_F_RO;
	blk->device.config = &blk->config;
	blk->device.config_size = sizeof(blk->config);
	virtio_create(&blk->device, vm, index);
	return &blk->device;
}
