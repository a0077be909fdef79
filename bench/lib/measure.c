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

static const char usage[] =
	"  --tsv         columns separated by tabs, with a tenth of a nanosecond\n"
	"  --only ROW    rows whose name begins so\n"
	"  --rounds N    in each repetition, in place of each row's own number\n"
	"  --repeats N   repetitions after the warm-up, default 9\n"
	"  --settle S    sleep so many seconds first: a Linux that has just booted still works\n";

struct options {
	bool tsv;
	uint64_t rounds; /* 0: each row's own */
	int repeats;
	const char *only; /* rows whose name begins so */
	unsigned int settle;
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

	MARK_ROW;
	MARK_REPEAT;
	alarm(PATIENCE);
	fits = row->measure(row, rounds / 10 + 8) > 0;
	for (int i = 0; fits && i < o->repeats; i++) {
		MARK_REPEAT;
		alarm(PATIENCE);
		ticks = row->measure(row, rounds);
		ns[i] = ns_per_round(ticks, rounds);
		fits = ticks > 0;
	}
	alarm(0);
	if (!fits) {
		printf(o->tsv ? "%s\t-\t-\t-\t-\t%s\n" : "%-18s not available here   %s\n",
		       row->name, row->what);
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
		else if (!strcmp(argv[i], "--settle") && i + 1 < argc)
			o->settle = (unsigned int)atoi(argv[++i]);
		else if (!strcmp(argv[i], "--only") && i + 1 < argc)
			o->only = argv[++i];
		else
			return false;
	}
	return o->repeats >= 1 && o->repeats <= REPEATS_MAX;
}

int rows_run(const struct row_list *lists, int argc, char **argv)
{
	struct options o = { .repeats = REPEATS };
	bool ok = true;

	if (!options_parse(&o, argc, argv)) {
		fprintf(stderr, "usage: %s [OPTION]...\n%s", argv[0], usage);
		return 1;
	}
	sleep(o.settle);
	if (o.tsv)
		printf("row\trounds\tmin\tmedian\tmax\twhat\n");
	else
		printf("%-18s %9s %9s %9s   ns a round (instructions under icount)\n", "", "min",
		       "median", "max");
	fflush(stdout);
	for (; lists->count; lists++) {
		for (const struct row *row = lists->rows; row < lists->rows + lists->count; row++)
			if (!o.only || !strncmp(row->name, o.only, strlen(o.only)))
				ok &= row_run(row, &o);
	}
	return ok ? 0 : 1;
}
