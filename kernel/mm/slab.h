/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Small objects: size classes of 16 to 2016 bytes in pages of their own, larger ones straight
 * from page.c (at most 2 MiB). Any context that may take a spinlock. Freed objects are poisoned.
 */
#pragma once

#include "lib/types.h"

/* NULL if there is no memory; 16-byte aligned. */
void *kmalloc(size_t size);
void *kzalloc(size_t size);
void *kcalloc(size_t count, size_t size); /* NULL also if count * size overflows */
void *krealloc(void *p, size_t size);	  /* NULL: p stays as it was */
void kfree(void *p);			  /* NULL is allowed */
char *kstrdup(const char *s);
size_t slab_pages(void); /* pages held now, for /proc/meminfo and tests */
