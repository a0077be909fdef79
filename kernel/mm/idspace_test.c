/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Address-space numbers over CPUs with TLBs: each CPU's TLB remembers, for each number, whose
 * translations it may still hold. What a CPU runs must never meet another's under its own number.
 */
#include "mm/idspace.h"

#include "host/memory.h"
#include "mm/slab.h"
#include "tap.h"

#define CPUS   4
#define SPACES 40
#define BITS_N 3
#define NOBODY (-1)

static struct idspace ids;
static struct id_tag tags[SPACES];
static int running[CPUS];
static uint64_t tlb[CPUS][1 << BITS_N]; /* bit n: may hold translations of space n */
static unsigned flushes;

static void start(void)
{
	static bool once;

	if (!once)
		host_memory(4 * BLOCK_SIZE);
	once = true;
	expect_eq(idspace_init(&ids, BITS_N, CPUS), 0);
	for (int i = 0; i < SPACES; i++)
		tags[i].v = 0;
	for (int cpu = 0; cpu < CPUS; cpu++)
		running[cpu] = NOBODY;
	memset(tlb, 0, sizeof(tlb));
	flushes = 0;
}

static void run(int cpu, int space, bool fast)
{
	struct id_tag *tag = &tags[space];

	if (!(fast && idspace_try_activate(&ids, tag, (unsigned)cpu)) &&
	    idspace_activate(&ids, tag, (unsigned)cpu)) {
		memset(tlb[cpu], 0, sizeof(tlb[cpu]));
		flushes++;
	}
	running[cpu] = space;
	expect(idspace_current(&ids, tag));
	expect(idspace_number(&ids, tag) != 0);
}

/* Every CPU that runs something fills its TLB all the time, whatever the others do. */
static void all_fill(void)
{
	for (int cpu = 0; cpu < CPUS; cpu++) {
		int space = running[cpu];
		unsigned n;

		if (space == NOBODY)
			continue;
		n = idspace_number(&ids, &tags[space]);
		tlb[cpu][n] |= 1ull << space;
		expect_eq(tlb[cpu][n], 1ull << space);
	}
}

static void expect_numbers_apart(void)
{
	for (int a = 0; a < CPUS; a++) {
		for (int b = 0; b < a; b++) {
			if (running[a] == NOBODY || running[b] == NOBODY)
				continue;
			expect_eq(idspace_number(&ids, &tags[running[a]]) ==
					  idspace_number(&ids, &tags[running[b]]),
				  running[a] == running[b]);
		}
	}
}

TEST(nobody_meets_foreign_translations)
{
	start();
	srand(4);
	for (int round = 0; round < 200000 && !tap_failed; round++) {
		int cpu = rand() % CPUS, space = rand() % SPACES;

		if (rand() % 16 == 0) {
			idspace_deactivate(&ids, (unsigned)cpu);
			running[cpu] = NOBODY;
		} else if (rand() % 64 == 0) { /* a space ends and another one takes its memory */
			bool runs = false;

			for (int i = 0; i < CPUS; i++)
				runs |= running[i] == space;
			if (!runs) {
				tags[space].v = 0;
				/* its translations are flushed when its tables are freed */
				for (int i = 0; i < CPUS; i++) {
					for (int n = 0; n < 1 << BITS_N; n++)
						tlb[i][n] &= ~(1ull << space);
				}
			}
		} else {
			run(cpu, space, rand() % 2);
		}
		all_fill();
		expect_numbers_apart();
	}
}

TEST(a_running_space_keeps_its_number_over_rollovers)
{
	unsigned number;

	start();
	run(0, 0, false);
	number = idspace_number(&ids, &tags[0]);
	for (int round = 0; round < 10; round++) {
		for (int space = 1; space < SPACES; space++)
			run(1, space, true);
		expect_eq(idspace_number(&ids, &tags[0]), number);
	}
	run(0, 0, false);
	expect_eq(idspace_number(&ids, &tags[0]), number);
}

TEST(few_spaces_never_flush)
{
	start();
	for (int round = 0; round < 1000; round++)
		run(round % CPUS, round % 7, true);
	expect_eq(flushes, 0);
	for (int space = 0; space < 8; space++)
		run(0, space, true);
	expect_eq(flushes, 1);
}

TEST(wide_spaces)
{
	static struct id_tag tag;
	struct idspace wide;

	expect_eq(idspace_init(&wide, 16, 64), 0);
	for (int i = 0; i < 65535; i++) {
		tag.v = 0;
		expect(!idspace_activate(&wide, &tag, 63));
		expect_eq(idspace_number(&wide, &tag), i + 1);
	}
	tag.v = 0;
	expect(idspace_activate(&wide, &tag, 63));
	kfree(wide.used);
}
