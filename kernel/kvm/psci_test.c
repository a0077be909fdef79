/* SPDX-License-Identifier: BSD-2-Clause */
/* Firmware calls by a VM of three CPUs, the last one alone in its cluster. */
#include "kvm/psci.h"

#include <linux/psci.h>

#include "lib/string.h"
#include "tap.h"

static struct psci_cpu cpu[3];
static struct psci_vm vm;

static void start(uint32_t version)
{
	memset(cpu, 0, sizeof(cpu));
	vm = (struct psci_vm){ .version = version,
			       .count = 3,
			       .cpus = { &cpu[0], &cpu[1], &cpu[2] } };
	cpu[1].mpidr = 1;
	cpu[2].mpidr = 0x100;
	cpu[1].state = cpu[2].state = POWER_OFF;
}

static struct psci_result call(uint64_t fn, uint64_t a1, uint64_t a2, uint64_t a3)
{
	return psci_call(&vm, &cpu[0], (uint64_t[]){ fn, a1, a2, a3 }, true, false);
}

TEST(version_and_features)
{
	start(PSCI_DEFAULT_VERSION);
	expect_eq(call(PSCI_0_2_FN_PSCI_VERSION, 0, 0, 0).x0, PSCI_VERSION(1, 1));
	expect_eq(call(PSCI_1_0_FN_PSCI_FEATURES, PSCI_0_2_FN64_CPU_ON, 0, 0).x0, 0);
	expect_eq(call(PSCI_1_0_FN_PSCI_FEATURES, PSCI_1_1_FN64_SYSTEM_RESET2, 0, 0).x0, 0);
	expect_eq(call(PSCI_1_0_FN_PSCI_FEATURES, PSCI_1_0_FN_SYSTEM_SUSPEND, 0, 0).x0, -1);
	expect_eq(call(0x80000000, 0, 0, 0).x0, 0x10001);
	expect_eq(call(0x80000001, 0x80008000, 0, 0).x0, -1);
	expect_eq(call(0xdeadbeef, 0, 0, 0).x0, -1);
	vm.version = PSCI_VERSION(0, 2);
	expect_eq(call(PSCI_1_0_FN_PSCI_FEATURES, PSCI_0_2_FN64_CPU_ON, 0, 0).x0, -1);
	vm.version = PSCI_VERSION(1, 0);
	expect_eq(call(PSCI_1_1_FN_SYSTEM_RESET2, 0, 0, 0).x0, -1);
}

TEST(switching_a_cpu_on)
{
	struct psci_result r;

	start(PSCI_DEFAULT_VERSION);
	r = call(PSCI_0_2_FN64_CPU_ON, 0x100, 0x123456789000, 77);
	expect_eq(r.action, PSCI_WAKE);
	expect_eq(r.target, 2);
	expect_eq(r.x0, PSCI_RET_SUCCESS);
	expect_eq(cpu[2].state, POWER_ON_PENDING);
	expect_eq(cpu[2].boot_pc, 0x123456789000);
	expect_eq(cpu[2].boot_context, 77);
	expect_eq(call(PSCI_0_2_FN64_CPU_ON, 0x100, 0, 0).x0, PSCI_RET_ON_PENDING);
	cpu[2].state = POWER_ON;
	expect_eq(call(PSCI_0_2_FN64_CPU_ON, 0x100, 0, 0).x0, PSCI_RET_ALREADY_ON);
	expect_eq(call(PSCI_0_2_FN64_CPU_ON, 2, 0, 0).x0, PSCI_RET_INVALID_PARAMS);
	expect_eq(call(PSCI_0_2_FN64_CPU_ON, 1ull << 31 | 1, 0, 0).x0, PSCI_RET_INVALID_PARAMS);
}

TEST(a_32_bit_call_ignores_high_halves)
{
	start(PSCI_DEFAULT_VERSION);
	expect_eq(
		call(0xffffffff00000000 | PSCI_0_2_FN_CPU_ON, 0x500000001, 0x700004000, 0x900000003)
			.action,
		PSCI_WAKE);
	expect_eq(cpu[1].boot_pc, 0x4000);
	expect_eq(cpu[1].boot_context, 3);
}

TEST(byte_order_is_inherited)
{
	start(PSCI_DEFAULT_VERSION);
	psci_call(&vm, &cpu[0], (uint64_t[]){ PSCI_0_2_FN64_CPU_ON, 1, 0, 0 }, true, true);
	expect(cpu[1].boot_big_endian);
}

TEST(switching_oneself_off)
{
	start(PSCI_DEFAULT_VERSION);
	expect_eq(call(PSCI_0_2_FN_CPU_OFF, 0, 0, 0).action, PSCI_TURN_OFF);
	expect_eq(cpu[0].state, POWER_OFF);
}

TEST(affinity_info_by_level)
{
	start(PSCI_DEFAULT_VERSION);
	expect_eq(call(PSCI_0_2_FN64_AFFINITY_INFO, 0, 0, 0).x0, PSCI_0_2_AFFINITY_LEVEL_ON);
	expect_eq(call(PSCI_0_2_FN64_AFFINITY_INFO, 1, 0, 0).x0, PSCI_0_2_AFFINITY_LEVEL_OFF);
	expect_eq(call(PSCI_0_2_FN64_AFFINITY_INFO, 1, 1, 0).x0, PSCI_0_2_AFFINITY_LEVEL_ON);
	expect_eq(call(PSCI_0_2_FN64_AFFINITY_INFO, 0x1ff, 1, 0).x0, PSCI_0_2_AFFINITY_LEVEL_OFF);
	expect_eq(call(PSCI_0_2_FN64_AFFINITY_INFO, 0x200, 1, 0).x0, PSCI_RET_INVALID_PARAMS);
	expect_eq(call(PSCI_0_2_FN64_AFFINITY_INFO, 0, 3, 0).x0, PSCI_0_2_AFFINITY_LEVEL_ON);
	expect_eq(call(PSCI_0_2_FN64_AFFINITY_INFO, 0, 4, 0).x0, PSCI_RET_INVALID_PARAMS);
}

TEST(the_machine)
{
	start(PSCI_DEFAULT_VERSION);
	expect_eq(call(PSCI_0_2_FN_SYSTEM_OFF, 0, 0, 0).action, PSCI_SHUTDOWN);
	expect_eq(call(PSCI_0_2_FN_SYSTEM_RESET, 0, 0, 0).action, PSCI_RESET);
	expect_eq(call(PSCI_1_1_FN_SYSTEM_RESET2, 0, 0, 0).action, PSCI_RESET2);
	expect_eq(call(PSCI_1_1_FN_SYSTEM_RESET2, 1, 0, 0).x0, PSCI_RET_INVALID_PARAMS);
	expect_eq(call(PSCI_0_2_FN64_CPU_SUSPEND, 0, 0, 0).action, PSCI_SUSPEND);
	expect_eq(call(PSCI_0_2_FN_MIGRATE_INFO_TYPE, 0, 0, 0).x0, PSCI_0_2_TOS_MP);
}

TEST(the_old_interface)
{
	start(0);
	expect_eq(call(PSCI_0_2_FN_PSCI_VERSION, 0, 0, 0).x0, -1);
	expect_eq(call(0x95c1ba60, 1, 0x9000, 0).action, PSCI_WAKE);
	expect_eq(cpu[1].boot_pc, 0x9000);
	expect_eq(call(0x95c1ba60, 0, 0, 0).x0, PSCI_RET_INVALID_PARAMS);
	expect_eq(call(0x95c1ba5f, 0, 0, 0).action, PSCI_TURN_OFF);
}

TEST(power_states_are_looked_at_under_the_lock)
{
	static const uint64_t locked[] = { PSCI_0_2_FN64_CPU_ON, PSCI_0_2_FN_CPU_ON,
					   PSCI_0_2_FN_CPU_OFF, PSCI_0_2_FN64_AFFINITY_INFO };

	start(PSCI_DEFAULT_VERSION);
	for (unsigned i = 0; i < ARRAY_SIZE(locked); i++) {
		uint64_t x[4] = { locked[i], 1 };

		expect_eq(psci_call(&vm, &cpu[0], x, false, false).action, PSCI_LOCK);
	}
	expect_eq(cpu[0].state, POWER_ON);
	expect_eq(cpu[1].state, POWER_OFF);
	expect_eq(psci_call(&vm, &cpu[0], (uint64_t[]){ PSCI_0_2_FN_PSCI_VERSION, 0, 0, 0 }, false,
			    false)
			  .x0,
		  PSCI_VERSION(1, 1));
	vm.version = 0;
	expect_eq(psci_call(&vm, &cpu[0], (uint64_t[]){ 0x95c1ba5f, 0, 0, 0 }, false, false).action,
		  PSCI_LOCK);
}

TEST(no_64_bit_form)
{
	start(PSCI_DEFAULT_VERSION);
	expect_eq(call(PSCI_0_2_FN_PSCI_VERSION | 1u << 30, 0, 0, 0).x0, -1);
	expect_eq(call(PSCI_0_2_FN_SYSTEM_OFF | 1u << 30, 0, 0, 0).action, PSCI_RETURN);
}
