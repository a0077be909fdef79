/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs programs one after the other, so that one boot serves many tests.
 *
 *	batch SECONDS PROGRAM...
 *
 * Around the output of each it prints the lines "@batch begin PROGRAM" and "@batch end PROGRAM
 * STATUS"; STATUS is the exit status, 128 + signal, or 124 if it was killed after SECONDS. The exit
 * status of batch says only whether all were run.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define STATUS_TIMEOUT 124
#define STEP_NS	       2000000L

static void start(char *program)
{
	char *args[] = { program, NULL };
	int fd = open("/dev/null", O_RDONLY);

	if (fd > 0) {
		dup2(fd, 0);
		close(fd);
	}
	/* in the foreground: a program may set the terminal */
	setpgid(0, 0);
	signal(SIGTTOU, SIG_IGN);
	tcsetpgrp(1, getpid());
	signal(SIGTTOU, SIG_DFL);
	execv(program, args);
	dprintf(1, "Bail out! %s: %s\n", program, strerror(errno));
	_exit(127);
}

/* What became of child; it and its process group are killed after that many seconds. */
static int finish(pid_t child, int seconds)
{
	struct timespec step = { .tv_nsec = STEP_NS }, now, limit;
	int status, late = 0;

	clock_gettime(CLOCK_MONOTONIC, &limit);
	limit.tv_sec += seconds;
	while (waitpid(child, &status, WNOHANG) == 0) {
		nanosleep(&step, NULL);
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (!late && now.tv_sec >= limit.tv_sec) {
			late = 1;
			kill(-child, SIGKILL);
			kill(child, SIGKILL);
		}
	}
	kill(-child, SIGKILL); /* what it left behind */
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	if (late)
		return STATUS_TIMEOUT;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
	struct termios tio;
	int terminal = tcgetattr(1, &tio) == 0;

	if (argc < 3)
		return 126;
	signal(SIGTTOU, SIG_IGN);
	for (int k = 2; k < argc; k++) {
		dprintf(1, "@batch begin %s\n", argv[k]);
		pid_t child = fork();
		if (child < 0) {
			perror("batch: fork");
			return 1;
		}
		if (child == 0)
			start(argv[k]);
		int status = finish(child, atoi(argv[1]));
		if (terminal)
			tcsetattr(1, TCSADRAIN, &tio);
		dprintf(1, "\n@batch end %s %d\n", argv[k], status);
	}
	return 0;
}
