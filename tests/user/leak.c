/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a program gives back is free again: mappings, threads, processes. Each round does the same
 * many times; after a first one, which may leave caches filled, free memory must not go on falling.
 * The limit is what a kernel needs for its own business; on Stet a lost object of 64 bytes a turn passes
 * it. Linux gives back later than it frees (RCU, lists of each CPU), so it is waited for, and may keep more.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/lib/abi.h"

enum { ROUNDS = 4, LIMIT_KIB = 16, LINUX_LIMIT_KIB = 16384 };

static long free_kib(void)
{
	struct sysinfo info;

	sysinfo(&info);
	return (long)(info.freeram * info.mem_unit >> 10);
}

static long limit_kib(void)
{
	return on_stet() ? LIMIT_KIB : LINUX_LIMIT_KIB;
}

/* On Linux when its caches are dropped and free memory no longer grows. */
static long settled_kib(void)
{
	long now = free_kib(), last;
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);

	if (fd < 0)
		return now;
	do {
		expect_eq(write(fd, "3", 1), 1);
		last = now;
		sleep_ms(50);
		now = free_kib();
	} while (now > last + 64);
	close(fd);
	return now;
}

/* Free memory lost from the end of the first round to the end of the last. */
static long lost_kib(void (*round)(void))
{
	long before;

	round();
	before = settled_kib();
	for (int i = 1; i < ROUNDS; i++)
		round();
	before -= settled_kib();
	tap_print("# %ld KiB\n", before);
	return before;
}

static void map_and_unmap(void)
{
	for (unsigned i = rounds_wanted(1000); i > 0; i--) {
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

	for (unsigned i = rounds_wanted(1000); i > 0; i--) {
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

	for (unsigned i = rounds_wanted(200); i > 0; i--) {
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
	for (unsigned i = rounds_wanted(50); i > 0; i--) {
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
