/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SVE's vector lengths. Entered from fp.c when a CPU comes up and when a context with SVE is
 * loaded, from prctl and KVM with questions. ZCR_EL2.LEN is the length less one, rounded down by
 * the hardware to one it has (DDI 0487 D19.2.154).
 *
 * State: the sets in_all and in_some, changed only while CPUs come up one after the other.
 */
#include "bank/fp_length.h"

uint64_t fp_regs_length(void); /* fp_regs.S */

static uint32_t in_all, in_some;

void fp_length_probe(void)
{
	uint32_t found = 0;

	this_cpu()->fp_vq = 0;
	for (unsigned vq = SVE_VQ_LIMIT; vq; vq--) {
		fp_length_set(this_cpu(), vq);
		found |= 1u << (fp_regs_length() / Z_SIZE(1) - 1);
	}
	in_all = in_some ? in_all & found : found;
	in_some |= found;
}

uint32_t fp_lengths(void)
{
	return in_all;
}

unsigned fp_length_near(unsigned vq)
{
	uint32_t below = in_all & (uint32_t)((2ull << (min(vq, SVE_VQ_LIMIT) - 1)) - 1);

	if (!in_all)
		return 0;
	return below ? 32u - (unsigned)__builtin_clz(below) : 1u + (unsigned)__builtin_ctz(in_all);
}

unsigned fp_length_guest_most(void)
{
	uint32_t some_only = in_some & ~in_all;

	if (!some_only)
		return fp_length_near(SVE_VQ_LIMIT);
	return some_only & 1 ? 0 : fp_length_near((unsigned)__builtin_ctz(some_only));
}
