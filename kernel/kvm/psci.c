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

#define SMC64_BIT	    (1u << 30)
#define SMCCC_VERSION	    0x80000000u
#define SMCCC_VERSION_1_1   0x10001u
#define SMCCC_OWNER	    0xbf000000u /* of a number, and that it is a fast call */
#define SMCCC_ARCH	    0x80000000u
#define SMCCC_STANDARD	    0x84000000u
#define NOT_SUPPORTED	    ((uint64_t)PSCI_RET_NOT_SUPPORTED)
#define AFFINITY	    (BITS(39, 32) | BITS(23, 0))
/* KVM's own numbers before PSCI 0.2 */
#define PSCI01_OFF 0x95c1ba5fu
#define PSCI01_ON  0x95c1ba60u

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

/* A call: its registers, and the mask that cuts its arguments to its width. */
struct call {
	struct psci_cpu *self;
	const uint64_t *x;
	uint64_t width;
	bool big_endian;
};

static uint64_t argument(const struct call *c, unsigned n)
{
	return c->x[n] & c->width;
}

static struct psci_result version(struct psci_vm *vm, const struct call *c)
{
	(void)c;
	return answer(vm->version);
}

static struct psci_result cpu_suspend(struct psci_vm *vm, const struct call *c)
{
	(void)vm, (void)c;
	return act(PSCI_SUSPEND, PSCI_RET_SUCCESS);
}

static struct psci_result cpu_off(struct psci_vm *vm, const struct call *c)
{
	(void)vm;
	c->self->state = POWER_OFF;
	return act(PSCI_TURN_OFF, 0);
}

static struct psci_cpu *find_cpu(const struct psci_vm *vm, uint64_t mpidr, unsigned *index)
{
	for (*index = 0; *index < vm->count; ++*index)
		if (vm->cpus[*index]->mpidr == mpidr)
			return vm->cpus[*index];
	return NULL;
}

static struct psci_result cpu_on(struct psci_vm *vm, const struct call *c)
{
	unsigned target;
	struct psci_cpu *cpu = find_cpu(vm, argument(c, 1), &target);

	if (!cpu)
		return answer(PSCI_RET_INVALID_PARAMS);
	if (cpu->state == POWER_ON)
		return answer(vm->version ? PSCI_RET_ALREADY_ON : PSCI_RET_INVALID_PARAMS);
	if (cpu->state == POWER_ON_PENDING)
		return answer(PSCI_RET_ON_PENDING);
	cpu->boot_pc = argument(c, 2);
	cpu->boot_context = argument(c, 3);
	cpu->boot_big_endian = c->big_endian;
	cpu->state = POWER_ON_PENDING;
	return (struct psci_result){ .action = PSCI_WAKE, .target = target };
}

/* Levels 0-3: the CPUs that agree with mpidr above that level; on if any of them is. */
static struct psci_result affinity_info(struct psci_vm *vm, const struct call *c)
{
	static const uint64_t masks[] = {
		AFFINITY,
		AFFINITY & ~BITS(7, 0),
		AFFINITY & ~BITS(15, 0),
		AFFINITY & ~BITS(23, 0),
	};
	uint64_t mpidr = argument(c, 1), level = argument(c, 2);
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

static struct psci_result migrate_info_type(struct psci_vm *vm, const struct call *c)
{
	(void)vm, (void)c;
	return answer(PSCI_0_2_TOS_MP);
}

static struct psci_result system_off(struct psci_vm *vm, const struct call *c)
{
	(void)vm, (void)c;
	return act(PSCI_SHUTDOWN, PSCI_RET_INTERNAL_FAILURE);
}

static struct psci_result system_reset(struct psci_vm *vm, const struct call *c)
{
	(void)vm, (void)c;
	return act(PSCI_RESET, PSCI_RET_INTERNAL_FAILURE);
}

/* Type 0 is the architectural warm reset, types with bit 31 are the vendor's. */
static struct psci_result system_reset2(struct psci_vm *vm, const struct call *c)
{
	uint64_t type = argument(c, 1);

	(void)vm;
	if (type && type < PSCI_1_1_RESET_TYPE_VENDOR_START)
		return answer(PSCI_RET_INVALID_PARAMS);
	return act(PSCI_RESET2, PSCI_RET_INTERNAL_FAILURE);
}

static struct psci_result features(struct psci_vm *vm, const struct call *c);

/* The calls of PSCI 0.2 and later by their numbers from PSCI_0_2_FN_BASE on. */
struct row {
	struct psci_result (*call)(struct psci_vm *vm, const struct call *c);
	uint32_t since; /* the version that has it */
	bool wide;	/* has a 64-bit form */
	bool locked;	/* looks at power states */
};

#define NUMBER(fn) ((fn)-PSCI_0_2_FN_BASE)
static const struct row rows[] = {
	[NUMBER(PSCI_0_2_FN_PSCI_VERSION)] = { version, PSCI_VERSION(0, 2), false, false },
	[NUMBER(PSCI_0_2_FN_CPU_SUSPEND)] = { cpu_suspend, PSCI_VERSION(0, 2), true, false },
	[NUMBER(PSCI_0_2_FN_CPU_OFF)] = { cpu_off, PSCI_VERSION(0, 2), false, true },
	[NUMBER(PSCI_0_2_FN_CPU_ON)] = { cpu_on, PSCI_VERSION(0, 2), true, true },
	[NUMBER(PSCI_0_2_FN_AFFINITY_INFO)] = { affinity_info, PSCI_VERSION(0, 2), true, true },
	[NUMBER(PSCI_0_2_FN_MIGRATE_INFO_TYPE)] = { migrate_info_type, PSCI_VERSION(0, 2), false,
						    false },
	[NUMBER(PSCI_0_2_FN_SYSTEM_OFF)] = { system_off, PSCI_VERSION(0, 2), false, false },
	[NUMBER(PSCI_0_2_FN_SYSTEM_RESET)] = { system_reset, PSCI_VERSION(0, 2), false, false },
	[NUMBER(PSCI_1_0_FN_PSCI_FEATURES)] = { features, PSCI_VERSION(1, 0), false, false },
	[NUMBER(PSCI_1_1_FN_SYSTEM_RESET2)] = { system_reset2, PSCI_VERSION(1, 1), true, false },
};

static const struct row *find_row(const struct psci_vm *vm, uint32_t fn)
{
	uint32_t number = NUMBER(fn & ~SMC64_BIT);

	if (number >= ARRAY_SIZE(rows) || !rows[number].call || rows[number].since > vm->version)
		return NULL;
	return (fn & SMC64_BIT) && !rows[number].wide ? NULL : &rows[number];
}

static struct psci_result features(struct psci_vm *vm, const struct call *c)
{
	uint32_t fn = (uint32_t)c->x[1];

	return answer(fn == SMCCC_VERSION || find_row(vm, fn) ? 0 : NOT_SUPPORTED);
}

/* Without a version: KVM's calls from before PSCI 0.2. */
static struct psci_result old_call(struct psci_vm *vm, const struct call *c, bool locked)
{
	uint32_t fn = (uint32_t)c->x[0];

	if (vm->version || (fn != PSCI01_OFF && fn != PSCI01_ON))
		return answer(NOT_SUPPORTED);
	if (!locked)
		return act(PSCI_LOCK, 0);
	return fn == PSCI01_OFF ? cpu_off(vm, c) : cpu_on(vm, c);
}

/* Calls that are not Arm's architecture's. */
static __attribute__((noinline)) struct psci_result
power_call(struct psci_vm *vm, struct psci_cpu *self, const uint64_t x[4], bool locked,
	   bool big_endian)
{
	uint32_t fn = (uint32_t)x[0];
	struct call c = { .self = self, .x = x, .width = ~0ull, .big_endian = big_endian };
	const struct row *row;

	if ((fn & SMCCC_OWNER) != SMCCC_STANDARD)
		return old_call(vm, &c, locked);
	row = find_row(vm, fn);
	if (!row)
		return answer(NOT_SUPPORTED);
	if (row->locked && !locked)
		return act(PSCI_LOCK, 0);
	if (!(fn & SMC64_BIT))
		c.width = 0xffffffff;
	return row->call(vm, &c);
}

struct psci_result psci_call(struct psci_vm *vm, struct psci_cpu *self, const uint64_t x[4],
			     bool locked, bool big_endian)
{
	uint32_t fn = (uint32_t)x[0];

	if ((fn & SMCCC_OWNER) == SMCCC_ARCH) /* no workaround is offered */
		return answer(fn == SMCCC_VERSION ? SMCCC_VERSION_1_1 : NOT_SUPPORTED);
	return power_call(vm, self, x, locked, big_endian);
}
