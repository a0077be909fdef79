/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The model of the virtual GIC against a guest played by a host test: ack() and end() do to the
 * list registers' image what the hardware does to the registers, flush() is vgic_flush() and the
 * maintenance interrupt (all list registers), mend() the same where one will do. After each the image is
 * looked over: never two list registers with one interrupt, never more than the machine has; after mend()
 * it has what a flush would put there. For one .c file a program.
 */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "kvm/vgic/model.h"
#include "tap.h"

enum { CPUS = 3, SPIS = 64, LRS = 4, SPURIOUS = 1023, SPI = 32 };

static struct vgic vgic;
static struct vgic_cpu cpus[CPUS];
static struct vgic_irq spis[SPIS];

void vgic_notify(struct vgic_cpu *cpu)
{
	vgic_mark(cpu);
}

void vgic_notify_new(struct vgic_cpu *cpu, struct vgic_irq *one)
{
	vgic_mark_new(cpu, one);
}

static void setup(void)
{
	memset(&vgic, 0, sizeof(vgic));
	memset(cpus, 0, sizeof(cpus));
	vgic.nr_irqs = VGIC_PRIVATE + SPIS;
	vgic.spis = spis;
	vgic.nr_lrs = LRS;
	vgic.ctlr = GICD_CTLR_GRP0 | GICD_CTLR_GRP1;
	for (unsigned i = 0; i < CPUS; i++) {
		cpus[i].vgic = &vgic;
		cpus[i].affinity = i;
		cpus[i].index = i;
		cpus[i].vmcr = ICH_VMCR_ENG0 | ICH_VMCR_ENG1 | field_set(ICH_VMCR_PMR, 0xf8);
		vgic_model_init_cpu(&cpus[i]);
		vgic.cpus[vgic.nr_cpus++] = &cpus[i];
	}
	vgic_model_init_spis(&vgic);
}

static struct vgic_irq *irq(unsigned cpu, unsigned intid)
{
	return vgic_irq(&vgic, &cpus[cpu], intid);
}

static struct vgic_irq *enable(unsigned cpu, unsigned intid, bool edge)
{
	struct vgic_irq *i = irq(cpu, intid);

	i->enabled = true;
	i->edge = edge;
	i->priority = 0xa0;
	vgic_irq_update(i);
	return i;
}

static void look_over(const struct vgic_cpu *cpu)
{
	expect(cpu->used <= vgic.nr_lrs);
	for (unsigned i = 0; i < cpu->used; i++) {
		if (!cpu->lr_irq[i]) {
			expect_eq(cpu->lr[i], 0);
			continue;
		}
		expect(cpu->lr_irq[i]->lr == (int)i && cpu->lr_irq[i]->cpu == cpu);
		for (unsigned n = 0; n < CPUS; n++)
			for (unsigned k = 0; k < cpus[n].used; k++) {
				if ((&cpus[n] == cpu && k == i) ||
				    cpu->lr_irq[i] != cpus[n].lr_irq[k])
					continue;
				expect(!"one interrupt in two list registers");
			}
	}
}

static void flush(unsigned n)
{
	struct vgic_cpu *cpu = &cpus[n];

	vgic_fold(cpu);
	vgic_fill(cpu);
	look_over(cpu);
	for (unsigned i = 0; i < cpu->used; i++)
		expect(cpu->lr[i] & (ICH_LR_PENDING | ICH_LR_ACTIVE));
}

/* ICH_ELRSR_EL2 */
static uint64_t empty_lrs(const struct vgic_cpu *cpu)
{
	uint64_t empty = ~0ull;

	for (unsigned i = 0; i < cpu->used; i++)
		if ((cpu->lr[i] & (ICH_LR_PENDING | ICH_LR_ACTIVE)) ||
		    (cpu->lr[i] & (ICH_LR_EOI | ICH_LR_HW)) == ICH_LR_EOI)
			empty &= ~BIT(i);
	return empty;
}

/* What is pending or active in cpu's list registers, told by numbers. */
static uint64_t seen_by(const struct vgic_cpu *cpu)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < cpu->used; i++)
		if (cpu->lr[i] & (ICH_LR_PENDING | ICH_LR_ACTIVE))
			sum += cpu->lr[i] * 0x9e3779b97f4a7c15;
	return sum;
}

static unsigned mended; /* how often one list register was enough */

/* One list register was written: all of them would have come out the same. */
static void expect_the_same(struct vgic_cpu *cpu)
{
	uint64_t sum = seen_by(cpu);

	mended++;
	look_over(cpu);
	if (mended % 2) /* else a long history without a flush is left to grow */
		return;
	flush(cpu->index);
	expect_eq(seen_by(cpu), sum);
}

static void mend(unsigned n)
{
	struct vgic_cpu *cpu = &cpus[n];

	if (cpu->lrs != LRS_ONE_NEW || vgic_add(cpu, cpu->fresh, empty_lrs(cpu)) < 0) {
		flush(n);
		return;
	}
	cpu->lrs = LRS_RIGHT;
	expect_the_same(cpu);
}

static void flush_stale(void)
{
	for (unsigned n = 0; n < CPUS; n++)
		if (cpus[n].lrs >= LRS_ONE_NEW)
			mend(n);
}

/* Is a maintenance interrupt asserted for another reason than the end of a level? */
static bool maintenance(const struct vgic_cpu *cpu)
{
	bool pending = false;

	for (unsigned i = 0; i < cpu->used; i++)
		pending |= (cpu->lr[i] & ICH_LR_PENDING) != 0;
	return ((cpu->hcr & ICH_HCR_NPIE) && !pending) ||
	       ((cpu->hcr & ICH_HCR_LRENPIE) && field_get(ICH_HCR_EOICOUNT, cpu->hcr));
}

/* ICC_IAR1_EL1, without priority masking by active ones. */
static unsigned ack(unsigned n)
{
	struct vgic_cpu *cpu = &cpus[n];
	unsigned intid;
	int best = -1;

	flush_stale();
	for (unsigned i = 0; i < cpu->used; i++)
		if ((cpu->lr[i] & ICH_LR_PENDING) &&
		    (best < 0 || field_get(ICH_LR_PRIORITY, cpu->lr[i]) <
					 field_get(ICH_LR_PRIORITY, cpu->lr[best])))
			best = (int)i;
	if (best < 0)
		return SPURIOUS;
	cpu->lr[best] = (cpu->lr[best] & ~ICH_LR_PENDING) | ICH_LR_ACTIVE;
	intid = (unsigned)field_get(ICH_LR_VINTID, cpu->lr[best]);
	if (maintenance(cpu))
		flush(n);
	return intid;
}

/* In which list register intid is active, -1: none. */
static int active_lr(const struct vgic_cpu *cpu, unsigned intid)
{
	for (unsigned i = 0; i < cpu->used; i++)
		if (field_get(ICH_LR_VINTID, cpu->lr[i]) == intid && (cpu->lr[i] & ICH_LR_ACTIVE))
			return (int)i;
	return -1;
}

/* The guest deactivates intid, by ICC_EOIR1_EL1 or ICC_DIR_EL1; then the maintenance interrupt, if
 * this is due to one. True if it was in a list register. */
static bool end(unsigned n, unsigned intid)
{
	struct vgic_cpu *cpu = &cpus[n];
	int i = active_lr(cpu, intid);
	bool eoi = false;

	if (i >= 0) {
		cpu->lr[i] &= ~ICH_LR_ACTIVE;
		eoi = (cpu->lr[i] & (ICH_LR_EOI | ICH_LR_HW | ICH_LR_PENDING)) == ICH_LR_EOI;
	} else {
		cpu->hcr += field_set(ICH_HCR_EOICOUNT, 1);
	}
	if (eoi && cpu->lrs == LRS_RIGHT && vgic_ended(cpu, (unsigned)i))
		expect_the_same(cpu);
	else if (eoi || maintenance(cpu))
		flush(n);
	return i >= 0;
}
