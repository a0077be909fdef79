/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PSCI (DEN0022) and the SMC calling convention's discovery calls (DEN0028) as a guest sees them.
 * Pure: it decides, vcpu.c acts.
 */
#pragma once

#include "lib/types.h"

#define PSCI_MAX_CPUS 64

/* OFF -> ON_PENDING by another's CPU_ON, ON_PENDING -> ON by its own thread, ON -> OFF by itself.
 */
enum power_state {
	POWER_ON,
	POWER_ON_PENDING,
	POWER_OFF,
};

struct psci_cpu {
	uint64_t mpidr;		/* affinity bits only */
	_Atomic uint32_t state; /* enum power_state */
	/* for POWER_ON_PENDING: where it begins */
	uint64_t boot_pc, boot_context;
	bool boot_big_endian;
};

struct psci_vm {
	uint32_t version; /* PSCI_VERSION() of linux/psci.h; 0: KVM's old PSCI 0.1 */
	unsigned count;
	struct psci_cpu *cpus[PSCI_MAX_CPUS];
};

enum psci_action {
	PSCI_RETURN,   /* x0 is the answer, nothing else to do */
	PSCI_WAKE,     /* cpus[target] is POWER_ON_PENDING now: wake it; x0 is the answer */
	PSCI_TURN_OFF, /* the caller is POWER_OFF now */
	PSCI_SUSPEND,  /* as WFI; then x0 */
	PSCI_SHUTDOWN, /* x0 is what the guest would read if it ever went on */
	PSCI_RESET,
	PSCI_LOCK,   /* nothing was done: call again with the lock */
	PSCI_RESET2, /* vendor or architectural: x1 is in the event's data */
};

struct psci_result { /* 16 bytes: returned in registers */
	enum psci_action action;
	unsigned target;
	uint64_t x0;
};

/* The call x[0] with arguments x[1..3] by cpu self (big_endian: its EE bit, which a CPU it starts
 * inherits). Every value is allowed; what is not known gets NOT_SUPPORTED. locked: the caller holds
 * the lock of vm; without it a call that looks at power states does nothing but say PSCI_LOCK. */
struct psci_result psci_call(struct psci_vm *vm, struct psci_cpu *self, const uint64_t x[4],
			     bool locked, bool big_endian);

/* May a VMM choose that version (KVM_REG_ARM_PSCI_VERSION)? */
bool psci_version_ok(uint64_t version);
#define PSCI_DEFAULT_VERSION 0x10001 /* 1.1 */
