/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ways in which kernels lost a program's vector registers, each as a test named after its bug
 * (README.md has the list). Where there is no SVE, V registers only.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>
#include <asm/hwcap.h>
#include <linux/prctl.h>
#include "tests/lib/abi.h"
#include "tests/lib/cpus.h"
#include "tests/lib/regs.h"
#include "tests/lib/sve.h"

enum { THREADS = 6, ROUNDS = 60 };

static char program[256];
static const int now = 1;
static int cpus;
static struct sve_image in, out;
static struct regs v_in, v_out;

static bool has_sve(void)
{
	return getauxval(AT_HWCAP) & HWCAP_SVE;
}

#define need_sve()                                                                                 \
	do {                                                                                       \
		if (!has_sve())                                                                    \
			return tap_skip("no SVE");                                                 \
	} while (0)
#define need_two_cpus()                                                                            \
	do {                                                                                       \
		if (cpus < 2)                                                                      \
			return tap_skip("wants two CPUs");                                         \
	} while (0)

static unsigned set_length(uint64_t random)
{
	return (unsigned)sys(__NR_prctl, PR_SVE_SET_VL, 16 + random % 16 * 16);
}

/* V registers over getpid(), and after it. */
static int v_differ(uint64_t seed, volatile int *until)
{
	regs_fill(&v_in, seed, __NR_getpid);
	regs_hold(&v_in, &v_out, until);
	return regs_differ(&v_out, &v_in);
}

/* ---- threads that use SVE for the first time, again and again ---- */

static atomic_int wrong, looks;
static volatile int over;

/* A new length makes the next use a first one: a trap. */
static void *first_uses(void *arg)
{
	struct sve_image *mine = malloc(sizeof(*mine)), *after = malloc(sizeof(*after));
	uint64_t seed = (uintptr_t)arg + 1;

	while (!over) {
		unsigned vl = set_length(random_next(&seed));

		sve_fill(mine, vl, seed);
		sve_hold(mine, after, -1, 0, 0, (int *)&now);
		wrong += sve_differ(after, mine, vl, false);
		if (seed % 4 == 0)
			cpus_pin((int)(seed / 64 % (uint64_t)cpus));
		if (seed % 8 == 1)
			sched_yield();
		looks++;
	}
	free(mine);
	free(after);
	return NULL;
}

/* Linux: the trap's handler was preempted, came back, and took what stood there for its own. */
TEST(B15_first_uses_in_many_threads)
{
	pthread_t t[THREADS];

	need_sve();
	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, first_uses, (void *)i);
	sleep_ms(400);
	over = 1;
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	expect_eq(wrong, 0);
	expect(looks > 2 * THREADS);
}

/* ---- execve ---- */

/* First of all in the new program: what the C library has not used itself is zero. */
static uint64_t left_by_execve;

__attribute__((constructor, target("general-regs-only"))) static void look_first(void)
{
	uint64_t all;

	__asm__ volatile(
		"orr v16.16b, v8.16b, v9.16b\n\torr v17.16b, v10.16b, v11.16b\n\t"
		"orr v18.16b, v12.16b, v13.16b\n\torr v19.16b, v14.16b, v15.16b\n\t"
		"orr v16.16b, v16.16b, v17.16b\n\torr v18.16b, v18.16b, v19.16b\n\t"
		"orr v16.16b, v16.16b, v18.16b\n\tmov %0, v16.d[0]\n\tmov x9, v16.d[1]\n\t"
		"orr %0, %0, x9\n\tmrs x9, fpsr\n\torr %0, %0, x9\n\tmrs x9, fpcr\n\torr %0, %0, x9"
		: "=r"(all)
		:
		: "x9");
	left_by_execve = all;
}

static int child_sees(unsigned vl)
{
	static struct sve_image nothing;

	if (left_by_execve)
		return 1;
	if (!vl)
		return 0;
	sve_store(&out);
	vl = (unsigned)sve_length();
	for (unsigned n = 0; n < 32; n++)
		memset(out.bytes + n * vl, 0, 16); /* used since */
	return sve_differ(&out, &nothing, vl, false) ? 2 : 0;
}

/* Linux: registers of the old program in the new one. */
TEST(B20_execve_leaves_nothing)
{
	int status, pid;

	for (int round = 0; round < 5; round++) {
		pid = fork();
		if (pid == 0) {
			char *argv[] = { program, has_sve() ? "16" : "0", NULL };
			unsigned vl = has_sve() ? set_length(15) : 0;

			if (vl) {
				sve_fill(&in, vl, 20);
				sve_load(&in);
			} else {
				regs_clobber_fp(20);
			}
			sys(__NR_execve, program, argv, NULL);
			_exit(99);
		}
		expect_eq(waitpid(pid, &status, 0), pid);
		expect_eq(status, 0);
	}
}

/* ---- a CPU that goes and comes ---- */

static volatile int go;
static atomic_int holder;

static void *hold_over_power(void *arg)
{
	struct sve_image *mine = malloc(sizeof(*mine)), *after = malloc(sizeof(*after));
	unsigned vl = has_sve() ? set_length(15) : 0;

	(void)arg;
	cpus_pin(1);
	cpus_unpin(cpus); /* it is still there, and may be moved when it must */
	holder = 1;
	if (!vl) {
		wrong += v_differ(21, &go);
	} else {
		sve_fill(mine, vl, 21);
		sve_hold(mine, after, -1, 0, 0, &go);
		wrong += sve_differ(after, mine, vl, false);
	}
	free(mine);
	free(after);
	return NULL;
}

/* Linux: who owned a CPU's registers outlived the CPU's power. */
TEST(B21_threads_on_a_cpu_that_goes_and_comes)
{
	need_two_cpus();
	if (cpu_switch(1, true))
		return tap_skip("CPUs do not go off");
	wrong = 0;
	for (int i = 0; i < 5; i++) {
		pthread_t t;

		go = holder = 0;
		pthread_create(&t, NULL, hold_over_power, NULL);
		while (!holder)
			sleep_ms(1);
		sleep_ms(3);
		expect_eq(cpu_switch(1, false), 0);
		sleep_ms(3);
		expect_eq(cpu_switch(1, true), 0);
		sleep_ms(3);
		go = 1;
		pthread_join(t, NULL);
	}
	expect_eq(wrong, 0);
}

/* ---- the kernel uses them ---- */

/* Linux, s390, MIPS: the kernel's use of the registers in the middle of a program's. A call writes
 * to a page that is shared with a child, so it is copied first; where a timer's interrupt takes the
 * registers too (test.neon=1), that comes in between. */
TEST(B14_B17_B61_the_kernel_copies_a_page_in_a_call)
{
	size_t size = ROUNDS * 4096;
	char *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int pid, status;

	require(pages != MAP_FAILED);
	memset(pages, 17, size);
	pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	for (int i = 0; i < ROUNDS; i++) {
		char *page = pages + i * 4096;

		if (has_sve() && i % 2) {
			unsigned vl = set_length((unsigned)i);

			sve_fill(&in, vl, (unsigned)i);
			sve_hold(&in, &out, __NR_clock_gettime, CLOCK_MONOTONIC, (long)page,
				 (int *)&now);
			expect_eq(sve_differ(&out, &in, vl, true), 0);
		} else {
			regs_fill(&v_in, (unsigned)i, __NR_clock_gettime);
			v_in.x[0] = CLOCK_MONOTONIC;
			v_in.x[1] = (uint64_t)page;
			regs_hold(&v_in, &v_out, (int *)&now);
			expect_eq(regs_differ(&v_out, &v_in), 0);
		}
		for (int at = 16; at < 4096; at++)
			if (page[at] != 17) {
				expect_eq(page[at], 17);
				break;
			}
	}
	kill(pid, SIGKILL);
	expect_eq(waitpid(pid, &status, 0), pid);
	munmap(pages, size);
}

/* ---- lengths ---- */

/* Linux: buffers of the old length under registers of the new one; older values came back. */
TEST(B24_B30_lengths_up_and_down_under_live_registers)
{
	uint64_t seed = 30;

	need_sve();
	for (int i = 0; i < 3 * ROUNDS; i++) {
		unsigned vl = set_length(random_next(&seed)), next = 16 + seed % 16 * 16, kept;
		unsigned bad = 0;

		sve_fill(&in, vl, seed);
		if (i % 3 == 0) /* pushed out by somebody else between */
			sve_hold(&in, &out, __NR_sched_yield, 0, 0, (int *)&now);
		kept = (unsigned)sve_hold(&in, &out, __NR_prctl, PR_SVE_SET_VL, next, (int *)&now);
		for (unsigned n = 0; n < 32; n++) {
			bad += memcmp(out.bytes + n * kept, in.bytes + n * vl, 16) != 0;
			for (unsigned at = 16; at < kept; at++)
				bad += out.bytes[n * kept + at] != 0;
		}
		expect_eq(bad, 0);
	}
}

/* ---- clone ---- */

/* Linux: V registers of the child were not the parent's at the call. */
TEST(B27_children_have_the_parents_v_registers)
{
	static const int flags[] = { SIGCHLD, SIGCHLD | CLONE_SETTLS };

	for (int i = 0; i < ROUNDS; i++) {
		int status = 1, differ;
		long pid;

		if (has_sve() && i % 3 == 0) {
			unsigned vl = set_length((unsigned)i);

			sve_fill(&in, vl, (unsigned)i);
			pid = sve_hold(&in, &out, __NR_clone, flags[0], 0, (int *)&now);
			differ = sve_differ(&out, &in, vl, true);
		} else {
			regs_fill(&v_in, (unsigned)i, __NR_clone);
			v_in.x[0] = (uint64_t)flags[i % 2];
			v_in.x[1] = v_in.x[2] = v_in.x[4] = 0;
			v_in.x[3] = (uint64_t)__builtin_thread_pointer();
			regs_hold(&v_in, &v_out, (int *)&now);
			pid = (long)v_out.x[0];
			differ = regs_differ(&v_out, &v_in);
		}
		if (pid == 0)
			sys(__NR_exit_group, differ != 0);
		expect_eq(differ, 0);
		expect_eq(waitpid((pid_t)pid, &status, 0), pid);
		expect_eq(status, 0);
	}
}

/* ---- a frame that is not there when it is read ---- */

static char *alternate;

static void drop_frame(int signo)
{
	(void)signo;
	regs_clobber_fp(55);
	if (has_sve())
		sve_zero();
	/* The pages of the stack below this function's own go; the frame is in the file. */
	madvise(alternate, 1 << 20, MADV_DONTNEED);
}

/* powerpc: preempted while it copied the frame, sigreturn mixed the registers of now with those of
 * the frame. Here it has to fault for each page of it. */
TEST(B55_sigreturn_faults_while_it_reads_the_frame)
{
	struct sigaction sa = { .sa_handler = drop_frame, .sa_flags = SA_ONSTACK };
	int fd = (int)sys(__NR_memfd_create, "stack", 0);
	stack_t stack = { .ss_size = 1 << 20 };

	require(fd >= 0 && ftruncate(fd, 1 << 20) == 0);
	alternate = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	require(alternate != MAP_FAILED);
	stack.ss_sp = alternate;
	expect_eq(sigaltstack(&stack, NULL), 0);
	sigaction(SIGUSR1, &sa, NULL);
	for (int i = 0; i < ROUNDS; i++) {
		regs_fill(&v_in, (unsigned)i, __NR_tgkill);
		v_in.x[0] = (uint64_t)getpid();
		v_in.x[1] = (uint64_t)sys(__NR_gettid);
		v_in.x[2] = SIGUSR1;
		regs_hold(&v_in, &v_out, (int *)&now);
		expect_eq(regs_differ(&v_out, &v_in), 0);
		if (has_sve()) {
			unsigned vl = set_length((unsigned)i);

			sve_fill(&in, vl, (unsigned)i);
			sve_hold(&in, &out, __NR_kill, getpid(), SIGUSR1, (int *)&now);
			expect_eq(sve_differ(&out, &in, vl, true), 0);
		}
	}
	stack.ss_flags = SS_DISABLE;
	sigaltstack(&stack, NULL);
	munmap(alternate, 1 << 20);
	close(fd);
}

/* ---- who ends while his registers stand ---- */

static void *fill_and_end(void *arg)
{
	(void)arg;
	if (has_sve()) {
		set_length(15);
		sve_fill(&in, (unsigned)sve_length(), 49);
		sve_load(&in);
	} else {
		regs_clobber_fp(49);
	}
	return NULL;
}

/* Linux, Genode: who ended still owned the CPU's registers, and the next at its address had them. A
 * new thread has its maker's V registers and zeros. */
TEST(B19_B49_threads_end_with_their_registers_in_the_cpu)
{
	for (int i = 0; i < ROUNDS; i++) {
		pthread_t t;

		pthread_create(&t, NULL, fill_and_end, NULL);
		expect_eq(v_differ((unsigned)i, (int *)&now), 0);
		pthread_join(t, NULL);
		expect_eq(v_differ((unsigned)i + 1, (int *)&now), 0);
		if (!has_sve())
			continue;
		sve_zero();
		sys(__NR_getpid);
		sve_store(&out);
		for (unsigned at = 0; at < SVE_SIZE((unsigned)sve_length()); at++)
			expect_eq(out.bytes[at], 0);
	}
}

int main(int argc, char **argv)
{
	if (argc == 2 && (!strcmp(argv[1], "16") || !strcmp(argv[1], "0")))
		return child_sees((unsigned)atoi(argv[1]));
	tap_argc = argc;
	tap_argv = argv;
	cpus = cpus_allowed();
	if (readlink("/proc/self/exe", program, sizeof(program) - 1) < 0)
		snprintf(program, sizeof(program), "%s", argv[0]);
	return tap_main();
}
