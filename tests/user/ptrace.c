/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ptrace(2): how tasks come to be traced, where they stop and what their tracer learns, their
 * memory, system calls, steps, events and ends. Register sets are tests/user/regset.c. Linux:
 * kernel/ptrace.c, man 2 ptrace.
 */
#include <elf.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/audit.h>
#include <linux/ptrace.h>
#include "tests/lib/abi.h"

#ifndef __WALL
#define __WALL 0x40000000
#endif

enum { EVENT_SHIFT = 16, PAGE = 4096 };

static long trace(long request, pid_t pid, long addr, long data)
{
	return sys(__NR_ptrace, request, pid, addr, data);
}

/* The next status of pid; -1: waiting failed. */
static int next_status(pid_t pid)
{
	int status = -1;

	return waitpid(pid, &status, __WALL) == pid ? status : -1;
}

static int stop_status(int sig, int event)
{
	return event << EVENT_SHIFT | sig << 8 | 0x7f;
}

#define expect_stop(pid, sig)		   expect_eq(next_status(pid), stop_status(sig, 0))
#define expect_event(pid, sig, event_)	   expect_eq(next_status(pid), stop_status(sig, event_))
#define expect_exit(pid, code)		   expect_eq(next_status(pid), (code) << 8)

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	while (next_status(pid) > 0 && kill(pid, 0) == 0)
		;
}

static struct user_pt_regs regs_of(pid_t pid)
{
	struct user_pt_regs r = { .pc = 0 };
	struct iovec v = { &r, sizeof(r) };

	expect_eq(trace(PTRACE_GETREGSET, pid, NT_PRSTATUS, (long)&v), 0);
	expect_eq(v.iov_len, sizeof(r));
	return r;
}

static long set_regs(pid_t pid, struct user_pt_regs *r)
{
	struct iovec v = { r, sizeof(*r) };

	return trace(PTRACE_SETREGSET, pid, NT_PRSTATUS, (long)&v);
}

/* A child that is traced from its birth and has stopped itself; then it runs fn and ends with that. */
static pid_t traced_child(int (*fn)(void))
{
	pid_t pid = fork();

	if (pid == 0) {
		trace(PTRACE_TRACEME, 0, 0, 0);
		sys(__NR_kill, getpid(), SIGSTOP);
		_exit(fn());
	}
	expect_stop(pid, SIGSTOP);
	return pid;
}

/* One that knows nothing of it. */
static pid_t free_child(int (*fn)(void))
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(fn());
	return pid;
}

static int nothing(void)
{
	return 7;
}

static int wait_long(void)
{
	for (;;)
		pause();
	return 0;
}

TEST(a_child_that_asks_to_be_traced_stops_for_its_parent)
{
	pid_t pid = traced_child(nothing);
	siginfo_t info;

	expect_eq(trace(PTRACE_GETSIGINFO, pid, 0, (long)&info), 0);
	expect_eq(info.si_signo, SIGSTOP);
	expect_eq(info.si_code, SI_USER);
	expect_eq(info.si_pid, pid);
	expect_eq(trace(PTRACE_CONT, pid, 0, 0), 0);
	expect_exit(pid, 7);
}

TEST(attach_stops_and_detach_lets_go)
{
	pid_t pid = free_child(wait_long);
	int status;

	sleep_ms(20);
	expect_eq(trace(PTRACE_ATTACH, pid, 0, 0), 0);
	expect_stop(pid, SIGSTOP);
	expect_eq(trace(PTRACE_ATTACH, pid, 0, 0), -EPERM);
	expect_eq(trace(PTRACE_CONT, pid, 0, 0), 0);
	expect_eq(trace(PTRACE_CONT, pid, 0, 0), -ESRCH); /* it is not stopped */
	expect_eq(waitpid(pid, &status, WNOHANG), 0);
	kill(pid, SIGUSR1);
	expect_stop(pid, SIGUSR1);
	expect_eq(trace(PTRACE_DETACH, pid, 0, 0), 0); /* the signal is dropped */
	expect_eq(trace(PTRACE_DETACH, pid, 0, 0), -ESRCH);
	sleep_ms(20);
	expect_eq(waitpid(pid, &status, WNOHANG), 0);
	kill(pid, SIGTERM);
	expect_eq(next_status(pid), SIGTERM);
}

TEST(who_may_not_be_traced)
{
	expect_eq(trace(PTRACE_ATTACH, getpid(), 0, 0), -EPERM);
	expect_eq(trace(PTRACE_ATTACH, 0x3ffffff, 0, 0), -ESRCH);
	expect_eq(trace(PTRACE_CONT, getpid(), 0, 0), -ESRCH);
	expect_eq(trace(PTRACE_SEIZE, 1, 1, 0), -EIO);
	expect_eq(trace(PTRACE_SEIZE, 1, 0, 1l << 40), -EIO);
	expect_eq(trace(PTRACE_PEEKTEXT, 0x3ffffff, 0, 0), -ESRCH);
}

static int other_user(void)
{
	if (setresgid(77, 77, 77) || setresuid(77, 77, 77))
		return 1;
	return trace(PTRACE_ATTACH, getppid(), 0, 0) == -EPERM ? 0 : 2;
}

TEST(another_user_may_not)
{
	pid_t pid = free_child(other_user);

	expect_exit(pid, 0);
}

static volatile int handled;

static void on_signal(int sig)
{
	handled = sig;
}

static int take_signals(void)
{
	signal(SIGUSR1, on_signal);
	signal(SIGUSR2, on_signal);
	handled = 0;
	raise(SIGUSR1);
	return handled;
}

TEST(a_signal_is_delivered_changed_or_dropped)
{
	static const int instead[] = { SIGUSR1, SIGUSR2, 0 };

	for (int i = 0; i < 3; i++) {
		pid_t pid = traced_child(take_signals);

		expect_eq(trace(PTRACE_CONT, pid, 0, 0), 0);
		expect_stop(pid, SIGUSR1);
		expect_eq(trace(PTRACE_CONT, pid, 0, 100), -EIO);
		expect_eq(trace(PTRACE_CONT, pid, 0, instead[i]), 0);
		expect_exit(pid, instead[i]);
	}
}

static int ignore_then_raise(void)
{
	signal(SIGUSR1, SIG_IGN);
	raise(SIGUSR1);
	raise(SIGCHLD);
	return 3;
}

TEST(ignored_signals_stop_too)
{
	pid_t pid = traced_child(ignore_then_raise);

	trace(PTRACE_CONT, pid, 0, 0);
	expect_stop(pid, SIGUSR1);
	trace(PTRACE_CONT, pid, 0, SIGUSR1);
	expect_stop(pid, SIGCHLD);
	trace(PTRACE_CONT, pid, 0, SIGCHLD);
	expect_exit(pid, 3);
}

static int value_of(siginfo_t *info)
{
	return info->si_value.sival_int;
}

static int queue_to_self(void)
{
	sigset_t set;
	siginfo_t info;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	sys(__NR_kill, getpid(), SIGCONT); /* a stop to get in between */
	(void)sigwaitinfo(&set, &info);
	return info.si_signo == SIGUSR2 ? value_of(&info) : 99;
}

/* Not taken by a handler but given to a task that blocks it: it is queued again, with what is told
 * about it. */
TEST(a_signal_that_is_blocked_waits)
{
	siginfo_t info = { .si_signo = SIGUSR2, .si_code = SI_QUEUE };
	pid_t pid = traced_child(queue_to_self);

	info.si_value.sival_int = 42;
	trace(PTRACE_CONT, pid, 0, 0);
	expect_stop(pid, SIGCONT);
	info.si_signo = SIGUSR2;
	expect_eq(trace(PTRACE_SETSIGINFO, pid, 0, (long)&info), 0);
	expect_eq(trace(PTRACE_CONT, pid, 0, SIGUSR2), 0);
	expect_exit(pid, 42);
}

TEST(sigkill_ends_what_is_stopped)
{
	pid_t pid = traced_child(nothing);

	kill(pid, SIGKILL);
	expect_eq(next_status(pid), SIGKILL);
	pid = traced_child(nothing);
	expect_eq(trace(PTRACE_KILL, pid, 0, 0), 0);
	expect_eq(next_status(pid), SIGKILL);
}

/* ---- memory ---- */

static long word = 0x1122334455667788;

__attribute__((noinline)) static int five(void)
{
	__asm__ volatile("" ::: "memory");
	return 5;
}

static int call_five(void)
{
	int (*volatile fn)(void) = five;

	return fn() + (word == 99 ? 100 : 0);
}

TEST(memory_is_read_and_written_through_rights_and_copies)
{
	pid_t pid = traced_child(call_five);
	long got = 0, code = 0;
	uint32_t *text = (uint32_t *)((uintptr_t)five & ~7ul);

	expect_eq(trace(PTRACE_PEEKDATA, pid, (long)&word, (long)&got), 0);
	expect_eq(got, word);
	expect_eq(trace(PTRACE_POKEDATA, pid, (long)&word, 99), 0);
	expect_eq(word, 0x1122334455667788);
	expect_eq(trace(PTRACE_PEEKTEXT, pid, (long)text, (long)&code), 0);
	expect_eq(memcmp(&code, text, 8), 0);
	/* mov w0, #6; ret */
	code = 0xd65f03c052800000 | 6 << 5;
	if ((uintptr_t)five % 8)
		code = (code & 0xffffffff) << 32 | *text;
	expect_eq(trace(PTRACE_POKETEXT, pid, (long)text, code), 0);
	if ((uintptr_t)five % 8) {
		trace(PTRACE_PEEKTEXT, pid, (long)text + 8, (long)&code);
		code = (code & ~0xffffffffl) | 0xd65f03c0;
		expect_eq(trace(PTRACE_POKETEXT, pid, (long)text + 8, code), 0);
	}
	expect_eq(five(), 5); /* ours is another page now */
	expect_eq(trace(PTRACE_PEEKDATA, pid, 8, (long)&got), -EIO);
	expect_eq(trace(PTRACE_POKEDATA, pid, 8, 1), -EIO);
	expect_eq(trace(PTRACE_PEEKDATA, pid, (long)&word, 8), -EFAULT);
	trace(PTRACE_CONT, pid, 0, 0);
	expect_exit(pid, 106);
}

TEST(pages_of_all_rights)
{
	char *none = mmap(NULL, 4 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *shared = mmap(NULL, PAGE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid = traced_child(nothing);
	long got = 1;

	expect_eq(trace(PTRACE_PEEKDATA, pid, (long)none, (long)&got), 0);
	expect_eq(got, 0);
	expect_eq(trace(PTRACE_POKEDATA, pid, (long)none, 77), 0);
	expect_eq(trace(PTRACE_PEEKDATA, pid, (long)none, (long)&got), 0);
	expect_eq(got, 77);
	expect_eq(trace(PTRACE_POKEDATA, pid, (long)none + PAGE - 4, 0x100000002), 0); /* over an edge */
	expect_eq(trace(PTRACE_PEEKDATA, pid, (long)none + PAGE, (long)&got), 0);
	expect_eq(got, 1);
	expect_eq(trace(PTRACE_POKEDATA, pid, (long)shared, 1), -EIO);
	trace(PTRACE_CONT, pid, 0, 0);
	expect_exit(pid, 7);
	munmap(none, 4 * PAGE);
	munmap(shared, PAGE);
}

TEST(proc_mem_is_the_same_memory)
{
	pid_t pid = traced_child(call_five);
	char name[64];
	long got = 0, ninety_nine = 99;
	int fd;

	snprintf(name, sizeof(name), "/proc/%d/mem", pid);
	fd = open(name, O_RDWR);
	require(fd >= 0);
	expect_eq(pread(fd, &got, sizeof(got), (off_t)&word), sizeof(got));
	expect_eq(got, word);
	expect_eq(pwrite(fd, &ninety_nine, sizeof(long), (off_t)&word), sizeof(long));
	expect_errno(pread(fd, &got, sizeof(got), 8), EIO);
	close(fd);
	trace(PTRACE_CONT, pid, 0, 0);
	expect_exit(pid, 105);
}

TEST(process_vm_calls)
{
	static char to[64], from[64] = "0123456789abcdef";
	struct iovec local[2] = { { to, 4 }, { to + 8, 12 } }, remote[2] = { { from, 10 }, { from + 10, 6 } };
	struct iovec nowhere = { (void *)8, 4 };
	pid_t pid = traced_child(nothing);

	expect_eq(sys(__NR_process_vm_readv, pid, local, 2, remote, 2, 0), 16);
	expect_eq(memcmp(to, "0123\0\0\0", 8), 0);
	expect_eq(memcmp(to + 8, "456789abcdef", 12), 0);
	expect_eq(sys(__NR_process_vm_readv, pid, local, 2, remote, 2, 1), -EINVAL);
	expect_eq(sys(__NR_process_vm_readv, pid, local, 2, &nowhere, 1, 0), -EFAULT);
	expect_eq(sys(__NR_process_vm_readv, pid, local, 2000, remote, 2, 0), -EINVAL);
	expect_eq(sys(__NR_process_vm_readv, 0x3ffffff, local, 2, remote, 2, 0), -ESRCH);
	memset(to, 'x', sizeof(to));
	expect_eq(sys(__NR_process_vm_writev, pid, local, 2, remote, 2, 0), 16);
	memset(to, 0, sizeof(to));
	expect_eq(sys(__NR_process_vm_readv, pid, local, 2, remote, 2, 0), 16);
	expect_eq(to[0], 'x');
	expect_eq(from[0], '0');
	remote[0] = (struct iovec){ (void *)(uintptr_t)five, 4 }; /* text may not be written */
	expect_eq(sys(__NR_process_vm_writev, pid, local, 1, remote, 1, 0), -EFAULT);
	end(pid);
}

/* ---- system calls ---- */

static int some_calls(void)
{
	sys(__NR_getpgid, 111, 2, 3, 4, 5, 6);
	return (int)sys(__NR_getppid) == getppid() ? 0 : 1;
}

static int next_call(pid_t pid, long *args)
{
	struct ptrace_syscall_info info;

	trace(PTRACE_SYSCALL, pid, 0, 0);
	expect_stop(pid, SIGTRAP | 0x80);
	memset(&info, 0xff, sizeof(info));
	expect_eq(trace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), (long)&info), 80);
	expect_eq(info.op, PTRACE_SYSCALL_INFO_ENTRY);
	expect_eq(info.arch, AUDIT_ARCH_AARCH64);
	expect_eq(regs_of(pid).regs[7], 0);
	for (int i = 0; i < 6; i++)
		args[i] = (long)info.entry.args[i];
	return (int)info.entry.nr;
}

static long call_result(pid_t pid)
{
	struct ptrace_syscall_info info;

	trace(PTRACE_SYSCALL, pid, 0, 0);
	expect_stop(pid, SIGTRAP | 0x80);
	expect_eq(trace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), (long)&info), 33);
	expect_eq(info.op, PTRACE_SYSCALL_INFO_EXIT);
	expect_eq(info.exit.is_error, info.exit.rval < 0);
	expect_eq(regs_of(pid).regs[7], 1);
	expect_eq(regs_of(pid).regs[0], info.exit.rval);
	return info.exit.rval;
}

TEST(calls_are_told_with_arguments_and_results)
{
	pid_t pid = traced_child(some_calls);
	long args[6];
	siginfo_t info;

	expect_eq(trace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD), 0);
	expect_eq(trace(PTRACE_SETOPTIONS, pid, 0, 1l << 40), -EINVAL);
	expect_eq(next_call(pid, args), __NR_getpgid);
	expect_eq(args[0], 111);
	expect_eq(args[5], 6);
	expect_eq(trace(PTRACE_GETSIGINFO, pid, 0, (long)&info), 0);
	expect_eq(info.si_signo, SIGTRAP);
	expect_eq(info.si_code, SIGTRAP | 0x80);
	expect_eq(call_result(pid), -ESRCH);
	expect_eq(next_call(pid, args), __NR_getppid);
	expect_eq(call_result(pid), getpid());
	trace(PTRACE_CONT, pid, 0, 0);
	expect_exit(pid, 0);
}

static int one_call(void)
{
	return (int)sys(__NR_getpgid, 111);
}

TEST(a_call_is_exchanged_skipped_or_answered)
{
	struct user_pt_regs r;
	int number = __NR_getppid;
	struct iovec v = { &number, sizeof(number) };
	long args[6];
	pid_t pid = traced_child(one_call);

	trace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD);
	expect_eq(next_call(pid, args), __NR_getpgid);
	expect_eq(trace(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, (long)&v), 0);
	expect_eq(call_result(pid), getpid());
	end(pid);

	pid = traced_child(one_call);
	trace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD);
	expect_eq(next_call(pid, args), __NR_getpgid);
	number = -1;
	expect_eq(trace(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, (long)&v), 0);
	r = regs_of(pid);
	r.regs[0] = 33;
	expect_eq(set_regs(pid, &r), 0);
	expect_eq(call_result(pid), 33);
	r.regs[0] = 34;
	expect_eq(set_regs(pid, &r), 0);
	trace(PTRACE_CONT, pid, 0, 0);
	expect_exit(pid, 34);
}

static int pipe_ends[2];

static int read_pipe(void)
{
	char c = 0;

	return read(pipe_ends[0], &c, 1) == 1 ? c : 1;
}

/* A call that a stop interrupts goes on afterwards, whoever looks meanwhile. */
TEST(an_interrupted_call_goes_on)
{
	struct user_pt_regs r;
	pid_t pid;

	require(pipe(pipe_ends) == 0);
	pid = free_child(read_pipe);
	sleep_ms(30);
	expect_eq(trace(PTRACE_ATTACH, pid, 0, 0), 0);
	expect_stop(pid, SIGSTOP);
	r = regs_of(pid);
	expect_eq(r.regs[8], __NR_read);
	expect_eq(r.regs[0], pipe_ends[0]); /* it stands in front of the call again */
	expect_eq(set_regs(pid, &r), 0);
	trace(PTRACE_DETACH, pid, 0, 0);
	expect_eq(write(pipe_ends[1], "*", 1), 1);
	expect_exit(pid, '*');
}

/* ---- steps ---- */

extern char step_begin[], step_end[];
__asm__("step_begin: mov x9, #1\n\tadd x9, x9, #2\n\tnop\n\tldr x10, [sp]\n\tadd x0, x9, #4\n"
	"step_end: ret");

static int run_steps(void)
{
	return ((int (*)(void))step_begin)();
}

static void run_to(pid_t pid, char *at)
{
	long old, brk;

	trace(PTRACE_PEEKTEXT, pid, (long)at, (long)&old);
	brk = (old & ~0xffffffffl) | 0xd4200000;
	trace(PTRACE_POKETEXT, pid, (long)at, brk);
	trace(PTRACE_CONT, pid, 0, 0);
	expect_stop(pid, SIGTRAP);
	expect_eq(regs_of(pid).pc, at);
	trace(PTRACE_POKETEXT, pid, (long)at, old);
}

TEST(a_breakpoint_and_steps)
{
	pid_t pid = traced_child(run_steps);
	siginfo_t info;

	run_to(pid, step_begin);
	expect_eq(trace(PTRACE_GETSIGINFO, pid, 0, (long)&info), 0);
	expect_eq(info.si_code, TRAP_BRKPT);
	expect_eq((uintptr_t)info.si_addr, step_begin);
	for (char *pc = step_begin + 4; pc <= step_end; pc += 4) {
		expect_eq(trace(PTRACE_SINGLESTEP, pid, 0, 0), 0);
		expect_stop(pid, SIGTRAP);
		expect_eq(regs_of(pid).pc, pc);
		expect_eq(trace(PTRACE_GETSIGINFO, pid, 0, (long)&info), 0);
		expect_eq(info.si_code, TRAP_TRACE);
		expect_eq((uintptr_t)info.si_addr, pc);
	}
	trace(PTRACE_CONT, pid, 0, 0);
	expect_exit(pid, 7);
}

extern char call_begin[];
__asm__("call_begin: mov x8, #172\n\tsvc #0\n\tmov x9, x0\n\tmov x0, #9\n\tret");

static int run_call(void)
{
	return ((int (*)(void))call_begin)();
}

/* Linux stops twice behind the call, with the same pc. */
TEST(a_step_over_a_call_ends_behind_it)
{
	pid_t pid = traced_child(run_call);
	uint64_t pc = (uintptr_t)call_begin, seen = 0;

	run_to(pid, call_begin);
	for (int stops = 0; stops < 4 && pc < (uintptr_t)call_begin + 12; stops++) {
		trace(PTRACE_SINGLESTEP, pid, 0, 0);
		expect_stop(pid, SIGTRAP);
		pc = regs_of(pid).pc;
		seen |= 1u << (pc - (uintptr_t)call_begin) / 4;
	}
	expect_eq(seen, 1 << 1 | 1 << 2 | 1 << 3);
	expect_eq(regs_of(pid).regs[9], pid);
	trace(PTRACE_CONT, pid, 0, 0);
	expect_exit(pid, 9);
}

static volatile long spun;

static int spin_a_while(void)
{
	for (spun = 0; spun < 300; spun++)
		;
	return 11;
}

/* Many steps, over page faults and interrupts, beside programs that are not stepped. */
TEST(a_long_way_in_steps)
{
	pid_t pid = traced_child(spin_a_while), other = free_child(wait_long);
	int status, steps = 0;

	do {
		trace(PTRACE_SINGLESTEP, pid, 0, 0);
		status = next_status(pid);
		steps++;
	} while (status == stop_status(SIGTRAP, 0) && steps < 100000);
	expect_eq(status, 11 << 8);
	expect(steps > 300);
	kill(other, SIGUSR1);
	expect_eq(next_status(other), SIGUSR1);
}

static int handle_one(void)
{
	signal(SIGUSR1, on_signal);
	sys(__NR_kill, getpid(), SIGUSR1);
	return handled;
}

TEST(a_step_with_a_signal_stops_in_front_of_its_handler)
{
	pid_t pid = traced_child(handle_one);

	trace(PTRACE_CONT, pid, 0, 0);
	expect_stop(pid, SIGUSR1);
	trace(PTRACE_SINGLESTEP, pid, 0, SIGUSR1);
	expect_stop(pid, SIGTRAP);
	expect_eq(regs_of(pid).pc, (uintptr_t)on_signal);
	trace(PTRACE_CONT, pid, 0, 0);
	expect_exit(pid, SIGUSR1);
}

/* ---- events ---- */

static unsigned long message(pid_t pid)
{
	unsigned long m = 0;

	expect_eq(trace(PTRACE_GETEVENTMSG, pid, 0, (long)&m), 0);
	return m;
}

static int fork_one(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(2);
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status) + 1;
}

TEST(a_fork_brings_a_traced_child)
{
	pid_t pid = traced_child(fork_one), child;

	trace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXIT);
	trace(PTRACE_CONT, pid, 0, 0);
	expect_event(pid, SIGTRAP, PTRACE_EVENT_FORK);
	child = (pid_t)message(pid);
	expect_stop(child, SIGSTOP);
	trace(PTRACE_CONT, pid, 0, 0);
	trace(PTRACE_CONT, child, 0, 0);
	expect_event(child, SIGTRAP, PTRACE_EVENT_EXIT);
	expect_eq(message(child), 2 << 8);
	trace(PTRACE_CONT, child, 0, 0);
	expect_exit(child, 2); /* we are told, and so is its parent */
	expect_stop(pid, SIGCHLD);
	trace(PTRACE_CONT, pid, 0, SIGCHLD);
	expect_event(pid, SIGTRAP, PTRACE_EVENT_EXIT);
	trace(PTRACE_CONT, pid, 0, 0);
	expect_exit(pid, 3);
}

static void *thread_body(void *arg)
{
	return arg;
}

static int thread_one(void)
{
	pthread_t t;

	pthread_create(&t, NULL, thread_body, NULL);
	pthread_join(t, NULL);
	return 4;
}

TEST(threads_are_traced_one_by_one)
{
	pid_t pid = traced_child(thread_one), tid;
	int status;

	trace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACECLONE);
	trace(PTRACE_CONT, pid, 0, 0);
	expect_event(pid, SIGTRAP, PTRACE_EVENT_CLONE);
	tid = (pid_t)message(pid);
	expect(tid != pid);
	expect_stop(tid, SIGSTOP);
	expect(regs_of(tid).sp != regs_of(pid).sp);
	trace(PTRACE_CONT, pid, 0, 0);
	expect_eq(trace(PTRACE_CONT, tid, 0, 0), 0);
	status = next_status(tid); /* a thread's end is told too; as its process's if that ends as well */
	expect(status == 0 || status == 4 << 8);
	expect_eq(waitpid(tid, &status, __WALL), -1);
	expect_exit(pid, 4);
}

static int vfork_and_exec(void)
{
	char *argv[] = { tap_argv[0], (char *)"--nothing", NULL };
	pid_t pid = (pid_t)sys(__NR_clone, CLONE_VFORK | SIGCHLD); /* musl's vfork() is fork() */
	int status;

	if (pid == 0) {
		execv("/proc/self/exe", argv);
		_exit(1);
	}
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

TEST(vfork_and_execve_are_events)
{
	pid_t pid = traced_child(vfork_and_exec), child;

	trace(PTRACE_SETOPTIONS, pid, 0,
	      PTRACE_O_TRACEVFORK | PTRACE_O_TRACEVFORKDONE | PTRACE_O_TRACEEXEC);
	trace(PTRACE_CONT, pid, 0, 0);
	expect_event(pid, SIGTRAP, PTRACE_EVENT_VFORK);
	child = (pid_t)message(pid);
	expect_stop(child, SIGSTOP);
	trace(PTRACE_CONT, child, 0, 0);
	trace(PTRACE_CONT, pid, 0, 0);
	expect_event(child, SIGTRAP, PTRACE_EVENT_EXEC);
	expect_eq(message(child), child);
	expect_event(pid, SIGTRAP, PTRACE_EVENT_VFORK_DONE);
	expect_eq(message(pid), child);
	trace(PTRACE_CONT, pid, 0, 0);
	trace(PTRACE_CONT, child, 0, 0);
	expect_exit(child, 21);
	expect_stop(pid, SIGCHLD);
	trace(PTRACE_CONT, pid, 0, 0);
	expect_exit(pid, 21);
}

static int exec_self(void)
{
	char *argv[] = { tap_argv[0], (char *)"--nothing", NULL };

	execv("/proc/self/exe", argv);
	return 1;
}

TEST(execve_without_options_is_a_sigtrap)
{
	pid_t pid = traced_child(exec_self);

	trace(PTRACE_CONT, pid, 0, 0);
	expect_stop(pid, SIGTRAP);
	trace(PTRACE_CONT, pid, 0, 0);
	expect_exit(pid, 21);
}

/* ---- seized ---- */

#define EVENT_STOP_OF(sig) stop_status(sig, PTRACE_EVENT_STOP)

TEST(a_seized_task_is_interrupted_and_listens)
{
	pid_t pid = free_child(wait_long);
	siginfo_t info;

	sleep_ms(20);
	expect_eq(trace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACESYSGOOD), 0);
	expect_eq(trace(PTRACE_PEEKTEXT, pid, (long)&word, (long)&info), -ESRCH); /* it runs */
	expect_eq(trace(PTRACE_INTERRUPT, pid, 0, 0), 0);
	expect_eq(next_status(pid), EVENT_STOP_OF(SIGTRAP));
	expect_eq(trace(PTRACE_GETSIGINFO, pid, 0, (long)&info), 0);
	expect_eq(info.si_code, SIGTRAP | PTRACE_EVENT_STOP << 8);
	trace(PTRACE_CONT, pid, 0, 0);
	kill(pid, SIGTSTP);
	expect_stop(pid, SIGTSTP); /* on its way */
	trace(PTRACE_CONT, pid, 0, SIGSTOP);
	expect_eq(next_status(pid), EVENT_STOP_OF(SIGSTOP)); /* stopped with its process */
	expect_eq(trace(PTRACE_LISTEN, pid, 0, 0), 0);
	expect_eq(trace(PTRACE_GETSIGINFO, pid, 0, (long)&info), -ESRCH);
	kill(pid, SIGCONT);
	expect_eq(next_status(pid), EVENT_STOP_OF(SIGTRAP)); /* it goes on */
	expect_eq(trace(PTRACE_LISTEN, pid, 0, 0), 0);
	expect_eq(trace(PTRACE_INTERRUPT, pid, 0, 0), 0);
	expect_eq(next_status(pid), EVENT_STOP_OF(SIGTRAP));
	trace(PTRACE_CONT, pid, 0, 0);
	expect_stop(pid, SIGCONT);
	trace(PTRACE_DETACH, pid, 0, SIGTERM);
	expect_eq(next_status(pid), SIGTERM);
}

TEST(an_attached_task_stops_with_its_process)
{
	pid_t pid = free_child(wait_long);
	siginfo_t info;

	sleep_ms(20);
	trace(PTRACE_ATTACH, pid, 0, 0);
	expect_stop(pid, SIGSTOP);
	expect_eq(trace(PTRACE_INTERRUPT, pid, 0, 0), -EIO);
	trace(PTRACE_CONT, pid, 0, SIGSTOP);
	expect_stop(pid, SIGSTOP);
	expect_eq(trace(PTRACE_GETSIGINFO, pid, 0, (long)&info), -EINVAL); /* no signal, a group stop */
	expect_eq(trace(PTRACE_LISTEN, pid, 0, 0), -EIO);
	trace(PTRACE_CONT, pid, 0, 0);
	kill(pid, SIGCONT);
	expect_stop(pid, SIGCONT);
	end(pid);
}

/* ---- who waits, and who ends first ---- */

TEST(waitid_tells_stops_of_traced_children)
{
	pid_t pid = traced_child(take_signals);
	siginfo_t info = { 0 };

	trace(PTRACE_CONT, pid, 0, 0);
	expect_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	expect_eq(info.si_code, CLD_TRAPPED);
	expect_eq(info.si_status, SIGUSR1);
	expect_eq(info.si_pid, pid);
	expect_stop(pid, SIGUSR1);
	end(pid);
}

/* A tracer that is not the parent. */
static pid_t tracee;

static int attach_and_leave(void)
{
	if (trace(PTRACE_ATTACH, tracee, 0, 0) || next_status(tracee) != stop_status(SIGSTOP, 0))
		return 1;
	return 0;
}

static int attach_and_wait_for_the_end(void)
{
	if (trace(PTRACE_SEIZE, tracee, 0, PTRACE_O_EXITKILL))
		return 1;
	kill(tracee, SIGKILL);
	return next_status(tracee) == SIGKILL ? 0 : 2;
}

static int seize_with_exitkill(void)
{
	return trace(PTRACE_SEIZE, tracee, 0, PTRACE_O_EXITKILL) ? 1 : 0;
}

TEST(a_tracer_that_ends_lets_go)
{
	int status;

	tracee = free_child(wait_long);
	expect_exit(free_child(attach_and_leave), 0);
	sleep_ms(20);
	expect_eq(waitpid(tracee, &status, WNOHANG), 0); /* it runs */
	expect_eq(trace(PTRACE_ATTACH, tracee, 0, 0), 0);
	expect_stop(tracee, SIGSTOP);
	trace(PTRACE_DETACH, tracee, 0, 0);
	expect_exit(free_child(seize_with_exitkill), 0);
	expect_eq(next_status(tracee), SIGKILL);
}

TEST(tracer_and_parent_both_learn_of_the_end)
{
	tracee = free_child(wait_long);
	expect_exit(free_child(attach_and_wait_for_the_end), 0);
	expect_eq(next_status(tracee), SIGKILL);
}

static bool proc_says(pid_t pid, const char *line)
{
	char name[64], text[1024];
	int fd;
	ssize_t n;

	snprintf(name, sizeof(name), "/proc/%d/status", pid);
	fd = open(name, O_RDONLY);
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = 0;
	return strstr(text, line);
}

TEST(proc_tells_who_traces)
{
	pid_t pid = traced_child(nothing);
	char line[64];

	snprintf(line, sizeof(line), "TracerPid:\t%d\n", getpid());
	expect(proc_says(pid, line));
	expect(proc_says(pid, "State:\tt (tracing stop)\n"));
	trace(PTRACE_DETACH, pid, 0, SIGSTOP);
	while (!proc_says(pid, "State:\tT (stopped)\n"))
		sleep_ms(1);
	expect(proc_says(pid, "TracerPid:\t0\n"));
	end(pid);
}

/* For tests/system/debuggers.t: its debugger stops at show_vectors and writes V0 and X0 behind it. */
int show(void);
__asm__("show:\n\t"
	"movi v0.16b, #0x5a\n\tmovi v31.16b, #0xa5\n"
	"show_vectors:\n\tmov x0, #0x281\n\tadd x0, x0, #1\n\tnop\n"
	"\tumov w1, v0.b[15]\n\tadd w0, w0, w1\n\tret");

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "--show"))
		return show();
	if (argc > 1 && !strcmp(argv[1], "--nothing"))
		return 21;
	tap_argc = argc;
	tap_argv = argv;
	return tap_main();
}
