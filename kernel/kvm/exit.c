/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why the guest stopped and who handles it: one table by exception class. Called by vcpu.c after
 * world_run(), interrupts enabled, with the syndrome read; what a handler returns is EXIT_RESUME,
 * EXIT_TO_VMM or -errno. A class without a row cannot come with the HCR_EL2 we set, or is an
 * instruction we do not offer: the guest takes an undefined-instruction exception.
 * Manual: DDI 0487 D19.2.37 (ESR_EL2).
 */
#include "kvm/exit.h"

#include <linux/errno.h>
#include <linux/psci.h>

#include "arch/irq.h"
#include "arch/sysreg.h"
#include "kvm/stage2.h"
#include "kvm/world.h"
#include "lib/string.h"
#include "sched/thread.h"

#define ISS_WFX_WFE  BIT(0)
#define SCTLR_EL1_EE BIT(25)

static int exit_undefined(struct vcpu *vcpu)
{
	inject_undefined(vcpu);
	return EXIT_RESUME;
}

/* WFE: a guest that spins for a lock should let its holder run, if that waits for this CPU. */
static int exit_wfx(struct vcpu *vcpu)
{
	vcpu->stats.wfx++;
	vcpu_skip_instruction(vcpu);
	if (vcpu->esr & ISS_WFX_WFE)
		thread_yield();
	else
		vcpu_block(vcpu);
	return EXIT_RESUME;
}

/* ---- firmware calls ---- */

static void power_off_all(struct vm *vm)
{
	struct vcpu *vcpu;
	unsigned i;
	uint64_t daif = spin_lock_irqsave(&vm->power_lock);

	vm_for_each_vcpu(i, vcpu, vm) vcpu->power.state = POWER_OFF;
	spin_unlock_irqrestore(&vm->power_lock, daif);
	vm_kick_all(vm, REQ_POWER);
}

static int system_event(struct vcpu *vcpu, uint32_t type, uint64_t flags)
{
	struct kvm_run *run = vcpu->run;

	power_off_all(vcpu->vm);
	memset(&run->system_event, 0, sizeof(run->system_event));
	run->system_event.type = type;
	run->system_event.ndata = 1;
	run->system_event.data[0] = flags;
	run->exit_reason = KVM_EXIT_SYSTEM_EVENT;
	return EXIT_TO_VMM;
}

static int firmware_action(struct vcpu *vcpu, struct psci_result r)
{
	switch (r.action) {
	case PSCI_WAKE:
		vcpu_kick(vcpu->vm->vcpus[r.target], REQ_POWER);
		return EXIT_RESUME;
	case PSCI_TURN_OFF:
		vcpu_kick(vcpu, REQ_POWER);
		return EXIT_RESUME;
	case PSCI_SUSPEND:
		vcpu_block(vcpu);
		return EXIT_RESUME;
	case PSCI_SHUTDOWN:
		return system_event(vcpu, KVM_SYSTEM_EVENT_SHUTDOWN, 0);
	case PSCI_RESET:
		return system_event(vcpu, KVM_SYSTEM_EVENT_RESET, 0);
	case PSCI_RESET2:
		return system_event(vcpu, KVM_SYSTEM_EVENT_RESET,
				    KVM_SYSTEM_EVENT_RESET_FLAG_PSCI_RESET2);
	default:
		return EXIT_RESUME;
	}
}

/* Calls that look at power states: under the lock, and a CPU that is started inherits the byte
 * order. */
static struct psci_result locked_call(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	struct psci_result r;
	bool big_endian;

	world_take(vcpu); /* masks */
	big_endian = sysreg_read(sctlr_el12) & SCTLR_EL1_EE;
	spin_lock(&vm->power_lock);
	r = psci_call(&vm->psci, &vcpu->power, vcpu->x, true, big_endian);
	spin_unlock(&vm->power_lock);
	irq_enable();
	return r;
}

static int exit_hvc(struct vcpu *vcpu)
{
	struct psci_result r = psci_call(&vcpu->vm->psci, &vcpu->power, vcpu->x, false, false);

	vcpu->stats.hvc++;
	if (r.action == PSCI_LOCK)
		r = locked_call(vcpu);
	vcpu->x[0] = r.x0;
	return r.action == PSCI_RETURN ? EXIT_RESUME : firmware_action(vcpu, r);
}

/* No firmware is reached by SMC; unlike HVC it leaves pc on itself. */
static int exit_smc(struct vcpu *vcpu)
{
	vcpu->x[0] = (uint64_t)PSCI_RET_NOT_SUPPORTED;
	vcpu_skip_instruction(vcpu);
	return EXIT_RESUME;
}

/* ---- the rest ---- */

static int exit_sysreg(struct vcpu *vcpu)
{
	vcpu->stats.sysreg++;
	return sysreg_handle(vcpu, decode_sysreg(vcpu->esr));
}

static int exit_fp(struct vcpu *vcpu)
{
	vcpu->stats.fp_traps++;
	fp_trap(&vcpu->fp);
	return EXIT_RESUME;
}

static int exit_abort(struct vcpu *vcpu)
{
	struct guest_abort abort;

	decode_abort(vcpu->esr, vcpu->far, vcpu->hpfar, &abort);
	return stage2_fault(vcpu, &abort);
}

static int (*const handlers[EC_COUNT])(struct vcpu *vcpu) = {
	[EC_WFX] = exit_wfx,	    [EC_FP] = exit_fp,	       [EC_HVC64] = exit_hvc,
	[EC_SMC64] = exit_smc,	    [EC_SYSREG] = exit_sysreg, [EC_IABT_LOW] = exit_abort,
	[EC_DABT_LOW] = exit_abort,
};

int exit_handle(struct vcpu *vcpu)
{
	int (*handler)(struct vcpu * vcpu) = handlers[field_get(ESR_EC, vcpu->esr)];

	return handler ? handler(vcpu) : exit_undefined(vcpu);
}
