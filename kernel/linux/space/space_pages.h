/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files that make up an address space: space.c (areas) and fault.c (pages). Lock held.
 */
#pragma once

#include "linux/space/space.h"

/* An area is to end at this page boundary: no block may reach over it. -ENOMEM: it is as it was. */
int pages_cut(struct space *s, uint64_t at);
/* Drop the pages of [start, end), both page aligned. -ENOMEM: a block could not be split; nothing
 * has changed. */
int pages_drop(struct space *s, uint64_t start, uint64_t end);
/* Give the present pages of [start, end) the protection vma has now. -ENOMEM as above. */
int pages_protect(struct vma *vma, uint64_t start, uint64_t end);
/* child's pages = the parent's in this private area, write-protected in both. The caller flushes
 * the parent's TLB entries before the child runs. */
int pages_share(struct space *child, struct vma *vma);
/* Let [to, to + size) show the same pages as [from, …), each with one more reference. -ENOMEM:
 * some may have been mapped. */
int pages_alias(struct space *s, uint64_t from, uint64_t to, uint64_t size);
/* The space ends: every page, without flushing or telling anybody. */
void pages_drop_all(struct space *s);
/* space_fault() without the lock. Forced, by a debugger: whatever the area's rights are; to be
 * written, a copy of its own, if the area is private. */
enum fault_kind { FAULT_DATA, FAULT_EXEC, FAULT_FORCED };
int pages_fault(struct space *s, uint64_t va, bool write, enum fault_kind kind);
