/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Store buffers, for models (explore.h) of code whose stores others may see late. A CPU's own
 * stores are seen by itself at once and by the others when they leave its buffer: in order, at a
 * fence or whenever the search chooses. That is TSO; of what Arm allows beyond, two stores of one
 * CPU that change places and loads that are early, races under the thread sanitizer speak
 * (x_race.c).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/string.h"

#define STORES_MAX 6

enum store_op { STORE_SET, STORE_OR };

struct stores { /* of one CPU; a part of the state */
	struct store {
		void *at;
		uint64_t value;
		uint8_t size, op;
	} list[STORES_MAX]; /* oldest first */
	unsigned count;
};

static inline uint64_t store_apply(const struct store *s, uint64_t old)
{
	return s->op == STORE_OR ? old | s->value : s->value;
}

static inline uint64_t memory_read(const volatile void *at, unsigned size)
{
	uint64_t value = 0;

	memcpy(&value, (const void *)at, size);
	return value;
}

/* The oldest is seen by everybody. There is one. */
static inline void stores_drain_one(struct stores *b)
{
	const struct store *s = &b->list[0];
	uint64_t value = store_apply(s, memory_read(s->at, s->size));

	memcpy(s->at, &value, s->size);
	memmove(b->list, b->list + 1, sizeof(b->list) - sizeof(b->list[0]));
	b->count--;
	memset(&b->list[b->count], 0, sizeof(b->list[0]));
}

static inline void stores_drain(struct stores *b)
{
	while (b->count)
		stores_drain_one(b);
}

/* size: 1, 4 or 8 bytes. If the buffer is full, its oldest leaves. */
static inline void stores_put(struct stores *b, void *at, uint64_t value, unsigned size,
			      enum store_op op)
{
	if (b->count == STORES_MAX)
		stores_drain_one(b);
	b->list[b->count++] = (struct store){ at, value, (uint8_t)size, (uint8_t)op };
}

/* As the CPU with this buffer sees it. */
static inline uint64_t stores_load(const struct stores *b, const volatile void *at, unsigned size)
{
	uint64_t value = memory_read(at, size);

	for (unsigned i = 0; i < b->count; i++)
		if (b->list[i].at == at)
			value = store_apply(&b->list[i], value);
	return value;
}

/* A read and a write at once that later loads may not pass: memory &= mask. */
static inline void stores_clear(struct stores *b, void *at, uint64_t mask, unsigned size)
{
	for (unsigned i = 0; i < b->count; i++) {
		if (b->list[i].at == at)
			stores_drain(b);
	}
	mask &= memory_read(at, size);
	memcpy(at, &mask, size);
}
