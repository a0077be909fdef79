/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A vCPU's redistributor (IHI 0069 12.11): the RD_base frame and, 64 KiB above it, SGI_base with
 * the private interrupts. No LPIs: PROPBASER and PENDBASER ignore what is written. A redistributor
 * never sleeps: GICR_WAKER reads as zero. Pure; under vgic->lock.
 */
#include "kvm/vgic/regs.h"

#define TYPER_LAST     BIT(4)
#define TYPER_NUMBER   BITS(23, 8)
#define TYPER_AFFINITY BITS(63, 32)

static uint64_t typer_read(struct vgic *vgic, struct vgic_cpu *cpu)
{
	(void)vgic;
	return field_set(TYPER_AFFINITY, cpu->affinity) | field_set(TYPER_NUMBER, cpu->index) |
	       (cpu->last ? TYPER_LAST : 0);
}

const struct vgic_reg vgic_redist_regs[] = {
	{ .first = 0x0000, .last = 0x0003, .widths = 4 }, /* GICR_CTLR: nothing to enable */
	{ .first = 0x0004,
	  .last = 0x0007,
	  .widths = 4,
	  .read = vgic_read_iidr,
	  .user_write = vgic_user_write_iidr },
	{ .first = 0x0008, .last = 0x000f, .widths = 4 | 8, .read = typer_read },
	{ .first = 0x0010, .last = 0x0013, .widths = 4 },     /* GICR_STATUSR */
	{ .first = 0x0014, .last = 0x0017, .widths = 4 },     /* GICR_WAKER */
	{ .first = 0x0070, .last = 0x0077, .widths = 4 | 8 }, /* GICR_PROPBASER */
	{ .first = 0x0078, .last = 0x007f, .widths = 4 | 8 }, /* GICR_PENDBASER */
	{ .first = 0x00c0, .last = 0x00c3, .widths = 4 },     /* GICR_SYNCR: never busy */
	{ .first = 0xffd0, .last = 0xffe7, .widths = 4 },
	{ .first = 0xffe8, .last = 0xffeb, .widths = 4, .read = vgic_read_pidr2 },
	{ .first = 0xffec, .last = 0xffff, .widths = 4 },
	VGIC_ROWS_LOW(GICR_FRAME, 1),
	VGIC_ROWS_HIGH(GICR_FRAME, 1),
	{ .first = GICR_FRAME + 0xe00, .last = GICR_FRAME + 0xe03, .widths = 4 }, /* NSACR */
	VGIC_NO_REG,
};
