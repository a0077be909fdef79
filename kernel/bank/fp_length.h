/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SVE's vector lengths, in quadwords (vq, 1 to 16): which there are, and this CPU's. A length is
 * there if every CPU has it.
 */
#pragma once

#include "arch/cpu.h"
#include "arch/sysreg.h"
#include "bank/fp_image.h"

/* On each CPU as it comes up: which lengths has it? Masked, SVE open. */
void fp_length_probe(void);
/* ZCR_EL2 of this CPU: vectors of vq quadwords, or the longest below that it has. It needs no ISB
 * before it counts (DDI 0487 D19.2.154). Masked, SVE open. */
static inline void fp_length_set(struct cpu *cpu, unsigned vq)
{
	if (cpu->fp_vq == vq)
		return;
	cpu->fp_vq = vq;
	sysreg_write_named(SYSREG_ZCR_EL2, vq - 1);
}

/* Set of lengths: bit vq - 1; 0: no SVE. Fixed once all CPUs are up. */
uint32_t fp_lengths(void);
static inline bool fp_length_exists(unsigned vq)
{
	return vq - 1 < SVE_VQ_LIMIT && fp_lengths() >> (vq - 1) & 1;
}
/* The longest that is not longer than vq, or the shortest; 0: no SVE. */
unsigned fp_length_near(unsigned vq);
/* The longest a guest may have: it can choose any length below that this CPU has, so up to there
 * all CPUs must have the same. */
unsigned fp_length_guest_most(void);
