/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How guests and VMMs reach the registers of dist.c and redist.c, and how the list registers of
 * other CPUs are brought home for it.
 */
#pragma once

#include "kvm/vgic/model.h"
#include "kvm/vgic/regs.h"

/* Bring cpu's list registers up to date: fold, look at the timers' lines, fill (nothing while it is
 * frozen). Its image is what the registers hold then. Its home CPU's call, masked, vgic->lock held.
 */
void vgic_refill(struct vgic_cpu *cpu);

/* One access, by the guest (a->user false: any thread, enabled, no spinlock; settles whoever has
 * the interrupts in list registers) or by the VMM (nobody runs). 0 or -EINVAL, as vgic_reg_write().
 */
int vgic_reg_access(const struct vgic_reg_access *a, bool write, uint64_t *value);
/* The same as the guest's write of one bit to GICD_ICACTIVER or GICR_ICACTIVER0. */
void vgic_clear_active(struct vgic_cpu *cpu, uint64_t intid);
/* The lines of 32 interrupts from first on (KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO). Nobody runs. */
void vgic_levels(struct vgic *vgic, struct vgic_cpu *cpu, unsigned first, bool write,
		 uint32_t *value);
