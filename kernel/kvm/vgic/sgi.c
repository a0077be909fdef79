/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a guest's write to ICC_SGI1R_EL1 and its kin does to the model: an SGI to up to 16 vCPUs whose
 * affinities differ in the last 4 bits, or to all others. Mostly it is for one. Pure; vgic->lock held.
 */
#include "kvm/vgic/model.h"

/* ICC_SGI1R_EL1 (IHI 0069 12.2.20) */
#define SGIR_TARGETS BITS(15, 0)
#define SGIR_AFF1    BITS(23, 16)
#define SGIR_INTID   BITS(27, 24)
#define SGIR_AFF2    BITS(39, 32)
#define SGIR_IRM     BIT(40)
#define SGIR_RS	     BITS(47, 44)
#define SGIR_AFF3    BITS(55, 48)

static void sgi_to(struct vgic_cpu *to, unsigned intid, bool group1)
{
	struct vgic_irq *irq = &to->irqs[intid];

	if (!irq->group1 || group1)
		vgic_irq_latch(irq);
}

/* Of the first of the 16 vCPUs that the target list is about. */
static uint64_t sgi_affinity(uint64_t value)
{
	return field_get(SGIR_AFF3, value) << 24 | field_get(SGIR_AFF2, value) << 16 |
	       field_get(SGIR_AFF1, value) << 8 | field_get(SGIR_RS, value) << 4;
}

static void sgi_to_listed(struct vgic *vgic, uint64_t value, bool group1)
{
	for (unsigned list = value & SGIR_TARGETS; list; list &= list - 1) {
		uint64_t affinity = sgi_affinity(value) | (unsigned)__builtin_ctz(list);
		struct vgic_cpu *to = vgic_cpu_by_affinity(vgic, affinity);

		if (to)
			sgi_to(to, (unsigned)field_get(SGIR_INTID, value), group1);
	}
}

static __attribute__((noinline)) void sgi_to_many(struct vgic_cpu *from, uint64_t value, bool group1)
{
	struct vgic *vgic = from->vgic;

	if (!(value & SGIR_IRM)) {
		sgi_to_listed(vgic, value, group1);
		return;
	}
	for (unsigned n = 0; n < vgic->nr_cpus; n++) /* to all others */
		if (vgic->cpus[n] != from)
			sgi_to(vgic->cpus[n], (unsigned)field_get(SGIR_INTID, value), group1);
}

/* To one of the first 16 vCPUs, which mostly are made in that order? Then which it is. */
static inline struct vgic_cpu *sgi_near(const struct vgic *vgic, uint64_t value)
{
	unsigned list = value & SGIR_TARGETS, n;

	if ((value & (SGIR_IRM | SGIR_AFF1 | SGIR_AFF2 | SGIR_RS | SGIR_AFF3)) || !list ||
	    (list & (list - 1)))
		return NULL;
	n = (unsigned)__builtin_ctz(list);
	return n < vgic->nr_cpus && vgic->cpus[n]->affinity == n ? vgic->cpus[n] : NULL;
}

void vgic_model_sgi(struct vgic_cpu *from, uint64_t value, bool group1)
{
	struct vgic_cpu *to = sgi_near(from->vgic, value);

	if (to)
		sgi_to(to, (unsigned)field_get(SGIR_INTID, value), group1);
	else
		sgi_to_many(from, value, group1);
}
