/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a program gives back is free again: mappings, threads, processes. Each round does the same
 * many times; after a first one, which may leave caches filled, free memory must not go on falling.
 * The limit is what a kernel needs for its own business; on Stet a lost object of 64 bytes a turn passes
 * it. Linux gives back later than it frees (RCU, lists of each CPU), so it may keep more.
 */
#include <pthread.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/lib/abi.h"

enum { ROUNDS = 4, LIMIT_KIB = 1024, LINUX_LIMIT_KIB = 16384 };

static long free_kib(void)
{
	struct sysinfo info;

	sysinfo(&info);
	return (long)(info.freeram * info.mem_unit >> 10);
}

static long limit_kib(void)
{
	return access("/proc/stet", F_OK) ? LINUX_LIMIT_KIB : LIMIT_KIB;
}

/* Free memory lost from the end of the first round to the end of the last. */
static long lost_kib(void (*round)(void))
{
	long before;

	round();
	before = free_kib();
	for (int i = 1; i < ROUNDS; i++)
		round();
	return before - free_kib();
}

static void map_and_unmap(void)
{
	for (int i = 0; i < 8000; i++) {
		char *p = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			       -1, 0);

		p[0] = 1;
		munmap(p + 4096, 4096);
		munmap(p, 4 * 4096);
	}
}

static void protect_parts(void)
{
	char *p = mmap(NULL, 9 * 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (int i = 0; i < 8000; i++) {
		mprotect(p + (i % 8) * 4096, 4096, PROT_NONE);
		mprotect(p, 9 * 4096, PROT_READ);
	}
	munmap(p, 9 * 4096);
}

static void *nothing(void *arg)
{
	return arg;
}

static void threads(void)
{
	pthread_t t;

	for (int i = 0; i < 500; i++) {
		pthread_create(&t, NULL, nothing, NULL);
		pthread_join(t, NULL);
	}
}

static void end_child(int pid)
{
	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
}

static void processes(void)
{
	for (int i = 0; i < 100; i++) {
		end_child(fork());
		end_child((int)sys(__NR_clone, 0x4011, 0)); /* CLONE_VFORK, SIGCHLD */
	}
}

TEST(mappings_leave_nothing)
{
	expect(lost_kib(map_and_unmap) < limit_kib());
}

TEST(protections_leave_nothing)
{
	expect(lost_kib(protect_parts) < limit_kib());
}

TEST(threads_leave_nothing)
{
	expect(lost_kib(threads) < limit_kib());
}

TEST(processes_leave_nothing)
{
	expect(lost_kib(processes) < limit_kib());
}
