/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tasks: the threads of programs; processes: what their threads share.
 *
 * tasks_lock (linux/process/process.h) covers who exists and who belongs to whom: the list of all
 * processes, a process's tasks, its children, pid, pgid, sid and state. process->siglock covers
 * everything of signals. Order: tasks_lock, siglock, then wait queues.
 */
#pragma once

#include "bank/fp.h"
#include "linux/fs/file.h"
#include "linux/signal/signal.h"
#include "linux/space/space.h"
#include "sched/thread.h"

struct process;
struct fs_state;
struct fd_table;
struct trace;

/* What an interrupted call with a time-out goes on with in restart_syscall(). */
struct restart {
	long (*call)(struct task *t, struct restart *r);
	uint64_t deadline; /* ns, timer_now() */
	uint64_t args[5];
};

struct task {
	struct thread thread;
	struct fp_context fp;
	uint16_t sve_next; /* vector length after the next execve(), in quadwords; 0: the default */
	bool sve_inherit;  /* PR_SVE_VL_INHERIT: and after those that follow */
	struct process *process;
	int tid;
	struct list sibling; /* process->tasks */
	uint64_t clear_tid;  /* user address: cleared and woken at exit */
	uint64_t robust_list;
	uint64_t fault_address, fault_esr; /* of its last fault, for signal frames */
	struct signal_state signals;
	struct restart restart;
	struct trace *trace; /* linux/ptrace/traced.h; NULL: nobody has traced it. tasks_lock */
	struct list tracees; /* struct trace by link. tasks_lock */
};

static inline struct task *task_current(void)
{
	return container_of(thread_current(), struct task, thread);
}
static inline struct space *space_current(void);

enum process_state {
	PROCESS_ALIVE,
	PROCESS_ZOMBIE, /* no task left; the parent has not waited yet */
	PROCESS_REAPED,
};

/* Real, effective and saved ids. There is one user, root, as far as rights go. */
struct ids {
	uint32_t real, effective, saved;
};

#define RLIMITS 16

struct process {
	_Atomic uint32_t refs;
	int pid, pgid, sid;
	int ppid;    /* the parent's pid, kept for getppid() */
	int born_of; /* the task that made it: whom PTRACE_TRACEME means */
	struct process *parent;
	struct space *space;
	struct fd_table *fds; /* linux/fs/fd.h: one reference for each task */
	struct fs_state *fs;  /* linux/fs/inode.h: one reference for the process */
	struct ids uid, gid;
	uint64_t rlimits[RLIMITS][2]; /* soft, hard */

	struct list tasks, children, child_link, all_link;
	unsigned task_count;
	uint32_t state;		      /* enum process_state */
	struct wait_queue child_wait; /* its tasks in wait4() */
	bool vfork;		      /* the parent waits until the space is given back */
	struct wait_queue vfork_wait;
	struct wait_queue alone;      /* a task in execve() that waits for the others to go */
	uint64_t runtime_ns;	      /* of tasks that have ended */
	uint64_t children_runtime_ns; /* of children waited for */
	uint64_t started_ns;
	uint32_t personality; /* ADDR_NO_RANDOMIZE or 0 */
	bool executed;	      /* has called execve() */
	int exit_signal;      /* to the parent at the end; 0: none */

	struct spinlock siglock;
	struct signal_pending pending; /* for any task */
	struct signal_action *actions; /* _NSIG, the first for signal 1 */
	int exit_status;	       /* as wait4() gives it; valid from group_exit on */
	bool group_exit;	       /* all tasks are to end */
	struct task *exec_task;	       /* all others are to end */
	bool stopped;		       /* job control */
	int stop_report;	       /* not yet waited for: 0, a stop signal or SIGCONT */
	int stop_signal;	       /* of the last stop */
	unsigned stop_count;	       /* stops there have been */
	struct trace *first_trace;     /* its first task's, that has ended. tasks_lock */
	struct wait_queue stop_wait;
	struct wait_queue signal_wait; /* signalfd: a signal has come */
	struct ktimer alarm;	       /* ITIMER_REAL */
	uint64_t alarm_interval;
	struct list timers; /* linux/time/posix_timer.c's, with the two below */
	unsigned timer_count;
	int timer_next;

	struct file *exe;	     /* what execve() loaded, for /proc/self/exe */
	uint64_t arg_start, arg_end; /* the arguments' strings in the program's memory, */
	uint64_t env_end;	     /* and behind them the environment's */
	uint64_t auxv_start;	     /* its auxiliary vector there */
};

static inline struct space *space_current(void)
{
	return task_current()->process->space;
}

/* A signal is waiting for the current task (KVM_RUN returns -EINTR). Same as WORK_SIGNAL. */
static inline bool signal_pending(void)
{
	return thread_has_work(thread_current(), WORK_SIGNAL);
}

/* Boot: start the first program (pid 1) from the RAM file system. When it ends the machine powers
 * off with its status. */
int process_start_init(const char *path, char *const argv[], char *const envp[]);
