/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a search (explore.c) remembers: states, in the order in which they were found, and which
 * leads to which. Nothing is told apart by a hash alone: byte strings are kept once each and known
 * by a number, and a state is a few such numbers. So many states take little memory, and a state is
 * got back by its number.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The number of a byte string, the same for the same bytes. */
uint32_t bytes_id(const void *bytes, size_t size);
const void *bytes_of(uint32_t id, size_t *size);

/* How a state was reached. */
struct origin {
	uint32_t from;
	uint8_t actor, choice;
};

/* Forget everything; from now on a state is so many numbers. */
void states_begin(unsigned width);
/* The state of these numbers; *is_new if it was never seen: the next number is its own then. */
uint32_t state_id(const uint32_t *ids, bool *is_new);
void state_describe(uint32_t state, struct origin origin, bool at_rest);
const uint32_t *state_ids(uint32_t state);
struct origin state_origin(uint32_t state);
uint32_t states_count(void);

/* One state leads to another. States come in the order of their numbers. */
void edge_add(uint32_t from, uint32_t to);
/* States from which no way leads to one at rest. */
uint32_t states_stuck(void);
