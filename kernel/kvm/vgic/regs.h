/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registers of the distributor and the redistributors as tables of rows, and how an access
 * finds its row. A row is either a word of its own or an array with some bits for each interrupt.
 * Pure; vgic->lock held.
 */
#pragma once

#include "kvm/vgic/model.h"

#define GICD_SIZE  0x10000u
#define GICR_FRAME 0x10000u
#define GICR_SIZE  (2 * GICR_FRAME) /* RD_base and SGI_base; there are no LPIs of version 4 */

#define VGIC_ICACTIVER 0x380u /* in the distributor's frame and in SGI_base */

#define VGIC_IIDR	0x5300043bu /* product 'S', revision 0, implementer Arm */
#define VGIC_PIDR2_V3	0x3bu	    /* GICv3 */

struct vgic_reg {
	uint32_t first, last; /* byte offsets, inclusive */
	uint8_t widths;	      /* allowed: OR of 1, 2, 4, 8 bytes */
	uint8_t bits;	      /* for each interrupt; 0: a word */
	bool settle;	      /* what it shows may stand in list registers: settle them first */
	bool ones;	      /* a guest's write names interrupts by ones, zeros leave them alone */
	/* a word: off is its offset in first .. last, at 4-byte steps for 64-bit ones */
	uint64_t (*read)(struct vgic *vgic, struct vgic_cpu *cpu);
	void (*write)(struct vgic *vgic, struct vgic_cpu *cpu, uint64_t value);
	/* an array: one interrupt's bits. put() returns whether anything changed. */
	uint64_t (*get)(const struct vgic_irq *irq);
	bool (*put)(struct vgic_irq *irq, uint64_t value);
	/* what the VMM sees instead, where that differs */
	uint64_t (*user_get)(const struct vgic_irq *irq);
	bool (*user_put)(struct vgic_irq *irq, uint64_t value);
	int (*user_write)(struct vgic *vgic, struct vgic_cpu *cpu, uint64_t value);
};

/* The tables, in the order of their offsets; the last row of each is no register. cpu is NULL for the
 * distributor, whose private interrupts read as zero. */
extern const struct vgic_reg vgic_dist_regs[], vgic_redist_regs[];
#define VGIC_NO_REG { .first = UINT32_MAX, .last = UINT32_MAX }

struct vgic_reg_access {
	const struct vgic_reg *reg;
	struct vgic *vgic;
	struct vgic_cpu *cpu;
	uint32_t offset;
	uint8_t bytes;
	bool user;
};

/* The row for an aligned access of that width; NULL: none, reads as zero and ignores writes. */
static inline const struct vgic_reg *vgic_reg_find(const struct vgic_reg *reg, uint32_t offset,
						   unsigned bytes)
{
	while (offset > reg->last)
		reg++;
	return offset >= reg->first && (reg->widths & bytes) && is_aligned(offset, bytes) ? reg : NULL;
}
uint64_t vgic_reg_read(const struct vgic_reg_access *access);
/* 0; -EINVAL: the VMM writes another value than an identification register has. */
int vgic_reg_write(const struct vgic_reg_access *access, uint64_t value);
/* The interrupts an array access touches: bit n stands for *first + n. value: as written. */
uint32_t vgic_reg_touched(const struct vgic_reg_access *access, bool write, uint64_t value,
			  unsigned *first);

/* ---- the arrays that both have, up to 0x7ff and from 0xc00 on ---- */
#define VGIC_BITS(at, n) .first = (at), .last = (at) - 1 + 4 * (n), .widths = 4, .bits = 1
#define VGIC_ROWS_LOW(base, n)                                                                     \
	{ VGIC_BITS((base) + 0x080, n), .settle = true, .get = vgic_get_group,                     \
	  .put = vgic_put_group },                                                                 \
	{ VGIC_BITS((base) + 0x100, n), .ones = true, .get = vgic_get_enabled,                     \
	  .put = vgic_put_enable },                                                                \
	{ VGIC_BITS((base) + 0x180, n), .ones = true, .get = vgic_get_enabled,                     \
	  .put = vgic_put_disable },                                                               \
	{ VGIC_BITS((base) + 0x200, n), .settle = true, .ones = true, .get = vgic_get_pending,     \
	  .put = vgic_put_pending, .user_get = vgic_get_latch, .user_put = vgic_put_latch },       \
	{ VGIC_BITS((base) + 0x280, n), .settle = true, .ones = true, .get = vgic_get_pending,     \
	  .put = vgic_put_not_pending, .user_get = vgic_get_zero, .user_put = vgic_put_nothing },  \
	{ VGIC_BITS((base) + 0x300, n), .settle = true, .ones = true, .get = vgic_get_active,      \
	  .put = vgic_put_active },                                                                \
	{ VGIC_BITS((base) + VGIC_ICACTIVER, n), .settle = true, .ones = true,                     \
	  .get = vgic_get_active, .put = vgic_put_not_active },                                    \
	{ .first = (base) + 0x400, .last = (base) + 0x3ff + 32 * (n), .widths = 1 | 2 | 4,         \
	  .bits = 8, .get = vgic_get_priority, .put = vgic_put_priority }
#define VGIC_ROWS_HIGH(base, n)                                                                    \
	{ .first = (base) + 0xc00, .last = (base) + 0xbff + 8 * (n), .widths = 4, .bits = 2,       \
	  .settle = true, .get = vgic_get_config, .put = vgic_put_config },                        \
	{ VGIC_BITS((base) + 0xd00, n), .get = vgic_get_zero, .put = vgic_put_nothing }

uint64_t vgic_get_group(const struct vgic_irq *irq);
bool vgic_put_group(struct vgic_irq *irq, uint64_t value);
uint64_t vgic_get_enabled(const struct vgic_irq *irq);
bool vgic_put_enable(struct vgic_irq *irq, uint64_t value);
bool vgic_put_disable(struct vgic_irq *irq, uint64_t value);
uint64_t vgic_get_pending(const struct vgic_irq *irq);
bool vgic_put_pending(struct vgic_irq *irq, uint64_t value);
bool vgic_put_not_pending(struct vgic_irq *irq, uint64_t value);
uint64_t vgic_get_latch(const struct vgic_irq *irq);
bool vgic_put_latch(struct vgic_irq *irq, uint64_t value);
uint64_t vgic_get_active(const struct vgic_irq *irq);
bool vgic_put_active(struct vgic_irq *irq, uint64_t value);
bool vgic_put_not_active(struct vgic_irq *irq, uint64_t value);
uint64_t vgic_get_priority(const struct vgic_irq *irq);
bool vgic_put_priority(struct vgic_irq *irq, uint64_t value);
uint64_t vgic_get_config(const struct vgic_irq *irq);
bool vgic_put_config(struct vgic_irq *irq, uint64_t value);
uint64_t vgic_get_zero(const struct vgic_irq *irq);
bool vgic_put_nothing(struct vgic_irq *irq, uint64_t value);
uint64_t vgic_read_iidr(struct vgic *vgic, struct vgic_cpu *cpu);
int vgic_user_write_iidr(struct vgic *vgic, struct vgic_cpu *cpu, uint64_t value);
uint64_t vgic_read_pidr2(struct vgic *vgic, struct vgic_cpu *cpu);
