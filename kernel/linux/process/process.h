/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of tasks and processes, as clone.c, exec.c, signal.c and procfs.c need it.
 */
#pragma once

#include "arch/spinlock.h"
#include "linux/process/task.h"

/* Covers who exists and who belongs to whom (linux/process/task.h). Any context: taken with
 * interrupts off.
 */
extern struct spinlock tasks_lock;
extern struct list processes; /* struct process by all_link, in order of age */

/* A process with nothing in it: one reference, not yet in any list. NULL: no memory. */
struct process *process_new(void);
static inline struct process *process_ref(struct process *p)
{
	atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
	return p;
}
void process_put(struct process *p); /* may sleep */
/* The process of a pid, zombies too, one reference; NULL: none. */
struct process *process_get(int pid);
/* The process of a task, one reference; NULL: none. */
struct process *process_of_task(int tid);
/* The one with the lowest pid above, one reference; NULL: none (to walk through all). */
struct process *process_next(int pid);
/* The next younger one, at first (p NULL) the oldest; one reference for p's, which is given back.
 */
struct process *process_after(struct process *p);
/* HOLDS(tasks_lock). NULL: none. */
struct process *process_find(int pid);
struct task *task_find(int tid);

/* A task that will run entry(task) on its first turn. It belongs to no process yet. NULL: no
 * memory. */
struct task *task_new(const char *name, void (*entry)(void *));
void task_abandon(struct task *t); /* never started */
/* Give task and, if it is new, process their numbers and places; then thread_start() may follow.
 * -EAGAIN: the process is ending. */
int task_enter(struct task *t, struct process *p, struct process *parent);

/* The current task ends; with the last one of its process the process does, with this status (as
 * wait4() gives it) unless group_exit has set another. */
_Noreturn void task_exit(int status);
/* All tasks of the current process end. */
_Noreturn void process_exit(int status);
/* p uses its own memory from now on, or none: a parent in vfork() goes on. */
void process_vfork_done(struct process *p);
/* execve(): end all other tasks of the current process; -EINTR: somebody ends this one. */
int process_make_single(void);
/* Tell the parent (SIGCHLD and wait4()) about p's end, stop or continuation. No lock held. */
void process_notify_parent(struct process *p, struct process *parent, int code, int status);
/* For /proc: one reference each; NULL: it has ended. */
struct space *process_space(struct process *p);
struct fd_table *process_fds(struct process *p);
/* ns on a CPU so far, all tasks. */
uint64_t process_runtime(struct process *p);
