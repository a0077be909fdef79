/* SPDX-License-Identifier: BSD-2-Clause */
/* Between host and guest: entering, the crossing, and the guest bank. kvm's own use. */
#pragma once

#include "kvm/vcpu.h"
#include "kvm/world_offsets.h"

/* world.S */
unsigned world_run(struct vcpu *vcpu);

/* Bring the vCPU into this CPU's guest bank, to run or to change its registers. Enabled, may wait;
 * returns masked. Its own thread's, or that of an ioctl with vcpu->lock. */
void world_take(struct vcpu *vcpu);

/* The crossing from host EL0's registers to the guest's: HCR_EL2, vectors, TPIDR_EL0 …; the CPU is
 * in CPU_GUEST mode after it. Masked, the vCPU in this CPU's guest bank. Its reverse is
 * world_leave(). */
void world_enter(struct vcpu *vcpu);

/* Make a virtual SError pending. Masked, the vCPU in this CPU's guest bank. */
void world_set_vse(struct vcpu *vcpu);

/* HCR_EL2 of a vCPU after reset. */
uint64_t world_initial_hcr(void);

/* The image's registers as after reset. The vCPU is in no bank. */
void world_reset_image(struct vcpu *vcpu);
