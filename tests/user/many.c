/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Many of everything at once: a thousand processes with all the descriptors they may have, a
 * thousand threads (or as many as the argument says); and programs that fork, open and map without
 * end, which end by an error and not by the kernel's: others go on, and what they had is free
 * again. man 2 clone, open, mmap: ERRORS.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/lib/abi.h"

enum { PROCESSES = 1000, THREADS = 1000, THREADS_MOST = 20000, FILES = 1024, STACK = 16384 };

static long free_mib(void)
{
	struct sysinfo info;

	sysinfo(&info);
	return (long)(info.freeram * info.mem_unit >> 20);
}

/* Linux begins with as many threads as fit into an eighth of its memory. */
static void linux_allows(int threads)
{
	int fd = open("/proc/sys/kernel/threads-max", O_WRONLY);

	if (fd >= 0)
		dprintf(fd, "%d\n", threads);
	close(fd);
}

/* What was free before is free again, but for what kernels keep for the next time. */
static void expect_free(long before)
{
	long least = before - 48;

	for (int i = 0; i < 200 && free_mib() < least; i++)
		sleep_ms(50);
	if (!expect(free_mib() >= least))
		tap_print("# %ld MiB free before, %ld after\n", before, free_mib());
}

/* Child: all descriptors there may be, then a byte to the parent, then wait for the end of go. */
static void hold_files(int ready, int go)
{
	char c = 0;
	int n;

	while ((n = dup(go)) >= 0 && n < FILES - 1)
		;
	if (n == FILES - 1 && dup(go) < 0 && errno == EMFILE)
		c = 1;
	_exit(write(ready, &c, 1) != 1 || read(go, &c, 1) != 0);
}

TEST(a_thousand_processes_with_all_their_descriptors)
{
	struct rlimit limit = { FILES, FILES };
	static int pids[PROCESSES];
	int count = on_stet() ? PROCESSES : PROCESSES / 4; /* where it is the test that is tried */
	int ready[2], go[2], good = 0, status;
	long before = free_mib();
	char c;

	require(!setrlimit(RLIMIT_NOFILE, &limit) && !pipe(ready) && !pipe(go));
	for (int i = 0; i < count; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			close(go[1]);
			hold_files(ready[1], go[0]);
		}
		if (!expect(pids[i] > 0))
			break;
	}
	for (int i = 0; i < count && !tap_failed; i++)
		good += read(ready[0], &c, 1) == 1 && c == 1;
	expect_eq(good, count);
	close(go[1]);
	for (int i = 0; i < count && pids[i] > 0; i++) {
		expect_eq(waitpid(pids[i], &status, 0), pids[i]);
		expect_eq(status, 0);
	}
	close(ready[0]), close(ready[1]), close(go[0]);
	expect_free(before);
}

static pthread_barrier_t barrier;
static _Atomic uint64_t sum;

static void *add_and_wait(void *arg)
{
	sum += (uintptr_t)arg;
	pthread_barrier_wait(&barrier);
	return NULL;
}

TEST(many_threads)
{
	static pthread_t threads[THREADS_MOST];
	unsigned wanted = tap_argc > 1 ? (unsigned)atoi(tap_argv[1]) % THREADS_MOST : THREADS;
	long before = free_mib();
	pthread_attr_t attr;
	unsigned made = 0;

	linux_allows((int)wanted + 200);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	pthread_barrier_init(&barrier, NULL, wanted + 1);
	while (made < wanted && expect_eq(pthread_create(&threads[made], &attr, add_and_wait,
							 (void *)(uintptr_t)made),
					  0))
		made++;
	if (made < wanted)
		_exit(1); /* the others wait for ever */
	pthread_barrier_wait(&barrier);
	for (unsigned i = 0; i < wanted; i++)
		pthread_join(threads[i], NULL);
	expect_eq(sum, (uint64_t)wanted * (wanted - 1) / 2);
	expect_free(before);
}

/* ---- without end ---- */

/* Run fn in a child that leads a group; 0 from it is right. All of its group end then. */
static void in_child(int (*fn)(void))
{
	long before = free_mib();
	int status = -1, pid = fork();

	if (pid == 0) {
		setpgid(0, 0);
		_exit(fn());
	}
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	kill(-pid, SIGKILL);
	/* Where this is the first program, all those are its children now. */
	for (int orphan; waitpid(-1, &orphan, 0) > 0 || errno == EINTR;)
		;
	/* by an error, or because it was the one that had most */
	if (!expect(status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)))
		tap_print("# status %#x\n", status);
	expect_free(before);
}

static int fork_without_end(void)
{
	int pid;

	for (;;) {
		pid = fork();
		if (pid == 0)
			for (;;)
				pause();
		if (pid < 0)
			return errno != EAGAIN && errno != ENOMEM;
	}
}

TEST(forks_without_end)
{
	if (tap_argc < 2)
		return tap_skip("takes a minute on a busy machine: with an argument");
	linux_allows(3000);
	in_child(fork_without_end);
	linux_allows(8000);
}

static void *stay(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static int thread_without_end(void)
{
	pthread_attr_t attr;
	pthread_t thread;
	int err;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	do
		err = pthread_create(&thread, &attr, stay, NULL);
	while (!err);
	return err != EAGAIN && err != ENOMEM;
}

TEST(threads_without_end)
{
	if (tap_argc < 2)
		return tap_skip("takes a minute on a busy machine: with an argument");
	linux_allows(20000);
	in_child(thread_without_end);
	linux_allows(8000);
}

static int open_without_end(void)
{
	int fds[2];

	for (;;)
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
			return errno != EMFILE && errno != ENFILE && errno != ENOMEM;
}

static int open_in_many(void)
{
	for (int i = 0; i < 60; i++) {
		int pid = fork();

		if (pid == 0) {
			open_without_end();
			for (;;)
				pause();
		}
	}
	return open_without_end();
}

TEST(opens_without_end)
{
	in_child(open_in_many);
}

/* Areas that cannot be one, none of them used. */
static int map_without_end(void)
{
	for (unsigned n = 0;; n++)
		if (mmap(NULL, 4096, n & 1 ? PROT_READ : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			 0) == MAP_FAILED)
			return errno != ENOMEM;
}

TEST(maps_without_end)
{
	in_child(map_without_end);
}

/* A program that wants a page when another has all: the other one ends. */
TEST(who_has_most_ends_and_not_who_asks)
{
	size_t size = 16ul << 30;
	char *little =
		mmap(NULL, 4 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int status = 0, pid = fork();
	char *p;

	if (pid == 0) {
		int fd = open("/proc/self/oom_score_adj", O_WRONLY);

		if (fd >= 0 && write(fd, "1000", 4) < 0)
			_exit(2);
		p = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		for (size_t i = 0; i < size; i += 4096) {
			p[i] = 1;
			if (i % (1 << 20) == 0 && free_mib() < 24)
				sleep_ms(1); /* so that the other one meets the end too */
		}
		_exit(1);
	}
	while (waitpid(pid, &status, WNOHANG) == 0) {
		for (int i = 0; i < 4 << 20; i += 4096)
			little[i]++;
		madvise(little, 4 << 20, MADV_DONTNEED);
	}
	expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	munmap(little, 4 << 20);
}
