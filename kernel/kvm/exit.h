/* SPDX-License-Identifier: BSD-2-Clause */
/* What to do about an exit. kvm's own use. */
#pragma once

#include "kvm/vcpu.h"

/* A synchronous exception of the guest; its syndrome is in vcpu->esr, far, hpfar. Unmasked, may
 * sleep. */
int exit_handle(struct vcpu *vcpu);

/* vcpu.c: wait until there is something to run for (WFI). Returns at a signal too. */
void vcpu_block(struct vcpu *vcpu);
/* sysreg.c: MSR, MRS and system instructions that trap. */
int sysreg_handle(struct vcpu *vcpu, struct sysreg_access access);
