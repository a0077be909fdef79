/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registers one by one: the list, that every listed one takes back what it gave, what is refused,
 * and that the guest sees what the VMM sets. Linux: Documentation/virt/kvm/api.rst, 4.68 and 4.69.
 */
#include <stdlib.h>
#include <string.h>
#include "tests/kvm/lib/vm.h"

#define SYS(op1, crn, crm, op2) ARM64_SYS_REG(3, op1, crn, crm, op2)
#define REG_V(n)                                                                                   \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U128 | KVM_REG_ARM_CORE |                                    \
	 (KVM_REG_ARM_CORE_REG(fp_regs.vregs[0]) + 4 * (n)))
#define REG_FPSR                                                                                   \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U32 | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(fp_regs.fpsr))
#define REG_FPCR                                                                                   \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U32 | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(fp_regs.fpcr))

static struct vm vm;
static struct vcpu *vcpu;

static void setup(void)
{
	vm_create(&vm, 1);
	vcpu = &vm.vcpu[0];
}

static struct kvm_reg_list *list_get(void)
{
	struct kvm_reg_list probe = { 0 }, *list;

	expect_eq(ioc(vcpu->fd, KVM_GET_REG_LIST, &probe), -E2BIG);
	expect(probe.n >= 60 && probe.n < 2000);
	list = calloc(1, sizeof(*list) + 8 * probe.n);
	list->n = probe.n;
	expect_eq(ioc(vcpu->fd, KVM_GET_REG_LIST, list), 0);
	expect_eq(list->n, probe.n);
	return list;
}

static bool listed(const struct kvm_reg_list *list, uint64_t id)
{
	for (uint64_t i = 0; i < list->n; i++) {
		if (list->reg[i] == id)
			return true;
	}
	tap_print("# %#lx is not listed\n", (long)id);
	return false;
}

TEST(the_list_has_what_a_vmm_must_save)
{
	struct kvm_reg_list *list;

	setup();
	list = list_get();
	for (int n = 0; n < 31; n++)
		expect(listed(list, REG_X(n)));
	for (int n = 0; n < 32; n++)
		expect(listed(list, REG_V(n)));
	expect(listed(list, REG_CORE(regs.sp)) && listed(list, REG_CORE(regs.pc)) &&
	       listed(list, REG_CORE(regs.pstate)));
	expect(listed(list, REG_CORE(sp_el1)) && listed(list, REG_CORE(elr_el1)));
	for (int n = 0; n < 5; n++)
		expect(listed(list, REG_CORE(spsr[0]) + 2 * (uint64_t)n));
	expect(listed(list, REG_FPSR) && listed(list, REG_FPCR));
	expect(listed(list, SYS(0, 1, 0, 0)) && listed(list, SYS(0, 2, 0, 0)) &&
	       listed(list, SYS(0, 2, 0, 1)) && listed(list, SYS(0, 2, 0, 2)));
	expect(listed(list, SYS(0, 5, 2, 0)) && listed(list, SYS(0, 6, 0, 0)) &&
	       listed(list, SYS(0, 10, 2, 0)) && listed(list, SYS(0, 12, 0, 0)));
	expect(listed(list, SYS(3, 13, 0, 2)) && listed(list, SYS(3, 13, 0, 3)) &&
	       listed(list, SYS(0, 13, 0, 4)) && listed(list, SYS(0, 13, 0, 1)));
	expect(listed(list, KVM_REG_ARM_TIMER_CTL) && listed(list, KVM_REG_ARM_TIMER_CVAL) &&
	       listed(list, KVM_REG_ARM_TIMER_CNT));
	free(list);
	vm_destroy(&vm);
}

TEST(every_listed_register_takes_back_its_value)
{
	struct kvm_reg_list *list;
	unsigned char value[2048];

	setup();
	list = list_get();
	for (uint64_t i = 0; i < list->n; i++) {
		uint64_t id = list->reg[i];
		unsigned size = 1u << ((id & KVM_REG_SIZE_MASK) >> KVM_REG_SIZE_SHIFT);

		memset(value, 0xee, sizeof(value));
		if (!expect_eq(reg_get(vcpu, id, value), 0) ||
		    !expect_eq(reg_set(vcpu, id, value), 0) || !expect_eq(value[size], 0xee))
			tap_print("# register %#lx\n", (long)id);
		for (uint64_t j = 0; j < i; j++)
			expect(list->reg[j] != id);
	}
	free(list);
	vm_destroy(&vm);
}

TEST(general_and_vector_registers_keep_what_is_set)
{
	setup();
	for (uint64_t n = 0; n < 31; n++)
		expect_eq(reg_set64(vcpu, REG_X(n), n * 0x0101010101010101), 0);
	for (uint64_t n = 0; n < 32; n++) {
		uint64_t v[2] = { n + 1, ~n };

		expect_eq(reg_set(vcpu, REG_V(n), v), 0);
	}
	for (uint64_t n = 0; n < 31; n++)
		expect_eq(reg_get64(vcpu, REG_X(n)), n * 0x0101010101010101);
	for (uint64_t n = 0; n < 32; n++) {
		uint64_t v[2] = { 0 };

		expect_eq(reg_get(vcpu, REG_V(n), v), 0);
		expect_eq(v[0], n + 1);
		expect_eq(v[1], ~n);
	}
	vm_destroy(&vm);
}

TEST(system_registers_keep_what_is_set)
{
	static const uint64_t ids[] = {
		SYS(0, 2, 0, 0),  SYS(0, 2, 0, 1),   SYS(0, 6, 0, 0),  SYS(0, 10, 2, 0),
		SYS(0, 12, 0, 0), SYS(3, 13, 0, 2),  SYS(3, 13, 0, 3), SYS(0, 13, 0, 4),
		SYS(0, 13, 0, 1), REG_CORE(elr_el1), REG_CORE(sp_el1), REG_CORE(regs.sp),
	};

	setup();
	for (unsigned i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		expect_eq(reg_set64(vcpu, ids[i], 0x12340000 + 0x800 * i), 0);
	for (unsigned i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		expect_eq(reg_get64(vcpu, ids[i]), 0x12340000 + 0x800 * i);
	vm_destroy(&vm);
}

static uint64_t seen[8];

static GUEST void guest_looks(uint64_t arg)
{
	seen[0] = sysreg_read(tpidr_el0);
	seen[1] = sysreg_read(tpidrro_el0);
	seen[2] = sysreg_read(ttbr0_el1);
	seen[3] = sysreg_read(mair_el1);
	seen[4] = sysreg_read(contextidr_el1);
	seen[5] = arg;
	sysreg_write(tpidr_el0, 0x1111);
	sysreg_write(far_el1, 0x2222);
	sysreg_write(ttbr1_el1, 0x3000);
	guest_done(1);
}

TEST(the_guest_sees_what_is_set_and_the_vmm_what_it_wrote)
{
	uint64_t done;

	setup();
	vcpu_start(vcpu, guest_looks, 77);
	reg_set64(vcpu, SYS(3, 13, 0, 2), 0xa1);
	reg_set64(vcpu, SYS(3, 13, 0, 3), 0xa2);
	reg_set64(vcpu, SYS(0, 2, 0, 0), 0xa3000);
	reg_set64(vcpu, SYS(0, 10, 2, 0), 0xff00);
	reg_set64(vcpu, SYS(0, 13, 0, 1), 0xa5);
	expect(vcpu_run_done(vcpu, &done));
	expect_eq(guest_view(&vm, seen[0]), 0xa1);
	expect_eq(guest_view(&vm, seen[1]), 0xa2);
	expect_eq(guest_view(&vm, seen[2]), 0xa3000);
	expect_eq(guest_view(&vm, seen[3]), 0xff00);
	expect_eq(guest_view(&vm, seen[4]), 0xa5);
	expect_eq(guest_view(&vm, seen[5]), 77);
	expect_eq(reg_get64(vcpu, SYS(3, 13, 0, 2)), 0x1111);
	expect_eq(reg_get64(vcpu, SYS(0, 6, 0, 0)), 0x2222);
	expect_eq(reg_get64(vcpu, SYS(0, 2, 0, 1)), 0x3000);
	vm_destroy(&vm);
}

TEST(unknown_registers_are_not_found)
{
	uint64_t value[32] = { 0 };

	setup();
	expect_eq(reg_get(vcpu, SYS(7, 15, 15, 7), value), -ENOENT);
	expect_eq(reg_set(vcpu, SYS(7, 15, 15, 7), value), -ENOENT);
	expect_eq(reg_get(vcpu, REG_CORE(regs.pc) + 1, value), -EINVAL);
	expect_eq(reg_get(vcpu, REG_CORE(regs.pc) + 0x1000, value), -ENOENT);
	expect_eq(reg_get(vcpu, REG_CORE(regs.pc) ^ KVM_REG_SIZE_U64 ^ KVM_REG_SIZE_U32, value),
		  -EINVAL);
	expect_eq(reg_get(vcpu, REG_V(0) ^ KVM_REG_SIZE_U128 ^ KVM_REG_SIZE_U64, value), -EINVAL);
	expect_eq(reg_get(vcpu, 0, value), -EINVAL);
	expect_eq(reg_get(vcpu, KVM_REG_X86 | KVM_REG_SIZE_U64, value), -EINVAL);
	vm_destroy(&vm);
}

TEST(identification_cannot_be_changed)
{
	/* MIDR, CTR, ID_AA64ISAR0, ID_AA64MMFR0 */
	static const uint64_t ids[] = { SYS(0, 0, 0, 0), SYS(3, 0, 0, 1), SYS(0, 0, 6, 0) };

	setup();
	for (unsigned i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		uint64_t value = reg_get64(vcpu, ids[i]);

		expect_eq(reg_set64(vcpu, ids[i], value), 0);
		expect_eq(reg_set64(vcpu, ids[i], value ^ 0x10), -EINVAL);
		expect_eq(reg_get64(vcpu, ids[i]), value);
	}
	vm_destroy(&vm);
}

/* As QEMU 10 does: read what the CPU is, make the vGIC, write it back. */
TEST(identification_is_the_same_before_the_vgic_and_after)
{
	uint64_t pfr0;

	vm_create_bare(&vm);
	expect_eq(vm_add_vcpu(&vm, 0), 0);
	expect_eq(vcpu_init(&vm.vcpu[0], 0), 0);
	pfr0 = reg_get64(&vm.vcpu[0], SYS(0, 0, 4, 0));
	expect(vm_add_gic(&vm, 64) >= 0);
	expect_eq(reg_get64(&vm.vcpu[0], SYS(0, 0, 4, 0)), pfr0);
	expect_eq(reg_set64(&vm.vcpu[0], SYS(0, 0, 4, 0), pfr0), 0);
	expect_eq(pfr0 >> 24 & 15, 1);
	vm_destroy(&vm);
}

TEST(mpidr_tells_the_vcpu)
{
	vm_create(&vm, 3);
	for (uint64_t i = 0; i < 3; i++)
		expect_eq(reg_get64(&vm.vcpu[i], SYS(0, 0, 0, 5)), 0x80000000 | i);
	vm_destroy(&vm);
}

TEST(pstate_is_checked)
{
	/* EL2h, EL3h, AArch32 supervisor, an undefined mode */
	static const uint64_t wrong[] = { 0x3c9, 0x3cd, 0x1d3, 0x3c7 };

	setup();
	expect_eq(reg_get64(vcpu, REG_CORE(regs.pstate)), 0x3c5);
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		expect_eq(reg_set64(vcpu, REG_CORE(regs.pstate), wrong[i]), -EINVAL);
	expect_eq(reg_get64(vcpu, REG_CORE(regs.pstate)), 0x3c5);
	expect_eq(reg_set64(vcpu, REG_CORE(regs.pstate), 0x3c4), 0);
	expect_eq(reg_set64(vcpu, REG_CORE(regs.pstate), 0x800003c0), 0);
	expect_eq(reg_get64(vcpu, REG_CORE(regs.pstate)), 0x800003c0);
	vm_destroy(&vm);
}

TEST(all_identification_registers_read)
{
	unsigned unread = 0;
	uint64_t value;

	setup();
	for (unsigned crm = 1; crm < 8; crm++) {
		for (unsigned op2 = 0; op2 < 8; op2++)
			unread += reg_get(vcpu, SYS(0, 0, crm, op2), &value) != 0;
	}
	expect_eq(unread, 0);
	vm_destroy(&vm);
}
