/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the VMM decides before the guest runs: how many interrupts, where the frames are, and that
 * everything is decided. vm->lock held by all callers. The errors are those of Linux's
 * Documentation/virt/kvm/devices/arm-vgic-v3.rst.
 */
#pragma once

#include "kvm/vgic/vgic.h"

/* KVM_DEV_ARM_VGIC_GRP_NR_IRQS. -EINVAL (64 .. 992, a multiple of 32), -EBUSY (chosen already). */
int vgic_set_nr_irqs(struct vgic *vgic, unsigned nr_irqs);
/* KVM_DEV_ARM_VGIC_CTRL_INIT: 0 also when it is done. -ENOMEM. */
int vgic_initialise(struct vm *vm);
/* -EEXIST (it has one), -EINVAL (alignment, overlap), -E2BIG (beyond the guest's addresses). */
int vgic_set_dist_base(struct vm *vm, uint64_t base);
/* A region of count redistributors; count 0: the old interface's only one, of all vCPUs. As above;
 * -EINVAL also for an index that is not the next, and for both interfaces mixed. */
int vgic_add_region(struct vm *vm, unsigned index, uint64_t base, unsigned count);
