/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's firmware calls. Entered from exit.c for every HVC; what comes out is an answer for x0
 * and, for the few calls that do something, an action for vcpu.c. Covered by vm->power_lock.
 *
 * PSCI: DEN0022; calling convention and discovery: DEN0028. A 32-bit call (bit 30 clear) looks at
 * the low half of its arguments only.
 */
#include "kvm/psci.h"

#include <linux/psci.h>

#include "lib/bits.h"

#define SMC64		    BIT(30)
#define SMCCC_VERSION	    0x80000000u
#define SMCCC_ARCH_FEATURES 0x80000001u
#define SMCCC_VERSION_1_1   0x10001u
#define NOT_SUPPORTED	    ((uint64_t)PSCI_RET_NOT_SUPPORTED)
#define AFFINITY	    (BITS(39, 32) | BITS(23, 0))
/* KVM's own numbers before PSCI 0.2 */
#define PSCI01_OFF	     0x95c1ba5fu
#define PSCI01_ON	     0x95c1ba60u

bool psci_version_ok(uint64_t version)
{
	return version == PSCI_VERSION(0, 2) || version == PSCI_VERSION(1, 0) ||
	       version == PSCI_VERSION(1, 1);
}

static struct psci_result answer(uint64_t x0)
{
	return (struct psci_result){ .action = PSCI_RETURN, .x0 = x0 };
}

static struct psci_result act(enum psci_action action, uint64_t x0)
{
	return (struct psci_result){ .action = action, .x0 = x0 };
}

static struct psci_result cpu_on(struct psci_vm *vm, uint64_t mpidr, uint64_t pc, uint64_t context,
				 bool big_endian)
{
	if (mpidr & ~AFFINITY)
		return answer(PSCI_RET_INVALID_PARAMS);
	for (unsigned i = 0; i < vm->count; i++) {
		struct psci_cpu *cpu = vm->cpus[i];

		if (cpu->mpidr != mpidr)
			continue;
		if (cpu->state == POWER_ON)
			return answer(vm->version ? PSCI_RET_ALREADY_ON : PSCI_RET_INVALID_PARAMS);
		if (cpu->state == POWER_ON_PENDING)
			return answer(PSCI_RET_ON_PENDING);
		cpu->boot_pc = pc;
		cpu->boot_context = context;
		cpu->boot_big_endian = big_endian;
		cpu->state = POWER_ON_PENDING;
		return (struct psci_result){ .action = PSCI_WAKE, .target = i };
	}
	return answer(PSCI_RET_INVALID_PARAMS);
}

static struct psci_result cpu_off(struct psci_cpu *self)
{
	self->state = POWER_OFF;
	return act(PSCI_TURN_OFF, 0);
}

/* Levels 0-3: the CPUs that agree with mpidr above that level; on if any of them is. */
static struct psci_result affinity_info(const struct psci_vm *vm, uint64_t mpidr, uint64_t level)
{
	static const uint64_t masks[] = {
		AFFINITY,
		AFFINITY & ~BITS(7, 0),
		AFFINITY & ~BITS(15, 0),
		AFFINITY & ~BITS(23, 0),
	};
	unsigned matching = 0;

	if (level >= ARRAY_SIZE(masks))
		return answer(PSCI_RET_INVALID_PARAMS);
	for (unsigned i = 0; i < vm->count; i++) {
		if ((vm->cpus[i]->mpidr ^ mpidr) & masks[level])
			continue;
		matching++;
		if (vm->cpus[i]->state != POWER_OFF)
			return answer(PSCI_0_2_AFFINITY_LEVEL_ON);
	}
	return answer(matching ? PSCI_0_2_AFFINITY_LEVEL_OFF : (uint64_t)PSCI_RET_INVALID_PARAMS);
}

static struct psci_result features(const struct psci_vm *vm, uint32_t fn)
{
	switch (fn) {
	case PSCI_0_2_FN_PSCI_VERSION:
	case PSCI_0_2_FN_CPU_SUSPEND:
	case PSCI_0_2_FN64_CPU_SUSPEND:
	case PSCI_0_2_FN_CPU_OFF:
	case PSCI_0_2_FN_CPU_ON:
	case PSCI_0_2_FN64_CPU_ON:
	case PSCI_0_2_FN_AFFINITY_INFO:
	case PSCI_0_2_FN64_AFFINITY_INFO:
	case PSCI_0_2_FN_MIGRATE_INFO_TYPE:
	case PSCI_0_2_FN_SYSTEM_OFF:
	case PSCI_0_2_FN_SYSTEM_RESET:
	case PSCI_1_0_FN_PSCI_FEATURES:
	case SMCCC_VERSION:
		return answer(0);
	case PSCI_1_1_FN_SYSTEM_RESET2:
	case PSCI_1_1_FN64_SYSTEM_RESET2:
		return answer(vm->version >= PSCI_VERSION(1, 1) ? 0 : NOT_SUPPORTED);
	default:
		return answer(NOT_SUPPORTED);
	}
}

/* Type 0 is the architectural warm reset, types with bit 31 are the vendor's. */
static struct psci_result reset2(const struct psci_vm *vm, uint64_t type)
{
	if (vm->version < PSCI_VERSION(1, 1))
		return answer(NOT_SUPPORTED);
	if (type && type < PSCI_1_1_RESET_TYPE_VENDOR_START)
		return answer(PSCI_RET_INVALID_PARAMS);
	return act(PSCI_RESET2, PSCI_RET_INTERNAL_FAILURE);
}

static struct psci_result psci_1(struct psci_vm *vm, uint32_t fn, uint64_t a1)
{
	if (vm->version < PSCI_VERSION(1, 0))
		return answer(NOT_SUPPORTED);
	switch (fn) {
	case PSCI_1_0_FN_PSCI_FEATURES:
		return features(vm, (uint32_t)a1);
	case PSCI_1_1_FN_SYSTEM_RESET2:
	case PSCI_1_1_FN64_SYSTEM_RESET2:
		return reset2(vm, a1);
	default:
		return answer(NOT_SUPPORTED);
	}
}

static struct psci_result psci_0_2(struct psci_vm *vm, struct psci_cpu *self, const uint64_t x[4],
				   bool big_endian)
{
	uint32_t fn = (uint32_t)x[0];
	uint64_t wide = fn & SMC64 ? ~0ull : 0xffffffff;

	switch (fn) {
	case PSCI_0_2_FN_PSCI_VERSION:
		return answer(vm->version);
	case PSCI_0_2_FN_CPU_SUSPEND:
	case PSCI_0_2_FN64_CPU_SUSPEND:
		return act(PSCI_SUSPEND, PSCI_RET_SUCCESS);
	case PSCI_0_2_FN_CPU_OFF:
		return cpu_off(self);
	case PSCI_0_2_FN_CPU_ON:
	case PSCI_0_2_FN64_CPU_ON:
		return cpu_on(vm, x[1] & wide, x[2] & wide, x[3] & wide, big_endian);
	case PSCI_0_2_FN_AFFINITY_INFO:
	case PSCI_0_2_FN64_AFFINITY_INFO:
		return affinity_info(vm, x[1] & wide, x[2] & wide);
	case PSCI_0_2_FN_MIGRATE_INFO_TYPE:
		return answer(PSCI_0_2_TOS_MP);
	case PSCI_0_2_FN_SYSTEM_OFF:
		return act(PSCI_SHUTDOWN, PSCI_RET_INTERNAL_FAILURE);
	case PSCI_0_2_FN_SYSTEM_RESET:
		return act(PSCI_RESET, PSCI_RET_INTERNAL_FAILURE);
	default:
		return psci_1(vm, fn, x[1] & wide);
	}
}

static struct psci_result psci_0_1(struct psci_vm *vm, struct psci_cpu *self, const uint64_t x[4],
				   bool big_endian)
{
	if ((uint32_t)x[0] == PSCI01_OFF)
		return cpu_off(self);
	if ((uint32_t)x[0] == PSCI01_ON)
		return cpu_on(vm, x[1], x[2], x[3], big_endian);
	return answer(NOT_SUPPORTED);
}

bool psci_needs_lock(uint64_t function)
{
	switch ((uint32_t)function) {
	case PSCI_0_2_FN_CPU_OFF:
	case PSCI_0_2_FN_CPU_ON:
	case PSCI_0_2_FN64_CPU_ON:
	case PSCI_0_2_FN_AFFINITY_INFO:
	case PSCI_0_2_FN64_AFFINITY_INFO:
	case PSCI01_OFF:
	case PSCI01_ON:
		return true;
	default:
		return false;
	}
}

struct psci_result psci_call(struct psci_vm *vm, struct psci_cpu *self, const uint64_t x[4],
			     bool big_endian)
{
	if ((uint32_t)x[0] == SMCCC_VERSION)
		return answer(SMCCC_VERSION_1_1);
	if ((uint32_t)x[0] == SMCCC_ARCH_FEATURES) /* no workaround is offered */
		return answer(NOT_SUPPORTED);
	if (!vm->version)
		return psci_0_1(vm, self, x, big_endian);
	return psci_0_2(vm, self, x, big_endian);
}
