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
 *
 * Twins are objects that the code tells apart by their address alone. Of states that are equal but
 * for which twin is which only one is followed: its twins are numbered by where they are first
 * named in memory and on stacks, and those that are named nowhere by what is in them. So an actor
 * must know a twin by a pointer to it or into it, at a multiple of the pointer's size, and by
 * nothing else (no index) wherever it yields; and nothing else may look like such a pointer. What
 * is equal up to names goes on equally up to names, so nothing is lost; and if two states were held
 * for different that are not, this only took time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct explore_part {
	void *at;
	size_t size;
	unsigned group; /* kept together: what changes together, for the memory it takes */
};

#define EXPLORE_MAX_ACTORS 4
#define EXPLORE_MAX_TWINS  8

struct explore_model {
	unsigned actors;
	void (*actor_main)(void);	  /* of each; never returns */
	const struct explore_part *parts; /* those of a group one after the other */
	unsigned part_count;
	/* In how many ways may this actor go on from where it yielded? 0: it waits for others. */
	unsigned (*choices)(unsigned actor);
	/* Check the rules that hold in every state: explore_expect(). It may also make equal what
	 * nobody can tell apart any more. */
	void (*check)(void);
	/* Nothing is under way. */
	bool (*at_rest)(void);

	struct {
		void *at;
		size_t size;	/* of each, a multiple of a pointer's */
		unsigned count; /* 0: there are none */
	} twins;
	/* Which of two is first? 0: there is nothing to tell them apart. */
	int (*twins_order)(unsigned one, unsigned other);
	/* NULL, or: twin n is now place[n]; what names it other than by pointers has to follow. */
	void (*renamed)(const unsigned *place);

	/* Another actor goes on only where none is inside of a function that does not wait. What is
	 * broken in full and not so shows only when the switch falls inside a function. */
	bool atomic;
	bool (*inside)(unsigned actor);
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
/* Before calls of many functions: what earlier ones have left in the stack below is gone, or it
 * would stand where later ones write nothing, and tell states apart that are equal. */
void explore_clean(void);
/* A rule; the first that does not hold ends the search. */
void explore_expect(bool held, const char *rule);
