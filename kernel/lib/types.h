/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The words everybody uses: integers of fixed size and addresses that must not be mixed.
 * A pa_t is a physical address of the machine, an ipa_t a guest's (intermediate) physical one;
 * kernel virtual addresses are pointers, user virtual addresses are plain uint64_t named va or uva.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
	uint64_t v;
} pa_t;

typedef struct {
	uint64_t v;
} ipa_t;

typedef int64_t ssize_t;
typedef int64_t loff_t;

#define PAGE_SHIFT 12
#define PAGE_SIZE  (UINT64_C(1) << PAGE_SHIFT)
#define PAGE_MASK  (PAGE_SIZE - 1)
#define BLOCK_SHIFT 21 /* a level-2 block: 2 MiB */
#define BLOCK_SIZE  (UINT64_C(1) << BLOCK_SHIFT)
#define BLOCK_MASK  (BLOCK_SIZE - 1)

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(p, type, member) ((type *)((char *)(p) - offsetof(type, member)))
