/* SPDX-License-Identifier: BSD-2-Clause */
/* eventfd: a counter to write, read and wait for. Linux: man 2 eventfd. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "tests/lib/abi.h"

static long events(int fd)
{
	struct pollfd p = { fd, POLLIN | POLLOUT, 0 };
	struct timespec now = { 0, 0 };

	sys(__NR_ppoll, &p, 1, &now, 0, 8);
	return p.revents;
}

static long add(int fd, uint64_t n)
{
	return sys(__NR_write, fd, &n, 8);
}

static uint64_t take(int fd)
{
	uint64_t n = 0;
	long r = sys(__NR_read, fd, &n, 8);

	return r == 8 ? n : (uint64_t)r;
}

TEST(writes_add_and_a_read_takes_all)
{
	int fd = (int)sys(__NR_eventfd2, 5, EFD_NONBLOCK);

	require(fd >= 0);
	expect_eq(add(fd, 3), 8);
	expect_eq(add(fd, 0), 8);
	expect_eq(take(fd), 8);
	expect_eq(take(fd), -EAGAIN);
	close(fd);
}

TEST(a_semaphore_gives_one_at_a_time)
{
	int fd = (int)sys(__NR_eventfd2, 2, EFD_NONBLOCK | EFD_SEMAPHORE);

	expect_eq(take(fd), 1);
	expect_eq(take(fd), 1);
	expect_eq(take(fd), -EAGAIN);
	close(fd);
}

TEST(the_counter_has_a_ceiling)
{
	int fd = (int)sys(__NR_eventfd2, 0, EFD_NONBLOCK);

	expect_eq(events(fd), POLLOUT);
	expect_eq(add(fd, ~0ul), -EINVAL);
	expect_eq(add(fd, ~0ul - 1), 8);
	expect_eq(events(fd), POLLIN);
	expect_eq(add(fd, 1), -EAGAIN);
	expect_eq(take(fd), ~0ul - 1);
	expect_eq(events(fd), POLLOUT);
	close(fd);
}

TEST(sizes_and_flags_are_checked)
{
	uint64_t n = 1;
	int fd = (int)sys(__NR_eventfd2, 1, EFD_CLOEXEC | EFD_NONBLOCK);

	expect_eq(sys(__NR_fcntl, fd, F_GETFD), FD_CLOEXEC);
	expect_eq(sys(__NR_eventfd2, 0, 0x10), -EINVAL);
	expect_eq(sys(__NR_read, fd, &n, 7), -EINVAL);
	expect_eq(sys(__NR_write, fd, &n, 7), -EINVAL);
	expect_eq(sys(__NR_read, fd, 8, 8), -EFAULT);
	expect_eq(sys(__NR_write, fd, 8, 8), -EFAULT);
	close(fd);
}

static void *add_later(void *fd)
{
	sleep_ms(20);
	add(*(int *)fd, 7);
	return NULL;
}

TEST(a_read_waits_for_a_write)
{
	int fd = (int)sys(__NR_eventfd2, 0, 0);
	pthread_t t;

	pthread_create(&t, NULL, add_later, &fd);
	expect_eq(take(fd), 7);
	pthread_join(t, NULL);
	close(fd);
}

static void *take_later(void *fd)
{
	sleep_ms(20);
	return (void *)take(*(int *)fd);
}

TEST(a_write_waits_for_room)
{
	int fd = (int)sys(__NR_eventfd2, 0, 0);
	pthread_t t;
	void *taken;

	add(fd, ~0ul - 1);
	pthread_create(&t, NULL, take_later, &fd);
	expect_eq(add(fd, 9), 8);
	pthread_join(t, &taken);
	expect_eq(taken, ~0ul - 1);
	expect_eq(take(fd), 9);
	close(fd);
}

static int ping[2];

static void *echo(void *rounds)
{
	for (unsigned i = 0; i < *(unsigned *)rounds; i++)
		add(ping[1], take(ping[0]));
	return NULL;
}

TEST(round_trips_by_the_thousand)
{
	unsigned rounds = rounds_wanted(1000);
	pthread_t t;
	uint64_t sum = 0;

	ping[0] = (int)sys(__NR_eventfd2, 0, 0);
	ping[1] = (int)sys(__NR_eventfd2, 0, 0);
	pthread_create(&t, NULL, echo, &rounds);
	for (uint64_t i = 1; i <= rounds; i++) {
		add(ping[0], i);
		sum += take(ping[1]);
	}
	pthread_join(t, NULL);
	expect_eq(sum, (uint64_t)rounds * (rounds + 1) / 2);
	close(ping[0]);
	close(ping[1]);
}
