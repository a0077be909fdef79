/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ways in which kernels lost the vector registers that a tracer had written, each as a test named
 * after its bug (README.md has the list): at any kind of stop, in and out of system calls, in tasks
 * that had never used them. Where there is no SVE, V registers only.
 */
#include <elf.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>
#include <asm/hwcap.h>
#include <linux/prctl.h>
#include "tests/lib/abi.h"
#include "tests/lib/regs.h"
#include "tests/lib/tracer.h"

enum { VL = 64 };

/* Shared by the task and its tracer. */
static struct shared {
	volatile int go;
	struct sve_image want, got, in_frame;
	unsigned long frame_size;
	struct regs v_want, v_got;
} * shared;

static union sve_set set, back;
static const int now = 1;

/* Linux from its commit 8c845e273104 to 398edaa12f9c discards SVE registers that a tracer writes at
 * a stop of a system call. 6.1 is before both. */
static bool known_to_lose(void)
{
	struct utsname u;

	return !uname(&u) && !strncmp(u.release, "6.12.", 5);
}

static bool has_sve(void)
{
	return getauxval(AT_HWCAP) & HWCAP_SVE;
}

#define need_sve()                                                                                 \
	do {                                                                                       \
		if (!has_sve())                                                                    \
			return tap_skip("no SVE");                                                 \
		if (known_to_lose())                                                               \
			return tap_skip("Linux 6.12 loses them");                                  \
	} while (0)

/* A child that has used all of SVE or has not, traced, stopped in front of fn(). */
static pid_t traced(bool used, int (*fn)(void))
{
	pid_t pid;

	if (!shared)
		shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	memset(shared, 0, sizeof(*shared));
	pid = fork();
	if (pid == 0) {
		tracer_ask(PTRACE_TRACEME, 0, 0, NULL);
		if (has_sve())
			sys(__NR_prctl, PR_SVE_SET_VL, VL); /* its next use is its first */
		if (has_sve() && used) {
			sve_fill(&shared->got, VL, 77);
			sve_load(&shared->got);
		}
		sys(__NR_kill, getpid(), SIGSTOP);
		_exit(fn());
	}
	expect_eq(tracer_status(pid), tracer_stopped(SIGSTOP, 0));
	expect_eq(tracer_ask(PTRACE_SETOPTIONS, pid, 0, (void *)PTRACE_O_TRACESYSGOOD), 0);
	return pid;
}

/* Pattern n into all of the stopped task's registers; it is to find them. */
static void write_sve(pid_t pid, uint64_t n)
{
	sve_fill(&shared->want, VL, n);
	expect_eq(tracer_put(pid, NT_ARM_SVE, &set, sve_set_fill(&set, &shared->want, VL)), 0);
}

static void expect_reads_back(pid_t pid)
{
	struct sve_image image;

	sve_set_get(pid, &back);
	expect_eq(back.head.flags & SVE_PT_REGS_MASK, SVE_PT_REGS_SVE);
	memcpy(&image, back.bytes + SVE_PT_SVE_OFFSET, SVE_SIZE(VL));
	expect_eq(sve_differ(&image, &shared->want, VL, false), 0);
}

static void go_to(pid_t pid, long request, int sig, int status)
{
	expect_eq(tracer_ask(request, pid, 0, (void *)(long)sig), 0);
	expect_eq(tracer_status(pid), status);
}

static void expect_found(pid_t pid)
{
	go_to(pid, PTRACE_CONT, 0, 0);
	expect_eq(sve_differ(&shared->got, &shared->want, VL, false), 0);
}

/* ---- system calls ---- */

static int call_and_look(void)
{
	sys(__NR_getppid);
	sve_store(&shared->got);
	return 0;
}

/* Linux: registers written at a stop of a system call did not outlast it. */
TEST(B23_sve_written_at_the_stops_of_a_call)
{
	const int at_call = tracer_stopped(SIGTRAP | 0x80, 0);

	need_sve();
	for (int n = 0; n < 12; n++) {
		bool used = n & 1, at_entry = n / 2 % 3 != 1, at_exit = n / 2 % 3 != 0,
		     look = n >= 6;
		pid_t pid = traced(used, call_and_look);

		go_to(pid, PTRACE_SYSCALL, 0, at_call);
		if (at_entry)
			write_sve(pid, (uint64_t)n + 1);
		if (at_entry && look)
			expect_reads_back(pid);
		go_to(pid, PTRACE_SYSCALL, 0, at_call);
		if (at_entry && look)
			expect_reads_back(pid);
		if (at_exit)
			write_sve(pid, (uint64_t)n + 100);
		if (at_exit && look)
			expect_reads_back(pid);
		expect_found(pid);
	}
}

/* A call that is skipped ends what SVE adds as well. */
TEST(B23_a_skipped_call_leaves_v_registers_and_zeros)
{
	const int at_call = tracer_stopped(SIGTRAP | 0x80, 0);
	int none = -1;

	need_sve();
	for (int look = 0; look < 2; look++) {
		pid_t pid = traced(true, call_and_look);
		struct user_fpsimd_state v;
		size_t size = sizeof(v);

		write_sve(pid, 5);
		go_to(pid, PTRACE_SYSCALL, 0, at_call);
		if (look)
			expect_eq(tracer_get(pid, NT_PRFPREG, &v, &size), 0);
		expect_eq(tracer_put(pid, NT_ARM_SYSTEM_CALL, &none, sizeof(none)), 0);
		go_to(pid, PTRACE_SYSCALL, 0, at_call);
		go_to(pid, PTRACE_CONT, 0, 0);
		expect_eq(sve_differ(&shared->got, &shared->want, VL, true), 0);
	}
}

static int hold_v_over_getppid(void)
{
	struct regs in;

	regs_fill(&in, 5, __NR_getppid);
	regs_hold(&in, &shared->v_got, (int *)&now);
	return 0;
}

/* The same of V registers, which every machine has. */
TEST(B23_v_registers_written_at_the_stops_of_a_call)
{
	const int at_call = tracer_stopped(SIGTRAP | 0x80, 0);

	for (int n = 0; n < 4; n++) {
		pid_t pid = traced(n & 1, hold_v_over_getppid);
		struct user_fpsimd_state v = { .fpsr = 0x0800009f, .fpcr = 0x07c00000 };

		for (unsigned i = 0; i < 32; i++)
			v.vregs[i] = (__uint128_t)(i * 3 + 1) << 64 | (unsigned)n;
		go_to(pid, PTRACE_SYSCALL, 0, at_call);
		if (n < 2)
			expect_eq(tracer_put(pid, NT_PRFPREG, &v, sizeof(v)), 0);
		go_to(pid, PTRACE_SYSCALL, 0, at_call);
		if (n >= 2)
			expect_eq(tracer_put(pid, NT_PRFPREG, &v, sizeof(v)), 0);
		go_to(pid, PTRACE_CONT, 0, 0);
		expect_eq(memcmp(shared->v_got.v, v.vregs, sizeof(v.vregs)), 0);
		expect_eq(shared->v_got.fpsr, v.fpsr);
		expect_eq(shared->v_got.fpcr, v.fpcr);
	}
}

static int fork_and_look(void)
{
	int status = 1;
	long pid = sys(__NR_clone, SIGCHLD);

	sve_store(pid ? &shared->got : &shared->in_frame);
	if (pid == 0)
		sys(__NR_exit, 0);
	waitpid((pid_t)pid, &status, 0);
	return status;
}

/* In clone(): the child has the V registers, the parent all. */
TEST(B23_B27_sve_written_at_the_stops_of_a_clone)
{
	const int at_call = tracer_stopped(SIGTRAP | 0x80, 0);

	need_sve();
	for (int used = 0; used < 2; used++) {
		pid_t pid = traced(used, fork_and_look);

		go_to(pid, PTRACE_SYSCALL, 0, at_call);
		write_sve(pid, 27);
		go_to(pid, PTRACE_SYSCALL, 0, at_call);
		expect_reads_back(pid);
		go_to(pid, PTRACE_CONT, 0, tracer_stopped(SIGCHLD, 0));
		go_to(pid, PTRACE_CONT, 0, 0);
		expect_eq(sve_differ(&shared->got, &shared->want, VL, false), 0);
		if (on_stet()) /* Linux's child may have older ones: B27 */
			expect_eq(sve_differ(&shared->in_frame, &shared->want, VL, true), 0);
	}
}

/* ---- signals ---- */

static void on_signal(int signo, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	struct sve_context *sve = (void *)uc->uc_mcontext.__reserved;

	(void)signo, (void)info;
	while (sve->head.magic && sve->head.magic != SVE_MAGIC)
		sve = (void *)((char *)sve + sve->head.size);
	shared->frame_size = sve->head.size;
	if (sve->head.magic && sve->head.size > sizeof(*sve))
		memcpy(&shared->in_frame, (char *)sve + SVE_SIG_REGS_OFFSET, SVE_SIZE(VL));
	sve_zero();
}

static int signal_and_look(void)
{
	struct sigaction sa = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };

	sigaction(SIGUSR1, &sa, NULL);
	sys(__NR_kill, getpid(), SIGUSR1);
	sve_store(&shared->got);
	return 0;
}

/* KVM, Linux: what a tracer had written was thrown away later: behind a call, in front of a
 * handler, in its frame, after it. */
TEST(B02_sve_written_in_front_of_a_signal)
{
	need_sve();
	for (int n = 0; n < 4; n++) {
		bool used = n & 1, deliver = n & 2;
		pid_t pid = traced(used, signal_and_look);

		go_to(pid, PTRACE_CONT, 0, tracer_stopped(SIGUSR1, 0));
		write_sve(pid, (uint64_t)n + 2);
		expect_reads_back(pid);
		go_to(pid, PTRACE_CONT, deliver ? SIGUSR1 : 0, 0);
		expect_eq(sve_differ(&shared->got, &shared->want, VL, false), 0);
		if (!deliver)
			continue;
		expect(shared->frame_size > sizeof(struct sve_context));
		expect_eq(sve_differ(&shared->in_frame, &shared->want, VL, false), 0);
	}
}

static int hold(void)
{
	static struct sve_image zeros;

	sve_hold(&zeros, &shared->got, -1, 0, 0, &shared->go);
	return 0;
}

/* Stopped anywhere, while it makes no call. The number of a call that it is then given means
 * nothing and takes nothing away. */
TEST(B02_sve_written_while_it_runs)
{
	need_sve();
	for (int n = 0; n < 4; n++) {
		int number = __NR_getppid;
		pid_t pid = traced(n & 1, hold);

		expect_eq(tracer_ask(PTRACE_CONT, pid, 0, NULL), 0);
		do {
			sleep_ms(3);
			kill(pid, SIGUSR2);
			expect_eq(tracer_status(pid), tracer_stopped(SIGUSR2, 0));
			if (tracer_regs(pid).pc - (uintptr_t)sve_hold_spin < 8)
				break;
			tracer_ask(PTRACE_CONT, pid, 0, NULL);
		} while (!tap_failed);
		write_sve(pid, (uint64_t)n + 20);
		if (n & 2)
			expect_eq(tracer_put(pid, NT_ARM_SYSTEM_CALL, &number, sizeof(number)), 0);
		expect_reads_back(pid);
		shared->go = 1;
		expect_found(pid);
	}
}

/* ---- first uses and lengths ---- */

static int use_for_the_first_time(void)
{
	sve_store(&shared->got);
	return 0;
}

/* Linux: the first use after a tracer's write found nothing. V registers and all of SVE. */
TEST(B29_a_first_use_finds_what_was_written)
{
	struct user_fpsimd_state v = { .fpsr = 0 };
	pid_t pid;

	need_sve();
	pid = traced(false, use_for_the_first_time);
	sve_fill(&shared->want, VL, 29);
	for (unsigned i = 0; i < 32; i++)
		memcpy(&v.vregs[i], shared->want.bytes + i * VL, 16);
	expect_eq(tracer_put(pid, NT_PRFPREG, &v, sizeof(v)), 0);
	go_to(pid, PTRACE_CONT, 0, 0);
	expect_eq(sve_differ(&shared->got, &shared->want, VL, true), 0);

	pid = traced(false, use_for_the_first_time);
	write_sve(pid, 30);
	expect_found(pid);
}

/* Linux: a new length, a tracer's too, brought an older image back. */
TEST(B24_a_tracer_changes_the_length)
{
	need_sve();
	for (unsigned vl = 16; vl <= SVE_MOST; vl += 16) {
		unsigned others = 0, has, at;
		pid_t pid;

		if (vl == VL) /* Linux 6.1 makes them all zero then */
			continue;
		pid = traced(vl & 16, use_for_the_first_time);
		write_sve(pid, vl);
		memset(&set, 0, sizeof(set));
		set.head.vl = (uint16_t)vl;
		set.head.flags = SVE_PT_REGS_SVE;
		expect_eq(tracer_put(pid, NT_ARM_SVE, &set, sizeof(set.head)), 0);
		sve_set_get(pid, &back);
		has = back.head.vl;
		expect(has >= 16 && has <= vl);
		expect_eq(back.head.flags & SVE_PT_REGS_MASK, SVE_PT_REGS_SVE);
		go_to(pid, PTRACE_CONT, 0, 0);
		for (unsigned i = 0; i < 32; i++) {
			at = i * has;
			expect(!memcmp(shared->got.bytes + at, shared->want.bytes + i * VL, 16));
			expect(!memcmp(back.bytes + SVE_PT_SVE_OFFSET + at,
				       shared->want.bytes + i * VL, 16));
			for (unsigned k = 16; k < has && has != VL; k++)
				others += shared->got.bytes[at + k];
		}
		expect_eq(others, 0);
	}
}
