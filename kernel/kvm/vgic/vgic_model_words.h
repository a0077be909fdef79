/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The words of vgic_model.c that others look at without a lock: atomics go to its store buffers and
 * to the search. Included before the vgic's own headers, whose inline functions are meant too.
 */
#pragma once

#include <stdatomic.h>

#include "host/stores.h"
#include "lib/relaxed.h"

static void access(void);
static void store_put(void *at, uint64_t value, unsigned size, enum store_op op);
static uint64_t load_value(const volatile void *at, unsigned size);
static uint64_t clear_bits(void *at, uint64_t clear, unsigned size);
static void fence(void);

#define plain_type(p) __typeof__(((void)0, *(p)))
#undef atomic_load_explicit
#undef atomic_store_explicit
#undef atomic_fetch_or_explicit
#undef atomic_fetch_and_explicit
#undef atomic_thread_fence
#define atomic_load_explicit(p, order) ((plain_type(p))load_value(p, sizeof(*(p))))
#define atomic_store_explicit(p, v, order)                                                         \
	store_put((void *)(p), (uint64_t)(v), sizeof(*(p)), STORE_SET)
#define atomic_fetch_or_explicit(p, v, order)  store_put((void *)(p), v, sizeof(*(p)), STORE_OR)
#define atomic_fetch_and_explicit(p, v, order) clear_bits((void *)(p), (uint32_t)(v), sizeof(*(p)))
#define atomic_thread_fence(order)	       fence()
#define relaxed_u8(p)			       ((uint8_t)load_value(p, 1))
#define relaxed_int(p)			       ((int)load_value(p, sizeof(*(p))))
#define __atomic_load_n(p, order)	       (access(), *(p))
