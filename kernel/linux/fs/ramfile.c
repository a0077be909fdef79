/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Contents of regular files in RAM. A file is an image (the bytes of an initramfs archive, used in
 * place) overlaid by pages: a page exists once it has been written or mapped, everything else is
 * read from the image, and as zeros beyond it.
 *
 * inode.lock makes writers and truncation take turns. pages_lock covers the table of pages; it is
 * held only to look one up or put one in, never while a program's memory is touched, since that
 * may fault on a mapping of this same file.
 */
#include <linux/resource.h>
#include <linux/errno.h>
#include <linux/falloc.h>
#include <linux/fcntl.h>

#include "lib/bits.h"
#include "lib/string.h"
#include "linux/fs/ramfs.h"
#include "linux/space/space.h"
#include "linux/fs/uapi_fs.h"
#include "linux/signal/signal.h"
#include "linux/process/task.h"
#include "mm/page.h"
#include "mm/slab.h"
#include "sched/thread.h"

#define CHUNK_PAGES   512ull /* pointers in a page */
#define FILE_SIZE_MAX (1ull << 43)
#define SEALS_ALL     (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)
#define READ_RUN      65536ull /* bytes of an image moved at once */

struct ram_file {
	struct inode inode;
	const uint8_t *image;
	uint64_t image_size; /* bytes of it that still show */
	struct mutex pages_lock;
	uint64_t **chunks; /* each a page of CHUNK_PAGES addresses; 0: no page */
	size_t chunk_count, page_count;
	uint32_t seals; /* F_SEAL_*; inode.lock */
};

static struct ram_file *ram_file(const struct inode *inode)
{
	return container_of(inode, struct ram_file, inode);
}

/* ---- the table of pages ---- */

/* HOLDS(pages_lock). Where the page's address is kept; NULL: nowhere yet. */
static uint64_t *slot_find(const struct ram_file *r, uint64_t index)
{
	uint64_t chunk = index / CHUNK_PAGES;

	if (chunk >= r->chunk_count || !r->chunks[chunk])
		return NULL;
	return &r->chunks[chunk][index % CHUNK_PAGES];
}

static int chunks_grow(struct ram_file *r, size_t need)
{
	size_t count = max(need, r->chunk_count * 2);
	uint64_t **chunks = krealloc(r->chunks, count * sizeof(*chunks));

	if (!chunks)
		return -ENOMEM;
	memset(chunks + r->chunk_count, 0, (count - r->chunk_count) * sizeof(*chunks));
	r->chunks = chunks;
	r->chunk_count = count;
	return 0;
}

/* HOLDS(pages_lock) */
static uint64_t *slot_make(struct ram_file *r, uint64_t index)
{
	uint64_t chunk = index / CHUNK_PAGES;

	if (chunk >= r->chunk_count && chunks_grow(r, chunk + 1))
		return NULL;
	if (!r->chunks[chunk])
		r->chunks[chunk] = page_alloc_user_zeroed(0);
	return r->chunks[chunk] ? &r->chunks[chunk][index % CHUNK_PAGES] : NULL;
}

/* How many bytes of the image lie at offset, at most size. */
static size_t image_bytes(const struct ram_file *r, uint64_t offset, size_t size)
{
	return offset < r->image_size ? min(size, (size_t)(r->image_size - offset)) : 0;
}

/* A page with what the file shows there. */
static void *page_new(const struct ram_file *r, uint64_t index)
{
	uint64_t offset = index * PAGE_SIZE;
	size_t n = image_bytes(r, offset, PAGE_SIZE);
	uint8_t *page;

	if (!n)
		return page_alloc_user_zeroed(0);
	page = page_alloc_user(0);
	if (page) {
		memcpy(page, r->image + offset, n);
		memset(page + n, 0, PAGE_SIZE - n);
	}
	return page;
}

/* The page with one reference more; made if need be. NULL: there is none (no memory, if make). */
static uint8_t *page_of(struct ram_file *r, uint64_t index, bool make)
{
	uint64_t *slot;
	uint8_t *page = NULL;

	mutex_lock(&r->pages_lock);
	slot = make ? slot_make(r, index) : slot_find(r, index);
	if (slot && !*slot && make) {
		*slot = (uint64_t)page_new(r, index);
		r->page_count += *slot != 0;
	}
	if (slot && *slot) {
		page = (uint8_t *)*slot;
		page_get(va_to_pa(page));
	}
	mutex_unlock(&r->pages_lock);
	return page;
}

/* Forget the pages from first on. HOLDS(inode.lock) */
static void pages_drop(struct ram_file *r, uint64_t first)
{
	for (uint64_t chunk = first / CHUNK_PAGES; chunk < r->chunk_count; chunk++) {
		uint64_t *pages = r->chunks[chunk];
		uint64_t from = chunk == first / CHUNK_PAGES ? first % CHUNK_PAGES : 0;

		if (!pages)
			continue;
		mutex_lock(&r->pages_lock);
		for (uint64_t i = from; i < CHUNK_PAGES; i++) {
			r->page_count -= pages[i] != 0;
			page_free((void *)pages[i]);
			pages[i] = 0;
		}
		if (!from) {
			r->chunks[chunk] = NULL;
			page_free(pages);
		}
		mutex_unlock(&r->pages_lock);
		thread_checkpoint();
	}
}

static void file_release(struct inode *inode)
{
	struct ram_file *r = ram_file(inode);

	pages_drop(r, 0);
	kfree(r->chunks);
	kfree(r);
}

static const struct inode_ops ramfile_ops = {
	.release = file_release,
};

bool ramfile_is(const struct inode *inode)
{
	return inode->ops == &ramfile_ops;
}

/* ---- reading and writing ---- */

static uint64_t file_size(const struct inode *inode)
{
	return __atomic_load_n(&inode->size, __ATOMIC_RELAXED);
}

/* From the image and the zeros behind it. */
static int put_image(struct ram_file *r, struct iter *to, uint64_t pos, size_t size)
{
	size_t n = image_bytes(r, pos, size);
	int err = n ? iter_put(to, r->image + pos, n) : 0;

	return !err && n < size ? iter_zero(to, size - n) : err;
}

static int put_page(struct ram_file *r, struct iter *to, uint64_t pos, size_t size)
{
	uint8_t *page = page_of(r, pos / PAGE_SIZE, false);
	int err;

	if (!page)
		return put_image(r, to, pos, size);
	err = iter_put(to, page + (pos & PAGE_MASK), size);
	page_free(page);
	return err;
}

static ssize_t ramfile_read(struct file *f, struct iter *to, loff_t *pos)
{
	struct ram_file *r = ram_file(f->inode);
	size_t start = iter_left(to);
	int err = 0;

	while (!err && iter_left(to) && (uint64_t)*pos < file_size(f->inode)) {
		uint64_t at = (uint64_t)*pos, rest = file_size(f->inode) - at;
		/* without pages of its own the file is read in longer runs */
		size_t run = r->page_count ? PAGE_SIZE - (at & PAGE_MASK) : READ_RUN;
		size_t before = iter_left(to), n = min(before, run);

		n = min(n, rest);
		err = r->page_count ? put_page(r, to, at, n) : put_image(r, to, at, n);
		*pos += (loff_t)(before - iter_left(to));
		thread_checkpoint();
	}
	return iter_moved(to, start, err);
}

static int get_page(struct ram_file *r, struct iter *from, uint64_t pos, size_t size)
{
	uint8_t *page = page_of(r, pos / PAGE_SIZE, true);
	int err;

	if (!page)
		return -ENOSPC;
	err = iter_get(from, page + (pos & PAGE_MASK), size);
	page_free(page);
	return err;
}

/* Limits and seals (man 2 fcntl, F_ADD_SEALS). HOLDS(inode.lock) */
static int may_write(const struct ram_file *r, uint64_t at, size_t size)
{
	if (at >= FILE_SIZE_MAX)
		return -EFBIG;
	if (r->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
		return -EPERM;
	return (r->seals & F_SEAL_GROW) && at + size > r->inode.size ? -EPERM : 0;
}

/* RLIMIT_FSIZE: a file that is to grow to end. Its writer has a signal then. */
static int size_allowed(uint64_t end)
{
	if (end <= task_current()->process->rlimits[RLIMIT_FSIZE][0])
		return 0;
	signal_send_task(task_current(), SIGXFSZ);
	return -EFBIG;
}

static ssize_t ramfile_write(struct file *f, struct iter *from, loff_t *pos)
{
	uint64_t limit = task_current()->process->rlimits[RLIMIT_FSIZE][0];
	struct inode *inode = f->inode;
	size_t start = iter_left(from);
	int err = 0;

	mutex_lock(&inode->lock);
	if (f->flags & O_APPEND)
		*pos = (loff_t)inode->size;
	while (!err && iter_left(from)) {
		uint64_t at = (uint64_t)*pos;
		size_t before = iter_left(from);

		size_t n = min(before, (size_t)(PAGE_SIZE - (at & PAGE_MASK)));

		if (at >= limit) { /* the signal only if nothing could be written */
			err = before == start ? size_allowed(at + 1) : -EFBIG;
			break;
		}
		n = min(n, limit - at);
		err = may_write(ram_file(inode), at, n);
		if (!err)
			err = get_page(ram_file(inode), from, at, n);
		*pos += (loff_t)(before - iter_left(from));
		if ((uint64_t)*pos > inode->size)
			__atomic_store_n(&inode->size, (uint64_t)*pos, __ATOMIC_RELAXED);
		thread_checkpoint();
	}
	inode->mtime = inode->ctime = inode_now();
	mutex_unlock(&inode->lock);
	return iter_moved(from, start, err);
}

static loff_t ramfile_seek(struct file *f, loff_t offset, int whence)
{
	loff_t size = (loff_t)file_size(f->inode);

	switch (whence) {
	case SEEK_CUR:
		offset += f->pos;
		break;
	case SEEK_END:
		offset += size;
		break;
	case SEEK_DATA: /* all of a file counts as data, the end as its one hole */
		return offset < 0 || offset >= size ? -ENXIO : (f->pos = offset);
	case SEEK_HOLE:
		return offset < 0 || offset >= size ? -ENXIO : (f->pos = size);
	}
	return offset < 0 ? -EINVAL : (f->pos = offset);
}

/* ---- size ---- */

/* HOLDS(inode->lock) */
static void zero_range(struct ram_file *r, uint64_t from, uint64_t to)
{
	while (from < to) {
		uint64_t n = min(PAGE_SIZE - (from & PAGE_MASK), to - from);
		uint8_t *page = page_of(r, from / PAGE_SIZE, from < r->image_size);

		if (page)
			memset(page + (from & PAGE_MASK), 0, n);
		page_free(page);
		from += n;
		thread_checkpoint();
	}
}

/* HOLDS(inode->lock) */
static bool size_sealed(const struct ram_file *r, uint64_t size)
{
	return (size < r->inode.size && (r->seals & F_SEAL_SHRINK)) ||
	       (size > r->inode.size && (r->seals & F_SEAL_GROW));
}

int ramfile_truncate(struct inode *inode, uint64_t size)
{
	struct ram_file *r = ram_file(inode);

	if (size > FILE_SIZE_MAX)
		return -EFBIG;
	if (size > file_size(inode) && size_allowed(size))
		return -EFBIG;
	mutex_lock(&inode->lock);
	if (size_sealed(r, size)) {
		mutex_unlock(&inode->lock);
		return -EPERM;
	}
	if (size < inode->size) {
		__atomic_store_n(&inode->size, size, __ATOMIC_RELAXED);
		r->image_size = min(r->image_size, size);
		pages_drop(r, align_up(size, PAGE_SIZE) / PAGE_SIZE);
		zero_range(r, size, align_up(size, PAGE_SIZE));
	} else {
		__atomic_store_n(&inode->size, size, __ATOMIC_RELAXED);
	}
	inode->mtime = inode->ctime = inode_now();
	mutex_unlock(&inode->lock);
	return 0;
}

static int ramfile_ftruncate(struct file *f, loff_t size)
{
	return ramfile_truncate(f->inode, (uint64_t)size);
}

static int ramfile_fallocate(struct file *f, unsigned mode, loff_t from, loff_t length)
{
	uint64_t end = (uint64_t)from + (uint64_t)length;

	if (end > FILE_SIZE_MAX)
		return -EFBIG;
	if (mode == (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)) {
		mutex_lock(&f->inode->lock);
		zero_range(ram_file(f->inode), (uint64_t)from, min(end, f->inode->size));
		mutex_unlock(&f->inode->lock);
		return 0;
	}
	if (mode & ~FALLOC_FL_KEEP_SIZE)
		return -EOPNOTSUPP;
	if ((uint64_t)length > page_free_count() * PAGE_SIZE)
		return -ENOSPC;
	if (!(mode & FALLOC_FL_KEEP_SIZE) && end > file_size(f->inode))
		return ramfile_truncate(f->inode, end);
	return 0;
}

/* ---- mappings ---- */

static int ramfile_page(struct vma *vma, uint64_t offset, pa_t *pa)
{
	struct inode *inode = vma->file->inode;
	uint8_t *page;

	if (offset >= file_size(inode))
		return -EFAULT;
	page = page_of(ram_file(inode), offset / PAGE_SIZE, true);
	if (!page)
		return -ENOMEM;
	*pa = va_to_pa(page);
	return 0;
}

static const struct vma_ops ramfile_vma_ops = {
	.page = ramfile_page,
};

static int ramfile_mmap(struct file *f, struct vma *vma)
{
	(void)f;
	vma->ops = &ramfile_vma_ops;
	return 0;
}

static int nothing_to_sync(struct file *f)
{
	(void)f;
	return 0;
}

/* F_ADD_SEALS and F_GET_SEALS: files have F_SEAL_SEAL from the start unless memfd_create() says
 * otherwise. A file that is mapped writable can be sealed against writing, unlike in Linux. */
static long ramfile_fcntl(struct file *f, unsigned cmd, uint64_t arg)
{
	struct ram_file *r = ram_file(f->inode);
	long err = 0;

	if (cmd == F_GET_SEALS)
		return f->inode->nlink ? -EINVAL : (long)r->seals;
	if (cmd != F_ADD_SEALS || (arg & ~(uint64_t)SEALS_ALL))
		return -EINVAL;
	if ((f->flags & O_ACCMODE) == O_RDONLY)
		return -EPERM;
	mutex_lock(&f->inode->lock);
	if (r->seals & F_SEAL_SEAL)
		err = -EPERM;
	else
		r->seals |= (uint32_t)arg;
	mutex_unlock(&f->inode->lock);
	return err;
}

void ramfile_allow_sealing(struct inode *inode)
{
	ram_file(inode)->seals = 0;
}

static const struct file_ops ramfile_file_ops = {
	.read = ramfile_read,
	.write = ramfile_write,
	.seek = ramfile_seek,
	.mmap = ramfile_mmap,
	.fsync = nothing_to_sync,
	.truncate = ramfile_ftruncate,
	.fallocate = ramfile_fallocate,
	.fcntl = ramfile_fcntl,
};

/* ---- making ---- */

struct inode *ramfile_create(uint32_t mode)
{
	struct ram_file *r = kzalloc(sizeof(*r));

	if (!r)
		return NULL;
	inode_init(&r->inode, &ramfile_ops, mode);
	r->inode.file_ops = &ramfile_file_ops;
	mutex_init(&r->pages_lock);
	r->seals = F_SEAL_SEAL;
	return &r->inode;
}

int ramfs_anonymous_file(uint64_t size, uint32_t flags, struct file **out)
{
	struct inode *inode = ramfile_create(S_IFREG | 0777);
	int err;

	if (!inode)
		return -ENOMEM;
	inode->size = size;
	err = inode_open(inode, O_RDWR | flags, out);
	inode_put(inode);
	return err;
}

void ramfile_set_image(struct inode *inode, const void *image, uint64_t size)
{
	struct ram_file *r = ram_file(inode);

	r->image = image;
	r->image_size = inode->size = size;
}
