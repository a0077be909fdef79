/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The GICv3's registers as the guest reads and writes them: what an operating system looks at when
 * it starts. Arm IHI 0069, chapter 12.
 */
#include "tests/kvm/lib/gic.h"
#include "tests/kvm/lib/vm.h"

enum { SPIS = 96 };

static struct vm vm;
static volatile uint64_t results[24];

static bool run(int vcpus, void (*fn)(uint64_t), int on)
{
	uint64_t done;

	vm_create(&vm, vcpus);
	expect_eq(vm_add_gic(&vm, SPIS), 0);
	vcpu_start(&vm.vcpu[on], fn, 0);
	return vcpu_run_done(&vm.vcpu[on], &done);
}

static GUEST void guest_identifies(uint64_t arg)
{
	uint64_t redist = gicr_sgi_base() - GICR_SGI;

	(void)arg;
	results[0] = mmio_read32(GUEST_GICD + GICD_TYPER);
	results[1] = mmio_read32(GUEST_GICD + GICD_PIDR2);
	results[2] = mmio_read32(redist + GICR_PIDR2);
	results[3] = mmio_read64(redist + GICR_TYPER);
	results[4] = mmio_read32(redist + GICR_TYPER + 4);
	results[5] = mmio_read32(GUEST_GICD + GICD_CTLR);
	results[6] = mmio_read32(GUEST_GICD + GICD_IIDR);
	results[7] = mmio_read32(redist + GICR_WAKER);
	results[8] = sysreg_read(s3_0_c12_c12_5); /* ICC_SRE_EL1 */
	results[9] = sysreg_read(s3_0_c12_c12_4); /* ICC_CTLR_EL1 */
	results[10] = mmio_read32(redist + GICR_TYPER);
	guest_done(1);
}

TEST(identification)
{
	expect(run(2, guest_identifies, 1));
	expect_eq(guest_view(&vm, results[0]) & 31, SPIS / 32 - 1);
	expect(!(guest_view(&vm, results[0]) & 1 << 10)); /* one security state */
	expect_eq(guest_view(&vm, results[1]) >> 4 & 15, 3);
	expect_eq(guest_view(&vm, results[2]) >> 4 & 15, 3);
	expect_eq(guest_view(&vm, results[3]) >> 32, 1); /* affinity */
	expect_eq(guest_view(&vm, results[4]), 1);
	expect_eq(guest_view(&vm, results[3]) >> 8 & 0xffff, 1); /* processor number */
	expect(guest_view(&vm, results[3]) & GICR_TYPER_LAST);
	expect_eq(guest_view(&vm, results[3]) & 0xffffffff, guest_view(&vm, results[10]));
	expect(guest_view(&vm, results[5]) & GICD_CTLR_ARE_NS);
	expect(!(guest_view(&vm, results[5]) & 1u << 31)); /* no write pending */
	expect_eq(guest_view(&vm, results[7]), 0);
	expect_eq(guest_view(&vm, results[8]), 7);
	vm_destroy(&vm);
}

static GUEST void guest_writes(uint64_t arg)
{
	uint64_t d = GUEST_GICD;

	(void)arg;
	mmio_write32(d + GICD_ISENABLER + 4, 0xf0);
	mmio_write32(d + GICD_ICENABLER + 4, 0x30);
	results[0] = mmio_read32(d + GICD_ISENABLER + 4);
	results[1] = mmio_read32(d + GICD_ICENABLER + 4);
	mmio_write32(d + GICD_IPRIORITYR + 40, 0x11223344);
	mmio_write8(d + GICD_IPRIORITYR + 41, 0xa8);
	results[2] = mmio_read32(d + GICD_IPRIORITYR + 40);
	results[3] = mmio_read8(d + GICD_IPRIORITYR + 41);
	mmio_write32(d + GICD_IGROUPR + 4, 0xffff0000);
	results[4] = mmio_read32(d + GICD_IGROUPR + 4);
	mmio_write32(d + GICD_ICFGR + 8, 0xaaaaaaaa);
	results[5] = mmio_read32(d + GICD_ICFGR + 8);
	mmio_write32(d + GICD_ICFGR + 8, 0);
	results[6] = mmio_read32(d + GICD_ICFGR + 8);
	mmio_write64(d + GICD_IROUTER + 8 * 50, 1);
	results[7] = mmio_read64(d + GICD_IROUTER + 8 * 50);
	mmio_write32(d + GICD_ISPENDR + 4, 1 << 9);
	results[8] = mmio_read32(d + GICD_ISPENDR + 4);
	mmio_write32(d + GICD_ICPENDR + 4, 1 << 9);
	results[9] = mmio_read32(d + GICD_ISPENDR + 4);
	mmio_write32(d + GICD_ISACTIVER + 4, 1 << 9);
	results[10] = mmio_read32(d + GICD_ISACTIVER + 4);
	mmio_write32(d + GICD_ICACTIVER + 4, 1 << 9);
	results[11] = mmio_read32(d + GICD_ISACTIVER + 4);
	guest_done(1);
}

TEST(distributor_registers)
{
	expect(run(2, guest_writes, 0));
	expect_eq(guest_view(&vm, results[0]), 0xc0);
	expect_eq(guest_view(&vm, results[1]), 0xc0);
	/* Five bits of priority: the lowest three read as zero. */
	expect_eq(guest_view(&vm, results[2]), 0x1020a840);
	expect_eq(guest_view(&vm, results[3]), 0xa8);
	expect_eq(guest_view(&vm, results[4]), 0xffff0000);
	expect_eq(guest_view(&vm, results[5]), 0xaaaaaaaa);
	expect_eq(guest_view(&vm, results[6]), 0);
	expect_eq(guest_view(&vm, results[7]), 1);
	expect_eq(guest_view(&vm, results[8]), 1 << 9);
	expect_eq(guest_view(&vm, results[9]), 0);
	expect_eq(guest_view(&vm, results[10]), 1 << 9);
	expect_eq(guest_view(&vm, results[11]), 0);
	vm_destroy(&vm);
}

static GUEST void guest_redist(uint64_t arg)
{
	uint64_t s = gicr_sgi_base();

	(void)arg;
	mmio_write32(s + GICD_ISENABLER, 0x08000008);
	results[0] = mmio_read32(s + GICD_ISENABLER) & 0x08000008;
	mmio_write32(s + GICD_ICENABLER, 8);
	results[1] = mmio_read32(s + GICD_ISENABLER) & 0x08000008;
	mmio_write32(s + GICD_IPRIORITYR + 24, 0x80808080);
	results[2] = mmio_read32(s + GICD_IPRIORITYR + 24);
	results[3] = mmio_read32(s + GICD_ICFGR); /* SGIs are edges */
	mmio_write32(s + GICD_ICFGR, 0);
	results[4] = mmio_read32(s + GICD_ICFGR);
	/* In the distributor the first 32 are not there. */
	results[5] = mmio_read32(GUEST_GICD + GICD_ISENABLER);
	guest_done(guest_self()->faults);
}

TEST(redistributor_registers)
{
	expect(run(1, guest_redist, 0));
	expect_eq(guest_view(&vm, results[0]), 0x08000008);
	expect_eq(guest_view(&vm, results[1]), 0x08000000);
	expect_eq(guest_view(&vm, results[2]), 0x80808080);
	expect_eq(guest_view(&vm, results[3]), 0xaaaaaaaa);
	expect_eq(guest_view(&vm, results[4]), 0xaaaaaaaa);
	expect_eq(guest_view(&vm, results[5]), 0);
	vm_destroy(&vm);
}

static GUEST void guest_odd(uint64_t arg)
{
	(void)arg;
	/* Reserved offsets read as zero, and writes go nowhere: no exit, no exception. */
	results[0] = mmio_read32(GUEST_GICD + 0xd000);
	mmio_write32(GUEST_GICD + 0xd000, ~0u);
	results[1] = mmio_read32(GUEST_GICD + GICD_ITARGETSR + 32);
	mmio_write32(GUEST_GICD + GICD_SGIR, 0);
	/* Beyond the last interrupt. */
	mmio_write32(GUEST_GICD + GICD_ISENABLER + 4 * (SPIS / 32), ~0u);
	results[2] = mmio_read32(GUEST_GICD + GICD_ISENABLER + 4 * (SPIS / 32));
	results[3] = guest_self()->faults;
	guest_done(1);
}

TEST(reserved_registers_are_harmless)
{
	expect(run(1, guest_odd, 0));
	for (int i = 0; i < 4; i++)
		expect_eq(guest_view(&vm, results[i]), 0);
	vm_destroy(&vm);
}

static GUEST void guest_cpu_interface(uint64_t arg)
{
	(void)arg;
	sysreg_write(s3_0_c4_c6_0, 0xff); /* ICC_PMR_EL1 */
	results[0] = sysreg_read(s3_0_c4_c6_0);
	sysreg_write(s3_0_c12_c12_7, 1); /* ICC_IGRPEN1_EL1 */
	isb();
	results[1] = sysreg_read(s3_0_c12_c12_7);
	results[2] = sysreg_read(s3_0_c12_c11_3); /* ICC_RPR_EL1: idle */
	results[3] = sysreg_read(s3_0_c12_c12_0); /* ICC_IAR1_EL1: nothing */
	results[4] = sysreg_read(s3_0_c12_c12_2); /* ICC_HPPIR1_EL1: nothing */
	sysreg_write(s3_0_c12_c12_3, 0);	  /* ICC_BPR1_EL1 */
	results[5] = sysreg_read(s3_0_c12_c12_3);
	results[6] = guest_self()->faults;
	guest_done(1);
}

TEST(cpu_interface_registers)
{
	expect(run(1, guest_cpu_interface, 0));
	expect(guest_view(&vm, results[0]) >= 0xf0 && guest_view(&vm, results[0]) <= 0xff);
	expect_eq(guest_view(&vm, results[1]), 1);
	expect_eq(guest_view(&vm, results[2]), 0xff);
	expect_eq(guest_view(&vm, results[3]), 1023);
	expect_eq(guest_view(&vm, results[4]), 1023);
	expect(guest_view(&vm, results[5]) <= 3);
	expect_eq(guest_view(&vm, results[6]), 0);
	vm_destroy(&vm);
}
