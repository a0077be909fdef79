/* SPDX-License-Identifier: BSD-2-Clause */
/* A text that grows, and files that show one: /proc and /sys. text_printf() is in linux/fs/file.h.
 */
#pragma once

#include "linux/fs/file.h"

struct text {
	char *data;
	size_t used, room;
	bool failed; /* no memory: what is there is not all */
};

void text_put(struct text *t, const void *data, size_t size);

/* Make f show what show(text, arg) writes, made anew whenever it is read from its beginning.
 * release(arg) at the end, may be NULL. -ENOMEM: nothing has changed. */
int text_open(struct file *f, void (*show)(struct text *t, void *arg), void *arg,
	      void (*release)(void *arg));
/* Give what is written to f, to store(text, size, arg); after text_open(). */
void text_accept(struct file *f, int (*store)(const char *text, size_t size, void *arg));
