/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory and string functions with general registers only. Entered from everywhere; no state, no
 * lock.
 *
 * The block functions move words that may lie at any address: the kernel runs with its MMU on and
 * SCTLR_EL2.A clear, so Normal memory takes unaligned accesses (DDI 0487 B2.8). Eight words are
 * loaded before they are stored, so that the compiler makes four pairs (ldp, stp) of each.
 * Rests shorter than a word pair are moved by two accesses that overlap, not by a loop.
 *
 * Loops over single bytes or words hold a `keep_loop()`: gcc would recognise them as a memset or
 * memcpy and call the function it is compiling.
 */
#include "lib/string.h"

/* A word at any address, of any type: -fno-strict-aliasing is not needed for these. */
typedef uint64_t __attribute__((may_alias, aligned(1))) word;
typedef uint32_t __attribute__((may_alias, aligned(1))) half;
typedef uint16_t __attribute__((may_alias, aligned(1))) quarter;

#define keep_loop() __asm__ volatile("")

/* At most 15 bytes; everything is loaded before anything is stored, so they may overlap. */
static inline void move_short(unsigned char *to, const unsigned char *from, size_t n)
{
	if (n >= 8) {
		word a = *(const word *)from, b = *(const word *)(from + n - 8);

		*(word *)to = a;
		*(word *)(to + n - 8) = b;
	} else if (n >= 4) {
		half a = *(const half *)from, b = *(const half *)(from + n - 4);

		*(half *)to = a;
		*(half *)(to + n - 4) = b;
	} else if (n >= 2) {
		quarter a = *(const quarter *)from, b = *(const quarter *)(from + n - 2);

		*(quarter *)to = a;
		*(quarter *)(to + n - 2) = b;
	} else if (n) {
		*to = *from;
	}
}

static inline void copy_pair(unsigned char *to, const unsigned char *from)
{
	const word *f = (const word *)from;
	word *t = (word *)to, a = f[0], b = f[1];

	t[0] = a;
	t[1] = b;
}

static inline void copy_eight(unsigned char *to, const unsigned char *from)
{
	const word *f = (const word *)from;
	word *t = (word *)to;
	word a = f[0], b = f[1], c = f[2], d = f[3], e = f[4], g = f[5], h = f[6], i = f[7];

	t[0] = a;
	t[1] = b;
	t[2] = c;
	t[3] = d;
	t[4] = e;
	t[5] = g;
	t[6] = h;
	t[7] = i;
}

void *memcpy(void *to, const void *from, size_t n)
{
	unsigned char *t = to;
	const unsigned char *f = from;

	if (n < 16) {
		move_short(t, f, n);
		return to;
	}
	for (; n > 64; n -= 64, t += 64, f += 64) {
		keep_loop();
		copy_eight(t, f);
	}
	for (; n > 16; n -= 16, t += 16, f += 16) {
		keep_loop();
		copy_pair(t, f);
	}
	copy_pair(t + n - 16, f + n - 16);
	return to;
}

static void move_up(unsigned char *to, const unsigned char *from, size_t n)
{
	for (; n >= 16; n -= 16) {
		keep_loop();
		copy_pair(to + n - 16, from + n - 16);
	}
	move_short(to, from, n);
}

static void move_down(unsigned char *to, const unsigned char *from, size_t n)
{
	for (; n >= 16; n -= 16, to += 16, from += 16) {
		keep_loop();
		copy_pair(to, from);
	}
	move_short(to, from, n);
}

void *memmove(void *to, const void *from, size_t n)
{
	uintptr_t t = (uintptr_t)to, f = (uintptr_t)from;

	if (t - f >= n && f - t >= n)
		return memcpy(to, from, n);
	if (t > f)
		move_up(to, from, n);
	else
		move_down(to, from, n);
	return to;
}

static inline void set_short(unsigned char *p, uint64_t v, size_t n)
{
	if (n >= 8) {
		*(word *)p = v;
		*(word *)(p + n - 8) = v;
	} else if (n >= 4) {
		*(half *)p = (half)v;
		*(half *)(p + n - 4) = (half)v;
	} else if (n >= 2) {
		*(quarter *)p = (quarter)v;
		*(quarter *)(p + n - 2) = (quarter)v;
	} else if (n) {
		*p = (unsigned char)v;
	}
}

void *memset(void *p, int byte, size_t n)
{
	uint64_t v = (unsigned char)byte * 0x0101010101010101ull;
	unsigned char *at = p;

	if (n < 16) {
		set_short(at, v, n);
		return p;
	}
	for (; n > 64; n -= 64, at += 64) {
		word *w = (word *)at;

		keep_loop();
		w[0] = w[1] = w[2] = w[3] = w[4] = w[5] = w[6] = w[7] = v;
	}
	for (; n > 16; n -= 16, at += 16) {
		keep_loop();
		((word *)at)[0] = ((word *)at)[1] = v;
	}
	((word *)(at + n - 16))[0] = ((word *)(at + n - 16))[1] = v;
	return p;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const unsigned char *x = a, *y = b;

	for (; n >= 8 && *(const word *)x == *(const word *)y; n -= 8)
		x += 8, y += 8;
	for (; n; n--, x++, y++) {
		if (*x != *y)
			return *x - *y;
	}
	return 0;
}

void *memchr(const void *p, int byte, size_t n)
{
	for (const unsigned char *s = p; n; n--, s++) {
		if (*s == (unsigned char)byte)
			return (void *)s;
	}
	return NULL;
}

size_t strlen(const char *s)
{
	const char *end = s;

	while (*end) {
		keep_loop();
		end++;
	}
	return (size_t)(end - s);
}

size_t strnlen(const char *s, size_t most)
{
	size_t n = 0;

	while (n < most && s[n])
		n++;
	return n;
}

int strcmp(const char *a, const char *b)
{
	for (; *a && *a == *b; a++)
		b++;
	return (unsigned char)*a - (unsigned char)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (; n && *a && *a == *b; a++, b++)
		n--;
	return n ? (unsigned char)*a - (unsigned char)*b : 0;
}

char *strchr(const char *s, int c)
{
	for (;; s++) {
		if (*s == (char)c)
			return (char *)s;
		if (!*s)
			return NULL;
	}
}

char *strrchr(const char *s, int c)
{
	const char *last = NULL;

	for (;; s++) {
		if (*s == (char)c)
			last = s;
		if (!*s)
			return (char *)last;
	}
}
