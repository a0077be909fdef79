/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ptrace(2): what a tracer asks of the tasks it traces. Arguments and errors are those of Linux's
 * kernel/ptrace.c and arch/arm64/kernel/ptrace.c. Who is traced, and its stops, are traced.c's;
 * register sets are regset.c's. Most requests want the task stopped: it is held meanwhile.
 */
#include <linux/errno.h>
#include <linux/audit.h>
#include <asm/ptrace.h>

#include "arch/usercopy.h"
#include "lib/bits.h"
#include "lib/string.h"
#include "linux/ptrace/regset.h"
#include "linux/syscalls.h"
#include "linux/ptrace/traced.h"
#include "mm/slab.h"

#define OPTIONS_KNOWN (PTRACE_O_MASK & ~(PTRACE_O_SUSPEND_SECCOMP))

/* ---- beginning ---- */

/* The task with that number may be traced by the current one. HOLDS(tasks_lock) */
static int may_attach(struct task *t)
{
	if (!t)
		return -ESRCH;
	if (t->process == task_current()->process || is_traced(t) || t->process->group_exit ||
	    !trace_may(t->process))
		return -EPERM;
	return 0;
}

static int attach(int tid, bool seize, uint32_t options)
{
	siginfo_t info = { .si_signo = SIGSTOP, .si_code = SI_KERNEL };
	struct trace *new = trace_new();
	struct process *p = NULL;
	uint64_t daif;
	struct task *t;
	int err;

	if (!new)
		return -ENOMEM;
	daif = spin_lock_irqsave(&tasks_lock);
	t = task_find(tid);
	err = may_attach(t);
	if (!err) {
		p = process_ref(t->process);
		trace_begin(t, task_current(), &new, seize, options);
		if (p->stopped) { /* it stops for its tracer now */
			thread_set_work(&t->thread, WORK_SIGNAL);
			wake_up(&p->stop_wait, 0);
		}
	}
	spin_unlock_irqrestore(&tasks_lock, daif);
	kfree(new);
	if (p && !seize)
		signal_send_tid(p, tid, &info);
	if (p)
		process_put(p);
	return err;
}

/* The task that made the current process, or one of that process. HOLDS(tasks_lock) */
static struct task *parent_task(const struct process *p)
{
	struct task *t, *any = NULL;

	list_for_each(t, &p->parent->tasks, sibling) {
		if (t->tid == p->born_of)
			return t;
		any = any ? any : t;
	}
	return any;
}

static int traceme(void)
{
	struct task *self = task_current(), *tracer = NULL;
	struct trace *new = trace_new();
	uint64_t daif;

	if (!new)
		return -ENOMEM;
	daif = spin_lock_irqsave(&tasks_lock);
	if (!is_traced(self) && self->process->parent)
		tracer = parent_task(self->process);
	if (tracer)
		trace_begin(self, tracer, &new, false, 0);
	spin_unlock_irqrestore(&tasks_lock, daif);
	kfree(new);
	return tracer ? 0 : -EPERM;
}

/* ---- requests to a stopped task ---- */

static long set_options(struct trace *tr, uint64_t options)
{
	if (options & ~(uint64_t)OPTIONS_KNOWN)
		return -EINVAL;
	tr->options = (uint32_t)options;
	return 0;
}

static long peek(struct task *t, uint64_t va, uint64_t to)
{
	uint64_t word;

	if (space_copy(t->process->space, va, &word, sizeof(word), SPACE_READ, true) !=
	    sizeof(word))
		return -EIO;
	return put_user(word, to);
}

static long poke(struct task *t, uint64_t va, uint64_t word)
{
	return space_copy(t->process->space, va, &word, sizeof(word), SPACE_WRITE, true) ==
			       sizeof(word)
		       ? 0
		       : -EIO;
}

static long set_info(struct trace *tr, uint64_t from)
{
	siginfo_t info;

	if (get_user(info, from))
		return -EFAULT;
	if (!tr->has_info)
		return -EINVAL;
	tr->info = info;
	return 0;
}

/* GETREGSET, SETREGSET: data is a struct iovec. */
static long regset(struct task *t, uint64_t type, uint64_t user, bool set)
{
	struct iter_segment v;
	long n;

	if (get_user(v, user))
		return -EFAULT;
	n = set ? regset_set(t, type, v.base, v.length) : regset_get(t, type, v.base, v.length);
	if (n < 0)
		return n;
	v.length = (uint64_t)n;
	return put_user(v.length, user + offsetof(struct iter_segment, length));
}

static long syscall_info(struct trace *tr, uint64_t size, uint64_t to)
{
	const struct trapframe *tf = thread_trapframe(&tr->task->thread);
	struct ptrace_syscall_info info = { .arch = AUDIT_ARCH_AARCH64 };
	uint64_t length = offsetof(struct ptrace_syscall_info, entry);
	bool at_call = tr->has_info && (tr->code == SIGTRAP || tr->code == (SIGTRAP | 0x80)) &&
		       tr->info.si_code == tr->code;

	info.instruction_pointer = tf->pc;
	info.stack_pointer = tf->sp;
	if (at_call && tr->message == PTRACE_EVENTMSG_SYSCALL_ENTRY) {
		info.op = PTRACE_SYSCALL_INFO_ENTRY;
		info.entry.nr = (uint64_t)tf->syscall;
		memcpy(info.entry.args, tf->x, sizeof(info.entry.args));
		length = offsetof(struct ptrace_syscall_info, entry) + sizeof(info.entry);
	} else if (at_call && tr->message == PTRACE_EVENTMSG_SYSCALL_EXIT) {
		info.op = PTRACE_SYSCALL_INFO_EXIT;
		info.exit.rval = (int64_t)tf->x[0];
		info.exit.is_error = tf->x[0] >= (uint64_t)-4095;
		length = offsetof(struct ptrace_syscall_info, exit.is_error) + 1;
	}
	if (copy_to_user(to, &info, min(size, length)))
		return -EFAULT;
	return (long)length;
}

static long signal_mask(struct task *t, uint64_t size, uint64_t user, bool set)
{
	uint64_t mask = t->signals.blocked;

	if (size != sizeof(mask))
		return -EINVAL;
	if (!set)
		return put_user(mask, user);
	if (get_user(mask, user))
		return -EFAULT;
	t->signals.blocked = mask & ~SIGNALS_UNBLOCKABLE;
	thread_set_work(&t->thread, WORK_SIGNAL); /* it looks when it goes on */
	return 0;
}

static long stopped_request(struct trace *tr, uint64_t request, uint64_t addr, uint64_t data)
{
	struct task *t = tr->task;

	switch (request) {
	case PTRACE_PEEKTEXT:
	case PTRACE_PEEKDATA:
		return peek(t, addr, data);
	case PTRACE_POKETEXT:
	case PTRACE_POKEDATA:
		return poke(t, addr, data);
	case PTRACE_SETOPTIONS:
		return set_options(tr, data);
	case PTRACE_GETEVENTMSG:
		return put_user(tr->message, data);
	case PTRACE_GETSIGINFO:
		return tr->has_info ? put_user(tr->info, data) : -EINVAL;
	case PTRACE_SETSIGINFO:
		return set_info(tr, data);
	case PTRACE_GETSIGMASK:
	case PTRACE_SETSIGMASK:
		return signal_mask(t, addr, data, request == PTRACE_SETSIGMASK);
	case PTRACE_GETREGSET:
	case PTRACE_SETREGSET:
		return regset(t, addr, data, request == PTRACE_SETREGSET);
	case PTRACE_GET_SYSCALL_INFO:
		return syscall_info(tr, addr, data);
	default:
		return -EIO;
	}
}

/* ---- going on ---- */

static int let_go(struct trace *tr, uint64_t request, uint64_t sig)
{
	if (sig > _NSIG)
		return -EIO;
	if (request == PTRACE_DETACH) {
		tr->signal = (int)sig;
		trace_end(tr);
		return 0;
	}
	trace_resume(tr,
		     request == PTRACE_SYSCALL	    ? TRACE_SYSCALL
		     : request == PTRACE_SINGLESTEP ? TRACE_STEP
						    : TRACE_CONT,
		     (int)sig);
	return 0;
}

static int listen(struct trace *tr)
{
	if (!tr->seized || tr->code >> 8 != PTRACE_EVENT_STOP)
		return -EIO;
	tr->state = TRACE_LISTENING;
	if (tr->trap & TRAP_NOTIFY) /* something has happened already */
		trace_resume(tr, tr->go, 0);
	return 0;
}

static int interrupt(struct trace *tr)
{
	if (!tr->seized)
		return -EIO;
	tr->trap |= TRAP_STOP;
	if (tr->state == TRACE_LISTENING)
		trace_resume(tr, tr->go, 0);
	thread_set_work(&tr->task->thread, WORK_SIGNAL);
	return 0;
}

/* ---- the call ---- */

/* HOLDS(tasks_lock). NULL: the current task traces no such task. */
static struct trace *find(int tid)
{
	struct trace *tr;

	list_for_each(tr, &task_current()->tracees, link)
		if (tr->tid == tid && tr->task)
			return tr;
	return NULL;
}

/* Requests that are done at once. -EAGAIN: it is none, and the task is held. */
static int quick_request(struct trace *tr, uint64_t request, uint64_t data)
{
	if (!tr)
		return -ESRCH;
	if (request == PTRACE_INTERRUPT)
		return interrupt(tr);
	if (tr->state != TRACE_STOPPED)
		return request == PTRACE_KILL ? 0 : -ESRCH;
	switch (request) {
	case PTRACE_CONT:
	case PTRACE_SYSCALL:
	case PTRACE_SINGLESTEP:
	case PTRACE_DETACH:
		return let_go(tr, request, data);
	case PTRACE_LISTEN:
		return listen(tr);
	}
	tr->state = TRACE_HELD;
	return -EAGAIN;
}

static void release(struct trace *tr)
{
	uint64_t daif = spin_lock_irqsave(&tasks_lock);

	tr->state = TRACE_STOPPED;
	wake_up(&tr->wait, 0); /* SIGKILL may have come */
	spin_unlock_irqrestore(&tasks_lock, daif);
}

static int kill_traced(int tid)
{
	struct process *p = process_of_task(tid);

	if (p) {
		signal_send_process(p, SIGKILL);
		process_put(p);
	}
	return 0;
}

long sys_ptrace(struct trapframe *tf)
{
	uint64_t request = tf->x[0], addr = tf->x[2], data = tf->x[3], daif;
	int tid = (int)tf->x[1];
	struct trace *tr;
	long result;

	switch (request) {
	case PTRACE_TRACEME:
		return traceme();
	case PTRACE_ATTACH:
		return attach(tid, false, 0);
	case PTRACE_SEIZE:
		if (addr || data & ~(uint64_t)OPTIONS_KNOWN)
			return -EIO;
		return attach(tid, true, (uint32_t)data);
	}
	daif = spin_lock_irqsave(&tasks_lock);
	tr = find(tid);
	result = quick_request(tr, request, data);
	spin_unlock_irqrestore(&tasks_lock, daif);
	if (request == PTRACE_KILL && result != -ESRCH)
		result = kill_traced(tid);
	else if (result == -EAGAIN)
		result = stopped_request(tr, request, addr, data);
	else
		return result;
	release(tr);
	return result;
}
