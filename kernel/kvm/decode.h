/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest's exception syndrome taken apart once, at the door: beyond here nobody looks at ESR.
 * Pure.
 */
#pragma once

#include "lib/bits.h"
#include "lib/types.h"

/* ESR_EL2 of an abort */
#define ISS_FSC_TYPE BITS(5, 2)
#define ISS_WNR	     BIT(6)
#define ISS_S1PTW    BIT(7)
#define ISS_CM	     BIT(8)
#define ISS_SF	     BIT(15)
#define ISS_SRT	     BITS(20, 16)
#define ISS_SSE	     BIT(21)
#define ISS_SAS	     BITS(23, 22)
#define ISS_ISV	     BIT(24)
#define HPFAR_FIPA   BITS(43, 4)
/* Not of the syndrome, in the place of a bit that is 0 there: data accesses are big-endian. */
#define MMIO_BIG_ENDIAN ISS_S1PTW

/* A load or store of one register to something that is not memory: where, and how the syndrome has
 * it. 16 bytes, passed in registers; each field is cut out where it is used. */
struct mmio_access {
	uint64_t how; /* ISS_SAS, _SRT, _WNR, _SSE, _SF, MMIO_BIG_ENDIAN */
	ipa_t ipa;
};

enum abort_kind {
	ABORT_TRANSLATION,
	ABORT_PERMISSION,
	ABORT_ACCESS_FLAG,
	ABORT_EXTERNAL,
	ABORT_OTHER, /* TLB conflict, alignment, address size … */
};

struct guest_abort {
	ipa_t ipa; /* of the access; of the page only where !far_valid */
	uint64_t far;
	enum abort_kind kind;
	bool fetch;    /* instruction abort */
	bool write;    /* a store, or a table walk that writes (hardware AF/DBM) */
	bool walk;     /* stage-2 fault on a stage-1 table walk */
	bool cache_op; /* a cache maintenance instruction: counts as a read */
	bool syndrome; /* mmio is filled in (ISV) */
	struct mmio_access mmio;
};

/* The intermediate physical address of an abort that was not on a stage-1 walk. */
static inline ipa_t decode_ipa(uint64_t far, uint64_t hpfar)
{
	return (ipa_t){ field_get(HPFAR_FIPA, hpfar) << PAGE_SHIFT | (far & PAGE_MASK) };
}

/* A load or store of one register that met no mapping: what an access to a device looks like, with
 * all its syndrome. Nearly all aborts of a guest that has its memory. */
static inline bool decode_is_access(uint64_t esr)
{
	return (esr & ISS_ISV) &&
	       (esr & (ISS_S1PTW | ISS_CM | ISS_FSC_TYPE)) == field_set(ISS_FSC_TYPE, 1);
}

/* The syndrome of a load or store: ISS_ISV is set, S1PTW and CM are not. */
static inline struct mmio_access decode_mmio(uint64_t esr, ipa_t ipa)
{
	return (struct mmio_access){ .ipa = ipa, .how = esr };
}

static inline unsigned mmio_bytes(struct mmio_access a) /* 1, 2, 4, 8 */
{
	return 1u << field_get(ISS_SAS, a.how);
}

static inline unsigned mmio_reg(struct mmio_access a) /* Rt; 31 is the zero register */
{
	return (unsigned)field_get(ISS_SRT, a.how);
}

static inline bool mmio_is_store(struct mmio_access a)
{
	return a.how & ISS_WNR;
}

/* The bits of a 64-bit word that its bytes leave. */
static inline unsigned mmio_unused(struct mmio_access a)
{
	return -(8u << field_get(ISS_SAS, a.how)) & 63;
}

/* Its bytes of value, extended as a load of it extends them. The value is what a little-endian
 * access would have, here and below. */
static inline uint64_t mmio_extend(struct mmio_access a, uint64_t value)
{
	unsigned unused = mmio_unused(a);

	value = a.how & MMIO_BIG_ENDIAN ? __builtin_bswap64(value) : value << unused;
	if (!(a.how & ISS_SSE))
		return value >> unused;
	value = (uint64_t)((int64_t)value >> unused);
	return a.how & ISS_SF ? value : (uint32_t)value; /* X or W register */
}

/* Its bytes of value. */
static inline uint64_t mmio_cut(struct mmio_access a, uint64_t value)
{
	unsigned unused = mmio_unused(a);

	value = a.how & MMIO_BIG_ENDIAN ? __builtin_bswap64(value) : value << unused;
	return value >> unused;
}

/* Does HPFAR_EL2 hold the address of this fault? Else it must be found by translating far.
 * Permission faults leave it UNKNOWN unless they are a stage-1 walk's (D19.2.64). */
static inline bool decode_hpfar_valid(uint64_t esr)
{
	return field_get(ISS_FSC_TYPE, esr) != 3 || (esr & ISS_S1PTW);
}
/* esr of EC 0x20 or 0x24; hpfar as the hardware gave it or with its FIPA filled in. */
void decode_abort(uint64_t esr, uint64_t far, uint64_t hpfar, struct guest_abort *out);

/* MSR, MRS or a system instruction (EC 0x18). */
struct sysreg_access {
	uint32_t reg; /* op0 op1 CRn CRm op2 as in SYSREG() */
	uint8_t rt;   /* 31: the zero register */
	bool write;
};

/* One number for a register: the fields as they stand in an MSR's encoding. */
#define SYSREG(op0, op1, crn, crm, op2)                                                            \
	((uint32_t)(op0) << 14 | (uint32_t)(op1) << 11 | (uint32_t)(crn) << 7 |                    \
	 (uint32_t)(crm) << 3 | (uint32_t)(op2))

static inline struct sysreg_access decode_sysreg(uint64_t esr)
{
	return (struct sysreg_access){
		.reg = SYSREG(field_get(BITS(21, 20), esr), field_get(BITS(16, 14), esr),
			      field_get(BITS(13, 10), esr), field_get(BITS(4, 1), esr),
			      field_get(BITS(19, 17), esr)),
		.rt = (uint8_t)field_get(BITS(9, 5), esr),
		.write = !(esr & BIT(0)),
	};
}

#define ISS_SYSREG	 (BITS(21, 10) | BITS(4, 1)) /* op0 op2 op1 CRn CRm */
#define ISS_SYSREG_RT	 BITS(9, 5)
#define ISS_SYSREG_READ	 BIT(0)
#define ISS_ICC_SGI1R	 (3ull << 20 | 5ull << 17 | 0ull << 14 | 12ull << 10 | 11ull << 1)

/* A write to ICC_SGI1R_EL1: nearly all traps of registers of a guest that runs. */
static inline bool decode_is_sgi(uint64_t esr)
{
	return (esr & (ISS_SYSREG | ISS_SYSREG_READ)) == ISS_ICC_SGI1R;
}
