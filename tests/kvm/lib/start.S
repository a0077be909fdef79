/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a guest begins, and its exception vectors. A synchronous exception is counted and recorded
 * in the vCPU's struct guest_cpu (guest.h) and the instruction stepped over; an interrupt calls
 * guest_irq(). What else arrives stops the guest: it reports a value no test returns.
 */

/* offsets in struct guest_cpu; lib/guest.c asserts them */
#define CPU_ESR 0
#define CPU_ELR 8
#define CPU_FAR 16
#define CPU_FAULTS 24

	.text
	.global guest_entry_psci
guest_entry_psci:
	ldp	x2, x3, [x0, #16]
	ldp	x0, x1, [x0]
	.global guest_entry
guest_entry:
	msr	spsel, #1
	mov	sp, x2
	msr	tpidr_el1, x3
	adr	x4, guest_vectors
	msr	vbar_el1, x4
	mov	x4, #(3 << 20)		/* CPACR_EL1.FPEN: no traps */
	msr	cpacr_el1, x4
	isb
	mov	x4, x0
	mov	x0, x1
	blr	x4
	movz	x1, #0x0900, lsl #16	/* a guest that returns is done, with 0 */
	str	xzr, [x1]
1:	wfi
	b	1b

guest_sync:
	stp	x0, x1, [sp, #-16]!
	mrs	x0, tpidr_el1
	mrs	x1, esr_el1
	str	x1, [x0, #CPU_ESR]
	mrs	x1, far_el1
	str	x1, [x0, #CPU_FAR]
	mrs	x1, elr_el1
	str	x1, [x0, #CPU_ELR]
	add	x1, x1, #4
	msr	elr_el1, x1
	ldr	x1, [x0, #CPU_FAULTS]
	add	x1, x1, #1
	str	x1, [x0, #CPU_FAULTS]
	ldp	x0, x1, [sp], #16
	eret

guest_interrupt:
	stp	x29, x30, [sp, #-176]!
	stp	x0, x1, [sp, #16]
	stp	x2, x3, [sp, #32]
	stp	x4, x5, [sp, #48]
	stp	x6, x7, [sp, #64]
	stp	x8, x9, [sp, #80]
	stp	x10, x11, [sp, #96]
	stp	x12, x13, [sp, #112]
	stp	x14, x15, [sp, #128]
	stp	x16, x17, [sp, #144]
	str	x18, [sp, #160]
	bl	guest_irq
	ldr	x18, [sp, #160]
	ldp	x16, x17, [sp, #144]
	ldp	x14, x15, [sp, #128]
	ldp	x12, x13, [sp, #112]
	ldp	x10, x11, [sp, #96]
	ldp	x8, x9, [sp, #80]
	ldp	x6, x7, [sp, #64]
	ldp	x4, x5, [sp, #48]
	ldp	x2, x3, [sp, #32]
	ldp	x0, x1, [sp, #16]
	ldp	x29, x30, [sp], #176
	eret

guest_unexpected:
	movz	x0, #0xdead
	movk	x0, #0xbad, lsl #16
	movz	x1, #0x0900, lsl #16
	str	x0, [x1]
	b	guest_unexpected

	.macro	vector to
	.balign	128
	b	\to
	.endm

	.balign	2048
guest_vectors:
	.rept	4			/* current level, SP_EL0 */
	vector	guest_unexpected
	.endr
	vector	guest_sync		/* current level, SP_EL1 */
	vector	guest_interrupt
	vector	guest_unexpected
	vector	guest_unexpected
	.rept	8			/* from EL0: guests stay at EL1 */
	vector	guest_unexpected
	.endr
	.balign	128
