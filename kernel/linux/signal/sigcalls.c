/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The signal calls: actions, masks, sending, waiting. Arguments and errors are as in the Linux
 * manual pages of the same names; the work is signal.c's.
 */
#include <linux/errno.h>
#include <linux/time_types.h>

#include "arch/usercopy.h"
#include "lib/bits.h"
#include "linux/process/process.h"
#include "linux/syscalls.h"
#include "linux/time/time.h"

static bool signal_valid(int sig)
{
	return sig >= 1 && sig <= _NSIG;
}

/* ---- actions and masks ---- */

static void set_action(struct process *p, int sig, const struct signal_action *new)
{
	siginfo_t info;
	uint64_t daif = spin_lock_irqsave(&p->siglock);
	bool ignored;

	p->actions[sig - 1] = *new;
	p->actions[sig - 1].mask &= ~SIGNALS_UNBLOCKABLE;
	ignored = signal_ignored(p, sig);
	spin_unlock_irqrestore(&p->siglock, daif);
	while (ignored && signal_take(signal_bit(sig), &info))
		;
}

long sys_rt_sigaction(struct trapframe *tf)
{
	struct process *p = task_current()->process;
	int sig = (int)tf->x[0];
	struct signal_action new, old;
	uint64_t daif;

	if (tf->x[3] != sizeof(sigset_t) || !signal_valid(sig))
		return -EINVAL;
	if (tf->x[1]) {
		if (signal_bit(sig) & SIGNALS_UNBLOCKABLE)
			return -EINVAL;
		if (get_user(new, tf->x[1]))
			return -EFAULT;
	}
	daif = spin_lock_irqsave(&p->siglock);
	old = p->actions[sig - 1];
	spin_unlock_irqrestore(&p->siglock, daif);
	if (tf->x[1])
		set_action(p, sig, &new);
	return tf->x[2] ? put_user(old, tf->x[2]) : 0;
}

static int change_mask(int how, uint64_t set)
{
	uint64_t blocked = task_current()->signals.blocked;

	switch (how) {
	case SIG_BLOCK:
		signal_set_mask(blocked | set);
		return 0;
	case SIG_UNBLOCK:
		signal_set_mask(blocked & ~set);
		return 0;
	case SIG_SETMASK:
		signal_set_mask(set);
		return 0;
	default:
		return -EINVAL;
	}
}

long sys_rt_sigprocmask(struct trapframe *tf)
{
	uint64_t set, old = task_current()->signals.blocked;
	int err = 0;

	if (tf->x[3] != sizeof(sigset_t))
		return -EINVAL;
	if (tf->x[1]) {
		if (get_user(set, tf->x[1]))
			return -EFAULT;
		err = change_mask((int)tf->x[0], set);
	}
	if (!err && tf->x[2])
		err = put_user(old, tf->x[2]);
	return err;
}

long sys_rt_sigpending(struct trapframe *tf)
{
	uint64_t set = signal_pending_set() & task_current()->signals.blocked;

	if (tf->x[1] > sizeof(set))
		return -EINVAL;
	return copy_to_user(tf->x[0], &set, tf->x[1]);
}

int signal_mask_swap(uint64_t user_mask, uint64_t size)
{
	struct task *t = task_current();
	uint64_t mask;

	if (!user_mask)
		return 0;
	if (size != sizeof(mask))
		return -EINVAL;
	if (get_user(mask, user_mask))
		return -EFAULT;
	t->signals.saved = t->signals.blocked;
	t->signals.restore = true;
	signal_set_mask(mask);
	return 0;
}

void signal_mask_unswap(long err)
{
	struct task *t = task_current();

	/* On an interruption signal_deliver() does it, after the handler was chosen by the new
	 * mask. */
	if (!t->signals.restore || ((err == -EINTR || err <= -ERESTARTSYS) && signal_pending()))
		return;
	t->signals.restore = false;
	signal_set_mask(t->signals.saved);
}

long sys_rt_sigsuspend(struct trapframe *tf)
{
	struct wait_queue never = WAIT_QUEUE_INIT(never);
	int err = tf->x[1] != sizeof(sigset_t) ? -EINVAL
		  : tf->x[0]		       ? signal_mask_swap(tf->x[0], tf->x[1])
					       : -EFAULT;

	if (err)
		return err;
	wait_event_interruptible(&never, signal_pending());
	return -ERESTARTNOHAND;
}

static bool on_stack(const struct signal_state *s, uint64_t sp)
{
	return s->alt_size && sp - s->alt_sp <= s->alt_size && sp > s->alt_sp;
}

int signal_set_stack(uint64_t sp, const stack_t *new)
{
	struct signal_state *s = &task_current()->signals;
	uint32_t mode = (uint32_t) new->ss_flags & ~SS_AUTODISARM;

	if (on_stack(s, sp))
		return -EPERM;
	if (mode != SS_DISABLE && mode != SS_ONSTACK && mode != 0)
		return -EINVAL;
	if (mode != SS_DISABLE && new->ss_size < MINSIGSTKSZ)
		return -ENOMEM;
	s->alt_flags = (uint32_t) new->ss_flags &SS_AUTODISARM;
	s->alt_sp = mode == SS_DISABLE ? 0 : (uint64_t) new->ss_sp;
	s->alt_size = mode == SS_DISABLE ? 0 : new->ss_size;
	return 0;
}

long sys_sigaltstack(struct trapframe *tf)
{
	const struct signal_state *s = &task_current()->signals;
	stack_t new, old = { .ss_sp = (void *)s->alt_sp, .ss_size = s->alt_size };
	int err = 0;

	old.ss_flags = (int)(s->alt_flags | (!s->alt_size	   ? SS_DISABLE
					     : on_stack(s, tf->sp) ? SS_ONSTACK
								   : 0));
	if (tf->x[0])
		err = get_user(new, tf->x[0]) ? -EFAULT : signal_set_stack(tf->sp, &new);
	return !err && tf->x[1] ? put_user(old, tf->x[1]) : err;
}

/* ---- sending ---- */

static void sender(siginfo_t *info, int sig, int code)
{
	struct process *p = task_current()->process;

	*info = (siginfo_t){ .si_signo = sig, .si_code = code };
	info->si_pid = p->pid;
	info->si_uid = p->uid.real;
}

static int send_pid(int pid, int sig, const siginfo_t *info)
{
	struct process *p = process_get(pid);

	if (!p)
		return -ESRCH;
	if (signal_valid(sig))
		signal_send_process_info(p, info);
	process_put(p);
	return sig && !signal_valid(sig) ? -EINVAL : 0;
}

/* To all of a group, or with group 0 to everybody but the first program and the sender. */
static int send_many(int group, int sig, const siginfo_t *info)
{
	struct process *self = task_current()->process, *p = NULL;
	int err = -ESRCH;

	while ((p = process_after(p))) {
		if (group ? p->pgid != group : p == self || p->pid == 1)
			continue;
		err = sig && !signal_valid(sig) ? -EINVAL : 0;
		if (signal_valid(sig))
			signal_send_process_info(p, info);
	}
	return err;
}

long sys_kill(struct trapframe *tf)
{
	int pid = (int)tf->x[0], sig = (int)tf->x[1];
	siginfo_t info;

	sender(&info, sig, SI_USER);
	if (pid > 0)
		return send_pid(pid, sig, &info);
	if (pid == -1)
		return send_many(0, sig, &info);
	if (pid == -2147483647 - 1)
		return -ESRCH;
	return send_many(pid ? -pid : task_current()->process->pgid, sig, &info);
}

/* tgid 0: whatever process the task belongs to. */
static int send_task(int tgid, int tid, int sig, const siginfo_t *info)
{
	struct process *p = process_of_task(tid);
	int err = 0;

	if (!p)
		return -ESRCH;
	if (tgid && p->pid != tgid)
		err = -ESRCH;
	else if (sig)
		err = signal_valid(sig) ? signal_send_tid(p, tid, info) : -EINVAL;
	process_put(p);
	return err;
}

long sys_tgkill(struct trapframe *tf)
{
	int tgid = (int)tf->x[0], tid = (int)tf->x[1], sig = (int)tf->x[2];
	siginfo_t info;

	if (tgid <= 0 || tid <= 0)
		return -EINVAL;
	sender(&info, sig, SI_TKILL);
	return send_task(tgid, tid, sig, &info);
}

long sys_tkill(struct trapframe *tf)
{
	int tid = (int)tf->x[0], sig = (int)tf->x[1];
	siginfo_t info;

	if (tid <= 0)
		return -EINVAL;
	sender(&info, sig, SI_TKILL);
	return send_task(0, tid, sig, &info);
}

/* Information from a program: it may not look as if it came from the kernel or from kill(). */
static int get_info(siginfo_t *info, uint64_t from, int sig, int target)
{
	if (get_user(*info, from))
		return -EFAULT;
	info->si_signo = sig;
	if ((info->si_code >= 0 || info->si_code == SI_TKILL) &&
	    target != task_current()->process->pid)
		return -EPERM;
	return 0;
}

long sys_rt_sigqueueinfo(struct trapframe *tf)
{
	int pid = (int)tf->x[0], sig = (int)tf->x[1];
	siginfo_t info;
	int err = get_info(&info, tf->x[2], sig, pid);

	return err ? err : send_pid(pid, sig, &info);
}

long sys_rt_tgsigqueueinfo(struct trapframe *tf)
{
	int tgid = (int)tf->x[0], tid = (int)tf->x[1], sig = (int)tf->x[2];
	siginfo_t info;
	int err = get_info(&info, tf->x[3], sig, tgid);

	if (tgid <= 0 || tid <= 0)
		return -EINVAL;
	return err ? err : send_task(tgid, tid, sig, &info);
}

/* ---- waiting ---- */

static void set_waiting(uint64_t set)
{
	struct task *t = task_current();
	uint64_t daif = spin_lock_irqsave(&t->process->siglock);

	t->signals.waiting = set;
	spin_unlock_irqrestore(&t->process->siglock, daif);
}

/* Take a signal of set, waiting until the deadline. 0, -EAGAIN, -EINTR. */
static int wait_signal(uint64_t set, siginfo_t *info, uint64_t deadline)
{
	struct wait_queue never = WAIT_QUEUE_INIT(never);
	int err;

	if (signal_take(set, info))
		return 0;
	set_waiting(set);
	err = wait_event_timeout(&never, signal_pending_set() & set, deadline);
	set_waiting(0);
	if (signal_take(set, info))
		return 0;
	return err == -ETIMEDOUT ? -EAGAIN : -EINTR;
}

long sys_rt_sigtimedwait(struct trapframe *tf)
{
	struct __kernel_timespec ts;
	uint64_t set, deadline = TIMER_NEVER;
	siginfo_t info;
	int err;

	if (tf->x[3] != sizeof(sigset_t))
		return -EINVAL;
	if (get_user(set, tf->x[0]))
		return -EFAULT;
	if (tf->x[2]) {
		if (get_user(ts, tf->x[2]))
			return -EFAULT;
		if (!timespec_valid(&ts))
			return -EINVAL;
		deadline = deadline_after(timespec_ns(&ts));
	}
	err = wait_signal(set & ~SIGNALS_UNBLOCKABLE, &info, deadline);
	if (!err && tf->x[1])
		err = put_user(info, tf->x[1]);
	return err ? err : info.si_signo;
}

long sys_restart_syscall(struct trapframe *tf)
{
	struct task *t = task_current();

	(void)tf;
	return t->restart.call ? t->restart.call(t, &t->restart) : -EINTR;
}
