/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's log: a ring of the last LOG_SIZE bytes, and the console if one is set. Callable
 * from any context, interrupts and panics included.
 */
#pragma once

#include "lib/types.h"

#define LOG_SIZE 8192

/* One line or a part of one; lines end with '\n'. */
void printk(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void vprintk(const char *fmt, __builtin_va_list args);

/* Where each finished line goes besides the ring; NULL: nowhere. write() gets text without its
 * newline, may be called from any context and must not sleep. Lines already in the ring are
 * replayed when the console is set. */
void printk_set_console(void (*write)(const char *text, size_t length));

/* A panic: whoever was writing to the log or the console will not come back. */
void printk_seize_console(void);

/* Copy the part of the log from absolute position *pos on, at most size bytes; advances *pos
 * (to the oldest kept byte first, if it has been overwritten). Returns the bytes copied. */
size_t printk_read(uint64_t *pos, char *to, size_t size);
