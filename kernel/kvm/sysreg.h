/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers of the guest that are not in its bank: the table of sysreg.c, for one_reg.c. */
#pragma once

#include "kvm/vcpu.h"

struct sysreg_row {
	uint32_t reg;
	bool listed; /* a register of the VMM's too (ONE_REG) */
	uint64_t (*read)(struct vcpu *vcpu, uint32_t reg);		/* NULL: undefined */
	void (*write)(struct vcpu *vcpu, uint32_t reg, uint64_t value); /* NULL: undefined */
};

const struct sysreg_row *sysreg_row(uint32_t reg); /* NULL: none */
/* For listing: the n-th row; NULL: no more. */
const struct sysreg_row *sysreg_row_at(unsigned n);
