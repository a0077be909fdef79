/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of tasks and processes: making, numbering, ending. clone.c and exec.c make them,
 * signal.c and the exit calls end them, wait.c takes what is left.
 *
 * A process has one reference for being known (given back when it is reaped), one for each of its
 * tasks and one for each caller of process_get(). A task is unlinked before it stops running and
 * freed by the scheduler once it is off its stack; whoever finds one in a list uses it under
 * tasks_lock only. Ending goes: the task's own debts (futexes, descriptors), then its hold on the
 * address space, then the lists; the last one ends the process.
 */
#include "linux/process/process.h"

#include <linux/errno.h>
#include <linux/resource.h>

#include "arch/power.h"
#include "lib/check.h"
#include "lib/string.h"
#include "linux/fs/fd.h"
#include "linux/process/futex_wake.h"
#include "linux/fs/inode.h"
#include "linux/time/itimer.h"
#include "linux/time/posix_timer.h"
#include "linux/process/sve.h"
#include "linux/syscalls.h"
#include "linux/ptrace/traced.h"
#include "mm/slab.h"

#define PID_MAX 4194304

struct spinlock tasks_lock = SPINLOCK_INIT;
struct list processes = LIST_INIT(processes);

static int last_pid;	     /* tasks_lock */
static struct process *init; /* the first program; written once */

/* ---- making ---- */

struct process *process_new(void)
{
	struct process *p = kzalloc(sizeof(*p));

	if (!p)
		return NULL;
	p->actions = signal_actions_new();
	if (!p->actions) {
		kfree(p);
		return NULL;
	}
	p->refs = 1;
	p->exit_signal = SIGCHLD;
	p->started_ns = timer_now();
	list_init(&p->tasks);
	list_init(&p->children);
	list_init(&p->child_link);
	list_init(&p->all_link);
	wait_queue_init(&p->child_wait);
	wait_queue_init(&p->vfork_wait);
	wait_queue_init(&p->alone);
	wait_queue_init(&p->stop_wait);
	wait_queue_init(&p->signal_wait);
	signal_pending_init(&p->pending);
	itimer_init(p);
	list_init(&p->timers);
	for (int i = 0; i < RLIMITS; i++)
		p->rlimits[i][0] = p->rlimits[i][1] = RLIM64_INFINITY;
	return p;
}

void process_put(struct process *p)
{
	/* acq_rel: what the others did with it comes before its end */
	if (atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1)
		return;
	signal_pending_flush(&p->pending);
	if (p->exe)
		file_put(p->exe);
	kfree(p->actions);
	kfree(p);
}

/* On each turn: the task may find another's registers in the vector bank. */
static void task_switched_in(struct thread *thread)
{
	if (!fp_switch(this_cpu(), &container_of(thread, struct task, thread)->fp))
		atomic_fetch_or_explicit(&thread->work, WORK_VECTOR, memory_order_relaxed);
}

static void task_released(struct thread *thread)
{
	kfree(container_of(thread, struct task, thread));
}

struct task *task_new(const char *name, void (*entry)(void *))
{
	struct task *t = kzalloc(sizeof(*t));

	if (!t)
		return NULL;
	if (thread_init(&t->thread, name, entry, t)) {
		kfree(t);
		return NULL;
	}
	t->thread.switched_in = task_switched_in;
	t->thread.released = task_released;
	list_init(&t->sibling);
	list_init(&t->tracees);
	fp_context_init(&t->fp, sve_default(), &t->thread);
	signal_pending_init(&t->signals.pending);
	return t;
}

void task_abandon(struct task *t)
{
	fp_context_end(&t->fp);
	thread_abandon(&t->thread);
	kfree(t);
}

/* ---- numbers ---- */

/* HOLDS(tasks_lock) */
static bool pid_used(int pid)
{
	struct process *p;

	list_for_each(p, &processes, all_link) {
		if (p->pid == pid || p->pgid == pid || p->sid == pid)
			return true;
	}
	return task_find(pid) != NULL;
}

/* HOLDS(tasks_lock) */
static int pid_new(void)
{
	static bool again; /* all numbers have been given once: some may still be in use */

	do {
		again = again || last_pid == PID_MAX;
		last_pid = last_pid == PID_MAX ? 300 : last_pid + 1;
	} while (again && pid_used(last_pid));
	return last_pid;
}

/* HOLDS(tasks_lock) */
static void process_enter(struct process *p, struct process *parent)
{
	p->pid = pid_new();
	p->pgid = parent ? parent->pgid : p->pid;
	p->sid = parent ? parent->sid : p->pid;
	p->parent = parent;
	p->ppid = parent ? parent->pid : 0;
	p->born_of = parent ? task_current()->tid : 0;
	list_append(&processes, &p->all_link);
	if (parent)
		list_append(&parent->children, &p->child_link);
	else
		init = p;
}

/* HOLDS(tasks_lock). Is somebody ending the process's tasks? */
static bool process_ending(struct process *p)
{
	bool ending;

	spin_lock(&p->siglock);
	ending = p->group_exit || p->exec_task;
	spin_unlock(&p->siglock);
	return ending;
}

int task_enter(struct task *t, struct process *p, struct process *parent)
{
	uint64_t daif = spin_lock_irqsave(&tasks_lock);
	int err = 0;

	if (!p->pid) {
		process_enter(p, parent);
		t->tid = p->pid;
	} else if (process_ending(p)) {
		err = -EAGAIN;
	} else {
		t->tid = pid_new();
	}
	if (!err) {
		t->process = process_ref(p);
		t->thread.mmu = &p->space->mmu;
		list_append(&p->tasks, &t->sibling);
		p->task_count++;
	}
	spin_unlock_irqrestore(&tasks_lock, daif);
	return err;
}

/* ---- ending ---- */

void process_notify_parent(struct process *p, struct process *parent, int code, int status)
{
	siginfo_t info = { .si_signo = SIGCHLD, .si_code = code };

	if (code == CLD_EXITED || code == CLD_KILLED)
		info.si_signo = p->exit_signal;
	info.si_pid = p->pid;
	info.si_uid = p->uid.real;
	info.si_status = status;
	if (info.si_signo)
		signal_send_process_info(parent, &info);
	wake_up(&parent->child_wait, 0);
}

/* Does the parent not want to hear of its children's end? HOLDS(tasks_lock) */
static bool end_ignored(struct process *p)
{
	const struct signal_action *chld = &p->parent->actions[SIGCHLD - 1];
	bool ignored;

	spin_lock(&p->parent->siglock);
	ignored = p->exit_signal == SIGCHLD &&
		  (chld->handler == (uint64_t)SIG_IGN || chld->flags & SA_NOCLDWAIT);
	spin_unlock(&p->parent->siglock);
	return ignored;
}

/* HOLDS(tasks_lock). The children go to the first program. */
static void orphan_children(struct process *p)
{
	struct process *child, *next;

	list_for_each_safe(child, next, &p->children, child_link)
	{
		list_remove(&child->child_link);
		list_append(&init->children, &child->child_link);
		child->parent = init;
		child->ppid = init->pid;
		child->exit_signal = SIGCHLD;
		if (child->state == PROCESS_ZOMBIE)
			wake_up(&init->child_wait, 0);
	}
}

/* From living to zombie, or to nothing if the parent ignores it. */
static void process_report_end(struct process *p)
{
	uint64_t daif = spin_lock_irqsave(&tasks_lock);
	struct process *parent = process_ref(p->parent);
	bool ignored = end_ignored(p);
	int status = p->exit_status;

	orphan_children(p);
	p->state = PROCESS_ZOMBIE;
	process_ref(p);
	if (ignored) {
		p->state = PROCESS_REAPED;
		list_remove(&p->all_link);
		list_remove(&p->child_link);
	}
	spin_unlock_irqrestore(&tasks_lock, daif);
	if (status & 0x7f)
		process_notify_parent(p, parent, CLD_KILLED, status & 0x7f);
	else
		process_notify_parent(p, parent, CLD_EXITED, status >> 8);
	if (ignored)
		process_put(p);
	process_put(p);
	process_put(parent);
}

/* The last task is leaving. */
static void process_end(struct process *p)
{
	struct space *space = p->space;
	struct fs_state *fs = p->fs;
	uint64_t daif;

	if (p == init)
		machine_power_off(p->exit_status & 0x7f ? 128 + (p->exit_status & 0x7f)
							: p->exit_status >> 8);
	itimer_stop(p);
	posix_timers_end(p);
	daif = spin_lock_irqsave(&tasks_lock);
	p->space = NULL;
	p->fs = NULL;
	spin_unlock_irqrestore(&tasks_lock, daif);
	fs_state_put(fs);
	space_leave(space);
	if (p->first_trace)
		trace_process_end(p);
	process_report_end(p);
}

void process_vfork_done(struct process *p)
{
	if (!p->vfork)
		return;
	/* release: pairs with the parent's look in clone.c */
	__atomic_store_n(&p->vfork, false, __ATOMIC_RELEASE);
	wake_up(&p->vfork_wait, 0);
}

/* The program's memory is no longer used by t. */
static void release_space(struct task *t)
{
	uint64_t daif = irq_save();

	t->thread.mmu = NULL;
	mmu_activate(NULL);
	irq_restore(daif);
	process_vfork_done(t->process);
}

/* True: it was the last task. */
static bool task_leave(struct task *t, struct process *p, int status)
{
	uint64_t daif = spin_lock_irqsave(&tasks_lock);
	struct process *tracer = NULL;
	struct trace *dead = NULL;
	struct task *other;
	bool last;

	if (t->trace)
		tracer = trace_task_leaves(t, p->group_exit ? p->exit_status : status, &dead);
	spin_lock(&p->siglock);
	list_remove(&t->sibling);
	last = --p->task_count == 0;
	p->runtime_ns += timer_ticks_to_ns(t->thread.runtime);
	if (!p->group_exit && (t->tid == p->pid || last))
		p->exit_status = status;
	if (last)
		p->fds = NULL;
	/* A signal for the process may have counted on this task. */
	if (p->pending.set) {
		list_for_each(other, &p->tasks, sibling)
			signal_recheck(other);
	}
	spin_unlock(&p->siglock);
	wake_up(&p->alone, 0);
	spin_unlock_irqrestore(&tasks_lock, daif);
	kfree(dead);
	if (tracer)
		trace_tell_end(tracer, p, t->tid, p->group_exit ? p->exit_status : status);
	return last;
}

_Noreturn void task_exit(int status)
{
	struct task *t = task_current();
	struct process *p = t->process;
	struct fd_table *fds = p->fds;
	bool last;

	if (is_traced(t))
		trace_event(PTRACE_EVENT_EXIT, (uint64_t)status);
	trace_tracer_ends(t);
	futex_task_exit(t);
	release_space(t);
	fp_context_end(&t->fp);
	last = task_leave(t, p, status);
	fd_table_put(fds);
	signal_pending_flush(&t->signals.pending);
	if (last)
		process_end(p);
	process_put(p);
	thread_exit();
}

/* HOLDS(tasks_lock) */
static void kick_all(struct process *p)
{
	struct task *t;

	list_for_each(t, &p->tasks, sibling)
		signal_recheck(t);
}

_Noreturn void process_exit(int status)
{
	struct process *p = task_current()->process;
	uint64_t daif;

	if (is_traced(task_current())) /* once the process ends nobody stops */
		trace_event(PTRACE_EVENT_EXIT, (uint64_t)status);
	daif = spin_lock_irqsave(&tasks_lock);
	spin_lock(&p->siglock);
	if (!p->group_exit) {
		p->group_exit = true;
		p->exit_status = status;
	}
	kick_all(p);
	spin_unlock(&p->siglock);
	spin_unlock_irqrestore(&tasks_lock, daif);
	task_exit(status);
}

int process_make_single(void)
{
	struct task *t = task_current();
	struct process *p = t->process;
	uint64_t daif = spin_lock_irqsave(&tasks_lock);
	struct trace *dead;
	bool ending;

	spin_lock(&p->siglock);
	ending = p->group_exit || p->exec_task;
	if (!ending) {
		p->exec_task = t;
		kick_all(p);
	}
	spin_unlock(&p->siglock);
	spin_unlock_irqrestore(&tasks_lock, daif);
	if (ending)
		return -EINTR;
	wait_event(&p->alone, __atomic_load_n(&p->task_count, __ATOMIC_ACQUIRE) == 1);
	daif = spin_lock_irqsave(&tasks_lock);
	spin_lock(&p->siglock);
	p->exec_task = NULL;
	t->tid = p->pid;
	dead = trace_forget_first(p);
	ending = p->group_exit;
	spin_unlock(&p->siglock);
	spin_unlock_irqrestore(&tasks_lock, daif);
	kfree(dead);
	return ending ? -EINTR : 0;
}

long sys_exit(struct trapframe *tf)
{
	task_exit((int)(tf->x[0] & 0xff) << 8);
}

long sys_exit_group(struct trapframe *tf)
{
	process_exit((int)(tf->x[0] & 0xff) << 8);
}

long sys_set_tid_address(struct trapframe *tf)
{
	struct task *t = task_current();

	t->clear_tid = tf->x[0];
	return t->tid;
}
