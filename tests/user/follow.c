/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A tracer that follows a shell and all that it starts, as strace -f does: from each call, event
 * and signal to the next, until everybody has ended. Attached either way (PTRACE_SEIZE,
 * PTRACE_TRACEME), again and again: nobody is ever left standing. Linux: man 2 ptrace.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/lib/abi.h"
#include "tests/lib/tracer.h"

enum { ROUNDS = 4, PATIENCE = 20 };

#define OPTIONS                                                                                    \
	(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |   \
	 PTRACE_O_TRACECLONE)

static const char *const lines[] = {
	"echo one | /bin/busybox cat; /bin/busybox false; exit 3",
	"(/bin/busybox true & /bin/busybox true & wait); exit 3",
	"echo a | /bin/busybox cat | /bin/busybox cat | /bin/busybox wc -c; /bin/busybox true; "
	"exit 3",
	"/bin/busybox sh -c 'kill -USR1 $$'; x=$(/bin/busybox echo y); exit 3",
};

static unsigned calls, events, signals;

static void on_alarm(int signo)
{
	(void)signo; /* wait4() ends */
}

static pid_t begin(const char *line, bool seize)
{
	char *argv[] = { (char *)"sh", (char *)"-c", (char *)(uintptr_t)line, NULL };
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		int null = sys(__NR_openat, -100, "/dev/null", 2);

		dup2(null, 1);
		dup2(null, 2);
		if (!seize)
			tracer_ask(PTRACE_TRACEME, 0, 0, NULL);
		kill(getpid(), SIGSTOP);
		execv("/bin/busybox", argv);
		_exit(127);
	}
	expect_eq(waitpid(pid, &status, WUNTRACED), pid);
	expect_eq(status, tracer_stopped(SIGSTOP, 0));
	if (seize) {
		expect_eq(tracer_ask(PTRACE_SEIZE, pid, 0, (void *)OPTIONS), 0);
		expect_eq(kill(pid, SIGCONT), 0);
	} else {
		expect_eq(tracer_ask(PTRACE_SETOPTIONS, pid, 0, (void *)OPTIONS), 0);
		expect_eq(tracer_ask(PTRACE_SYSCALL, pid, 0, NULL), 0);
	}
	return pid;
}

static bool stops_group(int sig)
{
	return sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU;
}

/* It has stopped: what it is, and on. */
static void go_on(pid_t pid, int status, bool seize)
{
	struct ptrace_syscall_info info = { .op = 0 };
	int sig = WSTOPSIG(status), event = status >> 16;
	unsigned long message = 0;

	if (event == PTRACE_EVENT_STOP && stops_group(sig)) {
		tracer_ask(PTRACE_LISTEN, pid, 0, NULL);
		return;
	}
	if (event) {
		events++;
		tracer_ask(PTRACE_GETEVENTMSG, pid, 0, &message);
		sig = 0;
	} else if (sig == (SIGTRAP | 0x80)) {
		calls++;
		tracer_ask(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info);
		sig = 0;
	} else if (!seize && sig == SIGSTOP) {
		sig = 0; /* a new one's first */
	} else {
		signals++;
	}
	tracer_ask(PTRACE_SYSCALL, pid, 0, (void *)(long)sig);
}

/* Until nobody is left. The first one's status; -1: somebody hangs. */
static int follow(pid_t first, bool seize)
{
	int status, result = -1;
	pid_t pid;

	for (;;) {
		alarm(PATIENCE);
		pid = waitpid(-1, &status, __WALL);
		alarm(0);
		if (pid < 0)
			return errno == ECHILD ? result : -1;
		if (WIFSTOPPED(status))
			go_on(pid, status, seize);
		else if (pid == first)
			result = status;
	}
}

static void show(const char *what)
{
	tap_print("# left standing: %s\n", what);
	for (int pid = 2; pid < 4000; pid++) {
		char path[64], text[600];
		FILE *f;
		size_t n;

		snprintf(path, sizeof(path), "/proc/%d/status", pid);
		f = fopen(path, "r");
		if (!f)
			continue;
		n = fread(text, 1, sizeof(text) - 1, f);
		text[n] = 0;
		for (char *at = text; (at = strchr(at, '\n'));)
			*at = ' ';
		tap_print("# %d: %.300s\n", pid, text);
		fclose(f);
	}
}

TEST(everybody_is_followed_to_the_end)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	unsigned rounds = rounds_wanted(ROUNDS);

	if (access("/bin/busybox", X_OK))
		return tap_skip("no shell here");
	sigaction(SIGALRM, &sa, NULL);
	for (unsigned n = 0; n < rounds && !tap_failed; n++) {
		const char *line = lines[n % 4];
		bool seize = (n ^ n / 4) & 1; /* each line in turn, each way in the end */
		pid_t pid = begin(line, seize);
		int status = follow(pid, seize);

		if (!expect_eq(status, 3 << 8))
			show(line);
	}
	tap_print("# %u calls, %u events, %u signals\n", calls, events, signals);
	expect(calls && events && signals);
}

/* ---- a stop that ends while it begins ---- */

static int goes_on_at(pid_t pid, unsigned delay)
{
	int status;

	if (kill(pid, SIGSTOP) || tracer_status(pid) != tracer_stopped(SIGSTOP, 0))
		return -1;
	tracer_ask(PTRACE_CONT, pid, 0, (void *)(long)SIGSTOP);
	for (unsigned n = 0; n < delay; n++)
		__asm__ volatile("");
	kill(pid, SIGCONT);
	alarm(PATIENCE);
	do { /* it may stop with its process in between, or not */
		status = tracer_status(pid);
		if (status == tracer_stopped(SIGSTOP, PTRACE_EVENT_STOP))
			tracer_ask(PTRACE_LISTEN, pid, 0, NULL);
		else if (status == tracer_stopped(SIGTRAP, PTRACE_EVENT_STOP))
			tracer_ask(PTRACE_CONT, pid, 0, NULL);
	} while (WIFSTOPPED(status) && status >> 16 == PTRACE_EVENT_STOP);
	alarm(0);
	tracer_ask(PTRACE_CONT, pid, 0, NULL);
	return status;
}

/* SIGCONT that comes while a seized task is on its way into its process's stop is not lost. */
TEST(a_stop_that_ends_while_it_begins)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	unsigned rounds = 15 * rounds_wanted(ROUNDS);
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			pause();
	sigaction(SIGALRM, &sa, NULL);
	expect_eq(tracer_ask(PTRACE_SEIZE, pid, 0, NULL), 0);
	for (unsigned n = 0; n < rounds && !tap_failed; n++)
		if (!expect_eq(goes_on_at(pid, n * 7 % 4000), tracer_stopped(SIGCONT, 0)))
			tap_print("# round %u\n", n);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, __WALL);
}
