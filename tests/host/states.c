/* SPDX-License-Identifier: BSD-2-Clause */
/* See states.h. Tables are open-addressed and hold numbers; what they are compared with lies in
 * arrays, which grow by a quarter so that the last step takes no memory that is not used. */
#include "host/states.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES (1u << 20)

struct table {
	uint32_t *numbers; /* 0: free, else one more than the number */
	size_t slots;
};

static struct {
	struct bytes {
		char *at;
		uint32_t size, hash;
	} * list;
	uint32_t count, room;
	struct table table;
	char **chunks;
	size_t chunk_count, chunk_used;
} strings;

static struct {
	unsigned width;
	uint32_t *ids; /* width of each */
	struct origin *origins;
	uint8_t *at_rest;
	uint8_t *edges; /* so many lead on from it */
	uint32_t count, room;
	struct table table;
} states;

static struct {
	uint32_t *to;
	size_t count, room;
} edges;

static void *resize(void *p, size_t count, size_t size)
{
	p = realloc(p, count * size);
	if (!p) {
		fprintf(stderr, "explore: no memory after %u states\n", states.count);
		exit(3);
	}
	return p;
}

/* Models are built without inline functions; this one is most of what a search does. */
static inline __attribute__((always_inline)) uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15ull;
	return hash ^ hash >> 29;
}

static uint64_t hash_of(const void *bytes, size_t size)
{
	uint64_t hash = size;

	for (size_t at = 0; at < size; at += 8) {
		uint64_t word = 0;

		memcpy(&word, (const char *)bytes + at, size - at < 8 ? size - at : 8);
		hash = mix(hash, word);
	}
	return hash ^ hash >> 32;
}

/* ---- tables ---- */

static void table_put(struct table *t, uint64_t hash, uint32_t number)
{
	size_t i = hash & (t->slots - 1);

	while (t->numbers[i])
		i = (i + 1) & (t->slots - 1);
	t->numbers[i] = number + 1;
}

/* Twice as large once it is three quarters full; count are in it. */
static bool table_is_full(const struct table *t, uint32_t count)
{
	return 4ull * (count + 1) > 3 * t->slots;
}

static void table_grow(struct table *t, uint32_t count, uint64_t (*hash)(uint32_t number))
{
	t->slots = t->slots ? 2 * t->slots : 1 << 12;
	free(t->numbers);
	t->numbers = calloc(t->slots, sizeof(*t->numbers));
	if (!t->numbers)
		resize(NULL, SIZE_MAX / 2, 1);
	for (uint32_t n = 0; n < count; n++)
		table_put(t, hash(n), n);
}

static void table_free(struct table *t)
{
	free(t->numbers);
	*t = (struct table){ 0 };
}

/* ---- byte strings ---- */

static uint64_t bytes_hash(uint32_t id)
{
	return strings.list[id].hash;
}

static char *bytes_keep(const void *bytes, size_t size)
{
	char *at;

	if (!strings.chunk_count || strings.chunk_used + size > CHUNK_BYTES) {
		strings.chunks = resize(strings.chunks, ++strings.chunk_count, sizeof(char *));
		strings.chunks[strings.chunk_count - 1] = resize(NULL, CHUNK_BYTES, 1);
		strings.chunk_used = 0;
	}
	at = strings.chunks[strings.chunk_count - 1] + strings.chunk_used;
	strings.chunk_used += size;
	return memcpy(at, bytes, size);
}

uint32_t bytes_id(const void *bytes, size_t size)
{
	uint32_t hash = (uint32_t)hash_of(bytes, size);
	struct table *t = &strings.table;

	if (table_is_full(t, strings.count))
		table_grow(t, strings.count, bytes_hash);
	for (size_t i = hash & (t->slots - 1); t->numbers[i]; i = (i + 1) & (t->slots - 1)) {
		const struct bytes *b = &strings.list[t->numbers[i] - 1];

		if (b->hash == hash && b->size == size && !memcmp(b->at, bytes, size))
			return t->numbers[i] - 1;
	}
	if (strings.count == strings.room) {
		strings.room += strings.room / 4 + 4096;
		strings.list = resize(strings.list, strings.room, sizeof(*strings.list));
	}
	strings.list[strings.count] =
		(struct bytes){ bytes_keep(bytes, size), (uint32_t)size, hash };
	table_put(t, hash, strings.count);
	return strings.count++;
}

const void *bytes_of(uint32_t id, size_t *size)
{
	*size = strings.list[id].size;
	return strings.list[id].at;
}

/* ---- states ---- */

void states_begin(unsigned width)
{
	for (size_t i = 0; i < strings.chunk_count; i++)
		free(strings.chunks[i]);
	strings.chunk_count = 0;
	strings.count = 0;
	table_free(&strings.table);
	table_free(&states.table);
	free(states.ids);
	states.ids = NULL;
	states.room = states.count = 0;
	states.width = width;
	edges.count = 0;
}

static uint64_t state_hash(uint32_t state)
{
	return hash_of(state_ids(state), states.width * sizeof(uint32_t));
}

static void states_grow(void)
{
	states.room += states.room / 4 + 4096;
	states.ids = resize(states.ids, states.room, states.width * sizeof(uint32_t));
	states.origins = resize(states.origins, states.room, sizeof(*states.origins));
	states.at_rest = resize(states.at_rest, states.room, 1);
	states.edges = resize(states.edges, states.room, 1);
}

uint32_t state_id(const uint32_t *ids, bool *is_new)
{
	size_t size = states.width * sizeof(*ids);
	uint64_t hash = hash_of(ids, size);
	struct table *t = &states.table;

	if (table_is_full(t, states.count))
		table_grow(t, states.count, state_hash);
	*is_new = false;
	for (size_t i = hash & (t->slots - 1); t->numbers[i]; i = (i + 1) & (t->slots - 1)) {
		if (!memcmp(state_ids(t->numbers[i] - 1), ids, size))
			return t->numbers[i] - 1;
	}
	*is_new = true;
	if (states.count == states.room)
		states_grow();
	memcpy(states.ids + (size_t)states.count * states.width, ids, size);
	states.edges[states.count] = 0;
	table_put(t, hash, states.count);
	return states.count++;
}

void state_describe(uint32_t state, struct origin origin, bool at_rest)
{
	states.origins[state] = origin;
	states.at_rest[state] = at_rest;
}

const uint32_t *state_ids(uint32_t state)
{
	return states.ids + (size_t)state * states.width;
}

struct origin state_origin(uint32_t state)
{
	return states.origins[state];
}

uint32_t states_count(void)
{
	return states.count;
}

/* ---- which leads to which ---- */

void edge_add(uint32_t from, uint32_t to)
{
	if (edges.count == edges.room) {
		edges.room += edges.room / 4 + 4096;
		edges.to = resize(edges.to, edges.room, sizeof(*edges.to));
	}
	edges.to[edges.count++] = to;
	states.edges[from]++;
}

/* Backwards from the states at rest, until nothing is added. */
uint32_t states_stuck(void)
{
	uint32_t stuck = 0;
	bool more = true;

	while (more) {
		const uint32_t *to = edges.to + edges.count;

		more = false;
		for (uint32_t from = states.count; from-- > 0;) {
			for (unsigned n = states.edges[from]; n-- > 0;) {
				if (!states.at_rest[*--to] || states.at_rest[from])
					continue;
				states.at_rest[from] = true;
				more = true;
			}
		}
	}
	for (uint32_t state = 0; state < states.count; state++)
		stuck += !states.at_rest[state];
	return stuck;
}
