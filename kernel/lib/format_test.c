/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Formatting against the C library's. The kernel's functions get other names here, so that both can
 * be called.
 */
#define vsnprintf our_vsnprintf
#define snprintf  our_snprintf
#include "lib/format.c"

#include <stdio.h>

#include "lib/types.h"
#include "tap.h"

#pragma GCC diagnostic ignored "-Wformat"
#pragma GCC diagnostic ignored "-Wformat-extra-args"

static void compare(const char *fmt, ...)
{
	char want[200], got[200], cut[8];
	va_list args;
	int want_length, length;

	va_start(args, fmt);
	want_length = vsprintf(want, fmt, args);
	va_end(args);
	va_start(args, fmt);
	length = vsnprintf(got, sizeof(got), fmt, args);
	va_end(args);
	if (!expect(!strcmp(got, want)) | !expect_eq(length, want_length))
		tap_print("# \"%s\": \"%s\", not \"%s\"\n", fmt, got, want);
	va_start(args, fmt);
	length = vsnprintf(cut, sizeof(cut), fmt, args);
	va_end(args);
	expect_eq(length, want_length);
	expect(!strncmp(cut, want, 7) && strlen(cut) == strnlen(want, 7));
}

static const char *const flags[] = {
	"", "-", "0", "+", " ", "#", "-0", "0+", "# ", "-#", "0#", "+ "
};
static const char *const widths[] = { "", "1", "9", "20", ".0", ".1", ".5", "12.5", "3.9", "." };

TEST(integers_in_every_form)
{
	static const long values[] = {
		0, 1, 7, -1, 42, -100, 0x7fffffff, -0x7fffffff - 1, 0x123456789abcdef
	};

	for (unsigned f = 0; f < ARRAY_SIZE(flags); f++) {
		for (unsigned w = 0; w < ARRAY_SIZE(widths); w++) {
			for (const char *c = "diuxXo"; *c; c++) {
				for (unsigned v = 0; v < ARRAY_SIZE(values); v++) {
					char fmt[32];

					sprintf(fmt, "<%%%s%s%c>", flags[f], widths[w], *c);
					compare(fmt, (int)values[v]);
					sprintf(fmt, "<%%%s%sl%c>", flags[f], widths[w], *c);
					compare(fmt, values[v]);
					sprintf(fmt, "<%%%s%shh%c>", flags[f], widths[w], *c);
					compare(fmt, (int)values[v]);
					sprintf(fmt, "<%%%s%sh%c>", flags[f], widths[w], *c);
					compare(fmt, (int)values[v]);
				}
			}
		}
	}
}

TEST(text_and_characters)
{
	for (unsigned w = 0; w < ARRAY_SIZE(widths); w++) {
		char fmt[32];

		sprintf(fmt, "<%%%ss|%%-%ss>", widths[w], widths[w]);
		compare(fmt, "hypervisor", "stet");
	}
	compare("%c%5c%-5c.", 'a', 'b', 'c');
	compare("100%% %s", "done");
	compare("%p", (void *)0x1234abcd);
	compare("%20p|%-20p|", (void *)0x10, (void *)0x20);
	compare("%*d|%-*d|%.*d|%*d", 5, 1, 5, 2, 3, 3, -5, 4);
	compare("%zu %zd %llu %llx %jd", (size_t)1, (ssize_t)-2, 3ull, 4ull, (intmax_t)-5);
	compare("%.*s", 3, "abcdef");
	compare("");
}

TEST(text_without_an_end_is_not_read_beyond_its_precision)
{
	char raw[3] = { 'a', 'b', 'c' }, to[8];

	snprintf(to, sizeof(to), "%.3s", raw);
	expect(!strcmp(to, "abc"));
}

TEST(the_unknown_and_the_unfinished)
{
	char to[32];

	expect_eq(snprintf(to, sizeof(to), "%q %s", (char *)NULL), 9);
	expect(!strncmp(to, "%q ", 3));
	expect_eq(snprintf(to, sizeof(to), "abc%"), 3);
	expect_eq(snprintf(NULL, 0, "%d", 12345), 5);
}

TEST(numbers_are_read)
{
	char *end;

	expect_eq(strtou64("123x", &end, 10), 123);
	expect_eq(*end, 'x');
	expect_eq(strtou64("0x1fG", &end, 0), 0x1f);
	expect_eq(*end, 'G');
	expect_eq(strtou64("0X1f", NULL, 16), 0x1f);
	expect_eq(strtou64("0755", &end, 0), 0755);
	expect_eq(strtou64("0xg", &end, 0), 0);
	expect_eq(*end, 'x');
	expect_eq(strtou64("789", &end, 8), 7);
	expect_eq(*end, '8');
	expect_eq(strtou64("18446744073709551615", &end, 10), UINT64_MAX);
	expect_eq(strtou64("18446744073709551616", &end, 10), UINT64_MAX);
	expect_eq(strtou64("99999999999999999999999z", &end, 10), UINT64_MAX);
	expect_eq(*end, 'z');
	expect_eq(strtou64("", &end, 10), 0);
}

TEST(strlcpy_always_ends)
{
	char to[4] = "zzz";

	expect_eq(strlcpy(to, "abcdef", sizeof(to)), 6);
	expect(!strcmp(to, "abc"));
	expect_eq(strlcpy(to, "x", sizeof(to)), 1);
	expect(!strcmp(to, "x"));
	expect_eq(strlcpy(to, "abc", 0), 3);
}
