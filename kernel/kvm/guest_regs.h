/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one list of a guest's system registers that stand in the guest bank: save and load (world.S), reset
 * and ONE_REG are made from it. X(field, hardware name under VHE, op0, op1, CRn, CRm, op2 of the name
 * the guest uses, reset value).
 */
#pragma once

#define GUEST_REGS(X)                                                                              \
	X(sctlr, sctlr_el12, 3, 0, 1, 0, 0, 0x00c50078)                                            \
	X(cpacr, cpacr_el12, 3, 0, 1, 0, 2, 0)                                                     \
	X(ttbr0, ttbr0_el12, 3, 0, 2, 0, 0, 0)                                                     \
	X(ttbr1, ttbr1_el12, 3, 0, 2, 0, 1, 0)                                                     \
	X(tcr, tcr_el12, 3, 0, 2, 0, 2, 0)                                                         \
	X(spsr, spsr_el12, 3, 0, 4, 0, 0, 0)                                                       \
	X(elr, elr_el12, 3, 0, 4, 0, 1, 0)                                                         \
	X(sp_el1, sp_el1, 3, 4, 4, 1, 0, 0)                                                        \
	X(afsr0, afsr0_el12, 3, 0, 5, 1, 0, 0)                                                     \
	X(afsr1, afsr1_el12, 3, 0, 5, 1, 1, 0)                                                     \
	X(esr, esr_el12, 3, 0, 5, 2, 0, 0)                                                         \
	X(far, far_el12, 3, 0, 6, 0, 0, 0)                                                         \
	X(par, par_el1, 3, 0, 7, 4, 0, 0)                                                          \
	X(mair, mair_el12, 3, 0, 10, 2, 0, 0)                                                      \
	X(amair, amair_el12, 3, 0, 10, 3, 0, 0)                                                    \
	X(vbar, vbar_el12, 3, 0, 12, 0, 0, 0)                                                      \
	X(contextidr, contextidr_el12, 3, 0, 13, 0, 1, 0)                                          \
	X(tpidr_el1, tpidr_el1, 3, 0, 13, 0, 4, 0)                                                 \
	X(cntkctl, cntkctl_el12, 3, 0, 14, 1, 0, 0)                                                \
	X(csselr, csselr_el1, 3, 2, 0, 0, 0, 0)

/* The timers: CVAL before CTL, so that a loaded timer never fires for an old time. ONE_REG knows
 * them by other numbers (one_reg.c). */
#define TIMER_REGS(X)                                                                              \
	X(cntv_cval, cntv_cval_el02, 3, 3, 14, 3, 2, 0)                                            \
	X(cntp_cval, cntp_cval_el02, 3, 3, 14, 2, 2, 0)                                            \
	X(cntv_ctl, cntv_ctl_el02, 3, 3, 14, 3, 1, 0)                                              \
	X(cntp_ctl, cntp_ctl_el02, 3, 3, 14, 2, 1, 0)

/* Shared with host programs: moved when the CPU crosses between the guest and host EL0. */
#define CROSSING_REGS(X)                                                                           \
	X(sp_el0, sp_el0, 3, 0, 4, 1, 0, 0)                                                        \
	X(tpidr_el0, tpidr_el0, 3, 3, 13, 0, 2, 0)                                                 \
	X(tpidrro_el0, tpidrro_el0, 3, 3, 13, 0, 3, 0)

#ifndef __ASSEMBLER__
#include <stdint.h>

struct guest_regs {
#define X(field, ...) uint64_t field;
	GUEST_REGS(X)
	TIMER_REGS(X)
	CROSSING_REGS(X)
#undef X
	uint64_t tpidr2; /* TPIDR2_EL0, a crossing register too, where the CPU has SME */
};
#endif
