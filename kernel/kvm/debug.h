/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest's self-hosted debugging: its break- and watchpoints and its single step. */
#pragma once

#include "kvm/vcpu.h"

/* Each CPU as it comes up. */
void debug_cpu_setup(void);

/* The crossing, masked: what the guest has armed becomes live, or nothing is any more. A host
 * program never runs with any of it: a guest's breakpoint would fire there. */
void debug_load(const struct vcpu *vcpu);
static inline void debug_clear(struct cpu *cpu)
{
	if (cpu->guest_debug) {
		sysreg_write(mdscr_el1, 0);
		cpu->guest_debug = false;
	}
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
