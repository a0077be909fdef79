/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What `stet` says when something is wrong: always one line on stderr that begins with its name,
 * and exit status 1 when it cannot go on. Called from every thread. While the guest has the
 * terminal it is in raw mode, so the terminal is put back before a word is printed: every message
 * here is followed by the end of the guest.
 */
#include "report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "tty.h"

static void print_line(const char *fmt, va_list args)
{
	char line[512];

	vsnprintf(line, sizeof(line), fmt, args);
	tty_restore();
	fprintf(stderr, "stet: %s\n", line);
}

void report(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	print_line(fmt, args);
	va_end(args);
}

void die(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	print_line(fmt, args);
	va_end(args);
	exit(1);
}
