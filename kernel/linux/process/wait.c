/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting for children: wait4(2) and waitid(2). What is to be reported stands in the child
 * (state, exit_status, stop_report) under tasks_lock; the child's end and signal.c wake child_wait.
 */
#include <linux/errno.h>
#include <linux/resource.h>
#include <linux/wait.h>

#include "arch/usercopy.h"
#include "linux/syscalls.h"
#include "linux/ptrace/traced.h"
#include "mm/slab.h"

struct wait_request {
	int type, id; /* P_ALL, P_PID or P_PGID */
	uint32_t options;
	/* the answer */
	int pid, code, status; /* CLD_*; an exit code or a signal */
	uint32_t uid;
	uint64_t runtime_ns;
	struct process *reaped; /* to be put */
	struct trace *dead;	/* to be freed */
};

static bool matches(const struct wait_request *w, const struct process *child)
{
	switch (w->type) {
	case P_PID:
		return child->pid == w->id;
	case P_PGID:
		return child->pgid == w->id;
	default:
		return true;
	}
}

static void answer(struct wait_request *w, const struct process *child, int code, int status)
{
	w->pid = child->pid;
	w->uid = child->uid.real;
	w->code = code;
	w->status = status;
}

static void reap(struct wait_request *w, struct process *child)
{
	struct process *parent = child->parent;

	w->runtime_ns = child->runtime_ns + child->children_runtime_ns;
	if (child->exit_status & 0x7f)
		answer(w, child, CLD_KILLED, child->exit_status & 0x7f);
	else
		answer(w, child, CLD_EXITED, child->exit_status >> 8);
	if (w->options & WNOWAIT)
		return;
	parent->children_runtime_ns += w->runtime_ns;
	child->state = PROCESS_REAPED;
	list_remove(&child->all_link);
	list_remove(&child->child_link);
	w->reaped = child;
}

/* Its stops are told by the tasks that p traces. */
static bool traces(const struct process *p, const struct process *child)
{
	const struct task *t;

	list_for_each(t, &child->tasks, sibling)
		if (is_traced(t) && t->trace->tracer->process == p)
			return true;
	return false;
}

/* Has this child something to tell? */
static bool report(struct wait_request *w, struct process *p, struct process *child)
{
	int stop = child->stop_report;

	if (child->state == PROCESS_ZOMBIE) {
		if (w->options & WEXITED)
			reap(w, child);
		return w->options & WEXITED;
	}
	if (!stop || !(w->options & (stop == SIGCONT ? WCONTINUED : WSTOPPED)))
		return false;
	if (stop != SIGCONT && traces(p, child))
		return false;
	answer(w, child, stop == SIGCONT ? CLD_CONTINUED : CLD_STOPPED, stop);
	if (!(w->options & WNOWAIT))
		child->stop_report = 0;
	return true;
}

/* Has this traced task? Its stops are told whatever the options are. */
static bool report_traced(struct wait_request *w, struct trace *tr)
{
	bool ended = tr->state == TRACE_ENDED, killed = tr->code & 0x7f;

	if (!tr->report || (ended && !(w->options & WEXITED)))
		return false;
	w->pid = tr->tid;
	w->uid = tr->uid;
	w->code = !ended ? CLD_TRAPPED : killed ? CLD_KILLED : CLD_EXITED;
	w->status = !ended ? tr->code : killed ? tr->code & 0x7f : tr->code >> 8;
	if (w->options & WNOWAIT)
		return true;
	tr->report = false;
	if (ended) {
		list_remove(&tr->link);
		w->dead = tr;
	}
	return true;
}

static bool matches_traced(const struct wait_request *w, const struct trace *tr)
{
	if (w->type == P_PGID)
		return (tr->task ? tr->task->process->pgid : tr->pgid) == w->id;
	return w->type != P_PID || tr->tid == w->id;
}

/* look() among those that p's tasks trace; err: what was found elsewhere. */
static int look_traced(struct process *p, struct wait_request *w, int err)
{
	struct task *t;
	struct trace *tr;

	list_for_each(t, &p->tasks, sibling) {
		if (w->options & __WNOTHREAD && t != task_current())
			continue;
		list_for_each(tr, &t->tracees, link) {
			if (!matches_traced(w, tr))
				continue;
			if (report_traced(w, tr))
				return 0;
			err = -EAGAIN;
		}
	}
	return err;
}

/* 0: answered; -ECHILD: there is no such child; -EAGAIN: not yet. */
static int look(struct process *p, struct wait_request *w)
{
	uint64_t daif = spin_lock_irqsave(&tasks_lock);
	struct process *child;
	int err = -ECHILD;

	list_for_each(child, &p->children, child_link) {
		if (!matches(w, child))
			continue;
		err = -EAGAIN;
		if (report(w, p, child)) {
			err = 0;
			break;
		}
	}
	if (err)
		err = look_traced(p, w, err);
	spin_unlock_irqrestore(&tasks_lock, daif);
	return err;
}

/* 0 with w->pid 0: nothing yet (WNOHANG). */
static int wait_for_child(struct wait_request *w)
{
	struct process *p = task_current()->process;
	int err = look(p, w);

	if (err == -EAGAIN && w->options & WNOHANG)
		return 0;
	if (err == -EAGAIN &&
	    wait_event_interruptible(&p->child_wait, (err = look(p, w)) != -EAGAIN))
		return -ERESTARTSYS;
	if (w->reaped)
		process_put(w->reaped);
	kfree(w->dead);
	return err;
}

static int put_rusage(const struct wait_request *w, uint64_t to)
{
	struct rusage usage = { 0 };

	if (!to)
		return 0;
	usage.ru_utime.tv_sec = (long)(w->runtime_ns / 1000000000);
	usage.ru_utime.tv_usec = (long)(w->runtime_ns / 1000 % 1000000);
	return put_user(usage, to);
}

static int wait_status(const struct wait_request *w)
{
	switch (w->code) {
	case CLD_EXITED:
		return w->status << 8;
	case CLD_KILLED:
		return w->status;
	case CLD_CONTINUED:
		return 0xffff;
	default:
		return w->status << 8 | 0x7f;
	}
}

long sys_wait4(struct trapframe *tf)
{
	int pid = (int)tf->x[0], status, err;
	uint32_t options = (uint32_t)tf->x[2];
	struct wait_request w = { .options = options | WEXITED };

	if (options & ~(WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL))
		return -EINVAL;
	if (pid == -2147483647 - 1)
		return -ESRCH;
	w.type = pid == -1 ? P_ALL : pid > 0 ? P_PID : P_PGID;
	w.id = pid > 0 ? pid : pid ? -pid : task_current()->process->pgid;
	err = wait_for_child(&w);
	if (err || !w.pid)
		return err;
	status = wait_status(&w);
	if (tf->x[1])
		err = put_user(status, tf->x[1]);
	if (!err)
		err = put_rusage(&w, tf->x[3]);
	return err ? err : w.pid;
}

long sys_waitid(struct trapframe *tf)
{
	struct wait_request w = { .type = (int)tf->x[0], .id = (int)tf->x[1] };
	siginfo_t info = { 0 };
	int err;

	w.options = (uint32_t)tf->x[3];
	if (w.options & ~(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | __WNOTHREAD |
			  __WCLONE | __WALL) ||
	    !(w.options & (WEXITED | WSTOPPED | WCONTINUED)))
		return -EINVAL;
	if (w.type == P_PIDFD)
		return w.id < 0 ? -EINVAL : -EBADF; /* nobody has one */
	if (w.type < P_ALL || w.type > P_PGID || (w.type == P_PID && w.id <= 0) || w.id < 0)
		return -EINVAL;
	if (w.type == P_PGID && !w.id)
		w.id = task_current()->process->pgid;
	err = wait_for_child(&w);
	if (!err && w.pid) {
		info.si_signo = SIGCHLD;
		info.si_code = w.code;
		info.si_pid = w.pid;
		info.si_uid = w.uid;
		info.si_status = w.status;
	}
	if (tf->x[2] && put_user(info, tf->x[2]))
		return -EFAULT; /* which an error before does not hinder */
	return err ? err : put_rusage(&w, tf->x[4]);
}
