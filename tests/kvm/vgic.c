/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The GICv3 device as the VMM makes it: the orders of creation real VMMs use, the errors, and the
 * register groups. Linux: Documentation/virt/kvm/devices/arm-vgic-v3.rst. What the guest sees of
 * it is in gic.c and irq.c.
 */
#include <unistd.h>
#include "tests/kvm/lib/gic.h"
#include "tests/kvm/lib/vm.h"

enum {
	ADDR = KVM_DEV_ARM_VGIC_GRP_ADDR,
	DIST_REGS = KVM_DEV_ARM_VGIC_GRP_DIST_REGS,
	REDIST_REGS = KVM_DEV_ARM_VGIC_GRP_REDIST_REGS,
	CPU_SYSREGS = KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS,
	LEVEL_INFO = KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO,
	NR_IRQS = KVM_DEV_ARM_VGIC_GRP_NR_IRQS,
	CTRL = KVM_DEV_ARM_VGIC_GRP_CTRL,
	INIT = KVM_DEV_ARM_VGIC_CTRL_INIT,
	DIST = KVM_VGIC_V3_ADDR_TYPE_DIST,
	REDIST = KVM_VGIC_V3_ADDR_TYPE_REDIST,
	PSCI = 1 << KVM_ARM_VCPU_PSCI_0_2,
};

static struct vm vm;
static const uint64_t dist = GUEST_GICD, redist = GUEST_GICR;
static const uint32_t irqs = 64;

static long gic_create(void)
{
	struct kvm_create_device device = { .type = KVM_DEV_TYPE_ARM_VGIC_V3 };
	long err = ioc(vm.fd, KVM_CREATE_DEVICE, &device);

	if (!err)
		vm.gic = (int)device.fd;
	return err;
}

static long gic_has(unsigned group, uint64_t attribute)
{
	struct kvm_device_attr attr = { 0, group, attribute, 0 };

	return ioc(vm.gic, KVM_HAS_DEVICE_ATTR, &attr);
}

static long set(unsigned group, uint64_t attribute, const void *value)
{
	return device_set(vm.gic, group, attribute, value);
}

static long get(unsigned group, uint64_t attribute, void *value)
{
	return device_get(vm.gic, group, attribute, value);
}

static GUEST void guest_reads_typer(uint64_t arg)
{
	(void)arg;
	guest_done(mmio_read32(GUEST_GICD + GICD_TYPER) & 31);
}

/* The VM works: the guest reads that the distributor has 64 interrupts. */
static void expect_works(void)
{
	uint64_t typer;

	vcpu_start(&vm.vcpu[0], guest_reads_typer, 0);
	expect(vcpu_run_done(&vm.vcpu[0], &typer));
	expect_eq(typer, irqs / 32 - 1);
}

/* What the vCPU is given before it runs is kept, and is in no CPU's registers when the GIC comes.
 */
TEST(a_vcpu_that_has_events_before_there_is_a_gic)
{
	struct kvm_vcpu_events events = { .exception.serror_pending = 1 };

	vm_create(&vm, 1);
	expect_eq(ioc(vm.vcpu[0].fd, KVM_SET_VCPU_EVENTS, &events), 0);
	expect_eq(vm_add_gic(&vm, irqs), 0);
	reg_get64(&vm.vcpu[0], REG_X(0));
	expect_eq(ioc(vm.vcpu[0].fd, KVM_GET_VCPU_EVENTS, &events), 0);
	expect_eq(events.exception.serror_pending, 1);
	vm_destroy(&vm);
}

TEST(in_the_order_of_kvmtool)
{
	vm_create(&vm, 0);
	expect_eq(gic_create(), 0);
	expect_eq(set(ADDR, REDIST, &redist), 0);
	expect_eq(set(ADDR, DIST, &dist), 0);
	expect_eq(vm_add_vcpu(&vm, 0), 0);
	expect_eq(vcpu_init(&vm.vcpu[0], PSCI), 0);
	expect_eq(vm_add_vcpu(&vm, 1), 0);
	expect_eq(vcpu_init(&vm.vcpu[1], PSCI | 1 << KVM_ARM_VCPU_POWER_OFF), 0);
	expect_eq(gic_has(NR_IRQS, 0), 0);
	expect_eq(set(NR_IRQS, 0, &irqs), 0);
	expect_eq(gic_has(CTRL, INIT), 0);
	expect_eq(set(CTRL, INIT, NULL), 0);
	expect_works();
	vm_destroy(&vm);
}

TEST(in_the_order_of_firecracker)
{
	vm_create_bare(&vm);
	expect_eq(vm_add_vcpu(&vm, 0), 0);
	expect_eq(vm_add_vcpu(&vm, 1), 0);
	vm_add_ram(&vm);
	expect_eq(gic_create(), 0);
	expect_eq(set(ADDR, DIST, &dist), 0);
	expect_eq(set(ADDR, REDIST, &redist), 0);
	expect_eq(set(NR_IRQS, 0, &irqs), 0);
	expect_eq(set(CTRL, INIT, NULL), 0);
	expect_eq(vcpu_init(&vm.vcpu[0], PSCI), 0);
	expect_eq(vcpu_init(&vm.vcpu[1], PSCI | 1 << KVM_ARM_VCPU_POWER_OFF), 0);
	expect_works();
	vm_destroy(&vm);
}

TEST(in_the_order_of_qemu)
{
	vm_create(&vm, 2);
	expect_eq(gic_create(), 0);
	expect_eq(set(NR_IRQS, 0, &irqs), 0);
	expect_eq(set(CTRL, INIT, NULL), 0);
	expect_eq(set(ADDR, REDIST, &redist), 0);
	expect_eq(set(ADDR, DIST, &dist), 0);
	expect_eq(vcpu_init(&vm.vcpu[0], PSCI), 0);
	expect_eq(vcpu_init(&vm.vcpu[1], PSCI), 0);
	expect_works();
	vm_destroy(&vm);
}

TEST(the_redistributors_can_be_a_region)
{
	uint64_t region = 2ul << 52 | GUEST_GICR, back = 0, small = 1ul << 52 | GUEST_GICR;

	vm_create(&vm, 2);
	expect_eq(gic_create(), 0);
	expect_eq(gic_has(ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION), 0);
	expect_eq(set(ADDR, DIST, &dist), 0);
	expect_eq(set(ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION, &region), 0);
	expect_eq(get(ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION, &back), 0);
	expect_eq(back, region);
	expect_eq(set(ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION, &small), -EINVAL);
	expect_eq(set(ADDR, REDIST, &redist), -EINVAL);
	expect_eq(set(NR_IRQS, 0, &irqs), 0);
	expect_eq(set(CTRL, INIT, NULL), 0);
	expect_works();
	vm_destroy(&vm);
}

TEST(only_one_controller)
{
	vm_create(&vm, 1);
	expect_eq(gic_create(), 0);
	expect_eq(gic_create(), -EEXIST);
	vm_destroy(&vm);
}

TEST(a_run_needs_the_finished_controller)
{
	vm_create(&vm, 1);
	expect_eq(gic_create(), 0);
	vcpu_start(&vm.vcpu[0], guest_reads_typer, 0);
	expect_eq(vcpu_run(&vm.vcpu[0]), -ENXIO);
	vm_destroy(&vm);
}

TEST(no_vcpus_after_init)
{
	vm_create(&vm, 1);
	expect_eq(vm_add_gic(&vm, 64), 0);
	expect_eq(vm_add_vcpu(&vm, 1), -EBUSY);
	vm_destroy(&vm);
}

TEST(addresses_are_checked)
{
	uint64_t odd = GUEST_GICD + 4096, far = 1ul << 40, back = 0;

	vm_create(&vm, 1);
	expect_eq(gic_create(), 0);
	expect_eq(get(ADDR, DIST, &back), 0);
	expect_eq(back, ~0ul);
	expect_eq(set(ADDR, DIST, &odd), -EINVAL);
	expect_eq(set(ADDR, DIST, &far), -E2BIG);
	expect_eq(set(ADDR, DIST, (void *)8), -EFAULT);
	expect_eq(set(ADDR, 99, &dist), -ENXIO);
	expect_eq(set(ADDR, DIST, &dist), 0);
	expect_eq(set(ADDR, DIST, &dist), -EEXIST);
	expect_eq(set(ADDR, REDIST, &redist), 0);
	expect_eq(set(ADDR, REDIST, &redist), -EEXIST);
	expect_eq(get(ADDR, DIST, &back), 0);
	expect_eq(back, dist);
	expect_eq(get(ADDR, REDIST, &back), 0);
	expect_eq(back, redist);
	vm_destroy(&vm);
}

TEST(the_number_of_interrupts_is_checked)
{
	static const uint32_t wrong[] = { 0, 32, 63, 65, 1025, 1056, 4096 };
	uint32_t n = 0;

	vm_create(&vm, 1);
	expect_eq(gic_create(), 0);
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		expect_eq(set(NR_IRQS, 0, &wrong[i]), -EINVAL);
	expect_eq(set(NR_IRQS, 0, (void *)8), -EFAULT);
	expect_eq(set(NR_IRQS, 0, &irqs), 0);
	expect_eq(set(NR_IRQS, 0, &irqs), -EBUSY);
	expect_eq(get(NR_IRQS, 0, &n), 0);
	expect_eq(n, irqs);
	vm_destroy(&vm);
}

TEST(unknown_groups_and_attributes)
{
	vm_create(&vm, 1);
	expect_eq(gic_create(), 0);
	expect_eq(gic_has(99, 0), -ENXIO);
	expect_eq(gic_has(ADDR, 99), -ENXIO);
	expect_eq(gic_has(CTRL, 99), -ENXIO);
	expect_eq(gic_has(ADDR, DIST), 0);
	expect_eq(gic_has(ADDR, REDIST), 0);
	expect_eq(set(99, 0, &dist), -ENXIO);
	expect_eq(set(CTRL, 99, NULL), -ENXIO);
	expect_eq(ioc(vm.gic, KVM_GET_API_VERSION, 0), -ENOTTY);
	vm_destroy(&vm);
}

TEST(distributor_registers_are_read_and_written)
{
	uint32_t value = 0;

	vm_create(&vm, 1);
	expect_eq(gic_create(), 0);
	expect_eq(get(DIST_REGS, GICD_TYPER, &value), -EBUSY);
	vm_destroy(&vm);

	vm_create(&vm, 1);
	expect_eq(vm_add_gic(&vm, 64), 0);
	expect_eq(get(DIST_REGS, GICD_TYPER, &value), 0);
	expect_eq(value & 31, 1);
	value = 0x5;
	expect_eq(set(DIST_REGS, GICD_ISENABLER + 4, &value), 0);
	value = 0;
	expect_eq(get(DIST_REGS, GICD_ISENABLER + 4, &value), 0);
	expect_eq(value, 5);
	value = 1;
	expect_eq(set(DIST_REGS, GICD_ICENABLER + 4, &value), 0);
	expect_eq(get(DIST_REGS, GICD_ISENABLER + 4, &value), 0);
	expect_eq(value, 4);
	value = 0xa0b0c0f0;
	expect_eq(set(DIST_REGS, GICD_IPRIORITYR + 32, &value), 0);
	value = 0;
	expect_eq(get(DIST_REGS, GICD_IPRIORITYR + 32, &value), 0);
	expect_eq(value, 0xa0b0c0f0);
	vm_destroy(&vm);
}

TEST(redistributor_registers_are_read_and_written)
{
	uint32_t value = 0;

	vm_create(&vm, 2);
	expect_eq(vm_add_gic(&vm, 64), 0);
	expect_eq(get(REDIST_REGS, 1ul << 32 | (GICR_TYPER + 4), &value), 0);
	expect_eq(value, 1);
	expect_eq(get(REDIST_REGS, 1ul << 32 | GICR_TYPER, &value), 0);
	expect_eq(value & GICR_TYPER_LAST, GICR_TYPER_LAST);
	expect_eq(value >> 8 & 0xffff, 1);
	expect_eq(get(REDIST_REGS, GICR_TYPER, &value), 0);
	expect_eq(value & GICR_TYPER_LAST, 0);
	value = 0x08000001;
	expect_eq(set(REDIST_REGS, GICR_SGI + GICD_ISENABLER, &value), 0);
	value = 0;
	expect_eq(get(REDIST_REGS, GICR_SGI + GICD_ISENABLER, &value), 0);
	expect_eq(value & 0x08000001, 0x08000001);
	expect_eq(get(REDIST_REGS, 1ul << 32 | (GICR_SGI + GICD_ISENABLER), &value), 0);
	expect_eq(value & 0x08000000, 0);
	expect_eq(get(REDIST_REGS, 9ul << 32 | GICR_TYPER, &value), -EINVAL);
	vm_destroy(&vm);
}

/* The attribute of a register is its encoding as in the ONE_REG identifier. */
#define ICC(op1, crn, crm, op2) (ARM64_SYS_REG(3, op1, crn, crm, op2) & 0xffff)

TEST(cpu_interface_registers_are_read_and_written)
{
	uint64_t value = 0;

	vm_create(&vm, 1);
	expect_eq(vm_add_gic(&vm, 64), 0);
	expect_eq(get(CPU_SYSREGS, ICC(0, 12, 12, 4), &value), 0); /* ICC_CTLR_EL1 */
	expect_eq(set(CPU_SYSREGS, ICC(0, 12, 12, 4), &value), 0);
	value = 0xf0;
	expect_eq(set(CPU_SYSREGS, ICC(0, 4, 6, 0), &value), 0); /* ICC_PMR_EL1 */
	value = 0;
	expect_eq(get(CPU_SYSREGS, ICC(0, 4, 6, 0), &value), 0);
	expect_eq(value, 0xf0);
	value = 1;
	expect_eq(set(CPU_SYSREGS, ICC(0, 12, 12, 7), &value), 0); /* ICC_IGRPEN1_EL1 */
	value = 0;
	expect_eq(get(CPU_SYSREGS, ICC(0, 12, 12, 7), &value), 0);
	expect_eq(value, 1);
	expect_eq(get(CPU_SYSREGS, ICC(0, 12, 12, 5), &value), 0); /* ICC_SRE_EL1 */
	expect_eq(value, 7);
	expect_eq(get(CPU_SYSREGS, ICC(0, 1, 0, 0), &value), -ENOENT);
	vm_destroy(&vm);
}

TEST(levels_are_read_and_written)
{
	uint64_t line = (uint64_t)VGIC_LEVEL_INFO_LINE_LEVEL
			<< KVM_DEV_ARM_VGIC_LINE_LEVEL_INFO_SHIFT;
	uint32_t value = 0;

	vm_create(&vm, 1);
	expect_eq(vm_add_gic(&vm, 64), 0);
	expect_eq(set(DIST_REGS, GICD_ICFGR + 8, &value), 0); /* level, all of 32 to 47 */
	expect_eq(vm_irq_line(&vm, 35, 1), 0);
	expect_eq(get(LEVEL_INFO, line | 32, &value), 0);
	expect_eq(value, 1u << 3);
	value = 1u << 5;
	expect_eq(set(LEVEL_INFO, line | 32, &value), 0);
	expect_eq(get(LEVEL_INFO, line | 32, &value), 0);
	expect_eq(value, 1u << 5);
	expect_eq(get(LEVEL_INFO, line | 33, &value), -EINVAL);
	vm_destroy(&vm);
}
