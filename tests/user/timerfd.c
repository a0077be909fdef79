/* SPDX-License-Identifier: BSD-2-Clause */
/* timerfd: one shot and periodic, relative and absolute, reading and waiting. man 2 timerfd_create.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include "tests/lib/abi.h"

enum { MS = 1000000 };

static int timer(int clock, int flags)
{
	return (int)sys(__NR_timerfd_create, clock, flags);
}

static long set(int fd, int flags, long first, long interval)
{
	struct itimerspec t = { { interval / 1000000000, interval % 1000000000 },
				{ first / 1000000000, first % 1000000000 } };

	return sys(__NR_timerfd_settime, fd, flags, &t, 0);
}

static long take(int fd)
{
	uint64_t n = 0;
	long r = sys(__NR_read, fd, &n, 8);

	return r == 8 ? (long)n : r;
}

TEST(one_shot)
{
	int fd = timer(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	struct itimerspec left;
	struct pollfd p = { fd, POLLIN, 0 };
	uint64_t before = now_ns(CLOCK_MONOTONIC);

	require(fd >= 0);
	expect_eq(sys(__NR_fcntl, fd, F_GETFD), FD_CLOEXEC);
	expect_eq(take(fd), -EAGAIN);
	expect_eq(set(fd, 0, 30 * MS, 0), 0);
	expect_eq(take(fd), -EAGAIN);
	expect_eq(sys(__NR_timerfd_gettime, fd, &left), 0);
	expect(left.it_value.tv_sec == 0 && left.it_value.tv_nsec > 0 &&
	       left.it_value.tv_nsec <= 30 * MS);
	expect_eq(left.it_interval.tv_nsec, 0);
	expect_eq(sys(__NR_ppoll, &p, 1, 0, 0, 8), 1);
	expect(now_ns(CLOCK_MONOTONIC) - before >= 30 * MS);
	expect_eq(take(fd), 1);
	expect_eq(take(fd), -EAGAIN);
	sys(__NR_timerfd_gettime, fd, &left);
	expect_eq(left.it_value.tv_nsec, 0);
	close(fd);
}

TEST(periodic_counts_what_was_missed)
{
	int fd = timer(CLOCK_MONOTONIC, 0);
	uint64_t before = now_ns(CLOCK_MONOTONIC);
	long n = 0;

	expect_eq(set(fd, 0, 5 * MS, 5 * MS), 0);
	expect_eq(take(fd) >= 1, 1);
	sleep_ms(52);
	n = take(fd);
	expect(n >= 9);
	expect(n <= (long)((now_ns(CLOCK_MONOTONIC) - before) / (5 * MS)) + 1);
	expect_eq(set(fd, 0, 0, 0), 0);
	expect_eq(sys(__NR_fcntl, fd, F_SETFL, O_NONBLOCK), 0);
	sleep_ms(12);
	expect_eq(take(fd), -EAGAIN);
	close(fd);
}

TEST(the_shortest_interval_lets_the_program_go_on)
{
	int fd = timer(CLOCK_MONOTONIC, 0);
	uint64_t end = now_ns(CLOCK_MONOTONIC) + 30 * MS;
	long n = 0;

	expect_eq(set(fd, 0, 1, 1), 0);
	while (now_ns(CLOCK_MONOTONIC) < end)
		n++;
	expect(n > 10);
	expect(take(fd) >= 30 * MS - 1000);
	for (int i = 0; i < 20; i++)
		expect(take(fd) > 0);
	close(fd);
}

TEST(absolute_times)
{
	static const int clocks[] = { CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME };

	for (int i = 0; i < 3; i++) {
		int fd = timer(clocks[i], 0);
		long due = (long)now_ns(clocks[i]) + 15 * MS;

		require(fd >= 0);
		expect_eq(set(fd, TFD_TIMER_ABSTIME, due, 0), 0);
		expect_eq(take(fd), 1);
		expect((long)now_ns(clocks[i]) >= due);
		/* Past: at once. */
		expect_eq(set(fd, TFD_TIMER_ABSTIME, 1, 0), 0);
		expect_eq(take(fd), 1);
		close(fd);
	}
}

TEST(setting_again_forgets_and_tells_the_old)
{
	int fd = timer(CLOCK_MONOTONIC, TFD_NONBLOCK);
	struct itimerspec soon = { { 0, 0 }, { 0, MS } }, later = { { 1, 0 }, { 100, 0 } }, old;

	sys(__NR_timerfd_settime, fd, 0, &soon, 0);
	sleep_ms(5);
	expect_eq(sys(__NR_timerfd_settime, fd, 0, &later, &old), 0);
	expect_eq(take(fd), -EAGAIN);
	expect_eq(sys(__NR_timerfd_settime, fd, 0, &soon, &old), 0);
	expect(old.it_value.tv_sec >= 98 && old.it_value.tv_sec <= 100);
	expect_eq(old.it_interval.tv_sec, 1);
	close(fd);
}

TEST(bad_arguments_are_refused)
{
	int fd = timer(CLOCK_MONOTONIC, 0), null = open("/dev/null", O_RDONLY);
	struct itimerspec bad = { { 0, 0 }, { 0, 1000000000 } };
	char small[4];

	expect_eq(timer(99, 0), -EINVAL);
	expect_eq(timer(CLOCK_PROCESS_CPUTIME_ID, 0), -EINVAL);
	expect_eq(timer(CLOCK_MONOTONIC, 1), -EINVAL);
	expect_eq(sys(__NR_timerfd_settime, fd, 0, &bad, 0), -EINVAL);
	bad.it_value = (struct timespec){ -1, 0 };
	expect_eq(sys(__NR_timerfd_settime, fd, 0, &bad, 0), -EINVAL);
	expect_eq(set(fd, 0x100, MS, 0), -EINVAL);
	expect_eq(sys(__NR_timerfd_settime, fd, 0, 8, 0), -EFAULT);
	expect_eq(set(null, 0, MS, 0), -EINVAL);
	expect_eq(set(-1, 0, MS, 0), -EBADF);
	expect_eq(sys(__NR_read, fd, small, 4), -EINVAL);
	close(fd);
	close(null);
}
