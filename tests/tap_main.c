/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TAP where there is a C library: tap_print() and main() for host tests and EL0 programs. Each line
 * goes out at once, so that nothing is lost when a test crashes and nothing is printed twice when
 * it forks.
 */
#include <stdarg.h>
#include <stdio.h>
#include "tap.h"

/* Weak: a benchmark uses the harness's helpers and has no tests. */
extern const struct tap_test __start_tap_tests[] __attribute__((weak));
extern const struct tap_test __stop_tap_tests[] __attribute__((weak));

int tap_argc;
char **tap_argv;

void tap_print(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	fflush(stdout);
}

int tap_main(void)
{
	return tap_run(__start_tap_tests, __stop_tap_tests) != 0;
}

__attribute__((weak)) int main(int argc, char **argv)
{
	tap_argc = argc;
	tap_argv = argv;
	return tap_main();
}
