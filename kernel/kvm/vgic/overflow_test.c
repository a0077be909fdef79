/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * More interrupts than list registers, pending and active, ended in every order; and everything in
 * any order. See model.c's opening comment, and IHI 0069 12.4.8 (ICH_HCR_EL2.EOIcount).
 */
#include "kvm/vgic/model_play.h"

TEST(more_than_there_are_list_registers)
{
	setup();
	for (unsigned i = 0; i < SPIS; i++)
		vgic_irq_set_line(enable(0, SPI + i, i & 1), true);
	flush(0);
	expect_eq(cpus[0].used, LRS);
	expect(cpus[0].hcr & ICH_HCR_NPIE);
	for (unsigned i = 0; i < SPIS; i++) {
		unsigned got = ack(0);

		if (!expect(got != SPURIOUS))
			return;
		vgic_irq_set_line(irq(0, got), false);
		expect(end(0, got));
	}
	expect_eq(ack(0), SPURIOUS);
	flush(0);
	expect(!(cpus[0].hcr & ICH_HCR_NPIE));
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

/* Pending, each more urgent than the one before, and taken at once. */
static void nest(unsigned from, unsigned depth)
{
	for (unsigned i = from; i < depth; i++) {
		enable(0, SPI + i, i % 2)->priority = (uint8_t)(0xf0 - 8 * i);
		vgic_irq_set_line(irq(0, SPI + i), true);
		expect_eq(ack(0), SPI + i);
		irq(0, SPI + i)->line = false;
	}
}

static unsigned active_count(void)
{
	unsigned count = 0;

	for (unsigned i = 0; i < SPIS; i++)
		count += vgic_irq_active(irq(0, SPI + i));
	return count;
}

TEST(interrupts_nest_deeper_than_list_registers)
{
	enum { DEPTH = 12 };

	setup();
	nest(0, DEPTH);
	expect_eq(active_count(), DEPTH);
	for (unsigned i = DEPTH; i-- > 0;) {
		end(0, SPI + i);
		flush(0);
		expect_eq(active_count(), i);
		expect(!vgic_irq_active(irq(0, SPI + i)));
	}
	expect_eq(cpus[0].used, 0);
	expect_eq(cpus[0].hcr, ICH_HCR_EN);
}

TEST(ends_are_counted_over_a_save)
{
	setup();
	nest(0, 9);
	for (unsigned i = 9; i-- > 0;) { /* no maintenance interrupt was taken before the bank is */
		struct vgic_cpu *cpu = &cpus[0];
		int n = active_lr(cpu, SPI + i);

		if (n >= 0)
			cpu->lr[n] = 0;
		else
			cpu->hcr += field_set(ICH_HCR_EOICOUNT, 1);
		if (i % 3 == 0) {
			vgic_fold(cpu);
			expect_eq(active_count(), i);
			vgic_fill(cpu);
		}
	}
	expect_eq(active_count(), 0);
}

TEST(the_most_urgent_pending_one_has_a_list_register)
{
	setup();
	nest(0, 10);
	enable(0, SPI + 20, true)->priority = 0x08;
	enable(0, SPI + 21, true)->priority = 0x10;
	vgic_irq_set_line(irq(0, SPI + 21), true);
	vgic_irq_set_line(irq(0, SPI + 20), true);
	flush(0);
	expect_eq(cpus[0].used, LRS);
	expect_eq(ack(0), SPI + 20);
	expect_eq(ack(0), SPI + 21);
	expect_eq(active_count(), 12);
}

/* EOImode 1: what the count says is no order; ICC_DIR_EL1 traps as long as one is left out. */
TEST(deactivation_apart_from_priority_traps_when_one_is_left_out)
{
	setup();
	cpus[0].vmcr |= ICH_VMCR_EOIM;
	nest(0, LRS);
	expect(!(cpus[0].hcr & ICH_HCR_TDIR));
	nest(LRS, LRS + 2);
	expect(cpus[0].hcr & ICH_HCR_TDIR);
	cpus[0].hcr += field_set(ICH_HCR_EOICOUNT, 3);
	flush(0);
	expect_eq(active_count(), LRS + 2);
	expect_eq(field_get(ICH_HCR_EOICOUNT, cpus[0].hcr), 0);
}

TEST(a_hw_linked_one_that_was_left_out_is_ended_at_the_host_too)
{
	setup();
	enable(0, 27, false)->hw_intid = 27;
	irq(0, 27)->priority = 0xf8;
	vgic_irq_set_line(irq(0, 27), true);
	expect_eq(ack(0), 27);
	nest(0, 8);
	expect(irq(0, 27)->active && irq(0, 27)->lr < 0);
	for (unsigned i = 8; i-- > 0;)
		end(0, SPI + i);
	expect(!cpus[0].hw_changed);
	/* it has a list register again by now: leave it out once more */
	nest(0, 8);
	cpus[0].hcr += field_set(ICH_HCR_EOICOUNT, 9 - LRS);
	flush(0);
	expect(cpus[0].hw_changed);
	expect(!vgic_irq_active(irq(0, 27)));
}

TEST(an_edge_routed_elsewhere_while_active_goes_there_at_its_end)
{
	setup();
	vgic_irq_set_line(enable(0, SPI, true), true);
	expect_eq(ack(0), SPI);
	vgic_irq_set_router(irq(0, SPI), 2);
	vgic_irq_update(irq(0, SPI));
	vgic_irq_set_line(irq(0, SPI), false);
	vgic_irq_set_line(irq(0, SPI), true);
	flush_stale();
	expect_eq(ack(2), SPURIOUS);
	expect(end(0, SPI));
	expect_eq(ack(2), SPI);
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
