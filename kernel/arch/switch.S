/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * thread_switch: save the frame pointer, the stack pointer and where to go on of one thread (x0 = struct
 * thread), load the other's (x1); returns in the other thread. C calls it by run.c's switch_stacks(), which tells
 * the compiler that all other registers are lost: it saves those that it needs, once. Interrupts are masked, the
 * run queue's lock is held over it.
 */
#include "offsets.h"

.text
.global thread_switch
thread_switch:
	mov	x9, sp
	stp	x29, x30, [x0, #THREAD_FRAME]
	str	x9, [x0, #THREAD_FRAME + 16]
	ldp	x29, x30, [x1, #THREAD_FRAME]
	ldr	x9, [x1, #THREAD_FRAME + 16]
	mov	sp, x9
	ret

/* The first thing a new thread executes: leave the scheduler, then entry(arg). Both are on its stack. */
.global thread_first
thread_first:
	ldp	x19, x20, [sp], #16
	bl	thread_begin
	mov	x0, x19
	blr	x20
	bl	thread_exit
