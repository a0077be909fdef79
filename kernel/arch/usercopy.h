/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one door between the kernel and a program's memory. Plain loads and stores with PAN clear
 * after a range check (never LDTR: at TGE = 0 it would read kernel pages). May sleep (faults);
 * no spinlock held, interrupts enabled. The current thread's address space is meant.
 */
#pragma once

#include <linux/errno.h>

#include "lib/types.h"

#define USER_END (1ull << 48) /* user addresses are below */

static inline bool user_range_ok(uint64_t va, uint64_t size)
{
	return va <= USER_END && size <= USER_END - va;
}

/* 0, or -EFAULT (what was copied before the fault stays copied). */
int copy_from_user(void *to, uint64_t from, size_t size);
/* The same for 8 and for 16 bytes: all or nothing. get_user() comes here for what has that size. */
int copy_word_from_user(void *to, uint64_t from);
int copy_pair_from_user(void *to, uint64_t from);
int copy_to_user(uint64_t to, const void *from, size_t size);
int clear_user(uint64_t to, size_t size);
/* Bytes copied without the NUL, at most size - 1; -EFAULT, -ENAMETOOLONG if no NUL in size bytes.
 */
ssize_t copy_string_from_user(char *to, uint64_t from, size_t size);

/* Naturally aligned words, single-copy atomic. 0 or -EFAULT (also for an unaligned address). */
int user_load32(uint32_t *value, uint64_t from);
int user_store32(uint64_t to, uint32_t value);
/* *old gets what was there; stored only if that equals expected. Acquire and release. */
int user_cmpxchg32(uint32_t *old, uint64_t at, uint32_t expected, uint32_t desired);

/* 8 bytes, in whatever place: all or nothing. 0 or -EFAULT. */
int usercopy_store64(void *to, uint64_t value); /* usercopy.S */
static inline int user_store64(uint64_t to, uint64_t value)
{
	return user_range_ok(to, 8) ? usercopy_store64((void *)to, value) : -EFAULT;
}

#define get_user(value, from)                                                                      \
	(sizeof(value) == 8    ? copy_word_from_user(&(value), from)                               \
	 : sizeof(value) == 16 ? copy_pair_from_user(&(value), from)                               \
			       : copy_from_user(&(value), from, sizeof(value)))
#define put_user(value, to)                                                                        \
	({                                                                                         \
		__typeof__(value) v_ = (value);                                                    \
		copy_to_user(to, &v_, sizeof(v_));                                                 \
	})
