/* SPDX-License-Identifier: BSD-2-Clause */
/* All FP/SIMD registers at once, for guests and for the VMM alike. */
#pragma once
#include <stdint.h>

struct fp_regs {
	uint64_t v[64]; /* two words each */
	uint32_t fpsr, fpcr;
};

/* Clobbers every vector register: the caller's own d8-d15 too, unless it runs fp_reset() after. */
void fp_load(const struct fp_regs *r);
void fp_store(struct fp_regs *r);
/* What C code expects: FPCR and FPSR 0. */
void fp_reset(void);
