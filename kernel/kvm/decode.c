/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Takes ESR_EL2, FAR_EL2 and HPFAR_EL2 of a guest's exception apart (DDI 0487 D19.2.37, .41, .64).
 * Called by exit.c with the values of the exit; pure.
 */
#include "kvm/decode.h"

#include "lib/bits.h"

#define EC_IABT_LOW 0x20u

/* By the fault status without its level. */
static const uint8_t kinds[16] = {
	[0] = ABORT_OTHER, /* address size */
	[1] = ABORT_TRANSLATION,  [2] = ABORT_ACCESS_FLAG,
	[3] = ABORT_PERMISSION,	  [4] = ABORT_EXTERNAL, /* 0x10 */
	[5] = ABORT_EXTERNAL,				/* 0x14-0x17: on a table walk */
	[6 ... 15] = ABORT_OTHER,
};

void decode_abort(uint64_t esr, uint64_t far, uint64_t hpfar, struct guest_abort *out)
{
	bool fetch = field_get(BITS(31, 26), esr) == EC_IABT_LOW;

	out->walk = esr & ISS_S1PTW;
	out->ipa = decode_ipa(far, hpfar);
	/* On a stage-1 walk FAR is the address being translated, not the descriptor's. */
	if (out->walk)
		out->ipa.v &= ~PAGE_MASK;
	out->far = far;
	out->kind = kinds[field_get(ISS_FSC_TYPE, esr)];
	out->fetch = fetch;
	out->write = !fetch && (esr & (ISS_WNR | ISS_CM)) == ISS_WNR;
	out->cache_op = !fetch && (esr & ISS_CM);
	out->syndrome = !fetch && (esr & (ISS_ISV | ISS_S1PTW)) == ISS_ISV;
	if (out->syndrome)
		out->mmio = decode_mmio(esr, out->ipa);
}
