/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * More interrupts than list registers (QEMU has 4): active ones that nest, active ones that are
 * deactivated in any order, levels that rise and fall. Each is taken once, and none stays behind.
 * Arm IHI 0069, 4.8 and 12.4.8 (ICH_HCR_EL2.EOIcount).
 *
 * Linux 6.1 lets no more interrupts become active at once than there are list registers; the guests
 * here go on with as many as come, and end and take the rest later. On Stet all must come.
 */
#include <unistd.h>
#include "tests/kvm/lib/gic.h"
#include "tests/kvm/lib/irqlog.h"
#include "tests/kvm/lib/vm.h"

enum { SPI0 = 32, MANY = 12, TIMER = 27, LEVELS = 16, ROUNDS = 40 };

static struct vm vm;
static volatile uint64_t results[8];
static volatile uint32_t taken[64], order[16];

static bool run(void (*fn)(uint64_t), uint64_t arg, uint64_t *value)
{
	vm_create(&vm, 1);
	expect_eq(vm_add_gic(&vm, 64), 0);
	vcpu_start(&vm.vcpu[0], fn, arg);
	return vcpu_run_done(&vm.vcpu[0], value);
}

/* By hand, interrupts masked: the most urgent one, or IRQ_SPURIOUS if none comes for 2 ms. */
static GUEST uint32_t take(void)
{
	uint64_t until = sysreg_read(cntvct_el0) + sysreg_read(cntfrq_el0) / 500;
	uint32_t n;

	do
		n = irq_acknowledge();
	while (n == IRQ_SPURIOUS && sysreg_read(cntvct_el0) < until);
	if (n < 64)
		taken[n]++;
	return n;
}

static GUEST uint32_t all_active(void)
{
	return mmio_read32(gicr_sgi_base() + GICD_ISACTIVER);
}

/* ---- nested ---- */

static GUEST void timer_fires(void)
{
	sysreg_write(cntv_cval_el0, 0);
	sysreg_write(cntv_ctl_el0, 1);
	isb();
}

/*
 * The timer first, then SGIs, each more urgent than the one before; as deep as it goes. Then out
 * again, taking on the way what did not come.
 */
static GUEST void guest_nests(uint64_t depth)
{
	unsigned held = 0;

	irq_setup(on_log);
	gicv3_enable(TIMER, 0xf0);
	timer_fires();
	order[held++] = take();
	sysreg_write(cntv_ctl_el0, 0);
	for (unsigned n = 0; n < depth; n++) {
		gicv3_enable(n, 0xe0 - 16 * n);
		sgi_send(n, 1);
		order[held] = take();
		if (order[held] != IRQ_SPURIOUS)
			held++;
	}
	results[0] = held;
	results[1] = all_active();
	while (held) {
		irq_end(order[--held]);
		order[held] = take();
		if (order[held] != IRQ_SPURIOUS)
			held++;
	}
	results[2] = all_active();
	results[3] = sysreg_read(s3_0_c12_c11_3); /* ICC_RPR_EL1 */
	timer_fires();				  /* and is it free to come again? */
	results[4] = take();
	sysreg_write(cntv_ctl_el0, 0);
	irq_end(TIMER);
	guest_done(1);
}

TEST(interrupts_nest_deeper_than_list_registers)
{
	uint64_t done;

	expect(run(guest_nests, MANY, &done));
	if (on_stet()) {
		expect_eq(guest_view(&vm, results[0]), MANY + 1);
		expect_eq(guest_view(&vm, results[1]), 1u << TIMER | ((1u << MANY) - 1));
	}
	expect_eq(guest_view(&vm, taken[TIMER]), 2);
	for (unsigned n = 0; n < MANY; n++)
		expect_eq(guest_view(&vm, taken[n]), 1);
	expect_eq(guest_view(&vm, results[2]), 0);
	expect_eq(guest_view(&vm, results[3]), 0xff);
	expect_eq(guest_view(&vm, results[4]), TIMER);
	vm_destroy(&vm);
}

/* ---- priority drop and deactivation apart ---- */

static GUEST uint64_t next(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005 + 1442695040888963407;
	return *seed >> 33;
}

/* Take what comes, dropping the priority at once. */
static GUEST unsigned take_all(unsigned held)
{
	uint32_t n;

	while ((n = take()) != IRQ_SPURIOUS) {
		irq_end(n);
		order[held++] = n;
	}
	return held;
}

static GUEST void guest_splits(uint64_t seed)
{
	unsigned held;

	irq_setup(on_log);
	sysreg_write(s3_0_c12_c12_4, 2); /* ICC_CTLR_EL1.EOImode */
	isb();
	for (unsigned n = 0; n < MANY; n++) {
		gicv3_enable(n, 0x80);
		sgi_send(n, 1);
	}
	gicv3_enable(TIMER, 0x80);
	timer_fires();
	held = take_all(0);
	sysreg_write(cntv_ctl_el0, 0);
	results[0] = held;
	results[1] = all_active();
	while (held) {
		unsigned i = (unsigned)(next(&seed) % held);

		sysreg_write(s3_0_c12_c11_1, order[i]); /* ICC_DIR_EL1 */
		isb();
		results[5] += all_active() >> order[i] & 1;
		order[i] = order[--held];
		held = take_all(held);
	}
	results[2] = all_active();
	timer_fires();
	results[4] = take();
	sysreg_write(cntv_ctl_el0, 0);
	irq_end(TIMER);
	sysreg_write(s3_0_c12_c11_1, TIMER);
	isb();
	guest_done(1);
}

TEST(many_are_deactivated_in_any_order)
{
	for (uint64_t seed = 1; seed <= 5; seed++) {
		uint64_t done;

		expect(run(guest_splits, seed, &done));
		if (on_stet())
			expect_eq(guest_view(&vm, results[0]), MANY + 1);
		/* On Linux the first may come to nothing: its list registers are full while it is up. */
		if (on_stet() || guest_view(&vm, taken[TIMER]) != 1)
			expect_eq(guest_view(&vm, taken[TIMER]), 2);
		for (unsigned n = 0; n < MANY; n++)
			expect_eq(guest_view(&vm, taken[n]), 1);
		expect_eq(guest_view(&vm, results[2]), 0);
		expect_eq(guest_view(&vm, results[4]), TIMER);
		expect_eq(guest_view(&vm, results[5]), 0);
		vm_destroy(&vm);
	}
}

/* ---- levels ---- */

/* The handler asks the VMM to lower the line, every third time only when it comes again. */
static GUEST void on_level(struct guest_cpu *cpu)
{
	uint32_t n = irq_acknowledge();

	(void)cpu;
	if (n >= 1020)
		return;
	taken[n]++;
	if (taken[n] % 3)
		mmio_write32(GUEST_PORT + PORT_TEST, n);
	irq_end(n);
}

static GUEST void guest_takes_levels(uint64_t arg)
{
	(void)arg;
	irq_setup(on_level);
	for (unsigned n = SPI0; n < SPI0 + LEVELS; n++) {
		gicv3_edge(n, false);
		gicv3_enable(n, 0x80 + 8 * (n % 4));
		mmio_write64(GUEST_GICD + GICD_IROUTER + 8 * n, 0);
	}
	for (uint64_t i = 0; i < ROUNDS; i++) {
		mmio_write32(GUEST_PORT + PORT_TEST + 4, (uint32_t)i); /* masked: lines move */
		irq_enable();
		isb();
		spin_us(300);
		irq_disable();
	}
	guest_done(1);
}

static struct lines {
	uint32_t up, raised[LEVELS], extra[LEVELS];
} lines;

/* The guest waits with interrupts masked: raise some, lower some that it has not taken. */
static void move_lines(struct lines *l, uint64_t *seed)
{
	for (int i = 0; i < 24; i++) {
		unsigned n = (unsigned)(random_next(seed) % LEVELS);

		l->up ^= 1u << n;
		expect_eq(vm_irq_line(&vm, SPI0 + n, l->up >> n & 1), 0);
	}
	for (unsigned n = 0; n < LEVELS; n++)
		l->raised[n] += l->up >> n & 1;
}

/* Taken: the line falls. */
static void lower(struct lines *l, unsigned n)
{
	expect(l->up >> n & 1);
	l->up &= ~(1u << n);
	expect_eq(vm_irq_line(&vm, SPI0 + n, 0), 0);
}

TEST(levels_rise_and_fall_in_and_out_of_list_registers)
{
	struct vcpu *vcpu = &vm.vcpu[0];
	struct kvm_run *run;
	uint64_t seed = 5;

	lines = (struct lines){ 0 };
	vm_create(&vm, 1);
	run = vcpu->run;
	expect_eq(vm_add_gic(&vm, 64), 0);
	vcpu_start(vcpu, guest_takes_levels, 0);
	while (!tap_failed) {
		uint32_t value;

		if (!expect_eq(vcpu_run(vcpu), 0) || !expect_eq(run->exit_reason, KVM_EXIT_MMIO))
			break;
		value = *(uint32_t *)run->mmio.data;
		if (run->mmio.phys_addr == GUEST_PORT + PORT_DONE)
			break;
		if (run->mmio.phys_addr == GUEST_PORT + PORT_TEST)
			lower(&lines, value - SPI0);
		else
			move_lines(&lines, &seed);
	}
	for (unsigned n = 0; n < LEVELS; n++) {
		/* Once for each time it was up when the guest looked, and every third time once
		 * more. */
		uint32_t got = guest_view(&vm, taken[SPI0 + n]);

		expect_eq(got - got / 3, lines.raised[n]);
		expect(got > 3);
	}
	expect_eq(lines.up, 0);
	vm_destroy(&vm);
}
