/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest's self-hosted debugging: its break- and watchpoints and its single step. */
#pragma once

#include "kvm/vcpu.h"

/* Each CPU as it comes up. */
void debug_cpu_setup(void);

/* The crossing, masked: what the guest has armed becomes live, or nothing is any more. A host
 * program never runs with any of it: a guest's breakpoint would fire there. */
void debug_load(const struct vcpu *vcpu);
void debug_clear(void);
/* Is there anything to load? MDSCR_EL1.MDE (bit 15) or SS (bit 0), and no OS lock. */
static inline bool debug_armed(const struct vcpu *vcpu)
{
	return (vcpu->debug.mdscr & 0x8001) && !vcpu->debug.os_lock;
}

/* Rows of sysreg.c. */
uint64_t debug_read_point(struct vcpu *vcpu, uint32_t reg);
void debug_write_point(struct vcpu *vcpu, uint32_t reg, uint64_t value);
uint64_t debug_read_mdscr(struct vcpu *vcpu, uint32_t reg);
void debug_write_mdscr(struct vcpu *vcpu, uint32_t reg, uint64_t value);
uint64_t debug_read_mdccint(struct vcpu *vcpu, uint32_t reg);
void debug_write_mdccint(struct vcpu *vcpu, uint32_t reg, uint64_t value);
void debug_write_oslar(struct vcpu *vcpu, uint32_t reg, uint64_t value);
uint64_t debug_read_oslsr(struct vcpu *vcpu, uint32_t reg);
uint64_t debug_read_claim_set(struct vcpu *vcpu, uint32_t reg);
void debug_write_claim_set(struct vcpu *vcpu, uint32_t reg, uint64_t value);
uint64_t debug_read_claim_clear(struct vcpu *vcpu, uint32_t reg);
void debug_write_claim_clear(struct vcpu *vcpu, uint32_t reg, uint64_t value);
