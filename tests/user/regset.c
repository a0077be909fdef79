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
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <asm/hwcap.h>
#include <asm/ptrace.h>
#include <linux/ptrace.h>
#include "tests/lib/abi.h"
#include "tests/lib/sve.h"

#ifndef __WALL
#define __WALL 0x40000000
#endif

union set {
	struct user_sve_header head;
	uint8_t bytes[SVE_PT_SIZE(SVE_MOST / 16, SVE_PT_REGS_SVE)];
};

/* Shared by the task and its tracer. */
static struct shared {
	volatile int go;
	struct sve_image want;
} *shared;

static union set set;

static long trace(long request, pid_t pid, long addr, void *data)
{
	return sys(__NR_ptrace, request, pid, addr, data);
}

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

static void stop(pid_t pid)
{
	int status = -1;

	expect_eq(trace(PTRACE_INTERRUPT, pid, 0, NULL), 0);
	expect_eq(waitpid(pid, &status, __WALL), pid);
	expect(WIFSTOPPED(status));
}

/* Stopped: has it loaded its registers and waits? */
static bool spins(pid_t pid)
{
	struct user_pt_regs r = { .pc = 0 };
	struct iovec v = { &r, sizeof(r) };

	stop(pid);
	expect_eq(trace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &v), 0);
	return r.pc - (uintptr_t)sve_hold_spin < 8;
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
	expect_eq(trace(PTRACE_SEIZE, pid, 0, NULL), 0);
	while (!spins(pid)) {
		trace(PTRACE_CONT, pid, 0, NULL);
		sleep_ms(5);
	}
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, __WALL);
}

static long get(pid_t pid, int type, void *to, size_t *size)
{
	struct iovec v = { to, *size };
	long err = trace(PTRACE_GETREGSET, pid, type, &v);

	*size = v.iov_len;
	return err;
}

static long put(pid_t pid, int type, void *from, size_t size)
{
	struct iovec v = { from, size };

	return trace(PTRACE_SETREGSET, pid, type, &v);
}

/* The set as it is now; its length. */
static size_t get_sve(pid_t pid, union set *to)
{
	size_t size = sizeof(*to);

	memset(to, 0, sizeof(*to));
	expect_eq(get(pid, NT_ARM_SVE, to, &size), 0);
	expect_eq(size, sizeof(*to)); /* the room, not what is in it */
	expect(to->head.size <= size);
	return to->head.size;
}

static size_t fill(union set *s, unsigned vl, uint64_t seed)
{
	memset(s, 0, sizeof(*s));
	s->head.vl = (uint16_t)vl;
	s->head.flags = SVE_PT_REGS_SVE;
	s->head.size = (uint32_t)SVE_PT_SIZE(vl / 16, SVE_PT_REGS_SVE);
	sve_fill(&shared->want, vl, seed);
	memcpy(s->bytes + SVE_PT_SVE_OFFSET, &shared->want, SVE_SIZE(vl));
	return s->head.size;
}

TEST(what_is_written_at_each_length_is_what_the_task_has)
{
	unsigned most, lengths = 0;
	pid_t pid;

	if (!has_sve())
		return;
	pid = holder();
	get_sve(pid, &set);
	most = set.head.max_vl;
	expect(most >= 16 && most <= SVE_MOST);
	end(pid);
	for (unsigned vl = 16; vl <= most; vl += 16) {
		static union set back;
		int status = -1;
		size_t size;

		pid = holder();
		size = fill(&set, vl, vl);
		if (put(pid, NT_ARM_SVE, &set, size) == 0) {
			lengths++;
			expect_eq(get_sve(pid, &back), size);
			expect_eq(back.head.vl, vl);
			expect_eq(memcmp(back.bytes + SVE_PT_SVE_OFFSET, set.bytes + SVE_PT_SVE_OFFSET, SVE_SIZE(vl)),
				  0);
			shared->go = 1;
			expect_eq(trace(PTRACE_CONT, pid, 0, NULL), 0);
			expect_eq(waitpid(pid, &status, __WALL), pid);
			expect_eq(status, 0);
		} else { /* a length the CPU has not */
			expect_eq(put(pid, NT_ARM_SVE, &set, size), -EIO);
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
	get_sve(pid, &set);
	vl = set.head.max_vl;
	expect_eq(put(pid, NT_ARM_SVE, &set, fill(&set, vl, 5)), 0);
	expect_eq(get(pid, NT_PRFPREG, &v, &size), 0);
	for (unsigned i = 0; i < 32; i++)
		expect_eq(memcmp(&v.vregs[i], set.bytes + SVE_PT_SVE_OFFSET + i * vl, 16), 0);
	v.vregs[3] = 77;
	expect_eq(put(pid, NT_PRFPREG, &v, sizeof(v)), 0);
	memset(&v, 0, sizeof(v));
	size = sizeof(v);
	expect_eq(get(pid, NT_PRFPREG, &v, &size), 0);
	expect(v.vregs[3] == 77);
	expect_eq(memcmp(&v.vregs[4], set.bytes + SVE_PT_SVE_OFFSET + 4 * vl, 16), 0);
	end(pid);
}

TEST(forged_sets_are_refused_and_change_nothing)
{
	static union set before, after;
	size_t size, whole;
	unsigned vl;
	pid_t pid;

	if (!has_sve())
		return;
	pid = holder();
	get_sve(pid, &set);
	vl = set.head.max_vl;
	whole = fill(&set, vl, 9);
	expect_eq(put(pid, NT_ARM_SVE, &set, whole), 0);
	size = get_sve(pid, &before);

	expect_eq(put(pid, NT_ARM_SVE, &set, 0), -EINVAL);
	expect_eq(put(pid, NT_ARM_SVE, &set, 8), -EINVAL);
	expect_eq(put(pid, NT_ARM_SVE, &set, whole - 1), -EINVAL);
	expect_eq(put(pid, NT_ARM_SVE, (void *)16, whole), -EFAULT);
	expect_eq(put(pid, 0x7777, &set, whole), -EINVAL);
	for (unsigned i = 0; i < 3; i++) {
		static const uint16_t bad[] = { 0, 8, 17 };

		fill(&set, vl, 10);
		set.head.vl = bad[i];
		expect_eq(put(pid, NT_ARM_SVE, &set, whole), -EINVAL);
	}
	fill(&set, vl, 11);
	set.head.flags |= 0x8000;
	expect_eq(put(pid, NT_ARM_SVE, &set, whole), -EINVAL);

	expect_eq(get_sve(pid, &after), size);
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
	expect_eq(trace(PTRACE_CONT, pid, 0, NULL), 0);
	expect_eq(get(pid, NT_ARM_SVE, &set, &size), -ESRCH);
	end(pid);
	pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	expect_eq(get(pid, NT_ARM_SVE, &set, &size), -ESRCH);
	end(pid);
}
