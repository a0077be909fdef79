/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registers and system instructions of the guest that trap: one row each. exit.c comes in for the
 * guest, one_reg.c for the VMM. What stands in the guest bank does not trap and is not here
 * (guest_regs.h). No row: undefined.
 *
 * Debug registers are debug.c's. ZCR_EL1 goes with SVE's registers (sve.c). Performance counters, SME, pointer authentication: not
 * offered (id_regs.c). Manual: DDI 0487 D19.
 */
#include "kvm/sysreg.h"

#include "arch/irq.h"
#include "arch/sysreg.h"
#include "kvm/debug.h"
#include "kvm/exit.h"
#include "kvm/id_regs.h"
#include "kvm/stage2.h"
#include "kvm/vgic/vgic.h"

static uint64_t read_zero(struct vcpu *vcpu, uint32_t reg)
{
	(void)vcpu;
	(void)reg;
	return 0;
}

static void write_ignored(struct vcpu *vcpu, uint32_t reg, uint64_t value)
{
	(void)vcpu;
	(void)reg;
	(void)value;
}

/* ---- interrupts to other vCPUs, but ICC_SGI1R_EL1: exit.c ---- */

static void write_sgi(struct vcpu *vcpu, uint32_t reg, uint64_t value)
{
	(void)reg;
	irq_disable();
	vgic_send_sgi(vcpu, value, false);
	irq_enable();
}

#define ICC_DIR_INTID BITS(23, 0)

static void write_dir(struct vcpu *vcpu, uint32_t reg, uint64_t value)
{
	(void)reg;
	vgic_deactivate(vcpu, field_get(ICC_DIR_INTID, value));
}

/* ---- caches by set and way ---- */

static void write_set_way(struct vcpu *vcpu, uint32_t reg, uint64_t value)
{
	(void)reg;
	(void)value;
	stage2_clean_all(vcpu->vm);
}

/* ---- what never changes ---- */

static uint64_t read_hardware(struct vcpu *vcpu, uint32_t reg)
{
	(void)vcpu;
	switch (reg) {
	case SYSREG(3, 0, 0, 0, 0):
		return sysreg_read(midr_el1);
	case SYSREG(3, 0, 0, 0, 6):
		return sysreg_read(revidr_el1);
	case SYSREG(3, 1, 0, 0, 1):
		return sysreg_read(clidr_el1);
	case SYSREG(3, 1, 0, 0, 7):
		return sysreg_read(aidr_el1);
	default:
		return sysreg_read(ctr_el0);
	}
}

static uint64_t read_mpidr(struct vcpu *vcpu, uint32_t reg)
{
	(void)reg;
	return vcpu_mpidr(vcpu);
}

/* ---- the table ---- */

#define LISTED true
#define HIDDEN false
#define DEBUG_POINTS(n)                                                                            \
	{ SYSREG(2, 0, 0, n, 4), LISTED, debug_read_point, debug_write_point },                    \
		{ SYSREG(2, 0, 0, n, 5), LISTED, debug_read_point, debug_write_point },            \
		{ SYSREG(2, 0, 0, n, 6), LISTED, debug_read_point, debug_write_point },            \
	{                                                                                          \
		SYSREG(2, 0, 0, n, 7), LISTED, debug_read_point, debug_write_point                 \
	}

static const struct sysreg_row rows[] = {
	{ SYSREG(3, 0, 12, 11, 6), HIDDEN, NULL, write_sgi }, /* ICC_ASGI1R_EL1 */
	{ SYSREG(3, 0, 12, 11, 7), HIDDEN, NULL, write_sgi }, /* ICC_SGI0R_EL1 */
	{ SYSREG(3, 0, 12, 11, 1), HIDDEN, NULL, write_dir }, /* ICC_DIR_EL1 */
	{ SYSREG(2, 0, 0, 2, 2), LISTED, debug_read_mdscr, debug_write_mdscr },
	{ SYSREG(3, 0, 1, 0, 1), LISTED, read_zero, write_ignored }, /* ACTLR_EL1 */
	{ SYSREG(1, 0, 7, 6, 2), HIDDEN, NULL, write_set_way },	     /* DC ISW */
	{ SYSREG(1, 0, 7, 10, 2), HIDDEN, NULL, write_set_way },     /* DC CSW */
	{ SYSREG(1, 0, 7, 14, 2), HIDDEN, NULL, write_set_way },     /* DC CISW */
	{ SYSREG(3, 0, 0, 0, 0), LISTED, read_hardware, NULL },	     /* MIDR_EL1 */
	{ SYSREG(3, 0, 0, 0, 5), LISTED, read_mpidr, NULL },	     /* MPIDR_EL1 */
	{ SYSREG(3, 0, 0, 0, 6), LISTED, read_hardware, NULL },	     /* REVIDR_EL1 */
	{ SYSREG(3, 1, 0, 0, 1), LISTED, read_hardware, NULL },	     /* CLIDR_EL1 */
	{ SYSREG(3, 1, 0, 0, 7), LISTED, read_hardware, NULL },	     /* AIDR_EL1 */
	{ SYSREG(3, 3, 0, 0, 1), LISTED, read_hardware, NULL },	     /* CTR_EL0 */
	DEBUG_POINTS(0),
	DEBUG_POINTS(1),
	DEBUG_POINTS(2),
	DEBUG_POINTS(3),
	DEBUG_POINTS(4),
	DEBUG_POINTS(5),
	DEBUG_POINTS(6),
	DEBUG_POINTS(7),
	DEBUG_POINTS(8),
	DEBUG_POINTS(9),
	DEBUG_POINTS(10),
	DEBUG_POINTS(11),
	DEBUG_POINTS(12),
	DEBUG_POINTS(13),
	DEBUG_POINTS(14),
	DEBUG_POINTS(15),
	{ SYSREG(2, 0, 0, 0, 2), HIDDEN, read_zero, write_ignored }, /* OSDTRRX_EL1 */
	{ SYSREG(2, 0, 0, 2, 0), LISTED, debug_read_mdccint, debug_write_mdccint },
	{ SYSREG(2, 0, 0, 3, 2), HIDDEN, read_zero, write_ignored }, /* OSDTRTX_EL1 */
	{ SYSREG(2, 0, 0, 6, 2), HIDDEN, read_zero, write_ignored }, /* OSECCR_EL1 */
	{ SYSREG(2, 0, 1, 0, 0), HIDDEN, read_zero, NULL },	     /* MDRAR_EL1 */
	{ SYSREG(2, 0, 1, 0, 4), HIDDEN, NULL, debug_write_oslar },  /* OSLAR_EL1 */
	{ SYSREG(2, 0, 1, 1, 4), HIDDEN, debug_read_oslsr, NULL },   /* OSLSR_EL1 */
	{ SYSREG(2, 0, 1, 3, 4), HIDDEN, read_zero, write_ignored }, /* OSDLR_EL1 */
	{ SYSREG(2, 0, 1, 4, 4), HIDDEN, read_zero, write_ignored }, /* DBGPRCR_EL1 */
	{ SYSREG(2, 0, 7, 8, 6), HIDDEN, debug_read_claim_set, debug_write_claim_set },
	{ SYSREG(2, 0, 7, 9, 6), HIDDEN, debug_read_claim_clear, debug_write_claim_clear },
	{ SYSREG(2, 0, 7, 14, 6), HIDDEN, read_zero, NULL },	     /* DBGAUTHSTATUS_EL1 */
	{ SYSREG(2, 3, 0, 1, 0), HIDDEN, read_zero, NULL },	     /* MDCCSR_EL0 */
	{ SYSREG(2, 3, 0, 4, 0), HIDDEN, read_zero, write_ignored }, /* DBGDTR_EL0 */
	{ SYSREG(2, 3, 0, 5, 0), HIDDEN, read_zero, write_ignored }, /* DBGDTRRX/TX_EL0 */
};

static const struct sysreg_row id_row = { .listed = true, .read = id_reg_read };

const struct sysreg_row *sysreg_row(uint32_t reg)
{
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].reg == reg)
			return &rows[i];
	return id_reg_exists(reg) ? &id_row : NULL;
}

const struct sysreg_row *sysreg_row_at(unsigned n)
{
	return n < ARRAY_SIZE(rows) ? &rows[n] : NULL;
}

int sysreg_handle(struct vcpu *vcpu, struct sysreg_access access)
{
	const struct sysreg_row *row = sysreg_row(access.reg);

	if (!row || (access.write ? !row->write : !row->read)) {
		inject_undefined(vcpu);
		return EXIT_RESUME;
	}
	if (access.write)
		row->write(vcpu, access.reg, vcpu_reg(vcpu, access.rt));
	else
		vcpu_set_reg(vcpu, access.rt, row->read(vcpu, access.reg));
	vcpu_skip_instruction(vcpu);
	return EXIT_RESUME;
}
