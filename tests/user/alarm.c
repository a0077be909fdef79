/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The alarm clock of a process: it interrupts loops and waits, repeats, and can be stopped.
 * man 2 setitimer, alarm.
 */
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "tests/lib/abi.h"

static volatile int rings;

static void on_alarm(int signo)
{
	(void)signo;
	rings++;
}

/* Ring in first_us and then every interval_us; 0: never. */
static struct itimerval start(long first_us, long interval_us)
{
	struct itimerval new = { { 0, interval_us }, { 0, first_us } }, old;
	struct sigaction sa = { .sa_handler = on_alarm };

	sigaction(SIGALRM, &sa, NULL);
	rings = 0;
	expect_eq(setitimer(ITIMER_REAL, &new, &old), 0);
	return old;
}

TEST(it_interrupts_a_loop_and_repeats)
{
	struct itimerval old;
	int before;

	start(5000, 5000);
	while (rings < 5)
		;
	old = start(0, 0);
	expect_eq(old.it_interval.tv_usec, 5000);
	expect(old.it_value.tv_sec == 0 && old.it_value.tv_usec <= 5000);
	before = rings;
	sleep_ms(30);
	expect_eq(rings, before);
}

TEST(it_ends_waits)
{
	struct timespec second = { 1, 0 }, rest = { 0, 0 };

	start(20000, 0);
	expect_eq(pause(), -1);
	expect_eq(errno, EINTR);
	expect_eq(rings, 1);
	start(20000, 0);
	expect_eq(nanosleep(&second, &rest), -1);
	expect_eq(errno, EINTR);
	expect(rest.tv_sec == 0 && rest.tv_nsec > 0);
}

TEST(alarm_tells_the_seconds_that_were_left)
{
	expect_eq(alarm(5), 0);
	expect_eq(alarm(0), 5);
	expect_eq(alarm(0), 0);
}

/* Handled or ignored: whoever else runs goes on. */
TEST(the_shortest_interval_lets_the_program_go_on)
{
	uint64_t end;

	start(1, 1);
	for (end = now_ns(CLOCK_MONOTONIC) + 30000000; now_ns(CLOCK_MONOTONIC) < end;)
		;
	expect(rings > 0);
	start(0, 0);
	start(1, 1);
	signal(SIGALRM, SIG_IGN);
	for (end = now_ns(CLOCK_MONOTONIC) + 30000000; now_ns(CLOCK_MONOTONIC) < end;)
		;
	start(0, 0);
}

TEST(processes_that_end_while_it_rings)
{
	for (int i = 0; i < 60; i++) {
		int status = -1, pid = fork();

		if (pid == 0) {
			start(1, 1);
			for (volatile int n = 0; n < i * 100; n++)
				;
			_exit(0);
		}
		expect_eq(waitpid(pid, &status, 0), pid);
		expect_eq(status, 0);
	}
}

TEST(bad_arguments_are_refused)
{
	struct itimerval v = { { 0, 0 }, { 0, 1000000 } };

	expect_eq(sys(__NR_setitimer, ITIMER_REAL, &v, 0), -EINVAL);
	expect_eq(sys(__NR_setitimer, 99, &v, 0), -EINVAL);
	expect_eq(sys(__NR_setitimer, ITIMER_REAL, 8, 0), -EFAULT);
	expect_eq(sys(__NR_getitimer, ITIMER_REAL, 8), -EFAULT);
	expect_eq(sys(__NR_getitimer, 99, &v), -EINVAL);
}
