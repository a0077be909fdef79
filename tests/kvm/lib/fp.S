/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fp_load(), fp_store(): x0 = struct fp_regs. Other general registers but x1 and x2 are left alone.
 */
	.macro	fp_all op
	.irp	n, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
	fp_pair	\op, \n, %(\n + 1)
	.endr
	.endm
	.macro	fp_pair op, a, b
	\op	q\a, q\b, [x0, #(16 * \a)]
	.endm
	.altmacro

	.text
	.global fp_load
fp_load:
	fp_all	ldp
	ldr	w1, [x0, #512]
	ldr	w2, [x0, #516]
	msr	fpsr, x1
	msr	fpcr, x2
	ret

	.global fp_store
fp_store:
	fp_all	stp
	mrs	x1, fpsr
	mrs	x2, fpcr
	str	w1, [x0, #512]
	str	w2, [x0, #516]
	ret

	.global fp_reset
fp_reset:
	msr	fpsr, xzr
	msr	fpcr, xzr
	ret
