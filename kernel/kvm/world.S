/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Into the guest and back: a C function that returns when the guest takes an exception to EL2.
 * And the vector table of CPU_GUEST mode: exceptions from EL2 itself go where the host's table
 * sends them, those from the guest end world_run().
 */
#include "arch/vectors.inc"
#include "kvm/guest_regs.h"
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

/* The frame of world_run(): struct vcpu, the return address, room for x0 and x1 of the guest. */
#define FRAME_SIZE  32
#define FRAME_GUEST 16

.text
/*
 * Run the guest until its next exception to EL2; C calls it by world_run() in world.h. x0 = struct vcpu.
 * Masked, with the guest's banks in place. Returns x0 = struct vcpu, w1 = WORLD_SYNC …, masked, with
 * ESR_EL2 and its kin as the exception left them; every other general register is lost. SP_EL2 stays
 * what it is while the guest runs.
 */
.global world_switch
.balign 64
world_switch:
	stp	x0, x30, [sp, #-FRAME_SIZE]!
	ldp	x1, x2, [x0, #VCPU_PC]
	msr	elr_el2, x1
	msr	spsr_el2, x2
	guest_gprs ldp, x0
	ldr	x30, [x0, #VCPU_X + 8 * 30]
	ldp	x0, x1, [x0, #VCPU_X]
	eret

/*
 * struct guest_regs begins with the registers of GUEST_REGS, then TIMER_REGS, in the order of these lists. Two are
 * moved through memory at a time.
 */
.macro save_one reg
	.if	count & 1
	mrs	x2, \reg
	stp	x1, x2, [x0, #8 * (count - 1)]
	.else
	mrs	x1, \reg
	.endif
	.set	count, count + 1
.endm

.macro load_one reg
	.if	count & 1
	msr	\reg, x2
	.else
	ldp	x1, x2, [x0, #8 * count]
	msr	\reg, x1
	.endif
	.set	count, count + 1
.endm

#define SAVE(field, hw, ...) save_one hw;
#define LOAD(field, hw, ...) load_one hw;

/* void guest_regs_save(struct guest_regs *to). Masked. */
.global guest_regs_save
guest_regs_save:
	.set	count, 0
	GUEST_REGS(SAVE)
	TIMER_REGS(SAVE)
	.if	count & 1
	.error	"an even number of registers"
	.endif
	ret

/* void guest_regs_load(const struct guest_regs *from). Masked. Both timers are off. */
.global guest_regs_load
guest_regs_load:
	.set	count, 0
	GUEST_REGS(LOAD)
	TIMER_REGS(LOAD)
	ret

/* One slot, 26 of its 32 instructions: all there is to an exit. */
.macro vector_guest kind
	.balign	0x80
	stp	x0, x1, [sp, #FRAME_GUEST]
	ldr	x0, [sp]
	guest_gprs stp, x0
	ldp	x2, x3, [sp, #FRAME_GUEST]
	stp	x2, x3, [x0, #VCPU_X]
	mrs	x2, elr_el2
	mrs	x3, spsr_el2
	stp	x30, x2, [x0, #VCPU_X + 8 * 30]
	str	x3, [x0, #VCPU_PSTATE]
	msr	pan, #1			// with TGE = 0 the guest's PAN has come along
	mov	w1, #\kind
	ldp	x4, x30, [sp], #FRAME_SIZE
	ret
.endm

.section .text.vectors, "ax"
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
