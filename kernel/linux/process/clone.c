/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * New tasks: clone(2), clone3, and through them threads, fork() and vfork(). Either CLONE_THREAD
 * with everything shared, or a process of its own whose memory is shared (CLONE_VM) or copied on
 * write, whose descriptors are copied or shared (CLONE_FILES). The child starts in EL0 with a copy
 * of the caller's registers, x0 = 0.
 */
#include <linux/errno.h>
#include <linux/sched.h>

#include "arch/sysreg.h"
#include "arch/usercopy.h"
#include "lib/bits.h"
#include "lib/string.h"
#include "linux/fs/fd.h"
#include "linux/fs/inode.h"
#include "linux/process/process.h"
#include "linux/syscalls.h"
#include "linux/ptrace/traced.h"
#include "mm/page.h"
#include "mm/slab.h"

#define CLONE_KNOWN                                                                                \
	(CSIGNAL | CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_VFORK |               \
	 CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID |                       \
	 CLONE_CHILD_CLEARTID | CLONE_DETACHED | CLONE_UNTRACED | CLONE_CHILD_SETTID | CLONE_IO |  \
	 CLONE_CLEAR_SIGHAND)

#define PSTATE_SS BIT(21)

struct request {
	uint64_t flags, stack, tls, parent_tid, child_tid;
	int exit_signal;
	struct trace *trace; /* for the child, if it is to be traced as well */
};

/* The child's first turn, still in the kernel. */
static void task_begin(void *arg)
{
	struct task *t = arg;
	struct trapframe *tf = thread_trapframe(&t->thread);

	/* CLONE_CHILD_SETTID: the address waits in orig_x0. A bad one is the program's loss. */
	if (tf->orig_x0)
		(void)user_store32(tf->orig_x0, (uint32_t)t->tid);
	trap_return_to_user(tf);
}

static int check_request(const struct request *r)
{
	uint64_t f = r->flags;

	if (f & ~CLONE_KNOWN)
		return -EINVAL;
	if (f & CLONE_THREAD && !(f & CLONE_SIGHAND))
		return -EINVAL;
	if (f & CLONE_SIGHAND && !(f & CLONE_VM))
		return -EINVAL;
	if (f & CLONE_SIGHAND && f & CLONE_CLEAR_SIGHAND)
		return -EINVAL;
	/* A thread shares all; handlers and descriptors belong to the process here. */
	if (f & CLONE_THREAD && (f & (CLONE_FS | CLONE_FILES)) != (CLONE_FS | CLONE_FILES))
		return -EINVAL;
	return r->exit_signal < 0 || r->exit_signal > _NSIG ? -EINVAL : 0;
}

static void fill_task(struct task *t, const struct task *parent, const struct trapframe *from,
		      const struct request *r, uint64_t tls)
{
	struct trapframe *tf = thread_trapframe(&t->thread);

	*tf = *from;
	tf->x[0] = 0;
	tf->syscall = -1;
	tf->traced = false;
	tf->pstate &= ~PSTATE_SS;
	tf->orig_x0 = r->flags & CLONE_CHILD_SETTID ? r->child_tid : 0;
	if (r->stack)
		tf->sp = r->stack;
	t->thread.tpidr_el0 = r->flags & CLONE_SETTLS ? r->tls : tls;
	t->thread.affinity = parent->thread.affinity;
	t->sve_next = parent->sve_next;
	t->sve_inherit = parent->sve_inherit;
	t->signals.blocked = parent->signals.blocked;
	if (r->flags & CLONE_CHILD_CLEARTID)
		t->clear_tid = r->child_tid;
	/* A new process keeps the alternate stack, a thread or vfork() child does not. */
	if (!(r->flags & CLONE_VM) || r->flags & CLONE_VFORK) {
		t->signals.alt_sp = parent->signals.alt_sp;
		t->signals.alt_size = parent->signals.alt_size;
		t->signals.alt_flags = parent->signals.alt_flags;
	}
}

static int copy_space(struct process *child, struct process *parent, uint64_t flags)
{
	int err;

	if (flags & CLONE_VM) {
		space_enter(parent->space);
		child->space = parent->space;
		return 0;
	}
	child->space = space_create();
	if (!child->space)
		return -ENOMEM;
	err = space_fork(child->space, parent->space);
	if (err)
		space_leave(child->space);
	return err;
}

static void copy_rest(struct process *child, struct process *parent, const struct request *r)
{
	memcpy(child->actions, parent->actions, _NSIG * sizeof(*child->actions));
	if (r->flags & CLONE_CLEAR_SIGHAND) {
		for (int i = 0; i < _NSIG; i++) {
			if (child->actions[i].handler != (uint64_t)SIG_IGN)
				child->actions[i] = (struct signal_action){ 0 };
		}
	}
	memcpy(child->rlimits, parent->rlimits, sizeof(child->rlimits));
	child->uid = parent->uid;
	child->gid = parent->gid;
	child->arg_start = parent->arg_start;
	child->arg_end = parent->arg_end;
	child->env_end = parent->env_end;
	child->auxv_start = parent->auxv_start;
	child->personality = parent->personality;
	child->exe = parent->exe ? file_get(parent->exe) : NULL;
	child->vfork = r->flags & CLONE_VFORK;
	child->exit_signal = r->exit_signal;
}

/* A process for a new task, not known to anybody yet. */
static int process_copy(struct process *parent, const struct request *r, struct process **out)
{
	struct process *child = process_new();
	int err = -ENOMEM;

	if (!child)
		return -ENOMEM;
	child->fs = r->flags & CLONE_FS ? fs_state_get(parent->fs) : fs_state_clone(parent->fs);
	if (!child->fs)
		goto put_process;
	child->fds =
		r->flags & CLONE_FILES ? fd_table_get(parent->fds) : fd_table_clone(parent->fds);
	if (!child->fds)
		goto put_fs;
	err = copy_space(child, parent, r->flags);
	if (err)
		goto put_fds;
	copy_rest(child, parent, r);
	*out = child;
	return 0;

put_fds:
	fd_table_put(child->fds);
put_fs:
	fs_state_put(child->fs);
put_process:
	process_put(child);
	return err;
}

/* Tell the ids and let it run; the caller's reference to child keeps it through vfork(). */
static long launch(struct task *t, struct process *child, struct request *r)
{
	int tid = t->tid, event = trace_clone(t, r->flags, r->exit_signal, &r->trace);

	if (r->flags & CLONE_PARENT_SETTID)
		(void)user_store32(r->parent_tid, (uint32_t)tid);
	thread_start(&t->thread);
	if (event)
		trace_event(event, (uint64_t)tid);
	if (r->flags & CLONE_VFORK && child) {
		/* acquire: pairs with the release in process_vfork_done() */
		wait_event(&child->vfork_wait, !__atomic_load_n(&child->vfork, __ATOMIC_ACQUIRE));
		if (is_traced(task_current()))
			trace_event(PTRACE_EVENT_VFORK_DONE, (uint64_t)tid);
	}
	return tid;
}

static long clone_thread(struct task *t, struct process *p, struct request *r)
{
	int err;

	fd_table_get(p->fds);
	err = task_enter(t, p, NULL);
	if (!err)
		return launch(t, NULL, r);
	fd_table_put(p->fds);
	task_abandon(t);
	return err;
}

static long clone_process(struct task *t, struct process *parent, struct request *r)
{
	struct process *child;
	int err = process_copy(parent, r, &child);
	long tid;

	if (err) {
		task_abandon(t);
		return err;
	}
	process_ref(child);
	task_enter(t, child, parent); /* a new process is not ending */
	tid = launch(t, child, r);
	process_put(child);
	return tid;
}

static long clone(struct trapframe *tf, struct request *r)
{
	/* Read before anything sleeps: afterwards the CPU may be set up for a guest. */
	uint64_t tls = sysreg_read(tpidr_el0);
	struct task *self = task_current(), *t;
	long err = check_request(r);

	if (!err)
		err = trace_clone_prepare(r->flags, r->exit_signal, &r->trace);
	if (err)
		return err;
	t = page_scarce(0) ? NULL : task_new(self->thread.name, task_begin);
	if (t) {
		fp_context_copy(&t->fp, &self->fp);
		fill_task(t, self, tf, r, tls);
		err = r->flags & CLONE_THREAD ? clone_thread(t, self->process, r)
					      : clone_process(t, self->process, r);
	}
	kfree(r->trace);
	return t ? err : -ENOMEM;
}

long sys_clone(struct trapframe *tf)
{
	struct request r = { .flags = tf->x[0] & 0xffffff00u, .stack = tf->x[1] };

	r.parent_tid = tf->x[2];
	r.tls = tf->x[3];
	r.child_tid = tf->x[4];
	r.exit_signal = (int)(tf->x[0] & CSIGNAL);
	return clone(tf, &r);
}

long sys_clone3(struct trapframe *tf)
{
	struct clone_args args = { 0 };
	struct request r;

	if (tf->x[1] < CLONE_ARGS_SIZE_VER0 || tf->x[1] > PAGE_SIZE)
		return tf->x[1] > PAGE_SIZE ? -E2BIG : -EINVAL;
	/* what a newer program may ask for is not known here: it must be zero */
	for (uint64_t at = tf->x[1]; at > sizeof(args); at--) {
		char byte;

		if (get_user(byte, tf->x[0] + at - 1))
			return -EFAULT;
		if (byte)
			return -E2BIG;
	}
	if (copy_from_user(&args, tf->x[0], min(tf->x[1], (uint64_t)sizeof(args))))
		return -EFAULT;
	/* pidfd and cgroup mean nothing without their flags, which are not known here. */
	if (args.flags & (CSIGNAL | CLONE_DETACHED) || args.set_tid || args.set_tid_size)
		return -EINVAL;
	if (!args.stack != !args.stack_size || args.exit_signal > _NSIG)
		return -EINVAL;
	if (args.flags & CLONE_THREAD && args.exit_signal)
		return -EINVAL;
	r = (struct request){ .flags = args.flags, .stack = args.stack + args.stack_size };
	r.tls = args.tls;
	r.parent_tid = args.parent_tid;
	r.child_tid = args.child_tid;
	r.exit_signal = (int)args.exit_signal;
	return clone(tf, &r);
}
