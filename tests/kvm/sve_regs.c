/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SVE for vCPUs as the VMM sees it: how it is asked for, in which order, its registers one by one at every
 * length. Linux: Documentation/virt/kvm/api.rst, 4.68, 4.82, 4.119.
 */
#include <stdlib.h>
#include <string.h>
#include "tests/kvm/lib/sve.h"

#define Z(n)	 KVM_REG_ARM64_SVE_ZREG(n, 0)
#define P(n)	 KVM_REG_ARM64_SVE_PREG(n, 0)
#define FFR	 KVM_REG_ARM64_SVE_FFR(0)
#define VLS	 KVM_REG_ARM64_SVE_VLS
#define ZCR_EL1	 ARM64_SYS_REG(3, 0, 1, 2, 0)
#define ZFR0	 ARM64_SYS_REG(3, 0, 0, 4, 4)
#define PFR0	 ARM64_SYS_REG(3, 0, 0, 4, 0)
#define REG_V(n)                                                                                   \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U128 | KVM_REG_ARM_CORE |                                    \
	 (KVM_REG_ARM_CORE_REG(fp_regs.vregs[0]) + 4 * (n)))


static struct vm vm;
static struct sve_image pattern[2], found[1], mine, after;
static volatile uint64_t results[40];

static void setup(void)
{
	vm_create_bare(&vm);
	vm_add_ram(&vm);
}

TEST(the_capability_says_what_init_takes)
{
	uint64_t vls[8] = { 0 };
	long offered;

	setup();
	offered = ioc(vm.kvm, KVM_CHECK_EXTENSION, KVM_CAP_ARM_SVE);
	expect(offered == 0 || offered == 1);
	expect_eq(vm_add_vcpu(&vm, 0), 0);
	expect_eq(vcpu_init(&vm.vcpu[0], VCPU_WITH_SVE), offered ? 0 : -EINVAL);
	if (offered) {
		expect_eq(reg_get(&vm.vcpu[0], VLS, vls), 0);
		for (int n = 1; n < 8; n++)
			expect_eq(vls[n], 0);
		expect(vls[0] & 1);
		expect_eq(vls[0], sve_lengths());
		tap_print("# lengths %#lx\n", vls[0]);
	}
	vm_destroy(&vm);
}

TEST(everything_in_its_order)
{
	struct kvm_reg_list list = { 0 };
	int wrong = KVM_ARM_VCPU_PSCI_0_2;
	uint64_t vls[8] = { 0 };
	struct vcpu *vcpu;

	need_sve();
	setup();
	expect_eq(vm_add_vcpu(&vm, 0), 0);
	vcpu = &vm.vcpu[0];
	expect_eq(sve_finalize(vcpu), -ENOEXEC);
	expect_eq(vcpu_init(vcpu, VCPU_WITH_SVE), 0);
	expect_eq(vcpu_run(vcpu), -EPERM);
	expect_eq(ioc(vcpu->fd, KVM_GET_REG_LIST, &list), -EPERM);
	expect_eq(reg_get(vcpu, Z(0), &mine), -EPERM);
	expect_eq(reg_set(vcpu, P(3), &mine), -EPERM);
	expect_eq(reg_get(vcpu, FFR, &mine), -EPERM);
	expect_eq(reg_get(vcpu, VLS, vls), 0);
	expect_eq(reg_set(vcpu, VLS, vls), 0);
	expect_eq(ioc(vcpu->fd, KVM_ARM_VCPU_FINALIZE, &wrong), -EINVAL);
	expect_eq(ioc(vcpu->fd, KVM_ARM_VCPU_FINALIZE, 8), -EFAULT);
	expect_eq(vcpu_init(vcpu, VCPU_WITH_SVE), 0); /* again, before */
	expect_eq(sve_finalize(vcpu), 0);
	expect_eq(sve_finalize(vcpu), -EPERM);
	expect_eq(reg_set(vcpu, VLS, vls), -EPERM);
	expect_eq(reg_get(vcpu, VLS, vls), 0);
	expect_eq(reg_get(vcpu, Z(31), &mine), 0);
	expect_eq(vcpu_init(vcpu, VCPU_PLAIN), -EINVAL);
	expect_eq(vcpu_init(vcpu, VCPU_WITH_SVE), 0); /* and after: stays finalized */
	expect_eq(sve_finalize(vcpu), -EPERM);
	vm_destroy(&vm);
	/* One without: none of it exists. Its VM is its own, since Linux 6.12 wants all of a VM alike. */
	setup();
	expect_eq(vm_add_vcpu(&vm, 0), 0);
	expect_eq(vcpu_init(vcpu, VCPU_PLAIN), 0);
	expect_eq(sve_finalize(vcpu), -EINVAL);
	expect_eq(reg_get(vcpu, VLS, vls), -ENOENT);
	expect_eq(reg_set(vcpu, VLS, vls), -ENOENT);
	expect_eq(reg_get(vcpu, Z(0), &mine), -ENOENT);
	expect_eq(reg_set(vcpu, FFR, &mine), -ENOENT);
	expect_eq(reg_get(vcpu, ZCR_EL1, vls), -ENOENT);
	expect_eq(reg_get64(vcpu, PFR0) >> 32 & 15, 0);
	expect_eq(reg_get64(vcpu, ZFR0), 0);
	expect_eq(reg_get(vcpu, REG_V(0), vls), 0);
	vm_destroy(&vm);
}

TEST(only_sets_of_lengths_that_can_be)
{
	uint64_t vls[8] = { 0 }, lengths = sve_lengths();
	struct vcpu *vcpu;

	need_sve();
	setup();
	vcpu = sve_vcpu_add(&vm);
	expect_eq(reg_set(vcpu, VLS, vls), -EINVAL); /* none at all */
	for (unsigned bit = 0; bit < 512; bit++) {
		bool last = bit < 64 && (lengths >> bit) == 1;

		memset(vls, 0, sizeof(vls));
		vls[0] = lengths;
		vls[bit / 64] ^= 1ull << bit % 64; /* one too many, or one missing */
		expect_eq(reg_set(vcpu, VLS, vls), last && lengths != 1 ? 0 : -EINVAL);
	}
	for_each_sve_length(vl)
	{
		expect_eq(sve_set_longest(vcpu, vl), 0);
		expect_eq(reg_get(vcpu, VLS, vls), 0);
		expect_eq(vls[0], lengths & ((2ull << (vl / 16 - 1)) - 1));
	}
	expect_eq(ioc(vcpu->fd, KVM_SET_ONE_REG, 8), -EFAULT);
	vm_destroy(&vm);
}

static unsigned count_listed(const struct kvm_reg_list *list, uint64_t id)
{
	unsigned n = 0;

	for (uint64_t i = 0; i < list->n; i++)
		n += list->reg[i] == id;
	return n;
}

TEST(the_list_has_z_in_the_place_of_v)
{
	struct kvm_reg_list probe = { 0 }, *list;
	struct vcpu *vcpu;
	uint64_t value[32];

	need_sve();
	setup();
	vcpu = sve_vcpu_ready(&vm, sve_longer(0));
	expect_eq(ioc(vcpu->fd, KVM_GET_REG_LIST, &probe), -E2BIG);
	list = calloc(1, sizeof(*list) + 8 * probe.n);
	list->n = probe.n;
	expect_eq(ioc(vcpu->fd, KVM_GET_REG_LIST, list), 0);
	for (unsigned n = 0; n < 32; n++) {
		expect_eq(count_listed(list, Z(n)), 1);
		expect_eq(count_listed(list, REG_V(n)), 0);
		expect_eq(reg_get(vcpu, REG_V(n), value), -EINVAL);
		expect_eq(reg_set(vcpu, REG_V(n), value), -EINVAL);
	}
	for (unsigned n = 0; n < 16; n++)
		expect_eq(count_listed(list, P(n)), 1);
	expect_eq(count_listed(list, FFR), 1);
	expect_eq(count_listed(list, VLS), 1);
	expect_eq(count_listed(list, ZCR_EL1), 1);
	for (uint64_t i = 0; i < list->n; i++) {
		expect_eq(reg_get(vcpu, list->reg[i], value), 0);
		expect_eq(reg_set(vcpu, list->reg[i], value), list->reg[i] == VLS ? -EPERM : 0);
	}
	expect_eq(reg_get(vcpu, KVM_REG_ARM64_SVE_ZREG(0, 1), value), -ENOENT);
	expect_eq(reg_get(vcpu, KVM_REG_ARM64_SVE_FFR(31), value), -ENOENT);
	expect_eq(reg_get(vcpu, FFR + 32, value), -EINVAL);
	expect_eq(reg_get(vcpu, Z(0) ^ KVM_REG_SIZE_U16, value), -EINVAL);
	expect_eq(reg_get64(vcpu, PFR0) >> 32 & 15, 1);
	free(list);
	vm_destroy(&vm);
}

/* ---- guests ---- */

static GUEST void guest_shows_and_changes(uint64_t vl)
{
	sve_open(vl); /* while SVE is closed to EL1, what is past 128 bits may be lost */
	guest_done(vl);
	sve_store(&found[0]);
	sve_load(&pattern[1]);
	guest_done(sve_length());
}

/* All of an image by ONE_REG; what is past the length is zero, or is not looked at. */
static void write_image(struct vcpu *vcpu, const struct sve_image *image, unsigned vl)
{
	uint8_t value[256];

	for (unsigned n = 0; n < 49; n++) {
		unsigned size = n < 32 ? vl : vl / 8;
		unsigned at = n < 32 ? n * vl : 32 * vl + (n - 32) * size;

		memset(value, 0xee, sizeof(value));
		memcpy(value, image->bytes + at, size);
		expect_eq(reg_set(vcpu, n < 32 ? Z(n) : n < 48 ? P(n - 32) : FFR, value), 0);
	}
}

static void read_image(struct vcpu *vcpu, struct sve_image *image, unsigned vl)
{
	uint8_t value[256];

	for (unsigned n = 0; n < 49; n++) {
		unsigned size = n < 32 ? vl : vl / 8, whole = n < 32 ? 256 : 32, rest = 0;
		unsigned at = n < 32 ? n * vl : 32 * vl + (n - 32) * size;

		memset(value, 0xee, sizeof(value));
		expect_eq(reg_get(vcpu, n < 32 ? Z(n) : n < 48 ? P(n - 32) : FFR, value), 0);
		memcpy(image->bytes + at, value, size);
		for (unsigned i = size; i < whole; i++)
			rest += value[i];
		expect_eq(rest, 0);
	}
}

TEST(the_vmm_reads_and_writes_them_at_every_length)
{
	need_sve();
	for_each_sve_length(vl)
	{
		static struct sve_image zero;
		struct vcpu *vcpu;
		uint64_t seen;

		sve_fill(&pattern[0], vl, vl);
		sve_fill(&pattern[1], vl, vl + 1);
		setup();
		vcpu = sve_vcpu_ready(&vm, vl);
		read_image(vcpu, &after, vl);
		expect_eq(sve_differ(&after, &zero, vl, false), 0);
		vcpu_start(vcpu, guest_shows_and_changes, vl);
		expect(vcpu_run_done(vcpu, &seen));
		write_image(vcpu, &pattern[0], vl);
		read_image(vcpu, &after, vl);
		expect_eq(sve_differ(&after, &pattern[0], vl, false), 0);
		expect(vcpu_run_done(vcpu, &seen));
		expect_eq(seen, vl);
		expect_eq(sve_differ(guest_address(&vm, &found[0]), &pattern[0], vl, false), 0);
		read_image(vcpu, &after, vl);
		expect_eq(sve_differ(&after, &pattern[1], vl, false), 0);
		expect_eq(reg_get64(vcpu, ZCR_EL1) & 15, vl / 16 - 1);
		/* one alone, while the others are in the CPU */
		memset(&after, 0x5a, sizeof(after));
		expect_eq(reg_set(vcpu, Z(9), &after), 0);
		memcpy(pattern[1].bytes + 9 * vl, &after, vl);
		read_image(vcpu, &after, vl);
		expect_eq(sve_differ(&after, &pattern[1], vl, false), 0);
		/* a reset clears them all */
		expect_eq(vcpu_init(vcpu, VCPU_WITH_SVE), 0);
		read_image(vcpu, &after, vl);
		expect_eq(sve_differ(&after, &zero, vl, false), 0);
		vm_destroy(&vm);
	}
}

static GUEST void guest_measures(uint64_t arg)
{
	(void)arg;
	sysreg_write(cpacr_el1, CPACR_OPEN);
	isb();
	results[16] = sysreg_read(id_aa64pfr0_el1) >> 32 & 15;
	results[17] = sysreg_read(s3_0_c0_c4_4);
	results[18] = sysreg_read(s3_0_c1_c2_0); /* as it was set or reset */
	for (uint64_t len = 0; len < 16; len++) {
		sysreg_write(s3_0_c1_c2_0, len);
		isb();
		results[len] = sve_length();
	}
	guest_done(guest_self()->faults);
}

TEST(a_guest_has_the_lengths_it_was_given)
{
	need_sve();
	for_each_sve_length(vl)
	{
		struct vcpu *vcpu;
		uint64_t faults;
		unsigned want = 16;

		setup();
		vcpu = sve_vcpu_ready(&vm, vl);
		vcpu_start(vcpu, guest_measures, 0);
		expect(vcpu_run_done(vcpu, &faults));
		expect_eq(faults, 0);
		expect_eq(guest_view(&vm, results[16]), 1);
		expect_eq(guest_view(&vm, results[17]), reg_get64(vcpu, ZFR0));
		expect_eq(guest_view(&vm, results[18]), 0);
		for (unsigned len = 0; len < 16; len++) {
			if (len * 16 + 16 <= vl && sve_longer(len * 16) == len * 16 + 16)
				want = len * 16 + 16;
			expect_eq(guest_view(&vm, results[len]), want);
		}
		vm_destroy(&vm);
	}
}
