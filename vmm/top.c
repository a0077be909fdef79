/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `stet top`: the guests of this host, whoever runs them, and the exits of one of them, anew every few seconds, on a
 * terminal, which is put back whatever ends the program (tty.c). Keys: q ends it, n and p go to the next
 * guest and the one before.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "report.h"
#include "stat.h"
#include "tty.h"

#define SCREEN_MAX  (64 << 10)
#define ROWS_USUAL  24
#define LINE_END    "\x1b[K\r\n" /* what stood behind it goes */
#define HOME	    "\x1b[H"
#define CLEAR_BELOW "\x1b[J"
#define CTRL_C	    3

static const struct option options[] = {
	{ "interval", required_argument, NULL, 'i' },
	{ 0 },
};

static unsigned rows(void)
{
	struct winsize size;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_row ? ROWS_USUAL : size.ws_row;
}

/* ---- the screen ---- */

static void print_vm(FILE *out, const struct watched *w, bool chosen)
{
	static struct vm_stat since;
	struct vcpu_stat sum;
	double guest, host, idle, seconds;
	uint64_t exits = 0;

	since = w->now;
	vmstat_subtract(&since, &w->before);
	vmstat_sum(&since, -1, &sum);
	vmstat_shares(&sum, &guest, &host, &idle);
	for (unsigned r = 0; r < since.reason_count; r++)
		exits += sum.exits[r].count;
	seconds = since.watched / 1e9;
	fprintf(out, "%c%3u %-18.18s %7d %5u %7.1f %7.1f %7.1f %11.0f" LINE_END, chosen ? '>' : ' ', w->number, w->name,
		w->now.pid, w->now.vcpu_count, guest, host, idle, seconds > 0 ? (double)exits / seconds : 0);
}

/* As many lines as the terminal has. */
static void show(const char *screen, size_t size)
{
	unsigned left = rows() - 1;
	const char *end = screen;

	while (left-- && end < screen + size) {
		const char *line_end = memchr(end, '\n', (size_t)(screen + size - end));

		end = line_end ? line_end + 1 : screen + size;
	}
	tty_output(HOME, strlen(HOME));
	tty_output(screen, (size_t)(end - screen));
	tty_output(CLEAR_BELOW, strlen(CLEAR_BELOW));
}

static void draw(const struct watched_set *set, unsigned chosen)
{
	static char screen[SCREEN_MAX];
	static struct vm_stat since;
	FILE *out = fmemopen(screen, sizeof(screen), "w");

	if (!out)
		die("no memory");
	fprintf(out, "stet top: %u guest%s; q ends it, n and p choose" LINE_END LINE_END, set->count,
		set->count == 1 ? "" : "s");
	fprintf(out, "  VM %-18s %7s %5s %7s %7s %7s %11s" LINE_END, "NAME", "PID", "vCPUs", "guest%", "host%", "idle%",
		"exits/s");
	for (unsigned i = 0; i < set->count; i++)
		print_vm(out, set->vms[i], i == chosen);
	fputs(LINE_END, out);
	if (chosen < set->count) {
		since = set->vms[chosen]->now;
		vmstat_subtract(&since, &set->vms[chosen]->before);
		vmstat_print(out, &since, set->vms[chosen]->name, -1, LINE_END);
	}
	fflush(out);
	show(screen, (size_t)ftell(out));
	fclose(out);
}

/* ---- keys ---- */

/* Wait that long for a key; 0: none came, 'q' also when there are no more to come. */
static char key_wait(int milliseconds)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
	char key;

	if (poll(&p, 1, milliseconds) <= 0)
		return 0;
	return read(STDIN_FILENO, &key, 1) == 1 ? key : 'q';
}

static double parse(int argc, char **argv)
{
	double interval = 1;
	int key;

	opterr = 0;
	while ((key = getopt_long(argc, argv, ":i:", options, NULL)) != -1) {
		if (key == ':')
			die("%s needs an argument; see stet --help", argv[optind - 1]);
		if (key == '?')
			die("unknown option %s; see stet --help", argv[optind - 1]);
		interval = parse_seconds("--interval", optarg);
	}
	if (optind < argc)
		die("%s is not expected here; see stet --help", argv[optind]);
	return interval;
}

static void begin_interval(struct watched_set *set)
{
	watched_drop(set);
	for (unsigned i = 0; i < set->count; i++)
		set->vms[i]->before = set->vms[i]->now;
	watched_find(set, 0);
}

int top_command(int argc, char **argv)
{
	struct watched_set set = { .count = 0 };
	double interval = parse(argc, argv);
	unsigned chosen = 0;
	char key = 0;

	watched_need_stet();
	if (!tty_raw())
		die("top needs a terminal; see stet stat --interval");
	while (key != 'q' && key != CTRL_C) {
		begin_interval(&set);
		key = key_wait((int)(interval * 1000));
		if (key == 'n' && chosen + 1 < set.count)
			chosen++;
		if (key == 'p' && chosen)
			chosen--;
		watched_read(&set);
		chosen = chosen < set.count ? chosen : 0;
		draw(&set, chosen);
	}
	tty_output(LINE_END, strlen(LINE_END));
	tty_restore();
	return 0;
}
