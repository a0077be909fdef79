/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The search behind explore.h: coroutines by a small switch of stacks (the sanitizers need not know
 * of it: a stack is an array), breadth first, so the way to a broken rule is a shortest one. States
 * are kept by states.c: the live part of each stack and each group of the model's memory is a byte
 * string, a state is the numbers of these.
 */
#include "host/explore.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "host/states.h"
#include "tap.h"

#define STACK_BYTES 4096
#define MAX_GROUPS  32
#define GROUP_BYTES 4096

static const struct explore_model *model;
static struct actor {
	char *sp;
	unsigned choice;
} actors[EXPLORE_MAX_ACTORS];
static _Alignas(64) char stacks[EXPLORE_MAX_ACTORS][STACK_BYTES];
static char *search_sp;
static const char *broken;
unsigned explore_actor;

void explore_expect(bool held, const char *rule)
{
	if (!held && !broken)
		broken = rule;
}

/* ---- coroutines ---- */

/* Push what the ABI lets a function keep, change stacks, pop; what it may not keep is zero then, or
 * what the search had there would get into states. FRAME_WORDS are pushed; the word FRAME_PC of a
 * new stack's first frame is where it begins. */
void switch_stacks(char **save_sp, char *sp);
#ifdef __x86_64__
#define FRAME_WORDS 7
#define FRAME_PC    6
__asm__("switch_stacks:\n\t"
	"push %rbp\n\tpush %rbx\n\tpush %r12\n\tpush %r13\n\tpush %r14\n\tpush %r15\n\t"
	"mov %rsp, (%rdi)\n\tmov %rsi, %rsp\n\t"
	"pop %r15\n\tpop %r14\n\tpop %r13\n\tpop %r12\n\tpop %rbx\n\tpop %rbp\n\t"
	"xor %eax, %eax\n\txor %ecx, %ecx\n\txor %edx, %edx\n\txor %esi, %esi\n\txor %edi, %edi\n\t"
	"xor %r8d, %r8d\n\txor %r9d, %r9d\n\txor %r10d, %r10d\n\txor %r11d, %r11d\n\tret\n"
	".global explore_clean\nexplore_clean:\n\t" /* 1 KiB below its caller */
	"lea -1024(%rsp), %rdi\n\tmov $128, %ecx\n\txor %eax, %eax\n\trep stosq\n\tret\n");
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
	"ldp x29, x30, [sp], #160\n\t"
	"mov x0, xzr\n\tmov x1, xzr\n\tmov x2, xzr\n\tmov x3, xzr\n\tmov x4, xzr\n\tmov x5, xzr\n\t"
	"mov x6, xzr\n\tmov x7, xzr\n\tmov x8, xzr\n\tmov x9, xzr\n\tmov x10, xzr\n\tmov x11, "
	"xzr\n\t"
	"mov x12, xzr\n\tmov x13, xzr\n\tmov x14, xzr\n\tmov x15, xzr\n\tmov x16, xzr\n\tmov x17, "
	"xzr\n\t"
	"ret\n"
	".global explore_clean\nexplore_clean:\n\t"
	"mov x1, sp\n\tsub x0, x1, #1024\n1:\tstp xzr, xzr, [x0], #16\n\tcmp x0, x1\n\tb.lo "
	"1b\n\tret\n");
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
		actors[i].sp = (char *)frame;
		actor_go(i, 0);
	}
}

/* ---- twins: docs in explore.h ---- */

/* What words of the state may name a twin: those of the model's memory and of live stacks. */
static void each_word(void (*visit)(uintptr_t *word))
{
	for (unsigned p = 0; p < model->part_count; p++) {
		const struct explore_part *part = &model->parts[p];

		if ((uintptr_t)part->at % sizeof(uintptr_t))
			continue;
		for (size_t w = 0; w < part->size / sizeof(uintptr_t); w++)
			visit((uintptr_t *)part->at + w);
	}
	for (unsigned i = 0; i < model->actors; i++)
		for (char *at = actors[i].sp; at < stacks[i] + STACK_BYTES; at += sizeof(uintptr_t))
			visit((uintptr_t *)at);
}

static struct {
	unsigned order[EXPLORE_MAX_TWINS]; /* who gets this place */
	unsigned place[EXPLORE_MAX_TWINS]; /* and where each goes */
	unsigned count;			   /* so many have one */
	unsigned placed;		   /* a bit each */
} renaming;

static bool names_twin(uintptr_t word, unsigned *twin)
{
	uintptr_t offset = word - (uintptr_t)model->twins.at;

	*twin = (unsigned)(offset / model->twins.size);
	return offset < model->twins.count * model->twins.size;
}

static void place(unsigned twin)
{
	renaming.placed |= 1u << twin;
	renaming.place[twin] = renaming.count;
	renaming.order[renaming.count++] = twin;
}

static void place_named(uintptr_t *word)
{
	bool its_own = (uintptr_t)word - (uintptr_t)model->twins.at <
		       model->twins.count * model->twins.size;
	unsigned twin;

	if (!its_own && names_twin(*word, &twin) && !(renaming.placed >> twin & 1))
		place(twin);
}

static void rename_word(uintptr_t *word)
{
	unsigned twin;

	if (names_twin(*word, &twin))
		*word += ((uintptr_t)renaming.place[twin] - twin) * model->twins.size;
}

static void rename_twins(void)
{
	static char copy[EXPLORE_MAX_TWINS * GROUP_BYTES];
	size_t size = model->twins.size;

	memcpy(copy, model->twins.at, model->twins.count * size);
	for (unsigned n = 0; n < model->twins.count; n++)
		memcpy((char *)model->twins.at + n * size, copy + renaming.order[n] * size, size);
	each_word(rename_word);
	if (model->renamed)
		model->renamed(renaming.place);
}

/* Those that nothing names go by what is in them. */
static unsigned least_unplaced(void)
{
	unsigned least = EXPLORE_MAX_TWINS;

	for (unsigned n = 0; n < model->twins.count; n++) {
		if (renaming.placed >> n & 1)
			continue;
		if (least == EXPLORE_MAX_TWINS || model->twins_order(n, least) < 0)
			least = n;
	}
	return least;
}

/* Of all states that are equal but for the names of twins this becomes the one to look at. */
static void choose_names(void)
{
	bool changed = false;

	if (!model->twins.count)
		return;
	renaming.count = renaming.placed = 0;
	each_word(place_named);
	while (renaming.count < model->twins.count)
		place(least_unplaced());
	for (unsigned n = 0; n < model->twins.count; n++)
		changed |= renaming.order[n] != n;
	if (changed)
		rename_twins();
}

/* ---- states: keep, compare, go back to ---- */

static unsigned group_count;
/* Of the state that is followed: its groups, then its stacks. */
static uint32_t ids_from[MAX_GROUPS + EXPLORE_MAX_ACTORS];

static unsigned group_end(unsigned begin)
{
	unsigned p = begin;

	while (p < model->part_count && model->parts[p].group == model->parts[begin].group)
		p++;
	return p;
}

/* Most of a state is as it was in the one that it came from. */
static uint32_t id_of(const void *bytes, size_t size, uint32_t before)
{
	size_t size_before;
	const void *bytes_before = bytes_of(before, &size_before);

	if (size == size_before && !memcmp(bytes, bytes_before, size))
		return before;
	return bytes_id(bytes, size);
}

static uint32_t group_id(unsigned begin, unsigned end, uint32_t before)
{
	static char bytes[GROUP_BYTES];
	size_t size = 0;

	for (unsigned p = begin; p < end; p++) {
		memcpy(bytes + size, model->parts[p].at, model->parts[p].size);
		size += model->parts[p].size;
	}
	return id_of(bytes, size, before);
}

/* The number of the present state; *is_new if it was never seen. */
static uint32_t present_state(bool *is_new)
{
	uint32_t ids[MAX_GROUPS + EXPLORE_MAX_ACTORS];
	unsigned n = 0;

	for (unsigned p = 0, end; p < model->part_count; p = end, n++) {
		end = group_end(p);
		ids[n] = group_id(p, end, ids_from[n]);
	}
	for (unsigned i = 0; i < model->actors; i++, n++)
		ids[n] = id_of(actors[i].sp, (size_t)(stacks[i] + STACK_BYTES - actors[i].sp),
			       ids_from[n]);
	return state_id(ids, is_new);
}

static void state_restore(uint32_t state)
{
	const uint32_t *ids = state_ids(state);
	size_t size;

	memcpy(ids_from, ids, (group_count + model->actors) * sizeof(*ids));
	for (unsigned p = 0, n = 0, end; p < model->part_count; n++) {
		const char *bytes = bytes_of(ids[n], &size);

		for (end = group_end(p); p < end; p++) {
			memcpy(model->parts[p].at, bytes, model->parts[p].size);
			bytes += model->parts[p].size;
		}
	}
	for (unsigned i = 0; i < model->actors; i++) {
		const char *bytes = bytes_of(ids[group_count + i], &size);

		actors[i].sp = stacks[i] + STACK_BYTES - size;
		memcpy(actors[i].sp, bytes, size);
	}
}

/* What lies below an actor's stack is no part of the state, so the actor must not find it. */
static void clear_dead_stack(unsigned actor)
{
	explore_expect(!stacks[actor][0] && !stacks[actor][8], "an actor's stack is large enough");
	memset(stacks[actor], 0, (size_t)(actors[actor].sp - stacks[actor]));
}

/* ---- the search ---- */

/* Which actor went on by which choice, from the start to the state where the rule was broken. */
static void print_way(struct origin last)
{
	tap_print("# way, last step first (actor:choice): %u:%u", last.actor, last.choice);
	for (uint32_t state = last.from; state; state = state_origin(state).from)
		tap_print(" %u:%u", state_origin(state).actor, state_origin(state).choice);
	tap_print("\n# broken: %s\n", broken);
}

/* In the atomic mode an actor that is inside of a function goes on alone, and no rule need hold
 * until it is out. */
static bool others_inside(unsigned but)
{
	for (unsigned i = 0; model->atomic && i < model->actors; i++)
		if (i != but && model->inside(i))
			return true;
	return false;
}

/* The present state has been reached. */
static void arrive(struct origin origin)
{
	bool is_new;
	uint32_t state;

	if (!others_inside(EXPLORE_MAX_ACTORS))
		model->check();
	if (broken) {
		print_way(origin);
		return;
	}
	choose_names();
	state = present_state(&is_new);
	if (is_new)
		state_describe(state, origin, model->at_rest());
	if (state != origin.from)
		edge_add(origin.from, state);
}

static size_t follow(uint32_t state)
{
	size_t transitions = 0;

	for (unsigned actor = 0; actor < model->actors; actor++) {
		unsigned choices;

		state_restore(state);
		choices = others_inside(actor) ? 0 : model->choices(actor);
		for (unsigned choice = 0; choice < choices && !broken; choice++) {
			state_restore(state);
			actor_go(actor, choice);
			clear_dead_stack(actor);
			arrive((struct origin){ state, (uint8_t)actor, (uint8_t)choice });
			transitions++;
		}
	}
	return transitions;
}

struct explore_result explore_run(const struct explore_model *m)
{
	struct explore_result r = { 0 };

	model = m;
	broken = NULL;
	group_count = 0;
	for (unsigned p = 0; p < m->part_count; p = group_end(p))
		group_count++;
	states_begin(group_count + m->actors);
	memset(ids_from, 0, sizeof(ids_from));
	bytes_id("", 0); /* a string to compare the first with */
	actors_start();
	for (unsigned i = 0; i < m->actors; i++)
		clear_dead_stack(i);
	arrive((struct origin){ 0 });
	for (uint32_t state = 0; state < states_count() && !broken; state++)
		r.transitions += follow(state);
	r.states = states_count();
	r.broken = broken;
	r.stuck = broken ? 0 : states_stuck();
	return r;
}
