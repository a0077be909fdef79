/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * void thread_switch(struct thread *from, struct thread *to): save the callee-saved registers and
 * the stack pointer of one thread, load the other's; returns in the other thread. Interrupts are
 * masked, the run queue's lock is held over it (sched/run.c).
 */
#include "offsets.h"

.macro switch_regs op, base
	\op	x19, x20, [\base, #8 * 0]
	\op	x21, x22, [\base, #8 * 2]
	\op	x23, x24, [\base, #8 * 4]
	\op	x25, x26, [\base, #8 * 6]
	\op	x27, x28, [\base, #8 * 8]
.endm

.text
.global thread_switch
thread_switch:
	mov	x9, sp
	switch_regs stp, x0
	stp	x29, x30, [x0, #8 * 10]
	str	x9, [x0, #8 * 12]
	switch_regs ldp, x1
	ldp	x29, x30, [x1, #8 * 10]
	ldr	x9, [x1, #8 * 12]
	mov	sp, x9
	ret

/* The first thing a new thread executes: leave the scheduler, then entry(arg) in x20(x19). */
.global thread_first
thread_first:
	bl	thread_begin
	mov	x0, x19
	blr	x20
	bl	thread_exit
