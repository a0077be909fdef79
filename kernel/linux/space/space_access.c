/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory of another process: /proc/N/mem, process_vm_readv(2) and process_vm_writev(2), and what
 * debuggers peek and poke. Pages are made present and copied under space->lock, through the
 * kernel's own map; what is written where programs execute is made visible to instruction fetch.
 */
#include <linux/errno.h>
#include <linux/mman.h>
#include <linux/uio.h>

#include "arch/usercopy.h"
#include "lib/bits.h"
#include "lib/string.h"
#include "linux/proc/procfs.h"
#include "linux/space/space_pages.h"
#include "linux/syscalls.h"
#include "linux/ptrace/traced.h"
#include "linux/fs/uapi_fs.h"
#include "mm/page.h"
#include "mm/slab.h"

/* Up to the end of a page. HOLDS(s->lock) */
static int copy_piece(struct space *s, uint64_t va, void *kernel, size_t n, bool write, bool force)
{
	int err = pages_fault(s, va, write, force ? FAULT_FORCED : FAULT_DATA);
	uint64_t size, desc;
	uint8_t *at;

	if (err)
		return err;
	desc = pagetable_lookup(&s->mmu.table, va, &size);
	at = (uint8_t *)pa_to_va((pa_t){ desc & PTE_ADDRESS }) + (va & (size - 1));
	if (!write) {
		memcpy(kernel, at, n);
		return 0;
	}
	memcpy(at, kernel, n);
	if (vma_find(&s->areas, va)->prot & PROT_EXEC)
		cache_sync_code(at, n);
	return 0;
}

size_t space_copy(struct space *s, uint64_t va, void *kernel, size_t size, enum space_access access,
		  bool force)
{
	size_t done = 0;

	while (done < size) {
		size_t n = min(size - done, (size_t)(PAGE_SIZE - (va & PAGE_MASK)));
		int err;

		mutex_lock(&s->lock);
		err = copy_piece(s, va, (uint8_t *)kernel + done, n, access == SPACE_WRITE, force);
		mutex_unlock(&s->lock);
		if (err)
			break;
		done += n;
		va += n;
	}
	return done;
}

/* The same with an iterator, by way of a page of the kernel's: bytes moved, -EFAULT, -ENOMEM. */
static ssize_t space_move(struct space *s, uint64_t va, struct iter *it, size_t size,
			  enum space_access access, bool force)
{
	void *page = kmalloc(PAGE_SIZE);
	size_t done = 0, n, got;
	int err = page ? 0 : -ENOMEM;

	while (!err && done < size) {
		n = got = min(size - done, (size_t)PAGE_SIZE);
		if (access == SPACE_WRITE)
			err = iter_get(it, page, n);
		if (!err)
			got = space_copy(s, va + done, page, n, access, force);
		if (!err && access == SPACE_READ)
			err = iter_put(it, page, got);
		if (!err)
			done += got;
		if (got < n)
			err = -EFAULT;
		thread_checkpoint();
	}
	kfree(page);
	return done ? (ssize_t)done : err;
}

/* ---- /proc/N/mem ---- */

static ssize_t mem_read(struct file *f, struct iter *to, loff_t *pos)
{
	ssize_t n = space_move(f->data, (uint64_t)*pos, to, iter_left(to), SPACE_READ, true);

	*pos += n > 0 ? n : 0;
	return n == -EFAULT ? -EIO : n;
}

static ssize_t mem_write(struct file *f, struct iter *from, loff_t *pos)
{
	ssize_t n = space_move(f->data, (uint64_t)*pos, from, iter_left(from), SPACE_WRITE, true);

	*pos += n > 0 ? n : 0;
	return n == -EFAULT ? -EIO : n;
}

static loff_t mem_seek(struct file *f, loff_t offset, int whence)
{
	if (whence != SEEK_SET && whence != SEEK_CUR)
		return -EINVAL;
	return f->pos = offset + (whence == SEEK_CUR ? f->pos : 0);
}

static void mem_release(struct file *f)
{
	space_put(f->data);
}

static const struct file_ops mem_ops = {
	.read = mem_read,
	.write = mem_write,
	.seek = mem_seek,
	.release = mem_release,
};

int proc_mem_open(struct file *f, struct process *p)
{
	struct space *s = trace_may(p) ? process_space(p) : NULL;

	if (!s)
		return trace_may(p) ? -ESRCH : -EACCES;
	f->ops = &mem_ops;
	f->data = s;
	return 0;
}

/* ---- process_vm_readv, process_vm_writev ---- */

/* The arguments' segments, in memory to be freed. */
static int get_segments(uint64_t user, uint64_t count, struct iter_segment **out)
{
	struct iter_segment *s;

	if (count > UIO_MAXIOV)
		return -EINVAL;
	s = kmalloc((count ? count : 1) * sizeof(*s));
	if (!s)
		return -ENOMEM;
	*out = s;
	if (copy_from_user(s, user, count * sizeof(*s)))
		return -EFAULT;
	for (uint64_t i = 0; i < count; i++)
		if ((int64_t)s[i].length < 0)
			return -EINVAL;
	return 0;
}

static ssize_t move_segments(struct space *s, struct iter *it, const struct iter_segment *remote,
			     uint64_t count, enum space_access access)
{
	ssize_t sum = 0;

	for (uint64_t i = 0; i < count && iter_left(it); i++) {
		size_t size = min(remote[i].length, (uint64_t)iter_left(it));
		ssize_t n = space_move(s, remote[i].base, it, size, access, false);

		if (n < 0)
			return sum ? sum : n;
		sum += n;
		if ((size_t)n < size)
			break;
	}
	return sum;
}

static long transfer(struct trapframe *tf, struct process *p, enum space_access access)
{
	struct iter_segment *local = NULL, *remote = NULL;
	struct space *s = NULL;
	struct iter it;
	ssize_t n = get_segments(tf->x[1], (uint32_t)tf->x[2], &local);

	if (!n)
		n = get_segments(tf->x[3], tf->x[4], &remote);
	if (!n && !((uint32_t)tf->x[2] && tf->x[4])) {
		kfree(local);
		kfree(remote);
		return 0;
	}
	if (!n && !p)
		n = -ESRCH;
	if (!n && !trace_may(p))
		n = -EPERM;
	s = n ? NULL : process_space(p);
	if (s) {
		iter_segments(&it, local, (unsigned)tf->x[2]);
		n = move_segments(s, &it, remote, tf->x[4], access);
		space_put(s);
	} else if (!n) {
		n = -ESRCH;
	}
	kfree(local);
	kfree(remote);
	return n;
}

static long process_vm(struct trapframe *tf, enum space_access access)
{
	struct process *p;
	long n;

	if (tf->x[5])
		return -EINVAL;
	p = process_of_task((int)tf->x[0]);
	n = transfer(tf, p, access);
	if (p)
		process_put(p);
	return n;
}

long sys_process_vm_readv(struct trapframe *tf)
{
	return process_vm(tf, SPACE_READ);
}

long sys_process_vm_writev(struct trapframe *tf)
{
	return process_vm(tf, SPACE_WRITE);
}
