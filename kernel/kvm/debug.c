/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The debug registers of a guest. All accesses trap (MDCR_EL2.TDA) and end here, so the values kept
 * in struct vcpu are always the newest; the hardware gets a copy at the crossing, and only while
 * the guest has something armed. The way back to host EL0 clears MDSCR_EL1, which turns it all off.
 *
 * A guest that has not locked its OS lock and has set MDE or SS in MDSCR_EL1 is "live".
 * Manual: DDI 0487 D2 (self-hosted debug), D2.12 (software step), D19.3.
 */
#include "kvm/debug.h"

#include "arch/cpu.h"
#include "arch/sysreg.h"

#define DEBUG_N(reg)  ((reg) >> 3 & 15)
#define DEBUG_BVR     4
#define DEBUG_BCR     5
#define DEBUG_WVR     6
#define MDSCR_SS      BIT(0)
#define MDSCR_TDCC    BIT(12)
#define MDSCR_KDE     BIT(13)
#define MDSCR_MDE     BIT(15)
#define MDSCR_GUEST   (MDSCR_SS | MDSCR_TDCC | MDSCR_KDE | MDSCR_MDE)
#define OSLSR_OSLM_1  BIT(3)
#define OSLSR_OSLK    BIT(1)
#define DBGCLAIM_BITS BITS(7, 0)
#define DFR0_BRPS     BITS(15, 12)
#define DFR0_WRPS     BITS(23, 20)

/* ---- the hardware ---- */

void debug_cpu_setup(void)
{
	sysreg_write(mdscr_el1, 0);
	sysreg_write(oslar_el1, 0); /* the hardware's lock; a guest's is its own */
	this_cpu()->guest_debug = false;
}

/* Number n is part of the instruction; what the CPU does not have must not be named. */
#define POINTS(X)                                                                                  \
	X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)

static void load_points(const struct guest_debug *d)
{
	uint64_t dfr0 = sysreg_read(id_aa64dfr0_el1);
	unsigned breakpoints = (unsigned)field_get(DFR0_BRPS, dfr0) + 1;
	unsigned watchpoints = (unsigned)field_get(DFR0_WRPS, dfr0) + 1;

#define X(n)                                                                                       \
	if (n < breakpoints) {                                                                     \
		sysreg_write(dbgbvr##n##_el1, d->bvr[n]);                                          \
		sysreg_write(dbgbcr##n##_el1, d->bcr[n]);                                          \
	}                                                                                          \
	if (n < watchpoints) {                                                                     \
		sysreg_write(dbgwvr##n##_el1, d->wvr[n]);                                          \
		sysreg_write(dbgwcr##n##_el1, d->wcr[n]);                                          \
	}
	POINTS(X)
#undef X
}

void debug_load(const struct vcpu *vcpu)
{
	const struct guest_debug *d = &vcpu->debug;

	if (!d->armed) {
		debug_clear(this_cpu());
		return;
	}
	load_points(d);
	sysreg_write(mdscr_el1, d->mdscr & MDSCR_GUEST);
	this_cpu()->guest_debug = true;
}

/* ---- the guest's accesses ---- */

static void changed(struct vcpu *vcpu)
{
	struct guest_debug *d = &vcpu->debug;

	d->armed = (d->mdscr & (MDSCR_MDE | MDSCR_SS)) && !d->os_lock;
	vcpu_kick(vcpu, REQ_DEBUG);
}

static uint64_t *point(struct vcpu *vcpu, uint32_t reg)
{
	struct guest_debug *d = &vcpu->debug;

	switch (reg & 7) {
	case DEBUG_BVR:
		return &d->bvr[DEBUG_N(reg)];
	case DEBUG_BCR:
		return &d->bcr[DEBUG_N(reg)];
	case DEBUG_WVR:
		return &d->wvr[DEBUG_N(reg)];
	default:
		return &d->wcr[DEBUG_N(reg)];
	}
}

uint64_t debug_read_point(struct vcpu *vcpu, uint32_t reg)
{
	return *point(vcpu, reg);
}

void debug_write_point(struct vcpu *vcpu, uint32_t reg, uint64_t value)
{
	*point(vcpu, reg) = value;
	changed(vcpu);
}

uint64_t debug_read_mdscr(struct vcpu *vcpu, uint32_t reg)
{
	(void)reg;
	return vcpu->debug.mdscr;
}

void debug_write_mdscr(struct vcpu *vcpu, uint32_t reg, uint64_t value)
{
	(void)reg;
	vcpu->debug.mdscr = value;
	changed(vcpu);
}

uint64_t debug_read_mdccint(struct vcpu *vcpu, uint32_t reg)
{
	(void)reg;
	return vcpu->debug.mdccint;
}

void debug_write_mdccint(struct vcpu *vcpu, uint32_t reg, uint64_t value)
{
	(void)reg;
	vcpu->debug.mdccint = value;
}

void debug_write_oslar(struct vcpu *vcpu, uint32_t reg, uint64_t value)
{
	(void)reg;
	vcpu->debug.os_lock = value & 1;
	changed(vcpu);
}

uint64_t debug_read_oslsr(struct vcpu *vcpu, uint32_t reg)
{
	(void)reg;
	return OSLSR_OSLM_1 | (vcpu->debug.os_lock ? OSLSR_OSLK : 0);
}

uint64_t debug_read_claim_set(struct vcpu *vcpu, uint32_t reg)
{
	(void)vcpu;
	(void)reg;
	return DBGCLAIM_BITS;
}

void debug_write_claim_set(struct vcpu *vcpu, uint32_t reg, uint64_t value)
{
	(void)reg;
	vcpu->debug.claim |= value & DBGCLAIM_BITS;
}

uint64_t debug_read_claim_clear(struct vcpu *vcpu, uint32_t reg)
{
	(void)reg;
	return vcpu->debug.claim;
}

void debug_write_claim_clear(struct vcpu *vcpu, uint32_t reg, uint64_t value)
{
	(void)reg;
	vcpu->debug.claim &= ~value;
}
