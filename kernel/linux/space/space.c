/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Address spaces: which areas a program has. mmap.c comes in with checked arguments, exec.c and
 * clone.c to build and copy whole spaces; what is present in the areas is fault.c's part.
 *
 * space->lock covers everything. A file is never let go under it, because its last reference may
 * belong to a VM that takes the same lock to leave the notifiers: areas that go are chained up and
 * freed after the lock is given back.
 */
#include "linux/space/space.h"

#include <linux/errno.h>
#include <linux/mman.h>

#include "arch/usercopy.h"
#include "lib/bits.h"
#include "linux/fs/file.h"
#include "linux/space/space_pages.h"
#include "mm/slab.h"

struct space *space_create(void)
{
	struct space *s = kzalloc(sizeof(*s));

	if (!s)
		return NULL;
	if (mmu_context_init(&s->mmu)) {
		kfree(s);
		return NULL;
	}
	mutex_init(&s->lock);
	list_init(&s->notifiers);
	s->refs = s->users = 1;
	s->mmap_top = MMAP_TOP;
	return s;
}

/* ---- areas that go ---- */

static void bury(struct space *s, struct vma *vma, struct vma **dead)
{
	struct vma *above;

	vma_remove(&s->areas, vma);
	s->area_count--;
	vma->next_dead = *dead;
	*dead = vma;
	above = vma_above(&s->areas, vma->end);
	if (vma->end > s->room_top)
		s->room_top = above ? min(above->start, s->mmap_top) : s->mmap_top;
}

/* Room for size bytes, as high as there is; 0: none. Programs with thousands of areas ask for the
 * same size again and again: above room_top there is no gap of room_size. */
static uint64_t find_room(struct space *s, uint64_t size, uint64_t align)
{
	bool known = s->room_size && size >= s->room_size;
	uint64_t va = vma_room(&s->areas, size, align, MMAP_LOW, known ? s->room_top : s->mmap_top);

	if (va && align == PAGE_SIZE) {
		s->room_size = size;
		s->room_top = va + size;
	}
	return va;
}

static void free_dead(struct vma *dead)
{
	while (dead) {
		struct vma *next = dead->next_dead;

		if (dead->file)
			file_put(dead->file);
		kfree(dead);
		dead = next;
	}
}

static int unlock(struct space *s, struct vma **dead, int err) RELEASES(s->lock)
{
	mutex_unlock(&s->lock);
	free_dead(*dead);
	return err;
}

void space_put(struct space *s)
{
	struct vma *dead = NULL;
	struct rb_node *n;

	/* acq_rel: what the others did to the space comes before its end */
	if (atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
		return;
	pages_drop_all(s);
	while ((n = s->areas.root))
		bury(s, rb_entry(n, struct vma, node), &dead);
	free_dead(dead);
	mmu_context_destroy(&s->mmu);
	kfree(s);
}

/* ---- cutting and joining ---- */

/* Make at a boundary between areas, if it is inside one. */
static int cut(struct space *s, uint64_t at)
{
	struct vma *vma = vma_find(&s->areas, at), *upper;

	int err;

	if (!vma || vma->start == at)
		return 0;
	err = pages_cut(s, at);
	if (err)
		return err;
	upper = kmalloc(sizeof(*upper));
	if (!upper)
		return -ENOMEM;
	vma_split(&s->areas, vma, upper, at);
	s->area_count++;
	if (upper->file)
		file_get(upper->file);
	return 0;
}

/* Make [va, end) begin and end at boundaries. */
static int cut_out(struct space *s, uint64_t va, uint64_t end)
{
	int err = cut(s, va);

	return err ? err : cut(s, end);
}

/* Let vma swallow what follows it, if that is a continuation. */
static void join_next(struct space *s, struct vma *vma, struct vma **dead)
{
	struct vma *next = vma_next(vma);

	if (!next || !vma_continues(vma, next))
		return;
	bury(s, next, dead);
	vma->end = next->end;
}

/* Join what can be joined at the borders of the areas of [va, end] and between them. */
static void join(struct space *s, uint64_t va, uint64_t end, struct vma **dead)
{
	struct vma *vma = vma_above(&s->areas, va ? va - 1 : 0);

	while (vma && vma->start < end) {
		uint64_t old_end = vma->end;

		join_next(s, vma, dead);
		if (vma->end == old_end)
			vma = vma_next(vma);
	}
}

/* ---- mapping ---- */

static int unmap(struct space *s, uint64_t va, uint64_t end, struct vma **dead)
{
	struct vma *vma, *next;
	int err = cut_out(s, va, end);

	if (!err)
		err = pages_drop(s, va, end);
	if (err)
		return err;
	for (vma = vma_above(&s->areas, va); vma && vma->start < end; vma = next) {
		next = vma_next(vma);
		bury(s, vma, dead);
	}
	return 0;
}

int space_unmap(struct space *s, uint64_t va, uint64_t size)
{
	struct vma *dead = NULL;

	mutex_lock(&s->lock);
	return unlock(s, &dead, unmap(s, va, va + size, &dead));
}

void space_leave(struct space *s)
{
	struct vma *dead = NULL;

	/* acq_rel: as in space_put() */
	if (atomic_fetch_sub_explicit(&s->users, 1, memory_order_acq_rel) == 1 &&
	    atomic_load_explicit(&s->refs, memory_order_relaxed) > 1) {
		mutex_lock(&s->lock);
		unlock(s, &dead, unmap(s, 0, USER_END, &dead));
	}
	space_put(s);
}

/* The address for a new area; for MAP_FIXED it may still be in use. */
static int place(struct space *s, uint64_t *va, uint64_t size, uint32_t flags)
{
	uint64_t align = size >= BLOCK_SIZE ? BLOCK_SIZE : PAGE_SIZE;

	if (size > USER_END)
		return -ENOMEM;
	if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
		if (!is_aligned(*va, PAGE_SIZE))
			return -EINVAL;
		if (!user_range_ok(*va, size))
			return -ENOMEM;
		if (*va < MMAP_LOW)
			return -EPERM;
		return flags & MAP_FIXED_NOREPLACE && !vma_range_free(&s->areas, *va, size)
			       ? -EEXIST
			       : 0;
	}
	*va = align_down(*va, PAGE_SIZE);
	if (*va >= MMAP_LOW && user_range_ok(*va, size) && vma_range_free(&s->areas, *va, size))
		return 0;
	*va = find_room(s, size, align);
	if (!*va)
		*va = find_room(s, size, PAGE_SIZE);
	return *va ? 0 : -ENOMEM;
}

static int map_file(struct vma *vma, struct file *file)
{
	int err;

	if (!file->ops->mmap)
		return -ENODEV;
	vma->file = file;
	err = file->ops->mmap(file, vma);
	if (!err)
		file_get(file);
	else
		vma->file = NULL;
	return err;
}

/* Give vma, which has its length in end, a place in the space. */
static int map(struct space *s, struct vma *vma, uint64_t *va, struct file *file, struct vma **dead)
{
	int err = place(s, va, vma->end, vma->flags);

	vma->start = *va;
	vma->end += *va;
	if (!err && file)
		err = map_file(vma, file);
	if (!err && vma->flags & MAP_FIXED)
		err = unmap(s, vma->start, vma->end, dead);
	if (err) {
		vma->next_dead = *dead;
		*dead = vma;
		return err;
	}
	vma->flags &= MAP_SHARED | MAP_PRIVATE | MAP_NORESERVE | MAP_STACK | VMA_READONLY;
	vma_insert(&s->areas, vma);
	s->area_count++;
	join(s, vma->start, vma->end, dead);
	return 0;
}

static struct vma *area_new(struct space *s, uint64_t size, uint32_t prot, uint32_t flags)
{
	struct vma *vma = kzalloc(sizeof(*vma));

	if (!vma)
		return NULL;
	vma->space = s;
	vma->end = size;
	vma->prot = prot;
	vma->flags = flags;
	return vma;
}

int space_map(struct space *s, uint64_t *va, uint64_t size, uint32_t prot, uint32_t flags,
	      struct file *file, uint64_t offset)
{
	struct vma *dead = NULL, *vma = area_new(s, size, prot, flags);

	if (!vma)
		return -ENOMEM;
	vma->offset = offset;
	mutex_lock(&s->lock);
	return unlock(s, &dead, map(s, vma, va, file, &dead));
}

int space_map_special(struct space *s, uint64_t va, uint64_t size, uint32_t prot,
		      const struct vma_ops *ops, void *data)
{
	struct vma *dead = NULL, *vma = area_new(s, size, prot, MAP_PRIVATE | MAP_FIXED);

	if (!vma)
		return -ENOMEM;
	vma->ops = ops;
	vma->data = data;
	mutex_lock(&s->lock);
	return unlock(s, &dead, map(s, vma, &va, NULL, &dead));
}

/* ---- changing ---- */

static bool may_protect(struct space *s, uint64_t va, uint64_t end, uint32_t prot)
{
	for (struct vma *vma = vma_above(&s->areas, va); vma && vma->start < end;
	     vma = vma_next(vma)) {
		if (prot & PROT_WRITE && vma->flags & VMA_READONLY)
			return false;
	}
	return true;
}

static int protect(struct space *s, uint64_t va, uint64_t end, uint32_t prot, struct vma **dead)
{
	int err;

	if (!vma_range_full(&s->areas, va, end - va))
		return -ENOMEM;
	if (!may_protect(s, va, end, prot))
		return -EACCES;
	err = cut_out(s, va, end);
	for (struct vma *vma = vma_above(&s->areas, va); !err && vma && vma->start < end;
	     vma = vma_next(vma)) {
		vma->prot = prot;
		err = pages_protect(vma, vma->start, vma->end);
	}
	join(s, va, end, dead);
	return err;
}

int space_protect(struct space *s, uint64_t va, uint64_t size, uint32_t prot)
{
	struct vma *dead = NULL;

	mutex_lock(&s->lock);
	return unlock(s, &dead, protect(s, va, va + size, prot, &dead));
}

int space_discard(struct space *s, uint64_t va, uint64_t size)
{
	struct vma *dead = NULL;
	int err = -ENOMEM;

	mutex_lock(&s->lock);
	if (vma_range_full(&s->areas, va, size))
		err = pages_drop(s, va, va + size);
	return unlock(s, &dead, err);
}

static int change_flags(struct space *s, uint64_t va, uint64_t end, uint32_t set, uint32_t clear,
			struct vma **dead)
{
	int err;

	if (!vma_range_full(&s->areas, va, end - va))
		return -ENOMEM;
	err = cut_out(s, va, end);
	if (err)
		return err;
	for (struct vma *vma = vma_above(&s->areas, va); vma && vma->start < end;
	     vma = vma_next(vma))
		vma->flags = (vma->flags & ~clear) | set;
	join(s, va, end, dead);
	return 0;
}

int space_flags(struct space *s, uint64_t va, uint64_t size, uint32_t set, uint32_t clear)
{
	struct vma *dead = NULL;

	mutex_lock(&s->lock);
	return unlock(s, &dead, change_flags(s, va, va + size, set, clear, &dead));
}

static int grow_brk(struct space *s, uint64_t from, uint64_t to, struct vma **dead)
{
	struct vma *vma;

	/* A page stays free between the heap and what lies above it. */
	if (to > s->mmap_top || !vma_range_free(&s->areas, from, to - from + PAGE_SIZE))
		return -ENOMEM;
	vma = area_new(s, to - from, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED);
	return vma ? map(s, vma, &from, NULL, dead) : -ENOMEM;
}

uint64_t space_set_brk(struct space *s, uint64_t brk)
{
	struct vma *dead = NULL;
	uint64_t old_end, new_end;
	int err = 0;

	mutex_lock(&s->lock);
	old_end = align_up(s->brk, PAGE_SIZE);
	new_end = align_up(brk, PAGE_SIZE);
	if (brk < s->brk_start || brk > USER_END)
		err = -EINVAL;
	else if (new_end > old_end)
		err = grow_brk(s, old_end, new_end, &dead);
	else if (new_end < old_end)
		err = unmap(s, new_end, old_end, &dead);
	if (!err)
		s->brk = brk;
	brk = s->brk;
	unlock(s, &dead, 0);
	return brk;
}

/* ---- mremap ---- */

static int grow_in_place(struct space *s, struct vma *vma, uint64_t new_end, struct vma **dead)
{
	if (!user_range_ok(vma->end, new_end - vma->end) ||
	    !vma_range_free(&s->areas, vma->end, new_end - vma->end))
		return -ENOMEM;
	vma->end = new_end;
	join(s, vma->start, vma->end, dead);
	return 0;
}

/* The area of [va, va + old_size) appears at *to with new_size bytes and goes here. */
static int move(struct space *s, struct vma *vma, uint64_t va, uint64_t old_size, uint64_t new_size,
		unsigned flags, uint64_t *to, struct vma **dead)
{
	uint32_t map_flags = flags & MREMAP_FIXED ? MAP_FIXED : 0;
	struct vma *new = kmalloc(sizeof(*new));
	int err;

	if (!new)
		return -ENOMEM;
	*new = *vma;
	new->offset = vma->offset + (va - vma->start);
	if (!(flags & MREMAP_FIXED))
		*to = 0;
	err = place(s, to, new_size, map_flags);
	if (!err && map_flags)
		err = unmap(s, *to, *to + new_size, dead);
	if (err) {
		kfree(new);
		return err;
	}
	new->start = *to;
	new->end = *to + new_size;
	if (new->file)
		file_get(new->file);
	vma_insert(&s->areas, new);
	s->area_count++;
	err = pages_alias(s, va, *to, min(old_size, new_size));
	if (err) {
		unmap(s, new->start, new->end, dead);
		return err;
	}
	return unmap(s, va, va + old_size, dead);
}

static int remap(struct space *s, uint64_t va, uint64_t old_size, uint64_t new_size, unsigned flags,
		 uint64_t *to, struct vma **dead)
{
	struct vma *vma = vma_find(&s->areas, va);

	if (!vma || vma->end < va + old_size)
		return -EFAULT;
	if (!(flags & MREMAP_FIXED)) {
		*to = va;
		if (new_size <= old_size)
			return new_size == old_size ? 0
						    : unmap(s, va + new_size, va + old_size, dead);
		if (vma->end == va + old_size && !grow_in_place(s, vma, va + new_size, dead))
			return 0;
	}
	if (!(flags & MREMAP_MAYMOVE))
		return -ENOMEM;
	return move(s, vma, va, old_size, new_size, flags, to, dead);
}

int space_remap(struct space *s, uint64_t va, uint64_t old_size, uint64_t new_size, unsigned flags,
		uint64_t *to)
{
	struct vma *dead = NULL;

	mutex_lock(&s->lock);
	return unlock(s, &dead, remap(s, va, old_size, new_size, flags, to, &dead));
}
