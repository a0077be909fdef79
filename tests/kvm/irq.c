/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupts as the guest takes them through the virtual GICv3: software-generated ones between
 * vCPUs, priorities, more than there are list registers, routes, and the registers that show their
 * state. Those of the VMM are in lines.c. Arm IHI 0069.
 */
#include "tests/kvm/lib/gic.h"
#include "tests/kvm/lib/irqlog.h"
#include "tests/kvm/lib/vm.h"

enum { SPIS = 64, SPI0 = 32 };

static struct vm vm;
static volatile uint64_t results[16], ready, stop;

static void setup(int vcpus)
{
	vm_create(&vm, vcpus);
	expect_eq(vm_add_gic(&vm, SPIS), 0);
}

static bool run(void (*fn)(uint64_t), uint64_t arg, uint64_t *value)
{
	vcpu_start(&vm.vcpu[0], fn, arg);
	return vcpu_run_done(&vm.vcpu[0], value);
}

static GUEST void guest_sgi_self(uint64_t arg)
{
	(void)arg;
	irq_setup(on_log);
	for (unsigned n = 0; n < 16; n++)
		gicv3_enable(n, IRQ_PRIORITY);
	irq_enable();
	for (unsigned n = 0; n < 16; n++) {
		sgi_send(n, 1);
		if (!wait_count(n + 1))
			guest_done(100 + n);
	}
	guest_done(irq_count);
}

TEST(sgis_to_oneself)
{
	uint64_t count;

	setup(1);
	expect(run(guest_sgi_self, 0, &count));
	expect_eq(count, 16);
	for (unsigned n = 0; n < 16; n++)
		expect_eq(guest_view(&vm, irq_log[n]), n);
	vm_destroy(&vm);
}

static GUEST void guest_answers(uint64_t arg)
{
	(void)arg;
	irq_setup(on_log);
	gicv3_enable(3, IRQ_PRIORITY);
	irq_enable();
	dsb();
	__atomic_add_fetch(&ready, 1, __ATOMIC_RELEASE);
	wfi_until(stop);
	guest_done(per_cpu[guest_self()->id]);
}

static GUEST void guest_asks(uint64_t rounds)
{
	uint64_t me = guest_self()->id;

	irq_setup(on_log);
	gicv3_enable(3, IRQ_PRIORITY);
	irq_enable();
	while (ready < 1)
		cpu_relax();
	for (uint64_t i = 0; i < rounds; i++) {
		sgi_send(3, 2);
		while (per_cpu[1] == i)
			cpu_relax();
	}
	stop = 1;
	dsb();
	sgi_send(3, 2);
	guest_done(per_cpu[me]);
}

TEST(a_thousand_sgis_to_another_vcpu)
{
	uint64_t mine, others;

	setup(2);
	vcpu_thread_start(&vm.vcpu[1], guest_answers, 0);
	expect(run(guest_asks, 1000, &mine));
	expect(vcpu_thread_join(&vm.vcpu[1], &others));
	expect_eq(mine, 0);
	expect(others == 1000 || others == 1001);
	vm_destroy(&vm);
}

static GUEST void guest_broadcasts(uint64_t arg)
{
	(void)arg;
	irq_setup(on_log);
	gicv3_enable(3, IRQ_PRIORITY);
	irq_enable();
	while (ready < 3)
		cpu_relax();
	sgi_send(3, 0); /* an empty list reaches nobody */
	dsb();
	sysreg_write(s3_0_c12_c11_5, 3ul << 24 | 1ul << 40); /* IRM: all but me */
	isb();
	for (int i = 1; i < 4; i++) {
		while (!per_cpu[i])
			cpu_relax();
	}
	spin_us(1000);
	for (int i = 0; i < 4; i++)
		results[i] = per_cpu[i];
	stop = 1;
	sgi_send(3, 0xe);
	guest_done(1);
}

TEST(an_sgi_to_all_others)
{
	uint64_t done, counts[4];

	setup(4);
	for (int i = 1; i < 4; i++)
		vcpu_thread_start(&vm.vcpu[i], guest_answers, 0);
	expect(run(guest_broadcasts, 0, &done));
	for (int i = 1; i < 4; i++)
		expect(vcpu_thread_join(&vm.vcpu[i], &counts[i]));
	for (int i = 0; i < 4; i++)
		expect_eq(guest_view(&vm, results[i]), i > 0);
	vm_destroy(&vm);
}

/* Make `many` SPIs pending with priorities from low to high, then let them come. */
static GUEST void guest_many(uint64_t many)
{
	irq_setup(on_log);
	for (unsigned i = 0; i < many; i++) {
		gicv3_edge(SPI0 + i, true);
		gicv3_enable(SPI0 + i, 0xf0 - 8 * i);
		mmio_write32(GUEST_GICD + GICD_ISPENDR + (SPI0 + i) / 32 * 4,
			     1u << (SPI0 + i) % 32);
	}
	irq_enable();
	wait_count((uint32_t)many);
	spin_us(1000);
	guest_done(irq_count);
}

TEST(more_interrupts_than_list_registers_come_by_priority)
{
	enum { MANY = 20 };
	uint64_t count;

	setup(1);
	expect(run(guest_many, MANY, &count));
	expect_eq(count, MANY);
	for (unsigned i = 0; i < MANY; i++)
		expect_eq(guest_view(&vm, irq_log[i]), SPI0 + MANY - 1 - i);
	vm_destroy(&vm);
}

/* The first handler lets a more urgent interrupt in, and a less urgent one wait. */
static GUEST void on_nested(struct guest_cpu *cpu)
{
	uint64_t elr = sysreg_read(elr_el1), spsr = sysreg_read(spsr_el1);
	uint32_t n = irq_acknowledge();

	(void)cpu;
	irq_log[irq_count++ % IRQ_LOG] = n;
	if (n == 1) {
		sgi_send(2, 1);
		sgi_send(3, 1);
		irq_enable();
		spin_us(500);
		irq_disable();
		irq_log[irq_count++ % IRQ_LOG] = 99;
	}
	irq_end(n);
	sysreg_write(elr_el1, elr);
	sysreg_write(spsr_el1, spsr);
}

static GUEST void guest_nested(uint64_t arg)
{
	(void)arg;
	irq_setup(on_nested);
	gicv3_enable(1, 0x80);
	gicv3_enable(2, 0x40);
	gicv3_enable(3, 0xc0);
	irq_enable();
	sgi_send(1, 1);
	wait_count(4);
	guest_done(irq_count);
}

TEST(priorities_nest)
{
	uint64_t count;

	setup(1);
	expect(run(guest_nested, 0, &count));
	expect_eq(count, 4);
	expect_eq(guest_view(&vm, irq_log[0]), 1);
	expect_eq(guest_view(&vm, irq_log[1]), 2);
	expect_eq(guest_view(&vm, irq_log[2]), 99);
	expect_eq(guest_view(&vm, irq_log[3]), 3);
	vm_destroy(&vm);
}

static GUEST void guest_mask(uint64_t arg)
{
	(void)arg;
	irq_setup(on_log);
	gicv3_enable(1, 0x80);
	gicv3_enable(2, 0x40);
	irq_enable();
	sysreg_write(s3_0_c4_c6_0, 0x80); /* ICC_PMR_EL1: only what is more urgent than 0x80 */
	sgi_send(1, 1);
	sgi_send(2, 1);
	wait_count(1);
	spin_us(500);
	results[0] = irq_count;
	results[1] = irq_log[0];
	sysreg_write(s3_0_c4_c6_0, 0xff);
	results[2] = wait_count(2);
	sysreg_write(s3_0_c12_c12_7, 0); /* ICC_IGRPEN1_EL1 */
	isb();
	sgi_send(1, 1);
	spin_us(500);
	results[3] = irq_count;
	sysreg_write(s3_0_c12_c12_7, 1);
	results[4] = wait_count(3);
	guest_done(1);
}

TEST(the_mask_and_the_group_enable_hold_back)
{
	uint64_t done;

	setup(1);
	expect(run(guest_mask, 0, &done));
	expect_eq(guest_view(&vm, results[0]), 1);
	expect_eq(guest_view(&vm, results[1]), 2);
	expect_eq(guest_view(&vm, results[2]), 1);
	expect_eq(guest_view(&vm, results[3]), 2);
	expect_eq(guest_view(&vm, results[4]), 1);
	vm_destroy(&vm);
}

static GUEST uint32_t state(unsigned reg)
{
	return mmio_read32(gicr_sgi_base() + reg) >> 1 & 1;
}

/* SGI 1 by hand with interrupts masked: pending, active, both, and none. */
static GUEST void guest_states(uint64_t arg)
{
	(void)arg;
	irq_setup(on_log);
	gicv3_enable(1, 0x80);
	results[0] = irq_acknowledge();
	sgi_send(1, 1);
	spin_us(100);
	results[1] = state(GICD_ISPENDR) | state(GICD_ISACTIVER) << 1;
	results[2] = irq_acknowledge();
	results[3] = state(GICD_ISPENDR) | state(GICD_ISACTIVER) << 1;
	sgi_send(1, 1);
	results[4] = state(GICD_ISPENDR) | state(GICD_ISACTIVER) << 1;
	results[5] = irq_acknowledge(); /* active: not again */
	irq_end(1);
	results[6] = state(GICD_ISPENDR) | state(GICD_ISACTIVER) << 1;
	mmio_write32(gicr_sgi_base() + GICD_ICPENDR, 2);
	results[7] = irq_acknowledge();
	results[8] = state(GICD_ISPENDR) | state(GICD_ISACTIVER) << 1;
	guest_done(1);
}

TEST(states_go_from_pending_to_active_to_none)
{
	uint64_t done;

	setup(1);
	expect(run(guest_states, 0, &done));
	expect_eq(guest_view(&vm, results[0]), IRQ_SPURIOUS);
	expect_eq(guest_view(&vm, results[1]), 1);
	expect_eq(guest_view(&vm, results[2]), 1);
	expect_eq(guest_view(&vm, results[3]), 2);
	expect_eq(guest_view(&vm, results[4]), 3);
	expect_eq(guest_view(&vm, results[5]), IRQ_SPURIOUS);
	expect_eq(guest_view(&vm, results[6]), 1);
	expect_eq(guest_view(&vm, results[7]), IRQ_SPURIOUS);
	expect_eq(guest_view(&vm, results[8]), 0);
	vm_destroy(&vm);
}

/* With EOImode 1 the end of priority and the deactivation are two writes. */
static GUEST void guest_split_eoi(uint64_t arg)
{
	(void)arg;
	irq_setup(on_log);
	gicv3_enable(1, 0x80);
	sysreg_write(s3_0_c12_c12_4, 2); /* ICC_CTLR_EL1.EOImode */
	isb();
	sgi_send(1, 1);
	spin_us(100);
	results[0] = irq_acknowledge();
	results[1] = sysreg_read(s3_0_c12_c11_3); /* ICC_RPR_EL1 */
	irq_end(1);
	results[2] = state(GICD_ISACTIVER);
	results[3] = sysreg_read(s3_0_c12_c11_3);
	sysreg_write(s3_0_c12_c11_1, 1); /* ICC_DIR_EL1 */
	isb();
	results[4] = state(GICD_ISACTIVER);
	guest_done(1);
}

TEST(priority_drop_and_deactivation_can_be_split)
{
	uint64_t done;

	setup(1);
	expect(run(guest_split_eoi, 0, &done));
	expect_eq(guest_view(&vm, results[0]), 1);
	expect_eq(guest_view(&vm, results[1]), 0x80);
	expect_eq(guest_view(&vm, results[2]), 1);
	expect_eq(guest_view(&vm, results[3]), 0xff);
	expect_eq(guest_view(&vm, results[4]), 0);
	vm_destroy(&vm);
}

static GUEST void guest_routes(uint64_t arg)
{
	(void)arg;
	irq_setup(on_log);
	irq_enable();
	while (ready < 1)
		cpu_relax();
	for (unsigned i = 0; i < 2; i++) {
		unsigned irq = SPI0 + i;

		gicv3_edge(irq, true);
		gicv3_enable(irq, IRQ_PRIORITY);
		mmio_write64(GUEST_GICD + GICD_IROUTER + 8 * irq, i);
		mmio_write32(GUEST_GICD + GICD_ISPENDR + 4, 1u << i);
		results[i] = wait_count(i + 1);
	}
	results[2] = per_cpu[0];
	results[3] = per_cpu[1];
	stop = 1;
	sgi_send(3, 2);
	guest_done(1);
}

TEST(spis_go_to_the_vcpu_they_are_routed_to)
{
	uint64_t done, other;

	setup(2);
	vcpu_thread_start(&vm.vcpu[1], guest_answers, 0);
	expect(run(guest_routes, 0, &done));
	expect(vcpu_thread_join(&vm.vcpu[1], &other));
	for (int i = 0; i < 4; i++)
		expect_eq(guest_view(&vm, results[i]), 1);
	vm_destroy(&vm);
}
