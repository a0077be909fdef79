/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Into the guest and back: a C function that returns when the guest takes an exception to EL2.
 * And the vector table of CPU_GUEST mode: exceptions from EL2 itself go where the host's table
 * sends them, those from the guest end world_run().
 */
#include "arch/vectors.inc"
#include "kvm/world_offsets.h"

/* op (stp or ldp) x2-x29 at [base], struct vcpu's x. */
.macro guest_gprs op, base
	\op	x2,  x3,  [\base, #VCPU_X + 8 * 2]
	\op	x4,  x5,  [\base, #VCPU_X + 8 * 4]
	\op	x6,  x7,  [\base, #VCPU_X + 8 * 6]
	\op	x8,  x9,  [\base, #VCPU_X + 8 * 8]
	\op	x10, x11, [\base, #VCPU_X + 8 * 10]
	\op	x12, x13, [\base, #VCPU_X + 8 * 12]
	\op	x14, x15, [\base, #VCPU_X + 8 * 14]
	\op	x16, x17, [\base, #VCPU_X + 8 * 16]
	\op	x18, x19, [\base, #VCPU_X + 8 * 18]
	\op	x20, x21, [\base, #VCPU_X + 8 * 20]
	\op	x22, x23, [\base, #VCPU_X + 8 * 22]
	\op	x24, x25, [\base, #VCPU_X + 8 * 24]
	\op	x26, x27, [\base, #VCPU_X + 8 * 26]
	\op	x28, x29, [\base, #VCPU_X + 8 * 28]
.endm

/* op (stp or ldp) what a C function must keep, in the frame of world_run(). */
#define FRAME_SIZE 112
#define FRAME_VCPU 96
.macro callee_saved op
	\op	x19, x20, [sp, #16 * 0]
	\op	x21, x22, [sp, #16 * 1]
	\op	x23, x24, [sp, #16 * 2]
	\op	x25, x26, [sp, #16 * 3]
	\op	x27, x28, [sp, #16 * 4]
	\op	x29, x30, [sp, #16 * 5]
.endm

.text
/*
 * unsigned world_run(struct vcpu *vcpu): run the guest until its next exception to EL2. Masked, with the
 * guest's banks in place; returns WORLD_SYNC …, masked, with ESR_EL2 and its kin as the exception left
 * them. SP_EL2 stays what it is while the guest runs.
 */
.global world_run
.balign 64
world_run:
	sub	sp, sp, #FRAME_SIZE
	callee_saved stp
	str	x0, [sp, #FRAME_VCPU]
	ldp	x1, x2, [x0, #VCPU_PC]
	msr	elr_el2, x1
	msr	spsr_el2, x2
	guest_gprs ldp, x0
	ldr	x30, [x0, #VCPU_X + 8 * 30]
	ldp	x0, x1, [x0, #VCPU_X]
	eret

.balign 64
guest_exit:				// x1 = the kind; x0, x1 of the guest are on the stack
	ldr	x0, [sp, #16 + FRAME_VCPU]
	guest_gprs stp, x0
	ldp	x2, x3, [sp], #16
	stp	x2, x3, [x0, #VCPU_X]
	str	x30, [x0, #VCPU_X + 8 * 30]
	mrs	x2, elr_el2
	mrs	x3, spsr_el2
	stp	x2, x3, [x0, #VCPU_PC]
	msr	pan, #1			// with TGE = 0 the guest's PAN has come along
	mov	w0, w1
	callee_saved ldp
	add	sp, sp, #FRAME_SIZE
	ret

.macro vector_guest kind
	.balign	0x80
	stp	x0, x1, [sp, #-16]!
	mov	w1, #\kind
	b	guest_exit
.endm

.balign	0x800
.global guest_vectors
guest_vectors:
	vectors_current_el
	vector_guest WORLD_SYNC
	vector_guest WORLD_IRQ
	vector_guest WORLD_FIQ
	vector_guest WORLD_SERROR
	vector_guest WORLD_SYNC		// AArch32 at EL0
	vector_guest WORLD_IRQ
	vector_guest WORLD_FIQ
	vector_guest WORLD_SERROR
