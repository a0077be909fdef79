/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The benchmark's frame: options, warm-up, repetitions, and the table of minimum, median and
 * maximum a round. A row is repeated REPEATS times after one unmeasured repetition.
 *
 * A row runs in a child, so that it begins with nothing of the rows before it, and one that hangs
 * is ended by SIGALRM alone: the watchdog is set anew for each repetition.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bench/lib/measure.h"

enum { REPEATS = 9, REPEATS_MAX = 100, PATIENCE = 10 /* seconds */ };

struct options {
	bool tsv;
	uint64_t rounds;  /* 0: each row's own */
	int repeats;
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

static void row_print(const struct row *row, const struct options *o, uint64_t rounds,
		      const double *ns)
{
	double least = ns[0], median = ns[o->repeats / 2], most = ns[o->repeats - 1];

	if (o->tsv)
		printf("%s\t%lu\t%.1f\t%.1f\t%.1f\t%s\n", row->name, (unsigned long)rounds, least,
		       median, most, row->what);
	else
		printf("%-18s %9.0f %9.0f %9.0f   %s\n", row->name, least, median, most, row->what);
}

/* Warm-up, repetitions, the line of the table. */
static void row_measure(const struct row *row, const struct options *o)
{
	uint64_t rounds = o->rounds ? o->rounds : row->rounds, ticks;
	double ns[REPEATS_MAX];
	bool fits;

	alarm(PATIENCE);
	fits = row->measure(rounds / 10 + 1) > 0;
	for (int i = 0; fits && i < o->repeats; i++) {
		alarm(PATIENCE);
		ticks = row->measure(rounds);
		ns[i] = ns_per_round(ticks, rounds);
		fits = ticks > 0;
	}
	alarm(0);
	if (!fits) {
		printf(o->tsv ? "%s\t-\t-\t-\t-\t%s\n" : "%-18s not available here   %s\n", row->name,
		       row->what);
		return;
	}
	qsort(ns, (size_t)o->repeats, sizeof(ns[0]), compare);
	row_print(row, o, rounds, ns);
}

/* False, with a message, if the row did not end well. */
static bool row_run(const struct row *row, const struct options *o)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGALRM, SIG_DFL);
		row_measure(row, o);
		fflush(stdout);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		perror(row->name);
	else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		fprintf(stderr, "%s: no end after %d s\n", row->name, PATIENCE);
	else if (status)
		fprintf(stderr, "%s: ended with wait status %#x\n", row->name, status);
	return status == 0;
}

static bool options_parse(struct options *o, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--tsv"))
			o->tsv = true;
		else if (!strcmp(argv[i], "--rounds") && i + 1 < argc)
			o->rounds = strtoul(argv[++i], NULL, 0);
		else if (!strcmp(argv[i], "--repeats") && i + 1 < argc)
			o->repeats = atoi(argv[++i]);
		else if (!strcmp(argv[i], "--only") && i + 1 < argc)
			o->only = argv[++i];
		else
			return false;
	}
	return o->repeats >= 1 && o->repeats <= REPEATS_MAX;
}

int rows_run(const struct row *rows, int count, int argc, char **argv)
{
	struct options o = { .repeats = REPEATS };
	bool ok = true;

	if (!options_parse(&o, argc, argv)) {
		fprintf(stderr, "usage: %s [--tsv] [--rounds N] [--repeats N] [--only ROW]\n",
			argv[0]);
		return 1;
	}
	if (o.tsv)
		printf("row\trounds\tmin\tmedian\tmax\twhat\n");
	else
		printf("%-18s %9s %9s %9s   ns a round (instructions under icount)\n", "", "min",
		       "median", "max");
	fflush(stdout);
	for (int i = 0; i < count; i++) {
		if (!o.only || !strncmp(rows[i].name, o.only, strlen(o.only)))
			ok &= row_run(&rows[i], &o);
	}
	return ok ? 0 : 1;
}
