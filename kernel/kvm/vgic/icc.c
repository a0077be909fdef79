/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ICC_*_EL1 of a vCPU in no bank, made of its image: ICH_VMCR_EL2 holds the masks and enables,
 * ICH_AP<g>R<n>_EL2 the active priorities (IHI 0069 12.2, 12.4.8). The vCPU's lock is held. Pure.
 */
#include "kvm/vgic/icc.h"

#include <linux/errno.h>

#include "kvm/decode.h"

#define ICC_CTLR_CBPR	 BIT(0)
#define ICC_CTLR_EOIMODE BIT(1)
#define ICC_CTLR_PRIBITS BITS(10, 8)
#define ICC_CTLR_IDBITS	 BITS(13, 11)
#define ICC_SRE		 7u /* system registers only, no bypass */

/* One register: a field of VMCR, or an active-priority word, or one with functions of its own. */
struct icc_reg {
	uint16_t encoding;
	uint64_t vmcr;
	bool apr;
	uint8_t group, n;
	uint64_t (*read)(const struct vgic_cpu *cpu);
	int (*write)(struct vgic_cpu *cpu, uint64_t value);
};

static uint64_t ctlr_read(const struct vgic_cpu *cpu)
{
	return field_set(ICC_CTLR_CBPR, field_get(ICH_VMCR_CBPR, cpu->vmcr)) |
	       field_set(ICC_CTLR_EOIMODE, field_get(ICH_VMCR_EOIM, cpu->vmcr)) |
	       field_set(ICC_CTLR_PRIBITS, VGIC_PRIORITY_BITS - 1);
}

/* Fewer priorities than ours are no trouble to who saved them; more cannot be restored. */
static int ctlr_write(struct vgic_cpu *cpu, uint64_t value)
{
	if (field_get(ICC_CTLR_PRIBITS, value) > VGIC_PRIORITY_BITS - 1 ||
	    field_get(ICC_CTLR_IDBITS, value) > 1)
		return -EINVAL;
	cpu->vmcr &= ~(ICH_VMCR_CBPR | ICH_VMCR_EOIM);
	cpu->vmcr |= field_set(ICH_VMCR_CBPR, field_get(ICC_CTLR_CBPR, value)) |
		     field_set(ICH_VMCR_EOIM, field_get(ICC_CTLR_EOIMODE, value));
	return 0;
}

static uint64_t sre_read(const struct vgic_cpu *cpu)
{
	(void)cpu;
	return ICC_SRE;
}

static int sre_write(struct vgic_cpu *cpu, uint64_t value)
{
	(void)cpu;
	return value & 1 ? 0 : -EINVAL;
}

#define ICC(crn, crm, op2) (uint16_t) SYSREG(3, 0, crn, crm, op2)

static const struct icc_reg rows[] = {
	{ .encoding = ICC(4, 6, 0), .vmcr = ICH_VMCR_PMR },
	{ .encoding = ICC(12, 8, 3), .vmcr = ICH_VMCR_BPR0 },
	{ .encoding = ICC(12, 8, 4), .apr = true, .group = 0, .n = 0 },
	{ .encoding = ICC(12, 8, 5), .apr = true, .group = 0, .n = 1 },
	{ .encoding = ICC(12, 8, 6), .apr = true, .group = 0, .n = 2 },
	{ .encoding = ICC(12, 8, 7), .apr = true, .group = 0, .n = 3 },
	{ .encoding = ICC(12, 9, 0), .apr = true, .group = 1, .n = 0 },
	{ .encoding = ICC(12, 9, 1), .apr = true, .group = 1, .n = 1 },
	{ .encoding = ICC(12, 9, 2), .apr = true, .group = 1, .n = 2 },
	{ .encoding = ICC(12, 9, 3), .apr = true, .group = 1, .n = 3 },
	{ .encoding = ICC(12, 12, 3), .vmcr = ICH_VMCR_BPR1 },
	{ .encoding = ICC(12, 12, 4), .read = ctlr_read, .write = ctlr_write },
	{ .encoding = ICC(12, 12, 5), .read = sre_read, .write = sre_write },
	{ .encoding = ICC(12, 12, 6), .vmcr = ICH_VMCR_ENG0 },
	{ .encoding = ICC(12, 12, 7), .vmcr = ICH_VMCR_ENG1 },
};

const struct icc_reg *icc_find(uint64_t encoding)
{
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].encoding == encoding)
			return &rows[i];
	return NULL;
}

uint64_t icc_read(const struct icc_reg *reg, const struct vgic_cpu *cpu)
{
	if (reg->vmcr)
		return field_get(reg->vmcr, cpu->vmcr);
	return reg->apr ? cpu->apr[reg->n][reg->group] : reg->read(cpu);
}

int icc_write(const struct icc_reg *reg, struct vgic_cpu *cpu, uint64_t value)
{
	if (reg->vmcr)
		cpu->vmcr = (cpu->vmcr & ~reg->vmcr) | field_set(reg->vmcr, value);
	else if (reg->apr)
		cpu->apr[reg->n][reg->group] = (uint32_t)value;
	else
		return reg->write(cpu, value);
	return 0;
}
