/* SPDX-License-Identifier: BSD-2-Clause */
/* Clocks and sleeping. Linux: man 2 clock_gettime, nanosleep, clock_nanosleep. */
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include "tests/lib/abi.h"

enum { MS = 1000000 };

TEST(clocks_go_forward)
{
	static const int clocks[] = { CLOCK_REALTIME,	       CLOCK_MONOTONIC,
				      CLOCK_MONOTONIC_RAW,     CLOCK_BOOTTIME,
				      CLOCK_REALTIME_COARSE,   CLOCK_MONOTONIC_COARSE,
				      CLOCK_THREAD_CPUTIME_ID, CLOCK_PROCESS_CPUTIME_ID };

	for (unsigned i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
		struct timespec a, b;

		expect_eq(sys(__NR_clock_gettime, clocks[i], &a), 0);
		for (volatile int n = 0; n < 3000000; n++)
			;
		expect_eq(sys(__NR_clock_gettime, clocks[i], &b), 0);
		expect(a.tv_nsec >= 0 && a.tv_nsec < 1000000000);
		if (!expect(b.tv_sec > a.tv_sec ||
			    (b.tv_sec == a.tv_sec && b.tv_nsec >= a.tv_nsec)))
			tap_print("# clock %d\n", clocks[i]);
	}
}

TEST(fine_clocks_differ_from_call_to_call)
{
	struct timespec a, b;

	for (int i = 0; i < 1000; i++) {
		sys(__NR_clock_gettime, CLOCK_MONOTONIC, &a);
		sys(__NR_clock_gettime, CLOCK_MONOTONIC, &b);
		expect(b.tv_sec > a.tv_sec || b.tv_nsec >= a.tv_nsec);
	}
	sys(__NR_clock_getres, CLOCK_MONOTONIC, &a);
	expect(a.tv_sec == 0 && a.tv_nsec >= 1 && a.tv_nsec < MS);
	expect_eq(sys(__NR_clock_getres, CLOCK_MONOTONIC, 0), 0);
}

TEST(it_is_after_the_year_2020)
{
	struct timeval tv;
	struct timespec ts;

	sys(__NR_clock_gettime, CLOCK_REALTIME, &ts);
	expect(ts.tv_sec > 1577836800);
	expect_eq(sys(__NR_gettimeofday, &tv, 0), 0);
	expect(tv.tv_sec - ts.tv_sec >= 0 && tv.tv_sec - ts.tv_sec <= 2);
	expect(tv.tv_usec >= 0 && tv.tv_usec < 1000000);
}

TEST(unknown_clocks_are_refused)
{
	struct timespec t = { 0, 1 };

	expect_eq(sys(__NR_clock_gettime, 99, &t), -EINVAL);
	expect_eq(sys(__NR_clock_getres, 99, &t), -EINVAL);
	expect_eq(sys(__NR_clock_nanosleep, 99, 0, &t, 0), -EINVAL);
	expect_eq(sys(__NR_clock_gettime, CLOCK_MONOTONIC, 8), -EFAULT);
}

TEST(nanosleep_sleeps_long_enough)
{
	static const long sleeps[] = { 0, 1, 1000, MS, 20 * MS };

	for (unsigned i = 0; i < 5; i++) {
		struct timespec t = { 0, sleeps[i] };
		uint64_t before = now_ns(CLOCK_MONOTONIC), took;

		expect_eq(sys(__NR_nanosleep, &t, 0), 0);
		took = now_ns(CLOCK_MONOTONIC) - before;
		expect(took >= (uint64_t)sleeps[i] && took < 3000000000);
	}
}

TEST(nanosleep_refuses_bad_times)
{
	struct timespec bad = { 0, 1000000000 }, negative = { -1, 0 };

	expect_eq(sys(__NR_nanosleep, &bad, 0), -EINVAL);
	expect_eq(sys(__NR_nanosleep, &negative, 0), -EINVAL);
	expect_eq(sys(__NR_nanosleep, 8, 0), -EFAULT);
	expect_eq(sys(__NR_clock_nanosleep, CLOCK_MONOTONIC, 0, &bad, 0), -EINVAL);
}

TEST(clock_nanosleep_until)
{
	static const int clocks[] = { CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME };

	for (int i = 0; i < 3; i++) {
		struct timespec t;

		sys(__NR_clock_gettime, clocks[i], &t);
		t.tv_nsec += 15 * MS;
		t.tv_sec += t.tv_nsec / 1000000000;
		t.tv_nsec %= 1000000000;
		expect_eq(sys(__NR_clock_nanosleep, clocks[i], TIMER_ABSTIME, &t, 0), 0);
		expect(now_ns(clocks[i]) >= (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec);
		/* Past: at once. */
		t = (struct timespec){ 0, 1 };
		expect_eq(sys(__NR_clock_nanosleep, clocks[i], TIMER_ABSTIME, &t, 0), 0);
	}
}

static void on_signal(int signo)
{
	(void)signo;
}

static void *signal_later(void *tid)
{
	sleep_ms(30);
	sys(__NR_tgkill, getpid(), *(int *)tid, SIGUSR1);
	return NULL;
}

TEST(a_signal_ends_a_sleep_and_tells_what_is_left)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	struct timespec t = { 100, 0 }, left = { 0, 0 };
	int tid = (int)sys(__NR_gettid);
	pthread_t thread;

	sigaction(SIGUSR1, &sa, NULL);
	pthread_create(&thread, NULL, signal_later, &tid);
	expect_eq(sys(__NR_nanosleep, &t, &left), -EINTR);
	expect(left.tv_sec >= 90 && left.tv_sec < 100);
	pthread_join(thread, NULL);
}

TEST(an_ignored_signal_does_not_end_a_sleep)
{
	struct timespec t = { 0, 60 * MS };
	uint64_t before = now_ns(CLOCK_MONOTONIC);
	int tid = (int)sys(__NR_gettid);
	pthread_t thread;

	signal(SIGUSR1, SIG_IGN);
	pthread_create(&thread, NULL, signal_later, &tid);
	expect_eq(sys(__NR_nanosleep, &t, 0), 0);
	expect(now_ns(CLOCK_MONOTONIC) - before >= 60 * MS);
	pthread_join(thread, NULL);
}

TEST(a_sleep_that_goes_on_with_its_rest_is_as_long_as_asked)
{
	struct sigaction sa = { .sa_handler = on_signal };
	struct timespec t = { 0, 120 * MS };
	int tid = (int)sys(__NR_gettid);
	uint64_t before = now_ns(CLOCK_MONOTONIC), took;
	pthread_t thread;

	sigaction(SIGUSR1, &sa, NULL);
	pthread_create(&thread, NULL, signal_later, &tid);
	expect_eq(sys(__NR_clock_nanosleep, CLOCK_MONOTONIC, 0, &t, &t), -EINTR);
	expect(t.tv_sec == 0 && t.tv_nsec > 0 && t.tv_nsec < 120 * MS);
	expect_eq(sys(__NR_clock_nanosleep, CLOCK_BOOTTIME, 0, &t, &t), 0);
	took = now_ns(CLOCK_MONOTONIC) - before;
	expect(took >= 120 * MS);
	pthread_join(thread, NULL);
	/* until a time: no rest is told */
	t = (struct timespec){ (long)(now_ns(CLOCK_REALTIME) / 1000000000) + 100, 5 };
	pthread_create(&thread, NULL, signal_later, &tid);
	expect_eq(sys(__NR_clock_nanosleep, CLOCK_REALTIME, TIMER_ABSTIME, &t, &t), -EINTR);
	expect_eq(t.tv_nsec, 5);
	pthread_join(thread, NULL);
}

/* To the counter's tick: none ends early, and the least lateness is far below a millisecond. */
TEST(sleeps_are_exact)
{
	static const long lengths[] = { 1, 999, 1000, 33333, 100001, 1234567 };

	for (unsigned i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		uint64_t least = ~0ull;

		for (int n = 0; n < 20; n++) {
			struct timespec t = { 0, lengths[i] };
			uint64_t before = now_ns(CLOCK_MONOTONIC), took;

			sys(__NR_nanosleep, &t, 0);
			took = now_ns(CLOCK_MONOTONIC) - before;
			expect(took >= (uint64_t)lengths[i]);
			least = took < least ? took : least;
		}
		if (!expect(least < (uint64_t)lengths[i] + MS))
			tap_print("# %ld ns took %lu at least\n", lengths[i], least);
	}
}

TEST(setting_the_clock)
{
	struct timespec now, later, old = { 1, 0 };
	struct timeval quarter = { 0, 250000 }, bad = { 0, 1000000 };
	uint64_t monotonic = now_ns(CLOCK_MONOTONIC), boot = now_ns(CLOCK_BOOTTIME);

	sys(__NR_clock_gettime, CLOCK_REALTIME, &now);
	quarter.tv_sec = bad.tv_sec = now.tv_sec;
	later = (struct timespec){ now.tv_sec + 100000, 0 };
	expect_eq(sys(__NR_clock_settime, CLOCK_REALTIME, &later), 0);
	expect(now_ns(CLOCK_REALTIME) / 1000000000 - (uint64_t)now.tv_sec - 100000 < 10);
	expect(now_ns(CLOCK_MONOTONIC) - monotonic < 10000000000);
	expect(now_ns(CLOCK_BOOTTIME) - boot < 10000000000);
	expect_eq(sys(__NR_settimeofday, &quarter, 0), 0);
	expect(now_ns(CLOCK_REALTIME) / 1000000000 - (uint64_t)now.tv_sec < 10);
	expect_eq(sys(__NR_settimeofday, &bad, 0), -EINVAL);
	expect_eq(sys(__NR_settimeofday, 8, 0), -EFAULT);
	expect_eq(sys(__NR_clock_settime, CLOCK_MONOTONIC, &later), -EINVAL);
	expect_eq(sys(__NR_clock_settime, CLOCK_REALTIME, 8), -EFAULT);
	if (monotonic > 1000000000)
		expect_eq(sys(__NR_clock_settime, CLOCK_REALTIME, &old), -EINVAL);
}

TEST(the_counter_and_the_clock_agree)
{
	uint64_t hz, c0, c1, t0, t1, counted, told;

	__asm__ volatile("mrs %0, cntfrq_el0" : "=r"(hz));
	t0 = now_ns(CLOCK_MONOTONIC);
	__asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(c0));
	sleep_ms(100);
	__asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(c1));
	t1 = now_ns(CLOCK_MONOTONIC);
	counted = (c1 - c0) * 1000000000 / hz;
	told = t1 - t0;
	expect(told >= counted && told - counted < 50 * MS);
}

TEST(cpu_time_is_less_than_time)
{
	uint64_t cpu = now_ns(CLOCK_THREAD_CPUTIME_ID), wall = now_ns(CLOCK_MONOTONIC);

	sleep_ms(50);
	cpu = now_ns(CLOCK_THREAD_CPUTIME_ID) - cpu;
	wall = now_ns(CLOCK_MONOTONIC) - wall;
	expect(wall >= 50 * MS && cpu < wall);
}
