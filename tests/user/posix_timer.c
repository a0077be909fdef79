/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timers that a process makes: their signals with value and overrun, threads they go to, both ways
 * to set them, what is left of them, and what becomes of them. man 2 timer_create, timer_settime,
 * timer_getoverrun.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "tests/lib/abi.h"

#define MS 1000000ull
#define S  1000000000ull

static struct timespec ns(uint64_t n)
{
	return (struct timespec){ (time_t)(n / S), (long)(n % S) };
}

static uint64_t of(struct timespec t)
{
	return (uint64_t)t.tv_sec * S + (uint64_t)t.tv_nsec;
}

static int make(int clock, int notify, int signo, int value)
{
	struct sigevent event = { .sigev_notify = notify, .sigev_signo = signo };
	int id = -1;

	event.sigev_value.sival_int = value;
	expect_eq(sys(__NR_timer_create, clock, &event, &id), 0);
	return id;
}

/* Due after first ns, then every interval ns; what was before. */
static struct itimerspec set(int id, uint64_t first, uint64_t interval)
{
	struct itimerspec new = { ns(interval), ns(first) }, old = { { 0, 0 }, { 0, 0 } };

	expect_eq(sys(__NR_timer_settime, id, 0, &new, &old), 0);
	return old;
}

static struct itimerspec get(int id)
{
	struct itimerspec now = { { 0, 0 }, { 0, 0 } };

	expect_eq(sys(__NR_timer_gettime, id, &now), 0);
	return now;
}

static uint64_t bit(int signo)
{
	return 1ull << (signo - 1);
}

static void block(int signo)
{
	uint64_t mask = bit(signo);

	expect_eq(sys(__NR_rt_sigprocmask, SIG_BLOCK, &mask, 0, 8), 0);
}

static void unblock(int signo)
{
	uint64_t mask = bit(signo);

	expect_eq(sys(__NR_rt_sigprocmask, SIG_UNBLOCK, &mask, 0, 8), 0);
}

/* Wait for a blocked signal that long: its number, or -EAGAIN. */
static long await(int signo, siginfo_t *info, uint64_t most)
{
	struct timespec time = ns(most);
	uint64_t mask = bit(signo);

	memset(info, 0, sizeof(*info));
	return sys(__NR_rt_sigtimedwait, &mask, info, &time, 8);
}

TEST(a_signal_tells_whose_it_is)
{
	int id = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGRTMIN, 4711);
	uint64_t before = now_ns(CLOCK_MONOTONIC);
	siginfo_t info;

	block(SIGRTMIN);
	set(id, 5 * MS, 0);
	expect_eq(await(SIGRTMIN, &info, S), SIGRTMIN);
	expect(now_ns(CLOCK_MONOTONIC) - before >= 5 * MS);
	expect_eq(info.si_code, SI_TIMER);
	expect_eq(info.si_value.sival_int, 4711);
	expect_eq(info.si_timerid, id);
	expect_eq(info.si_overrun, 0);
	expect_eq(await(SIGRTMIN, &info, 20 * MS), -EAGAIN);
	expect_eq(of(get(id).it_value), 0);
	expect_eq(sys(__NR_timer_delete, id), 0);
	expect_eq(sys(__NR_timer_delete, id), -EINVAL);
}

TEST(without_an_event_it_is_sigalrm_with_the_timers_number)
{
	siginfo_t info;
	int id = -1;

	block(SIGALRM);
	expect_eq(sys(__NR_timer_create, CLOCK_REALTIME, 0, &id), 0);
	set(id, MS, 0);
	expect_eq(await(SIGALRM, &info, S), SIGALRM);
	expect_eq(info.si_value.sival_int, id);
	expect_eq(sys(__NR_timer_delete, id), 0);
	unblock(SIGALRM);
}

static volatile int rings;

static void ring(int signo)
{
	(void)signo;
	rings++;
}

TEST(a_periodic_timer_runs_until_it_is_stopped)
{
	int id = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 0);
	struct itimerspec now;

	signal(SIGUSR1, ring);
	rings = 0;
	set(id, 2 * MS, 3 * MS);
	now = get(id);
	expect_eq(of(now.it_interval), 3 * MS);
	expect(of(now.it_value) > 0 && of(now.it_value) <= 3 * MS);
	while (rings < 5)
		;
	now = set(id, 0, 0);
	expect_eq(of(now.it_interval), 3 * MS);
	expect(of(now.it_value) > 0 && of(now.it_value) <= 3 * MS);
	expect_eq(of(get(id).it_value), 0);
	rings = 0;
	sleep_ms(20);
	expect_eq(rings, 0);
	expect_eq(sys(__NR_timer_delete, id), 0);
}

TEST(what_is_missed_is_counted_and_one_signal_waits)
{
	int id = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGRTMIN, 1);
	siginfo_t info;
	uint64_t before;

	set(id, MS, MS);
	sleep_ms(50);
	before = now_ns(CLOCK_MONOTONIC);
	expect_eq(await(SIGRTMIN, &info, S), SIGRTMIN);
	expect(info.si_overrun >= 40);
	expect_eq(sys(__NR_timer_getoverrun, id), info.si_overrun);
	expect_eq(await(SIGRTMIN, &info, S), SIGRTMIN);
	/* the next one is due at the next whole interval */
	expect((uint64_t)info.si_overrun <= (now_ns(CLOCK_MONOTONIC) - before) / MS);
	set(id, 0, 0);
	while (await(SIGRTMIN, &info, 0) > 0)
		;
	expect_eq(sys(__NR_timer_delete, id), 0);
}

TEST(the_shortest_interval_lets_the_program_go_on)
{
	int id = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 0);
	uint64_t end = now_ns(CLOCK_MONOTONIC) + 30 * MS;

	rings = 0;
	set(id, 1, 1);
	while (now_ns(CLOCK_MONOTONIC) < end)
		;
	set(id, 0, 0);
	expect(rings > 0);
	expect_eq(sys(__NR_timer_delete, id), 0);
}

TEST(a_standard_signal_of_another_does_not_stop_it)
{
	int id = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 0);
	siginfo_t info;

	block(SIGUSR1);
	for (int i = 0; i < 5; i++) {
		int timers = 0;

		set(id, 3 * MS, 3 * MS);
		kill(getpid(), SIGUSR1);
		sleep_ms(5);
		for (int n = 0; n < 6 && !timers; n++)
			timers += await(SIGUSR1, &info, S) == SIGUSR1 && info.si_code == SI_TIMER;
		expect_eq(timers, 1);
		expect_eq(await(SIGUSR1, &info, S), SIGUSR1);
	}
	set(id, 0, 0);
	while (await(SIGUSR1, &info, 0) > 0)
		;
	unblock(SIGUSR1);
	expect_eq(sys(__NR_timer_delete, id), 0);
}

TEST(one_that_is_ignored_comes_when_it_is_wanted_again)
{
	int id = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR2, 0);

	signal(SIGUSR2, SIG_IGN);
	set(id, MS, MS);
	sleep_ms(20);
	rings = 0;
	signal(SIGUSR2, ring);
	for (int i = 0; i < 100 && rings < 3; i++)
		sleep_ms(10);
	expect(rings >= 3);
	expect_eq(sys(__NR_timer_delete, id), 0);
}

TEST(none_tells_only_the_time)
{
	int id = make(CLOCK_MONOTONIC, SIGEV_NONE, 0, 0);
	uint64_t left;

	set(id, 10 * MS, 0);
	left = of(get(id).it_value);
	expect(left > 0 && left <= 10 * MS);
	sleep_ms(15);
	expect_eq(of(get(id).it_value), 0);
	set(id, 10 * MS, 7 * MS);
	sleep_ms(30);
	left = of(get(id).it_value);
	expect(left > 0 && left <= 7 * MS);
	expect_eq(sys(__NR_timer_delete, id), 0);
}

/* ---- threads ---- */

static _Atomic int thread_tid, got_by;
static _Atomic bool over;

static void note_thread(int signo)
{
	(void)signo;
	got_by = (int)sys(__NR_gettid);
}

static void *wait_in_thread(void *arg)
{
	thread_tid = (int)sys(__NR_gettid);
	while (!over)
		sleep_ms(1);
	return arg;
}

TEST(a_timer_of_a_thread_goes_to_that_thread)
{
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1 };
	pthread_t thread;
	int id = -1;

	signal(SIGUSR1, note_thread);
	pthread_create(&thread, NULL, wait_in_thread, NULL);
	while (!thread_tid)
		sleep_ms(1);
	event.sigev_notify_thread_id = thread_tid;
	expect_eq(sys(__NR_timer_create, CLOCK_MONOTONIC, &event, &id), 0);
	for (int i = 0; i < 5; i++) {
		got_by = 0;
		set(id, MS, 0);
		while (!got_by)
			;
		expect_eq(got_by, thread_tid);
	}
	set(id, MS, MS);
	over = true;
	pthread_join(thread, NULL);
	sleep_ms(5); /* to a thread that is gone: nobody gets it */
	expect_eq(sys(__NR_timer_delete, id), 0);
	event.sigev_notify_thread_id = 0x3fffffff;
	expect_eq(sys(__NR_timer_create, CLOCK_MONOTONIC, &event, &id), -EINVAL);
	event.sigev_notify_thread_id = getppid();
	expect_eq(sys(__NR_timer_create, CLOCK_MONOTONIC, &event, &id), -EINVAL);
}

static void *delete_and_make(void *arg)
{
	for (int i = 0; i < 300; i++) {
		int id = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 0);

		set(id, 1 + (uint64_t)i * 100 % 5000, 1000);
		for (volatile int n = 0; n < i * 10; n++)
			;
		set(id, 1000, i & 1 ? 500 : 0);
		expect_eq(sys(__NR_timer_delete, id), 0);
	}
	return arg;
}

TEST(timers_that_end_while_they_expire)
{
	pthread_t thread;

	signal(SIGUSR1, ring);
	pthread_create(&thread, NULL, delete_and_make, NULL);
	delete_and_make(NULL);
	pthread_join(thread, NULL);
}

/* ---- absolute times ---- */

TEST(absolute_times)
{
	static const int clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_TAI };
	siginfo_t info;

	for (unsigned i = 0; i < 4; i++) {
		int id = make(clocks[i], SIGEV_SIGNAL, SIGRTMIN, 0);
		uint64_t due = now_ns(clocks[i]) + 8 * MS;
		struct itimerspec new = { ns(0), ns(due) };

		expect_eq(sys(__NR_timer_settime, id, TIMER_ABSTIME, &new, 0), 0);
		expect(of(get(id).it_value) <= 8 * MS);
		expect_eq(await(SIGRTMIN, &info, S), SIGRTMIN);
		expect(now_ns(clocks[i]) >= due);
		new.it_value = ns(1); /* long ago: at once */
		expect_eq(sys(__NR_timer_settime, id, TIMER_ABSTIME, &new, 0), 0);
		expect_eq(await(SIGRTMIN, &info, S), SIGRTMIN);
		expect_eq(sys(__NR_timer_delete, id), 0);
	}
}

/* ---- whose they are ---- */

TEST(a_child_has_none_of_them)
{
	int id = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGRTMIN, 0), status = -1, pid;
	siginfo_t info;

	set(id, 10 * MS, 0);
	pid = fork();
	if (pid == 0)
		_exit(sys(__NR_timer_gettime, id, &(struct itimerspec){ 0 }) != -EINVAL ||
		      await(SIGRTMIN, &info, 20 * MS) != -EAGAIN);
	expect_eq(waitpid(pid, &status, 0), pid);
	expect_eq(status, 0);
	expect_eq(await(SIGRTMIN, &info, S), SIGRTMIN);
	expect_eq(sys(__NR_timer_delete, id), 0);
}

/* This program once more, as what the child below becomes: before any test. */
static __attribute__((constructor)) void replaced(void)
{
	struct itimerspec now;

	if (!getenv("REPLACED"))
		return;
	for (int id = 0; id < 100; id++)
		if (sys(__NR_timer_gettime, id, &now) != -EINVAL)
			_exit(1);
	_exit(7);
}

TEST(a_program_that_is_replaced_loses_them)
{
	char *argv[] = { tap_argv[0], NULL }, *env[] = { "REPLACED=1", NULL };
	int status = -1, pid = fork();

	if (pid == 0) {
		set(make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGVTALRM, 0), 1000 * S, 0);
		execve(tap_argv[0], argv, env);
		_exit(1);
	}
	expect_eq(waitpid(pid, &status, 0), pid);
	if (!expect(WIFEXITED(status) && WEXITSTATUS(status) == 7))
		tap_print("# status %#x\n", status);
}

TEST(processes_that_end_with_timers_running)
{
	for (int i = 0; i < 40; i++) {
		int status = -1, pid = fork();

		if (pid == 0) {
			signal(SIGUSR1, ring);
			for (uint64_t n = 1; n < 6; n++)
				set(make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 0), 100 * n,
				    1000 * n);
			for (volatile int n = 0; n < i * 500; n++)
				;
			_exit(0);
		}
		expect_eq(waitpid(pid, &status, 0), pid);
		expect_eq(status, 0);
	}
}

/* ---- what is refused ---- */

TEST(one_that_looks_like_a_timers)
{
	int id = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGRTMIN, 0);
	siginfo_t info = { .si_code = SI_TIMER, .si_signo = SIGRTMIN }, got;

	info.si_timerid = id;
	info.si_overrun = 99;
	set(id, 20 * MS, 0);
	expect_eq(sys(__NR_rt_sigqueueinfo, getpid(), SIGRTMIN, &info), 0);
	expect_eq(await(SIGRTMIN, &got, 0), SIGRTMIN);
	expect(of(get(id).it_value) > 0);
	expect_eq(await(SIGRTMIN, &got, S), SIGRTMIN);
	expect_eq(sys(__NR_timer_delete, id), 0);
}

TEST(errors)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = 0 };
	struct itimerspec good = { ns(0), ns(S) }, bad = { ns(0), { 0, 1000000000 } };
	int id = -1;

	expect_eq(sys(__NR_timer_create, 99, 0, &id), -EINVAL);
	expect_eq(sys(__NR_timer_create, CLOCK_MONOTONIC_COARSE, 0, &id), -EOPNOTSUPP);
	expect_eq(sys(__NR_timer_create, CLOCK_MONOTONIC, &event, &id), -EINVAL);
	event.sigev_signo = 65;
	expect_eq(sys(__NR_timer_create, CLOCK_MONOTONIC, &event, &id), -EINVAL);
	event = (struct sigevent){ .sigev_notify = 17, .sigev_signo = SIGALRM };
	expect_eq(sys(__NR_timer_create, CLOCK_MONOTONIC, &event, &id), -EINVAL);
	expect_eq(sys(__NR_timer_create, CLOCK_MONOTONIC, 8, &id), -EFAULT);
	expect_eq(sys(__NR_timer_create, CLOCK_MONOTONIC, 0, 8), -EFAULT);
	id = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGRTMIN, 0);
	expect_eq(sys(__NR_timer_settime, id, 0, 0, 0), -EINVAL);
	expect_eq(sys(__NR_timer_settime, id, 0, 8, 0), -EFAULT);
	expect_eq(sys(__NR_timer_settime, id, 0, &bad, 0), -EINVAL);
	expect_eq(sys(__NR_timer_settime, id + 1000, 0, &good, 0), -EINVAL);
	expect_eq(sys(__NR_timer_settime, id, 0, &good, 8), -EFAULT);
	expect(of(get(id).it_value) > 0); /* it was set */
	expect_eq(sys(__NR_timer_gettime, id, 8), -EFAULT);
	expect_eq(sys(__NR_timer_gettime, -1, &good), -EINVAL);
	expect_eq(sys(__NR_timer_getoverrun, id + 1000), -EINVAL);
	expect_eq(sys(__NR_timer_getoverrun, id), 0);
	expect_eq(sys(__NR_timer_delete, id), 0);
}

TEST(there_may_be_as_many_as_signals_may_wait)
{
	int status = -1, pid = fork(), id;

	if (pid == 0) {
		struct rlimit limit = { 20, 20 };
		int made = 0;

		setrlimit(RLIMIT_SIGPENDING, &limit);
		while (made < 100 && sys(__NR_timer_create, CLOCK_MONOTONIC, 0, &id) == 0)
			made++;
		_exit(made > 20 || made < 10 ||
		      sys(__NR_timer_create, CLOCK_MONOTONIC, 0, &id) != -EAGAIN);
	}
	expect_eq(waitpid(pid, &status, 0), pid);
	expect_eq(status, 0);
}
