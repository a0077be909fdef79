/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where traced tasks stop: signals, group stops, events, system calls, steps. All of it runs in the
 * task itself, on its way to or from EL0 (signal.c, syscall.c, trap.c) or inside clone(), execve()
 * and exit(). What a stop is, and its states, traced.c says. Software step: DDI 0487 D2.12; it is
 * live (MDSCR_EL1.SS) only while the task runs at EL0, and PSTATE.SS, set when the tracer asks for
 * a step, tells whether an instruction is still to be executed.
 */
#include <linux/errno.h>
#include <linux/sched.h>

#include "arch/irq.h"
#include "arch/sysreg.h"
#include "lib/bits.h"
#include "linux/signal/sigqueue.h"
#include "linux/syscalls.h"
#include "linux/ptrace/traced.h"

#define MDSCR_SS BIT(0)

/* ---- stopping ---- */

static bool must_end(const struct task *t)
{
	const struct process *p = t->process;

	return p->group_exit || (p->exec_task && p->exec_task != t);
}

/* Has it been let go? A state read without the lock: looked at again with it. */
static bool may_go(struct trace *tr)
{
	uint32_t state = __atomic_load_n(&tr->state, __ATOMIC_ACQUIRE);

	return state == TRACE_RUNNING || (state != TRACE_HELD && must_end(tr->task));
}

static bool go_on(struct trace *tr)
{
	uint64_t daif = spin_lock_irqsave(&tasks_lock);
	bool go = may_go(tr);

	if (go && tr->state != TRACE_RUNNING) {
		tr->signal = 0;
		tr->state = TRACE_RUNNING;
	}
	if (go) {
		tr->has_info = tr->report = false;
		tr->in_call = false;
	}
	spin_unlock_irqrestore(&tasks_lock, daif);
	return go;
}

static uint64_t thread_pointer(struct task *t)
{
	uint64_t daif = irq_save();
	uint64_t value =
		this_cpu()->mode == CPU_HOST ? sysreg_read(tpidr_el0) : t->thread.tpidr_el0;

	irq_restore(daif);
	return value;
}

static void set_thread_pointer(struct task *t, uint64_t value)
{
	uint64_t daif = irq_save();

	t->thread.tpidr_el0 = value;
	if (this_cpu()->mode == CPU_HOST)
		sysreg_write(tpidr_el0, value);
	irq_restore(daif);
}

/* The current task stops; info NULL: nothing is known. The signal it goes on with; -1: it did not
 * stop, because nobody traces it or it is to end. */
static int stop(struct trace *tr, int code, const siginfo_t *info, bool in_call)
{
	struct task *t = tr->task;
	struct process *tracer = NULL;
	uint64_t daif;

	tr->tls = thread_pointer(t);
	thread_set_work(&t->thread, WORK_FRAME);
	daif = spin_lock_irqsave(&tasks_lock);
	if (tr->tracer && !must_end(t)) {
		tracer = process_ref(tr->tracer->process);
		tr->code = code;
		tr->has_info = info;
		if (info)
			tr->info = *info;
		tr->trap &= ~TRAP_STOP; /* whatever it stops for is good enough */
		tr->signal = 0;
		tr->in_call = in_call;
		tr->report = true;
		tr->state = TRACE_STOPPED;
	}
	spin_unlock_irqrestore(&tasks_lock, daif);
	if (!tracer)
		return -1;
	trace_tell(tracer, tr->tid, t->process->uid.real, CLD_TRAPPED, code & 0x7f);
	do
		wait_event(&tr->wait, may_go(tr));
	while (!go_on(tr));
	set_thread_pointer(t, tr->tls);
	return tr->signal;
}

static int stop_with_code(struct trace *tr, int code, uint64_t message, bool in_call)
{
	siginfo_t info = { .si_signo = code & 0x7f, .si_code = code };

	info.si_pid = tr->tid;
	info.si_uid = tr->task->process->uid.real;
	tr->message = message;
	return stop(tr, code, &info, in_call);
}

int trace_signal(siginfo_t *info)
{
	struct task *t = task_current();
	struct trace *tr = t->trace;
	int sig = stop(tr, info->si_signo, info, false);

	if (sig < 0)
		return info->si_signo;
	if (!sig)
		return 0;
	*info = tr->info; /* the tracer may have changed it */
	if (sig != info->si_signo) {
		*info = (siginfo_t){ .si_signo = sig, .si_code = SI_USER };
		info->si_uid = t->process->uid.real;
	}
	if (t->signals.blocked & signal_bit(sig)) {
		signal_send_tid(t->process, t->tid, info);
		return 0;
	}
	return sig;
}

/* The stop that is due for the task, and no more of it is: 0, or its signal. What happens from then
 * on, SIGCONT as well, is due again, so that a tracer who is told of this one does not wait for it
 * in vain. */
static int take_due_stop(struct trace *tr)
{
	struct process *p = tr->task->process;
	uint64_t daif = spin_lock_irqsave(&tasks_lock);
	bool group = p->stopped && tr->stop_seen != p->stop_count;
	int sig = 0;

	if (tr->tracer && (tr->trap || group) && !must_end(tr->task))
		sig = p->stopped ? p->stop_signal : SIGTRAP;
	if (sig) {
		tr->stop_seen = p->stop_count;
		tr->trap = 0;
	}
	spin_unlock_irqrestore(&tasks_lock, daif);
	return sig;
}

bool trace_obey(struct task *t)
{
	struct trace *tr = t->trace;
	int sig;

	while ((sig = take_due_stop(tr))) {
		if (tr->seized)
			stop_with_code(tr, sig | PTRACE_EVENT_STOP << 8, 0, false);
		else if (sig != SIGTRAP)
			stop(tr, sig, NULL, false);
	}
	return tr->tracer;
}

/* ---- events ---- */

static void send_self(int sig)
{
	signal_send_task(task_current(), sig);
}

void trace_event(int event, uint64_t message)
{
	struct trace *tr = task_current()->trace;

	if (event == PTRACE_EVENT_EXIT) {
		if (tr->exit_told)
			return;
		tr->exit_told = true;
	}
	if (tr->options & 1u << event)
		stop_with_code(tr, SIGTRAP | event << 8, message, event != PTRACE_EVENT_EXIT);
}

void trace_exec(int tid)
{
	struct task *t = task_current();
	struct trace *tr = t->trace;

	tr->tid = t->tid;
	trace_set_go(tr, tr->go); /* the frame is new */
	if (tr->options & PTRACE_O_TRACEEXEC)
		trace_event(PTRACE_EVENT_EXEC, (uint64_t)tid);
	else if (!tr->seized)
		send_self(SIGTRAP);
}

static int clone_event(uint64_t flags, int exit_signal)
{
	if (flags & CLONE_VFORK)
		return PTRACE_EVENT_VFORK;
	return exit_signal == SIGCHLD ? PTRACE_EVENT_FORK : PTRACE_EVENT_CLONE;
}

static bool wants_clone(const struct task *t, uint64_t flags, int exit_signal)
{
	return is_traced(t) && !(flags & CLONE_UNTRACED) &&
	       t->trace->options & 1u << clone_event(flags, exit_signal);
}

int trace_clone_prepare(uint64_t flags, int exit_signal, struct trace **new)
{
	*new = NULL;
	if (!wants_clone(task_current(), flags, exit_signal))
		return 0;
	*new = trace_new();
	return *new ? 0 : -ENOMEM;
}

int trace_clone(struct task *child, uint64_t flags, int exit_signal, struct trace **new)
{
	struct task *self = task_current();
	int event = 0;
	uint64_t daif;

	if (!*new)
		return 0;
	daif = spin_lock_irqsave(&tasks_lock);
	if (wants_clone(self, flags, exit_signal)) {
		struct trace *own = self->trace;

		event = clone_event(flags, exit_signal);
		trace_begin(child, own->tracer, new, own->seized, own->options);
		if (own->seized)
			child->trace->trap = TRAP_STOP;
		else
			signal_pending_add(&child->signals.pending, SIGSTOP, NULL);
		atomic_fetch_or_explicit(&child->thread.work, WORK_SIGNAL, memory_order_relaxed);
	}
	spin_unlock_irqrestore(&tasks_lock, daif);
	return event;
}

/* ---- system calls and steps ---- */

static int call_code(const struct trace *tr)
{
	return SIGTRAP | (tr->options & PTRACE_O_TRACESYSGOOD ? 0x80 : 0);
}

/* X7 tells on which side of a call a stop is (arch/arm64/kernel/ptrace.c of Linux does it). */
static void stop_at_call(struct trace *tr, struct trapframe *tf, uint64_t side)
{
	uint64_t x7 = tf->x[7];
	int sig;

	tf->x[7] = side == PTRACE_EVENTMSG_SYSCALL_EXIT;
	sig = stop_with_code(tr, call_code(tr), side, side == PTRACE_EVENTMSG_SYSCALL_ENTRY);
	tf->x[7] = x7;
	if (sig > 0)
		send_self(sig);
}

void trap_syscall_traced(struct trapframe *tf)
{
	struct task *t = task_current();

	trace_step_disarm();
	tf->orig_x0 = tf->x[0];
	tf->syscall = (int64_t)tf->x[8];
	if (t->fp.sve) /* ends here: what the tracer writes lasts */
		fp_leave_call(&t->fp);
	if (tf->syscall == -1)
		tf->x[0] = (uint64_t)-ENOSYS;
	if (is_traced(t) && t->trace->go == TRACE_SYSCALL)
		stop_at_call(t->trace, tf, PTRACE_EVENTMSG_SYSCALL_ENTRY);
	if (!must_end(t) && tf->syscall >= 0)
		syscall_call(tf, (uint64_t)tf->syscall);
	thread_set_work(&t->thread, WORK_TRACE);
}

void trace_leave_call(void)
{
	struct task *t = task_current();

	if (is_traced(t) && t->trace->go == TRACE_SYSCALL)
		stop_at_call(t->trace, thread_trapframe(&t->thread), PTRACE_EVENTMSG_SYSCALL_EXIT);
}

void trace_step_arm(void)
{
	struct cpu *cpu = this_cpu();

	if (cpu->mode == CPU_GUEST)
		world_leave();
	sysreg_write(mdscr_el1, MDSCR_SS); /* the ERET synchronises */
	cpu->guest_debug = true;
}

void trace_step_disarm(void)
{
	uint64_t daif = irq_save();
	struct cpu *cpu = this_cpu();

	if (cpu->guest_debug && cpu->mode == CPU_HOST) {
		sysreg_write(mdscr_el1, 0);
		cpu->guest_debug = false;
	}
	irq_restore(daif);
}
