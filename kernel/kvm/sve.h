/* SPDX-License-Identifier: BSD-2-Clause */
/* SVE of a vCPU: what the VMM asked for, and its registers by ONE_REG. vcpu->lock held. */
#pragma once

#include "kvm/vcpu.h"

static inline bool vcpu_has_sve(const struct vcpu *vcpu)
{
	return vcpu->features & BIT(KVM_ARM_VCPU_SVE);
}

/* Everything that was asked for is there: until then no KVM_RUN and no list of registers. */
static inline bool vcpu_is_finalized(const struct vcpu *vcpu)
{
	return !vcpu_has_sve(vcpu) || vcpu->sve_finalized;
}

/* KVM_CAP_ARM_SVE: can vCPUs have it on this machine? */
long sve_offered(void);
/* The first KVM_ARM_VCPU_INIT with SVE: the longest vectors there are. */
void sve_vcpu_init(struct vcpu *vcpu);
/* KVM_ARM_VCPU_FINALIZE. -EINVAL, -EPERM, -ENOMEM. */
int vcpu_finalize(struct vcpu *vcpu, int feature);

#define SVE_REG_MOST 256 /* bytes of the largest register: Z */
/* ids of KVM_REG_ARM64_SVE, the images being the newest state; value: SVE_REG_MOST bytes, zero
 * before a get. -ENOENT, -EINVAL, -EPERM. */
int sve_reg_get(struct vcpu *vcpu, uint64_t id, void *value);
int sve_reg_set(struct vcpu *vcpu, uint64_t id, const void *value);
/* The n-th id of a vCPU with SVE; 0: no more. */
uint64_t sve_reg_id(unsigned n);
