/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first instructions. Linux's arm64 boot protocol: entered at EL2 or EL1 with the MMU off and
 * x0 = the device tree's physical address, the image at a 2 MiB boundary. Nothing beyond Armv8.0 is
 * executed before VHE is known to be there. Goes out to boot_main() at the kernel's virtual
 * address, on the boot stack.
 */
#include "offsets.h"

#define HCR_HOST_HI	0x4		// E2H
#define HCR_HOST_LO	0x88000038	// RW, TGE, AMO, IMO, FMO
#define CPTR_CLOSED	0		// E2H: FPEN, ZEN, SMEN = 00

.section .head.text, "ax"
.global image_start
	b	start
	.word	0
	.quad	0			// text_offset
	.quad	image_size
	.quad	0xa			// little-endian, 4 KiB pages, anywhere in memory
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.word	0

start:
	msr	daifset, #0xf
	msr	spsel, #1		// the protocol does not say which stack pointer is in use
	mov	x19, x0
	/* No bss yet: clear it. x1, x2 are 16-byte aligned. */
	adrp	x1, data_end
	add	x1, x1, :lo12:data_end
	adrp	x2, bss_end
	add	x2, x2, :lo12:bss_end
1:	cmp	x1, x2
	b.hs	2f
	stp	xzr, xzr, [x1], #16
	b	1b
2:	adrp	x1, boot_stack_top
	add	x1, x1, :lo12:boot_stack_top
	mov	sp, x1
	mrs	x0, CurrentEL
	cmp	x0, #8
	mov	x1, #0			// enum refusal, boot/early.c
	b.ne	refuse
	mrs	x0, id_aa64mmfr1_el1
	ubfx	x0, x0, #8, #4		// VH
	mov	x1, #1
	cbz	x0, refuse
	mov	x1, #2
	cbz	x19, refuse
	mov	x0, x19
	bl	early_check_tree
	mov	x1, x0
	cbnz	x0, refuse
	bl	host_mode
	mov	x0, x19
	bl	early_tables
	adrp	x20, image_start	// physical until mmu_on() returns
	adrp	x0, boot_ttbr1
	add	x0, x0, :lo12:boot_ttbr1
	bl	mmu_on
	ldr	x1, =boot_stack_top
	mov	sp, x1
	mov	x0, x19
	mov	x1, x20
	mov	x29, #0
	mov	x30, #0
	ldr	x2, =boot_main
	br	x2

refuse:
	mov	x0, x19
	bl	early_refuse

/* EL2 with VHE as the host wants it; all CPUs. Uses x0. */
host_mode:
	mov	x0, #HCR_HOST_LO & 0xffff
	movk	x0, #HCR_HOST_LO >> 16, lsl #16
	movk	x0, #HCR_HOST_HI, lsl #32
	msr	hcr_el2, x0
	isb
	mov	x0, #CPTR_CLOSED
	msr	cptr_el2, x0
	msr	pan, #1
	ret

/*
 * The MMU on with TTBR0_EL2 = the identity map, TTBR1_EL2 = x0; returns to the caller at the
 * kernel's virtual address. Uses x1-x5.
 */
mmu_on:
	adrp	x1, boot_id_l0
	add	x1, x1, :lo12:boot_id_l0
	msr	ttbr0_el2, x1
	msr	ttbr1_el2, x0
	ldr	x1, =0x4404ff		// MAIR_EL2: enum mair: normal, nGnRE, non-cacheable
	msr	mair_el2, x1
	mrs	x2, id_aa64mmfr0_el1
	ubfx	x3, x2, #0, #4		// PARange
	cmp	x3, #5			// 48 bits are all that 4 KiB descriptors hold here
	mov	x4, #5
	csel	x3, x3, x4, ls
	/* T0SZ = T1SZ = 16; walks write-back, inner shareable; TG1 = 4 KiB; TBI0 */
	ldr	x1, =0x20b5103510
	orr	x1, x1, x3, lsl #32
	ubfx	x2, x2, #4, #4		// ASIDBits
	cmp	x2, #2
	cset	x3, eq
	orr	x1, x1, x3, lsl #36	// AS
	msr	tcr_el2, x1
	dsb	sy
	tlbi	alle2
	tlbi	alle1			// guests' of before it was off
	ic	iallu
	dsb	sy
	isb
	/* SCTLR_EL2: M C SA SA0 EOS I DZE UCT nTWI nTWE TSCXT EIS UCI nTLSMD LSMAOE; ITD SED */
	ldr	x1, =0x3455d99d
	msr	sctlr_el2, x1
	isb
	ldr	x1, =image_start
	adrp	x2, image_start
	sub	x1, x1, x2
	add	x30, x30, x1
	ret

/* Another CPU, started by PSCI CPU_ON: x0 = the kernel's TTBR1_EL2. One at a time, boot/smp.c. */
.global secondary_start
secondary_start:
	msr	daifset, #0xf
	msr	spsel, #1
	msr	spsel, #1		// the protocol does not say which stack pointer is in use
	mov	x19, x0
	bl	host_mode
	mov	x0, x19
	bl	mmu_on
	ldr	x0, =smp_starting	// the struct cpu of the one that starts
	ldr	x0, [x0]
	msr	tpidr_el2, x0
	ldr	x1, =smp_stack_top
	ldr	x1, [x1]
	mov	sp, x1
	ldr	x2, =smp_main
	mov	x29, #0
	mov	x30, #0
	br	x2
	.ltorg

/*
 * void mmu_replace_kernel_root(uint64_t ttbr1): from the identity map, so that no entry of the old
 * root and one of the new are live at once (break before make, D8.14.1).
 */
.text
.global mmu_replace_kernel_root
mmu_replace_kernel_root:
	ldr	x1, =image_pa
	ldr	x1, [x1]
	ldr	x2, =KERNEL_VA
	sub	x1, x1, x2		// physical - virtual
	ldr	x3, =boot_id_l0
	add	x3, x3, x1
	ldr	x4, =boot_empty
	add	x4, x4, x1
	adr	x5, 1f
	add	x5, x5, x1
	adr	x6, 2f
	msr	ttbr0_el2, x3
	isb
	br	x5
1:	msr	ttbr1_el2, x4
	isb
	tlbi	alle2
	dsb	nsh
	isb
	msr	ttbr1_el2, x0
	isb
	br	x6
2:	ret

/* The first tables, and what the boot CPU begins on: whole pages, behind the rest. */
.section .bss.pages, "aw", %nobits
.balign	4096
.global boot_id_l0, boot_id_l1, boot_id_l2, boot_ttbr1, boot_linear_l1
.global boot_image_l1, boot_image_l2, boot_image_l3
boot_id_l0:	.skip 4096
boot_id_l1:	.skip 4096
boot_id_l2:	.skip 4096
boot_ttbr1:	.skip 4096
boot_linear_l1:	.skip 4096
boot_image_l1:	.skip 4096
boot_image_l2:	.skip 4096
boot_image_l3:	.skip 4096
boot_empty:	.skip 4096
/* Until there is memory for a stack with a guard: no interrupts yet. */
.global boot_stack_top
boot_stack:	.skip 8192
boot_stack_top:
