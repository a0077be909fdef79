/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SVE of a vCPU. KVM_ARM_VCPU_INIT asks for it, KVM_REG_ARM64_SVE_VLS says which vector lengths it
 * shall have (those of the machine up to a longest one), KVM_ARM_VCPU_FINALIZE gives it its memory;
 * then Z, P and FFR are registers like others. Linux: Documentation/virt/kvm/api.rst, 4.68, 4.82
 * and 4.119. Entered from api.c and one_reg.c.
 *
 * ZCR_EL1 is not in the guest bank but goes with the SVE registers (bank/fp.c): it means nothing to
 * a guest whose ZEN is closed, and reading it takes ZEN open.
 */
#include "kvm/sve.h"

#include <linux/errno.h>

#include "bank/fp_length.h"
#include "lib/string.h"

_Static_assert(KVM_ARM64_SVE_VQ_MAX >= SVE_VQ_LIMIT, "the set of lengths");
_Static_assert(SVE_REG_MOST == KVM_REG_SIZE(KVM_REG_ARM64_SVE_ZREG(0, 0)), "the largest");

#define SLICE  BITS(4, 0)
#define NUMBER BITS(9, 5)

long sve_offered(void)
{
	return fp_length_guest_most() != 0;
}

void sve_vcpu_init(struct vcpu *vcpu)
{
	vcpu->fp.vq = (uint16_t)fp_length_guest_most();
}

int vcpu_finalize(struct vcpu *vcpu, int feature)
{
	if (feature != KVM_ARM_VCPU_SVE || !vcpu_has_sve(vcpu))
		return -EINVAL;
	if (vcpu->sve_finalized)
		return -EPERM;
	if (fp_need_sve(&vcpu->fp))
		return -ENOMEM;
	vcpu->sve_finalized = true;
	return 0;
}

/* ---- lengths ---- */

static uint32_t lengths_up_to(unsigned vq)
{
	return fp_lengths() & (uint32_t)((2ull << (vq - 1)) - 1);
}

static int set_lengths(struct vcpu *vcpu, const uint64_t *vls)
{
	unsigned longest;

	if (vcpu->sve_finalized)
		return -EPERM;
	for (unsigned n = 1; n < KVM_ARM64_SVE_VLS_WORDS; n++)
		if (vls[n])
			return -EINVAL;
	if (!vls[0] || vls[0] >> fp_length_guest_most())
		return -EINVAL;
	longest = 64u - (unsigned)__builtin_clzll(vls[0]);
	if (vls[0] != lengths_up_to(longest))
		return -EINVAL;
	vcpu->fp.vq = (uint16_t)longest;
	return 0;
}

/* ---- registers ---- */

struct region {
	uint32_t at, size; /* in the SVE image */
	unsigned z;	   /* its number, or V_COUNT: a P register */
};

static int find(const struct vcpu *vcpu, uint64_t id, struct region *r)
{
	unsigned vq = vcpu->fp.vq, n = (unsigned)field_get(NUMBER, id);

	if (id >= KVM_REG_ARM64_SVE_ZREG(0, 0) &&
	    id <= KVM_REG_ARM64_SVE_ZREG(V_COUNT - 1, KVM_ARM64_SVE_MAX_SLICES - 1))
		*r = (struct region){ n * Z_SIZE(vq), Z_SIZE(vq), n };
	else if (id >= KVM_REG_ARM64_SVE_PREG(0, 0) &&
		 id <= KVM_REG_ARM64_SVE_FFR(KVM_ARM64_SVE_MAX_SLICES - 1)) /* FFR is number 16 */
		*r = (struct region){ SVE_P_OFFSET(vq) + n * P_SIZE(vq), P_SIZE(vq), V_COUNT };
	else
		return -EINVAL;
	if (!vcpu_has_sve(vcpu) || id & SLICE)
		return -ENOENT;
	return vcpu->sve_finalized ? 0 : -EPERM;
}

int sve_reg_get(struct vcpu *vcpu, uint64_t id, void *value)
{
	const struct fp_context *fp = &vcpu->fp;
	struct region r;
	int err;

	if (id == KVM_REG_ARM64_SVE_VLS) {
		if (!vcpu_has_sve(vcpu))
			return -ENOENT;
		*(uint64_t *)value = lengths_up_to(fp->vq);
		return 0;
	}
	err = find(vcpu, id, &r);
	if (err)
		return err;
	if (fp->wide)
		memcpy(value, (char *)fp->sve_image + r.at, r.size);
	else if (r.z < V_COUNT)
		memcpy(value, fp->v[r.z], V_SIZE); /* the rest is zero */
	return 0;
}

int sve_reg_set(struct vcpu *vcpu, uint64_t id, const void *value)
{
	struct region r;
	int err;

	if (id == KVM_REG_ARM64_SVE_VLS)
		return vcpu_has_sve(vcpu) ? set_lengths(vcpu, value) : -ENOENT;
	err = find(vcpu, id, &r);
	if (err)
		return err;
	fp_widen_image(&vcpu->fp);
	memcpy((char *)vcpu->fp.sve_image + r.at, value, r.size);
	return 0;
}

uint64_t sve_reg_id(unsigned n)
{
	if (n == 0)
		return KVM_REG_ARM64_SVE_VLS;
	if (n <= V_COUNT)
		return KVM_REG_ARM64_SVE_ZREG(n - 1, 0);
	n -= V_COUNT + 1;
	if (n < P_COUNT)
		return KVM_REG_ARM64_SVE_PREG(n, 0);
	return n == P_COUNT ? KVM_REG_ARM64_SVE_FFR(0) : 0;
}
