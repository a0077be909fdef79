/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Who gets what the user types. Both are called from the input thread. */
struct tty_sink {
	/* Wait for room, or else drop what does not fit. */
	void (*input)(void *device, const uint8_t *bytes, size_t count, bool wait);
	void *device;
	void (*quit)(void *vm); /* the user pressed the escape key and x */
	void *vm;
};

/*
 * Put the terminal on stdin, if there is one, into raw mode, name the escape key on stderr, and
 * start the input thread. Once; later calls do nothing. Whatever ends the program, the terminal is
 * put back.
 */
void tty_start(void);

/* Put the terminal on stdin into raw mode, nothing else: who calls reads it. Whatever ends the program, it is
 * put back. False: stdin is no terminal, or another job has it. */
bool tty_raw(void);

/* From now on input goes to *sink; NULL: it waits. Returns when no call into the old one is left.
 */
void tty_set_sink(const struct tty_sink *sink);

/* Put the terminal back as it was. Harmless at any time, from any thread or signal handler. */
void tty_restore(void);

/* Write all of it to stdout, in order. */
void tty_output(const void *bytes, size_t count);
