/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes: fork, copy on write, wait, exit statuses, vfork, execve and what survives it. The
 * program runs itself again by /proc/self/exe's name or its own; see child_main(). Linux: man 2
 * fork, wait4, execve.
 */
#include <elf.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/lib/abi.h"

static volatile int variable = 1;
static char program[256];

static long fork_raw(unsigned long flags)
{
	return sys(__NR_clone, flags, 0, 0, 0, 0);
}

/* Wait for that child; its status as wait4 tells it. */
static int wait_for(long pid)
{
	int status = -1;

	expect_eq(sys(__NR_wait4, pid, &status, 0, 0), pid);
	return status;
}

TEST(a_child_is_a_copy)
{
	long pid = fork_raw(SIGCHLD);

	if (pid == 0) {
		variable++;
		sys(__NR_exit_group, variable == 2 && getppid() != getpid() ? 17 : 1);
	}
	require(pid > 0);
	expect_eq(wait_for(pid), 17 << 8);
	expect_eq(variable, 1);
}

TEST(statuses_tell_exit_codes_and_signals)
{
	static const int codes[] = { 0, 1, 42, 255 };
	static const int signals[] = { SIGKILL, SIGTERM, SIGSEGV, SIGUSR1, 40 };

	for (int i = 0; i < 4; i++) {
		long pid = fork_raw(SIGCHLD);

		if (pid == 0)
			sys(__NR_exit_group, codes[i]);
		expect_eq(wait_for(pid), codes[i] << 8);
	}
	for (int i = 0; i < 5; i++) {
		long pid = fork_raw(SIGCHLD);

		if (pid == 0) {
			sys(__NR_kill, getpid(), signals[i]);
			sys(__NR_exit_group, 99);
		}
		expect_eq(wait_for(pid) & 0x7f, signals[i]);
	}
}

static void on_nothing(int signo)
{
	(void)signo;
}

static void fault(void)
{
	volatile int *nowhere = NULL;

	__asm__("" : "+r"(nowhere));
	*nowhere = 1;
}

TEST(a_fault_kills)
{
	long pid = fork_raw(SIGCHLD);

	if (pid == 0) {
		fault();
		sys(__NR_exit_group, 99);
	}
	expect_eq(wait_for(pid) & 0x7f, SIGSEGV);
	pid = fork_raw(SIGCHLD);
	if (pid == 0) {
		/* Blocked and ignored it kills all the same. */
		uint64_t all = ~0ul;

		signal(SIGSEGV, SIG_IGN);
		sys(__NR_rt_sigprocmask, SIG_SETMASK, &all, 0, 8);
		fault();
		sys(__NR_exit_group, 99);
	}
	expect_eq(wait_for(pid) & 0x7f, SIGSEGV);
}

TEST(waiting_has_its_errors)
{
	int status;
	long pid;

	expect_eq(sys(__NR_wait4, -1, &status, 0, 0), -ECHILD);
	expect_eq(sys(__NR_wait4, 0x3ffffff, &status, 0, 0), -ECHILD);
	expect_eq(sys(__NR_wait4, -1, &status, 0x40000, 0), -EINVAL);
	pid = fork_raw(SIGCHLD);
	if (pid == 0) {
		sleep_ms(30);
		sys(__NR_exit_group, 3);
	}
	expect_eq(sys(__NR_wait4, pid, &status, WNOHANG, 0), 0);
	expect_eq(sys(__NR_wait4, -1, &status, 0, 0), pid);
	expect_eq(status, 3 << 8);
	expect_eq(sys(__NR_wait4, pid, &status, 0, 0), -ECHILD);
}

TEST(many_children_in_any_order)
{
	long pids[20];
	int sum = 0, status;

	for (int i = 0; i < 20; i++) {
		pids[i] = fork_raw(SIGCHLD);
		if (pids[i] == 0) {
			sleep_ms((unsigned)(i * 7 % 20));
			sys(__NR_exit_group, i);
		}
	}
	for (int i = 0; i < 20; i++) {
		expect(sys(__NR_wait4, -1, &status, 0, 0) > 0);
		sum += status >> 8;
	}
	expect_eq(sum, 190);
	expect_eq(sys(__NR_wait4, -1, &status, 0, 0), -ECHILD);
}

TEST(memory_is_copied_on_write_and_shared_memory_is_not)
{
	enum { SIZE = 4 << 20 };
	char *private =
		mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	long pid, wrong = 0;

	memset(private, 1, SIZE);
	*shared = 0;
	pid = fork_raw(SIGCHLD);
	if (pid == 0) {
		for (int i = 0; i < SIZE; i += 4096) {
			wrong += private[i] != 1;
			private[i] = 2;
		}
		*shared = 5;
		sys(__NR_exit_group, wrong != 0);
	}
	for (int i = 0; i < SIZE; i += 8192)
	private[i] = 3;
	expect_eq(wait_for(pid), 0);
	for (int i = 0; i < SIZE; i += 4096)
		wrong += private[i] != (i % 8192 ? 1 : 3);
	expect_eq(wrong, 0);
	expect_eq(*shared, 5);
	munmap(private, SIZE);
	munmap(shared, 4096);
}

TEST(files_are_shared_with_their_position)
{
	int fd = open(scratch("fork"), O_RDWR | O_CREAT | O_TRUNC, 0600);
	long pid = fork_raw(SIGCHLD);

	if (pid == 0) {
		sys(__NR_write, fd, "abc", 3);
		close(fd);
		sys(__NR_exit_group, 0);
	}
	wait_for(pid);
	expect_eq(sys(__NR_lseek, fd, 0, SEEK_CUR), 3);
	close(fd);
	unlink(scratch("fork"));
}

TEST(a_child_that_ends_sends_sigchld)
{
	siginfo_t info;
	uint64_t chld = 1ul << (SIGCHLD - 1);
	long pid;

	signal(SIGCHLD, on_nothing);
	sys(__NR_rt_sigprocmask, SIG_BLOCK, &chld, 0, 8);
	pid = fork_raw(SIGCHLD);
	if (pid == 0)
		sys(__NR_exit_group, 9);
	expect_eq(sys(__NR_rt_sigtimedwait, &chld, &info, 0, 8), SIGCHLD);
	expect_eq(info.si_code, CLD_EXITED);
	expect_eq(info.si_pid, pid);
	expect_eq(info.si_status, 9);
	wait_for(pid);
	signal(SIGCHLD, SIG_DFL);
	sys(__NR_rt_sigprocmask, SIG_UNBLOCK, &chld, 0, 8);
}

TEST(waitid_can_look_without_taking)
{
	siginfo_t info = { 0 };
	long pid = fork_raw(SIGCHLD);

	if (pid == 0)
		sys(__NR_exit_group, 4);
	expect_eq(sys(__NR_waitid, P_PID, pid, &info, WEXITED | WNOWAIT, 0), 0);
	expect_eq(info.si_pid, pid);
	expect_eq(info.si_status, 4);
	expect_eq(wait_for(pid), 4 << 8);
}

static int sleep_and_end(void *arg)
{
	(void)arg;
	sleep_ms(30);
	return 0;
}

TEST(the_parent_of_vfork_waits_for_it)
{
	static char stack[65536] __attribute__((aligned(16)));
	long pid;

	/* As posix_spawn() does it: the memory is shared, the stack is not. */
	pid = clone(sleep_and_end, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
	expect(pid > 0);
	expect_eq(sys(__NR_wait4, pid, 0, WNOHANG, 0), pid);
}

/* ---- execve ---- */

/* Run this program again as "child WHAT ARG" and give its status. */
static int run_child(const char *what, const char *arg)
{
	char *argv[] = { program, "child", (char *)what, (char *)arg, NULL };
	char *envp[] = { "COLOUR=green", NULL };
	long pid = fork_raw(SIGCHLD);

	if (pid == 0) {
		execve(program, argv, envp);
		sys(__NR_exit_group, 98);
	}
	return wait_for(pid);
}

TEST(a_program_gets_its_arguments_and_environment)
{
	expect_eq(run_child("arguments", "one two"), 0);
}

TEST(what_survives_execve_and_what_does_not)
{
	char text[16];
	int keep = open("/dev/null", O_RDWR), lose = open("/dev/null", O_RDWR | O_CLOEXEC);
	uint64_t usr1 = 1ul << (SIGUSR1 - 1);

	signal(SIGUSR2, SIG_IGN);
	signal(SIGUSR1, on_nothing);
	sys(__NR_rt_sigprocmask, SIG_BLOCK, &usr1, 0, 8);
	snprintf(text, sizeof(text), "%d %d", keep, lose);
	expect_eq(run_child("survivors", text), 0);
	sys(__NR_rt_sigprocmask, SIG_UNBLOCK, &usr1, 0, 8);
	signal(SIGUSR1, SIG_DFL);
	signal(SIGUSR2, SIG_DFL);
	close(keep);
	close(lose);
}

TEST(execve_has_its_errors)
{
	char *argv[] = { "x", NULL };
	int fd = open(scratch("notelf"), O_RDWR | O_CREAT | O_TRUNC, 0700);

	expect_eq(write(fd, "hello, this is no program", 25), 25);
	close(fd);
	expect_eq(sys(__NR_execve, scratch("notelf"), argv, 0), -ENOEXEC);
	expect_eq(chmod(scratch("notelf"), 0600), 0);
	expect_eq(sys(__NR_execve, scratch("notelf"), argv, 0), -EACCES);
	unlink(scratch("notelf"));
	expect_eq(sys(__NR_execve, scratch("notelf"), argv, 0), -ENOENT);
	expect_eq(sys(__NR_execve, "/dev", argv, 0), -EACCES);
	expect_eq(sys(__NR_execve, 8, argv, 0), -EFAULT);
	expect_eq(sys(__NR_execve, program, 8, 0), -EFAULT);
}

/* A program made by hand: its code checks the registers it begins with. */
struct tiny {
	Elf64_Ehdr elf;
	Elf64_Phdr ph;
	uint32_t code[64];
};

extern uint32_t tiny_start[], tiny_end[];
__asm__(".pushsection .rodata\n"
	".balign 4\n"
	"tiny_start:\n"
	".irp n, "
	"0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30\n"
	"cbnz x\\n, 1f\n"
	".endr\n"
	"mov x0, #1\n"
	"mov x1, sp\n"
	"tst x1, #15\n"
	"b.ne 2f\n"
	"mrs x1, fpcr\n"
	"mrs x2, fpsr\n"
	"orr x1, x1, x2\n"
	"fmov x2, d0\n"
	"orr x1, x1, x2\n"
	"fmov x2, v31.d[1]\n"
	"orr x1, x1, x2\n"
	"mrs x2, tpidr_el0\n"
	"orr x1, x1, x2\n"
	"mov x0, #2\n"
	"cbnz x1, 2f\n"
	"mov x0, #33\n"
	"2: mov x8, #94\n"
	"svc #0\n"
	"1: mov x0, #3\n"
	"b 2b\n"
	"tiny_end:\n"
	".popsection\n");

static int run_tiny(struct tiny *t, size_t size)
{
	char *argv[] = { "tiny", NULL };
	int fd = open(scratch("tiny"), O_RDWR | O_CREAT | O_TRUNC, 0700);
	long pid;
	int status;

	expect_eq(write(fd, t, size), size);
	close(fd);
	pid = fork_raw(SIGCHLD);
	if (pid == 0) {
		__asm__ volatile("fmov d0, x0; mov v31.d[1], x0" ::: "v0", "v31");
		sys(__NR_exit_group, 100 - execve(scratch("tiny"), argv, argv + 1) - 2 + errno);
	}
	status = wait_for(pid);
	unlink(scratch("tiny"));
	return status;
}

static void tiny_make(struct tiny *t)
{
	memset(t, 0, sizeof(*t));
	memcpy(t->elf.e_ident, ELFMAG, SELFMAG);
	t->elf.e_ident[EI_CLASS] = ELFCLASS64;
	t->elf.e_ident[EI_DATA] = ELFDATA2LSB;
	t->elf.e_ident[EI_VERSION] = EV_CURRENT;
	t->elf.e_type = ET_EXEC;
	t->elf.e_machine = EM_AARCH64;
	t->elf.e_version = EV_CURRENT;
	t->elf.e_entry = 0x10000 + offsetof(struct tiny, code);
	t->elf.e_phoff = offsetof(struct tiny, ph);
	t->elf.e_ehsize = sizeof(t->elf);
	t->elf.e_phentsize = sizeof(t->ph);
	t->elf.e_phnum = 1;
	t->ph = (Elf64_Phdr){ .p_type = PT_LOAD,
			      .p_flags = PF_R | PF_X,
			      .p_vaddr = 0x10000,
			      .p_filesz = sizeof(*t),
			      .p_memsz = sizeof(*t),
			      .p_align = 4096 };
	memcpy(t->code, tiny_start, (size_t)(tiny_end - tiny_start) * 4);
}

TEST(a_program_begins_with_empty_registers)
{
	struct tiny t;

	tiny_make(&t);
	expect_eq(run_tiny(&t, sizeof(t)), 33 << 8);
}

TEST(bad_elf_files_are_refused)
{
	struct tiny t;

	tiny_make(&t);
	t.elf.e_machine = EM_X86_64;
	expect_eq(run_tiny(&t, sizeof(t)), (99 + ENOEXEC) << 8);
	tiny_make(&t);
	t.elf.e_phentsize = 1;
	expect_eq(run_tiny(&t, sizeof(t)), (99 + ENOEXEC) << 8);
	tiny_make(&t);
	expect_eq(run_tiny(&t, 40), (99 + ENOEXEC) << 8);
}

static int child_arguments(char **argv, char **envp)
{
	return argv[4] != NULL || strcmp(argv[3], "one two") || envp[1] != NULL ||
	       strcmp(envp[0], "COLOUR=green");
}

static int child_survivors(const char *fds)
{
	struct sigaction one, two;
	uint64_t mask = 0;
	int keep, lose;

	sscanf(fds, "%d %d", &keep, &lose);
	sigaction(SIGUSR1, NULL, &one);
	sigaction(SIGUSR2, NULL, &two);
	sys(__NR_rt_sigprocmask, SIG_BLOCK, 0, &mask, 8);
	return (sys(__NR_fcntl, keep, F_GETFD) != 0) << 0 |
	       (sys(__NR_fcntl, lose, F_GETFD) != -EBADF) << 1 | (one.sa_handler != SIG_DFL) << 2 |
	       (two.sa_handler != SIG_IGN) << 3 | (mask != 1ul << (SIGUSR1 - 1)) << 4;
}

int main(int argc, char **argv, char **envp)
{
	if (argc == 4 && !strcmp(argv[1], "child"))
		return strcmp(argv[2], "arguments") ? child_survivors(argv[3])
						    : child_arguments(argv, envp);
	if (readlink("/proc/self/exe", program, sizeof(program) - 1) < 0)
		snprintf(program, sizeof(program), "%s", argv[0]);
	return tap_main();
}
