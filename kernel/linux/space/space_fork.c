/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What others do with a space as a whole: fork() copies it, KVM follows its changes. A copied
 * private area shows the parent's pages, write-protected on both sides (fault.c copies them when
 * they are written); a shared one finds its file's pages anew.
 */
#include <linux/errno.h>
#include <linux/mman.h>

#include "linux/fs/file.h"
#include "linux/space/space_pages.h"
#include "mm/slab.h"

static int copy_area(struct space *child, struct vma *vma)
{
	struct vma *copy;

	if (vma->flags & VMA_DONTFORK)
		return 0;
	copy = kmalloc(sizeof(*copy));
	if (!copy)
		return -ENOMEM;
	*copy = *vma;
	copy->space = child;
	if (copy->file)
		file_get(copy->file);
	vma_insert(&child->areas, copy);
	child->area_count++;
	return vma->flags & MAP_SHARED ? 0 : pages_share(child, vma);
}

int space_fork(struct space *child, struct space *parent)
{
	int err = 0;

	mutex_lock(&parent->lock);
	for (struct vma *vma = vma_above(&parent->areas, 0); vma && !err; vma = vma_next(vma))
		err = copy_area(child, vma);
	tlb_flush_user(&parent->mmu); /* what was writable until now */
	child->brk_start = parent->brk_start;
	child->brk = parent->brk;
	mutex_unlock(&parent->lock);
	return err;
}

void space_notifier_add(struct space *s, struct space_notifier *n)
{
	mutex_lock(&s->lock);
	list_append(&s->notifiers, &n->link);
	mutex_unlock(&s->lock);
}

void space_notifier_remove(struct space *s, struct space_notifier *n)
{
	mutex_lock(&s->lock);
	list_remove(&n->link);
	mutex_unlock(&s->lock);
}
