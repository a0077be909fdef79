/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest bank and the crossing (docs/banks.md). The bank holds what the kernel does not use
 * itself under VHE: EL1's system registers, both timers with the Active bits of their interrupts,
 * the virtual CPU interface, VTTBR_EL2. It is saved when another vCPU takes the CPU's bank or
 * when its vCPU must run elsewhere, never at an exit.
 *
 * A few registers are shared with host programs: the crossing moves them, from vcpu.c before the
 * guest runs and from the way back to EL0 of whatever thread comes first (world_leave()). While
 * the CPU is in CPU_GUEST mode they belong to the bank's owner.
 *
 * Everything here runs with interrupts masked. Manual: DDI 0487 D5.6 (VHE), D19.2.
 */
#include "kvm/world.h"

#include "arch/irq.h"
#include "arch/sysreg.h"
#include "kvm/debug.h"
#include "kvm/id_regs.h"
#include "kvm/stage2.h"
#include "kvm/vgic/vgic.h"
#include "kvm/vtimer.h"
#include "linux/process/task.h"

_Static_assert(offsetof(struct vcpu, x) == VCPU_X, "world.S");
_Static_assert(offsetof(struct vcpu, pc) == VCPU_PC, "world.S");
_Static_assert(offsetof(struct vcpu, pstate) == VCPU_PSTATE, "world.S");
_Static_assert(VCPU_PC == VCPU_X + 8 * 31, "x30 and pc are one pair in world.S");

/* CNTHCTL_EL2 at E2H = 1 */
#define CNTHCTL_EL1PCTEN BIT(10) /* the guest reads CNTPCT_EL0 and uses CNTP by itself */
#define CNTHCTL_EL1PTEN	 BIT(11)
/* MDCR_EL2 */
#define MDCR_HPMN  BITS(4, 0)
#define MDCR_TPMCR BIT(5)
#define MDCR_TPM   BIT(6)
#define MDCR_TDA   BIT(9)
#define MDCR_TDOSA BIT(10)
#define MDCR_TDRA  BIT(11)
#define MDCR_TPMS  BIT(14) /* statistical profiling, with E2PB 0 */
#define MDCR_TTRF  BIT(19) /* trace filter */

/* world.S */
void guest_regs_save(struct guest_regs *to);
void guest_regs_load(const struct guest_regs *from);

extern char host_vectors[], guest_vectors[]; /* arch/vectors.S, world.S */

static bool has_tpidr2; /* written once at boot */

static struct vcpu *vcpu_of(struct bank_ctx *ctx)
{
	return container_of(ctx, struct vcpu, bank);
}

struct vcpu *world_resident(void)
{
	return this_cpu()->resident;
}

static inline __attribute__((always_inline)) void crossing_save(struct cpu *cpu, struct vcpu *vcpu)
{
	debug_clear(cpu);
	if (vcpu->hcr & HCR_VSE) /* the hardware clears it when it delivers the SError */
		vcpu->hcr = sysreg_read(hcr_el2);
#define X(field, hw, ...) vcpu->regs.field = sysreg_read(hw);
	CROSSING_REGS(X)
#undef X
	if (has_tpidr2)
		vcpu->regs.tpidr2 = sysreg_read_named(SYSREG_TPIDR2_EL0);
}

static void crossing_load(const struct vcpu *vcpu)
{
	sysreg_write(hcr_el2, vcpu->hcr);
#define X(field, hw, ...) sysreg_write(hw, vcpu->regs.field);
	CROSSING_REGS(X)
#undef X
	if (has_tpidr2)
		sysreg_write_named(SYSREG_TPIDR2_EL0, vcpu->regs.tpidr2);
	if (vcpu->debug.armed)
		debug_load(vcpu);
}

void world_enter(struct cpu *cpu, struct vcpu *vcpu)
{
	struct thread *t = cpu->current;

	t->tpidr_el0 = sysreg_read(tpidr_el0);
	if (has_tpidr2)
		t->tpidr2_el0 = sysreg_read_named(SYSREG_TPIDR2_EL0);
	sysreg_write(vbar_el2, guest_vectors);
	cpu->mode = CPU_GUEST;
	vcpu->stats.crossings++;
	crossing_load(vcpu);
}

void world_set_vse(struct vcpu *vcpu)
{
	vcpu->hcr |= HCR_VSE;
	if (this_cpu()->mode == CPU_GUEST)
		sysreg_write(hcr_el2, vcpu->hcr);
}

void world_leave(void)
{
	struct cpu *cpu = this_cpu();
	struct thread *t = cpu->current;

	if (cpu->resident)
		crossing_save(cpu, cpu->resident);
	sysreg_write(hcr_el2, cpu->host_hcr);
	sysreg_write(vbar_el2, cpu->host_vbar);
	sysreg_write(tpidr_el0, t->tpidr_el0);
	sysreg_write(tpidrro_el0, 0);
	if (has_tpidr2)
		sysreg_write_named(SYSREG_TPIDR2_EL0, t->tpidr2_el0);
	cpu->mode = CPU_HOST; /* the ERET to EL0 synchronises */
	cpu->entered = NULL;
	/* Closed for EL0 while the guest had it, or while nobody was to use it. */
	fp_enter_user(cpu, &container_of(t, struct task, thread)->fp);
}

static void bank_save(struct bank_ctx *ctx)
{
	struct vcpu *vcpu = vcpu_of(ctx);

	vgic_save(vcpu);
	guest_regs_save(&vcpu->regs);
	if (this_cpu()->mode == CPU_GUEST)
		crossing_save(this_cpu(), vcpu);
	vtimer_saved(vcpu);
}

/* Whoever loads one means to run it, so the crossing comes at once: TGE is clear then, as the TLBI
 * between two vCPUs of one VM wants it. */
static void bank_load(struct bank_ctx *ctx)
{
	struct vcpu *vcpu = vcpu_of(ctx);
	struct cpu *cpu = this_cpu();

	vcpu->stats.loads++;
	bank_dirty(ctx); /* from here on the timers run */
	cpu->resident = vcpu;
	cpu->entered = NULL;
	if (cpu->mode == CPU_GUEST)
		crossing_load(vcpu);
	else
		world_enter(cpu, vcpu);
	sysreg_write(vmpidr_el2, vcpu_mpidr(vcpu));
	stage2_activate(cpu->id, vcpu);
	vtimer_loading(cpu, vcpu);
	guest_regs_load(&vcpu->regs);
	vgic_load(cpu, vcpu);
}

void world_take(struct vcpu *vcpu)
{
	bank_take(&vcpu->bank);
}

void world_bring(struct vcpu *vcpu)
{
	if (bank_is_free(&vcpu->bank)) {
		bank_enter(&vcpu->bank);
	} else {
		irq_enable();
		bank_take(&vcpu->bank);
	}
}

/* Nobody's any more: nothing of it may act. */
static void bank_close(struct bank_ctx *ctx)
{
	(void)ctx;
	debug_clear(this_cpu());
	vgic_close(); /* may still write Active bits */
	vtimer_close();
	stage2_deactivate();
	this_cpu()->resident = NULL;
	this_cpu()->entered = NULL;
}

static const struct bank_ops guest_bank_ops = {
	.name = "guest",
	.save = bank_save,
	.load = bank_load,
	.close = bank_close,
};
struct bank guest_bank = { .ops = &guest_bank_ops };

uint64_t world_initial_hcr(void)
{
	return HCR_BASE | HCR_VM | HCR_SWIO | HCR_PTW | HCR_FB | field_set(HCR_BSU, 1) | HCR_TWI |
	       HCR_TWE | HCR_TID1 | HCR_TID3 | HCR_TSC | HCR_TIDCP | HCR_TACR | HCR_TSW | HCR_TLOR |
	       (cpu_has(CPU_RAS) ? HCR_TERR | HCR_TEA : 0) | stage2_hcr();
}

void world_reset_image(struct vcpu *vcpu)
{
#define X(field, hw, op0, op1, crn, crm, op2, reset) vcpu->regs.field = (reset);
	GUEST_REGS(X)
	TIMER_REGS(X)
	CROSSING_REGS(X)
#undef X
	vcpu->regs.tpidr2 = 0;
	vcpu->hcr = world_initial_hcr();
}

void world_init(void)
{
	has_tpidr2 = cpu_has(CPU_SME);
	id_regs_setup();
	stage2_setup();
	vtimer_setup();
}

void world_cpu_init(void)
{
	uint64_t daif = irq_save();

	this_cpu()->host_hcr = HCR_HOST;
	this_cpu()->host_vbar = (uint64_t)host_vectors;
	sysreg_write(vpidr_el2, sysreg_read(midr_el1));
	sysreg_write(cnthctl_el2, sysreg_read(cnthctl_el2) | CNTHCTL_EL1PCTEN | CNTHCTL_EL1PTEN);
	/* Debug and performance registers trap; no counter is the guest's. */
	sysreg_write(mdcr_el2, (sysreg_read(mdcr_el2) & MDCR_HPMN) | MDCR_TPM | MDCR_TPMCR |
				       MDCR_TDA | MDCR_TDOSA | MDCR_TDRA | MDCR_TPMS | MDCR_TTRF);
	sysreg_write(hstr_el2, 0);
	/* Nothing extra, nothing fine-grained: these are UNKNOWN after reset. */
	if (cpu_has(CPU_HCX))
		sysreg_write(s3_4_c1_c2_2, 0); /* HCRX_EL2 */
	if (cpu_has(CPU_FGT)) {
		sysreg_write(s3_4_c1_c1_4, 0); /* HFGRTR_EL2 */
		sysreg_write(s3_4_c1_c1_5, 0); /* HFGWTR_EL2 */
		sysreg_write(s3_4_c1_c1_6, 0); /* HFGITR_EL2 */
		sysreg_write(s3_4_c3_c1_4, 0); /* HDFGRTR_EL2 */
		sysreg_write(s3_4_c3_c1_5, 0); /* HDFGWTR_EL2 */
	}
	debug_cpu_setup();
	vtimer_cpu_setup();
	bank_close(NULL);
	irq_restore(daif);
}
