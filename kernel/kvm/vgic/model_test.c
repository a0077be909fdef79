/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The model of the virtual GIC against a guest played by the test: ack() and end() do to the list
 * registers' image what the hardware does to the registers, flush() is vgic_flush() and the
 * maintenance interrupt. After every flush the image is looked over: never two list registers with
 * one interrupt, never more than the machine has.
 */
#include "kvm/vgic/model.h"

#include <stdlib.h>
#include <string.h>

#include "tap.h"

enum { CPUS = 3, SPIS = 64, LRS = 4, SPURIOUS = 1023, SPI = 32 };

static struct vgic vgic;
static struct vgic_cpu cpus[CPUS];
static struct vgic_irq spis[SPIS];

void vgic_notify(struct vgic_cpu *cpu)
{
	cpu->stale = true;
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
		expect(cpu->lr[i] & (ICH_LR_PENDING | ICH_LR_ACTIVE));
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

	cpu->stale = false;
	vgic_fold(cpu);
	vgic_fill(cpu);
	look_over(cpu);
}

static void flush_stale(void)
{
	for (unsigned n = 0; n < CPUS; n++)
		if (cpus[n].stale)
			flush(n);
}

/* ICC_IAR1_EL1, without priority masking by active ones. */
static unsigned ack(unsigned n)
{
	struct vgic_cpu *cpu = &cpus[n];
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
	return (unsigned)field_get(ICH_LR_VINTID, cpu->lr[best]);
}

static bool underflow(const struct vgic_cpu *cpu)
{
	unsigned valid = 0;

	for (unsigned i = 0; i < cpu->used; i++)
		if (cpu->lr[i] & (ICH_LR_PENDING | ICH_LR_ACTIVE))
			valid++;
	return (cpu->hcr & ICH_HCR_UIE) && valid <= 1;
}

/* ICC_EOIR1_EL1; then the maintenance interrupt if this was due one. True if intid was active. */
static bool end(unsigned n, unsigned intid)
{
	struct vgic_cpu *cpu = &cpus[n];
	bool found = false, maintenance = false;

	for (unsigned i = 0; i < cpu->used; i++) {
		uint64_t lr = cpu->lr[i];

		if (field_get(ICH_LR_VINTID, lr) != intid || !(lr & ICH_LR_ACTIVE))
			continue;
		cpu->lr[i] &= ~ICH_LR_ACTIVE;
		maintenance = !(lr & ICH_LR_HW) && (lr & ICH_LR_EOI) && !(lr & ICH_LR_PENDING);
		found = true;
	}
	if (maintenance || underflow(cpu))
		flush(n);
	return found;
}

TEST(an_edge_is_delivered_once)
{
	setup();
	vgic_irq_set_line(enable(0, SPI, true), true);
	expect_eq(ack(0), SPI);
	expect_eq(ack(0), SPURIOUS);
	expect(end(0, SPI));
	flush(0);
	expect_eq(ack(0), SPURIOUS);
	vgic_irq_set_line(irq(0, SPI), false);
	expect_eq(ack(0), SPURIOUS);
}

TEST(an_edge_while_active_comes_again)
{
	setup();
	vgic_irq_set_line(enable(0, SPI, true), true);
	expect_eq(ack(0), SPI);
	vgic_irq_set_line(irq(0, SPI), false);
	vgic_irq_set_line(irq(0, SPI), true);
	flush_stale();
	expect_eq(cpus[0].lr[0] >> 62, 3);
	expect(end(0, SPI));
	expect_eq(ack(0), SPI);
	expect(end(0, SPI));
	flush(0);
	expect_eq(cpus[0].used, 0);
}

TEST(a_level_stays_until_the_line_falls)
{
	setup();
	vgic_irq_set_line(enable(0, SPI, false), true);
	for (int i = 0; i < 3; i++) {
		expect_eq(ack(0), SPI);
		flush(0);
		expect_eq(cpus[0].lr[0] >> 62, 2);
		expect(end(0, SPI)); /* brings the maintenance interrupt */
	}
	expect_eq(ack(0), SPI);
	vgic_irq_set_line(irq(0, SPI), false);
	expect(end(0, SPI));
	expect_eq(ack(0), SPURIOUS);
	expect_eq(cpus[0].used, 0);
}

TEST(a_level_that_falls_before_it_is_taken_goes)
{
	setup();
	vgic_irq_set_line(enable(0, SPI, false), true);
	flush_stale();
	expect_eq(cpus[0].used, 1);
	vgic_irq_set_line(irq(0, SPI), false);
	expect_eq(ack(0), SPURIOUS);
}

TEST(a_line_that_rises_while_active_comes_after_the_end)
{
	setup();
	vgic_irq_set_line(enable(0, SPI, false), true);
	expect_eq(ack(0), SPI);
	vgic_irq_set_line(irq(0, SPI), false);
	flush_stale();
	vgic_irq_set_line(irq(0, SPI), true);
	expect(end(0, SPI));
	expect_eq(ack(0), SPI);
}

TEST(a_latch_set_by_software_ends_with_the_acknowledge)
{
	setup();
	enable(0, SPI, false)->latch = true;
	vgic_irq_update(irq(0, SPI));
	expect_eq(ack(0), SPI);
	expect(end(0, SPI));
	expect_eq(ack(0), SPURIOUS);
	expect(!vgic_irq_pending(irq(0, SPI)));
}

TEST(a_latch_set_while_active_is_kept)
{
	setup();
	vgic_irq_set_line(enable(0, SPI, false), true);
	expect_eq(ack(0), SPI);
	vgic_irq_set_line(irq(0, SPI), false);
	flush(0);
	vgic_fold(&cpus[0]);
	irq(0, SPI)->latch = true;
	vgic_irq_update(irq(0, SPI));
	flush(0);
	expect(end(0, SPI));
	expect_eq(ack(0), SPI);
}

TEST(masks)
{
	setup();
	vgic_irq_set_line(irq(0, SPI), true);
	expect_eq(ack(0), SPURIOUS);
	enable(0, SPI, false);
	vgic.ctlr = GICD_CTLR_GRP0;
	vgic_update_all(&vgic);
	expect_eq(ack(0), SPURIOUS);
	irq(0, SPI)->group1 = false;
	vgic_irq_update(irq(0, SPI));
	flush_stale();
	expect_eq(cpus[0].used, 1);
	expect(!(cpus[0].lr[0] & ICH_LR_GROUP));
	irq(0, SPI)->enabled = false; /* withdrawn from its list register */
	vgic_irq_update(irq(0, SPI));
	expect_eq(ack(0), SPURIOUS);
	expect(vgic_irq_pending(irq(0, SPI)));
}

TEST(a_disabled_edge_stays_pending)
{
	setup();
	vgic_irq_set_line(enable(0, SPI, true), true);
	flush_stale();
	expect(!irq(0, SPI)->latch && vgic_irq_pending(irq(0, SPI)));
	irq(0, SPI)->enabled = false;
	vgic_irq_update(irq(0, SPI));
	expect_eq(ack(0), SPURIOUS);
	expect(irq(0, SPI)->latch);
	irq(0, SPI)->enabled = true;
	vgic_irq_update(irq(0, SPI));
	expect_eq(ack(0), SPI);
}

TEST(in_order_of_priority)
{
	setup();
	for (unsigned i = 0; i < 10; i++) {
		enable(0, SPI + i, true)->priority = (uint8_t)(8 * ((i * 7) % 10));
		vgic_irq_set_line(irq(0, SPI + i), true);
	}
	for (unsigned i = 0; i < 10; i++) {
		unsigned got = ack(0);

		expect_eq(irq(0, got)->priority, 8 * i);
		expect(end(0, got));
	}
	expect_eq(ack(0), SPURIOUS);
}

TEST(more_than_there_are_list_registers)
{
	setup();
	for (unsigned i = 0; i < SPIS; i++)
		vgic_irq_set_line(enable(0, SPI + i, i & 1), true);
	flush(0);
	expect_eq(cpus[0].used, LRS);
	expect(cpus[0].hcr & ICH_HCR_UIE);
	for (unsigned i = 0; i < SPIS; i++) {
		unsigned got = ack(0);

		if (!expect(got != SPURIOUS))
			return;
		vgic_irq_set_line(irq(0, got), false);
		expect(end(0, got));
	}
	expect_eq(ack(0), SPURIOUS);
	flush(0);
	expect(!(cpus[0].hcr & ICH_HCR_UIE));
}

TEST(active_ones_keep_their_list_registers)
{
	setup();
	for (unsigned i = 0; i < 3; i++) {
		enable(0, SPI + i, true)->priority = 0xf0;
		vgic_irq_set_line(irq(0, SPI + i), true);
	}
	for (unsigned i = 0; i < 3; i++)
		expect(ack(0) != SPURIOUS);
	for (unsigned i = 3; i < 9; i++) {
		enable(0, SPI + i, true)->priority = 0x10;
		vgic_irq_set_line(irq(0, SPI + i), true);
	}
	flush(0);
	for (unsigned i = 0; i < 3; i++)
		expect(end(0, SPI + i));
	for (unsigned i = 3; i < 9; i++) {
		unsigned got = ack(0);

		expect(got >= SPI + 3 && got < SPI + 9);
		expect(end(0, got));
	}
}

TEST(sgis_reach_who_is_named)
{
	setup();
	vgic_model_sgi(&cpus[0], 1ull << 24 | 6, true); /* SGI 1 to affinities 1 and 2 */
	expect_eq(ack(0), SPURIOUS);
	expect_eq(ack(1), 1);
	expect_eq(ack(2), 1);
	expect(end(1, 1) && end(2, 1));
	vgic_model_sgi(&cpus[1], BIT(40) | 5ull << 24, true); /* all but the sender */
	expect_eq(ack(0), 5);
	expect_eq(ack(1), SPURIOUS);
	expect_eq(ack(2), 5);
	vgic_model_sgi(&cpus[0], 1ull << 16 | 2ull << 24 | 7, true); /* another cluster */
	vgic_model_sgi(&cpus[0], 1ull << 44 | 2ull << 24 | 7, true); /* affinities 16 and up */
	vgic_model_sgi(&cpus[0], 2ull << 24 | 7, false);	     /* Group 0 only */
	for (unsigned i = 0; i < CPUS; i++)
		expect_eq(ack(i), SPURIOUS);
	irq(2, 2)->group1 = false;
	vgic_model_sgi(&cpus[0], 2ull << 24 | 7, false);
	expect_eq(ack(2), 2);
}

TEST(private_ones_are_private)
{
	setup();
	enable(1, 20, false);
	vgic_irq_set_line(irq(1, 20), true);
	expect_eq(ack(0), SPURIOUS);
	expect_eq(ack(1), 20);
}

TEST(hw_linked)
{
	uint64_t lr;

	setup();
	enable(0, 27, false)->hw_intid = 27;
	vgic_irq_set_line(irq(0, 27), true);
	flush_stale();
	lr = cpus[0].lr[0];
	expect((lr & ICH_LR_HW) && field_get(ICH_LR_PINTID, lr) == 27);
	expect_eq(ack(0), 27);
	flush(0); /* an exit in between: active, and nothing more */
	expect_eq(cpus[0].lr[0] >> 61, 5);
	expect(end(0, 27));
	vgic_irq_set_line(irq(0, 27), true); /* the host's interrupt came again before any flush */
	expect_eq(ack(0), 27);
	expect(end(0, 27));
	flush(0);
	expect_eq(cpus[0].used, 0);
}

TEST(hw_linked_taken_back)
{
	setup();
	enable(0, 27, false)->hw_intid = 27;
	vgic_irq_set_line(irq(0, 27), true);
	flush_stale();
	vgic_fold(&cpus[0]);
	vgic_irq_set_line(irq(0, 27), false);
	expect_eq(ack(0), SPURIOUS);
	expect(!vgic_irq_pending(irq(0, 27)));
}

TEST(retarget)
{
	setup();
	vgic_irq_set_line(enable(0, SPI, false), true);
	flush_stale();
	expect_eq(cpus[0].used, 1);
	vgic_irq_set_router(irq(0, SPI), 2);
	vgic_irq_update(irq(0, SPI));
	expect_eq(ack(0), SPURIOUS); /* cpu 0 lets go first */
	expect_eq(ack(2), SPI);
	vgic_irq_set_router(irq(0, SPI), 1); /* active: stays where it was taken */
	vgic_irq_update(irq(0, SPI));
	expect_eq(ack(1), SPURIOUS);
	expect(end(2, SPI));
	expect_eq(ack(2), SPURIOUS);
	expect_eq(ack(1), SPI);
	vgic_irq_set_router(irq(0, SPI), 77); /* nobody's */
	expect(end(1, SPI));
	for (unsigned i = 0; i < CPUS; i++)
		expect_eq(ack(i), SPURIOUS);
	vgic_irq_set_router(irq(0, SPI), 0);
	vgic_irq_update(irq(0, SPI));
	expect_eq(ack(0), SPI);
}

TEST(activated_by_software)
{
	setup();
	enable(0, SPI, true)->active = true;
	vgic_irq_update(irq(0, SPI));
	flush_stale();
	expect_eq(cpus[0].lr[0] >> 62, 2);
	expect(vgic_irq_active(irq(0, SPI)));
	expect(end(0, SPI));
	flush(0);
	expect_eq(cpus[0].used, 0);
}

TEST(frozen)
{
	setup();
	vgic_irq_set_line(enable(0, SPI, true), true);
	cpus[0].frozen++;
	expect_eq(ack(0), SPURIOUS);
	cpus[0].frozen--;
	vgic_notify(&cpus[0]);
	expect_eq(ack(0), SPI);
}

TEST(what_ends_wfi)
{
	setup();
	expect(!vgic_model_wakes(&cpus[0]));
	vgic_irq_set_line(enable(0, SPI, false), true);
	expect(vgic_model_wakes(&cpus[0]));
	flush(0);
	expect(vgic_model_wakes(&cpus[0]));
	cpus[0].vmcr = ICH_VMCR_ENG0 | field_set(ICH_VMCR_PMR, 0xf8);
	expect(!vgic_model_wakes(&cpus[0]));
	cpus[0].vmcr = ICH_VMCR_ENG1 | field_set(ICH_VMCR_PMR, 0xa0);
	expect(!vgic_model_wakes(&cpus[0]));
	cpus[0].vmcr = ICH_VMCR_ENG1 | field_set(ICH_VMCR_PMR, 0xa8);
	expect(vgic_model_wakes(&cpus[0]));
	expect_eq(ack(0), SPI);
	expect(!vgic_model_wakes(&cpus[0]));
}

TEST(what_comes_again_before_a_fold_ends_wfi)
{
	setup();
	enable(0, 27, false)->hw_intid = 27;
	vgic_irq_set_line(irq(0, 27), true);
	expect_eq(ack(0), 27);
	expect(end(0, 27));
	expect(!vgic_model_wakes(&cpus[0]));
	vgic_irq_set_line(irq(0, 27), true);
	expect(vgic_model_wakes(&cpus[0]));
}

/* Whatever happens in whatever order: each level that is up, enabled and routed to a vCPU is
 * delivered to it in the end, and nothing else is. */
static void random_step(void)
{
	unsigned intid = SPI + (unsigned)rand() % 12, n = (unsigned)rand() % CPUS;
	struct vgic_irq *i = irq(n, intid);

	switch (rand() % 8) {
	case 0:
		i->enabled = rand() & 1;
		vgic_irq_update(i);
		break;
	case 1:
		vgic_irq_set_router(i, (unsigned)rand() % CPUS);
		vgic_irq_update(i);
		break;
	case 2:
		i->priority = (uint8_t)(8 * (rand() % 20));
		vgic_irq_update(i);
		break;
	case 3:
		end(n, ack(n));
		break;
	case 4:
		ack(n);
		break;
	case 5:
		if (cpus[n].used)
			end(n, cpus[n].lr_irq[0]->intid);
		break;
	default:
		vgic_irq_set_line(i, rand() & 1);
	}
}

static void drain(unsigned n)
{
	for (unsigned i = 0; i < 12; i++)
		while (end(n, SPI + i))
			;
	flush(n);
}

TEST(any_order)
{
	for (unsigned seed = 1; seed <= 200; seed++) {
		unsigned seen[CPUS][12] = { 0 };

		srand(seed);
		setup();
		for (unsigned step = 0; step < 300; step++)
			random_step();
		for (unsigned round = 0; round < 30; round++)
			for (unsigned n = 0; n < CPUS; n++)
				drain(n);
		for (unsigned round = 0; round < 20; round++)
			for (unsigned n = 0; n < CPUS; n++) {
				unsigned got = ack(n);

				if (got == SPURIOUS)
					continue;
				seen[n][got - SPI]++;
				irq(n, got)->line = false; /* as the guest's handler does */
				expect(end(n, got));
			}
		for (unsigned i = 0; i < 12; i++) {
			struct vgic_irq *one = irq(0, SPI + i);

			expect(!(one->enabled && one->line));
			for (unsigned n = 0; n < CPUS; n++)
				expect(!seen[n][i] || (n == one->router && seen[n][i] == 1));
		}
	}
}
