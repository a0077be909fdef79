/* SPDX-License-Identifier: BSD-2-Clause */
/* cpio archives of format "newc", as initramfs images are (man 5 cpio). Pure. */
#pragma once

#include "lib/types.h"

struct cpio_entry {
	const char *name; /* in the archive, ends with NUL */
	size_t name_length;
	uint32_t ino, mode, uid, gid, nlink, mtime;
	uint32_t dev_major, dev_minor, rdev_major, rdev_minor;
	const uint8_t *data; /* in the archive */
	size_t size;
};

/* The entry at *offset (0 at first), which moves to the next. Trailers and the zeros after them
 * are stepped over: archives may be joined. 1: an entry; 0: the end; -EINVAL: damaged. */
int cpio_next(const void *archive, size_t size, size_t *offset, struct cpio_entry *e);
