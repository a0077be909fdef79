/* SPDX-License-Identifier: BSD-2-Clause */
/* vCPUs with SVE, up to a vector length, and what lengths the machine's vCPUs may have. */
#pragma once
#include "tests/kvm/lib/fp.h"
#include "tests/kvm/lib/vm.h"
#include "tests/lib/sve.h"

/* For vcpu_init(). */
#define VCPU_PLAIN    (1u << KVM_ARM_VCPU_PSCI_0_2)
#define VCPU_WITH_SVE (VCPU_PLAIN | 1u << KVM_ARM_VCPU_SVE)

enum { CPACR_OPEN = 3 << 20 | 3 << 16 };

/* Bit n: vectors of n + 1 times 16 bytes; 0: no SVE. */
uint64_t sve_lengths(void);
/* The next length in bytes after vl, 0: there is none. */
unsigned sve_longer(unsigned vl);
#define for_each_sve_length(vl) for (unsigned vl = sve_longer(0); vl; vl = sve_longer(vl))

#define need_sve()                                                                                 \
	do {                                                                                       \
		if (!sve_lengths()) {                                                              \
			tap_skip("no SVE");                                                        \
			return;                                                                    \
		}                                                                                  \
	} while (0)

/* One more vCPU with SVE, not finalized. */
struct vcpu *sve_vcpu_add(struct vm *vm);
/* The same, ready to run with vectors up to vl bytes. */
struct vcpu *sve_vcpu_ready(struct vm *vm, unsigned vl);
/* 0 or -errno. */
long sve_set_longest(struct vcpu *vcpu, unsigned vl);
long sve_finalize(struct vcpu *vcpu);

/* A guest: SVE open, vectors of vl bytes or as many as there are. */
GUEST_INLINE void sve_open(uint64_t vl)
{
	sysreg_write(cpacr_el1, CPACR_OPEN);
	isb();
	sysreg_write(s3_0_c1_c2_0, vl / 16 - 1); /* ZCR_EL1 */
	isb();
}
