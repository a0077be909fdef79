/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The CPU a guest sees: the hardware's ID registers, less what is not offered (SVE, SME, MTE,
 * pointer authentication, performance counters, statistical profiling, trace, RAS, nested
 * virtualisation, AArch32). HCR_EL2.TID3 makes every read of them come to sysreg.c.
 * A field that is not in its mask reads as "not implemented"; so does a whole register without a
 * row. Manual: DDI 0487 D19.2.61 and following.
 */
#include "kvm/id_regs.h"

#include "arch/sysreg.h"
#include "kvm/sve.h"

#define F(n) BITS((n) + 3, (n)) /* the four bits of one field */

/* AArch64 at EL1 and EL0, no EL2, no EL3; the GIC's registers, with or without a vGIC, as on Linux: a
 * VMM may write back what it read before it made one (QEMU does). */
#define PFR0_FIXED	(field_set(BITS(27, 24), 1) | field_set(BITS(7, 4), 1) | field_set(BITS(3, 0), 1))
#define PFR0_MASK	(F(16) | F(20) | F(48) | F(56) | F(60)) /* FP, AdvSIMD, DIT, CSV2, CSV3 */
#define PFR0_CSV2_FIELD BITS(59, 56)
#define PFR1_MASK	(F(0) | F(4)) /* BT, SSBS */
#define DFR0_MASK                                                                                  \
	(F(0) | F(12) | F(20) | F(28) | F(36)) /* debug version, numbers of points, DoubleLock */
#define ISAR0_MASK (~F(24))		       /* all but TME */
/* DPB, JSCVT, FCMA, LRCPC, FRINTTS, SB, SPECRES, BF16, DGH, I8MM */
#define ISAR1_MASK (F(0) | F(12) | F(16) | F(20) | F(32) | F(36) | F(40) | F(44) | F(48) | F(52))
#define ISAR2_MASK (F(4) | F(20) | F(52)) /* RPRES, BC, CSSC */
/* PARange, ASIDBits, BigEnd, SNSMem, BigEndEL0, TGran16, TGran64, TGran4 */
#define MMFR0_MASK (F(0) | F(4) | F(8) | F(12) | F(16) | F(20) | F(24) | F(28))
#define MMFR1_MASK (F(0) | F(12) | F(20) | F(36)) /* HAFDBS, HPDS, PAN, ETS */
/* CnP, UAO, LSM, VARange, CCIDX, ST, AT, TTL, BBM, E0PD */
#define MMFR2_MASK (F(0) | F(4) | F(8) | F(16) | F(20) | F(28) | F(32) | F(48) | F(52) | F(60))

/* X(register, CRm, op2, mask, fixed) */
#define ID_REGS(X)                                                                                 \
	X(id_aa64pfr0_el1, 4, 0, PFR0_MASK | PFR0_SVE, PFR0_FIXED)                                 \
	X(s3_0_c0_c4_4, 4, 4, ~0ull, 0) /* ID_AA64ZFR0_EL1: of vCPUs with SVE alone */             \
	X(id_aa64pfr1_el1, 4, 1, PFR1_MASK, 0)                                                     \
	X(id_aa64dfr0_el1, 5, 0, DFR0_MASK, 0)                                                     \
	X(id_aa64isar0_el1, 6, 0, ISAR0_MASK, 0)                                                   \
	X(id_aa64isar1_el1, 6, 1, ISAR1_MASK, 0)                                                   \
	X(s3_0_c0_c6_2, 6, 2, ISAR2_MASK, 0)                                                       \
	X(id_aa64mmfr0_el1, 7, 0, MMFR0_MASK, 0)                                                   \
	X(id_aa64mmfr1_el1, 7, 1, MMFR1_MASK, 0)                                                   \
	X(id_aa64mmfr2_el1, 7, 2, MMFR2_MASK, 0)

struct id_reg {
	uint32_t reg;
	uint64_t mask, fixed;
};

#define X(name, crm, op2, mask, fixed) { SYSREG(3, 0, 0, crm, op2), mask, fixed },
static const struct id_reg rows[] = { ID_REGS(X) };
#undef X

static uint64_t values[ARRAY_SIZE(rows)]; /* written once at boot */

#define CACHE_LEVELS 7
static uint32_t ccsidr[CACHE_LEVELS * 2]; /* by CSSELR_EL1: level << 1 | instruction */
static uint16_t caches;			  /* bit n: ccsidr[n] exists */

/* CLIDR_EL1.Ctype<n>: 0 none, 1 instruction, 2 data, 3 both, 4 unified. */
static void read_caches(void)
{
	uint64_t clidr = sysreg_read(clidr_el1), kept = sysreg_read(csselr_el1);

	for (unsigned level = 0; level < CACHE_LEVELS; level++) {
		unsigned type = (clidr >> (3 * level)) & 7;

		if (type >= 2)
			caches |= 1u << (level * 2);
		if (type == 1 || type == 3)
			caches |= 2u << (level * 2);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(ccsidr); i++) {
		if (!(caches >> i & 1))
			continue;
		sysreg_write(csselr_el1, i);
		isb();
		ccsidr[i] = (uint32_t)sysreg_read(ccsidr_el1);
	}
	sysreg_write(csselr_el1, kept);
}

void id_regs_setup(void)
{
	unsigned i = 0;

#define X(name, crm, op2, mask, fixed) values[i++] = sysreg_read(name);
	ID_REGS(X)
#undef X
	read_caches();
}

bool id_ccsidr(unsigned csselr, uint32_t *value)
{
	if (csselr >= ARRAY_SIZE(ccsidr) || !(caches >> csselr & 1))
		return false;
	*value = ccsidr[csselr];
	return true;
}

uint64_t id_reg_read(struct vcpu *vcpu, uint32_t reg)
{
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t value = (values[i] & rows[i].mask) | rows[i].fixed;

		if (rows[i].reg != reg)
			continue;
		if (reg == SYSREG(3, 0, 0, 4, 4))
			return vcpu_has_sve(vcpu) ? value : 0;
		if (reg != SYSREG(3, 0, 0, 4, 0))
			return value;
		if (!vcpu_has_sve(vcpu))
			value &= ~PFR0_SVE;
		/* CSV2_2's SCXTNUM registers trap: say CSV2_1 */
		if (field_get(PFR0_CSV2_FIELD, value) > 1)
			value = (value & ~PFR0_CSV2_FIELD) | field_set(PFR0_CSV2_FIELD, 1);
		return value;
	}
	return 0;
}
