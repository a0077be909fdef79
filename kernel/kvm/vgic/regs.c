/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Accesses to the tables of dist.c and redist.c, and the arrays both frames have (IHI 0069 12.9,
 * 12.11). The callers (vgic.c for the guest, device.c for the VMM) hold vgic->lock; for rows that
 * say so they have settled the vCPUs in whose list registers the interrupts may stand. Pure.
 *
 * A 64-bit register may be accessed by halves: the half is cut out of, or merged into, its value.
 */
#include "kvm/vgic/regs.h"

#include <linux/errno.h>

/* ---- a value seen through a narrower access ---- */

static uint64_t access_mask(const struct vgic_reg_access *a)
{
	return ~0ull >> (64 - 8 * a->bytes);
}

static uint64_t cut(const struct vgic_reg_access *a, uint64_t value, unsigned byte)
{
	return value >> (8 * byte) & access_mask(a);
}

static uint64_t merge(const struct vgic_reg_access *a, uint64_t old, uint64_t value, unsigned byte)
{
	uint64_t mask = access_mask(a) << (8 * byte);

	return (old & ~mask) | (value << (8 * byte) & mask);
}

/* ---- words ---- */

static uint64_t word_read(const struct vgic_reg_access *a)
{
	if (!a->reg->read)
		return 0;
	return cut(a, a->reg->read(a->vgic, a->cpu), a->offset - a->reg->first);
}

static __attribute__((noinline)) int word_write(const struct vgic_reg_access *a, uint64_t value)
{
	const struct vgic_reg *reg = a->reg;

	if (!reg->write && !(a->user && reg->user_write))
		return 0;
	value = merge(a, reg->read(a->vgic, a->cpu), value, a->offset - reg->first);
	if (a->user && reg->user_write)
		return reg->user_write(a->vgic, a->cpu, value);
	reg->write(a->vgic, a->cpu, value);
	return 0;
}

/* ---- arrays ---- */

static uint64_t array_get(const struct vgic_reg_access *a, const struct vgic_irq *irq)
{
	return a->user && a->reg->user_get ? a->reg->user_get(irq) : a->reg->get(irq);
}

static void array_put(const struct vgic_reg_access *a, struct vgic_irq *irq, uint64_t value)
{
	if (a->user && a->reg->user_put ? a->reg->user_put(irq, value) : a->reg->put(irq, value))
		vgic_irq_update(irq);
}

static unsigned first_intid(const struct vgic_reg_access *a)
{
	return (a->offset - a->reg->first) * 8 / a->reg->bits;
}

static unsigned intids(const struct vgic_reg_access *a)
{
	return max(1u, 8u * a->bytes / a->reg->bits);
}

/* Are the ones of what is written all there is to do? */
static bool by_ones(const struct vgic_reg_access *a)
{
	return a->reg->ones && !(a->user && a->reg->user_put);
}

uint32_t vgic_reg_touched(const struct vgic_reg_access *a, bool write, uint64_t value,
			  unsigned *first)
{
	*first = first_intid(a);
	return write && by_ones(a) ? (uint32_t)value : ~0u >> (32 - intids(a));
}

static uint64_t array_read(const struct vgic_reg_access *a)
{
	unsigned first = first_intid(a), bits = a->reg->bits;
	uint64_t value = 0;

	for (unsigned i = 0; i < intids(a); i++) {
		struct vgic_irq *irq = vgic_irq(a->vgic, a->cpu, first + i);

		if (irq)
			value |= array_get(a, irq) << (i * bits % 64);
	}
	return bits > 8u * a->bytes ? cut(a, value, a->offset % (bits / 8)) : value;
}

static void ones_write(const struct vgic_reg_access *a, uint32_t value)
{
	unsigned first = first_intid(a);

	for (; value; value &= value - 1) {
		struct vgic_irq *irq =
			vgic_irq(a->vgic, a->cpu, first + (unsigned)__builtin_ctz(value));

		if (irq && a->reg->put(irq, 1))
			vgic_irq_update(irq);
	}
}

static __attribute__((noinline)) void array_write(const struct vgic_reg_access *a, uint64_t value)
{
	unsigned first = first_intid(a), bits = a->reg->bits;

	for (unsigned i = 0; i < intids(a); i++) {
		struct vgic_irq *irq = vgic_irq(a->vgic, a->cpu, first + i);
		uint64_t one = value >> (i * bits % 64) & (~0ull >> (64 - bits));

		if (irq && bits > 8u * a->bytes)
			one = merge(a, array_get(a, irq), value, a->offset % (bits / 8));
		if (irq)
			array_put(a, irq, one);
	}
}

uint64_t vgic_reg_read(const struct vgic_reg_access *a)
{
	return a->reg->bits ? array_read(a) : word_read(a);
}

int vgic_reg_write(const struct vgic_reg_access *a, uint64_t value)
{
	if (by_ones(a))
		ones_write(a, (uint32_t)value);
	else if (a->reg->bits)
		array_write(a, value);
	else
		return word_write(a, value);
	return 0;
}

/* ---- what every interrupt has ---- */

uint64_t vgic_get_zero(const struct vgic_irq *irq)
{
	(void)irq;
	return 0;
}

bool vgic_put_nothing(struct vgic_irq *irq, uint64_t value)
{
	(void)irq, (void)value;
	return false;
}

uint64_t vgic_get_group(const struct vgic_irq *irq)
{
	return irq->group1;
}

bool vgic_put_group(struct vgic_irq *irq, uint64_t value)
{
	bool was = irq->group1;

	irq->group1 = value;
	return irq->group1 != was;
}

uint64_t vgic_get_enabled(const struct vgic_irq *irq)
{
	return irq->enabled;
}

static bool set_enabled(struct vgic_irq *irq, bool enabled)
{
	bool was = irq->enabled;

	irq->enabled = enabled;
	return was != enabled;
}

bool vgic_put_enable(struct vgic_irq *irq, uint64_t value)
{
	return value && set_enabled(irq, true);
}

bool vgic_put_disable(struct vgic_irq *irq, uint64_t value)
{
	return value && set_enabled(irq, false);
}

uint64_t vgic_get_pending(const struct vgic_irq *irq)
{
	return vgic_irq_pending(irq);
}

/* The latch as a migration wants it: without the line, with what stands in a list register. */
uint64_t vgic_get_latch(const struct vgic_irq *irq)
{
	return irq->latch || ((irq->edge || irq->hw_intid) && vgic_irq_pending(irq));
}

static void note_hw(struct vgic_irq *irq)
{
	if (!irq->hw_intid || !irq->target)
		return;
	irq->target->hw_changed = true;
	vgic_notify(irq->target); /* it may be in no queue now: nothing else would tell */
}

bool vgic_put_latch(struct vgic_irq *irq, uint64_t value)
{
	note_hw(irq);
	irq->latch = value;
	return true;
}

bool vgic_put_pending(struct vgic_irq *irq, uint64_t value)
{
	return value && vgic_put_latch(irq, true);
}

/* A HW-linked one is a level of the host's: it does not go away by being cleared here. */
bool vgic_put_not_pending(struct vgic_irq *irq, uint64_t value)
{
	return value && !irq->hw_intid && vgic_put_latch(irq, false);
}

uint64_t vgic_get_active(const struct vgic_irq *irq)
{
	return vgic_irq_active(irq);
}

static bool set_active(struct vgic_irq *irq, bool active)
{
	note_hw(irq);
	irq->active = active;
	return true;
}

bool vgic_put_active(struct vgic_irq *irq, uint64_t value)
{
	return value && set_active(irq, true);
}

bool vgic_put_not_active(struct vgic_irq *irq, uint64_t value)
{
	return value && set_active(irq, false);
}

uint64_t vgic_get_priority(const struct vgic_irq *irq)
{
	return irq->priority;
}

bool vgic_put_priority(struct vgic_irq *irq, uint64_t value)
{
	uint8_t was = irq->priority;

	irq->priority = (uint8_t)(value & BITS(7, 8 - VGIC_PRIORITY_BITS));
	return irq->priority != was;
}

/* ICFGR: bit 1 of the two says edge. SGIs are edges; the timers' PPIs are wired, so PPIs keep
 * theirs. */
uint64_t vgic_get_config(const struct vgic_irq *irq)
{
	return irq->edge ? 2 : 0;
}

bool vgic_put_config(struct vgic_irq *irq, uint64_t value)
{
	bool was = irq->edge;

	if (irq->intid < VGIC_PRIVATE)
		return false;
	irq->edge = value & 2;
	return irq->edge != was;
}

/* ---- identification ---- */

uint64_t vgic_read_iidr(struct vgic *vgic, struct vgic_cpu *cpu)
{
	(void)vgic, (void)cpu;
	return VGIC_IIDR;
}

int vgic_user_write_iidr(struct vgic *vgic, struct vgic_cpu *cpu, uint64_t value)
{
	(void)vgic, (void)cpu;
	return value == VGIC_IIDR ? 0 : -EINVAL;
}

uint64_t vgic_read_pidr2(struct vgic *vgic, struct vgic_cpu *cpu)
{
	(void)vgic, (void)cpu;
	return VGIC_PIDR2_V3;
}
