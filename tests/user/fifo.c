/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * FIFOs: open() waits for the other end unless told not to, bytes pass between processes, what nobody
 * has read is gone with the last close. Linux: man 7 fifo.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/lib/abi.h"

static char path[128];

static void make_fifo(void)
{
	strcpy(path, scratch("fifo"));
	unlink(path);
	expect_eq(sys(__NR_mknodat, AT_FDCWD, path, S_IFIFO | 0600, 0), 0);
}

static long open_fifo(int flags)
{
	return sys(__NR_openat, AT_FDCWD, path, flags, 0);
}

/* A child that opens it so after a while, does `act` with the descriptor, and ends. */
static pid_t child(int flags, void (*act)(int fd))
{
	pid_t pid = fork();

	if (pid)
		return pid;
	sleep_ms(50);
	int fd = (int)open_fifo(flags);
	if (fd < 0)
		_exit(1);
	act(fd);
	_exit(0);
}

static int reap(pid_t pid)
{
	int status = -1;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

static void write_five(int fd)
{
	if (write(fd, "hello", 5) != 5)
		_exit(2);
}

static void read_five(int fd)
{
	char got[5];

	if (read(fd, got, 5) != 5 || memcmp(got, "hello", 5))
		_exit(2);
}

static void nothing(int fd)
{
	(void)fd;
}

TEST(a_reader_waits_for_a_writer)
{
	char got[8];
	pid_t pid;
	long fd;

	make_fifo();
	pid = child(O_WRONLY, write_five);
	fd = open_fifo(O_RDONLY);
	require(fd >= 0);
	expect_eq(read((int)fd, got, 8), 5);
	expect_eq(reap(pid), 0);
	expect_eq(read((int)fd, got, 8), 0); /* the writer has gone */
	close((int)fd);
}

TEST(a_writer_waits_for_a_reader)
{
	pid_t pid;
	long fd;

	make_fifo();
	pid = child(O_RDONLY, read_five);
	fd = open_fifo(O_WRONLY);
	require(fd >= 0);
	expect_eq(write((int)fd, "hello", 5), 5);
	expect_eq(reap(pid), 0);
	signal(SIGPIPE, SIG_IGN);
	expect_eq(sys(__NR_write, fd, "x", 1), -EPIPE);
	signal(SIGPIPE, SIG_DFL);
	close((int)fd);
}

TEST(the_other_end_may_be_gone_again_when_open_returns)
{
	char got;
	pid_t pid;
	long fd;

	make_fifo();
	pid = child(O_WRONLY, nothing);
	fd = open_fifo(O_RDONLY);
	require(fd >= 0);
	expect_eq(reap(pid), 0);
	expect_eq(read((int)fd, &got, 1), 0);
	close((int)fd);
}

TEST(nonblocking_opens)
{
	char got;
	long in;

	make_fifo();
	expect_eq(open_fifo(O_WRONLY | O_NONBLOCK), -ENXIO);
	in = open_fifo(O_RDONLY | O_NONBLOCK);
	require(in >= 0);
	expect_eq(sys(__NR_read, in, &got, 1), 0); /* nobody writes */
	long out = open_fifo(O_WRONLY | O_NONBLOCK);
	require(out >= 0);
	expect_eq(sys(__NR_read, in, &got, 1), -EAGAIN);
	expect_eq(sys(__NR_write, out, "x", 1), 1);
	expect_eq(sys(__NR_read, in, &got, 1), 1);
	expect_eq(sys(__NR_lseek, in, 0, SEEK_SET), -ESPIPE);
	expect_eq(sys(__NR_write, in, "x", 1), -EBADF);
	close((int)in);
	close((int)out);
}

TEST(both_ways_in_one_descriptor)
{
	struct pollfd p;
	struct stat st;
	char got[4];
	long fd;

	make_fifo();
	fd = open_fifo(O_RDWR);
	require(fd >= 0);
	p = (struct pollfd){ (int)fd, POLLIN | POLLOUT, 0 };
	poll(&p, 1, 0);
	expect_eq(p.revents, POLLOUT);
	expect_eq(write((int)fd, "abc", 3), 3);
	poll(&p, 1, 0);
	expect_eq(p.revents, POLLIN | POLLOUT);
	expect_eq(read((int)fd, got, 4), 3);
	expect_eq(fstat((int)fd, &st), 0);
	expect(S_ISFIFO(st.st_mode));
	expect_eq(st.st_mode & 0777, 0600);
	close((int)fd);
}

TEST(what_nobody_read_goes_with_the_last_close)
{
	char got;
	long fd;

	make_fifo();
	fd = open_fifo(O_RDWR);
	require(fd >= 0);
	expect_eq(write((int)fd, "abc", 3), 3);
	close((int)fd);
	fd = open_fifo(O_RDONLY | O_NONBLOCK);
	expect_eq(sys(__NR_read, fd, &got, 1), 0);
	close((int)fd);
	unlink(path);
}

static void wake(int signo)
{
	(void)signo;
}

TEST(a_signal_ends_the_wait)
{
	struct sigaction act = { .sa_handler = wake };
	pid_t pid, me = getpid();

	make_fifo();
	sigaction(SIGUSR1, &act, NULL);
	pid = fork();
	if (!pid) {
		sleep_ms(50);
		for (int n = 0; n < 100; n++) { /* the first may come before the wait */
			kill(me, SIGUSR1);
			sleep_ms(20);
		}
		_exit(0);
	}
	expect_eq(open_fifo(O_RDONLY), -EINTR);
	kill(pid, SIGKILL);
	reap(pid);
	expect_eq(open_fifo(O_WRONLY | O_NONBLOCK), -ENXIO); /* and left nothing behind */
	unlink(path);
}
