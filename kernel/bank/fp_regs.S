/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Moving the vector registers: the only place in the kernel where one is named. Called from fp.c and
 * fp_length.c, masked, with CPTR_EL2.FPEN (and ZEN, where SVE is said) open and an ISB after it.
 *
 * Each move is one run: of pairs for V registers; for SVE there are no pairs. The layout is fp_image.h's; at
 * "words" lie FPSR and FPCR.
 */
	.arch armv8.1-a+fp+simd+sve

/* One body for both directions: op = stp or ldp. */
.macro vectors op, base=x0
	\op	q0, q1, [\base, #0]
	\op	q2, q3, [\base, #32]
	\op	q4, q5, [\base, #64]
	\op	q6, q7, [\base, #96]
	\op	q8, q9, [\base, #128]
	\op	q10, q11, [\base, #160]
	\op	q12, q13, [\base, #192]
	\op	q14, q15, [\base, #224]
	\op	q16, q17, [\base, #256]
	\op	q18, q19, [\base, #288]
	\op	q20, q21, [\base, #320]
	\op	q22, q23, [\base, #352]
	\op	q24, q25, [\base, #384]
	\op	q26, q27, [\base, #416]
	\op	q28, q29, [\base, #448]
	\op	q30, q31, [\base, #480]
.endm

/* op = str or ldr: Z registers at x0, 32 of the length ZCR_EL2 says. */
.macro z_registers op
.irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	\op	z\n, [x0, #\n, mul vl]
.endr
.endm

/* The P registers behind them, at x2. */
.macro p_registers op
.irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
	\op	p\n, [x2, #\n, mul vl]
.endr
.endm

/* x2 = behind 32 Z registers at x0. */
.macro behind_z
	addvl	x2, x0, #31
	addvl	x2, x2, #1
.endm

/* FPSR and FPCR, [x1]. Clobbered: x1-x3, flags. */
.macro words_save
	mrs	x2, fpsr
	mrs	x3, fpcr
	stp	w2, w3, [x1]
.endm

.macro words_load
	ldp	w1, w2, [x1]
	msr	fpsr, x1
	mrs	x3, fpcr
	cmp	x3, x2			/* a write of FPCR stalls the pipeline: only on change */
	b.eq	1f
	msr	fpcr, x2
1:	ret
.endm

.macro predicates_zero
.irp p, p0.b,p1.b,p2.b,p3.b,p4.b,p5.b,p6.b,p7.b,p8.b,p9.b,p10.b,p11.b,p12.b,p13.b,p14.b,p15.b
	pfalse	\p
.endr
	wrffr	p0.b
.endm

.macro function name
	.global	\name
	.type	\name, %function
\name:
.endm

	.text
/* (x0 = V registers, then the words.) Clobbered: x1-x3, flags; by the loads, what they load. */
function fp_regs_save
	vectors	stp
	add	x1, x0, #512
	words_save
	ret
	.size	fp_regs_save, . - fp_regs_save

function fp_regs_load
	vectors	ldp
	add	x1, x0, #512
	words_load
	.size	fp_regs_load, . - fp_regs_load

/* The same, and all else of SVE = 0: that of Z is by writing V (DDI 0487 B1.2.2). */
function fp_regs_load_narrow
	vectors	ldp
	predicates_zero
	add	x1, x0, #512
	words_load
	.size	fp_regs_load_narrow, . - fp_regs_load_narrow

/* (x0 = SVE image, x1 = the words.) The same; FFR can be reached only through a P register. */
function fp_regs_save_sve
	z_registers str
	behind_z
	p_registers str
	rdffr	p0.b
	str	p0, [x2, #16, mul vl]
	ldr	p0, [x2]
	words_save
	ret
	.size	fp_regs_save_sve, . - fp_regs_save_sve

function fp_regs_load_sve
	z_registers ldr
	behind_z
	ldr	p0, [x2, #16, mul vl]
	wrffr	p0.b
	p_registers ldr
	words_load
	.size	fp_regs_load_sve, . - fp_regs_load_sve

/* All V registers, so the whole of Z, and FPSR and FPCR = 0. */
function fp_regs_zero
.irp v, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	movi	v\v\().2d, #0
.endr
	msr	fpsr, xzr
	msr	fpcr, xzr
	ret
	.size	fp_regs_zero, . - fp_regs_zero

/* P registers and FFR = 0. */
function fp_regs_zero_predicates
	predicates_zero
	ret
	.size	fp_regs_zero_predicates, . - fp_regs_zero_predicates

/* V registers stay; all else of SVE = 0: a write of Vn zeroes the rest of Zn (DDI 0487 B1.2.2). */
function fp_regs_keep_v
.irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	mov	v\n\().16b, v\n\().16b
.endr
	predicates_zero
	ret
	.size	fp_regs_keep_v, . - fp_regs_keep_v

/* (x0 = to, x1 = from), 4096 bytes. Clobbered: all V registers, x2, flags. */
function fp_regs_copy_page
	add	x2, x0, #4096
1:	vectors	ldp, x1
	vectors	stp, x0
	add	x1, x1, #512
	add	x0, x0, #512
	cmp	x0, x2
	b.ne	1b
	ret
	.size	fp_regs_copy_page, . - fp_regs_copy_page

/* All V registers = x0, twice; FPSR = 0. */
function fp_regs_fill
.irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	dup	v\n\().2d, x0
.endr
	msr	fpsr, xzr
	ret
	.size	fp_regs_fill, . - fp_regs_fill

/* Out: x0 = bytes of a Z register now. */
function fp_regs_length
	rdvl	x0, #1
	ret
	.size	fp_regs_length, . - fp_regs_length

	.section .note.GNU-stack, "", %progbits
