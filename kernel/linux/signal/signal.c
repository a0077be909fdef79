/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals: queues, sending, and taking them on the way to EL0. The calls that ask and change are
 * sigcalls.c, frames are sigframe.c. man 7 signal has the rules.
 *
 * A signal waits in the task it was sent to or in the process, with an entry that says what is
 * known about it. siglock covers all queues and actions of a process; senders hold tasks_lock too,
 * to walk its tasks, so that they work in any context. Whoever may have given a task something to
 * take calls signal_recheck(): it sets WORK_SIGNAL and ends an interruptible wait. Only the task
 * itself clears that bit, before it looks. Entries are allocated and freed outside the locks.
 */
#include <linux/errno.h>

#include "lib/bits.h"
#include "lib/string.h"
#include "linux/time/itimer.h"
#include "linux/time/posix_timer.h"
#include "linux/process/process.h"
#include "linux/signal/sigqueue.h"
#include "linux/ptrace/traced.h"
#include "mm/slab.h"

#define SET_STOP                                                                                   \
	(signal_bit(SIGSTOP) | signal_bit(SIGTSTP) | signal_bit(SIGTTIN) | signal_bit(SIGTTOU))
#define SET_IGNORED_BY_DEFAULT                                                                     \
	(signal_bit(SIGCONT) | signal_bit(SIGCHLD) | signal_bit(SIGWINCH) | signal_bit(SIGURG))
#define SET_CORE                                                                                   \
	(signal_bit(SIGQUIT) | signal_bit(SIGILL) | signal_bit(SIGTRAP) | signal_bit(SIGABRT) |    \
	 signal_bit(SIGFPE) | signal_bit(SIGSEGV) | signal_bit(SIGBUS) | signal_bit(SIGSYS) |      \
	 signal_bit(SIGXCPU) | signal_bit(SIGXFSZ))
/* ---- sending ---- */

struct signal_action *signal_actions_new(void)
{
	return kcalloc(_NSIG, sizeof(struct signal_action));
}

bool signal_ignored(struct process *p, int sig)
{
	uint64_t handler = p->actions[sig - 1].handler;

	if (handler == (uint64_t)SIG_IGN)
		return true;
	if (handler != (uint64_t)SIG_DFL)
		return false;
	/* The first program gets only what it asks for. */
	return signal_bit(sig) & SET_IGNORED_BY_DEFAULT || p->pid == 1;
}

void signal_recheck(struct task *t)
{
	struct process *p = t->process;
	uint64_t pending = t->signals.pending.set | p->pending.set;

	if (pending & ~t->signals.blocked || p->group_exit || p->stopped ||
	    (p->exec_task && p->exec_task != t)) {
		thread_set_work(&t->thread, WORK_SIGNAL);
		thread_wake(&t->thread);
	} else if (pending & t->signals.waiting) {
		thread_wake(&t->thread);
	}
}

/* HOLDS(tasks_lock), HOLDS(siglock) */
static void recheck_all(struct process *p)
{
	struct task *t;

	list_for_each(t, &p->tasks, sibling)
		signal_recheck(t);
}

static bool wants(const struct task *t, int sig)
{
	return !(t->signals.blocked & signal_bit(sig)) || t->signals.waiting & signal_bit(sig);
}

/* A signal for the process: one task is enough. HOLDS(tasks_lock), HOLDS(siglock) */
static void wake_one(struct process *p, int sig)
{
	struct task *t;

	list_for_each(t, &p->tasks, sibling) {
		if (wants(t, sig)) {
			signal_recheck(t);
			return;
		}
	}
}

/* Stop signals and SIGCONT cancel each other. True: the process goes on. HOLDS(tasks_lock), siglock
 */
static bool cancel_opposite(struct process *p, int sig, struct list *used)
{
	uint64_t set = sig == SIGCONT		    ? SET_STOP
		       : signal_bit(sig) & SET_STOP ? signal_bit(SIGCONT)
						    : 0;
	bool goes_on = sig == SIGCONT && p->stopped;
	struct task *t;

	if (set) {
		signal_pending_take_out(&p->pending, set, used);
		list_for_each(t, &p->tasks, sibling)
			signal_pending_take_out(&t->signals.pending, set, used);
	}
	if (goes_on || (sig == SIGKILL && p->stopped)) {
		p->stopped = false;
		p->stop_report = goes_on ? SIGCONT : 0;
		wake_up(&p->stop_wait, 0);
	}
	if (goes_on)
		trace_continued(p);
	return goes_on;
}

/* HOLDS(tasks_lock) */
static struct task *find_task(struct process *p, int tid)
{
	struct task *t;

	list_for_each(t, &p->tasks, sibling) {
		if (t->tid == tid)
			return t;
	}
	return NULL;
}

/* Do all tasks block it? HOLDS(tasks_lock), HOLDS(siglock) */
static bool blocked_by_all(struct process *p, int sig)
{
	struct task *t;

	list_for_each(t, &p->tasks, sibling) {
		if (!(t->signals.blocked & signal_bit(sig)))
			return false;
	}
	return true;
}

/* HOLDS(tasks_lock), HOLDS(siglock). t NULL: any task. Returns e if it is not needed. */
static struct signal_entry *post(struct process *p, struct task *t, int sig, struct signal_entry *e)
{
	bool blocked = t ? t->signals.blocked & signal_bit(sig) : blocked_by_all(p, sig);

	if (p->state != PROCESS_ALIVE || p->group_exit)
		return e;
	if (!blocked && signal_ignored(p, sig) && !process_is_traced(p))
		return e;
	e = signal_pending_add(t ? &t->signals.pending : &p->pending, sig, e);
	if (sig == SIGKILL) {
		p->group_exit = true;
		p->exit_status = SIGKILL;
		recheck_all(p);
	} else if (t) {
		signal_recheck(t);
	} else {
		wake_one(p, sig);
	}
	wake_up(&p->signal_wait, 0);
	return e;
}

/* A real-time signal that finds the queue full is not sent: its sender learns it. HOLDS(siglock) */
static bool finds_no_room(const struct process *p, const struct task *t, int sig,
			  const struct signal_entry *e)
{
	return sig >= SIGRTMIN && e && e->info.si_code != SI_USER &&
	       signal_pending_full(t ? &t->signals.pending : &p->pending);
}

/* tid 0: any task of p. *e may be NULL: nothing is known but the number. It is what is not needed
 * then. */
static int send_entry(struct process *p, int tid, int sig, struct signal_entry **e)
{
	struct process *parent = NULL;
	struct task *t = NULL;
	int err = -ESRCH;
	struct list used;
	uint64_t daif;

	list_init(&used);
	daif = spin_lock_irqsave(&tasks_lock);
	spin_lock(&p->siglock);
	if (tid)
		t = find_task(p, tid);
	if (t || !tid)
		err = finds_no_room(p, t, sig, *e) ? -EAGAIN : 0;
	if (!err) {
		if (cancel_opposite(p, sig, &used) && p->parent)
			parent = process_ref(p->parent);
		*e = post(p, t, sig, *e);
	}
	spin_unlock(&p->siglock);
	spin_unlock_irqrestore(&tasks_lock, daif);
	signal_entries_free(&used);
	if (parent) {
		process_notify_parent(p, parent, CLD_CONTINUED, SIGCONT);
		process_put(parent);
	}
	return err;
}

static int send(struct process *p, int tid, int sig, struct signal_entry *e)
{
	int err = send_entry(p, tid, sig, &e);

	kfree(e);
	return err;
}

struct signal_entry *signal_send_entry(struct process *p, int tid, struct signal_entry *e)
{
	send_entry(p, tid, e->info.si_signo, &e);
	return e;
}

void signal_send_process_info(struct process *p, const siginfo_t *info)
{
	send(p, 0, info->si_signo, signal_entry_new(info));
}

int signal_send_tid(struct process *p, int tid, const siginfo_t *info)
{
	return send(p, tid, info->si_signo, signal_entry_new(info));
}

void signal_send_process(struct process *p, int sig)
{
	send(p, 0, sig, NULL);
}

void signal_send_task(struct task *t, int sig)
{
	send(t->process, t->tid, sig, NULL);
}

int signal_send_group(int pgid, int sig)
{
	uint64_t daif = spin_lock_irqsave(&tasks_lock);
	struct process *p;
	int err = -ESRCH;

	list_for_each(p, &processes, all_link) {
		struct list used;

		if (p->pgid != pgid || p->state != PROCESS_ALIVE)
			continue;
		err = 0;
		if (!sig)
			break;
		list_init(&used);
		spin_lock(&p->siglock);
		if (cancel_opposite(p, sig, &used) && p->parent)
			wake_up(&p->parent->child_wait, 0);
		post(p, NULL, sig, NULL);
		spin_unlock(&p->siglock);
		signal_entries_free(&used);
	}
	spin_unlock_irqrestore(&tasks_lock, daif);
	return err;
}

void signal_force(const siginfo_t *info)
{
	struct task *t = task_current();
	struct process *p = t->process;
	struct signal_entry *e = signal_entry_new(info);
	uint64_t bit = signal_bit(info->si_signo);
	uint64_t daif = spin_lock_irqsave(&p->siglock);
	struct signal_action *action = &p->actions[info->si_signo - 1];

	if (t->signals.blocked & bit || action->handler == (uint64_t)SIG_IGN) {
		action->handler = (uint64_t)SIG_DFL;
		t->signals.blocked &= ~bit;
	}
	e = signal_pending_add(&t->signals.pending, info->si_signo, e);
	signal_recheck(t);
	spin_unlock_irqrestore(&p->siglock, daif);
	kfree(e);
}

void signal_force_fault(int sig, int code, uint64_t address)
{
	siginfo_t info = { .si_signo = sig, .si_code = code };

	info.si_addr = (void *)address;
	signal_force(&info);
}

/* ---- taking ---- */

/* After the locks: what becomes of the entry of a signal that was taken. */
static void entry_done(struct list *used, siginfo_t *info)
{
	if (info->si_signo == SIGALRM)
		itimer_taken();
	if (info->si_code == SI_TIMER && !list_empty(used))
		posix_timer_taken(used, info);
	signal_entries_free(used);
}

bool signal_take(uint64_t mask, siginfo_t *info)
{
	struct task *t = task_current();
	struct process *p = t->process;
	struct list used;
	uint64_t daif;
	int sig;

	list_init(&used);
	daif = spin_lock_irqsave(&p->siglock);
	sig = signal_pending_take(&t->signals.pending, mask, info, &used);
	if (!sig)
		sig = signal_pending_take(&p->pending, mask, info, &used);
	spin_unlock_irqrestore(&p->siglock, daif);
	if (sig)
		entry_done(&used, info);
	return sig;
}

uint64_t signal_pending_set(void)
{
	struct task *t = task_current();
	uint64_t daif = spin_lock_irqsave(&t->process->siglock);
	uint64_t set = t->signals.pending.set | t->process->pending.set;

	spin_unlock_irqrestore(&t->process->siglock, daif);
	return set;
}

void signal_set_mask(uint64_t mask)
{
	struct task *t = task_current();
	struct process *p = t->process;
	uint64_t daif;

	mask &= ~SIGNALS_UNBLOCKABLE;
	if (mask == t->signals.blocked)
		return;
	daif = spin_lock_irqsave(&tasks_lock);
	spin_lock(&p->siglock);
	t->signals.blocked = mask;
	/* What waits for the process may have counted on this task, or may be for it now. */
	if (p->pending.set)
		recheck_all(p);
	else
		signal_recheck(t);
	spin_unlock(&p->siglock);
	spin_unlock_irqrestore(&tasks_lock, daif);
}

/* Is nobody of the session left who could continue this group? HOLDS(tasks_lock) */
static bool group_orphaned(int pgid)
{
	struct process *p;

	list_for_each(p, &processes, all_link) {
		if (p->pgid == pgid && p->parent && p->parent->pgid != pgid &&
		    p->parent->sid == p->sid)
			return false;
	}
	return true;
}

void signal_stop(int sig)
{
	struct task *t = task_current();
	struct process *p = t->process, *parent = NULL;
	uint64_t daif = spin_lock_irqsave(&tasks_lock);

	if (sig != SIGSTOP && group_orphaned(p->pgid)) {
		spin_unlock_irqrestore(&tasks_lock, daif);
		return;
	}
	spin_lock(&p->siglock);
	/* A SIGCONT that came meanwhile has won. */
	if (!p->group_exit && !(p->pending.set & signal_bit(SIGCONT))) {
		p->stopped = true;
		p->stop_report = p->stop_signal = sig;
		p->stop_count++;
		recheck_all(p);
		if (p->parent && !(is_traced(t) && t->trace->tracer->process == p->parent))
			parent = process_ref(p->parent);
	}
	spin_unlock(&p->siglock);
	spin_unlock_irqrestore(&tasks_lock, daif);
	if (!parent)
		return;
	if (parent->actions[SIGCHLD - 1].flags & SA_NOCLDSTOP)
		wake_up(&parent->child_wait, 0);
	else
		process_notify_parent(p, parent, CLD_STOPPED, sig);
	process_put(parent);
}

static void default_action(int sig)
{
	if (signal_bit(sig) & SET_IGNORED_BY_DEFAULT)
		return;
	if (signal_bit(sig) & SET_STOP)
		signal_stop(sig);
	else
		process_exit(sig | (signal_bit(sig) & SET_CORE ? 0x80 : 0));
}

/* The state of the process that counts before any signal: it ends, or it is stopped. */
static void obey_process(struct task *t, struct process *p)
{
	if (p->group_exit)
		task_exit(p->exit_status);
	if (p->exec_task && p->exec_task != t)
		task_exit(0);
	while (is_traced(t) || (p->stopped && !p->group_exit && !p->exec_task)) {
		if (!is_traced(t))
			wait_event(&p->stop_wait, !__atomic_load_n(&p->stopped, __ATOMIC_ACQUIRE) ||
							  p->group_exit || p->exec_task ||
							  is_traced(t));
		else if (trace_obey(t))
			return;
	}
}

/* HOLDS(siglock) */
static void take_action(struct process *p, int sig, struct signal_action *action)
{
	*action = p->actions[sig - 1];
	if (action->flags & SA_RESETHAND && action->handler > (uint64_t)SIG_IGN)
		p->actions[sig - 1].handler = (uint64_t)SIG_DFL;
}

/* The next signal the task is to act on, with its action (NULL: not yet wanted); 0: none. */
static int next_signal(struct task *t, struct process *p, siginfo_t *info,
		       struct signal_action *action)
{
	struct list used;
	uint64_t daif;
	int sig;

	list_init(&used);
	daif = spin_lock_irqsave(&p->siglock);
	sig = signal_pending_take(&t->signals.pending, ~t->signals.blocked, info, &used);
	if (!sig)
		sig = signal_pending_take(&p->pending, ~t->signals.blocked, info, &used);
	if (sig && action)
		take_action(p, sig, action);
	spin_unlock_irqrestore(&p->siglock, daif);
	if (sig)
		entry_done(&used, info);
	return sig;
}

/* The tracer decides what becomes of a signal. */
static int ask_tracer(struct process *p, siginfo_t *info, struct signal_action *action)
{
	int sig = info->si_signo == SIGKILL ? SIGKILL : trace_signal(info);
	uint64_t daif = spin_lock_irqsave(&p->siglock);

	if (sig)
		take_action(p, sig, action);
	spin_unlock_irqrestore(&p->siglock, daif);
	return sig;
}

/* Let the handler run next. */
static void call_handler(struct task *t, struct trapframe *tf, struct interrupted *call,
			 const struct signal_action *action, const siginfo_t *info)
{
	uint64_t mask = t->signals.restore ? t->signals.saved : t->signals.blocked;
	uint64_t block = action->mask;

	restart_finish(tf, call, action);
	tf->syscall = -1;
	t->signals.restore = false;
	if (!sigframe_push(tf, action, info, mask)) {
		if (info->si_signo == SIGSEGV)
			process_exit(SIGSEGV | 0x80);
		signal_set_mask(mask);
		signal_force_fault(SIGSEGV, SI_KERNEL, 0);
		return;
	}
	if (!(action->flags & SA_NODEFER))
		block |= signal_bit(info->si_signo);
	signal_set_mask(t->signals.blocked | block);
}

void signal_deliver(struct trapframe *tf)
{
	struct task *t = task_current();
	struct process *p = t->process;
	struct interrupted call = restart_rewind(tf);
	struct signal_action action;
	siginfo_t info;
	int sig;

	thread_clear_work(&t->thread, WORK_SIGNAL);
	for (;;) {
		bool traced;

		obey_process(t, p);
		traced = is_traced(t);
		sig = next_signal(t, p, &info, traced ? NULL : &action);
		if (!sig)
			break;
		if (traced && !(sig = ask_tracer(p, &info, &action)))
			continue;
		if (action.handler == (uint64_t)SIG_DFL)
			default_action(sig);
		else if (action.handler != (uint64_t)SIG_IGN)
			call_handler(t, tf, &call, &action, &info);
	}
	restart_finish(tf, &call, NULL);
	if (t->signals.restore) {
		t->signals.restore = false;
		signal_set_mask(t->signals.saved);
	}
}

void signal_exec(struct process *p)
{
	struct task *t = task_current();
	uint64_t daif = spin_lock_irqsave(&p->siglock);

	for (int i = 0; i < _NSIG; i++) {
		if (p->actions[i].handler != (uint64_t)SIG_IGN)
			p->actions[i].handler = (uint64_t)SIG_DFL;
		p->actions[i].flags = p->actions[i].mask = p->actions[i].restorer = 0;
	}
	t->signals.alt_size = t->signals.alt_sp = 0;
	spin_unlock_irqrestore(&p->siglock, daif);
}
