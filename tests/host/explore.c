/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The search behind explore.h: coroutines by a small switch of stacks (the sanitizers need not know
 * of it: a stack is an array), states kept as copies until they have been followed, known again by
 * a hash of 64 bits, breadth first, so the way to a broken rule is a shortest one.
 */
#include "host/explore.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

#define STACK_BYTES 4096
#define MAX_PARTS   64

/* What the search keeps for each actor; part of the state. */
struct actor {
	void *sp;
	unsigned choice;
};

static const struct explore_model *model;
static struct actor actors[EXPLORE_MAX_ACTORS];
static _Alignas(64) char stacks[EXPLORE_MAX_ACTORS][STACK_BYTES];
static void *search_sp;
static const char *broken;
unsigned explore_actor;

void explore_expect(bool held, const char *rule)
{
	if (!held && !broken)
		broken = rule;
}

/* ---- coroutines ---- */

/* Push what the ABI lets a function keep, change stacks, pop. FRAME_WORDS are pushed; the word
 * FRAME_PC of a new stack's first frame is where it begins. */
void switch_stacks(void **save_sp, void *sp);
#ifdef __x86_64__
#define FRAME_WORDS 7
#define FRAME_PC    6
__asm__("switch_stacks:\n\t"
	"push %rbp\n\tpush %rbx\n\tpush %r12\n\tpush %r13\n\tpush %r14\n\tpush %r15\n\t"
	"mov %rsp, (%rdi)\n\tmov %rsi, %rsp\n\t"
	"pop %r15\n\tpop %r14\n\tpop %r13\n\tpop %r12\n\tpop %rbx\n\tpop %rbp\n\t"
	"ret\n");
#else /* aarch64 */
#define FRAME_WORDS 20
#define FRAME_PC    1
__asm__("switch_stacks:\n\t"
	"stp x29, x30, [sp, #-160]!\n\tstp x19, x20, [sp, #16]\n\tstp x21, x22, [sp, #32]\n\t"
	"stp x23, x24, [sp, #48]\n\tstp x25, x26, [sp, #64]\n\tstp x27, x28, [sp, #80]\n\t"
	"stp d8, d9, [sp, #96]\n\tstp d10, d11, [sp, #112]\n\tstp d12, d13, [sp, #128]\n\t"
	"stp d14, d15, [sp, #144]\n\tmov x9, sp\n\tstr x9, [x0]\n\tmov sp, x1\n\t"
	"ldp x19, x20, [sp, #16]\n\tldp x21, x22, [sp, #32]\n\tldp x23, x24, [sp, #48]\n\t"
	"ldp x25, x26, [sp, #64]\n\tldp x27, x28, [sp, #80]\n\tldp d8, d9, [sp, #96]\n\t"
	"ldp d10, d11, [sp, #112]\n\tldp d12, d13, [sp, #128]\n\tldp d14, d15, [sp, #144]\n\t"
	"ldp x29, x30, [sp], #160\n\tret\n");
#endif

void explore_yield(void)
{
	switch_stacks(&actors[explore_actor].sp, search_sp);
}

unsigned explore_choice(void)
{
	return actors[explore_actor].choice;
}

static void actor_go(unsigned actor, unsigned choice)
{
	explore_actor = actor;
	actors[actor].choice = choice;
	switch_stacks(&search_sp, actors[actor].sp);
	actors[actor].choice = 0;
}

/* New stacks, each actor run to its first yield. */
static void actors_start(void)
{
	memset(stacks, 0, sizeof(stacks));
	for (unsigned i = 0; i < model->actors; i++) {
		/* the top stays free, and aligned as at a call */
		uintptr_t *frame = (uintptr_t *)(stacks[i] + STACK_BYTES) - 9 - FRAME_WORDS;

		frame = (uintptr_t *)((uintptr_t)(frame + FRAME_WORDS) / 16 * 16 - 8) - FRAME_WORDS;
#ifndef __x86_64__
		frame = (uintptr_t *)((uintptr_t)frame / 16 * 16);
#endif
		frame[FRAME_PC] = (uintptr_t)model->actor_main;
		actors[i].sp = frame;
		actor_go(i, 0);
	}
}

/* ---- states: keep, compare, go back to ---- */

struct snapshot {
	unsigned id;
	char data[];
};

/* The model's memory, then the live parts of the stacks; their sizes follow from actors[]. */
static unsigned state_parts(struct explore_part *parts)
{
	unsigned n = model->part_count;

	memcpy(parts, model->parts, n * sizeof(*parts));
	for (unsigned i = 0; i < model->actors; i++)
		parts[n++] = (struct explore_part){ actors[i].sp, (size_t)(stacks[i] + STACK_BYTES -
									   (char *)actors[i].sp) };
	return n;
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15ull;
	return hash ^ hash >> 29;
}

static uint64_t state_hash(void)
{
	struct explore_part parts[MAX_PARTS];
	unsigned count = state_parts(parts);
	uint64_t hash = 1;

	for (unsigned p = 0; p < count; p++) {
		for (size_t at = 0; at < parts[p].size; at += 8) {
			size_t rest = parts[p].size - at;
			uint64_t word = 0;

			memcpy(&word, (char *)parts[p].at + at, rest < 8 ? rest : 8);
			hash = mix(hash, word);
		}
		hash = mix(hash, parts[p].size);
	}
	return hash + !hash;
}

static struct snapshot *state_keep(unsigned id)
{
	struct explore_part parts[MAX_PARTS];
	unsigned count = state_parts(parts);
	size_t size = sizeof(actors);
	struct snapshot *s;

	for (unsigned p = 0; p < count; p++)
		size += parts[p].size;
	s = malloc(sizeof(*s) + size);
	s->id = id;
	memcpy(s->data, actors, sizeof(actors));
	size = sizeof(actors);
	for (unsigned p = 0; p < count; p++) {
		memcpy(s->data + size, parts[p].at, parts[p].size);
		size += parts[p].size;
	}
	return s;
}

static void state_restore(const struct snapshot *s)
{
	struct explore_part parts[MAX_PARTS];
	size_t at = sizeof(actors);
	unsigned count;

	memcpy(actors, s->data, sizeof(actors));
	count = state_parts(parts);
	for (unsigned p = 0; p < count; p++) {
		memcpy(parts[p].at, s->data + at, parts[p].size);
		at += parts[p].size;
	}
}

static void clear_dead_stacks(void)
{
	for (unsigned i = 0; i < model->actors; i++)
		memset(stacks[i], 0, (size_t)((char *)actors[i].sp - stacks[i]));
}

/* ---- the states seen, and how they were reached ---- */

struct edge {
	unsigned from, to;
};

struct origin {
	unsigned from, actor, choice;
};

static struct {
	uint64_t *hashes; /* open addressing; 0: free */
	unsigned *ids;
	size_t slots;
	unsigned count;
	struct origin *origins; /* by id */
	bool *at_rest;		/* by id */
} seen;
static struct edge *edges;
static size_t edge_count, edge_room;
static struct snapshot **queue;
static size_t queue_head, queue_tail, queue_room;

static void seen_insert(uint64_t hash, unsigned id)
{
	size_t i = hash % seen.slots;

	while (seen.hashes[i])
		i = (i + 1) % seen.slots;
	seen.hashes[i] = hash;
	seen.ids[i] = id;
}

static void seen_grow(void)
{
	uint64_t *hashes = seen.hashes;
	unsigned *ids = seen.ids;
	size_t slots = seen.slots;

	seen.slots = slots ? 2 * slots : 1 << 16;
	seen.hashes = calloc(seen.slots, sizeof(*hashes));
	seen.ids = calloc(seen.slots, sizeof(*ids));
	seen.origins = realloc(seen.origins, seen.slots * sizeof(*seen.origins));
	seen.at_rest = realloc(seen.at_rest, seen.slots * sizeof(*seen.at_rest));
	for (size_t i = 0; i < slots; i++) {
		if (hashes[i])
			seen_insert(hashes[i], ids[i]);
	}
	free(hashes);
	free(ids);
}

/* The number of the present state; *is_new if it was never seen. */
static unsigned state_id(bool *is_new)
{
	uint64_t hash = state_hash();
	size_t i;

	if (2 * (seen.count + 1) > seen.slots)
		seen_grow();
	for (i = hash % seen.slots; seen.hashes[i]; i = (i + 1) % seen.slots) {
		if (seen.hashes[i] == hash) {
			*is_new = false;
			return seen.ids[i];
		}
	}
	*is_new = true;
	seen_insert(hash, seen.count);
	return seen.count++;
}

static void edge_add(unsigned from, unsigned to)
{
	if (edge_count == edge_room) {
		edge_room = edge_room ? 2 * edge_room : 1 << 16;
		edges = realloc(edges, edge_room * sizeof(*edges));
	}
	edges[edge_count++] = (struct edge){ from, to };
}

static void enqueue(struct snapshot *s)
{
	if (queue_tail == queue_room) {
		queue_room = queue_room ? 2 * queue_room : 1 << 16;
		queue = realloc(queue, queue_room * sizeof(*queue));
	}
	queue[queue_tail++] = s;
}

/* Which actor went on by which choice, from the start to the state where the rule was broken. */
static void print_way(struct origin last)
{
	tap_print("# way, last step first (actor:choice): %u:%u", last.actor, last.choice);
	for (unsigned id = last.from; id; id = seen.origins[id].from)
		tap_print(" %u:%u", seen.origins[id].actor, seen.origins[id].choice);
	tap_print("\n# broken: %s\n", broken);
}

/* ---- the search ---- */

/* The present state has been reached. */
static void arrive(struct origin origin)
{
	bool is_new;
	unsigned id;

	clear_dead_stacks();
	model->check();
	if (broken) {
		print_way(origin);
		return;
	}
	id = state_id(&is_new);
	edge_add(origin.from, id);
	if (!is_new)
		return;
	seen.origins[id] = origin;
	seen.at_rest[id] = model->at_rest();
	enqueue(state_keep(id));
}

static void follow(const struct snapshot *s)
{
	for (unsigned actor = 0; actor < model->actors; actor++) {
		unsigned choices;

		state_restore(s);
		choices = model->choices(actor);
		for (unsigned choice = 0; choice < choices && !broken; choice++) {
			state_restore(s);
			actor_go(actor, choice);
			arrive((struct origin){ s->id, actor, choice });
		}
	}
}

/* Backwards from the states at rest, until nothing is added. */
static unsigned count_stuck(void)
{
	unsigned stuck = 0;
	bool more = true;

	while (more) {
		more = false;
		for (size_t i = edge_count; i-- > 0;) {
			if (!seen.at_rest[edges[i].from] && seen.at_rest[edges[i].to])
				more = seen.at_rest[edges[i].from] = true;
		}
	}
	for (unsigned id = 0; id < seen.count; id++)
		stuck += !seen.at_rest[id];
	return stuck;
}

/* What an earlier search has left. */
static void forget_all(void)
{
	while (queue_head < queue_tail)
		free(queue[queue_head++]);
	queue_head = queue_tail = edge_count = 0;
	free(seen.hashes);
	free(seen.ids);
	seen.hashes = NULL;
	seen.ids = NULL;
	seen.slots = 0;
	seen.count = 0;
	broken = NULL;
}

struct explore_result explore_run(const struct explore_model *m)
{
	model = m;
	forget_all();
	actors_start();
	arrive((struct origin){ 0 });
	while (queue_head < queue_tail && !broken) {
		struct snapshot *s = queue[queue_head++];

		follow(s);
		free(s);
	}
	return (struct explore_result){ seen.count, edge_count, broken,
					broken ? 0 : count_stuck() };
}
