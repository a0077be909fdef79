/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exceptions that we give the guest: what the CPU would have done had it taken them to EL1 itself.
 * Entered by exit handlers of the vCPU's own thread, unmasked. EL1's registers are written where
 * they stand, in this CPU's guest bank. Manual: DDI 0487 D1.3.1, and J1.3 AArch64.TakeException().
 */
#include "arch/irq.h"
#include "arch/sysreg.h"
#include "kvm/world.h"

#define PSTATE_EL	  BITS(3, 2)
#define PSTATE_EL1H	  5ull
#define PSTATE_SP	  BIT(0)
#define PSTATE_DIT	  BIT(24)
#define PSTATE_SSBS	  BIT(12)
#define SCTLR_EL1_SPAN	  BIT(23)
#define SCTLR_EL1_DSSBS	  BIT(44)
#define FSC_SYNC_EXTERNAL 0x10ull
#define VECTOR_EL1T	  0x000
#define VECTOR_EL1H	  0x200
#define VECTOR_EL0_64	  0x400
#define VECTOR_EL0_32	  0x600

static uint64_t vector_offset(uint64_t pstate)
{
	if (pstate & PSTATE_NRW)
		return VECTOR_EL0_32;
	if (field_get(PSTATE_EL, pstate) == 0)
		return VECTOR_EL0_64;
	return pstate & PSTATE_SP ? VECTOR_EL1H : VECTOR_EL1T;
}

/* Flags stay; everything is masked; PAN and SSBS as SCTLR_EL1 says; BTYPE, IL, SS, UAO, TCO clear.
 */
static uint64_t entry_pstate(uint64_t old, uint64_t sctlr)
{
	uint64_t new = (old & (PSTATE_NZCV | PSTATE_PAN | PSTATE_DIT)) | PSTATE_D | PSTATE_A |
		       PSTATE_I | PSTATE_F | PSTATE_EL1H;

	if (old & PSTATE_NRW) /* DIT is bit 21 in an AArch32 SPSR */
		new &= ~PSTATE_DIT;
	if (cpu_has(CPU_PAN) && !(sctlr & SCTLR_EL1_SPAN))
		new |= PSTATE_PAN;
	if (sctlr & SCTLR_EL1_DSSBS)
		new |= PSTATE_SSBS;
	return new;
}

static void take_exception(struct vcpu *vcpu, uint64_t esr, const uint64_t *far)
{
	world_take(vcpu); /* masks */
	sysreg_write(elr_el12, vcpu->pc);
	sysreg_write(spsr_el12, vcpu->pstate);
	sysreg_write(esr_el12, esr);
	if (far)
		sysreg_write(far_el12, *far);
	vcpu->pc = sysreg_read(vbar_el12) + vector_offset(vcpu->pstate);
	vcpu->pstate = entry_pstate(vcpu->pstate, sysreg_read(sctlr_el12));
	irq_enable();
}

static bool from_el0(const struct vcpu *vcpu)
{
	return field_get(PSTATE_EL, vcpu->pstate) == 0 || (vcpu->pstate & PSTATE_NRW);
}

void inject_undefined(struct vcpu *vcpu)
{
	take_exception(vcpu, field_set(ESR_EC, EC_UNKNOWN) | ESR_IL, NULL);
}

void inject_data_abort(struct vcpu *vcpu, uint64_t far)
{
	uint64_t ec = from_el0(vcpu) ? EC_DABT_LOW : EC_DABT;

	take_exception(vcpu, field_set(ESR_EC, ec) | ESR_IL | FSC_SYNC_EXTERNAL, &far);
}

void inject_fetch_abort(struct vcpu *vcpu, uint64_t far)
{
	uint64_t ec = from_el0(vcpu) ? EC_IABT_LOW : EC_IABT;

	take_exception(vcpu, field_set(ESR_EC, ec) | ESR_IL | FSC_SYNC_EXTERNAL, &far);
}

void inject_serror(struct vcpu *vcpu)
{
	world_take(vcpu); /* masks */
	world_set_vse(vcpu);
	irq_enable();
}
