/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzers: fn is called with each seed of a fixed corpus, then with others for as long as the
 *command line says (none by default). What fails names its seed.
 *
 *	PROGRAM [SECONDS [SEED]]	SECONDS 0: SEED alone
 */
#pragma once
#include <stdint.h>

void seeds_run(unsigned fixed, void (*fn)(void));

/* For fn: a number below n; a number of any kind, most of them near a power of two. */
uint64_t seeds_pick(uint64_t n);
uint64_t seeds_number(void);
/* One of the table's. */
#define seeds_of(table) ((table)[seeds_pick(sizeof(table) / sizeof((table)[0]))])
