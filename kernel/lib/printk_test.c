/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log: lines, the ring's edge, replay, use from inside the console's own write() (which is what
 * an interrupt looks like), and threads that all write at once.
 */
#include "lib/printk.c"

#include <pthread.h>
#include <string.h>

#include "tap.h"

static char shown_text[1 << 20];
static size_t shown_length;
static int nested; /* write() calls printk() this often */

static void show(const char *text, size_t length)
{
	memcpy(shown_text + shown_length, text, length);
	shown_length += length;
	shown_text[shown_length++] = '\n';
	shown_text[shown_length] = '\0';
	if (nested > 0) {
		nested--;
		printk("nested %d\n", nested);
	}
}

static void start(void (*write)(const char *, size_t))
{
	memset(ring, 0, sizeof(ring));
	reserved = committed = settled = shown = 0;
	console_busy = false;
	shown_length = 0;
	shown_text[0] = '\0';
	console = write;
}

TEST(lines_are_shown_when_they_are_finished)
{
	start(show);
	printk("one ");
	expect_eq(shown_length, 0);
	printk("two\nthree\nfo");
	expect(!strcmp(shown_text, "one two\nthree\n"));
	printk("ur\n");
	expect(!strcmp(shown_text, "one two\nthree\nfour\n"));
}

TEST(a_console_that_comes_late_gets_what_was_said)
{
	start(NULL);
	printk("early %d\n", 1);
	printk("early %d\n", 2);
	printk_set_console(show);
	expect(!strcmp(shown_text, "early 1\nearly 2\n"));
}

TEST(a_printk_inside_write_is_shown_afterwards)
{
	start(show);
	nested = 2;
	printk("outer\n");
	expect(!strcmp(shown_text, "outer\nnested 1\nnested 0\n"));
}

TEST(long_texts_are_cut_and_still_end)
{
	static char text[1000];

	memset(text, 'x', sizeof(text) - 1);
	start(show);
	printk("%s", text);
	expect_eq(shown_length, LINE_BYTES);
	expect_eq(shown_text[LINE_BYTES - 1], '\n');
}

TEST(the_ring_keeps_the_newest)
{
	static char back[LOG_SIZE + 100];
	uint64_t pos = 0;
	size_t n;

	start(NULL);
	for (int i = 0; i < 5000; i++)
		printk("line %d\n", i);
	n = printk_read(&pos, back, sizeof(back) - 1);
	expect_eq(n, LOG_SIZE);
	expect_eq(pos, reserved);
	back[n] = '\0';
	expect(strstr(back, "\nline 4999\n") && !strstr(back, "line 100\n"));
	expect_eq(printk_read(&pos, back, sizeof(back)), 0);
	printk("more\n");
	expect_eq(printk_read(&pos, back, 2), 2);
	expect_eq(printk_read(&pos, back, 100), 3);
	printk_set_console(show); /* only what is still there */
	expect(strstr(shown_text, "line 4999\nmore\n") != NULL);
	expect(shown_length <= LOG_SIZE);
}

TEST(a_panic_takes_the_console)
{
	start(show);
	console_busy = true; /* somebody was stopped while writing, and another one while filling */
	reserved += 5;
	printk("lost?\n");
	expect_eq(shown_length, 0);
	printk_seize_console();
	printk("panic\n");
	expect(memmem(shown_text, shown_length, "lost?\npanic\n", 12) != NULL);
}

#define THREADS 4
#define LINES	250 /* all fit into the ring: the console may be behind by all of it */

static void *writer(void *arg)
{
	for (int i = 0; i < LINES; i++)
		printk("%d-%d.\n", (int)(uintptr_t)arg, i);
	return NULL;
}

/* Each thread's lines are whole and in order; how many lines there are. */
static int count_lines(void)
{
	int next[THREADS] = { 0 }, lines = 0;

	for (char *p = shown_text; *p; p = strchr(p, '\n') + 1) {
		char *end;
		uint64_t thread = strtou64(p, &end, 10);

		if (!expect(*end == '-' && thread < THREADS))
			return -1;
		expect_eq(strtou64(end + 1, &end, 10), next[thread]++);
		expect(end[0] == '.' && end[1] == '\n');
		lines++;
	}
	return lines;
}

static void write_from_threads(void)
{
	pthread_t threads[THREADS];

	start(show);
	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, writer, (void *)i);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	expect_eq(count_lines(), THREADS * LINES);
}

TEST(threads_lose_no_line_and_tear_none)
{
	for (int round = 0; round < 20; round++)
		write_from_threads();
}
