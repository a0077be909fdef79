/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The benchmark's frame: options, warm-up, repetitions, and the table of minimum, median and
 * maximum a round. A row is repeated REPEATS times after one unmeasured repetition.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bench/lib/measure.h"

enum { REPEATS = 9 };

struct options {
	bool tsv;
	uint64_t rounds;  /* 0: each row's own */
	const char *only; /* rows whose name begins so */
};

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double ns_per_round(uint64_t ticks, uint64_t rounds)
{
	uint64_t hz;

	__asm__("mrs %0, cntfrq_el0" : "=r"(hz));
	return (double)ticks * 1e9 / (double)hz / (double)rounds;
}

static void row_run(const struct row *row, const struct options *o)
{
	uint64_t rounds = o->rounds ? o->rounds : row->rounds, ticks;
	double ns[REPEATS];
	bool fits = row->measure(rounds / 10 + 1) > 0;

	for (int i = 0; fits && i < REPEATS; i++) {
		ticks = row->measure(rounds);
		ns[i] = ns_per_round(ticks, rounds);
		fits = ticks > 0;
	}
	if (!fits) {
		printf(o->tsv ? "%s\t-\t-\t-\t-\n" : "%-18s not available here\n", row->name);
		return;
	}
	qsort(ns, REPEATS, sizeof(ns[0]), compare);
	if (o->tsv)
		printf("%s\t%lu\t%.1f\t%.1f\t%.1f\n", row->name, (unsigned long)rounds, ns[0],
		       ns[REPEATS / 2], ns[REPEATS - 1]);
	else
		printf("%-18s %9.0f %9.0f %9.0f   %s\n", row->name, ns[0], ns[REPEATS / 2],
		       ns[REPEATS - 1], row->what);
}

static bool options_parse(struct options *o, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--tsv"))
			o->tsv = true;
		else if (!strcmp(argv[i], "--rounds") && i + 1 < argc)
			o->rounds = strtoul(argv[++i], NULL, 0);
		else if (!strcmp(argv[i], "--only") && i + 1 < argc)
			o->only = argv[++i];
		else
			return false;
	}
	return true;
}

int rows_run(const struct row *rows, int count, int argc, char **argv)
{
	struct options o = { 0 };

	if (!options_parse(&o, argc, argv)) {
		fprintf(stderr, "usage: %s [--tsv] [--rounds N] [--only ROW]\n", argv[0]);
		return 1;
	}
	if (o.tsv)
		printf("row\trounds\tmin\tmedian\tmax\n");
	else
		printf("%-18s %9s %9s %9s   ns a round (instructions under icount)\n", "", "min",
		       "median", "max");
	for (int i = 0; i < count; i++) {
		if (!o.only || !strncmp(rows[i].name, o.only, strlen(o.only)))
			row_run(&rows[i], &o);
		fflush(stdout);
	}
	return 0;
}
