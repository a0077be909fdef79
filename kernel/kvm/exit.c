/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why the guest stopped and who handles it: one table by exception class. Called by vcpu.c after
 * world_run(), interrupts masked, with ESR_EL2. A handler that is done after some dozens of
 * instructions stays masked, the others unmask when they have read the rest of the syndrome. What
 * it returns is EXIT_RESUME, EXIT_TO_VMM or -errno. A class that cannot come with the HCR_EL2 we
 * set, or is an instruction we do not offer, is an undefined-instruction exception to the guest.
 * Manual: DDI 0487 D19.2.37 (ESR_EL2), .41 (FAR_EL2), .64 (HPFAR_EL2).
 */
#include "kvm/exit.h"

#include <linux/errno.h>
#include <linux/psci.h>

#include "arch/irq.h"
#include "arch/sysreg.h"
#include "kvm/stage2.h"
#include "kvm/sve.h"
#include "kvm/vgic/vgic.h"
#include "kvm/world.h"
#include "lib/string.h"
#include "sched/thread.h"

#define ISS_WFX_WFE  BIT(0)
#define SCTLR_EL1_EE  BIT(25)
#define SCTLR_EL1_E0E BIT(24)

static int exit_undefined(struct vcpu *vcpu, uint64_t esr)
{
	(void)esr;
	irq_enable();
	inject_undefined(vcpu);
	return EXIT_RESUME;
}

/* WFE: a guest that spins for a lock should let its holder run, if that waits for this CPU. */
static int exit_wfx(struct vcpu *vcpu, uint64_t esr)
{
	irq_enable();
	vcpu_skip_instruction(vcpu);
	if (esr & ISS_WFX_WFE) {
		vcpu->stats.wfe++;
		thread_yield();
	} else {
		vcpu_block(vcpu);
	}
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

/* It is POWER_ON_PENDING. */
static void wake_target(struct vcpu *target)
{
	__atomic_store_n(&target->settled, false, __ATOMIC_SEQ_CST);
	vcpu_kick(target, REQ_POWER);
}

static int firmware_action(struct vcpu *vcpu, struct psci_result r)
{
	switch (r.action) {
	case PSCI_WAKE:
		wake_target(container_of(vcpu->vm->psci.cpus[r.target], struct vcpu, power));
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
 * order. Masked, the vCPU in this CPU's bank. */
static struct psci_result locked_call(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	bool big_endian = sysreg_read(sctlr_el12) & SCTLR_EL1_EE;
	struct psci_result r;

	spin_lock(&vm->power_lock);
	r = psci_call(&vm->psci, &vcpu->power, vcpu->x, true, big_endian);
	spin_unlock(&vm->power_lock);
	return r;
}

/* Masked: a call that only answers is short. */
static int exit_hvc(struct vcpu *vcpu, uint64_t esr)
{
	struct psci_result r = psci_call(&vcpu->vm->psci, &vcpu->power, vcpu->x, false, false);

	(void)esr;
	if (r.action == PSCI_LOCK)
		r = locked_call(vcpu);
	vcpu->x[0] = r.x0;
	if (r.action == PSCI_RETURN)
		return EXIT_RESUME;
	irq_enable();
	return firmware_action(vcpu, r);
}

/* No firmware is reached by SMC; unlike HVC it leaves pc on itself. */
static int exit_smc(struct vcpu *vcpu, uint64_t esr)
{
	(void)esr;
	vcpu->x[0] = (uint64_t)PSCI_RET_NOT_SUPPORTED;
	vcpu_skip_instruction(vcpu);
	return EXIT_RESUME;
}

/* ---- the rest ---- */

static int exit_sysreg(struct vcpu *vcpu, uint64_t esr)
{
	if (decode_is_sgi(esr)) {
		vgic_send_sgi(vcpu, vcpu_reg(vcpu, (unsigned)field_get(ISS_SYSREG_RT, esr)), true);
		vcpu_skip_instruction(vcpu);
		return EXIT_RESUME;
	}
	irq_enable();
	return sysreg_handle(vcpu, decode_sysreg(esr));
}

static int exit_fp(struct vcpu *vcpu, uint64_t esr)
{
	(void)esr;
	irq_enable();
	fp_trap(&vcpu->fp);
	return EXIT_RESUME;
}

/* Only a guest that may have it itself gets here (its own CPACR_EL1 comes first). */
static int exit_sve(struct vcpu *vcpu, uint64_t esr)
{
	if (!vcpu_has_sve(vcpu))
		return exit_undefined(vcpu, esr);
	irq_enable();
	fp_trap_sve(&vcpu->fp); /* its memory is there since it was finalized */
	return EXIT_RESUME;
}

/* HPFAR_EL2 is UNKNOWN for most permission faults: translate by hand. False: the guest's own tables
 * have changed meanwhile, let it try again. Masked, its translation regimes loaded. */
static bool find_faulting_ipa(uint64_t far, uint64_t *hpfar)
{
	uint64_t kept = sysreg_read(par_el1), par;

	__asm__ volatile("at s1e1r, %0" ::"r"(far));
	isb();
	par = sysreg_read(par_el1);
	sysreg_write(par_el1, kept);
	*hpfar = (par & BITS(47, 12)) >> 12 << 4;
	return !(par & 1);
}

/* Are the guest's data accesses, where it is, big-endian? Masked. */
static bool big_endian(const struct vcpu *vcpu)
{
	if (vcpu->pstate & PSTATE_NRW)
		return vcpu->pstate & BIT(9); /* E */
	return sysreg_read(sctlr_el12) &
	       (vcpu->pstate & BITS(3, 2) ? SCTLR_EL1_EE : SCTLR_EL1_E0E);
}

/* Has it none at all that are? (AArch32 programs are not offered.) */
static inline bool all_little_endian(void)
{
	return !(sysreg_read(sctlr_el12) & (SCTLR_EL1_EE | SCTLR_EL1_E0E));
}

/* What is not a plain access to where the vCPU has met no memory before, little-endian. */
static __attribute__((noinline)) int memory_abort(struct vcpu *vcpu, uint64_t esr, uint64_t far,
						  uint64_t hpfar)
{
	bool complete = decode_hpfar_valid(esr) || find_faulting_ipa(far, &hpfar);
	bool big = big_endian(vcpu);
	struct guest_abort abort;

	irq_enable();
	if (!complete)
		return EXIT_RESUME;
	decode_abort(esr, far, hpfar, &abort);
	if (big)
		abort.mmio.how |= (uint32_t)MMIO_BIG_ENDIAN;
	return stage2_fault(vcpu, &abort);
}

static int exit_abort(struct vcpu *vcpu, uint64_t esr)
{
	uint64_t far = sysreg_read(far_el2), hpfar = sysreg_read(hpfar_el2);
	ipa_t ipa = decode_ipa(far, hpfar);

	vcpu->far = far;
	if (decode_is_access(esr) && ipa.v - vcpu->gap.start < relaxed_u64(&vcpu->gap.size) &&
	    all_little_endian()) {
		irq_enable();
		return mmio_access(vcpu, decode_mmio(esr, ipa));
	}
	return memory_abort(vcpu, esr, far, hpfar);
}

exit_handler *const exit_handlers[EC_COUNT] = {
	[0x00] = exit_undefined,
	[EC_WFX] = exit_wfx,
	[0x02 ... 0x06] = exit_undefined,
	[EC_FP] = exit_fp,
	[0x08 ... 0x15] = exit_undefined,
	[EC_HVC64] = exit_hvc,
	[EC_SMC64] = exit_smc,
	[EC_SYSREG] = exit_sysreg,
	[EC_SVE] = exit_sve,
	[0x1a ... 0x1f] = exit_undefined,
	[EC_IABT_LOW] = exit_abort,
	[0x21 ... 0x23] = exit_undefined,
	[EC_DABT_LOW] = exit_abort,
	[0x25 ... 0x3f] = exit_undefined,
};
