/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Traced tasks (man 2 ptrace): who traces whom, and what becomes of that when one of them ends; how
 * a stopped one goes on. Where they stop is traced_stop.c's. Entered from ptrace.c on behalf of
 * tracers, and from process.c.
 *
 * A task that stops says so in its struct trace, under tasks_lock, tells its tracer's process
 * (SIGCHLD, wait4()) and sleeps. While it is stopped its trap frame and its vector registers belong
 * to the tracer, who is then their claimant (docs/banks.md): so that a SIGKILL does not wake it
 * meanwhile, the tracer makes it TRACE_HELD for as long as it works on it.
 *
 *	RUNNING -> STOPPED <-> HELD, STOPPED -> LISTENING; from all to RUNNING
 *	RUNNING -> ENDED, or for a first task that is not the last LEFT -> ENDED
 */
#include "linux/ptrace/traced.h"

#include "lib/bits.h"
#include "mm/slab.h"

#define PSTATE_SS BIT(21)

bool trace_may(const struct process *p)
{
	const struct process *self = task_current()->process;
	uint32_t uid = self->uid.real, gid = self->gid.real;

	if (p == self || !self->uid.effective)
		return true;
	return p->uid.real == uid && p->uid.effective == uid && p->uid.saved == uid &&
	       p->gid.real == gid && p->gid.effective == gid && p->gid.saved == gid;
}

bool process_is_traced(const struct process *p)
{
	const struct task *t;

	list_for_each(t, &p->tasks, sibling)
		if (is_traced(t))
			return true;
	return false;
}

/* ---- beginning and end ---- */

struct trace *trace_new(void)
{
	struct trace *tr = kzalloc(sizeof(*tr));

	if (tr) {
		list_init(&tr->link);
		wait_queue_init(&tr->wait);
	}
	return tr;
}

void trace_begin(struct task *t, struct task *tracer, struct trace **new, bool seized,
		 uint32_t options)
{
	struct trace *tr = t->trace;

	if (!tr) {
		tr = t->trace = *new;
		*new = NULL;
		tr->task = t;
		tr->tid = t->tid;
	}
	tr->tracer = tracer;
	list_append(&tracer->tracees, &tr->link);
	tr->seized = seized;
	tr->options = options;
	tr->stop_seen = t->process->stop_count - 1;
	tr->trap = 0;
	tr->go = TRACE_CONT;
	tr->exit_told = false;
}

void trace_set_go(struct trace *tr, enum trace_go go)
{
	struct task *t = tr->task;
	struct trapframe *tf = thread_trapframe(&t->thread);

	tr->go = (uint8_t)go;
	tf->traced = go != TRACE_CONT;
	if (go == TRACE_STEP) {
		tf->pstate |= PSTATE_SS;
		thread_set_work(&t->thread, WORK_STEP);
	} else {
		tf->pstate &= ~PSTATE_SS;
		thread_clear_work(&t->thread, WORK_STEP);
	}
	if (go == TRACE_SYSCALL && tr->in_call)
		thread_set_work(&t->thread, WORK_TRACE);
}

void trace_resume(struct trace *tr, enum trace_go go, int sig)
{
	trace_set_go(tr, go);
	tr->signal = sig;
	tr->report = false;
	tr->state = TRACE_RUNNING;
	wake_up(&tr->wait, 0);
}

void trace_end(struct trace *tr)
{
	struct task *t = tr->task;

	list_remove(&tr->link);
	tr->tracer = NULL;
	if (tr->state == TRACE_RUNNING) { /* what is left of a step is seen to by trap.c */
		thread_trapframe(&t->thread)->traced = false;
		thread_clear_work(&t->thread, WORK_STEP);
		return;
	}
	trace_resume(tr, TRACE_CONT, tr->signal);
}

static bool is_corpse(const struct trace *tr)
{
	return tr->state == TRACE_ENDED || tr->state == TRACE_LEFT;
}

void trace_tracer_ends(struct task *t)
{
	while (!list_empty(&t->tracees)) {
		uint64_t daif = spin_lock_irqsave(&tasks_lock);
		struct trace *tr = list_first(&t->tracees, struct trace, link), *dead = NULL;
		struct process *victim = NULL;

		if (is_corpse(tr)) {
			list_remove(&tr->link);
			tr->tracer = NULL;
			if (tr->state == TRACE_ENDED)
				dead = tr;
		} else {
			if (tr->options & PTRACE_O_EXITKILL)
				victim = process_ref(tr->task->process);
			tr->signal = 0;
			trace_end(tr);
		}
		spin_unlock_irqrestore(&tasks_lock, daif);
		kfree(dead);
		if (victim) {
			signal_send_process(victim, SIGKILL);
			process_put(victim);
		}
	}
}

/* Its corpse is to be waited for. HOLDS(tasks_lock) */
static struct process *bury(struct trace *tr, struct process *p, int status, struct trace **dead)
{
	struct process *tracer = tr->tracer ? tr->tracer->process : NULL;

	/* The first task's end is its process's, which a parent learns as such. */
	if (!tracer || (tr->tid == p->pid && p->parent == tracer)) {
		list_remove(&tr->link);
		*dead = tr;
		return NULL;
	}
	tr->code = status;
	tr->state = TRACE_ENDED;
	tr->report = true;
	return process_ref(tracer);
}

struct process *trace_task_leaves(struct task *t, int status, struct trace **dead)
{
	struct trace *tr = t->trace;
	struct process *p = t->process;

	t->trace = NULL;
	tr->task = NULL;
	tr->pgid = p->pgid;
	tr->uid = p->uid.real;
	tr->state = TRACE_LEFT;
	if (tr->tid != p->pid || !tr->tracer)
		return bury(tr, p, status, dead);
	p->first_trace = tr;
	return NULL;
}

struct trace *trace_forget_first(struct process *p)
{
	struct trace *tr = p->first_trace;

	p->first_trace = NULL;
	if (tr)
		list_remove(&tr->link);
	return tr;
}

void trace_tell(struct process *tracer, int tid, uint32_t uid, int code, int status)
{
	siginfo_t info = { .si_signo = SIGCHLD, .si_code = code };

	info.si_pid = tid;
	info.si_uid = uid;
	info.si_status = status;
	if (code != CLD_TRAPPED || !(tracer->actions[SIGCHLD - 1].flags & SA_NOCLDSTOP))
		signal_send_process_info(tracer, &info);
	wake_up(&tracer->child_wait, 0);
	process_put(tracer);
}

void trace_tell_end(struct process *tracer, const struct process *p, int tid, int status)
{
	if (status & 0x7f)
		trace_tell(tracer, tid, p->uid.real, CLD_KILLED, status & 0x7f);
	else
		trace_tell(tracer, tid, p->uid.real, CLD_EXITED, status >> 8);
}

void trace_process_end(struct process *p)
{
	uint64_t daif = spin_lock_irqsave(&tasks_lock);
	struct trace *tr = p->first_trace, *dead = NULL;
	struct process *tracer = tr ? bury(tr, p, p->exit_status, &dead) : NULL;

	p->first_trace = NULL;
	spin_unlock_irqrestore(&tasks_lock, daif);
	if (tracer)
		trace_tell_end(tracer, p, p->pid, p->exit_status);
	kfree(dead);
}

void trace_continued(struct process *p)
{
	struct task *t;

	list_for_each(t, &p->tasks, sibling) {
		struct trace *tr = t->trace;

		if (!is_traced(t) || !tr->seized)
			continue;
		tr->trap |= TRAP_NOTIFY;
		if (tr->state == TRACE_LISTENING)
			trace_resume(tr, tr->go, 0);
		thread_set_work(&t->thread, WORK_SIGNAL);
	}
}
