/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Takes ESR_EL2, FAR_EL2 and HPFAR_EL2 of a guest's exception apart (DDI 0487 D19.2.37, .41, .64).
 * Called by exit.c with the values of the exit; pure.
 */
#include "kvm/decode.h"

#include "lib/bits.h"

#define ESR_EC	     BITS(31, 26)
#define EC_IABT_LOW  0x20u
#define ISS_FSC	     BITS(5, 0)
#define ISS_FSC_TYPE BITS(5, 2)
#define ISS_WNR	     BIT(6)
#define ISS_S1PTW    BIT(7)
#define ISS_CM	     BIT(8)
#define ISS_FNV	     BIT(10)
#define ISS_SF	     BIT(15)
#define ISS_SRT	     BITS(20, 16)
#define ISS_SSE	     BIT(21)
#define ISS_SAS	     BITS(23, 22)
#define ISS_ISV	     BIT(24)
#define HPFAR_FIPA   BITS(43, 4)

static enum abort_kind abort_kind(uint64_t esr)
{
	switch (field_get(ISS_FSC_TYPE, esr)) {
	case 1:
		return ABORT_TRANSLATION;
	case 2:
		return ABORT_ACCESS_FLAG;
	case 3:
		return ABORT_PERMISSION;
	case 4: /* 0x10: external; 0x14-0x17: on a table walk */
	case 5:
		return ABORT_EXTERNAL;
	default:
		return ABORT_OTHER;
	}
}

bool decode_hpfar_valid(uint64_t esr)
{
	/* Permission faults leave HPFAR_EL2 UNKNOWN unless on a stage-1 walk (D19.2.64). */
	return abort_kind(esr) != ABORT_PERMISSION || (esr & ISS_S1PTW);
}

void decode_abort(uint64_t esr, uint64_t far, uint64_t hpfar, struct guest_abort *out)
{
	bool fetch = field_get(ESR_EC, esr) == EC_IABT_LOW;
	bool walk = esr & ISS_S1PTW;
	/* On a stage-1 walk FAR is the address being translated, not the descriptor's. */
	uint64_t offset = walk ? 0 : far & PAGE_MASK;

	*out = (struct guest_abort){
		.ipa = { field_get(HPFAR_FIPA, hpfar) << PAGE_SHIFT | offset },
		.far = far,
		.kind = abort_kind(esr),
		.fetch = fetch,
		.write = !fetch && (esr & ISS_WNR) && !(esr & ISS_CM),
		.walk = walk,
		.cache_op = !fetch && (esr & ISS_CM),
		.syndrome = !fetch && (esr & ISS_ISV) && !walk,
	};
	if (!out->syndrome)
		return;
	out->mmio = (struct mmio_access){
		.ipa = out->ipa,
		.bytes = (uint8_t)(1u << field_get(ISS_SAS, esr)),
		.reg = (uint8_t)field_get(ISS_SRT, esr),
		.write = out->write,
		.sign_extend = esr & ISS_SSE,
		.wide = esr & ISS_SF,
	};
}

struct sysreg_access decode_sysreg(uint64_t esr)
{
	return (struct sysreg_access){
		.reg = SYSREG(field_get(BITS(21, 20), esr), field_get(BITS(16, 14), esr),
			      field_get(BITS(13, 10), esr), field_get(BITS(4, 1), esr),
			      field_get(BITS(19, 17), esr)),
		.rt = (uint8_t)field_get(BITS(9, 5), esr),
		.write = !(esr & BIT(0)),
	};
}
