/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupted system calls: what a signal does to them (man 7 signal). Used by signal.c alone; the
 * codes are linux/signal/signal.h's.
 */
#include <linux/errno.h>
#include <asm/unistd.h>

#include "linux/signal/signal.h"

struct interrupted restart_rewind(struct trapframe *tf)
{
	struct interrupted call = { tf->syscall < 0 ? 0 : -(int64_t)tf->x[0], tf->pc };

	if (call.code != ERESTARTSYS && call.code != ERESTARTNOHAND &&
	    call.code != ERESTART_RESTARTBLOCK)
		call.code = 0;
	if (!call.code)
		return call;
	tf->syscall = -1;
	tf->x[0] = tf->orig_x0;
	tf->pc -= 4;
	return call;
}

void restart_finish(struct trapframe *tf, struct interrupted *call,
		    const struct signal_action *action)
{
	int64_t code = call->code;

	call->code = 0;
	if (!code || tf->pc != call->pc - 4)
		return;
	if (action && !(code == ERESTARTSYS && action->flags & SA_RESTART)) {
		tf->x[0] = (uint64_t)-EINTR;
		tf->pc = call->pc;
	} else if (code == ERESTART_RESTARTBLOCK) {
		tf->x[8] = __NR_restart_syscall;
	}
}
