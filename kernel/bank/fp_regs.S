/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Moving the vector registers: the only place in the kernel where one is named. Called from fp.c,
 * masked, with CPTR_EL2.FPEN open and an ISB after it.
 *
 * In: x0 = 32 quadwords, then FPSR and FPCR as words (struct fp_context.v, .fpsr, .fpcr).
 * Out: nothing. Clobbered: x1-x3, flags; by fp_regs_load, all vector registers.
 */
	.arch armv8.1-a+fp+simd

/* One body for both directions: op = stp or ldp. */
.macro vectors op
	\op	q0, q1, [x0, #0]
	\op	q2, q3, [x0, #32]
	\op	q4, q5, [x0, #64]
	\op	q6, q7, [x0, #96]
	\op	q8, q9, [x0, #128]
	\op	q10, q11, [x0, #160]
	\op	q12, q13, [x0, #192]
	\op	q14, q15, [x0, #224]
	\op	q16, q17, [x0, #256]
	\op	q18, q19, [x0, #288]
	\op	q20, q21, [x0, #320]
	\op	q22, q23, [x0, #352]
	\op	q24, q25, [x0, #384]
	\op	q26, q27, [x0, #416]
	\op	q28, q29, [x0, #448]
	\op	q30, q31, [x0, #480]
.endm

	.text
	.global	fp_regs_save
	.type	fp_regs_save, %function
fp_regs_save:
	vectors	stp
	mrs	x1, fpsr
	mrs	x2, fpcr
	add	x3, x0, #512
	stp	w1, w2, [x3]
	ret
	.size	fp_regs_save, . - fp_regs_save

	.global	fp_regs_load
	.type	fp_regs_load, %function
fp_regs_load:
	vectors	ldp
	add	x3, x0, #512
	ldp	w1, w2, [x3]
	msr	fpsr, x1
	mrs	x3, fpcr
	cmp	x3, x2			/* a write of FPCR stalls the pipeline: only on change */
	b.eq	1f
	msr	fpcr, x2
1:	ret
	.size	fp_regs_load, . - fp_regs_load

	.section .note.GNU-stack, "", %progbits
