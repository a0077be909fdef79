/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's memory and string functions against the host's, at every small size and alignment.
 * They get other names here, so that both can be called.
 */
#define memcpy	our_memcpy
#define memmove our_memmove
#define memset	our_memset
#define memcmp	our_memcmp
#define memchr	our_memchr
#define strlen	our_strlen
#define strnlen our_strnlen
#define strcmp	our_strcmp
#define strncmp our_strncmp
#define strchr	our_strchr
#define strrchr our_strrchr
#include "lib/string.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef memchr
#undef strlen
#undef strnlen
#undef strcmp
#undef strncmp
#undef strchr
#undef strrchr

#include <stdlib.h>

#include "tap.h"

/* The host's. */
void *memcpy(void *to, const void *from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *p, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);

#define SIZE 400

static unsigned char got[SIZE], want[SIZE], source[SIZE];

static void fill(void)
{
	for (int i = 0; i < SIZE; i++) {
		source[i] = (unsigned char)rand();
		got[i] = want[i] = (unsigned char)rand();
	}
}

static const size_t sizes[] = { 0,   1,	  2,   3,   4,	 5,   6,   7,	8,   9,	  10,
				11,  12,  13,  14,  15,	 16,  17,  18,	31,  32,  33,
				47,  48,  63,  64,  65,	 79,  80,  81,	95,  96,  97,
				127, 128, 129, 191, 192, 193, 200, 255, 256, 257, 300 };

#define for_each_size(n) for (size_t n, i_ = 0; i_ < ARRAY_SIZE(sizes) && (n = sizes[i_], 1); i_++)

TEST(memcpy_at_every_alignment)
{
	for_each_size(n)
	{
		for (unsigned to = 0; to < 17; to++) {
			for (unsigned from = 0; from < 17; from++) {
				fill();
				expect(our_memcpy(got + to, source + from, n) == got + to);
				memcpy(want + to, source + from, n);
				expect(!memcmp(got, want, SIZE));
			}
		}
	}
}

TEST(memmove_at_every_overlap)
{
	for_each_size(n)
	{
		for (unsigned to = 0; to < 99; to++) {
			for (unsigned from = 0; from < 99; from += 7) {
				fill();
				memcpy(want, got, SIZE);
				expect(our_memmove(got + to, got + from, n) == got + to);
				memmove(want + to, want + from, n);
				expect(!memcmp(got, want, SIZE));
			}
		}
	}
}

TEST(memset_at_every_alignment)
{
	for_each_size(n)
	{
		for (unsigned to = 0; to < 17; to++) {
			fill();
			expect(our_memset(got + to, 0x1a5, n) == got + to);
			memset(want + to, 0x1a5, n);
			expect(!memcmp(got, want, SIZE));
		}
	}
}

static int sign(int v)
{
	return (v > 0) - (v < 0);
}

TEST(memcmp_finds_the_first_difference)
{
	for_each_size(n)
	{
		fill();
		memcpy(got, source, SIZE);
		expect_eq(our_memcmp(got, source, n), 0);
		for (size_t at = 0; at < n; at++) {
			got[at] ^= 0x80;
			got[n - 1] ^= 1; /* a later difference does not count */
			expect_eq(sign(our_memcmp(got, source, n)), sign(memcmp(got, source, n)));
			got[at] ^= 0x80;
			got[n - 1] ^= 1;
		}
	}
}

TEST(searches_and_lengths)
{
	const char *s = "abc/def/ghi";

	expect_eq(our_strlen(s), 11);
	expect_eq(our_strlen(""), 0);
	expect_eq(our_strnlen(s, 4), 4);
	expect_eq(our_strnlen(s, 40), 11);
	expect(our_strchr(s, '/') == s + 3);
	expect(our_strchr(s, 0) == s + 11);
	expect(!our_strchr(s, 'x'));
	expect(our_strrchr(s, '/') == s + 7);
	expect(our_strrchr(s, 0) == s + 11);
	expect(!our_strrchr(s, 'x'));
	expect(our_memchr(s, 'd', 11) == s + 4);
	expect(!our_memchr(s, 'd', 4));
}

TEST(comparisons)
{
	expect_eq(our_strcmp("a", "a"), 0);
	expect(our_strcmp("a", "ab") < 0);
	expect(our_strcmp("\xff", "a") > 0);
	expect_eq(our_strncmp("abc", "abd", 2), 0);
	expect(our_strncmp("abc", "abd", 3) < 0);
	expect_eq(our_strncmp("ab", "ab", 9), 0);
	expect_eq(our_strncmp("x", "y", 0), 0);
}
