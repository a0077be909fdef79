/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The string functions that not every C library has: unlike string.c these are linked into host
 * tests too. Entered from everywhere; no state, no lock.
 */
#include "lib/string.h"

size_t strlcpy(char *to, const char *from, size_t size)
{
	size_t length = strlen(from);

	if (size) {
		size_t n = length < size ? length : size - 1;

		memcpy(to, from, n);
		to[n] = '\0';
	}
	return length;
}

/* The value of a digit in any base up to 16; 16 for what is none. */
static unsigned digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a') + 10;
	if (c >= 'A' && c <= 'F')
		return (unsigned)(c - 'A') + 10;
	return 16;
}

/* A "0x" counts as a prefix only if a hexadecimal digit follows, as in C. */
static bool has_hex_prefix(const char *s)
{
	return s[0] == '0' && (s[1] == 'x' || s[1] == 'X') && digit_value(s[2]) < 16;
}

uint64_t strtou64(const char *s, char **end, int base)
{
	uint64_t value = 0;
	bool overflow = false;

	if ((base == 0 || base == 16) && has_hex_prefix(s)) {
		s += 2;
		base = 16;
	} else if (base == 0) {
		base = *s == '0' ? 8 : 10;
	}
	for (unsigned digit; (digit = digit_value(*s)) < (unsigned)base && digit < 16; s++) {
		overflow |= __builtin_mul_overflow(value, (uint64_t)base, &value);
		overflow |= __builtin_add_overflow(value, digit, &value);
	}
	if (end)
		*end = (char *)s;
	return overflow ? UINT64_MAX : value;
}
