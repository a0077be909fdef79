/* SPDX-License-Identifier: BSD-2-Clause */
/* What a guest is told about its CPU: the ID registers, and those that never change. */
#pragma once

#include "kvm/vcpu.h"

/* Once at boot: read what the hardware has. */
void id_regs_setup(void);
/* The space of feature ID registers: op0 3, op1 0, CRn 0, CRm 1-7. All of it reads as something:
 * zero where nothing is known. */
#define ID_REG_FIRST SYSREG(3, 0, 0, 1, 0)
#define ID_REG_LAST  SYSREG(3, 0, 0, 7, 7)
static inline bool id_reg_exists(uint32_t reg)
{
	return reg >= ID_REG_FIRST && reg <= ID_REG_LAST;
}
uint64_t id_reg_read(struct vcpu *vcpu, uint32_t reg);
/* CCSIDR_EL1 by CSSELR_EL1's value; false: no such cache. */
bool id_ccsidr(unsigned csselr, uint32_t *value);
