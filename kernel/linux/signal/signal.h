/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals as the rest of linux/ sees them: sending, asking, and how a waiting call ends when one
 * comes.
 *
 * An interruptible wait gives -EINTR. A call returns that as it is (never restarted), or one of the
 * codes below, which signal.c turns into a restart or into -EINTR; they never reach a program. Who
 * returns one has WORK_SIGNAL: it ended his wait, or he has set it.
 */
#pragma once

#include_next <linux/signal.h> /* the UAPI's, which this name hides */

#include "arch/trap.h"
#include "lib/list.h"

/* Run again unless a handler without SA_RESTART is called: read, write, wait4, futex. */
#define ERESTARTSYS 512
/* Run again if no handler is called at all: pause, rt_sigsuspend, ppoll without time-out, epoll. */
#define ERESTARTNOHAND 514
/* Go on with task->restart if no handler is called: what has a time-out that runs on. */
#define ERESTART_RESTARTBLOCK 516

struct task;
struct process;
struct space;

/* A signal that waits, with what is known about it. Standard signals wait once, others in order. */
struct signal_pending {
	uint64_t set;
	struct list queue; /* struct signal_entry, sigqueue.h */
	unsigned count;
};

/* Of one task. process->siglock covers it; only the task itself changes blocked and below. */
struct signal_state {
	struct signal_pending pending;
	uint64_t blocked;
	uint64_t saved;	  /* the mask to come back when the call is over */
	bool restore;	  /* saved is valid */
	uint64_t waiting; /* rt_sigtimedwait(): these wake it although they are blocked */
	uint64_t alt_sp, alt_size;
	uint32_t alt_flags;
};

struct signal_action {
	uint64_t handler, flags, restorer, mask;
};

/* From the kernel itself: si_code is SI_KERNEL. Any context, as long as p cannot go meanwhile. */
void signal_send_process(struct process *p, int sig);
void signal_send_process_info(struct process *p, const siginfo_t *info);
void signal_send_task(struct task *t, int sig); /* to the current task: SIGPIPE */
/* To one task of p. -ESRCH: p has no such task. */
int signal_send_tid(struct process *p, int tid, const siginfo_t *info);
/* To each process of a group (a tty's ^C); 0 only asks. -ESRCH: there is none. Any context. */
int signal_send_group(int pgid, int sig);
/* The current task has made this fault: it cannot be blocked or ignored. */
void signal_force(const siginfo_t *info);
void signal_force_fault(int sig, int code, uint64_t address);

/* sigset_t of the UAPI is one word: bit sig - 1. */
static inline uint64_t signal_bit(int sig)
{
	return 1ull << (sig - 1);
}
#define SIGNALS_UNBLOCKABLE (signal_bit(SIGKILL) | signal_bit(SIGSTOP))

/* ppoll, pselect6, epoll_pwait: run with this mask until the call ends; on -EINTR the old mask
 * comes back only after the handler's frame was made. user = 0: nothing. size must be 8. 0,
 * -EINVAL, -EFAULT. */
int signal_mask_swap(uint64_t user_mask, uint64_t size);
/* After the wait, with its result: puts the old mask back unless err is -EINTR or a restart code.
 */
void signal_mask_unswap(long err);

/* For signalfd: the first pending signal in mask is taken; false: none. process->signal_wait is
 * woken when one comes. */
bool signal_take(uint64_t mask, siginfo_t *info);
/* Those pending for the current task, blocked or not. */
uint64_t signal_pending_set(void);

/* ---- between signal.c, sigqueue.c, sigframe.c and the life of processes ---- */

void signal_pending_init(struct signal_pending *p);
void signal_pending_flush(struct signal_pending *p);
struct signal_action *signal_actions_new(void); /* all default. NULL: no memory */
/* execve(): handlers become default. HOLDS(siglock) not needed: the process has one task. */
void signal_exec(struct process *p);
/* Look again whether t has a signal to take. HOLDS(siglock) */
void signal_recheck(struct task *t);
void signal_set_mask(uint64_t mask); /* of the current task */
/* sigaltstack() by one whose stack pointer is sp: 0 or its error. */
int signal_set_stack(uint64_t sp, const stack_t *new);
/* Back to EL0 with WORK_SIGNAL: take signals, restart or end the call. Enabled. */
void signal_deliver(struct trapframe *tf);
/* Is this signal's action to ignore it? HOLDS(siglock) */
bool signal_ignored(struct process *p, int sig);
/* Let the calling task's process stop until it is continued. */
void signal_stop(int sig);

/* A call that is to be restarted: before signals are taken, and before a tracer looks, the program
 * stands in front of it again. */
struct interrupted {
	int64_t code; /* ERESTART*, 0: none */
	uint64_t pc;  /* behind the call */
};
struct interrupted restart_rewind(struct trapframe *tf);
/* How it ends: restarted (again), or with -EINTR. action NULL: no handler runs. Nothing if a tracer
 * has moved the program elsewhere. */
void restart_finish(struct trapframe *tf, struct interrupted *call,
		    const struct signal_action *action);

/* Put a frame on the program's stack and set the registers for its handler; false: no stack. */
bool sigframe_push(struct trapframe *tf, const struct signal_action *action, const siginfo_t *info,
		   uint64_t mask);
/* The page with the code that handlers without SA_RESTORER return to, mapped in each program. */
/* AT_MINSIGSTKSZ: room for the longest frame and its alignment. */
uint64_t sigframe_min_stack(void);
int sigframe_map_trampoline(struct space *s);
#define SIGNAL_TRAMPOLINE (STACK_TOP + 8 * PAGE_SIZE)
