/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The model of the virtual GIC, one rule a test: edges and levels, masks, targets, HW-linked ones,
 * WFI. More than fits into the list registers, and all in any order, is overflow_test.c.
 */
#include "kvm/vgic/model_play.h"

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
	vgic_irq_update(irq(0, SPI));
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
	vgic_freeze(&cpus[0]);
	expect_eq(ack(0), SPURIOUS);
	vgic_thaw(&cpus[0]);
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

TEST(one_more_leaves_the_others_where_they_are)
{
	setup();
	flush(0);
	mended = 0;
	vgic_irq_set_line(enable(0, SPI, true), true);
	expect_eq(cpus[0].lrs, LRS_ONE_NEW);
	flush_stale();
	expect_eq(mended, 1);
	vgic_model_sgi(&cpus[1], 3ull << 24 | 1, true);
	expect_eq(cpus[0].lrs, LRS_ONE_NEW);
	cpus[0].lr[0] ^= ICH_LR_PENDING | ICH_LR_ACTIVE; /* taken: this is not looked at */
	flush_stale();
	expect_eq(mended, 2);
	expect_eq(cpus[0].used, 2);
	expect_eq(cpus[0].lr[0] >> 62, 2);
	cpus[0].lr[1] &= ~ICH_LR_PENDING; /* taken and ended */
	vgic_model_sgi(&cpus[1], 3ull << 24 | 1, true);
	vgic_model_sgi(&cpus[1], 3ull << 24 | 1, true); /* twice is once */
	expect_eq(cpus[0].lrs, LRS_ONE_NEW);
	flush_stale();
	expect_eq(mended, 3);
	expect_eq(ack(0), 3);
	expect_eq(ack(0), SPURIOUS);
}

TEST(two_new_ones_are_not_one)
{
	setup();
	flush(0);
	vgic_model_sgi(&cpus[1], 3ull << 24 | 1, true);
	vgic_model_sgi(&cpus[1], 4ull << 24 | 1, true);
	expect_eq(cpus[0].lrs, LRS_STALE);
	expect_eq(ack(0), 3);
	expect_eq(ack(0), 4);
}

TEST(a_new_one_that_went_elsewhere)
{
	setup();
	enable(0, SPI, false);
	flush(0), flush(1), flush(2);
	vgic_irq_set_line(irq(0, SPI), true); /* new to 0, which does not look */
	vgic_irq_set_router(irq(0, SPI), 2);
	vgic_irq_update(irq(0, SPI));
	flush(2);
	expect_eq(cpus[2].used, 1);
	vgic_irq_set_router(irq(0, SPI), 0);
	vgic_irq_update(irq(0, SPI)); /* 2 has it still */
	expect_eq(cpus[0].lrs, LRS_ONE_NEW);
	mend(0);
	expect_eq(cpus[0].used, 0);
	expect_eq(ack(2), SPURIOUS);
	expect_eq(ack(0), SPI);
}

TEST(a_level_that_ends_leaves_a_hole)
{
	setup();
	vgic_irq_set_line(enable(0, SPI, false), true);
	vgic_irq_set_line(enable(0, SPI + 1, false), true);
	flush_stale();
	expect_eq(ack(0), SPI);
	vgic_irq_set_line(irq(0, SPI), false);
	cpus[0].lrs = LRS_RIGHT; /* as if its CPU had not been told yet */
	mended = 0;
	expect(end(0, SPI));
	expect_eq(mended, 1);
	expect_eq(cpus[0].used, 2);
	expect(!cpus[0].lr_irq[0] && irq(0, SPI)->lr < 0);
	vgic_irq_set_line(irq(0, SPI), true);
	expect_eq(cpus[0].lrs, LRS_ONE_NEW);
	flush_stale();
	expect_eq(ack(0), SPI + 1);
	expect_eq(ack(0), SPI);
}

TEST(frozen_nothing_new_is_put_in)
{
	setup();
	flush(0);
	vgic_freeze(&cpus[0]);
	flush_stale();
	expect_eq(cpus[0].lrs, LRS_FULL);
	vgic_model_sgi(&cpus[1], 3ull << 24 | 1, true);
	expect_eq(cpus[0].lrs, LRS_STALE);
	expect_eq(ack(0), SPURIOUS);
	vgic_thaw(&cpus[0]);
	expect_eq(ack(0), 3);
}
