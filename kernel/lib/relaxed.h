/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A word that others change, read in whatever order: atomic_load_explicit(…, memory_order_relaxed) of
 * an aligned word, but in one instruction. gcc 12 computes the address of an atomic object in another.
 */
#pragma once

#include "lib/types.h"

static inline uint8_t relaxed_u8(const _Atomic uint8_t *byte)
{
	return *(const volatile uint8_t *)byte;
}

static inline uint32_t relaxed_u32(const _Atomic uint32_t *word)
{
	return *(const volatile uint32_t *)word;
}

static inline int relaxed_int(const _Atomic int *word)
{
	return *(const volatile int *)word;
}

static inline uint64_t relaxed_atomic_u64(const _Atomic uint64_t *word)
{
	return *(const volatile uint64_t *)word;
}

static inline void relaxed_store_u64(uint64_t *word, uint64_t value)
{
	*(volatile uint64_t *)word = value;
}

static inline uint64_t relaxed_u64(const uint64_t *word)
{
	return *(const volatile uint64_t *)word;
}
