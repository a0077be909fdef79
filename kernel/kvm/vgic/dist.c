/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The distributor's frame (IHI 0069 12.9): one Security state (DS = 1), affinity routing always on
 * (ARE = 1), so private interrupts read as zero here; no LPIs, no message-based SPIs, no 1-of-N.
 * Pure; under vgic->lock.
 */
#include "kvm/vgic/regs.h"

#define TYPER_ITLINES BITS(4, 0)
#define TYPER_IDBITS  BITS(23, 19)
#define TYPER_NO1N    BIT(25)
#define INTID_BITS    10
#define ROUTER_MASK   (BITS(39, 32) | BITS(23, 0))

static uint64_t ctlr_read(struct vgic *vgic, struct vgic_cpu *cpu)
{
	(void)cpu;
	return vgic->ctlr | GICD_CTLR_ARE | GICD_CTLR_DS;
}

static void ctlr_write(struct vgic *vgic, struct vgic_cpu *cpu, uint64_t value)
{
	uint32_t was = vgic->ctlr;

	(void)cpu;
	vgic->ctlr = (uint32_t)(value & (GICD_CTLR_GRP0 | GICD_CTLR_GRP1));
	if (vgic->ctlr != was)
		vgic_update_all(vgic);
}

static uint64_t typer_read(struct vgic *vgic, struct vgic_cpu *cpu)
{
	(void)cpu;
	return field_set(TYPER_ITLINES, vgic->nr_irqs / 32 - 1) |
	       field_set(TYPER_IDBITS, INTID_BITS - 1) | TYPER_NO1N;
}

/* The affinity stands in the register in the places MPIDR_EL1 has it. */
static uint64_t router_get(const struct vgic_irq *irq)
{
	return (irq->router & BITS(31, 24)) << 8 | (irq->router & BITS(23, 0));
}

static bool router_put(struct vgic_irq *irq, uint64_t value)
{
	value &= ROUTER_MASK;
	vgic_irq_set_router(irq, (value >> 8 & BITS(31, 24)) | (value & BITS(23, 0)));
	return true;
}

const struct vgic_reg vgic_dist_regs[] = {
	{ .first = 0x0000, .last = 0x0003, .widths = 4, .read = ctlr_read, .write = ctlr_write },
	{ .first = 0x0004, .last = 0x0007, .widths = 4, .read = typer_read },
	{ .first = 0x0008,
	  .last = 0x000b,
	  .widths = 4,
	  .read = vgic_read_iidr,
	  .user_write = vgic_user_write_iidr },
	{ .first = 0x0010, .last = 0x0013, .widths = 4 }, /* GICD_STATUSR: not implemented */
	VGIC_ROWS_LOW(0, 32),
	{ .first = 0x0800,
	  .last = 0x0bff,
	  .widths = 1 | 4,
	  .bits = 8, /* ITARGETSR: ARE is on */
	  .get = vgic_get_zero,
	  .put = vgic_put_nothing },
	VGIC_ROWS_HIGH(0, 32),
	{ .first = 0x0e00, .last = 0x0eff, .widths = 4 }, /* GICD_NSACR: DS is on */
	{ .first = 0x6000,
	  .last = 0x7fff,
	  .widths = 4 | 8,
	  .bits = 64,
	  .get = router_get,
	  .put = router_put },
	{ .first = 0xffd0, .last = 0xffe7, .widths = 4 }, /* identification */
	{ .first = 0xffe8, .last = 0xffeb, .widths = 4, .read = vgic_read_pidr2 },
	{ .first = 0xffec, .last = 0xffff, .widths = 4 },
	VGIC_NO_REG,
};
