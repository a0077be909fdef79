/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes: fork, vfork, and what their parents are told. Linux: kernel/fork.c, exit.c, man 2 fork, vfork,
 * wait, setpgid.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/lib/abi.h"

enum { PAGE = 4096, RW = PROT_READ | PROT_WRITE };

static int status_of(pid_t pid)
{
	int status = -1;

	expect_eq(waitpid(pid, &status, 0), pid);
	return status;
}

/* Run fn in a child, which ends with its value. */
static int child_exit(int (*fn)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(fn());
	status = status_of(pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -status;
}

static int zero(void)
{
	return 0;
}

static int large(void)
{
	return 0x1ff;
}

TEST(exit_codes_are_reported)
{
	expect_eq(child_exit(zero), 0);
	expect_eq(child_exit(large), 0xff);
}

static void child_pause(void)
{
	for (;;)
		pause();
}

TEST(signals_that_end_are_reported)
{
	static const int signals[] = { SIGKILL, SIGTERM, SIGHUP, SIGUSR1, 35 };

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		pid_t pid = fork();
		int status;

		if (pid == 0)
			child_pause();
		expect_eq(kill(pid, signals[i]), 0);
		status = status_of(pid);
		expect(WIFSIGNALED(status));
		expect_eq(WTERMSIG(status), signals[i]);
	}
}

static int fault_now(void)
{
	__asm__ volatile("str wzr, [%0]" ::"r"(8l) : "memory");
	return 0;
}

static int break_now(void)
{
	__asm__ volatile("brk #1");
	return 0;
}

TEST(faults_end_with_their_signal)
{
	expect_eq(-child_exit(fault_now) & 0x7f, SIGSEGV);
	expect_eq(-child_exit(break_now) & 0x7f, SIGTRAP);
}

static int pid_before;

static int ids_differ(void)
{
	return getpid() != pid_before && getppid() == pid_before && sys(__NR_gettid) == getpid() &&
	       getpgid(0) == getpgid(pid_before);
}

TEST(a_child_has_an_id_of_its_own)
{
	pid_before = getpid();
	expect_eq(child_exit(ids_differ), 1);
}

static char *private_page, *shared_page;

static int change_both(void)
{
	int seen = private_page[0] == 1 && private_page[PAGE] == 1 && shared_page[0] == 1;

	private_page[0] = 2;
	shared_page[0] = 2;
	return seen && private_page[0] == 2;
}

TEST(private_memory_is_copied_and_shared_memory_is_not)
{
	private_page = mmap(NULL, 2 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	shared_page = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	private_page[0] = private_page[PAGE] = shared_page[0] = 1;
	expect_eq(child_exit(change_both), 1);
	expect_eq(private_page[0], 1);
	expect_eq(shared_page[0], 2);
	private_page[0] = 3;
	shared_page[0] = 1;
	private_page[0] = 1;
	expect_eq(child_exit(change_both), 1);
	expect_eq(private_page[0], 1);
	munmap(private_page, 2 * PAGE);
	munmap(shared_page, PAGE);
}

static char *large_memory;
#define LARGE (6u << 20)

static int change_large(void)
{
	size_t wrong = 0;

	for (size_t i = 0; i < LARGE; i += PAGE) {
		wrong += large_memory[i] != (char)(i >> 12);
		large_memory[i] = 77;
	}
	return wrong == 0;
}

TEST(large_memory_is_copied_page_by_page)
{
	size_t wrong = 0;

	large_memory = mmap(NULL, LARGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (size_t i = 0; i < LARGE; i += PAGE)
		large_memory[i] = (char)(i >> 12);
	for (int round = 0; round < 2; round++)
		expect_eq(child_exit(change_large), 1);
	for (size_t i = 0; i < LARGE; i += PAGE)
		wrong += large_memory[i] != (char)(i >> 12);
	expect_eq(wrong, 0);
	munmap(large_memory, LARGE);
}

static int page_is_missing(void)
{
	return read_faults(private_page, SEGV_MAPERR);
}

TEST(dontfork_memory_stays_with_the_parent)
{
	private_page = mmap(NULL, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	private_page[0] = 1;
	expect_eq(madvise(private_page, PAGE, MADV_DONTFORK), 0);
	expect_eq(child_exit(page_is_missing), 1);
	expect_eq(private_page[0], 1);
	expect_eq(madvise(private_page, PAGE, MADV_DOFORK), 0);
	expect_eq(child_exit(page_is_missing), 0);
	munmap(private_page, PAGE);
}

static int file;

static int move_position(void)
{
	return (int)lseek(file, 3, SEEK_CUR);
}

TEST(descriptors_are_copied_and_positions_shared)
{
	file = open(scratch("process"), O_RDWR | O_CREAT | O_TRUNC, 0600);
	expect_eq(write(file, "0123456789", 10), 10);
	expect_eq(lseek(file, 2, SEEK_SET), 2);
	expect_eq(child_exit(move_position), 5);
	expect_eq(lseek(file, 0, SEEK_CUR), 5);
	close(file);
	unlink(scratch("process"));
}

static volatile int vfork_word;

/* clone() with flags that share memory: fn runs on a stack of its own. */
static pid_t child_on_stack(unsigned long flags, int (*fn)(void *))
{
	static char stack[16384] __attribute__((aligned(16)));

	return clone(fn, stack + sizeof(stack), (int)flags | SIGCHLD, NULL);
}

static int write_and_end(void *arg)
{
	(void)arg;
	sleep_ms(20);
	vfork_word = 5;
	_exit(6);
}

TEST(vfork_waits_and_shares_memory)
{
	pid_t pid;

	vfork_word = 0;
	pid = child_on_stack(CLONE_VM | CLONE_VFORK, write_and_end);
	expect_eq(vfork_word, 5);
	expect_eq(status_of(pid), 6 << 8);
	vfork_word = 0;
	pid = child_on_stack(CLONE_VFORK, write_and_end);
	expect_eq(vfork_word, 0);
	expect_eq(status_of(pid), 6 << 8);
}

TEST(clone_refuses_bad_flags)
{
	expect_eq(sys(__NR_clone, CLONE_THREAD, 0, 0, 0, 0), -EINVAL);
	expect_eq(sys(__NR_clone, CLONE_SIGHAND, 0, 0, 0, 0), -EINVAL);
	expect_eq(sys(__NR_clone, CLONE_THREAD | CLONE_SIGHAND, 0, 0, 0, 0), -EINVAL);
}

TEST(wait_tells_what_it_cannot_wait_for)
{
	int status;
	pid_t pid;

	expect_eq(sys(__NR_wait4, -1, &status, 0, 0), -ECHILD);
	expect_eq(sys(__NR_wait4, -1, &status, 0x100, 0), -EINVAL);
	pid = fork();
	if (pid == 0)
		child_pause();
	expect_eq(sys(__NR_wait4, pid, &status, WNOHANG, 0), 0);
	expect_eq(sys(__NR_wait4, pid + 1000, &status, 0, 0), -ECHILD);
	kill(pid, SIGKILL);
	expect_eq(sys(__NR_wait4, -1, 8, 0, 0), -EFAULT);
	expect_eq(sys(__NR_wait4, -1, &status, 0, 0), -ECHILD);
}

TEST(waitid_describes_the_child)
{
	siginfo_t info;
	pid_t pid = fork();

	if (pid == 0)
		_exit(9);
	memset(&info, 0, sizeof(info));
	expect_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	expect_eq(info.si_signo, SIGCHLD);
	expect_eq(info.si_code, CLD_EXITED);
	expect_eq(info.si_pid, pid);
	expect_eq(info.si_status, 9);
	memset(&info, 0, sizeof(info));
	expect_eq(waitid(P_ALL, 0, &info, WEXITED), 0);
	expect_eq(info.si_pid, pid);
	expect_eq(waitid(P_ALL, 0, &info, WEXITED), -1);
	expect_eq(errno, ECHILD);
	expect_eq(sys(__NR_waitid, P_ALL, 0, &info, 0, 0), -EINVAL);
}

static volatile int children_ended;
static volatile siginfo_t child_info;

static void on_child(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)context;
	memcpy((void *)&child_info, info, sizeof(*info));
	children_ended++;
}

static void on_sigchld(void (*fn)(int, siginfo_t *, void *), int flags)
{
	struct sigaction sa = { .sa_sigaction = fn, .sa_flags = SA_SIGINFO | flags };

	sigaction(SIGCHLD, &sa, NULL);
}

TEST(sigchld_tells_who_and_how)
{
	pid_t pid;

	children_ended = 0;
	on_sigchld(on_child, SA_RESTART);
	pid = fork();
	if (pid == 0)
		_exit(4);
	expect_eq(status_of(pid), 4 << 8);
	for (int i = 0; i < 100 && !children_ended; i++)
		sleep_ms(1);
	expect_eq(children_ended, 1);
	expect_eq(child_info.si_pid, pid);
	expect_eq(child_info.si_code, CLD_EXITED);
	expect_eq(child_info.si_status, 4);
	signal(SIGCHLD, SIG_DFL);
}

TEST(an_ignored_child_leaves_nothing_to_wait_for)
{
	pid_t pid;

	signal(SIGCHLD, SIG_IGN);
	pid = fork();
	if (pid == 0)
		_exit(4);
	expect_eq(sys(__NR_wait4, pid, 0, 0, 0), -ECHILD);
	/* Its number is free a moment after it has ended. */
	for (int i = 0; i < 2000 && !kill(pid, 0); i++)
		sleep_ms(1);
	expect_eq(kill(pid, 0), -1);
	signal(SIGCHLD, SIG_DFL);
}

TEST(stopping_and_continuing_are_reported)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		child_pause();
	kill(pid, SIGSTOP);
	expect_eq(waitpid(pid, &status, WUNTRACED), pid);
	expect(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	expect_eq(waitpid(pid, &status, WUNTRACED | WNOHANG), 0);
	kill(pid, SIGUSR1); /* waits: a stopped process acts on nothing but SIGKILL and SIGCONT */
	sleep_ms(20);
	expect_eq(waitpid(pid, &status, WNOHANG), 0);
	kill(pid, SIGCONT);
	expect_eq(waitpid(pid, &status, WCONTINUED), pid);
	if (WIFCONTINUED(status))
		expect_eq(waitpid(pid, &status, 0), pid);
	expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1);
}

TEST(a_stopped_process_can_be_killed)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		child_pause();
	kill(pid, SIGSTOP);
	expect_eq(waitpid(pid, &status, WUNTRACED), pid);
	kill(pid, SIGKILL);
	status = status_of(pid);
	expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static int groups(void)
{
	pid_t me = getpid();

	if (setpgid(0, 0) || getpgid(0) != me || getpgrp() != me)
		return 1;
	if (setsid() != -1 || errno != EPERM)
		return 2;
	if (setpgid(0, me + 1000) != -1 || errno != EPERM)
		return 3;
	if (setpgid(-1, me) != -1 || errno != ESRCH)
		return 4;
	return kill(0, 0) || kill(-me, 0) ? 5 : 0;
}

static int session(void)
{
	pid_t me = getpid();

	if (setsid() != me || getsid(0) != me || getpgid(0) != me)
		return 1;
	return setpgid(0, 0) == -1 && errno == EPERM ? 0 : 2;
}

TEST(groups_and_sessions)
{
	expect_eq(child_exit(groups), 0);
	expect_eq(child_exit(session), 0);
}

static pthread_mutex_t robust;

static void *lock_and_end(void *arg)
{
	pthread_mutex_lock(&robust);
	return arg;
}

TEST(who_ends_with_a_robust_mutex_leaves_a_mark)
{
	pthread_mutexattr_t attr;
	pthread_t t;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&robust, &attr);
	pthread_create(&t, NULL, lock_and_end, NULL);
	pthread_join(t, NULL);
	expect_eq(pthread_mutex_lock(&robust), EOWNERDEAD);
	expect_eq(pthread_mutex_consistent(&robust), 0);
	expect_eq(pthread_mutex_unlock(&robust), 0);
}
