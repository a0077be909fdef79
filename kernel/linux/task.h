/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tasks: the threads of programs; processes: what their threads share.
 */
#pragma once

#include "bank/fp.h"
#include "linux/file.h"
#include "linux/space.h"
#include "sched/thread.h"

struct signal_state; /* linux/signal.c: pending, mask, altstack of one task */
struct process;

struct task {
	struct thread thread;
	struct fp_context fp;
	struct process *process;
	int tid;
	struct list sibling; /* process->tasks */
	uint64_t clear_tid;  /* user address: cleared and woken at exit */
	uint64_t robust_list;
	struct signal_state *signals;
};

static inline struct task *task_current(void)
{
	return container_of(thread_current(), struct task, thread);
}
static inline struct space *space_current(void);

struct process {
	_Atomic uint32_t refs;
	int pid;
	struct process *parent;
	struct space *space;
	struct fd_table *fds;	/* linux/fd.h: one reference for each task */
	struct fs_state *fs;	/* linux/inode.h: one reference for the process */
	struct mutex lock; /* covers tasks, children, exit state */
	struct list tasks, children, child_link;
	struct signal_actions *actions;
	/* linux/process.c, signal.c and exec.c add what they need here */
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
