/* SPDX-License-Identifier: BSD-2-Clause */
/* ppoll and pselect6: events, time-outs, signal masks, and bad descriptors. Linux: man 2 poll. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include "tests/lib/abi.h"

static volatile int caught;

static long poll_ms(struct pollfd *p, unsigned n, long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	return sys(__NR_ppoll, p, n, ms < 0 ? NULL : &t, 0, 8);
}

static void add_one(int fd)
{
	uint64_t one = 1;

	sys(__NR_write, fd, &one, 8);
}

TEST(each_file_answers_for_itself)
{
	int fd = eventfd(0, EFD_NONBLOCK), file = open("/", O_RDONLY), ends[2];
	struct pollfd p[5] = { { fd, POLLIN | POLLOUT, 99 },
			       { file, POLLIN, 99 },
			       { 0, POLLIN, 99 } };

	sys(__NR_pipe2, ends, 0);
	p[2].fd = ends[0];
	p[3] = (struct pollfd){ ends[1], POLLOUT, 99 };
	p[4] = (struct pollfd){ -1, POLLIN, 99 };
	expect_eq(poll_ms(p, 5, 0), 3);
	expect_eq(p[0].revents, POLLOUT);
	expect_eq(p[1].revents, POLLIN);
	expect_eq(p[2].revents, 0);
	expect_eq(p[3].revents, POLLOUT);
	expect_eq(p[4].revents, 0);
	close(fd);
	close(file);
	close(ends[0]);
	close(ends[1]);
}

TEST(a_closed_descriptor_is_pollnval)
{
	struct pollfd p = { 900, POLLIN, 0 };

	expect_eq(poll_ms(&p, 1, 1000), 1);
	expect_eq(p.revents, POLLNVAL);
}

TEST(bad_arguments_are_refused)
{
	struct timespec bad = { 0, 1000000000 }, negative = { -1, 0 };
	struct pollfd p = { 0, POLLIN, 0 };

	expect_eq(sys(__NR_ppoll, 8, 1, 0, 0, 8), -EFAULT);
	expect_eq(sys(__NR_ppoll, &p, 1, &bad, 0, 8), -EINVAL);
	expect_eq(sys(__NR_ppoll, &p, 1, &negative, 0, 8), -EINVAL);
	expect_eq(sys(__NR_ppoll, &p, 1, 8, 0, 8), -EFAULT);
	expect_eq(sys(__NR_ppoll, &p, -1, 0, 0, 8), -EINVAL);
	expect_eq(sys(__NR_ppoll, &p, 1, &bad, &p, 4), -EINVAL);
}

TEST(no_files_is_a_sleep)
{
	uint64_t before = now_ns(CLOCK_MONOTONIC), took;

	expect_eq(poll_ms(NULL, 0, 30), 0);
	took = now_ns(CLOCK_MONOTONIC) - before;
	expect(took >= 30000000 && took < 3000000000);
}

static void *write_later(void *fd)
{
	sleep_ms(20);
	add_one(*(int *)fd);
	return NULL;
}

TEST(an_event_ends_the_wait)
{
	int fds[2] = { eventfd(0, EFD_NONBLOCK), eventfd(0, EFD_NONBLOCK) };
	struct pollfd p[2] = { { fds[0], POLLIN, 0 }, { fds[1], POLLIN, 0 } };
	pthread_t t;

	pthread_create(&t, NULL, write_later, &fds[1]);
	expect_eq(poll_ms(p, 2, -1), 1);
	expect_eq(p[0].revents, 0);
	expect_eq(p[1].revents, POLLIN);
	pthread_join(t, NULL);
	close(fds[0]);
	close(fds[1]);
}

TEST(a_file_listed_twice_answers_twice)
{
	int fd = eventfd(1, EFD_NONBLOCK);
	struct pollfd p[2] = { { fd, POLLIN, 0 }, { fd, POLLOUT, 0 } };

	expect_eq(poll_ms(p, 2, 0), 2);
	expect_eq(p[0].revents, POLLIN);
	expect_eq(p[1].revents, POLLOUT);
	close(fd);
}

TEST(two_hundred_files)
{
	static struct pollfd p[200];
	int fd = eventfd(0, EFD_NONBLOCK);
	pthread_t t;

	for (int i = 0; i < 200; i++)
		p[i] = (struct pollfd){ dup(fd), POLLIN, 0 };
	pthread_create(&t, NULL, write_later, &fd);
	expect(poll_ms(p, 200, -1) >= 1);
	expect_eq(poll_ms(p, 200, 0), 200);
	pthread_join(t, NULL);
	for (int i = 0; i < 200; i++)
		close(p[i].fd);
	close(fd);
}

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

TEST(a_signal_ends_the_wait)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	int tid = (int)sys(__NR_gettid);
	pthread_t t;

	sigaction(SIGUSR1, &sa, NULL);
	caught = 0;
	pthread_create(&t, NULL, signal_later, &tid);
	expect_eq(poll_ms(NULL, 0, 10000), -EINTR);
	expect_eq(caught, SIGUSR1);
	pthread_join(t, NULL);
}

TEST(the_mask_holds_for_the_wait_only)
{
	uint64_t empty = 0, usr1 = 1ul << (SIGUSR1 - 1), now = 0;
	struct timespec brief = { 0, 1000000 };

	caught = 0;
	sys(__NR_rt_sigprocmask, SIG_BLOCK, &usr1, 0, 8);
	sys(__NR_tgkill, getpid(), sys(__NR_gettid), SIGUSR1);
	expect_eq(sys(__NR_ppoll, 0, 0, &brief, &usr1, 8), 0);
	expect_eq(caught, 0);
	expect_eq(sys(__NR_ppoll, 0, 0, 0, &empty, 8), -EINTR);
	expect_eq(caught, SIGUSR1);
	sys(__NR_rt_sigprocmask, SIG_BLOCK, 0, &now, 8);
	expect_eq(now, usr1);
	sys(__NR_rt_sigprocmask, SIG_UNBLOCK, &usr1, 0, 8);
}

TEST(the_time_left_is_written_back)
{
	struct timespec t = { 5, 0 };
	int fd = eventfd(1, EFD_NONBLOCK);
	struct pollfd p = { fd, POLLIN, 0 };

	expect_eq(sys(__NR_ppoll, &p, 1, &t, 0, 8), 1);
	expect(t.tv_sec == 4 || (t.tv_sec == 5 && t.tv_nsec == 0));
	close(fd);
}
