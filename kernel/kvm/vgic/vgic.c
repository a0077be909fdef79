/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the model of the interrupts (model.c) and the vCPUs in whose list registers they are:
 * injection from anywhere, the list registers of a vCPU before it is entered, its part of the guest
 * bank, and maintenance interrupts. What the VMM sets up is setup.c's, the frames are frames.c's.
 *
 * vgic->lock is taken with interrupts masked and inside every other lock. Only a vCPU's home CPU
 * touches its list registers: cpu->home is written by it alone, masked, so whoever holds the lock
 * on that CPU may read, fold and refill them. What says whether any are used is that CPU's too.
 */
#include "kvm/vgic/vgic.h"

#include <linux/errno.h>

#include "arch/cpu.h"
#include "arch/irq.h"
#include "arch/sysreg.h"
#include "kvm/vgic/cpuif.h"
#include "kvm/vgic/frames.h"
#include "kvm/vtimer.h"
#include "lib/check.h"
#include "sched/run.h"

/* Those HW-linked to the host's interrupt of the same number: join() in setup.c. */
static const uint8_t hw_ppis[] = { VGIC_PPI_VTIMER, VGIC_PPI_PTIMER };

/* Masked: the answer stays true. */
static bool is_here(const struct vgic_cpu *cpu)
{
	return relaxed_int(&cpu->home) == (int)cpu_id();
}

void vgic_notify(struct vgic_cpu *cpu)
{
	vgic_mark(cpu);
	vcpu_kick(cpu->vcpu, REQ_VGIC);
}

/* ---- injection ---- */

static int inject_locked(struct vgic *vgic, struct vgic_cpu *cpu, unsigned intid, bool level)
{
	struct vgic_irq *irq = vgic_irq(vgic, cpu, intid);

	if (!irq)
		return -EINVAL;
	if (intid >= VGIC_SGIS) {
		vgic_irq_set_line(irq, level);
	} else if (level) {
		vgic_irq_latch(irq);
	}
	return 0;
}

/* -ENXIO, -EBUSY: there is none that could take an interrupt. */
static int ready_for_irqs(const struct vgic *vgic)
{
	if (!vgic)
		return -ENXIO;
	return atomic_load_explicit(&vgic->initialised, memory_order_acquire) ? 0 : -EBUSY;
}

int vgic_inject(struct vm *vm, struct vcpu *vcpu, unsigned intid, bool level)
{
	struct vgic *vgic = vm->vgic;
	int err = ready_for_irqs(vgic);
	uint64_t daif;

	if (err)
		return err;
	daif = spin_lock_irqsave(&vgic->lock);
	err = inject_locked(vgic, vcpu ? vcpu->vgic : NULL, intid, level);
	spin_unlock_irqrestore(&vgic->lock, daif);
	return err;
}

void vgic_pulse(struct vm *vm, unsigned intid)
{
	struct vgic *vgic = vm->vgic;
	struct vgic_irq *irq;
	uint64_t daif;

	if (ready_for_irqs(vgic))
		return;
	if (intid - VGIC_PRIVATE >= vgic->nr_irqs - VGIC_PRIVATE)
		return;
	irq = &vgic->spis[intid - VGIC_PRIVATE];
	daif = spin_lock_irqsave(&vgic->lock);
	vgic_irq_pulse(irq);
	spin_unlock_irqrestore(&vgic->lock, daif);
}

void vgic_deactivate(struct vcpu *vcpu, uint64_t intid)
{
	struct vgic_cpu *cpu = vcpu->vgic;
	uint64_t daif = irq_save();

	if (cpu->vgic && is_here(cpu))
		cpuif_read_vmcr(cpu);
	irq_restore(daif);
	if (cpu->vgic && (cpu->vmcr & ICH_VMCR_EOIM))
		vgic_clear_active(cpu, intid);
}

void vgic_send_sgi(struct vcpu *vcpu, uint64_t value, bool group1)
{
	struct vgic *vgic = vcpu->vgic->vgic;

	if (!vgic)
		return;
	spin_lock(&vgic->lock);
	vgic_model_sgi(vcpu->vgic, value, group1);
	spin_unlock(&vgic->lock);
}

static bool irq_busy(const struct vgic_irq *irq)
{
	return vgic_irq_pending(irq) || vgic_irq_active(irq);
}

/* ---- list registers, on the vCPU's home CPU ---- */

/* A timer interrupt the guest has not taken yet goes when its line has fallen: the guest moved the
 * deadline or masked it. The host's interrupt is free to come again then. */
static void resample(struct vgic_cpu *cpu, unsigned intid)
{
	struct vgic_irq *irq = &cpu->irqs[intid];

	if (irq->active || vtimer_line(cpu->vcpu, intid))
		return;
	vgic_irq_set_line(irq, false);
	vtimer_set_active(intid, false);
}

static inline void resample_timers(struct vgic_cpu *cpu)
{
	if (cpu->irqs[VGIC_PPI_VTIMER].latch)
		resample(cpu, VGIC_PPI_VTIMER);
	if (cpu->irqs[VGIC_PPI_PTIMER].latch)
		resample(cpu, VGIC_PPI_PTIMER);
}

/* The guest (or the VMM) wrote the state of HW-linked interrupts: one that is over in the guest's
 * eyes must not stay Active in the host's GIC, or it would never come again. */
static void sync_hw(struct vgic_cpu *cpu)
{
	cpu->hw_changed = false;
	for (unsigned i = 0; i < ARRAY_SIZE(hw_ppis); i++)
		vtimer_set_active(hw_ppis[i], irq_busy(&cpu->irqs[hw_ppis[i]]));
}

static void refill(struct vgic_cpu *cpu, bool look_at_lines)
{
	cpuif_read_lrs(cpu);
	vgic_fold(cpu);
	if (look_at_lines)
		resample_timers(cpu);
	vgic_fill(cpu);
	cpuif_write_lrs(cpu);
	if (cpu->hw_changed)
		sync_hw(cpu);
}

void vgic_refill(struct vgic_cpu *cpu)
{
	refill(cpu, true);
}

/* irq has become pending, and but for that the list registers are right. False: it is not done. */
static inline bool add(struct vgic_cpu *cpu, struct vgic_irq *irq)
{
	int n = vgic_add(cpu, irq, cpuif_empty_lrs());

	if (n >= 0)
		cpuif_write_lr(cpu, (unsigned)n);
	return n >= 0;
}

static inline void tell(struct vgic_cpu *cpu, struct vgic_irq *irq)
{
	vgic_mark_new(cpu, irq);
	vcpu_kick(cpu->vcpu, REQ_VGIC);
}

/* Whoever runs on this CPU, the registers of its guest bank may be written: there is nobody to tell, but
 * who waits. */
static __attribute__((noinline)) void deliver_here(struct vgic_cpu *cpu, struct vgic_irq *irq)
{
	if (vgic_lrs(cpu) == LRS_RIGHT && add(cpu, irq))
		vcpu_wake(cpu->vcpu);
	else
		tell(cpu, irq);
}

void vgic_notify_new(struct vgic_cpu *cpu, struct vgic_irq *irq)
{
	if (is_here(cpu))
		deliver_here(cpu, irq);
	else
		tell(cpu, irq);
}

void vgic_timer_fired(struct vcpu *vcpu, unsigned intid)
{
	struct vgic_cpu *cpu = vcpu->vgic;
	struct vgic *vgic = cpu->vgic;
	struct vgic_irq *irq = &cpu->irqs[intid];

	if (!vgic) {
		vcpu_kick(vcpu, REQ_WAKE); /* the VMM has no GIC for it, but WFI ends */
		return;
	}
	spin_lock(&vgic->lock);
	irq->latch = true;
	vgic_irq_place(irq);
	if (vgic_lrs(cpu) != LRS_RIGHT || !add(cpu, irq))
		refill(cpu, false);
	spin_unlock(&vgic->lock);
	vcpu_wake(vcpu);
}

void vgic_flush(struct vcpu *vcpu)
{
	struct vgic_cpu *cpu = vcpu->vgic;

	spin_lock(&cpu->vgic->lock);
	if (vgic_lrs(cpu) == LRS_ONE_NEW && add(cpu, cpu->fresh))
		atomic_store_explicit(&cpu->lrs, LRS_RIGHT, memory_order_relaxed);
	else if (vgic_lrs(cpu) >= LRS_ONE_NEW) /* else that was before it was loaded */
		vgic_refill(cpu);
	spin_unlock(&cpu->vgic->lock);
}

/* Is something of the queue not in a list register, or is there one not empty? Without the lock: whoever
 * queues one now kicks afterwards. */
static bool may_wake(const struct vgic_cpu *cpu)
{
	return __atomic_load_n(&cpu->queued, __ATOMIC_RELAXED) != cpu->used ||
	       (~cpuif_empty_lrs() & ~(~0ull << cpu->used));
}

bool vgic_wfi(struct vcpu *vcpu)
{
	struct vgic_cpu *cpu = vcpu->vgic;
	bool wakes;

	if (!cpu->vgic || !may_wake(cpu))
		return false;
	spin_lock(&cpu->vgic->lock);
	cpuif_read_vmcr(cpu);
	vgic_refill(cpu);
	wakes = vgic_model_wakes(cpu);
	spin_unlock(&cpu->vgic->lock);
	return wakes;
}

/* ---- the guest bank ---- */

/*
 * Mostly nothing is in list registers, nor to be put there: then the lock is not taken. Who injects
 * marks first (cpu->lrs), then sets REQ_VGIC, which is looked at after the load; so nothing that
 * comes meanwhile is lost. Where list registers are used they are emptied, or home is set, with the
 * lock held.
 */

static void set_home(struct vgic_cpu *cpu, int home)
{
	/* relaxed: that it is this CPU matters to this CPU alone; settle_here() asks with the lock
	 * held */
	atomic_store_explicit(&cpu->home, home, memory_order_relaxed);
}

/* What is more than cpuif_save(). */
static __attribute__((noinline)) void save_more(struct vgic_cpu *cpu)
{
	if (cpu->vgic->more_priorities)
		cpuif_save_more(cpu);
	if (cpu->written || cpu->hw_changed) {
		spin_lock(&cpu->vgic->lock);
		cpuif_empty(cpu);
		vgic_fold(cpu);
		if (cpu->hw_changed) /* before the Active bits are saved */
			sync_hw(cpu);
		spin_unlock(&cpu->vgic->lock);
	}
	set_home(cpu, -1);
}

void vgic_save(struct vcpu *vcpu)
{
	struct vgic_cpu *cpu = vcpu->vgic;

	if (!cpu->vgic)
		return;
	cpuif_save(cpu);
	if (cpu->written || cpu->hw_changed || cpu->vgic->more_priorities)
		save_more(cpu);
	else
		set_home(cpu, -1);
}

/* Has it no interrupt for a list register, nor a timer's that is Active in the host's GIC? */
static inline bool nothing_due(const struct vcpu *vcpu, const struct vgic_cpu *cpu)
{
	return !(vgic_lrs(cpu) | cpu->queued | cpu->hw_changed | vcpu->timer.active);
}

/* What is more than cpuif_load(). */
static __attribute__((noinline)) void load_more(struct vcpu *vcpu)
{
	struct vgic_cpu *cpu = vcpu->vgic;

	if (cpu->vgic->more_priorities)
		cpuif_load_more(cpu);
	if (nothing_due(vcpu, cpu))
		return;
	/* acquire: pairs with the release in vcpu_kick(): what was marked before is done here */
	atomic_fetch_and_explicit(&vcpu->requests, ~(uint32_t)REQ_VGIC, memory_order_acquire);
	spin_lock(&cpu->vgic->lock);
	resample_timers(cpu); /* the VMM may have moved a deadline */
	vgic_fill(cpu);
	cpuif_write_lrs(cpu);
	if (cpu->hw_changed)
		sync_hw(cpu);
	spin_unlock(&cpu->vgic->lock);
}

void vgic_load(struct cpu *here, struct vcpu *vcpu)
{
	struct vgic_cpu *cpu = vcpu->vgic;

	if (!cpu->vgic) {
		cpuif_close();
		return;
	}
	set_home(cpu, (int)here->id);
	cpuif_load(here, cpu);
	if (!nothing_due(vcpu, cpu) || cpu->vgic->more_priorities)
		load_more(vcpu);
}

void vgic_close(void)
{
	struct vcpu *vcpu = world_resident();

	/* Its registers are thrown away, but its interrupts are the distributor's too. */
	if (vcpu && vcpu->vgic && is_here(vcpu->vgic))
		vgic_save(vcpu);
	cpuif_close();
}

/* The guest has ended level interrupts, and nothing else is to be done. Lock held. */
static bool levels_ended(struct vgic_cpu *cpu)
{
	uint64_t ended = cpuif_ended_lrs();

	if (vgic_lrs(cpu) != LRS_RIGHT || !ended)
		return false;
	for (; ended; ended &= ended - 1) {
		unsigned n = (unsigned)__builtin_ctzll(ended);

		if (!vgic_ended(cpu, n))
			return false;
		cpuif_write_lr(cpu, n);
	}
	return true;
}

static void maintain(struct vgic_cpu *cpu)
{
	spin_lock(&cpu->vgic->lock);
	if (!levels_ended(cpu))
		vgic_refill(cpu);
	spin_unlock(&cpu->vgic->lock);
}

/* The end of a level interrupt, or more than list registers (vgic_fill()). At EL2 it stays asserted until its cause is gone,
 * so the list registers are mended here and now, whoever runs. */
static void maintenance(void *arg, unsigned intid)
{
	struct vcpu *vcpu = world_resident();

	(void)arg, (void)intid;
	if (vcpu && vcpu->vgic->vgic)
		maintain(vcpu->vgic);
	else
		cpuif_close();
	isb(); /* the line has fallen before the end of the interrupt, which comes now */
}

int vgic_init(void)
{
	cpuif_probe();
	run_set_idle_hook(cpuif_idle);
	return irq_register(VGIC_PPI_MAINTENANCE, maintenance, NULL, false);
}

void vgic_cpu_init(void)
{
	cpuif_cpu_init();
	irq_unmask(VGIC_PPI_MAINTENANCE, false);
}
