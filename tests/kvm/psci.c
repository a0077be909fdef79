/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Power control as the guest sees it: PSCI calls by HVC, and what the VMM learns of them. Linux:
 * Documentation/virt/kvm/api.rst (KVM_ARM_VCPU_INIT, KVM_EXIT_SYSTEM_EVENT); Arm DEN 0022.
 */
#include <linux/psci.h>
#include "tests/kvm/lib/vm.h"

enum { SMCCC_VERSION = 0x80000000u, SMCCC_ARCH_FEATURES = 0x80000001u };

static struct vm vm;
static volatile uint64_t results[16];

/* What guest_entry_psci finds at its context address. */
struct psci_start {
	void (*fn)(uint64_t);
	uint64_t arg, stack;
	struct guest_cpu *cpu;
};
static struct psci_start second;
static volatile uint64_t second_ran, second_mpidr;

static bool run(void (*fn)(uint64_t), uint64_t arg, uint64_t *value)
{
	vcpu_start(&vm.vcpu[0], fn, arg);
	return vcpu_run_done(&vm.vcpu[0], value);
}

static GUEST void guest_versions(uint64_t arg)
{
	(void)arg;
	results[0] = hvc(PSCI_0_2_FN_PSCI_VERSION, 0, 0, 0);
	results[1] = hvc(SMCCC_VERSION, 0, 0, 0);
	results[2] = hvc(PSCI_1_0_FN_PSCI_FEATURES, PSCI_0_2_FN64_CPU_ON, 0, 0);
	results[3] = hvc(PSCI_1_0_FN_PSCI_FEATURES, PSCI_0_2_FN_SYSTEM_OFF, 0, 0);
	results[4] = hvc(PSCI_1_0_FN_PSCI_FEATURES, 0x84001234, 0, 0);
	results[5] = hvc(PSCI_1_0_FN_PSCI_FEATURES, SMCCC_VERSION, 0, 0);
	results[6] = hvc(PSCI_0_2_FN_MIGRATE_INFO_TYPE, 0, 0, 0);
	results[7] = hvc(SMCCC_ARCH_FEATURES, SMCCC_ARCH_FEATURES, 0, 0);
	guest_done(1);
}

TEST(versions_and_features)
{
	uint64_t done, version = 0;

	vm_create(&vm, 1);
	expect(run(guest_versions, 0, &done));
	expect_eq(reg_get(&vm.vcpu[0], KVM_REG_ARM_PSCI_VERSION, &version), 0);
	expect_eq(guest_view(&vm, results[0]), version);
	expect(version >= 0x10000 && version < 0x20000);
	expect_eq(guest_view(&vm, results[1]), 0x10001);
	expect_eq(guest_view(&vm, results[2]), 0);
	expect_eq(guest_view(&vm, results[3]), 0);
	expect_eq((int)guest_view(&vm, results[4]), PSCI_RET_NOT_SUPPORTED);
	expect_eq(guest_view(&vm, results[5]), 0);
	expect_eq(guest_view(&vm, results[6]), PSCI_0_2_TOS_MP);
	expect_eq((int)guest_view(&vm, results[7]), PSCI_RET_NOT_SUPPORTED);
	vm_destroy(&vm);
}

static GUEST void guest_unknown(uint64_t arg)
{
	(void)arg;
	results[0] = hvc(0x84001234, 1, 2, 3);
	results[1] = hvc(0xc6000000, 1, 2, 3);
	results[2] = hvc(0, 1, 2, 3);
	results[3] = hvc(~0ul, 1, 2, 3);
	results[4] = smc(PSCI_0_2_FN_PSCI_VERSION, 0, 0, 0);
	guest_done(guest_self()->faults);
}

TEST(unknown_calls_are_not_supported)
{
	uint64_t faults;

	vm_create(&vm, 1);
	expect(run(guest_unknown, 0, &faults));
	expect_eq(faults, 0);
	for (int i = 0; i < 4; i++)
		expect_eq(guest_view(&vm, results[i]), -1);
	/* SMC is not the conduit: nothing is known there, or (since Linux 6.6) the same as by HVC.
	 */
	expect((int)guest_view(&vm, results[4]) == -1 || guest_view(&vm, results[4]) == 0x10001);
	vm_destroy(&vm);
}

static GUEST void guest_second(uint64_t arg)
{
	second_mpidr = sysreg_read(mpidr_el1);
	dsb();
	second_ran = arg;
	hvc(PSCI_0_2_FN_CPU_OFF, 0, 0, 0);
	guest_done(99);
}

static GUEST uint64_t second_on(void)
{
	second = (struct psci_start){ guest_second, 55, GUEST_BASE + VM_RAM_SIZE - VM_STACK_SIZE,
				      &guest_cpus[1] };
	dsb();
	return hvc(PSCI_0_2_FN64_CPU_ON, 1, (uintptr_t)guest_entry_psci, (uintptr_t)&second);
}

static GUEST void guest_first(uint64_t arg)
{
	(void)arg;
	results[0] = hvc(PSCI_0_2_FN64_AFFINITY_INFO, 1, 0, 0);
	results[1] = hvc(PSCI_0_2_FN64_AFFINITY_INFO, 0, 0, 0);
	results[2] = hvc(PSCI_0_2_FN64_CPU_ON, 77, 0, 0);
	results[3] = hvc(PSCI_0_2_FN64_CPU_ON, 0, 0, 0);
	results[4] = hvc(PSCI_0_2_FN64_AFFINITY_INFO, 77, 0, 0);
	for (int i = 0; i < 10; i++) {
		second_ran = 0;
		results[5] = second_on();
		while (second_ran != 55)
			cpu_relax();
		while (hvc(PSCI_0_2_FN64_AFFINITY_INFO, 1, 0, 0) != PSCI_0_2_AFFINITY_LEVEL_OFF)
			cpu_relax();
	}
	guest_done(1);
}

TEST(another_cpu_goes_on_and_off_ten_times)
{
	struct kvm_mp_state state;
	uint64_t done;

	/* Initialised in another order than made. */
	vm_create(&vm, 0);
	expect_eq(vm_add_vcpu(&vm, 0), 0);
	expect_eq(vm_add_vcpu(&vm, 1), 0);
	expect_eq(vcpu_init(&vm.vcpu[1], 1 << KVM_ARM_VCPU_PSCI_0_2 | 1 << KVM_ARM_VCPU_POWER_OFF),
		  0);
	expect_eq(vcpu_init(&vm.vcpu[0], 1 << KVM_ARM_VCPU_PSCI_0_2), 0);
	vcpu_thread_start(&vm.vcpu[1], guest_second, 1);
	expect(run(guest_first, 0, &done));
	expect_eq(guest_view(&vm, results[0]), PSCI_0_2_AFFINITY_LEVEL_OFF);
	expect_eq(guest_view(&vm, results[1]), PSCI_0_2_AFFINITY_LEVEL_ON);
	expect_eq((int)guest_view(&vm, results[2]), PSCI_RET_INVALID_PARAMS);
	expect_eq((int)guest_view(&vm, results[3]), PSCI_RET_ALREADY_ON);
	expect_eq((int)guest_view(&vm, results[4]), PSCI_RET_INVALID_PARAMS);
	expect_eq(guest_view(&vm, results[5]), 0);
	expect_eq(guest_view(&vm, second_mpidr) & 0xffffff, 1);
	vcpu_thread_stop(&vm.vcpu[1]);
	expect_eq(ioc(vm.vcpu[1].fd, KVM_GET_MP_STATE, &state), 0);
	expect_eq(state.mp_state, KVM_MP_STATE_STOPPED);
	vm_destroy(&vm);
}

static GUEST void guest_turns_on(uint64_t arg)
{
	(void)arg;
	guest_done(second_on());
}

static GUEST void guest_adds(uint64_t n)
{
	guest_done(n + 1);
}

/* Turned on, but not entered since: to the VMM it is what it will begin as, and what the VMM sets
 * stays. */
TEST(a_cpu_that_was_turned_on_shows_where_it_begins)
{
	struct kvm_mp_state state = { KVM_MP_STATE_RUNNABLE };
	uint64_t done;

	vm_create(&vm, 1);
	expect_eq(vm_add_vcpu(&vm, 1), 0);
	expect_eq(vcpu_init(&vm.vcpu[1], 1 << KVM_ARM_VCPU_PSCI_0_2 | 1 << KVM_ARM_VCPU_POWER_OFF),
		  0);
	expect(run(guest_turns_on, 0, &done));
	expect_eq(done, 0);
	expect_eq(ioc(vm.vcpu[1].fd, KVM_SET_MP_STATE, &state), 0);
	expect_eq(reg_get64(&vm.vcpu[1], REG_CORE(regs.pc)), (uintptr_t)guest_entry_psci);
	expect_eq(reg_get64(&vm.vcpu[1], REG_X(0)), (uintptr_t)&second);
	vcpu_start(&vm.vcpu[1], guest_adds, 4);
	expect(vcpu_run_done(&vm.vcpu[1], &done));
	expect_eq(done, 5);
	vm_destroy(&vm);
}

static GUEST void guest_system(uint64_t function)
{
	hvc(function, 0, 0, 0);
	guest_done(77);
}

static void expect_event(uint64_t function, unsigned type)
{
	vm_create(&vm, 1);
	vcpu_start(&vm.vcpu[0], guest_system, function);
	expect_eq(vcpu_run(&vm.vcpu[0]), 0);
	expect_eq(vm.vcpu[0].run->exit_reason, KVM_EXIT_SYSTEM_EVENT);
	expect_eq(vm.vcpu[0].run->system_event.type, type);
	vm_destroy(&vm);
}

TEST(system_off_and_reset_leave_to_the_vmm)
{
	expect_event(PSCI_0_2_FN_SYSTEM_OFF, KVM_SYSTEM_EVENT_SHUTDOWN);
	expect_event(PSCI_0_2_FN_SYSTEM_RESET, KVM_SYSTEM_EVENT_RESET);
}

TEST(a_vm_runs_again_after_reset)
{
	uint64_t done;

	vm_create(&vm, 1);
	vcpu_start(&vm.vcpu[0], guest_system, PSCI_0_2_FN_SYSTEM_RESET);
	expect_eq(vcpu_run(&vm.vcpu[0]), 0);
	expect_eq(vcpu_init(&vm.vcpu[0], 1 << KVM_ARM_VCPU_PSCI_0_2), 0);
	expect(run(guest_versions, 0, &done));
	vm_destroy(&vm);
}

static GUEST void guest_counts(uint64_t rounds)
{
	uint64_t bad = 0;

	for (uint64_t i = 0; i < rounds; i++)
		bad += hvc(SMCCC_VERSION, 0, 0, 0) != 0x10001;
	guest_done(bad);
}

TEST(calls_by_the_thousand)
{
	unsigned calls = rounds_wanted(100000);
	uint64_t bad;

	vm_create(&vm, 1);
	expect(run(guest_counts, calls, &bad));
	expect_eq(bad, 0);
	vm_destroy(&vm);
}
