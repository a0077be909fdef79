/* SPDX-License-Identifier: BSD-2-Clause */
/* What to do about an exit. kvm's own use. */
#pragma once

#include "kvm/vcpu.h"

/* A synchronous exception of the guest: esr is ESR_EL2. Called masked, with the other syndrome
 * registers as the exception left them; may return unmasked, may sleep. EXIT_RESUME, EXIT_TO_VMM or
 * -errno. */
typedef int exit_handler(struct vcpu *vcpu, uint64_t esr);
extern exit_handler *const exit_handlers[EC_COUNT];

static inline int exit_handle(struct vcpu *vcpu, uint64_t esr)
{
	uint64_t ec = field_get(ESR_EC, esr);

	vcpu->stats.exits[ec]++;
	return exit_handlers[ec](vcpu, esr);
}

/* kick.c: wait until there is something to run for (WFI). Returns at a signal too. Returns enabled. */
void vcpu_block(struct vcpu *vcpu);
/* The same until it is switched on. Enabled. */
void vcpu_wait_for_power(struct vcpu *vcpu);
/* sysreg.c: MSR, MRS and system instructions that trap. */
int sysreg_handle(struct vcpu *vcpu, struct sysreg_access access);
