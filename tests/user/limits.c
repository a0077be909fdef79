/* SPDX-License-Identifier: BSD-2-Clause */
/* Resource limits: kept, inherited, told and set for others, and those that bind everybody. man 2
 * getrlimit. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/lib/abi.h"

enum { MIB = 1 << 20 };

static volatile int signals;

static void count_signal(int signo)
{
	(void)signo;
	signals++;
}

/* Run fn in a child; 0 from it is right. */
static void in_child(int (*fn)(void))
{
	int status = -1, pid = fork();

	if (pid == 0)
		_exit(fn());
	expect_eq(waitpid(pid, &status, 0), pid);
	if (!expect(status == 0))
		tap_print("# status %#x\n", status);
}

static int all_are_kept(void)
{
	for (int i = 0; i < RLIM_NLIMITS; i++) {
		struct rlimit before, lower, now;

		if (getrlimit(i, &before))
			return i + 1;
		lower = (struct rlimit){ before.rlim_max == RLIM_INFINITY ? 1 << 30
									  : before.rlim_max / 2,
					 before.rlim_max };
		if (setrlimit(i, &lower) || getrlimit(i, &now) || now.rlim_cur != lower.rlim_cur ||
		    now.rlim_max != before.rlim_max || setrlimit(i, &before))
			return i + 1;
	}
	return 0;
}

TEST(each_limit_keeps_what_was_set)
{
	struct rlimit bad = { 2, 1 };

	in_child(all_are_kept);
	expect_eq(sys(__NR_setrlimit, RLIMIT_CORE, &bad), -EINVAL);
	expect_eq(sys(__NR_getrlimit, RLIM_NLIMITS, &bad), -EINVAL);
}

static int child_has_parents(void)
{
	struct rlimit limit = { 12345, 54321 }, now;
	int status, pid;

	setrlimit(RLIMIT_CPU, &limit);
	pid = fork();
	if (pid == 0)
		_exit(getrlimit(RLIMIT_CPU, &now) || now.rlim_cur != 12345 ||
		      now.rlim_max != 54321);
	return waitpid(pid, &status, 0) != pid || status;
}

TEST(children_inherit_them)
{
	in_child(child_has_parents);
}

TEST(those_of_another_process)
{
	int status, pid = fork();
	struct rlimit limit = { 40, 50 }, old = { 0, 0 };

	if (pid == 0) {
		for (;;)
			pause();
	}
	expect_eq(prlimit(pid, RLIMIT_NOFILE, &limit, &old), 0);
	expect(old.rlim_cur > 50);
	expect_eq(prlimit(pid, RLIMIT_NOFILE, NULL, &old), 0);
	expect_eq(old.rlim_cur, 40);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
}

static int small_files(void)
{
	struct rlimit limit = { 10000, RLIM_INFINITY };
	int fd = open(scratch("limits"), O_RDWR | O_CREAT | O_TRUNC, 0600);
	static char bytes[8000];
	struct stat st;

	signal(SIGXFSZ, count_signal);
	if (setrlimit(RLIMIT_FSIZE, &limit) || write(fd, bytes, 8000) != 8000 ||
	    write(fd, bytes, 8000) != 2000)
		return 1;
	if (signals || write(fd, bytes, 1) != -1 || errno != EFBIG || signals != 1)
		return 2;
	if (ftruncate(fd, 10000) || ftruncate(fd, 10001) != -1 || errno != EFBIG || signals != 2)
		return 3;
	if (pwrite(fd, bytes, 1, 20000) != -1 || errno != EFBIG || signals != 3)
		return 4;
	if (fstat(fd, &st) || st.st_size != 10000)
		return 5;
	return 0;
}

static int dies_of_it(void)
{
	struct rlimit limit = { 0, 0 };
	int fd = open(scratch("limits"), O_RDWR | O_CREAT | O_TRUNC, 0600), status, pid = fork();

	if (pid == 0) {
		setrlimit(RLIMIT_FSIZE, &limit);
		_exit(write(fd, "x", 1) == 1);
	}
	return waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status) ||
	       WTERMSIG(status) != SIGXFSZ;
}

TEST(files_may_not_grow_beyond_it)
{
	in_child(small_files);
	in_child(dies_of_it);
	unlink(scratch("limits"));
}

static int little_memory(void)
{
	struct rlimit limit = { 64 * MIB, RLIM_INFINITY };
	char *p, *q;

	if (setrlimit(RLIMIT_AS, &limit))
		return 1;
	if (mmap(NULL, 100 * MIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED ||
	    errno != ENOMEM)
		return 2;
	p = mmap(NULL, 20 * MIB, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return 3;
	if (mremap(p, 20 * MIB, 70 * MIB, MREMAP_MAYMOVE) != MAP_FAILED || errno != ENOMEM)
		return 4;
	q = (char *)sys(__NR_brk, 0);
	if ((char *)sys(__NR_brk, q + 60 * MIB) != q || (char *)sys(__NR_brk, q + MIB) != q + MIB)
		return 5;
	munmap(p, 20 * MIB);
	return mmap(NULL, 40 * MIB, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
		       ? 6
		       : 0;
}

TEST(memory_may_not_grow_beyond_it)
{
	in_child(little_memory);
}

/* This program once more, with another stack: before any test. */
static __attribute__((noinline)) long deep(long n)
{
	volatile char room[4096];

	room[0] = (char)n;
	return n ? deep(n - 1) + room[0] : 0;
}

static __attribute__((constructor)) void again(void)
{
	if (getenv("DEEP")) {
		deep(atol(getenv("DEEP")));
		_exit(0);
	}
}

static int run_deep(rlim_t stack, char *env)
{
	struct rlimit limit = { stack, RLIM_INFINITY };
	char *argv[] = { tap_argv[0], NULL }, *envp[] = { env, NULL };
	int status = -1, pid = fork();

	if (pid == 0) {
		setrlimit(RLIMIT_STACK, &limit);
		execve(tap_argv[0], argv, envp);
		_exit(1);
	}
	waitpid(pid, &status, 0);
	return status;
}

TEST(the_stack_of_the_next_program)
{
	expect_eq(run_deep(32 * MIB, "DEEP=5000"), 0); /* 20 MiB */
	expect_eq(run_deep(8 * MIB, "DEEP=1500"), 0);
	expect_eq(run_deep(8 * MIB, "DEEP=5000") & 0x7f, SIGSEGV);
	expect_eq(run_deep(MIB, "DEEP=200"), 0);
	expect_eq(run_deep(MIB, "DEEP=1500") & 0x7f, SIGSEGV);
}
