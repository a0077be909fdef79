/* SPDX-License-Identifier: BSD-2-Clause */
/* Between host and guest: entering, the crossing, and the guest bank. kvm's own use. */
#pragma once

#include "kvm/vcpu.h"
#include "kvm/world_offsets.h"

/*
 * Run the guest until its next exception to EL2: WORLD_SYNC … (world.S). Masked before and after, the
 * vCPU's banks in place. The guest takes all general registers, so the compiler, told so, keeps
 * nothing in them here: what its callers have there is saved once in KVM_RUN, not at each exit.
 */
static inline unsigned world_run(struct vcpu **vcpu)
{
	register struct vcpu *x0 __asm__("x0") = *vcpu;
	register unsigned w1 __asm__("x1");

	__asm__ volatile("bl world_switch"
			 : "+r"(x0), "=r"(w1)
			 :
			 : "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12",
			   "x13", "x14", "x15", "x16", "x17", "x18", "x19", "x20", "x21", "x22",
			   "x23", "x24", "x25", "x26", "x27", "x28", "x29", "x30", "cc", "memory");
	*vcpu = x0;
	return w1;
}

/* Around world_run(): the program's x29, which it loses too. The compiler saves all the others, but
 * not what is its frame pointer and nobody else's to change. */
static inline void world_save_x29(uint64_t *x29)
{
	__asm__ volatile("str x29, %0" : "=m"(*x29));
}

static inline void world_load_x29(const uint64_t *x29)
{
	__asm__ volatile("ldr x29, %0" ::"m"(*x29));
}

/* Bring the vCPU into this CPU's guest bank, to run or to change its registers. Enabled, may wait;
 * returns masked. Its own thread's, or that of an ioctl with vcpu->lock. */
void world_take(struct vcpu *vcpu);
/* The same, masked before too; not in between, if the vCPU is in another CPU's bank. */
void world_bring(struct vcpu *vcpu);

/* The crossing from host EL0's registers to the guest's: HCR_EL2, vectors, TPIDR_EL0 …; the CPU is
 * in CPU_GUEST mode after it. Masked, the vCPU in this CPU's guest bank. Its reverse is
 * world_leave(). */
void world_enter(struct cpu *cpu, struct vcpu *vcpu);

/* Make a virtual SError pending. Masked, the vCPU in this CPU's guest bank. */
void world_set_vse(struct vcpu *vcpu);

/* HCR_EL2 of a vCPU after reset. */
uint64_t world_initial_hcr(void);

/* How often the guest bank was moved, on all CPUs, since boot. */
struct world_stats {
	uint64_t saves, loads;
};
struct world_stats world_stats(void);

/* The image's registers as after reset. The vCPU is in no bank. */
void world_reset_image(struct vcpu *vcpu);
