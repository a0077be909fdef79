/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The calls by which a program changes its address space: mmap(2), munmap, mprotect, mremap, brk,
 * madvise and kin. Arguments are checked here, with the errors Linux gives; the work is space.c's.
 * Memory is never promised: there is no commit accounting, a page is found when it is touched.
 */
#include <linux/resource.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/mman.h>

#include "arch/usercopy.h"
#include "lib/bits.h"
#include "linux/fs/ramfs.h"
#include "linux/syscalls.h"
#include "linux/process/task.h"
#include "mm/page.h"

#define PROT_RIGHTS (PROT_READ | PROT_WRITE | PROT_EXEC)

/* The file behind a descriptor that may be mapped so; adds VMA_READONLY. One reference. */
static int mapped_file(int fd, uint32_t prot, uint32_t *flags, struct file **out)
{
	struct file *f = fd_get(fd);
	int err = 0;

	if (!f)
		return -EBADF;
	if ((f->flags & O_ACCMODE) == O_WRONLY)
		err = -EACCES;
	else if (*flags & MAP_SHARED && (f->flags & O_ACCMODE) != O_RDWR)
		*flags |= VMA_READONLY;
	if (*flags & VMA_READONLY && prot & PROT_WRITE)
		err = -EACCES;
	if (err)
		file_put(f);
	else
		*out = f;
	return err;
}

static int map_type(uint32_t *flags)
{
	switch (*flags & MAP_TYPE) {
	case MAP_PRIVATE:
	case MAP_SHARED:
		return 0;
	case MAP_SHARED_VALIDATE:
		*flags &= ~(uint32_t)MAP_TYPE;
		*flags |= MAP_SHARED;
		return 0;
	default:
		return -EINVAL;
	}
}

/* RLIMIT_AS: may the program's memory grow by so much? Of the stack, which is mapped as a whole,
 * nothing is counted. */
static bool may_grow(uint64_t more)
{
	uint64_t limit = task_current()->process->rlimits[RLIMIT_AS][0], sum = more;
	struct space *s = space_current();

	if (limit == RLIM64_INFINITY)
		return true;
	mutex_lock(&s->lock);
	for (struct rb_node *n = rb_first(&s->areas); n; n = rb_next(n)) {
		const struct vma *v = rb_entry(n, struct vma, node);

		sum += v->end != STACK_TOP ? v->end - v->start : 0;
	}
	mutex_unlock(&s->lock);
	return sum <= limit;
}

long sys_mmap(struct trapframe *tf)
{
	uint64_t va = tf->x[0], size = align_up(tf->x[1], PAGE_SIZE), offset = tf->x[5];
	uint32_t prot = tf->x[2] & PROT_RIGHTS, flags = (uint32_t)tf->x[3] & ~VMA_READONLY;
	struct file *file = NULL;
	int err;

	if (offset & PAGE_MASK)
		return -EINVAL;
	if (!(flags & MAP_ANONYMOUS)) {
		err = mapped_file((int)tf->x[4], prot, &flags, &file);
		if (err)
			return err;
	}
	err = tf->x[1] ? map_type(&flags) : -EINVAL;
	if (!err && (!size || flags & MAP_HUGETLB || page_scarce(0) || !may_grow(size) ||
		     space_current()->area_count >= SPACE_AREAS))
		err = -ENOMEM;
	if (!err && flags & MAP_ANONYMOUS && flags & MAP_SHARED)
		err = ramfs_anonymous_file(size, O_RDWR, &file), offset = 0;
	if (!err && (offset + size < offset || offset > INT64_MAX))
		err = -EOVERFLOW;
	if (!err)
		err = space_map(space_current(), &va, size, prot, flags, file, offset);
	if (file)
		file_put(file);
	if (err)
		return err;
	if (flags & (MAP_POPULATE | MAP_LOCKED))
		space_populate(space_current(), va, size);
	return (long)va;
}

/* An aligned range of user addresses from a start and a length; *size rounded up. */
static bool range(uint64_t va, uint64_t length, uint64_t *size)
{
	*size = align_up(length, PAGE_SIZE);
	return is_aligned(va, PAGE_SIZE) && *size >= length && user_range_ok(va, *size);
}

long sys_munmap(struct trapframe *tf)
{
	uint64_t size;

	if (!range(tf->x[0], tf->x[1], &size) || !size)
		return -EINVAL;
	return space_unmap(space_current(), tf->x[0], size);
}

long sys_mprotect(struct trapframe *tf)
{
	uint64_t size;

	if (tf->x[2] & ~(uint64_t)(PROT_RIGHTS | PROT_SEM) || !is_aligned(tf->x[0], PAGE_SIZE))
		return -EINVAL;
	if (!tf->x[1])
		return 0;
	if (!range(tf->x[0], tf->x[1], &size))
		return -ENOMEM;
	return space_protect(space_current(), tf->x[0], size, tf->x[2] & PROT_RIGHTS);
}

long sys_mremap(struct trapframe *tf)
{
	uint64_t va = tf->x[0], old_size, new_size, flags = tf->x[3], to = tf->x[4];
	long err;

	if (flags & ~(uint64_t)(MREMAP_MAYMOVE | MREMAP_FIXED))
		return -EINVAL;
	if (!is_aligned(va, PAGE_SIZE) || !range(0, tf->x[2], &new_size) || !new_size)
		return !is_aligned(va, PAGE_SIZE) || !align_up(tf->x[2], PAGE_SIZE) ? -EINVAL
										    : -EFAULT;
	if (!range(va, tf->x[1], &old_size) || !old_size)
		return -EFAULT;
	if (flags & MREMAP_FIXED) {
		if (!(flags & MREMAP_MAYMOVE) || !range(to, new_size, &new_size))
			return -EINVAL;
		if (to < va + old_size && va < to + new_size)
			return -EINVAL;
	}
	if (new_size > old_size && !may_grow(new_size - old_size))
		return -ENOMEM;
	err = space_remap(space_current(), va, old_size, new_size, (unsigned)flags, &to);
	return err ? err : (long)to;
}

long sys_brk(struct trapframe *tf)
{
	uint64_t now = space_current()->brk;

	/* no larger than RLIMIT_AS: it stays as it is */
	return (long)space_set_brk(space_current(),
				   tf->x[0] > now && !may_grow(tf->x[0] - now) ? 0 : tf->x[0]);
}

static long advise(uint64_t va, uint64_t size, int advice)
{
	struct space *s = space_current();

	switch (advice) {
	case MADV_DONTNEED:
	case MADV_FREE:
		return space_discard(s, va, size);
	case MADV_DONTFORK:
		return space_flags(s, va, size, VMA_DONTFORK, 0);
	case MADV_DOFORK:
		return space_flags(s, va, size, 0, VMA_DONTFORK);
	case MADV_POPULATE_READ:
	case MADV_POPULATE_WRITE:
		return space_populate(s, va, size);
	default: /* advice that changes no result */
		return space_flags(s, va, size, 0, 0);
	}
}

static bool advice_known(int advice)
{
	return (advice >= MADV_NORMAL && advice <= MADV_DONTNEED) ||
	       (advice >= MADV_FREE && advice <= MADV_DOFORK && advice != MADV_REMOVE) ||
	       (advice >= MADV_MERGEABLE && advice <= MADV_DODUMP) ||
	       (advice >= MADV_COLD && advice <= MADV_POPULATE_WRITE);
}

long sys_madvise(struct trapframe *tf)
{
	uint64_t size;
	int advice = (int)tf->x[2];

	if (!advice_known(advice) || !is_aligned(tf->x[0], PAGE_SIZE))
		return -EINVAL;
	if (!range(tf->x[0], tf->x[1], &size))
		return size < tf->x[1] || tf->x[0] + size < size ? -EINVAL : -ENOMEM;
	return size ? advise(tf->x[0], size, advice) : 0;
}

/* Shared memory is one with its file: there is nothing to write back. */
long sys_msync(struct trapframe *tf)
{
	uint64_t size, flags = (uint32_t)tf->x[2];

	if (flags & ~(uint64_t)(MS_ASYNC | MS_SYNC | MS_INVALIDATE) ||
	    (flags & MS_ASYNC && flags & MS_SYNC) || !is_aligned(tf->x[0], PAGE_SIZE))
		return -EINVAL;
	if (!range(tf->x[0], tf->x[1], &size) && size)
		return -ENOMEM;
	return size ? space_flags(space_current(), tf->x[0], size, 0, 0) : 0;
}

/* Nothing is ever swapped out, so what is present is locked. */
long sys_mlock(struct trapframe *tf)
{
	uint64_t va = align_down(tf->x[0], PAGE_SIZE), size;

	if (!range(va, tf->x[1] + (tf->x[0] - va), &size) && size)
		return va + size < va ? -EINVAL : -ENOMEM;
	return size ? space_populate(space_current(), va, size) : 0;
}

long sys_munlock(struct trapframe *tf)
{
	uint64_t va = align_down(tf->x[0], PAGE_SIZE), size;

	if (!range(va, tf->x[1] + (tf->x[0] - va), &size) && size)
		return va + size < va ? -EINVAL : -ENOMEM;
	return size ? space_flags(space_current(), va, size, 0, 0) : 0;
}

static int resident(struct space *s, uint64_t va, uint8_t *answer)
{
	uint64_t size;
	int err = 0;

	mutex_lock(&s->lock);
	if (!space_find(s, va))
		err = -ENOMEM;
	*answer = pagetable_lookup(&s->mmu.table, va, &size) != 0;
	mutex_unlock(&s->lock);
	return err;
}

long sys_mincore(struct trapframe *tf)
{
	uint64_t va = tf->x[0], size, to = tf->x[2];
	int err = 0;

	if (!is_aligned(va, PAGE_SIZE))
		return -EINVAL;
	if (!range(va, tf->x[1], &size))
		return -ENOMEM;
	if (!user_range_ok(to, size / PAGE_SIZE))
		return -EFAULT;
	for (uint64_t at = 0; at < size && !err; at += PAGE_SIZE) {
		uint8_t answer;

		err = resident(space_current(), va + at, &answer);
		if (!err)
			err = put_user(answer, to++);
		thread_checkpoint();
	}
	return err;
}
