/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The line discipline: what lies between the bytes of a serial line and the reads and writes of a
 * program (man 3 termios). Pure; the caller's lock covers everything.
 */
#pragma once

#include <asm/termbits.h>

#include "lib/types.h"

#define LDISC_ROOM 4096u /* bytes of input kept; a line may have one less */

struct ldisc {
	struct termios t;
	uint8_t buffer[LDISC_ROOM];	/* ring: indices run on, modulo LDISC_ROOM */
	uint64_t ends[LDISC_ROOM / 64]; /* bit: a line ends with this byte */
	uint64_t eofs[LDISC_ROOM / 64]; /* bit: the byte itself is not delivered (VEOF) */
	uint32_t head, tail;		/* next byte in, next byte out */
	uint32_t lines;			/* behind the last complete line */
	bool literal;			/* the next byte loses its meaning (VLNEXT) */
	bool stopped;			/* output waits for VSTART */
	uint32_t column;		/* of the output */
	uint32_t line_column;		/* where the echo of the current line began */

	/* Where output and echo go, already processed. */
	void (*emit)(struct ldisc *l, const char *text, size_t size);
};

void ldisc_init(struct ldisc *l, void (*emit)(struct ldisc *l, const char *text, size_t size));
/* A byte from the line. The signal it means (SIGINT, SIGQUIT, SIGTSTP) or 0. */
int ldisc_input(struct ldisc *l, uint8_t c);
/* Bytes a read() could have now: of the first line in canonical mode (a lone end of file counts as
 * readable: *readable is true with 0 bytes). */
uint32_t ldisc_available(const struct ldisc *l, bool *readable);
/* Take bytes for a read(): at most size, at most one line in canonical mode. *line_done: it
 * ended. */
size_t ldisc_read(struct ldisc *l, uint8_t *to, size_t size, bool *line_done);
/* Output with OPOST's changes. */
void ldisc_write(struct ldisc *l, const uint8_t *text, size_t size);
void ldisc_set_termios(struct ldisc *l, const struct termios *t);
void ldisc_flush_input(struct ldisc *l);
