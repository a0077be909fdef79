/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The distributor's and the redistributors' registers as a guest and as a VMM read and write them.
 */
#include "kvm/vgic/regs.h"

#include <linux/errno.h>
#include <string.h>

#include "tap.h"

enum { CPUS = 2, SPIS = 64 };

static struct vgic vgic;
static struct vgic_cpu cpus[CPUS];
static struct vgic_irq spis[SPIS];

void vgic_notify(struct vgic_cpu *cpu)
{
	vgic_mark(cpu);
}

void vgic_notify_new(struct vgic_cpu *cpu, struct vgic_irq *irq)
{
	vgic_mark_new(cpu, irq);
}

static void setup(void)
{
	memset(&vgic, 0, sizeof(vgic));
	memset(cpus, 0, sizeof(cpus));
	vgic.nr_irqs = VGIC_PRIVATE + SPIS;
	vgic.spis = spis;
	vgic.nr_lrs = 4;
	for (unsigned i = 0; i < CPUS; i++) {
		cpus[i].vgic = &vgic;
		cpus[i].affinity = 0x01020300 | i;
		cpus[i].index = i;
		vgic_model_init_cpu(&cpus[i]);
		vgic.cpus[vgic.nr_cpus++] = &cpus[i];
	}
	cpus[1].last = true;
	vgic_model_init_spis(&vgic);
}

static struct vgic_reg_access at(struct vgic_cpu *cpu, uint32_t offset, unsigned bytes, bool user)
{
	const struct vgic_reg *regs = cpu ? vgic_redist_regs : vgic_dist_regs;

	return (struct vgic_reg_access){
		.reg = vgic_reg_find(regs, offset, bytes),
		.vgic = &vgic,
		.cpu = cpu,
		.offset = offset,
		.bytes = (uint8_t)bytes,
		.user = user,
	};
}

static uint64_t get(struct vgic_cpu *cpu, uint32_t offset, unsigned bytes, bool user)
{
	struct vgic_reg_access a = at(cpu, offset, bytes, user);

	return expect(a.reg) ? vgic_reg_read(&a) : ~0ull;
}

static int put(struct vgic_cpu *cpu, uint32_t offset, unsigned bytes, bool user, uint64_t value)
{
	struct vgic_reg_access a = at(cpu, offset, bytes, user);

	return expect(a.reg) ? vgic_reg_write(&a, value) : -1;
}

/* vgic_reg_find() relies on it. */
static void expect_sorted(const struct vgic_reg *regs)
{
	for (; regs->first != UINT32_MAX; regs++) {
		expect(regs[0].first <= regs[0].last);
		expect(regs[0].last < regs[1].first);
	}
}

TEST(rows_are_in_order)
{
	expect_sorted(vgic_dist_regs);
	expect_sorted(vgic_redist_regs);
	expect(!vgic_reg_find(vgic_dist_regs, 0xf00, 4));
	expect(!vgic_reg_find(vgic_dist_regs, 0xffffffff, 1));
	expect(!vgic_reg_find(vgic_redist_regs, GICR_FRAME + 0x104, 4));
}

TEST(a_zero_leaves_an_interrupt_alone)
{
	setup();
	put(NULL, 0x104, 4, false, 0xa);
	put(NULL, 0x104, 4, false, 0x5);
	expect_eq(get(NULL, 0x104, 4, false), 0xf);
	put(NULL, 0x184, 4, false, 0x3);
	expect_eq(get(NULL, 0x184, 4, false), 0xc);
	put(NULL, 0x204, 4, false, 0x3);
	put(NULL, 0x204, 4, false, 0x4);
	expect_eq(get(NULL, 0x204, 4, false), 0x7);
	put(NULL, 0x204, 4, true, 0x8); /* but the VMM's is the whole state */
	expect_eq(get(NULL, 0x204, 4, false), 0x8);
}

TEST(identification)
{
	setup();
	expect_eq(get(NULL, 0x0004, 4, false), 0x02480002);
	expect_eq(get(NULL, 0xffe8, 4, false), 0x3b);
	expect_eq(get(&cpus[0], 0xffe8, 4, false), 0x3b);
	expect_eq(get(NULL, 0xfff4, 4, false), 0);
	expect_eq(get(&cpus[0], 8, 8, false), 0x0102030000000000);
	expect_eq(get(&cpus[1], 8, 8, false), 0x0102030100000110);
	expect_eq(get(&cpus[1], 8, 4, false), 0x110);
	expect_eq(get(&cpus[1], 12, 4, false), 0x01020301);
	expect_eq(put(NULL, 8, 4, true, get(NULL, 8, 4, true)), 0);
	expect_eq(put(NULL, 8, 4, true, 1), -EINVAL);
	expect_eq(put(NULL, 8, 4, false, 1), 0);
}

TEST(only_accesses_of_the_right_width)
{
	setup();
	expect(!at(NULL, 0x0000, 8, false).reg);
	expect(!at(NULL, 0x0001, 1, false).reg);
	expect(!at(NULL, 0x0102, 4, false).reg);
	expect(!at(NULL, 0x0100, 1, false).reg);
	expect(!at(NULL, 0x0020, 4, false).reg);
	expect(!at(NULL, 0xe000, 4, false).reg);
	expect(at(NULL, 0x0421, 1, false).reg);
	expect(at(NULL, 0x6100, 8, false).reg);
	expect(!at(&cpus[0], 0x20000 - 0x8, 8, false).reg);
}

TEST(group_enables)
{
	setup();
	expect_eq(get(NULL, 0, 4, false), 0x50);
	put(NULL, 0, 4, false, 0xffffffff);
	expect_eq(get(NULL, 0, 4, false), 0x53);
	put(NULL, 0, 4, false, 2);
	expect_eq(vgic.ctlr, 2);
}

TEST(private_ones_are_not_in_the_distributor)
{
	setup();
	put(NULL, 0x100, 4, false, ~0u);
	expect_eq(get(NULL, 0x100, 4, false), 0);
	expect_eq(get(&cpus[0], 0x10100, 4, false), 0xffff);
	put(&cpus[0], 0x10100, 4, false, 1u << 27);
	expect_eq(get(&cpus[0], 0x10180, 4, false), 0x0800ffff);
	expect_eq(get(&cpus[1], 0x10100, 4, false), 0xffff);
	put(&cpus[0], 0x10180, 4, false, 1u << 27 | 1);
	expect_eq(get(&cpus[0], 0x10100, 4, false), 0xfffe);
}

TEST(interrupts_beyond_the_last_read_as_zero)
{
	setup();
	put(NULL, 0x100 + 12, 4, false, ~0u);
	expect_eq(get(NULL, 0x100 + 12, 4, false), 0);
	put(NULL, 0x100 + 8, 4, false, ~0u);
	expect_eq(get(NULL, 0x100 + 8, 4, false), ~0u);
}

TEST(priorities_have_five_bits)
{
	setup();
	put(NULL, 0x420, 4, false, 0xffa7f018);
	expect_eq(get(NULL, 0x420, 4, false), 0xf8a0f018);
	put(NULL, 0x421, 1, false, 0x33);
	expect_eq(get(NULL, 0x420, 4, false), 0xf8a03018);
	expect_eq(spis[1].priority, 0x30);
}

TEST(configuration)
{
	setup();
	put(NULL, 0xc08, 4, false, 0x2 | 0x1 << 2 | 0x3 << 4);
	expect_eq(get(NULL, 0xc08, 4, false), 0x2 | 0x2 << 4);
	expect(spis[0].edge && !spis[1].edge && spis[2].edge);
	expect_eq(get(&cpus[0], 0x10c00, 4, false), 0xaaaaaaaa);
	put(&cpus[0], 0x10c04, 4, false, ~0u);
	expect_eq(get(&cpus[0], 0x10c04, 4, false), 0);
}

TEST(routing)
{
	setup();
	expect(spis[0].target == &cpus[0]);
	put(NULL, 0x6100, 8, false, 0x01 | 0x0100000000 | 0x020300);
	expect_eq(get(NULL, 0x6100, 8, false), 0x0100020301);
	expect(spis[0].target == &cpus[1]);
	put(NULL, 0x6100, 4, false, 0x020300);
	expect_eq(get(NULL, 0x6104, 4, false), 1);
	expect(spis[0].target == &cpus[0]);
	put(NULL, 0x6104, 4, false, 9);
	expect(!spis[0].target);
	expect_eq(get(NULL, 0x6000, 8, false), 0);
}

TEST(pending_and_active)
{
	setup();
	vgic_irq_set_line(&spis[3], true);
	put(NULL, 0x204, 4, false, 1);
	expect_eq(get(NULL, 0x204, 4, false), 9);
	expect_eq(get(NULL, 0x284, 4, false), 9);
	put(NULL, 0x284, 4, false, ~0u); /* the line is still high */
	expect_eq(get(NULL, 0x204, 4, false), 8);
	put(NULL, 0x304, 4, false, 6);
	expect_eq(get(NULL, 0x304, 4, false), 6);
	expect(spis[1].cpu == &cpus[0]);
	put(NULL, 0x384, 4, false, 2);
	expect_eq(get(NULL, 0x384, 4, false), 4);
	expect(!spis[1].cpu);
}

TEST(a_vmm_sees_the_latch_and_sets_it_whole)
{
	setup();
	vgic_irq_set_line(&spis[3], true);
	expect_eq(get(NULL, 0x204, 4, true), 0);
	put(NULL, 0x204, 4, true, 5);
	expect_eq(get(NULL, 0x204, 4, true), 5);
	put(NULL, 0x204, 4, true, 2);
	expect_eq(get(NULL, 0x204, 4, true), 2);
	put(NULL, 0x284, 4, true, ~0u);
	expect_eq(get(NULL, 0x204, 4, true), 2);
	expect_eq(get(NULL, 0x284, 4, true), 0);
}

TEST(a_hw_linked_one_is_noted)
{
	setup();
	cpus[1].irqs[27].hw_intid = 27;
	cpus[1].irqs[27].active = true;
	put(&cpus[1], 0x10380, 4, false, 1u << 27);
	expect(cpus[1].hw_changed && !cpus[1].irqs[27].active);
	expect_eq(cpus[1].lrs,
		  LRS_STALE); /* it was in no queue and is in none: told all the same */
	vgic_irq_set_line(&cpus[1].irqs[27], true);
	put(&cpus[1], 0x10280, 4, false, 1u << 27);
	expect(vgic_irq_pending(&cpus[1].irqs[27]));
}
