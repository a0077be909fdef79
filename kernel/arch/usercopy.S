/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copies between the kernel and a program, with PAN clear in between. Each access to the program's
 * memory has a row in the exception table: where to go on when the page cannot be had. All return 0
 * or -EFAULT; x0-x9 are theirs.
 */
#define EFAULT 14

.macro user_access insn:vararg
9990:	\insn
	.pushsection .extable, "a"
	.balign	8
	.quad	9990b, usercopy_fault
	.popsection
.endm

.text
/* int usercopy_move(void *to, const void *from, size_t size): either side may be the program's */
.global usercopy_move
usercopy_move:
	msr	pan, #0
	subs	x2, x2, #32
	b.lo	2f
1:	user_access ldp x3, x4, [x1]
	user_access ldp x5, x6, [x1, #16]
	user_access stp x3, x4, [x0]
	user_access stp x5, x6, [x0, #16]
	add	x1, x1, #32
	add	x0, x0, #32
	subs	x2, x2, #32
	b.hs	1b
2:	adds	x2, x2, #32
	b.eq	5f
	tbz	x2, #4, 3f
	user_access ldp x3, x4, [x1]
	user_access stp x3, x4, [x0]
	add	x1, x1, #16
	add	x0, x0, #16
3:	tbz	x2, #3, 3f
	user_access ldr x3, [x1]
	user_access str x3, [x0]
	add	x1, x1, #8
	add	x0, x0, #8
3:	tbz	x2, #2, 3f
	user_access ldr w3, [x1]
	user_access str w3, [x0]
	add	x1, x1, #4
	add	x0, x0, #4
3:	ands	x2, x2, #3
	b.eq	5f
4:	user_access ldrb w3, [x1]
	user_access strb w3, [x0]
	add	x1, x1, #1
	add	x0, x0, #1
	subs	x2, x2, #1
	b.ne	4b
5:	msr	pan, #1
	mov	w0, #0
	ret

/* int usercopy_clear(void *to, size_t size) */
.global usercopy_clear
usercopy_clear:
	msr	pan, #0
	subs	x1, x1, #16
	b.lo	2f
1:	user_access stp xzr, xzr, [x0]
	add	x0, x0, #16
	subs	x1, x1, #16
	b.hs	1b
2:	adds	x1, x1, #16
	b.eq	4f
3:	user_access strb wzr, [x0]
	add	x0, x0, #1
	subs	x1, x1, #1
	b.ne	3b
4:	msr	pan, #1
	mov	w0, #0
	ret

/* int usercopy_load64(void *to, const void *from), and twice as much: what most structures are */
.global usercopy_load64
usercopy_load64:
	msr	pan, #0
	user_access ldr x2, [x1]
	msr	pan, #1
	str	x2, [x0]
	mov	w0, #0
	ret

.global usercopy_load128
usercopy_load128:
	msr	pan, #0
	user_access ldp x2, x3, [x1]
	msr	pan, #1
	stp	x2, x3, [x0]
	mov	w0, #0
	ret

/* int usercopy_load32(uint32_t *value, const void *from) */
.global usercopy_load32
usercopy_load32:
	msr	pan, #0
	user_access ldr w2, [x1]
	msr	pan, #1
	str	w2, [x0]
	mov	w0, #0
	ret

/* int usercopy_store32(void *to, uint32_t value) */
.global usercopy_store32
usercopy_store32:
	msr	pan, #0
	user_access str w1, [x0]
	msr	pan, #1
	mov	w0, #0
	ret

/* int usercopy_store64(void *to, uint64_t value) */
.global usercopy_store64
usercopy_store64:
	msr	pan, #0
	user_access str x1, [x0]
	msr	pan, #1
	mov	w0, #0
	ret

/* int usercopy_cmpxchg32(uint32_t *old, void *at, uint32_t expected, uint32_t desired) */
.global usercopy_cmpxchg32
usercopy_cmpxchg32:
	msr	pan, #0
	user_access casal w2, w3, [x1]
	msr	pan, #1
	str	w2, [x0]
	mov	w0, #0
	ret

usercopy_fault:
	msr	pan, #1
	mov	w0, #-EFAULT
	ret
