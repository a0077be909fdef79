/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest's memory as the hardware walks it: what the run loop and the guest bank ask of stage2.c.
 */
#pragma once

#include "kvm/vcpu.h"

/* Once at boot: VMIDs, what the CPUs offer. */
void stage2_setup(void);
/* Bits of HCR_EL2 that go with the tables' attributes. */
uint64_t stage2_hcr(void);

/* Make the vCPU's VM this CPU's: VTCR_EL2, VTTBR_EL2. Masked, HCR_EL2 the guest's. */
void stage2_activate(unsigned cpu, const struct vcpu *vcpu);
/* No VM's: an empty VTTBR_EL2. Masked. */
void stage2_deactivate(void);

/* The guest touched an address that its tables do not map (so): map what the VMM has there, or it
 * is a device's. As all exit handlers: EXIT_RESUME, EXIT_TO_VMM or -errno. */
int stage2_fault(struct vcpu *vcpu, const struct guest_abort *abort);

/* DC ISW and its kin by the guest: all its memory to the point of coherency. */
void stage2_clean_all(struct vm *vm);
