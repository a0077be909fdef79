/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The user's terminal. The guest does its own line editing, so a terminal on stdin is put into raw
 * mode: Ctrl-C, arrows and the rest reach the guest as bytes. It is put back by tty_restore(),
 * which runs at exit, before every message of ours, and in the handlers of the signals that would
 * end the program.
 *
 * One thread reads stdin for the whole life of the program (a guest that reboots is a new virtual
 * machine, with new devices) and passes the bytes to the sink of the moment. On a terminal the
 * bytes first go through the escape filter: Ctrl-A is the way out of a guest that hangs. Input
 * that is no terminal is passed unchanged. A guest that is started in the background gets no input.
 */
#include "tty.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "report.h"

#define ESCAPE 0x01 /* Ctrl-A */

static struct termios saved_termios;
static bool stdin_is_terminal;
static atomic_bool terminal_is_raw;

static pthread_mutex_t sink_lock = PTHREAD_MUTEX_INITIALIZER; /* covers sink; held in its calls */
static pthread_cond_t sink_changed = PTHREAD_COND_INITIALIZER;
static const struct tty_sink *sink;

void tty_restore(void)
{
	if (atomic_exchange(&terminal_is_raw, false))
		tcsetattr(STDIN_FILENO, TCSANOW, &saved_termios);
}

static void restore_and_die(int signal_number)
{
	tty_restore();
	signal(signal_number, SIG_DFL);
	raise(signal_number);
}

static void restore_on_signals(void)
{
	static const int deadly[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGSEGV,
				      SIGBUS, SIGABRT, SIGILL, SIGFPE,	SIGPIPE };
	struct sigaction action = { .sa_handler = restore_and_die };

	for (size_t i = 0; i < sizeof(deadly) / sizeof(deadly[0]); i++)
		sigaction(deadly[i], &action, NULL);
}

static void make_raw(void)
{
	struct termios raw = saved_termios;

	cfmakeraw(&raw);
	atomic_store(&terminal_is_raw, true);
	if (tcsetattr(STDIN_FILENO, TCSANOW, &raw))
		die("cannot set the terminal to raw mode: %m");
}

void tty_output(const void *bytes, size_t count)
{
	const uint8_t *next = bytes;

	while (count) {
		ssize_t n = write(STDOUT_FILENO, next, count);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return; /* nobody listens any more: the guest need not know */
		next += n;
		count -= (size_t)n;
	}
}

static void sink_input(const uint8_t *bytes, size_t count)
{
	pthread_mutex_lock(&sink_lock);
	while (!sink)
		pthread_cond_wait(&sink_changed, &sink_lock);
	/* At a terminal the escape key must be heard even if the guest no longer reads. */
	sink->input(sink->device, bytes, count, !stdin_is_terminal);
	pthread_mutex_unlock(&sink_lock);
}

static void sink_quit(void)
{
	pthread_mutex_lock(&sink_lock);
	while (!sink)
		pthread_cond_wait(&sink_changed, &sink_lock);
	sink->quit(sink->vm);
	pthread_mutex_unlock(&sink_lock);
}

void tty_set_sink(const struct tty_sink *new_sink)
{
	pthread_mutex_lock(&sink_lock);
	sink = new_sink;
	pthread_cond_broadcast(&sink_changed);
	pthread_mutex_unlock(&sink_lock);
}

static void print_help(void)
{
	static const char help[] = "\r\nstet: Ctrl-A x  ends the guest at once\r\n"
				   "stet: Ctrl-A a  sends Ctrl-A to the guest\r\n"
				   "stet: Ctrl-A h  shows this\r\n";

	if (write(STDERR_FILENO, help, sizeof(help) - 1) < 0)
		return;
}

/* The byte after Ctrl-A. What is no command goes to the guest, Ctrl-A included. */
static void escape_command(uint8_t byte)
{
	const uint8_t both[] = { ESCAPE, byte };

	switch (byte) {
	case 'x':
		sink_quit();
		break;
	case 'h':
	case '?':
		print_help();
		break;
	case 'a':
	case ESCAPE:
		sink_input(both, 1);
		break;
	default:
		sink_input(both, 2);
	}
}

static void escape_filter(const uint8_t *bytes, size_t count)
{
	static bool after_escape; /* used by the input thread only */

	for (size_t i = 0; i < count; i++) {
		if (after_escape) {
			after_escape = false;
			escape_command(bytes[i]);
		} else if (bytes[i] == ESCAPE) {
			after_escape = true;
		} else {
			sink_input(&bytes[i], 1);
		}
	}
}

static void *input_thread(void *unused)
{
	uint8_t bytes[256];
	ssize_t n;

	(void)unused;
	for (;;) {
		n = read(STDIN_FILENO, bytes, sizeof(bytes));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return NULL;
		if (stdin_is_terminal)
			escape_filter(bytes, (size_t)n);
		else
			sink_input(bytes, (size_t)n);
	}
}

/* Is there a terminal, and whose is it? */
static enum { NO_TERMINAL, OURS, ANOTHER_JOBS } look_at_stdin(void)
{
	/* Not isatty(): it asks for the window's size, which a plain console need not have. */
	stdin_is_terminal = !tcgetattr(STDIN_FILENO, &saved_termios);
	if (!stdin_is_terminal)
		return NO_TERMINAL;
	return tcgetpgrp(STDIN_FILENO) != getpgrp() && tcgetpgrp(STDIN_FILENO) > 0 ? ANOTHER_JOBS : OURS;
}

static void take_terminal(void)
{
	atexit(tty_restore);
	restore_on_signals();
	make_raw();
}

bool tty_raw(void)
{
	bool ours = look_at_stdin() == OURS;

	if (ours)
		take_terminal();
	return ours;
}

void tty_start(void)
{
	static bool started; /* the main thread's */
	pthread_t thread;

	if (started)
		return;
	started = true;
	switch (look_at_stdin()) {
	case ANOTHER_JOBS: /* a job in the background has no keyboard; touching the terminal would stop it */
		return;
	case OURS:
		fprintf(stderr, "stet: the keyboard belongs to the guest; "
				"Ctrl-A x ends it, Ctrl-A h shows help\n");
		take_terminal();
		break;
	case NO_TERMINAL:
		break;
	}
	if (pthread_create(&thread, NULL, input_thread, NULL))
		die("cannot start the input thread");
	pthread_detach(thread);
}
