/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's log. Entered from every context, goes out to the console's write() (drivers/uart.c)
 * and to who reads the log.
 *
 * There is no lock, so a printk() in an interrupt or a panic cannot hang on one. A writer reserves
 * its bytes of the ring by an atomic addition, fills them and adds them to `committed`: when
 * both counts are equal, all bytes below are filled ("settled"). Whoever finds settled lines that
 * the console has not seen, and the console free, writes them out, also those of other CPUs; who
 * finds it busy goes on: its present user looks again after it has let go.
 */
#include "lib/printk.h"

#include <stdatomic.h>

#include "lib/bits.h"
#include "lib/string.h"

#define LINE_BYTES 256

static char ring[LOG_SIZE];
static _Atomic uint64_t reserved, committed, settled; /* absolute positions */
static atomic_bool console_busy;		      /* covers shown; held during write() */
static uint64_t shown;				      /* what lies before it went to the console */
static _Atomic(void (*)(const char *, size_t)) console;

static void raise_to(_Atomic uint64_t *p, uint64_t value)
{
	uint64_t old = atomic_load_explicit(p, memory_order_relaxed);

	/* release: pairs with the acquire in log_end() */
	while (old < value && !atomic_compare_exchange_weak_explicit(
				      p, &old, value, memory_order_release, memory_order_relaxed))
		;
}

/* The position up to which every byte is filled. */
static uint64_t log_end(void)
{
	/* Read before `reserved`: committed <= reserved always, so when they are equal nobody was
	 * filling in between. */
	uint64_t done = atomic_load(&committed);

	if (done == atomic_load(&reserved))
		raise_to(&settled, done);
	return atomic_load_explicit(&settled, memory_order_acquire);
}

static void append(const char *text, size_t length)
{
	uint64_t at = atomic_fetch_add(&reserved, length);

	for (size_t i = 0; i < length; i++)
		ring[(at + i) % LOG_SIZE] = text[i];
	/* seq_cst: at least a release for the load in log_end(), and see show_lines() */
	atomic_fetch_add(&committed, length);
}

/* Bytes that were overwritten are skipped. */
static uint64_t oldest_kept(uint64_t pos, uint64_t end)
{
	return max(pos, end > LOG_SIZE ? end - LOG_SIZE : 0);
}

/* Take the next finished line before end (or as much of it as fits); false: there is none. */
static bool next_line(uint64_t end, char *line, size_t *length)
{
	uint64_t at = oldest_kept(shown, end);

	for (size_t n = 0; at + n < end; n++) {
		char c = ring[(at + n) % LOG_SIZE];

		if (c == '\n' || n == LINE_BYTES) {
			shown = at + n + (c == '\n');
			*length = n;
			return true;
		}
		line[n] = c;
	}
	return false;
}

static void show_lines(void)
{
	void (*write)(const char *, size_t) = atomic_load(&console);
	char line[LINE_BYTES];
	uint64_t end;

	/* All seq_cst: a writer that fills the log and then finds the console busy comes before the
	 * release below, and the look at log_end() after the release sees its text. */
	do {
		if (!write || atomic_exchange(&console_busy, true))
			return;
		end = log_end();
		for (size_t length; next_line(end, line, &length); end = log_end())
			write(line, length);
		atomic_store(&console_busy, false);
	} while (log_end() != end);
}

void printk_set_console(void (*write)(const char *text, size_t length))
{
	atomic_store(&console, write);
	show_lines();
}

void printk_seize_console(void)
{
	atomic_store(&committed, atomic_load(&reserved));
	atomic_store(&console_busy, false);
}

void vprintk(const char *fmt, __builtin_va_list args)
{
	char text[LINE_BYTES];
	int length = vsnprintf(text, sizeof(text), fmt, args);

	if (length >= (int)sizeof(text)) { /* cut off: it still ends its line */
		length = sizeof(text);
		text[length - 1] = '\n';
	}
	append(text, (size_t)length);
	show_lines();
}

void printk(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vprintk(fmt, args);
	va_end(args);
}

size_t printk_read(uint64_t *pos, char *to, size_t size)
{
	uint64_t end = log_end(), at = min(oldest_kept(*pos, end), end);
	size_t n = min(size, (size_t)(end - at));

	for (size_t i = 0; i < n; i++)
		to[i] = ring[(at + i) % LOG_SIZE];
	*pos = at + n;
	return n;
}
