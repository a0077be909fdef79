/* SPDX-License-Identifier: BSD-2-Clause */
/* See sve.h. */
#include "tests/kvm/lib/sve.h"

#define VLS KVM_REG_ARM64_SVE_VLS

uint64_t sve_lengths(void)
{
	static bool known;
	static uint64_t vls[8];
	struct vm probe;

	if (known)
		return vls[0];
	known = true;
	vm_create_bare(&probe);
	if (vm_add_vcpu(&probe, 0) == 0 && vcpu_init(&probe.vcpu[0], VCPU_WITH_SVE) == 0)
		expect_eq(reg_get(&probe.vcpu[0], VLS, vls), 0);
	vm_destroy(&probe);
	return vls[0];
}

unsigned sve_longer(unsigned vl)
{
	for (vl += 16; vl <= SVE_MOST; vl += 16)
		if (sve_lengths() >> (vl / 16 - 1) & 1)
			return vl;
	return 0;
}

long sve_finalize(struct vcpu *vcpu)
{
	int feature = KVM_ARM_VCPU_SVE;

	return ioc(vcpu->fd, KVM_ARM_VCPU_FINALIZE, &feature);
}

struct vcpu *sve_vcpu_add(struct vm *vm)
{
	struct vcpu *vcpu = &vm->vcpu[vm->vcpu_count];

	expect_eq(vm_add_vcpu(vm, vm->vcpu_count), 0);
	expect_eq(vcpu_init(vcpu, VCPU_WITH_SVE), 0);
	return vcpu;
}

long sve_set_longest(struct vcpu *vcpu, unsigned vl)
{
	uint64_t vls[8] = { sve_lengths() & ((2ull << (vl / 16 - 1)) - 1) };

	return reg_set(vcpu, VLS, vls);
}

struct vcpu *sve_vcpu_ready(struct vm *vm, unsigned vl)
{
	struct vcpu *vcpu = sve_vcpu_add(vm);

	expect_eq(sve_set_longest(vcpu, vl), 0);
	expect_eq(sve_finalize(vcpu), 0);
	return vcpu;
}
