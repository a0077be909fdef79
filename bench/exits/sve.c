/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exits to the VMM of a vCPU with SVE: where nobody uses Z registers, the guest alone, and both in
 * each round. Not available where there is no SVE.
 */
#include <sys/auxv.h>
#include <asm/hwcap.h>
#include "bench/exits/rows.h"

enum { CPACR_OPEN = 3 << 20 | 3 << 16 };

/* add z0.s, z0.s, z0.s */
#define use_z() __asm__ volatile(".inst 0x04a00000" ::: "memory")

static GUEST void guest_writes_z(uint64_t arg)
{
	(void)arg;
	sysreg_write(cpacr_el1, CPACR_OPEN);
	isb();
	for (;;) {
		use_z();
		mmio_write32(GUEST_PORT + PORT_TEST, 1);
	}
}

static bool vcpu_with_sve(void)
{
	int feature = KVM_ARM_VCPU_SVE;

	vm_create_bare(&vm);
	vm_add_ram(&vm);
	return getauxval(AT_HWCAP) & HWCAP_SVE && !vm_add_vcpu(&vm, 0) &&
	       !vcpu_init(&vm.vcpu[0], 1 << KVM_ARM_VCPU_PSCI_0_2 | 1 << KVM_ARM_VCPU_SVE) &&
	       !ioc(vm.vcpu[0].fd, KVM_ARM_VCPU_FINALIZE, &feature) && !vm_add_gic(&vm, 64);
}

static uint64_t mmio_exits(const struct row *row, uint64_t rounds)
{
	uint64_t ticks = 0;
	long err = 0;

	if (vcpu_with_sve()) {
		vcpu_start(&vm.vcpu[0], row->guest, 0);
		err |= vcpu_run(&vm.vcpu[0]);
		ticks = section_begin();
		while (rounds-- && !err) {
			err |= vcpu_run(&vm.vcpu[0]);
			if (row->fp & FP_VMM)
				use_z();
		}
		ticks = section_end(ticks);
	}
	vm_destroy(&vm);
	return err ? 0 : ticks;
}

static const struct row rows[] = {
	{ "mmio-sve", "MMIO exit of a vCPU with SVE, nobody uses it", mmio_exits, 1000,
	  guest_writes, FP_NOBODY },
	{ "mmio-sve-guest", "... the guest uses Z each round", mmio_exits, 1000, guest_writes_z,
	  FP_GUEST },
	{ "mmio-sve-both", "... both use Z each round", mmio_exits, 10000, guest_writes_z,
	  FP_BOTH },
};
const struct row_list sve_rows = ROW_LIST(rows);
