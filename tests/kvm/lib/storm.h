/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest that keeps a pattern in every register of the guest bank (the list is the kernel's own,
 * kvm/guest_regs.h), in those of its virtual CPU interface and in its general registers; with one
 * interrupt active and some pending. It changes a few of them, leaves in one of many ways, and
 * looks whether all are what they were, for ever. The VMM may change the pattern whenever it is
 * outside.
 */
#pragma once
#include "kernel/kvm/guest_regs.h"
#include "tests/kvm/lib/guest.h"

/* Of the interface: its masks. */
#define INTERFACE_REGS(X)                                                                          \
	X(icc_pmr, icc_pmr_el1, 3, 0, 4, 6, 0, 0)                                                  \
	X(icc_bpr1, icc_bpr1_el1, 3, 0, 12, 12, 3, 0)                                              \
	X(icc_ctlr, icc_ctlr_el1, 3, 0, 12, 12, 4, 0)

#define STORM_LIST(X)                                                                              \
	GUEST_REGS(X)                                                                              \
	TIMER_REGS(X)                                                                              \
	CROSSING_REGS(X)                                                                           \
	INTERFACE_REGS(X)

enum storm_reg {
#define X(field, ...) STORM_##field,
	STORM_LIST(X)
#undef X
		STORM_REGS
};

/* What was not as it should be, beside the registers of the list. */
enum storm_wrong {
	WRONG_GENERAL = STORM_REGS, /* x2 to x30, flags, stack */
	WRONG_COUNTERS,		    /* a counter went back, or CNTVOFF_EL2 was another's */
	WRONG_MPIDR,
	WRONG_RUNNING, /* ICC_RPR_EL1: the active priorities */
	WRONG_PENDING,
	WRONG_ACTIVE,
	WRONG_TAKEN, /* ICC_IAR1_EL1 gave another interrupt */
	WRONG_TIMER, /* the timer's did not come */
};

/* In guest memory; while the vCPU is outside the VMM may change want. */
struct storm {
	uint64_t seed, mpidr, gicr, last_count;
	uint64_t offset_low, offset_high; /* CNTVOFF_EL2 is between them */
	uint64_t base[STORM_REGS],
		keeps[STORM_REGS]; /* bits that never change; that take any value */
	volatile uint64_t want[STORM_REGS];
	uint32_t pending, held,
		running; /* SGIs, a bit each; the active one or 0; its ICC_RPR_EL1 */
	volatile uint64_t exits, in_kernel, waits;
	volatile uint64_t wrong, got, wanted;
};
extern struct storm storms[8];

/* What register r holds when it is to hold v. */
GUEST uint64_t storm_value(const struct storm *s, unsigned r, uint64_t v);

/* The guest: the argument is a seed. It leaves by PORT_TEST, and by guest_done(what is wrong). */
GUEST void storm_guest(uint64_t seed);
