/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two vCPUs write whatever they like, in whatever width, to both of their GIC's frames and take the
 * interrupts that come of it, while the VMM moves the lines of all SPIs. Nothing of it is promised
 * to make sense, but the VMM must live, and once everything is put in order again interrupts
 * must come as if nothing had happened. Arm IHI 0069, chapter 12.
 */
#include "tests/kvm/lib/gic.h"
#include "tests/kvm/lib/vm.h"

enum { SPIS = 96, ROUNDS = 4000 };

static struct vm vm;
static volatile uint32_t taken[2], answered[2];
static volatile uint64_t storms_over, in_order;
static volatile unsigned rounds;

static GUEST void on_any(struct guest_cpu *cpu)
{
	uint32_t n = irq_acknowledge();

	taken[cpu->id]++;
	if (n == 3)
		answered[cpu->id]++;
	if (n < 1020)
		irq_end(n);
}

static GUEST uint64_t next(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005 + 1442695040888963407;
	return *seed >> 33;
}

/* One access somewhere in the first 4 KiB of the distributor, its routers, or a vCPU's SGI frame.
 */
static GUEST void access_any(uint64_t *seed, uint64_t redist)
{
	uint64_t r = next(seed), value = next(seed) << 16 ^ next(seed), at;

	if (r % 8 < 3)
		at = GUEST_GICD + 0x80 + next(seed) % 0xe00;
	else if (r % 8 < 5)
		at = GUEST_GICD + GICD_IROUTER + 8 * (next(seed) % 128);
	else
		at = redist + (r >> 4) % 2 * GICR_STRIDE + 0x80 + next(seed) % 0xe00;
	switch (r >> 8 & 7) {
	case 0:
		*(volatile uint8_t *)at = (uint8_t)value;
		break;
	case 1:
		(void)mmio_read32(at & ~3ul);
		break;
	case 2:
		(void)mmio_read64(at & ~7ul);
		break;
	case 3:
		mmio_write64(at & ~7ul, value & 0xff00000001);
		break;
	default:
		mmio_write32(at & ~3ul, (uint32_t)value);
	}
}

/* Everything off, nothing pending or active, and then as an operating system begins. */
static GUEST void put_in_order(void)
{
	uint64_t sgi = gicr_sgi_base();

	irq_disable();
	mmio_write32(sgi + GICD_ICENABLER, ~0u);
	mmio_write32(sgi + GICD_ICPENDR, ~0u);
	mmio_write32(sgi + GICD_ICACTIVER, ~0u);
	mmio_write32(sgi + GICD_IGROUPR, ~0u);
	for (unsigned i = 4; i < SPIS / 8; i += 4) {
		mmio_write32(GUEST_GICD + GICD_ICENABLER + i, ~0u);
		mmio_write32(GUEST_GICD + GICD_ICPENDR + i, ~0u);
		mmio_write32(GUEST_GICD + GICD_ICACTIVER + i, ~0u);
	}
	gicv3_init();
	gicv3_enable(3, IRQ_PRIORITY);
	irq_enable();
}

static GUEST void guest_storms(uint64_t seed)
{
	uint64_t me = guest_self()->id, redist = gicr_sgi_base() - me * GICR_STRIDE, until;

	guest_self()->on_irq = on_any;
	gicv3_init();
	irq_enable();
	for (unsigned i = 0; i < rounds; i++) {
		access_any(&seed, redist);
		if (i % 16 == 0)
			sgi_send(next(&seed) % 16, 3);
	}
	irq_disable();
	__atomic_add_fetch(&storms_over, 1, __ATOMIC_SEQ_CST);
	while (storms_over < 2)
		;
	put_in_order();
	__atomic_add_fetch(&in_order, 1, __ATOMIC_SEQ_CST);
	while (in_order < 2)
		;
	until = sysreg_read(cntvct_el0) + 10 * sysreg_read(cntfrq_el0);
	answered[me] = 0;
	sgi_send(3, 1ul << me);
	while (!answered[me] && sysreg_read(cntvct_el0) < until)
		isb();
	guest_done(answered[me]);
}

static void move_lines(unsigned *seed)
{
	for (int i = 0; i < 400; i++) {
		*seed = *seed * 1103515245 + 12345;
		vm_irq_line(&vm, 32 + (*seed >> 16) % (SPIS - 32), *seed >> 30 & 1);
	}
	for (int n = 32; n < SPIS; n++)
		vm_irq_line(&vm, n, 0);
}

TEST(after_a_storm_interrupts_come_again)
{
	unsigned seed = 1;

	rounds = rounds_wanted(ROUNDS); /* before it is copied into the VM */
	for (uint64_t round = 1; round <= 4; round++) {
		uint64_t value[2] = { 0 };

		vm_create(&vm, 2);
		expect_eq(vm_add_gic(&vm, SPIS), 0);
		for (int i = 0; i < 2; i++)
			vcpu_thread_start(&vm.vcpu[i], guest_storms, 100 * round + (uint64_t)i);
		move_lines(&seed);
		for (int i = 0; i < 2; i++) {
			expect(vcpu_thread_join(&vm.vcpu[i], &value[i]));
			expect(value[i] >= 1);
		}
		vm_destroy(&vm);
	}
}
