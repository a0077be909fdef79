/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CPUs that go off and come again by /sys/devices/system/cpu/cpuN/online, while threads compute
 * with vector registers, sleep, wake each other, fault pages in and fork: nobody may notice but by
 * time. Linux: Documentation/core-api/cpu_hotplug.rst.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "tests/lib/abi.h"
#include "tests/lib/cpus.h"
#include "tests/lib/regs.h"

enum { ROUNDS = 25 };

static void read_list(const char *name, char *to, size_t size)
{
	char path[64];
	int fd;
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/%s", name);
	fd = open(path, O_RDONLY);
	n = read(fd, to, size - 1);
	to[n > 0 ? n : 0] = '\0';
	close(fd);
}

#define expect_list(name, want)                                                                    \
	do {                                                                                       \
		char list_[64];                                                                    \
		read_list(name, list_, sizeof(list_));                                             \
		if (!expect(!strcmp(list_, want)))                                                 \
			tap_print("# %s is %s", name, list_);                                      \
	} while (0)

static bool machine_fits(void)
{
	if (cpus_allowed() == 2 && cpu_switch(1, true) == 0)
		return true;
	tap_skip("wants two CPUs that go off");
	return false;
}

TEST(lists_tell_who_is_there)
{
	if (!machine_fits())
		return;
	expect_list("online", "0-1\n");
	expect_list("present", "0-1\n");
	expect_list("possible", "0-1\n");
	expect_eq(cpu_switch(1, false), 0);
	expect_list("online", "0\n");
	expect_list("present", "0-1\n");
	expect_list("cpu1/online", "0\n");
	expect_eq(sysconf(_SC_NPROCESSORS_ONLN), 1);
	expect_eq(cpu_switch(1, false), 0); /* once more is nothing new */
	expect_eq(cpu_switch(1, true), 0);
	expect_list("online", "0-1\n");
	expect_list("cpu1/online", "1\n");
	expect_eq(sysconf(_SC_NPROCESSORS_ONLN), 2);
}

TEST(the_last_one_stays)
{
	if (!machine_fits())
		return;
	expect_eq(cpu_switch(0, false), 0);
	expect_eq(cpu_switch(1, false), -EBUSY);
	expect_eq(cpu_switch(0, true), 0);
	expect_list("online", "0-1\n");
}

TEST(what_is_no_switch_is_refused)
{
	int fd;

	if (!machine_fits())
		return;
	fd = open("/sys/devices/system/cpu/cpu1/online", O_WRONLY);
	expect_errno(write(fd, "x", 1), EINVAL);
	expect_eq(sys(__NR_write, fd, 8, 1), -EFAULT);
	close(fd);
	expect_list("online", "0-1\n");
}

TEST(a_thread_bound_to_a_cpu_that_goes_runs_elsewhere)
{
	if (!machine_fits())
		return;
	cpus_pin(1);
	expect_eq(sched_getcpu(), 1);
	expect_eq(cpu_switch(1, false), 0);
	expect_eq(sched_getcpu(), 0);
	expect_errno(sched_setaffinity(0, sizeof(cpu_set_t), &(cpu_set_t){ { 2 } }), EINVAL);
	expect_eq(cpu_switch(1, true), 0);
	cpus_unpin(2);
}

/* ---- under load ---- */

static _Atomic bool stop;
static _Atomic unsigned long computed, slept, passed, faulted, forked;
static _Atomic unsigned wrong;
static int there[2], back[2];

/* All registers over a call that gives the CPU away, or sleeps on it. */
static void *compute(void *arg)
{
	static const struct timespec brief = { 0, 300000 };
	struct regs in, out;

	for (uint64_t n = 0; !stop; n++) {
		int now = 1;

		regs_fill(&in, (uintptr_t)arg * 1000 + n,
			  n & 1 ? __NR_nanosleep : __NR_sched_yield);
		in.x[0] = (uintptr_t)&brief;
		in.x[1] = 0;
		regs_hold(&in, &out, &now);
		wrong += (unsigned)regs_differ(&out, &in);
		computed++;
	}
	return NULL;
}

static void *spin(void *arg)
{
	while (!stop)
		;
	return arg;
}

static void *doze(void *arg)
{
	struct timespec ms = { .tv_nsec = 1000000 };

	for (; !stop; slept++) {
		uint64_t before = now_ns(CLOCK_MONOTONIC);

		nanosleep(&ms, NULL);
		wrong += now_ns(CLOCK_MONOTONIC) - before < 1000000;
	}
	return arg;
}

static void *pass_back(void *arg)
{
	char c;

	while (read(there[0], &c, 1) == 1)
		if (write(back[1], &c, 1) != 1)
			wrong++;
	return arg;
}

static void *pass(void *arg)
{
	char c = 0, d;

	for (; !stop; c++) {
		if (write(there[1], &c, 1) != 1 || read(back[0], &d, 1) != 1 || c != d)
			wrong++;
		passed++;
	}
	close(there[1]);
	return arg;
}

static void *fault_in(void *arg)
{
	enum { SIZE = 32 * 4096 };

	for (; !stop; faulted++) {
		char *p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			       0);

		for (int i = 0; i < SIZE; i += 4096)
			p[i] = (char)(i >> 12);
		for (int i = 0; i < SIZE; i += 4096)
			wrong += p[i] != (char)(i >> 12);
		munmap(p, SIZE);
	}
	return arg;
}

static void *fork_on(void *arg)
{
	for (; !stop; forked++) {
		int status = -1, child = fork();

		if (child == 0)
			_exit(7);
		if (waitpid(child, &status, 0) != child || WEXITSTATUS(status) != 7)
			wrong++;
	}
	return arg;
}

static void *(*const loads[])(void *) = { compute,   compute, spin,	doze,	doze,
					  pass_back, pass,    fault_in, fork_on };
enum { LOADS = sizeof(loads) / sizeof(loads[0]) };

/* All kinds of load have made progress since they were what old says. */
static bool all_move(unsigned long old[5])
{
	unsigned long now[5] = { computed, slept, passed, faulted, forked };
	bool all = true;

	for (int i = 0; i < 5; i++)
		all &= now[i] > old[i];
	return all;
}

TEST(load_goes_on_while_cpus_come_and_go)
{
	int rounds = (int)rounds_wanted(ROUNDS);
	pthread_t threads[LOADS];

	if (!machine_fits())
		return;
	require(!pipe(there) && !pipe(back));
	for (int i = 0; i < LOADS; i++)
		pthread_create(&threads[i], NULL, loads[i], (void *)(uintptr_t)i);
	for (int i = 0; i < rounds && !tap_failed; i++) {
		int cpu = i % 2;
		unsigned long old[5] = { computed, slept, passed, faulted, forked };
		uint64_t limit = now_ns(CLOCK_MONOTONIC) + 20000000000ull;

		expect_eq(cpu_switch(cpu, false), 0);
		while (!all_move(old) && expect(now_ns(CLOCK_MONOTONIC) < limit))
			sleep_ms(2);
		expect_eq(cpu_switch(cpu, true), 0);
	}
	stop = true;
	for (int i = 0; i < LOADS; i++)
		pthread_join(threads[i], NULL);
	expect_eq(wrong, 0);
	expect_list("online", "0-1\n");
}
