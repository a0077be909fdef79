/* SPDX-License-Identifier: BSD-2-Clause */
/* Device registers by base and named offset; Device-nGnRE memory keeps the order of one device's
 * accesses. */
#pragma once

#include "lib/types.h"

static inline uint32_t mmio_read32(const void *base, unsigned offset)
{
	uint32_t v;

	__asm__ volatile("ldr %w0, [%1]" : "=r"(v) : "r"((const char *)base + offset) : "memory");
	return v;
}

static inline void mmio_write32(void *base, unsigned offset, uint32_t v)
{
	__asm__ volatile("str %w0, [%1]" ::"rZ"(v), "r"((char *)base + offset) : "memory");
}

static inline uint64_t mmio_read64(const void *base, unsigned offset)
{
	uint64_t v;

	__asm__ volatile("ldr %0, [%1]" : "=r"(v) : "r"((const char *)base + offset) : "memory");
	return v;
}

static inline void mmio_write64(void *base, unsigned offset, uint64_t v)
{
	__asm__ volatile("str %x0, [%1]" ::"rZ"(v), "r"((char *)base + offset) : "memory");
}

static inline uint8_t mmio_read8(const void *base, unsigned offset)
{
	uint32_t v;

	__asm__ volatile("ldrb %w0, [%1]" : "=r"(v) : "r"((const char *)base + offset) : "memory");
	return (uint8_t)v;
}

static inline void mmio_write8(void *base, unsigned offset, uint8_t v)
{
	__asm__ volatile("strb %w0, [%1]" ::"rZ"(v), "r"((char *)base + offset) : "memory");
}
