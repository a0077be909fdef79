/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Locks on files: record locks of processes and of open files (man 2 fcntl), and flock(2): who is in
 * the way, how ranges are cut, what closing gives up, waiting.
 */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "tests/lib/abi.h"

static char path[128];

static int open_file(void)
{
	strcpy(path, scratch("lock"));
	return open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

static long lock(int fd, int cmd, short type, long start, long length)
{
	struct flock l = { .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length };

	return sys(__NR_fcntl, fd, cmd, &l);
}

/* Ask as another process: the type of the lock in the way, its range and owner. */
struct seen {
	struct flock lock;
	long result;
};

static struct seen ask(int cmd, short type, long start, long length)
{
	struct seen seen = { .result = -1 };
	int ends[2], status;
	pid_t pid;

	if (pipe(ends))
		return seen;
	pid = fork();
	if (!pid) {
		int fd = open(path, O_RDWR);
		struct seen s = { .lock = { .l_type = type, .l_start = start, .l_len = length } };

		s.result = sys(__NR_fcntl, fd, cmd, &s.lock);
		_exit(write(ends[1], &s, sizeof(s)) != sizeof(s));
	}
	close(ends[1]);
	expect_eq(read(ends[0], &seen, sizeof(seen)), sizeof(seen));
	close(ends[0]);
	waitpid(pid, &status, 0);
	return seen;
}

/* Could another process lock it so? */
static long other(short type, long start, long length)
{
	return ask(F_SETLK, type, start, length).result;
}

TEST(readers_share_and_writers_do_not)
{
	int fd = open_file();

	require(fd >= 0);
	expect_eq(lock(fd, F_SETLK, F_RDLCK, 10, 10), 0);
	expect_eq(other(F_RDLCK, 0, 0), 0);
	expect_eq(other(F_WRLCK, 15, 1), -EAGAIN);
	expect_eq(other(F_WRLCK, 20, 1), 0);
	expect_eq(other(F_WRLCK, 0, 10), 0);
	expect_eq(lock(fd, F_SETLK, F_WRLCK, 10, 10), 0); /* one's own is never in the way */
	expect_eq(other(F_RDLCK, 19, 1), -EAGAIN);
	expect_eq(lock(fd, F_SETLK, F_UNLCK, 0, 0), 0);
	expect_eq(other(F_WRLCK, 0, 0), 0);
	close(fd);
}

TEST(who_is_in_the_way)
{
	struct seen s;
	int fd = open_file();

	require(fd >= 0);
	expect_eq(lock(fd, F_SETLK, F_WRLCK, 100, 0), 0);
	s = ask(F_GETLK, F_RDLCK, 0, 0);
	expect_eq(s.result, 0);
	expect_eq(s.lock.l_type, F_WRLCK);
	expect_eq(s.lock.l_start, 100);
	expect_eq(s.lock.l_len, 0);
	expect_eq(s.lock.l_pid, getpid());
	s = ask(F_GETLK, F_WRLCK, 0, 100);
	expect_eq(s.lock.l_type, F_UNLCK);
	close(fd);
}

TEST(a_lock_is_cut)
{
	int fd = open_file();

	require(fd >= 0);
	expect_eq(lock(fd, F_SETLK, F_WRLCK, 0, 30), 0);
	expect_eq(lock(fd, F_SETLK, F_UNLCK, 10, 10), 0);
	expect_eq(other(F_WRLCK, 9, 1), -EAGAIN);
	expect_eq(other(F_WRLCK, 10, 10), 0);
	expect_eq(other(F_WRLCK, 20, 1), -EAGAIN);
	expect_eq(lock(fd, F_SETLK, F_RDLCK, 5, 20), 0);
	expect_eq(other(F_RDLCK, 4, 1), -EAGAIN);
	expect_eq(other(F_RDLCK, 5, 20), 0);
	expect_eq(other(F_RDLCK, 25, 1), -EAGAIN);
	close(fd);
}

TEST(any_close_gives_up_a_process_locks)
{
	int fd = open_file(), again = open_file();

	require(fd >= 0 && again >= 0);
	expect_eq(lock(fd, F_SETLK, F_WRLCK, 0, 0), 0);
	expect_eq(other(F_RDLCK, 0, 1), -EAGAIN);
	close(again);
	expect_eq(other(F_RDLCK, 0, 1), 0);
	expect_eq(lock(fd, F_SETLK, F_WRLCK, 0, 0), 0);
	close(fd);
	expect_eq(other(F_WRLCK, 0, 0), 0);
}

TEST(an_open_file_keeps_its_own)
{
	int fd = open_file(), copy = dup(fd), again = open_file();

	require(fd >= 0 && copy >= 0 && again >= 0);
	expect_eq(lock(fd, F_OFD_SETLK, F_WRLCK, 0, 10), 0);
	expect_eq(lock(copy, F_OFD_SETLK, F_WRLCK, 5, 10), 0); /* the same open file */
	expect_eq(lock(again, F_OFD_SETLK, F_RDLCK, 0, 1), -EAGAIN);
	expect_eq(lock(again, F_SETLK, F_RDLCK, 14, 1), -EAGAIN);
	expect_eq(ask(F_GETLK, F_WRLCK, 0, 0).lock.l_pid, -1);
	close(copy);
	expect_eq(other(F_WRLCK, 0, 1), -EAGAIN);
	close(fd);
	expect_eq(other(F_WRLCK, 0, 0), 0);
	close(again);
}

TEST(whole_files_by_flock)
{
	int fd = open_file(), again = open_file();

	require(fd >= 0 && again >= 0);
	expect_eq(sys(__NR_flock, fd, LOCK_SH), 0);
	expect_eq(sys(__NR_flock, again, LOCK_SH | LOCK_NB), 0);
	expect_eq(sys(__NR_flock, fd, LOCK_EX | LOCK_NB), -EAGAIN);
	expect_eq(sys(__NR_flock, again, LOCK_UN), 0);
	expect_eq(sys(__NR_flock, fd, LOCK_EX | LOCK_NB), 0);
	expect_eq(sys(__NR_flock, again, LOCK_SH | LOCK_NB), -EAGAIN);
	expect_eq(other(F_WRLCK, 0, 0), 0); /* the two kinds do not see each other */
	close(fd);
	expect_eq(sys(__NR_flock, again, LOCK_EX | LOCK_NB), 0);
	close(again);
}

static void wake(int signo)
{
	(void)signo;
}

static pid_t holder(int how, unsigned ms)
{
	int ends[2];
	char ready;
	pid_t pid;

	if (pipe(ends))
		return -1;
	pid = fork();
	if (!pid) {
		int fd = open(path, O_RDWR);

		if (how ? flock(fd, how) : (int)lock(fd, F_SETLK, F_WRLCK, 0, 0))
			_exit(1);
		ready = 1;
		if (write(ends[1], &ready, 1) != 1)
			_exit(2);
		sleep_ms(ms);
		_exit(0);
	}
	expect_eq(read(ends[0], &ready, 1), 1);
	close(ends[0]);
	close(ends[1]);
	return pid;
}

TEST(waiting)
{
	int fd = open_file(), status;
	uint64_t start;
	pid_t pid;

	require(fd >= 0);
	for (int how = 0; how <= LOCK_EX; how += LOCK_EX) {
		pid = holder(how, 150);
		start = now_ns(CLOCK_MONOTONIC);
		expect_eq(how ? sys(__NR_flock, fd, LOCK_EX) : lock(fd, F_SETLKW, F_WRLCK, 3, 1), 0);
		expect(now_ns(CLOCK_MONOTONIC) - start > 20000000);
		expect_eq(waitpid(pid, &status, 0), pid);
		expect_eq(status, 0);
	}
	close(fd);
}

TEST(a_signal_ends_the_wait)
{
	struct sigaction act = { .sa_handler = wake };
	int fd = open_file(), status;
	pid_t pid, me = getpid(), killer;

	require(fd >= 0);
	sigaction(SIGUSR1, &act, NULL);
	pid = holder(0, 60000);
	killer = fork();
	if (!killer) {
		for (;;) {
			sleep_ms(30);
			kill(me, SIGUSR1);
		}
	}
	expect_eq(lock(fd, F_SETLKW, F_WRLCK, 0, 0), -EINTR);
	kill(killer, SIGKILL);
	kill(pid, SIGKILL);
	waitpid(killer, &status, 0);
	waitpid(pid, &status, 0);
	expect_eq(other(F_WRLCK, 0, 0), 0); /* the killed holder's are gone */
	close(fd);
}

TEST(bad_arguments)
{
	int fd = open_file(), in = open("/dev/null", O_RDONLY);
	struct flock l = { .l_type = 9 };

	require(fd >= 0 && in >= 0);
	expect_eq(sys(__NR_fcntl, fd, F_SETLK, &l), -EINVAL);
	expect_eq(lock(fd, F_SETLK, F_WRLCK, -1, 5), -EINVAL);
	expect_eq(lock(fd, F_SETLK, F_WRLCK, INT64_MAX, 5), -EOVERFLOW);
	expect_eq(lock(fd, F_SETLK, F_WRLCK, 5, -5), 0);
	expect_eq(lock(fd, F_SETLK, F_WRLCK, 5, -6), -EINVAL);
	expect_eq(lock(in, F_SETLK, F_WRLCK, 0, 0), -EBADF);
	expect_eq(sys(__NR_fcntl, fd, F_SETLK, 8), -EFAULT);
	expect_eq(sys(__NR_flock, fd, 0), -EINVAL);
	expect_eq(sys(__NR_flock, fd, 3), -EINVAL);
	expect_eq(sys(__NR_flock, 999, LOCK_SH), -EBADF);
	close(fd);
	close(in);
	unlink(path);
}
