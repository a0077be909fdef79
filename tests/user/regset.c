/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Register sets of a traced task: SVE at every vector length, as its tracer writes it and as the task
 * finds it; FP/SIMD as a part of it; sets that are forged, too short or of no length. Linux:
 * Documentation/arm64/sve.rst, 6; arch/arm64/kernel/ptrace.c.
 */
#include <elf.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <asm/hwcap.h>
#include "tests/lib/abi.h"
#include "tests/lib/tracer.h"

/* Shared by the task and its tracer. */
static struct shared {
	volatile int go;
	struct sve_image want;
} *shared;

static union sve_set set;

static bool has_sve(void)
{
	if (getauxval(AT_HWCAP) & HWCAP_SVE)
		return true;
	tap_skip("no SVE here");
	return false;
}

/* The task: spins with zeros in its registers, then: are they what its tracer wrote? */
static int hold(void)
{
	static struct sve_image zeros, got;

	sve_hold(&zeros, &got, -1, 0, 0, &shared->go);
	return sve_differ(&got, &shared->want, (unsigned)sve_length(), false) ? 1 : 0;
}

/* Stopped: has it loaded its registers and waits? */
static bool spins(pid_t pid)
{
	expect(tracer_interrupt(pid));
	return tracer_regs(pid).pc - (uintptr_t)sve_hold_spin < 8;
}

/* A task that holds, stopped. */
static pid_t holder(void)
{
	pid_t pid;

	if (!shared)
		shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	shared->go = 0;
	pid = fork();
	if (pid == 0)
		_exit(hold());
	expect_eq(tracer_ask(PTRACE_SEIZE, pid, 0, NULL), 0);
	while (!spins(pid)) {
		tracer_ask(PTRACE_CONT, pid, 0, NULL);
		sleep_ms(5);
	}
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, __WALL);
}

static size_t fill(union sve_set *s, unsigned vl, uint64_t seed)
{
	sve_fill(&shared->want, vl, seed);
	return sve_set_fill(s, &shared->want, vl);
}

TEST(what_is_written_at_each_length_is_what_the_task_has)
{
	unsigned most, lengths = 0;
	pid_t pid;

	if (!has_sve())
		return;
	pid = holder();
	sve_set_get(pid, &set);
	most = set.head.max_vl;
	expect(most >= 16 && most <= SVE_MOST);
	end(pid);
	for (unsigned vl = 16; vl <= most; vl += 16) {
		static union sve_set back;
		int status = -1;
		size_t size;

		pid = holder();
		size = fill(&set, vl, vl);
		if (tracer_put(pid, NT_ARM_SVE, &set, size) == 0) {
			lengths++;
			expect_eq(sve_set_get(pid, &back), size);
			expect_eq(back.head.vl, vl);
			expect_eq(memcmp(back.bytes + SVE_PT_SVE_OFFSET, set.bytes + SVE_PT_SVE_OFFSET, SVE_SIZE(vl)),
				  0);
			shared->go = 1;
			expect_eq(tracer_ask(PTRACE_CONT, pid, 0, NULL), 0);
			expect_eq(waitpid(pid, &status, __WALL), pid);
			expect_eq(status, 0);
		} else { /* a length the CPU has not */
			expect_eq(tracer_put(pid, NT_ARM_SVE, &set, size), -EIO);
			end(pid);
		}
	}
	expect(lengths >= 1);
}

TEST(fpsimd_is_a_part_of_it)
{
	struct user_fpsimd_state v = { .fpsr = 0 };
	size_t size = sizeof(v);
	unsigned vl;
	pid_t pid;

	if (!has_sve())
		return;
	pid = holder();
	sve_set_get(pid, &set);
	vl = set.head.max_vl;
	expect_eq(tracer_put(pid, NT_ARM_SVE, &set, fill(&set, vl, 5)), 0);
	expect_eq(tracer_get(pid, NT_PRFPREG, &v, &size), 0);
	for (unsigned i = 0; i < 32; i++)
		expect_eq(memcmp(&v.vregs[i], set.bytes + SVE_PT_SVE_OFFSET + i * vl, 16), 0);
	v.vregs[3] = 77;
	expect_eq(tracer_put(pid, NT_PRFPREG, &v, sizeof(v)), 0);
	memset(&v, 0, sizeof(v));
	size = sizeof(v);
	expect_eq(tracer_get(pid, NT_PRFPREG, &v, &size), 0);
	expect(v.vregs[3] == 77);
	expect_eq(memcmp(&v.vregs[4], set.bytes + SVE_PT_SVE_OFFSET + 4 * vl, 16), 0);
	end(pid);
}

TEST(forged_sets_are_refused_and_change_nothing)
{
	static union sve_set before, after;
	size_t size, whole;
	unsigned vl;
	pid_t pid;

	if (!has_sve())
		return;
	pid = holder();
	sve_set_get(pid, &set);
	vl = set.head.max_vl;
	whole = fill(&set, vl, 9);
	expect_eq(tracer_put(pid, NT_ARM_SVE, &set, whole), 0);
	size = sve_set_get(pid, &before);

	expect_eq(tracer_put(pid, NT_ARM_SVE, &set, 0), -EINVAL);
	expect_eq(tracer_put(pid, NT_ARM_SVE, &set, 8), -EINVAL);
	expect_eq(tracer_put(pid, NT_ARM_SVE, &set, whole - 1), -EINVAL);
	expect_eq(tracer_put(pid, NT_ARM_SVE, (void *)16, whole), -EFAULT);
	expect_eq(tracer_put(pid, 0x7777, &set, whole), -EINVAL);
	for (unsigned i = 0; i < 3; i++) {
		static const uint16_t bad[] = { 0, 8, 17 };

		fill(&set, vl, 10);
		set.head.vl = bad[i];
		expect_eq(tracer_put(pid, NT_ARM_SVE, &set, whole), -EINVAL);
	}
	fill(&set, vl, 11);
	set.head.flags |= 0x8000;
	expect_eq(tracer_put(pid, NT_ARM_SVE, &set, whole), -EINVAL);

	expect_eq(sve_set_get(pid, &after), size);
	expect_eq(memcmp(&before, &after, size), 0);
	end(pid);
}

TEST(no_task_that_runs_and_none_that_is_not_traced)
{
	size_t size = sizeof(set);
	pid_t pid;

	if (!has_sve())
		return;
	pid = holder();
	expect_eq(tracer_ask(PTRACE_CONT, pid, 0, NULL), 0);
	expect_eq(tracer_get(pid, NT_ARM_SVE, &set, &size), -ESRCH);
	end(pid);
	pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	expect_eq(tracer_get(pid, NT_ARM_SVE, &set, &size), -ESRCH);
	end(pid);
}
