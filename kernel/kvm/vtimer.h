/* SPDX-License-Identifier: BSD-2-Clause */
/* The guest's timers: what the guest bank, the run loop and the vgic ask of kvm/vtimer.c. */
#pragma once

#include "kvm/vcpu.h"

/* Once at boot; each CPU. */
void vtimer_setup(void);
void vtimer_cpu_setup(void);

/* ---- the guest bank's part, masked ---- */
void vtimer_loading(struct cpu *cpu,
		    struct vcpu *vcpu); /* before the timers' registers are written */
void vtimer_saved(struct vcpu *vcpu);	/* after they were read: stops them */
void vtimer_close(void);		/* stop both, Active bits clear */
/* Write the Active bit of the host's interrupt of that PPI (27, 30). The vCPU is in this CPU's bank. */
void vtimer_set_active(unsigned intid, bool active);

/* Is the line of that PPI (27, 30) high: enabled, not masked, expired? The vCPU is in no bank, or
 * in this CPU's and masked. False for other PPIs. */
bool vtimer_line(struct vcpu *vcpu, unsigned intid);

/* ---- the run loop's ---- */
void vtimer_init_vcpu(struct vcpu *vcpu);
/* The thread no longer waits: the timer that its vCPU's eviction may have armed goes. Enabled. */
void vtimer_disarm(struct vcpu *vcpu);
/* A stopped vCPU: neither timer is armed any more. */
void vtimer_destroy_vcpu(struct vcpu *vcpu);
/* Write CNTVOFF_EL2 anew: vcpu's VM has another offset. Masked, resident. */
void vtimer_load_offset(struct vcpu *vcpu);
