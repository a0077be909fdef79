/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest's exception syndrome taken apart once, at the door: beyond here nobody looks at ESR.
 * Pure.
 */
#pragma once

#include "lib/types.h"

/* A load or store to something that is not memory. */
struct mmio_access {
	ipa_t ipa;
	uint8_t bytes; /* 1, 2, 4, 8 */
	uint8_t reg;   /* Rt; 31 is the zero register */
	bool write;
	bool sign_extend;
	bool wide; /* Rt is an X register: matters for sign extension */
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

/* Does HPFAR_EL2 hold the address of this fault? Else it must be found by translating far. Permission
 * faults leave it UNKNOWN unless they are a stage-1 walk's (D19.2.64). */
static inline bool decode_hpfar_valid(uint64_t esr)
{
	return (esr & 0x3c) != 0xc || (esr & 0x80); /* FSC without the level; S1PTW */
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

struct sysreg_access decode_sysreg(uint64_t esr);
