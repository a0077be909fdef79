/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals as the rest of linux/ sees them: sending, asking, and how a waiting call ends when one
 * comes.
 *
 * An interruptible wait gives -EINTR. A call returns that as it is (never restarted), or one of the
 * codes below, which signal.c turns into a restart or into -EINTR; they never reach a program.
 */
#pragma once

#include <asm/siginfo.h>
#include <asm/signal.h>

#include "lib/types.h"

/* Run again unless a handler without SA_RESTART is called: read, write, wait4, futex without timeout. */
#define ERESTARTSYS 512
/* Run again if no handler is called at all: pause, rt_sigsuspend, nanosleep-like, ppoll, epoll. */
#define ERESTARTNOHAND 514

struct task;
struct process;

/* Any context. si_code of a signal sent by the kernel itself is SI_KERNEL. */
void signal_send_process(struct process *p, int sig);
void signal_send_task(struct task *t, int sig);
void signal_send_process_info(struct process *p, const siginfo_t *info);
void signal_send_task_info(struct task *t, const siginfo_t *info);
/* To each process of a group (a tty's ^C). -ESRCH: none. Any context. */
int signal_send_group(int pgid, int sig);

/* sigset_t of the UAPI is one word: bit sig - 1. */
static inline uint64_t signal_bit(int sig)
{
	return 1ull << (sig - 1);
}
/* ppoll, pselect6, epoll_pwait: run with this mask until the call ends; on -EINTR the old mask comes back
 * only after the handler's frame was made. user = 0: nothing. size must be 8. 0, -EINVAL, -EFAULT. */
int signal_mask_swap(uint64_t user_mask, uint64_t size);
/* After the wait, with its result: puts the old mask back unless err is -EINTR or a restart code. */
void signal_mask_unswap(long err);

/* For signalfd: the first pending signal in mask is taken; false: none. */
bool signal_take(uint64_t mask, siginfo_t *info);
