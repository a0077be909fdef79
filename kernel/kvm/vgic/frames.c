/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's loads and stores to the distributor's and the redistributors' frames.
 *
 * A register that shows or changes pending or active state must know what stands in list registers,
 * and those may be in the hardware of another CPU, whose vCPU may be running. Such an access asks
 * each of those CPUs for it (cpu_call: interrupts enabled, no lock held while waiting). For a write
 * the vCPU is frozen meanwhile: its list registers stay empty until the model has been changed.
 */
#include "kvm/vgic/frames.h"

#include "arch/cpu.h"
#include "arch/irq.h"
#include "kvm/vgic/vgic.h"

/* ---- settling ---- */

struct settle {
	struct vgic_cpu *cpu;
	bool done;
};

/* On cpu's home CPU, masked. */
static void settle_here(void *arg)
{
	struct settle *s = arg;
	struct vgic_cpu *cpu = s->cpu;
	int home;

	spin_lock(&cpu->vgic->lock);
	home = relaxed_int(&cpu->home);
	if (home == (int)cpu_id())
		vgic_refill(cpu);
	s->done = home < 0 || home == (int)cpu_id();
	spin_unlock(&cpu->vgic->lock);
}

static void settle(struct vgic_cpu *cpu)
{
	struct settle s = { .cpu = cpu };

	while (!s.done) {
		uint64_t daif = irq_save();
		int home;

		settle_here(&s);
		home = relaxed_int(&cpu->home);
		irq_restore(daif);
		if (!s.done && home >= 0)
			cpu_call((unsigned)home, settle_here, &s);
	}
}

/* Who must be asked: those whose list registers hold one of the access's interrupts, and the owner
 * of a pending timer interrupt, whose line may have fallen. A bit for each vCPU. Lock held. */
static uint64_t holders(const struct vgic_reg_access *a, bool write, uint64_t value)
{
	unsigned first;
	uint32_t touched = vgic_reg_touched(a, write, value, &first);
	uint64_t mask = 0;

	for (; touched; touched &= touched - 1) {
		struct vgic_irq *irq =
			vgic_irq(a->vgic, a->cpu, first + (unsigned)__builtin_ctz(touched));

		if (irq && irq->lr >= 0)
			mask |= BIT(irq->cpu->index);
		else if (irq && irq->hw_intid && irq->latch)
			mask |= BIT(a->cpu->index);
	}
	return mask;
}

static void freeze(struct vgic *vgic, uint64_t mask)
{
	for (unsigned i = 0; i < vgic->nr_cpus; i++)
		if (mask & BIT(i))
			vgic_freeze(vgic->cpus[i]);
}

static void thaw(struct vgic *vgic, uint64_t mask)
{
	for (unsigned i = 0; i < vgic->nr_cpus; i++)
		if (mask & BIT(i))
			vgic_thaw(vgic->cpus[i]);
}

static void settle_all(struct vgic *vgic, uint64_t mask)
{
	for (unsigned i = 0; i < vgic->nr_cpus; i++)
		if (mask & BIT(i))
			settle(vgic->cpus[i]);
}

static int access_locked(const struct vgic_reg_access *a, bool write, uint64_t *value)
{
	if (write)
		return vgic_reg_write(a, *value);
	*value = vgic_reg_read(a);
	return 0;
}

static __attribute__((noinline)) int access_settled(const struct vgic_reg_access *a, bool write, uint64_t *value)
{
	struct vgic *vgic = a->vgic;
	uint64_t settled = 0, more, daif;
	int err;

	for (;;) {
		daif = spin_lock_irqsave(&vgic->lock);
		more = holders(a, write, *value) & ~settled;
		if (!more)
			break;
		if (write)
			freeze(vgic, more);
		settled |= more;
		spin_unlock_irqrestore(&vgic->lock, daif);
		settle_all(vgic, more);
	}
	err = access_locked(a, write, value);
	if (write)
		thaw(vgic, settled);
	spin_unlock_irqrestore(&vgic->lock, daif);
	return err;
}

int vgic_reg_access(const struct vgic_reg_access *a, bool write, uint64_t *value)
{
	uint64_t daif;
	int err;

	if (!a->reg->bits && !write) { /* one word: no lock needed to read it */
		*value = vgic_reg_read(a);
		return 0;
	}
	if (a->reg->settle && !a->user)
		return access_settled(a, write, value);
	daif = spin_lock_irqsave(&a->vgic->lock);
	err = access_locked(a, write, value);
	spin_unlock_irqrestore(&a->vgic->lock, daif);
	return err;
}

void vgic_levels(struct vgic *vgic, struct vgic_cpu *cpu, unsigned first, bool write,
		 uint32_t *value)
{
	uint64_t daif = spin_lock_irqsave(&vgic->lock);
	uint32_t lines = 0;

	for (unsigned i = 0; i < 32; i++) {
		struct vgic_irq *irq = vgic_irq(vgic, cpu, first + i);

		if (irq && write && !irq->hw_intid)
			vgic_irq_set_line(irq, *value >> i & 1);
		if (irq)
			lines |= (uint32_t)irq->line << i;
	}
	*value = lines;
	spin_unlock_irqrestore(&vgic->lock, daif);
}

void vgic_clear_active(struct vgic_cpu *cpu, uint64_t intid)
{
	bool private = intid < VGIC_PRIVATE;
	struct vgic_reg_access a = { .vgic = cpu->vgic, .cpu = cpu, .bytes = 4 };
	uint64_t value = BIT(intid % 32);

	if (intid >= cpu->vgic->nr_irqs)
		return;
	a.offset = (private ? GICR_FRAME : 0) + VGIC_ICACTIVER + (uint32_t)intid / 32 * 4;
	a.reg = vgic_reg_find(private ? vgic_redist_regs : vgic_dist_regs, a.offset, a.bytes);
	vgic_reg_access(&a, true, &value);
}

/* ---- which frame answers ---- */

static struct vgic_cpu *redist_at(struct vgic *vgic, struct vgic_cpu *own, uint64_t ipa)
{
	if (ipa - own->base < GICR_SIZE)
		return own;
	for (unsigned i = 0; i < vgic->nr_cpus; i++)
		if (ipa - vgic->cpus[i]->base < GICR_SIZE)
			return vgic->cpus[i];
	return NULL;
}

/* The access's frame and row. False: no frame is there. */
static inline bool locate(struct vcpu *vcpu, ipa_t ipa, unsigned bytes, struct vgic_reg_access *a)
{
	struct vgic *vgic = vcpu->vgic->vgic;
	const struct vgic_reg *regs = vgic_dist_regs;
	uint64_t offset = ipa.v - vgic->dist_base;
	struct vgic_cpu *cpu = NULL;

	if (offset >= GICD_SIZE) {
		cpu = redist_at(vgic, vcpu->vgic, ipa.v);
		if (!cpu)
			return false;
		offset = ipa.v - cpu->base;
		regs = vgic_redist_regs;
	}
	*a = (struct vgic_reg_access){ .reg = vgic_reg_find(regs, (uint32_t)offset, bytes),
				       .vgic = vgic,
				       .cpu = cpu,
				       .offset = (uint32_t)offset,
				       .bytes = (uint8_t)bytes };
	return true;
}

/* Not the whole of a word. */
static __attribute__((noinline)) struct vgic_answer read_other(struct vgic_reg_access a)
{
	struct vgic_answer answer = { 0, true };

	if (a.reg)
		vgic_reg_access(&a, false, &answer.value);
	return answer;
}

struct vgic_answer vgic_read(struct vcpu *vcpu, ipa_t ipa, unsigned bytes)
{
	struct vgic_reg_access a;

	if (!locate(vcpu, ipa, bytes, &a))
		return (struct vgic_answer){ 0, false };
	if (!a.reg || !a.reg->read || a.offset != a.reg->first)
		return read_other(a);
	return (struct vgic_answer){ a.reg->read(a.vgic, a.cpu), true }; /* no lock */
}

bool vgic_write(struct vcpu *vcpu, ipa_t ipa, unsigned bytes, uint64_t value)
{
	struct vgic_reg_access a;

	if (!locate(vcpu, ipa, bytes, &a))
		return false;
	if (a.reg)
		vgic_reg_access(&a, true, &value);
	return true;
}
