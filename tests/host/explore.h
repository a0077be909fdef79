/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every interleaving of some actors (CPUs, threads), to a fixed point. Each actor is a coroutine
 * that runs the real code; wherever that touches what others see, it calls explore_yield(), and the
 * search goes on from there in every way: each actor that may run next, each choice it has. A state
 * seen before is not followed again. Rules are checked in every state, and that every state can
 * come to rest.
 *
 * A state is the memory the model names and the live parts of the actors' stacks, so nothing an
 * actor keeps may be elsewhere. One search after the other: explore_run().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct explore_part {
	void *at;
	size_t size;
};

#define EXPLORE_MAX_ACTORS 4

struct explore_model {
	unsigned actors;
	void (*actor_main)(void); /* of each; never returns */
	const struct explore_part *parts;
	unsigned part_count;
	/* In how many ways may this actor go on from where it yielded? 0: it waits for others. */
	unsigned (*choices)(unsigned actor);
	/* Check the rules that hold in every state: explore_expect(). */
	void (*check)(void);
	/* Nothing is under way. */
	bool (*at_rest)(void);
};

struct explore_result {
	unsigned states;
	size_t transitions;
	const char *broken; /* the first rule that did not hold, NULL: none */
	unsigned stuck;	    /* states from which no way leads to rest */
};

/* Search from the present contents of the parts; afterwards they are anything. Prints the way to a
 * broken rule. */
struct explore_result explore_run(const struct explore_model *model);

/* For actors. Let the search decide who goes on; then, which of this actor's choices it took. */
void explore_yield(void);
unsigned explore_choice(void);
extern unsigned explore_actor; /* the one that runs */
/* A rule; the first that does not hold ends the search. */
void explore_expect(bool held, const char *rule);
