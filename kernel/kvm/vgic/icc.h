/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registers of the CPU interface as the VMM saves and restores them
 * (KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS). Guests reach theirs in hardware. Pure: the image's.
 */
#pragma once

#include "kvm/vgic/model.h"

struct icc_reg;

/* By op0 op1 CRn CRm op2 as in an MSR's encoding (16 bits); NULL: none. */
const struct icc_reg *icc_find(uint64_t encoding);
uint64_t icc_read(const struct icc_reg *reg, const struct vgic_cpu *cpu);
/* 0 or -EINVAL: a value this machine cannot have. */
int icc_write(const struct icc_reg *reg, struct vgic_cpu *cpu, uint64_t value);
