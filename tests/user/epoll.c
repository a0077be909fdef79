/* SPDX-License-Identifier: BSD-2-Clause */
/* epoll: level, edge and one-shot, nesting, and files that go away. Linux: man 7 epoll. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include "tests/lib/abi.h"

static int ep, fd;

static long ctl(int op, int file, uint32_t events, uint64_t data)
{
	struct epoll_event e = { .events = events, .data = { .u64 = data } };

	return sys(__NR_epoll_ctl, ep, op, file, &e);
}

/* The events of the first ready file within the time; 0 if none. *data tells which. */
static long wait_one(int timeout, uint64_t *data)
{
	struct epoll_event e = { 0 };
	long n = sys(__NR_epoll_pwait, ep, &e, 1, timeout, 0, 8);

	if (data)
		*data = e.data.u64;
	return n <= 0 ? n : (long)e.events;
}

static void add_one(int file)
{
	uint64_t one = 1;

	sys(__NR_write, file, &one, 8);
}

static void setup(void)
{
	ep = (int)sys(__NR_epoll_create1, EPOLL_CLOEXEC);
	fd = (int)sys(__NR_eventfd2, 0, EFD_NONBLOCK);
}

static void teardown(void)
{
	close(ep);
	close(fd);
}

static void drain(int file)
{
	uint64_t n;

	sys(__NR_read, file, &n, 8);
}

TEST(level_tells_as_long_as_it_is_so)
{
	uint64_t data;

	setup();
	expect_eq(ctl(EPOLL_CTL_ADD, fd, EPOLLIN, 0x123456789abcdef0), 0);
	expect_eq(wait_one(0, NULL), 0);
	add_one(fd);
	for (int i = 0; i < 3; i++) {
		expect_eq(wait_one(0, &data), EPOLLIN);
		expect_eq(data, 0x123456789abcdef0);
	}
	drain(fd);
	expect_eq(wait_one(0, NULL), 0);
	teardown();
}

TEST(edge_tells_once_for_each_write)
{
	setup();
	add_one(fd);
	expect_eq(ctl(EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLET, 1), 0);
	expect_eq(wait_one(0, NULL), EPOLLIN);
	expect_eq(wait_one(0, NULL), 0);
	add_one(fd);
	expect_eq(wait_one(0, NULL), EPOLLIN);
	expect_eq(wait_one(0, NULL), 0);
	drain(fd);
	expect_eq(wait_one(0, NULL), 0);
	add_one(fd);
	expect_eq(wait_one(0, NULL), EPOLLIN);
	teardown();
}

TEST(oneshot_is_quiet_until_modified)
{
	setup();
	add_one(fd);
	ctl(EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLONESHOT, 1);
	expect_eq(wait_one(0, NULL), EPOLLIN);
	add_one(fd);
	expect_eq(wait_one(0, NULL), 0);
	expect_eq(ctl(EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLONESHOT, 2), 0);
	expect_eq(wait_one(0, NULL), EPOLLIN);
	expect_eq(wait_one(0, NULL), 0);
	teardown();
}

TEST(modify_and_delete)
{
	uint64_t data;

	setup();
	add_one(fd);
	ctl(EPOLL_CTL_ADD, fd, EPOLLIN, 1);
	expect_eq(ctl(EPOLL_CTL_MOD, fd, EPOLLOUT, 2), 0);
	expect_eq(wait_one(0, &data), EPOLLOUT);
	expect_eq(data, 2);
	expect_eq(ctl(EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLOUT, 3), 0);
	expect_eq(wait_one(0, &data), EPOLLIN | EPOLLOUT);
	expect_eq(ctl(EPOLL_CTL_DEL, fd, 0, 0), 0);
	expect_eq(wait_one(0, NULL), 0);
	expect_eq(ctl(EPOLL_CTL_DEL, fd, 0, 0), -ENOENT);
	expect_eq(ctl(EPOLL_CTL_MOD, fd, 0, 0), -ENOENT);
	teardown();
}

TEST(bad_arguments_are_refused)
{
	struct epoll_event e;
	int file = open("/", O_RDONLY);

	setup();
	expect_eq(sys(__NR_epoll_create1, 1), -EINVAL);
	expect_eq(ctl(EPOLL_CTL_ADD, fd, EPOLLIN, 0), 0);
	expect_eq(ctl(EPOLL_CTL_ADD, fd, EPOLLIN, 0), -EEXIST);
	expect_eq(ctl(EPOLL_CTL_ADD, ep, EPOLLIN, 0), -EINVAL);
	expect_eq(ctl(EPOLL_CTL_ADD, -1, EPOLLIN, 0), -EBADF);
	expect_eq(ctl(EPOLL_CTL_ADD, file, EPOLLIN, 0), -EPERM);
	expect_eq(ctl(77, fd, EPOLLIN, 0), -EINVAL);
	expect_eq(sys(__NR_epoll_ctl, fd, EPOLL_CTL_ADD, ep, &e), -EINVAL);
	expect_eq(sys(__NR_epoll_ctl, ep, EPOLL_CTL_MOD, fd, 8), -EFAULT);
	expect_eq(sys(__NR_epoll_pwait, ep, &e, 0, 0, 0, 8), -EINVAL);
	expect_eq(sys(__NR_epoll_pwait, ep, &e, -1, 0, 0, 8), -EINVAL);
	expect_eq(sys(__NR_epoll_pwait, fd, &e, 1, 0, 0, 8), -EINVAL);
	expect_eq(sys(__NR_epoll_pwait, -1, &e, 1, 0, 0, 8), -EBADF);
	add_one(fd);
	expect_eq(sys(__NR_epoll_pwait, ep, 8, 1, 0, 0, 8), -EFAULT);
	close(file);
	teardown();
}

TEST(many_files_and_no_one_starves)
{
	struct epoll_event e[3];
	int files[10], seen[10] = { 0 };

	setup();
	for (int i = 0; i < 10; i++) {
		files[i] = (int)sys(__NR_eventfd2, 1, EFD_NONBLOCK);
		ctl(EPOLL_CTL_ADD, files[i], EPOLLIN, (uint64_t)i);
	}
	/* Three at a time, all stay ready: each must have its turn. */
	for (int round = 0; round < 8; round++) {
		long n = sys(__NR_epoll_pwait, ep, e, 3, 0, 0, 8);

		expect_eq(n, 3);
		for (int i = 0; i < n; i++)
			seen[e[i].data.u64]++;
	}
	for (int i = 0; i < 10; i++) {
		expect(seen[i] >= 2);
		close(files[i]);
	}
	expect_eq(wait_one(0, NULL), 0);
	teardown();
}

TEST(a_pipe_that_hangs_up_is_told_unasked)
{
	int ends[2];

	setup();
	sys(__NR_pipe2, ends, 0);
	ctl(EPOLL_CTL_ADD, ends[0], 0, 1);
	expect_eq(wait_one(0, NULL), 0);
	close(ends[1]);
	expect_eq(wait_one(0, NULL), EPOLLHUP);
	close(ends[0]);
	teardown();
}

TEST(an_epoll_within_an_epoll)
{
	uint64_t data;
	int inner;

	setup();
	inner = ep;
	ctl(EPOLL_CTL_ADD, fd, EPOLLIN, 1);
	ep = (int)sys(__NR_epoll_create1, 0);
	expect_eq(ctl(EPOLL_CTL_ADD, inner, EPOLLIN, 2), 0);
	expect_eq(wait_one(0, NULL), 0);
	add_one(fd);
	expect_eq(wait_one(1000, &data), EPOLLIN);
	expect_eq(data, 2);
	close(ep);
	ep = inner;
	teardown();
}

static void *write_later(void *arg)
{
	sleep_ms(20);
	add_one(*(int *)arg);
	return NULL;
}

TEST(a_wait_ends_by_event_or_by_time)
{
	uint64_t before = now_ns(CLOCK_MONOTONIC), took;
	pthread_t t;

	setup();
	ctl(EPOLL_CTL_ADD, fd, EPOLLIN, 1);
	expect_eq(wait_one(30, NULL), 0);
	took = now_ns(CLOCK_MONOTONIC) - before;
	expect(took >= 30000000 && took < 3000000000);
	pthread_create(&t, NULL, write_later, &fd);
	expect_eq(wait_one(-1, NULL), EPOLLIN);
	pthread_join(t, NULL);
	teardown();
}

static volatile int caught;

static void on_signal(int signo)
{
	caught = signo;
}

static void *signal_later(void *tid)
{
	sleep_ms(30);
	sys(__NR_tgkill, getpid(), *(int *)tid, SIGUSR1);
	return NULL;
}

TEST(a_signal_ends_a_wait)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	int tid = (int)sys(__NR_gettid);
	pthread_t t;

	setup();
	sigaction(SIGUSR1, &sa, NULL);
	pthread_create(&t, NULL, signal_later, &tid);
	expect_eq(wait_one(10000, NULL), -EINTR);
	expect_eq(caught, SIGUSR1);
	pthread_join(t, NULL);
	teardown();
}

TEST(a_mask_holds_for_the_wait)
{
	uint64_t empty = 0, usr1 = 1ul << (SIGUSR1 - 1);
	struct epoll_event e;

	setup();
	caught = 0;
	sys(__NR_rt_sigprocmask, SIG_BLOCK, &usr1, 0, 8);
	sys(__NR_tgkill, getpid(), sys(__NR_gettid), SIGUSR1);
	expect_eq(sys(__NR_epoll_pwait, ep, &e, 1, 0, &usr1, 8), 0);
	expect_eq(caught, 0);
	expect_eq(sys(__NR_epoll_pwait, ep, &e, 1, 5000, &empty, 8), -EINTR);
	expect_eq(caught, SIGUSR1);
	sys(__NR_rt_sigprocmask, SIG_UNBLOCK, &usr1, 0, 8);
	expect_eq(sys(__NR_epoll_pwait, ep, &e, 1, 0, &empty, 4), -EINVAL);
	teardown();
}

TEST(timers_wake_it)
{
	struct itimerspec soon = { .it_value = { 0, 20000000 } };
	int timer = (int)sys(__NR_timerfd_create, CLOCK_MONOTONIC, TFD_NONBLOCK);

	setup();
	ctl(EPOLL_CTL_ADD, timer, EPOLLIN, 1);
	sys(__NR_timerfd_settime, timer, 0, &soon, 0);
	expect_eq(wait_one(10000, NULL), EPOLLIN);
	close(timer);
	teardown();
}
