/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where exceptions arrive while the CPU is set up for the host (enum cpu_mode CPU_HOST). From EL0 the
 * kernel stack is empty, so the frame lands at its very top; from EL2 it lands below what is there.
 * Each slot saves the general registers; C is called with x0 = the frame.
 */
#include "arch/vectors.inc"

/*
 * One slot for an exception from EL0, with TGE = 1: SCTLR_EL2.SPAN = 0 has set PAN. Saves the frame,
 * then goes to handler with sp = the frame.
 */
.macro vector_el0 handler
	.balign	0x80
	stp	x0, x1, [sp, #-TF_SIZE]!
	trapframe_scratch stp
	trapframe_kept stp
	mrs	x9, sp_el0
	mrs	x10, elr_el2
	mrs	x11, spsr_el2
	stp	x30, x9, [sp, #TF_LR]
	stp	x10, x11, [sp, #TF_PC]
	b	\handler
.endm

.section .text.vectors, "ax" // both tables side by side: their alignment costs nothing
.balign	0x800
.global host_vectors
host_vectors:
	vectors_current_el
	vector_el0	vector_el0_sync
	vector_el0	vector_el0_irq
	vector_el0	vector_el0_fiq
	vector_el0	vector_el0_serror
	vector_el0	vector_el0_32	// no AArch32 programs
	vector_el0	vector_el0_32
	vector_el0	vector_el0_32
	vector_el0	vector_el0_32

.text
/*
 * sp = the frame; C has kept the program's x20-x29. Who changes them in the frame sets a work bit.
 */
vector_el0_sync:
	mrs	x1, esr_el2
	ubfx	x2, x1, #26, #6
	cmp	x2, #0x15		// EC_SVC64
	b.ne	el0_exception
	msr	daifclr, #3
	mov	x0, sp
	bl	trap_syscall
/*
 * One test decides whether there is anything to do first: work bits of the thread, or a CPU that is
 * still set up for a guest.
 */
return_to_el0:
	msr	daifset, #2
	mrs	x1, tpidr_el2
	ldr	x2, [x1, #CPU_CURRENT]
	ldr	w3, [x1, #CPU_MODE]
	ldr	w2, [x2, #THREAD_WORK]
	orr	w4, w2, w3
	cbnz	w4, return_to_el0_work
return_to_el0_now:
	ldp	x9, x10, [sp, #TF_PC]
	ldp	x30, x11, [sp, #TF_LR]
	msr	elr_el2, x9
	msr	spsr_el2, x10
	msr	sp_el0, x11
	trapframe_scratch ldp
	ldp	x0, x1, [sp], #TF_SIZE
	eret

/* w2: the thread's work. It may sleep and move to another CPU, so the mode is looked at after it. */
return_to_el0_work:
	cbz	w2, 1f
thread_work:
	mov	x0, sp
	bl	trap_user_work		// masked again; leaves no work to be done
	trapframe_kept ldp
	mrs	x1, tpidr_el2
	ldr	w3, [x1, #CPU_MODE]
	cbz	w3, return_to_el0_now	// CPU_HOST
1:	bl	world_leave
	b	return_to_el0_now

/* _Noreturn void trap_return_to_user(struct trapframe *tf) */
.global trap_return_to_user
trap_return_to_user:
	mov	sp, x0
	msr	daifset, #2
	b	thread_work

el0_exception:
	mov	x3, #-1
	str	x3, [sp, #TF_SYSCALL]
	mrs	x2, far_el2		// before interrupts can come
	msr	daifclr, #3
	mov	x0, sp
	bl	trap_user_exception
	b	return_to_el0

.macro el0_interrupt function
	mov	x3, #-1
	str	x3, [sp, #TF_SYSCALL]
	mov	x0, sp
	bl	\function
	b	return_to_el0
.endm
vector_el0_irq:		el0_interrupt irq_dispatch
vector_el0_fiq:		el0_interrupt trap_fiq
vector_el0_serror:	el0_interrupt trap_serror
vector_el0_32:		el0_interrupt trap_aarch32

/* From EL2: the slot has made room on a good stack. PAN by hand: SPAN works with TGE = 1 only. */
.macro enter_from_el2
	trapframe_gprs stp
	msr	pan, #1
	add	x20, sp, #TF_SIZE
	mrs	x21, elr_el2
	mrs	x22, spsr_el2
	stp	x30, x20, [sp, #TF_LR]
	stp	x21, x22, [sp, #TF_PC]
.endm

.global vector_el2_sync, vector_el2_irq, vector_el2_fiq, vector_el2_serror, vector_el2_sp0
.global vector_stack_overflow
vector_el2_sync:
	enter_from_el2
	mov	x0, sp
	mrs	x1, esr_el2
	mrs	x2, far_el2
	bl	trap_el2_sync
	b	return_to_el2
vector_el2_irq:
	enter_from_el2
	mov	x0, sp
	bl	irq_dispatch
return_to_el2:
	msr	daifset, #2
	ldp	x21, x22, [sp, #TF_PC]
	ldr	x30, [sp, #TF_LR]
	msr	elr_el2, x21
	msr	spsr_el2, x22
	trapframe_gprs ldp
	add	sp, sp, #TF_SIZE
	eret
vector_el2_fiq:
	enter_from_el2
	mov	x0, sp
	bl	trap_fiq
	b	return_to_el2
vector_el2_serror:
	enter_from_el2
	mov	x0, sp
	bl	trap_serror
	b	return_to_el2
vector_el2_sp0:
	sub	sp, sp, #TF_SIZE
	enter_from_el2
	mov	x0, sp
	bl	trap_el2_unexpected

/* The stack pointer has left its stack: report on another one. sp is where the frame would have begun. */
vector_stack_overflow:
	msr	sp_el0, x0		// a kernel that is about to stop needs no program's stack pointer
	mrs	x0, tpidr_el2
	str	x1, [x0, #CPU_SCRATCH]
	add	x1, sp, #TF_SIZE
	str	x1, [x0, #CPU_SCRATCH + 8]
	ldr	x1, [x0, #CPU_OVERFLOW_STACK]
	mov	sp, x1
	sub	sp, sp, #TF_SIZE
	ldr	x1, [x0, #CPU_SCRATCH]
	mrs	x0, sp_el0
	enter_from_el2
	mrs	x0, tpidr_el2
	ldr	x0, [x0, #CPU_SCRATCH + 8]
	str	x0, [sp, #TF_SP]
	mov	x0, sp
	mrs	x1, far_el2
	bl	trap_stack_overflow
