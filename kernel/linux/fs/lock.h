/* SPDX-License-Identifier: BSD-2-Clause */
/* Locks on files (linux/fs/lock.c), as descriptors and files come and go. */
#pragma once

#include <stdatomic.h>

#include "lib/types.h"

struct file;

/* F_SETLK, F_SETLKW, F_GETLK and their OFD kin; the struct flock is at a user address. */
long lock_fcntl(struct file *f, unsigned cmd, uint64_t user);

extern _Atomic unsigned lock_count; /* held by anybody: 0 nearly always, and then nothing is done */

/* All locks of that owner: on the file, or (NULL) on any. Use the inlines. */
void lock_drop(const void *owner, const struct file *f);

/* A descriptor of the table `fds` for f was closed: its record locks on that file go (man 2 fcntl).
 */
static inline void lock_closed(const void *fds, const struct file *f)
{
	if (__builtin_expect(atomic_load_explicit(&lock_count, memory_order_relaxed) != 0, 0))
		lock_drop(fds, f);
}

/* An owner ends: a table, or a file with what flock() and F_OFD_SETLK have locked through it. */
static inline void lock_owner_gone(const void *owner)
{
	if (__builtin_expect(atomic_load_explicit(&lock_count, memory_order_relaxed) != 0, 0))
		lock_drop(owner, NULL);
}
