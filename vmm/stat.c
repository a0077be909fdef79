/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `stet stat`: why the guests of this host leave their vCPUs and what that costs, as a table at the end or one for each
 * interval. Guests are those of any program; a name or a process number chooses one. A guest's last
 * tenth of a second may be missing when it ends by itself: its file ends with it (`stet stat run` misses nothing: machine.c).
 */
#include "stat.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "control.h"
#include "report.h"

#define LOOK 0.1 /* s: how often, at least */

static volatile sig_atomic_t interrupted;

static void interrupt(int signal_number)
{
	(void)signal_number;
	interrupted = 1;
}

void watched_need_stet(void)
{
	if (access(VMSTAT_DIR, F_OK))
		die("this host has no " VMSTAT_DIR ": only Stet tells what guests of other programs do; "
		    "'stet run --stats' prints what KVM counts for a guest of its own");
}

double parse_seconds(const char *option, const char *text)
{
	char *end;
	double s = strtod(text, &end);

	if (end == text || *end || !(s >= 0.01 && s < 1e6))
		die("%s %s: a number of seconds, at least 0.01, is needed", option, text);
	return s;
}

/* ---- which VMs ---- */

/* What a person calls it: the name it was given, or that of its program. */
static void name_find(struct watched *w)
{
	char path[40];
	FILE *f;

	if (control_name(w->now.pid, w->name, sizeof(w->name)))
		return;
	snprintf(path, sizeof(path), "/proc/%d/comm", w->now.pid);
	f = fopen(path, "r");
	if (!f || !fgets(w->name, sizeof(w->name), f))
		snprintf(w->name, sizeof(w->name), "?");
	w->name[strcspn(w->name, "\n")] = '\0';
	if (!*w->name)
		strcpy(w->name, "?");
	if (f)
		fclose(f);
}

/* NULL: it has gone meanwhile. */
static struct watched *watched_new(unsigned number)
{
	struct watched *w = calloc(1, sizeof(*w));

	if (!w)
		die("no memory");
	w->number = number;
	w->fd = vmstat_open(number);
	if (w->fd >= 0 && vmstat_read(w->fd, &w->before)) {
		w->now = w->before;
		name_find(w);
		return w;
	}
	if (w->fd >= 0)
		close(w->fd);
	free(w);
	return NULL;
}

void watched_find(struct watched_set *set, int pid)
{
	unsigned n;

	while (set->count < WATCHED_MAX && (n = vmstat_next(set->last, pid))) {
		struct watched *w = watched_new(n);

		set->last = n;
		if (w)
			set->vms[set->count++] = w;
	}
}

void watched_read(struct watched_set *set)
{
	for (unsigned i = 0; i < set->count; i++)
		if (!set->vms[i]->ended)
			set->vms[i]->ended = !vmstat_read(set->vms[i]->fd, &set->vms[i]->now);
}

void watched_drop(struct watched_set *set)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < set->count; i++) {
		struct watched *w = set->vms[i];

		if (!w->ended) {
			set->vms[kept++] = w;
			continue;
		}
		close(w->fd);
		free(w);
	}
	set->count = kept;
}

/* ---- the command ---- */

struct stat_options {
	double interval; /* s; 0: one table at the end */
	long count;	 /* intervals; 0: no end */
	int only, pid;	 /* vCPU; -1: all. Process; 0: all */
};

static const struct option options[] = {
	{ "interval", required_argument, NULL, 'i' },
	{ "count", required_argument, NULL, 'n' },
	{ "vcpu", required_argument, NULL, 'v' },
	{ 0 },
};

static long parse_count(const char *option, const char *text)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (end == text || *end || n < 0 || n > 1000000000)
		die("%s %s: a number is needed", option, text);
	return n;
}

static int parse_guest(const char *text)
{
	char *end;
	long pid = strtol(text, &end, 10);

	if (*end || pid <= 0)
		pid = control_pid(text);
	if (pid <= 0 || !vmstat_next(0, (int)pid))
		die("no guest named %s is running", text);
	return (int)pid;
}

static void parse(struct stat_options *o, int argc, char **argv)
{
	int key;

	opterr = 0;
	while ((key = getopt_long(argc, argv, ":i:n:v:", options, NULL)) != -1) {
		switch (key) {
		case 'i':
			o->interval = parse_seconds("--interval", optarg);
			break;
		case 'n':
			o->count = parse_count("--count", optarg);
			break;
		case 'v':
			o->only = (int)parse_count("--vcpu", optarg);
			break;
		case ':':
			die("%s needs an argument; see stet --help", argv[optind - 1]);
		default:
			die("unknown option %s; see stet --help", argv[optind - 1]);
		}
	}
	if (optind + 1 < argc)
		die("%s is not expected here; see stet --help", argv[optind + 1]);
	watched_need_stet();
	o->pid = optind < argc ? parse_guest(argv[optind]) : 0;
	if (o->count && !o->interval)
		o->interval = 1;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Until then, or a signal. */
static void sleep_until(double end)
{
	double left = end - now();
	struct timespec t = { (time_t)left, (long)((left - (double)(time_t)left) * 1e9) };

	if (left > 0)
		nanosleep(&t, NULL);
}

/* What has happened since the interval began, of each; the next one begins. */
static void print_interval(struct watched_set *set, int only)
{
	static struct vm_stat since;

	for (unsigned i = 0; i < set->count; i++) {
		struct watched *w = set->vms[i];

		since = w->now;
		vmstat_subtract(&since, &w->before);
		vmstat_print(stdout, &since, w->name, only, "\n");
		w->before = w->now;
	}
	fflush(stdout);
}

static bool all_ended(const struct watched_set *set)
{
	for (unsigned i = 0; i < set->count; i++)
		if (!set->vms[i]->ended)
			return false;
	return true;
}

/* Look until the interval's end, a signal, or the end of all of them. */
static void watch_until(struct watched_set *set, double end)
{
	while (!interrupted && !all_ended(set) && now() < end) {
		double next = now() + LOOK;

		sleep_until(next < end ? next : end);
		watched_read(set);
	}
}

int stat_command(int argc, char **argv)
{
	struct stat_options o = { .only = -1 };
	struct sigaction action = { .sa_handler = interrupt };
	struct watched_set set = { .count = 0 };
	double end;

	parse(&o, argc, argv);
	watched_find(&set, o.pid);
	if (!set.count)
		die("no guest is running");
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	if (!o.interval && isatty(STDERR_FILENO))
		fprintf(stderr, "stet: counting until Ctrl-C, or until %s\n",
			set.count > 1 ? "all guests have ended" : "the guest ends");
	end = now();
	for (long n = 0; !interrupted && !all_ended(&set) && (!n || !o.count || n < o.count); n++) {
		end += o.interval ? o.interval : 1e9;
		watch_until(&set, end);
		print_interval(&set, o.only);
	}
	return 0;
}
