/* SPDX-License-Identifier: BSD-2-Clause */
/* Signals taken by read(). Linux: man 2 signalfd. */
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include "tests/lib/abi.h"

TEST(signals_are_read)
{
	struct signalfd_siginfo info[2];
	union sigval value = { .sival_int = 4711 };
	struct pollfd p;
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGRTMIN + 3);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = (int)sys(__NR_signalfd4, -1, &set, 8, SFD_NONBLOCK | SFD_CLOEXEC);
	require(fd >= 0);
	p = (struct pollfd){ fd, POLLIN, 0 };
	expect_eq(sys(__NR_read, fd, info, sizeof(info)), -EAGAIN);
	expect_eq(poll(&p, 1, 0), 0);
	kill(getpid(), SIGUSR2);
	sigqueue(getpid(), SIGRTMIN + 3, value);
	expect_eq(poll(&p, 1, 1000), 1);
	expect_eq(sys(__NR_read, fd, info, sizeof(info)), 2 * sizeof(info[0]));
	expect_eq(info[0].ssi_signo, SIGUSR2);
	expect_eq(info[0].ssi_pid, getpid());
	expect_eq(info[1].ssi_signo, SIGRTMIN + 3);
	expect_eq(info[1].ssi_int, 4711);
	expect_eq(info[1].ssi_code, SI_QUEUE);
	expect_eq(sys(__NR_read, fd, info, sizeof(info)), -EAGAIN);
	expect_eq(sys(__NR_read, fd, info, 8), -EINVAL);
	expect_eq(sys(__NR_signalfd4, 0, &set, 8, 0), -EINVAL);
	expect_eq(sys(__NR_signalfd4, -1, &set, 4, 0), -EINVAL);
	close(fd);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}
