/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pipes: bytes in order, blocking and not, ends closed, capacity and atomic writes. Linux: man 7
 * pipe.
 */
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include "tests/lib/abi.h"

static int ends[2];

static void open_pipe(int flags)
{
	expect_eq(sys(__NR_pipe2, ends, flags), 0);
}

static void close_pipe(void)
{
	close(ends[0]);
	close(ends[1]);
}

static long events(int fd, short wanted)
{
	struct pollfd p = { fd, wanted, 0 };
	struct timespec now = { 0, 0 };

	sys(__NR_ppoll, &p, 1, &now, 0, 8);
	return p.revents;
}

TEST(bytes_come_out_in_order)
{
	char got[16] = { 0 };
	struct iovec parts[] = { { "gh", 2 }, { "ijk", 3 } };

	open_pipe(0);
	expect_eq(sys(__NR_write, ends[1], "abc", 3), 3);
	expect_eq(sys(__NR_write, ends[1], "def", 3), 3);
	expect_eq(sys(__NR_writev, ends[1], parts, 2), 5);
	expect_eq(sys(__NR_read, ends[0], got, 4), 4);
	expect_eq(memcmp(got, "abcd", 4), 0);
	expect_eq(sys(__NR_read, ends[0], got, 16), 7);
	expect_eq(memcmp(got, "efghijk", 7), 0);
	close_pipe();
}

TEST(flags_are_checked_and_kept)
{
	expect_eq(sys(__NR_pipe2, ends, 0x1), -EINVAL);
	expect_eq(sys(__NR_pipe2, 8, 0), -EFAULT);
	open_pipe(O_CLOEXEC | O_NONBLOCK);
	for (int i = 0; i < 2; i++) {
		expect_eq(sys(__NR_fcntl, ends[i], F_GETFD), FD_CLOEXEC);
		expect_eq(sys(__NR_fcntl, ends[i], F_GETFL) & (O_ACCMODE | O_NONBLOCK),
			  (i ? O_WRONLY : O_RDONLY) | O_NONBLOCK);
	}
	close_pipe();
}

TEST(each_end_does_one_thing)
{
	char c;
	struct stat st;

	open_pipe(0);
	expect_eq(sys(__NR_read, ends[1], &c, 1), -EBADF);
	expect_eq(sys(__NR_write, ends[0], &c, 1), -EBADF);
	expect_eq(sys(__NR_lseek, ends[0], 0, SEEK_CUR), -ESPIPE);
	expect_eq(sys(__NR_pread64, ends[0], &c, 1, 0), -ESPIPE);
	expect_eq(sys(__NR_fstat, ends[0], &st), 0);
	expect(S_ISFIFO(st.st_mode));
	close_pipe();
}

TEST(nonblocking_ends_say_eagain)
{
	char block[4096] = { 0 };
	long total = 0, n;

	open_pipe(O_NONBLOCK);
	expect_eq(sys(__NR_read, ends[0], block, 1), -EAGAIN);
	while ((n = sys(__NR_write, ends[1], block, sizeof(block))) > 0)
		total += n;
	expect_eq(n, -EAGAIN);
	expect_eq(total, 65536);
	expect_eq(sys(__NR_read, ends[0], block, 4096), 4096);
	expect_eq(sys(__NR_write, ends[1], block, 4096), 4096);
	close_pipe();
}

TEST(a_closed_writer_is_the_end)
{
	char got[4];

	open_pipe(0);
	sys(__NR_write, ends[1], "ab", 2);
	close(ends[1]);
	expect_eq(sys(__NR_read, ends[0], got, 4), 2);
	expect_eq(sys(__NR_read, ends[0], got, 4), 0);
	expect_eq(events(ends[0], POLLIN) & POLLHUP, POLLHUP);
	close(ends[0]);
}

TEST(a_closed_reader_is_epipe_and_sigpipe)
{
	struct sigaction sa = { .sa_handler = SIG_IGN };

	sigaction(SIGPIPE, &sa, NULL);
	open_pipe(0);
	close(ends[0]);
	expect_eq(sys(__NR_write, ends[1], "a", 1), -EPIPE);
	expect_eq(events(ends[1], POLLOUT) & POLLERR, POLLERR);
	close(ends[1]);
	sa.sa_handler = SIG_DFL;
	sigaction(SIGPIPE, &sa, NULL);
}

TEST(poll_tells_what_would_not_block)
{
	char block[65536] = { 0 };

	open_pipe(0);
	expect_eq(events(ends[0], POLLIN), 0);
	expect_eq(events(ends[1], POLLOUT), POLLOUT);
	sys(__NR_write, ends[1], block, 65536);
	expect_eq(events(ends[0], POLLIN), POLLIN);
	expect_eq(events(ends[1], POLLOUT), 0);
	sys(__NR_read, ends[0], block, 65536);
	expect_eq(events(ends[1], POLLOUT), POLLOUT);
	close_pipe();
}

TEST(fionread_counts)
{
	int n = -1;

	open_pipe(0);
	sys(__NR_write, ends[1], "hello", 5);
	expect_eq(sys(__NR_ioctl, ends[0], FIONREAD, &n), 0);
	expect_eq(n, 5);
	close_pipe();
}

enum { BIG = 1000000 };

static void *write_big(void *arg)
{
	static unsigned char big[BIG];
	long n;

	(void)arg;
	for (int i = 0; i < BIG; i++)
		big[i] = (unsigned char)(i * 7 + i / 256);
	n = sys(__NR_write, ends[1], big, BIG);
	close(ends[1]);
	return (void *)n;
}

TEST(a_long_write_waits_for_its_reader)
{
	static unsigned char got[5000];
	long n, at = 0, wrong = 0;
	pthread_t t;
	void *written;

	open_pipe(0);
	pthread_create(&t, NULL, write_big, NULL);
	while ((n = sys(__NR_read, ends[0], got, 1 + at % 5000)) > 0) {
		for (long i = 0; i < n; i++)
			wrong += got[i] != (unsigned char)((at + i) * 7 + (at + i) / 256);
		at += n;
	}
	pthread_join(t, &written);
	expect_eq(written, BIG);
	expect_eq(at, BIG);
	expect_eq(wrong, 0);
	close(ends[0]);
}

static void *write_records(void *arg)
{
	char record[100];

	memset(record, 'a' + (int)(long)arg, sizeof(record));
	for (int i = 0; i < 500; i++)
		sys(__NR_write, ends[1], record, sizeof(record));
	return NULL;
}

TEST(short_writes_are_not_mixed)
{
	pthread_t t[4];
	char record[100];
	int torn = 0, count = 0;

	open_pipe(0);
	for (long i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, write_records, (void *)i);
	while (count < 2000) {
		for (int have = 0; have < 100;)
			have += (int)sys(__NR_read, ends[0], record + have, 100 - have);
		for (int i = 1; i < 100; i++)
			torn += record[i] != record[0];
		count++;
	}
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	expect_eq(torn, 0);
	close_pipe();
}

TEST(a_faulting_buffer_loses_nothing)
{
	char got[4] = { 0 };

	open_pipe(0);
	sys(__NR_write, ends[1], "abc", 3);
	expect_eq(sys(__NR_read, ends[0], 8, 3), -EFAULT);
	expect_eq(sys(__NR_write, ends[1], 8, 3), -EFAULT);
	expect_eq(sys(__NR_read, ends[0], got, 4), 3);
	expect_eq(memcmp(got, "abc", 3), 0);
	close_pipe();
}

struct closer {
	int fd;
	pthread_barrier_t *start;
};

static void *close_at_once(void *arg)
{
	struct closer *c = arg;

	pthread_barrier_wait(c->start);
	close(c->fd);
	return NULL;
}

/* The last of two that leave at the same time frees the pipe, and the other must be done with it by then. */
TEST(both_ends_closed_at_once)
{
	for (int round = 0; round < 300; round++) {
		pthread_barrier_t start;
		pthread_t thread;
		struct closer here, there;

		open_pipe(0);
		pthread_barrier_init(&start, NULL, 2);
		here = (struct closer){ ends[round & 1], &start };
		there = (struct closer){ ends[!(round & 1)], &start };
		require(!pthread_create(&thread, NULL, close_at_once, &there));
		close_at_once(&here);
		pthread_join(thread, NULL);
	}
}

/* /proc/self/fd/N leads to the pipe: opened anew, each way, and counted as one more end. */
TEST(a_pipe_is_opened_anew_by_its_link)
{
	char path[32], text[64] = "", want[64];
	struct stat st, by_link;
	int in, out, both;

	open_pipe(0);
	sprintf(path, "/proc/self/fd/%d", ends[0]);
	in = open(path, O_RDONLY);
	out = open(path, O_WRONLY | O_NONBLOCK);
	both = open(path, O_RDWR);
	require(in >= 0 && out >= 0 && both >= 0);
	expect_eq(write(out, "new", 3), 3);
	expect_eq(sys(__NR_write, in, "x", 1), -EBADF);
	expect_eq(sys(__NR_read, out, text, 1), -EBADF);
	expect_eq(read(ends[0], text, 9), 3);
	expect_eq(fstat(in, &st) | stat(path, &by_link), 0);
	expect(S_ISFIFO(by_link.st_mode) && st.st_ino == by_link.st_ino);
	sprintf(want, "pipe:[%llu]", (unsigned long long)st.st_ino);
	sprintf(path, "/proc/self/fd/%d", in);
	memset(text, 0, sizeof(text));
	expect(readlink(path, text, sizeof(text)) > 0);
	expect_eq(strcmp(text, want), 0);
	close_pipe();
	expect_eq(write(both, "b", 1), 1);
	expect_eq(read(in, text, 9), 1);
	expect_eq(events(in, POLLIN), 0);
	close(out);
	close(both);
	expect_eq(events(in, POLLIN), POLLHUP);
	expect_eq(read(in, text, 9), 0);
	sprintf(path, "/proc/self/fd/%d", in);
	out = open(path, O_WRONLY); /* a writer again */
	expect_eq(write(out, "c", 1), 1);
	close(in);
	signal(SIGPIPE, SIG_IGN);
	expect_eq(sys(__NR_write, out, "d", 1), -EPIPE);
	close(out);
}
