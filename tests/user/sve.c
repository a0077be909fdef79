/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SVE for programs: registers kept at every length over preemption and migration, and gone with a
 * system call but for the V registers; lengths by prctl, over fork and execve. Where there is none,
 * that it is refused. Linux: Documentation/arm64/sve.rst. Frames: sve_signal.c.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>
#include <asm/hwcap.h>
#include <linux/prctl.h>
#include "tests/lib/abi.h"
#include "tests/lib/sve.h"

static char program[256];
static const int now = 1;
static struct sve_image in, out;

static bool has_sve(void)
{
	return getauxval(AT_HWCAP) & HWCAP_SVE;
}

static long set(uint64_t arg)
{
	return sys(__NR_prctl, PR_SVE_SET_VL, arg);
}

static long get(void)
{
	return sys(__NR_prctl, PR_SVE_GET_VL);
}

/* The next length that there is, longer than vl; 0: none. */
static unsigned longer(unsigned vl)
{
	for (vl += 16; vl <= SVE_MOST; vl += 16)
		if (set(vl) == (long)vl)
			return vl;
	return 0;
}

#define for_each_length(vl) for (unsigned vl = longer(0); vl; vl = longer(vl))

static void use_sve(void *arg)
{
	(void)arg;
	__asm__ volatile(".inst 0x04a0e3e0" ::: "x0"); /* cntw x0 */
}

TEST(hwcap_prctl_and_the_cpu_agree)
{
	struct fault f = fault_call(use_sve, NULL);
	long vl = get();

	expect_eq(f.signo, has_sve() ? 0 : SIGILL);
	if (!has_sve()) {
		expect_eq(vl, -EINVAL);
		expect_eq(set(16), -EINVAL);
		expect_eq(getauxval(AT_HWCAP2) & (HWCAP2_SVE2 | HWCAP2_SVEBF16), 0);
		return;
	}
	expect(vl >= 16 && vl <= SVE_MOST && vl % 16 == 0);
	expect_eq(sve_length(), vl);
	tap_print("# lengths:");
	for_each_length(n) tap_print(" %u", n);
	tap_print("\n");
	set(vl);
}

#define need_sve()                                                                                 \
	do {                                                                                       \
		if (!has_sve()) {                                                                  \
			tap_skip("no SVE");                                                        \
			return;                                                                    \
		}                                                                                  \
	} while (0)

TEST(registers_stay_without_a_call_at_every_length)
{
	need_sve();
	for_each_length(vl)
	{
		expect_eq(sve_length(), vl);
		sve_fill(&in, vl, vl);
		sve_hold(&in, &out, -1, 0, 0, (int *)&now);
		expect_eq(sve_differ(&out, &in, vl, false), 0);
	}
}

TEST(a_call_leaves_the_v_registers_and_zeros)
{
	static const struct timespec brief = { 0, 3000000 };

	need_sve();
	for_each_length(vl)
	{
		for (int i = 0; i < 3; i++) {
			sve_fill(&in, vl, vl + (unsigned)i);
			if (i == 0)
				sve_hold(&in, &out, __NR_getpid, 0, 0, (int *)&now);
			else if (i == 1)
				sve_hold(&in, &out, __NR_sched_yield, 0, 0, (int *)&now);
			else
				sve_hold(&in, &out, __NR_nanosleep, (long)&brief, 0, (int *)&now);
			expect_eq(sve_differ(&out, &in, vl, true), 0);
		}
	}
}

/* ---- more threads than CPUs, each with its own length ---- */

enum { THREADS = 8 };
static atomic_int ready, differing;
static volatile int release;
static int tids[THREADS];

static void *hold_and_spin(void *arg)
{
	uintptr_t me = (uintptr_t)arg;
	struct sve_image *mine = malloc(sizeof(*mine)), *after = malloc(sizeof(*after));
	unsigned vl = 0, count = 1 + (unsigned)me % 16;

	for (unsigned n = 0; n < count; n++)
		vl = longer(vl) ?: longer(0);
	set(vl);
	tids[me] = (int)sys(__NR_gettid);
	sve_fill(mine, vl, me + 100);
	ready++;
	sve_hold(mine, after, -1, 0, 0, &release);
	differing += sve_differ(after, mine, vl, false);
	/* and now with calls between */
	for (unsigned n = 0; n < 30; n++) {
		sve_fill(mine, vl, me * 1000 + n);
		sve_hold(mine, after, n & 1 ? __NR_sched_yield : __NR_getpid, 0, 0, (int *)&now);
		differing += sve_differ(after, mine, vl, true);
	}
	free(mine);
	free(after);
	return NULL;
}

/* Move everybody to and fro, from outside, so that they make no call. */
static void herd(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	for (int n = 0; n < 60; n++) {
		uint64_t mask = 1ul << (n % cpus);

		for (int i = 0; i < THREADS; i++)
			sys(__NR_sched_setaffinity, tids[i], sizeof(mask), &mask);
		sleep_ms(5);
	}
	for (int i = 0; i < THREADS; i++) {
		uint64_t mask = (1ul << cpus) - 1;

		sys(__NR_sched_setaffinity, tids[i], sizeof(mask), &mask);
	}
}

TEST(threads_of_all_lengths_are_preempted_and_moved)
{
	pthread_t t[THREADS];

	need_sve();
	ready = differing = release = 0;
	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, hold_and_spin, (void *)i);
	while (ready < THREADS)
		sleep_ms(1);
	herd();
	release = 1;
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	expect_eq(differing, 0);
}

/* A thread makes a call on another CPU than the one that has its registers, and touches none. */
TEST(what_a_call_ends_does_not_come_back_from_another_cpu)
{
	uint64_t both = 3;

	need_sve();
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		return tap_skip("one CPU");
	set(SVE_MOST);
	for (int i = 0; i < 20; i++) {
		unsigned vl = (unsigned)get();
		uint64_t other = 1 + (uint64_t)(i & 1);

		sve_fill(&in, vl, (uint64_t)i);
		sve_load(&in);
		/* to another CPU and back to any; registers untouched between, if the C code of
		 * this loop uses none */
		sys(__NR_sched_setaffinity, 0, sizeof(other), &other);
		sys(__NR_getpid);
		sys(__NR_sched_setaffinity, 0, sizeof(both), &both);
		sve_store(&out);
		sve_zero();
		expect_eq(sve_differ(&out, &in, vl, true), 0);
	}
}

/* ---- prctl ---- */

TEST(lengths_are_rounded_down_and_bad_ones_refused)
{
	long least, most;

	need_sve();
	expect_eq(set(0), -EINVAL);
	expect_eq(set(8), -EINVAL);
	expect_eq(set(17), -EINVAL);
	expect_eq(set(8192 + 16), -EINVAL);
	expect_eq(set(16 | 1 << 19), -EINVAL);
	expect_eq(set(16 | 1ul << 40), -EINVAL);
	least = set(16);
	most = set(8192);
	expect_eq(least, 16);
	expect(most >= least && most <= SVE_MOST);
	expect_eq(get(), most);
	expect_eq(sve_length(), most);
	for (unsigned vl = 16; vl <= SVE_MOST; vl += 16) {
		long got = set(vl);

		expect(got > 0 && got <= (long)vl);
		expect_eq(get(), got);
		expect_eq(sve_length(), got);
	}
}

/* Linux before its commit 49ce484187f7 brings back an older image here; 6.1 happens not to. */
static bool known_to_lose(void)
{
	struct utsname u;

	return !uname(&u) && !strncmp(u.release, "6.12.", 5);
}

TEST(a_new_length_keeps_the_v_registers)
{
	unsigned before, after;

	need_sve();
	if (known_to_lose())
		return tap_skip("Linux 6.12 loses them");
	for_each_length(vl)
	{
		before = vl;
		after = vl == 16 ? SVE_MOST : 16;
		sve_fill(&in, before, vl);
		sve_hold(&in, &out, __NR_prctl, PR_SVE_SET_VL, after, (int *)&now);
		after = (unsigned)get();
		for (unsigned n = 0; n < 32; n++) {
			unsigned others = 0;

			expect(!memcmp(out.bytes + n * after, in.bytes + n * before, 16));
			for (unsigned i = 16; i < after; i++)
				others += out.bytes[n * after + i];
			expect_eq(others, 0);
		}
		set(vl);
	}
}

TEST(the_length_for_execve_is_reported)
{
	need_sve();
	set(SVE_MOST);
	expect_eq(set(16 | PR_SVE_SET_VL_ONEXEC), 16);
	expect_eq(get(), set(SVE_MOST)); /* which forgets it */
	expect_eq(set(16 | PR_SVE_SET_VL_ONEXEC | PR_SVE_VL_INHERIT), 16 | PR_SVE_VL_INHERIT);
	expect_eq(get() & PR_SVE_VL_LEN_MASK, sve_length());
	expect_eq(get() & ~PR_SVE_VL_LEN_MASK, PR_SVE_VL_INHERIT);
	expect_eq(set(16), 16);
	expect_eq(get(), 16);
}

/* ---- fork, clone, execve ---- */

static int status_of(long pid)
{
	int status = -1;

	expect_eq(waitpid((pid_t)pid, &status, 0), pid);
	return status;
}

TEST(a_child_has_its_parents_length_and_v_registers)
{
	need_sve();
	for_each_length(vl)
	{
		long pid;

		sve_fill(&in, vl, vl + 7);
		pid = sve_hold(&in, &out, __NR_clone, SIGCHLD, 0, (int *)&now);
		if (pid == 0)
			sys(__NR_exit_group, sve_differ(&out, &in, vl, true) != 0 ||
						     sve_length() != vl || get() != (long)vl);
		expect_eq(sve_differ(&out, &in, vl, true), 0);
		expect_eq(status_of(pid), 0);
	}
}

/* In the child after execve: the length expected, and nothing in any register. */
static int child_sees(unsigned vl, unsigned flags)
{
	static struct sve_image zero;

	sve_store(&out);
	/* V registers have been used since: only what SVE adds is looked at */
	for (unsigned n = 0; n < 32; n++)
		memset(out.bytes + n * vl, 0, 16);
	if (sve_length() != vl || sve_differ(&out, &zero, vl, false))
		return 1;
	return get() != (long)(vl | flags) ? 2 : 0;
}

static int exec_sees(unsigned vl, unsigned flags)
{
	char text[2][16], *argv[] = { program, "child", text[0], text[1], NULL };
	long pid;

	snprintf(text[0], sizeof(text[0]), "%u", vl);
	snprintf(text[1], sizeof(text[1]), "%u", flags);
	sve_fill(&in, (unsigned)sve_length(), 5);
	sve_hold(&in, &out, -1, 0, 0, (int *)&now);
	pid = sys(__NR_clone, SIGCHLD);
	if (pid == 0) {
		sve_load(&in);
		execv(program, argv);
		sys(__NR_exit_group, 98);
	}
	return status_of(pid);
}

TEST(execve_resets_the_length_unless_asked_to_keep_it)
{
	unsigned most, usual;

	need_sve();
	most = (unsigned)set(SVE_MOST);
	usual = (unsigned)set(64);
	set(16);
	expect_eq(exec_sees(usual, 0), 0);
	set(16 | PR_SVE_VL_INHERIT);
	expect_eq(exec_sees(16, PR_SVE_VL_INHERIT), 0);
	set(16);
	set(most | PR_SVE_SET_VL_ONEXEC);
	expect_eq(sve_length(), 16);
	expect_eq(exec_sees(most, 0), 0);
	set(most);
	set(16 | PR_SVE_SET_VL_ONEXEC | PR_SVE_VL_INHERIT);
	expect_eq(exec_sees(16, PR_SVE_VL_INHERIT), 0);
	set(usual);
}

#define INSTRUCTION(name, text)                                                                    \
	static void name(void *arg)                                                                \
	{                                                                                          \
		(void)arg;                                                                         \
		__asm__ volatile(text ::: "x0");                                                   \
	}
INSTRUCTION(smstart, ".inst 0xd503477f; .inst 0xd503467f") /* and smstop */
INSTRUCTION(smstart_za, ".inst 0xd503457f; .inst 0xd503447f")
INSTRUCTION(rdsvl, ".inst 0x04bf5820")		  /* rdsvl x0, #1 */
INSTRUCTION(read_svcr, "mrs x0, s3_3_c4_c2_2")	  /* SVCR */
INSTRUCTION(read_tpidr2, "mrs x0, s3_3_c13_c0_5") /* TPIDR2_EL0 */
INSTRUCTION(write_tpidr2, "mov x0, #0; msr s3_3_c13_c0_5, x0")
INSTRUCTION(zero_zt0, ".inst 0xc0480001")      /* zero {zt0} */
INSTRUCTION(read_fpmr, "mrs x0, s3_3_c4_c4_2") /* FPMR */
INSTRUCTION(write_fpmr, "mov x0, #0; msr s3_3_c4_c4_2, x0")

/* Of the arm64 UAPI; the newer ones are not in all headers. */
#define SME_BITS  0x7f800000ul /* HWCAP2_SME and what it has */
#define SME2_BITS (0x3ful << 37)
#define FPMR_BIT  (1ul << 48)

/* Stet offers none of them; elsewhere they are there or not together with their bits. What cannot
 * be read needs no clearing at execve() or clone(). */
TEST(streaming_mode_tpidr2_zt0_and_fpmr_are_hidden)
{
	static void (*const of_sme[])(void *) = { smstart,   smstart_za,  rdsvl,
						  read_svcr, read_tpidr2, write_tpidr2 };
	static void (*const never[])(void *) = { zero_zt0, read_fpmr, write_fpmr };
	uint64_t hwcap2 = getauxval(AT_HWCAP2);
	bool sme = hwcap2 & HWCAP2_SME;

	expect(!sme || !on_stet());
	for (unsigned i = 0; i < sizeof(of_sme) / sizeof(of_sme[0]); i++)
		if (!expect_eq(fault_call(of_sme[i], NULL).signo, sme ? 0 : SIGILL))
			tap_print("# number %u\n", i);
	for (unsigned i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		expect_eq(fault_call(never[i], NULL).signo, SIGILL);
	expect_eq(hwcap2 & (SME2_BITS | FPMR_BIT), 0);
	if (sme)
		return;
	expect_eq(hwcap2 & SME_BITS, 0);
	expect_eq(sys(__NR_prctl, 64 /* PR_SME_GET_VL */), -EINVAL);
	expect_eq(sys(__NR_prctl, 63 /* PR_SME_SET_VL */, 16), -EINVAL);
}

/* For tests/system/sve.t: one thread that uses vector registers (x19 = 0xa), one that does not
 * (0xb), for ever. */
static int spin_both(void)
{
	if (sys(__NR_clone, SIGCHLD) == 0)
		__asm__ volatile("mov x19, #0xb\n1: b 1b");
	__asm__ volatile("mov x19, #0xa\n1: movi v0.16b, #0x5a\n movi v31.16b, #0x5a\n b 1b");
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "spin"))
		return spin_both();
	if (argc == 4 && !strcmp(argv[1], "child"))
		return child_sees((unsigned)atoi(argv[2]), (unsigned)atoi(argv[3]));
	if (readlink("/proc/self/exe", program, sizeof(program) - 1) < 0)
		snprintf(program, sizeof(program), "%s", argv[0]);
	return tap_main();
}
