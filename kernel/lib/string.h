/* SPDX-License-Identifier: BSD-2-Clause */
/* The C library's memory and string functions, for a kernel that uses general registers only. */
#pragma once

#include <stdarg.h>

#include "lib/types.h"

void *memcpy(void *to, const void *from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *p, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *p, int byte, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t most);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
/* Copy at most size - 1 bytes and end with NUL; returns strlen(from), as OpenBSD's. */
size_t strlcpy(char *to, const char *from, size_t size);
/* base 0 (0x…, 0…, decimal), 8, 10 or 16; *end is the first byte not used. Saturates. */
uint64_t strtou64(const char *s, char **end, int base);

/* %d %i %u %x %X %o %c %s %p %% with l, ll, z, h; flags - 0 + space # ; width, .precision, '*'.
 * Returns the length the whole text has; at most size bytes are written, ended by NUL. */
int vsnprintf(char *to, size_t size, const char *fmt, va_list args);
int snprintf(char *to, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
