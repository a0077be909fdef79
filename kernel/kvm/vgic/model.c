/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which interrupt is where. Interrupts come in by vgic_irq_set_line() (devices, timers),
 * vgic_model_sgi() (sgi.c) and the registers of dist.c and redist.c; they go out through the image of the
 * list registers that vgic_fill() writes and vgic_fold() reads back. Pure; all under vgic->lock.
 *
 * One interrupt is in one queue at most and in one list register at most: vgic_fold() empties the
 * image before vgic_fill() writes it anew, and an interrupt that is in a list register does not
 * change its queue (two list registers with one INTID are UNPREDICTABLE, IHI 0069 6.3).
 *
 * Level interrupts without a host interrupt behind them carry the EOI bit: the guest's EOI brings a
 * maintenance interrupt, and the line is looked at again. They are never pending and active at once
 * in a list register, so the line's fall while active is not missed.
 *
 * Mostly one interrupt comes or ends and the other list registers are as they should be. Then one is written
 * (vgic_add(), vgic_ended()); what has been taken and ended in one is not known here until it is folded, and
 * neither is it read.
 *
 * More than there are list registers: the most urgent pending one always has one, or it could not
 * preempt; the others go to active ones first. A maintenance interrupt comes when those that are
 * pending have been taken, if more are waiting, and when the guest ends an active one that is left out.
 */
#include "kvm/vgic/model.h"

#include "lib/check.h"

static void irq_init(struct vgic_irq *irq, struct vgic *vgic, unsigned intid)
{
	*irq = (struct vgic_irq){
		.vgic = vgic,
		.intid = (uint16_t)intid,
		.lr = -1,
		.group1 = true,
		.edge = intid < VGIC_SGIS,
		.enabled = intid < VGIC_SGIS,
	};
	list_init(&irq->link);
}

void vgic_model_init_cpu(struct vgic_cpu *cpu)
{
	list_init(&cpu->queue);
	cpu->queued = cpu->used = 0;
	cpu->hcr = ICH_HCR_EN;
	for (unsigned i = 0; i < VGIC_PRIVATE; i++) {
		irq_init(&cpu->irqs[i], cpu->vgic, i);
		cpu->irqs[i].target = cpu;
	}
}

void vgic_model_init_spis(struct vgic *vgic)
{
	for (unsigned i = 0; i + VGIC_PRIVATE < vgic->nr_irqs; i++) {
		irq_init(&vgic->spis[i], vgic, VGIC_PRIVATE + i);
		vgic_irq_set_router(&vgic->spis[i], vgic->nr_cpus ? vgic->cpus[0]->affinity : 0);
	}
}

struct vgic_cpu *vgic_search_affinity(struct vgic *vgic, uint64_t affinity)
{
	for (unsigned i = 0; i < vgic->nr_cpus; i++)
		if (vgic->cpus[i]->affinity == affinity)
			return vgic->cpus[i];
	return NULL;
}

/* ---- what an interrupt is in ---- */

/* Its pending state moves into the list register, as an edge's does. */
static inline bool irq_latches(const struct vgic_irq *irq)
{
	return irq->edge || irq->hw_intid;
}

static inline bool irq_wants(const struct vgic_irq *irq)
{
	return irq->latch || (!irq_latches(irq) && irq->line);
}

static inline bool irq_deliverable(const struct vgic_irq *irq)
{
	uint32_t group = irq->group1 ? GICD_CTLR_GRP1 : GICD_CTLR_GRP0;

	return irq->enabled && irq_wants(irq) && (irq->vgic->ctlr & group);
}

static inline uint64_t irq_lr(const struct vgic_irq *irq)
{
	return irq->lr < 0 ? 0 : irq->cpu->lr[irq->lr];
}

bool vgic_irq_pending(const struct vgic_irq *irq)
{
	return irq_wants(irq) || (irq_latches(irq) && irq_lr(irq) & ICH_LR_PENDING);
}

bool vgic_irq_active(const struct vgic_irq *irq)
{
	return irq->active || irq_lr(irq) & ICH_LR_ACTIVE;
}

/* ---- queues ---- */

/* Which goes first into a list register. */
static bool irq_before(const struct vgic_irq *a, const struct vgic_irq *b)
{
	if (a->active != b->active)
		return a->active;
	return a->priority < b->priority;
}

static void queue_insert(struct vgic_cpu *cpu, struct vgic_irq *irq)
{
	struct list *after = cpu->queue.prev;

	while (after != &cpu->queue && irq_before(irq, list_entry(after, struct vgic_irq, link)))
		after = after->prev;
	list_insert_between(&irq->link, after, after->next);
	cpu->queued++;
	irq->cpu = cpu;
}

static void queue_remove(struct vgic_irq *irq)
{
	list_remove(&irq->link);
	irq->cpu->queued--;
	irq->cpu = NULL;
}

/* Whose queue an interrupt that is in no list register belongs to. An active one stays where it was
 * taken, wherever it is routed now. */
static struct vgic_cpu *irq_place(const struct vgic_irq *irq)
{
	if (irq->active)
		return irq->cpu ? irq->cpu : irq->target;
	return irq_deliverable(irq) ? irq->target : NULL;
}

void vgic_irq_requeue(struct vgic_irq *irq)
{
	struct vgic_cpu *cpu = irq_place(irq);

	check(irq->lr < 0);
	if (irq->cpu)
		queue_remove(irq);
	if (cpu)
		queue_insert(cpu, irq);
}

void vgic_irq_update(struct vgic_irq *irq)
{
	vgic_irq_place(irq);
	if (irq->cpu)
		vgic_notify(irq->cpu);
}

__attribute__((noinline)) void vgic_irq_raise(struct vgic_irq *irq)
{
	vgic_irq_place(irq);
	if (irq->cpu)
		vgic_notify_new(irq->cpu, irq);
}

void vgic_freeze(struct vgic_cpu *cpu)
{
	cpu->frozen++;
	vgic_mark(cpu);
}

void vgic_thaw(struct vgic_cpu *cpu)
{
	cpu->frozen--;
	vgic_notify(cpu);
}

void vgic_update_all(struct vgic *vgic)
{
	for (unsigned n = 0; n < vgic->nr_cpus; n++)
		for (unsigned i = 0; i < VGIC_PRIVATE; i++)
			vgic_irq_update(&vgic->cpus[n]->irqs[i]);
	for (unsigned i = 0; i + VGIC_PRIVATE < vgic->nr_irqs; i++)
		vgic_irq_update(&vgic->spis[i]);
}

/* ---- where interrupts come from ---- */

/* A HW-linked interrupt has no line of its own here: its level is the host's GIC's affair. */
static void irq_set_hw(struct vgic_irq *irq, bool pending)
{
	irq->latch = pending;
	vgic_irq_update(irq);
}

void vgic_irq_latch(struct vgic_irq *irq)
{
	if (irq->latch)
		return; /* it waits for its list register already */
	irq->latch = true;
	if (irq->lr >= 0)
		vgic_notify_new(irq->cpu, irq); /* in whose list register it is */
	else
		vgic_irq_raise(irq);
}

void vgic_irq_set_line(struct vgic_irq *irq, bool level)
{
	bool was = irq->line;

	if (irq->hw_intid) {
		irq_set_hw(irq, level);
		return;
	}
	irq->line = level;
	if (level == was)
		return;
	if (irq->edge && level)
		vgic_irq_latch(irq);
	else if (!irq->edge && level && irq->lr < 0) /* else its EOI brings it back here */
		vgic_irq_raise(irq);
	else if (!irq->edge && !level)
		vgic_irq_update(irq);
}

void vgic_irq_pulse(struct vgic_irq *irq)
{
	if (irq->edge && !irq->line) {
		vgic_irq_latch(irq);
	} else {
		vgic_irq_set_line(irq, true);
		vgic_irq_set_line(irq, false);
	}
}

void vgic_irq_set_router(struct vgic_irq *irq, uint64_t router)
{
	irq->router = router;
	irq->target = vgic_cpu_by_affinity(irq->vgic, router);
}

/* ---- list registers ---- */

/* What the guest has left of one list register. */
static void irq_fold(struct vgic_irq *irq, uint64_t lr)
{
	bool was_active = irq->active;

	irq->lr = -1;
	irq->active = lr & ICH_LR_ACTIVE;
	if (irq_latches(irq)) {
		if (lr & ICH_LR_PENDING)
			irq->latch = true;
	} else if (irq->lr_pending && !(lr & ICH_LR_PENDING)) {
		irq->latch = false; /* taken: what GICD_ISPENDR had set is over (IHI 0069 4.1.2) */
	}
	/* It stands where it would go if nothing changed that decides that. */
	if (irq_place(irq) != irq->cpu || irq->active != was_active ||
	    field_get(ICH_LR_PRIORITY, lr) != irq->priority)
		vgic_irq_requeue(irq);
}

/* What the guest has ended of the active ones that are in no list register: they end in the order of
 * their urgency. Not so if it ends priority and activity apart (EOImode 1): then ICC_DIR_EL1 traps. */
static __attribute__((noinline)) void fold_left_out(struct vgic_cpu *cpu)
{
	uint64_t ended = field_get(ICH_HCR_EOICOUNT, cpu->hcr);
	struct vgic_irq *irq, *next;

	if (!ended || (cpu->vmcr & ICH_VMCR_EOIM))
		return;
	list_for_each_safe (irq, next, &cpu->queue, link) {
		if (!ended || !irq->active)
			break;
		if (irq->lr >= 0)
			continue;
		irq->active = false;
		cpu->hw_changed |= irq->hw_intid != 0;
		vgic_irq_requeue(irq);
		if (irq->cpu && irq->cpu != cpu)
			vgic_notify(irq->cpu);
		ended--;
	}
}

void vgic_fold_used(struct vgic_cpu *cpu)
{
	if (cpu->hcr & ICH_HCR_EOICOUNT)
		fold_left_out(cpu);
	for (unsigned i = 0; i < cpu->used; i++) {
		struct vgic_irq *irq = cpu->lr_irq[i];

		if (!irq)
			continue;
		irq_fold(irq, cpu->lr[i]);
		if (irq->cpu && irq->cpu != cpu)
			vgic_notify(irq->cpu); /* retargeted while it was here */
	}
	cpu->used = 0;
	cpu->hcr &= ~ICH_HCR_EOICOUNT;
}

/* Neither pending nor active. */
static inline uint64_t irq_lr_idle(const struct vgic_irq *irq)
{
	uint64_t lr = field_set(ICH_LR_VINTID, irq->intid) |
		      field_set(ICH_LR_PRIORITY, irq->priority) | (irq->group1 ? ICH_LR_GROUP : 0);

	if (irq->hw_intid)
		return lr | ICH_LR_HW | field_set(ICH_LR_PINTID, irq->hw_intid);
	return irq->edge ? lr : lr | ICH_LR_EOI;
}

static uint64_t irq_lr_value(const struct vgic_irq *irq)
{
	uint64_t lr = irq_lr_idle(irq);
	bool both = irq->edge && !irq->hw_intid && irq->target == irq->cpu;
	bool deliverable = irq_deliverable(irq);

	if (irq->active)
		lr |= ICH_LR_ACTIVE;
	if (deliverable && (!irq->active || both))
		lr |= ICH_LR_PENDING;
	if (deliverable && !both && !irq->hw_intid) /* its end lets it go elsewhere */
		lr |= ICH_LR_EOI;
	return lr;
}

static inline void fill_one(struct vgic_cpu *cpu, unsigned n, struct vgic_irq *irq, uint64_t lr)
{
	irq->lr = (int8_t)n;
	irq->lr_pending = lr & ICH_LR_PENDING;
	if (irq->lr_pending && irq_latches(irq))
		irq->latch = false;
	cpu->lr[n] = lr;
	cpu->lr_irq[n] = irq;
}

/* There is one for each in the queue. What is not active is there to be delivered. */
static void fill_all(struct vgic_cpu *cpu)
{
	struct vgic_irq *irq;

	list_for_each (irq, &cpu->queue, link)
		fill_one(cpu, cpu->used++, irq,
			 irq->active ? irq_lr_value(irq) : irq_lr_idle(irq) | ICH_LR_PENDING);
}

static __attribute__((noinline)) void fill_some(struct vgic_cpu *cpu)
{
	struct vgic_irq *irq;
	/* for the first that is only pending */
	unsigned kept = !list_entry(cpu->queue.prev, struct vgic_irq, link)->active;

	list_for_each (irq, &cpu->queue, link) {
		unsigned room = cpu->vgic->nr_lrs - cpu->used;

		if (room > (irq->active ? kept : 0)) {
			fill_one(cpu, cpu->used++, irq, irq_lr_value(irq));
		} else if (irq->active) {
			cpu->hcr |= ICH_HCR_LRENPIE | ICH_HCR_TDIR;
		} else {
			cpu->hcr |= ICH_HCR_NPIE;
			break;
		}
	}
}

void vgic_fill_queued(struct vgic_cpu *cpu)
{
	check(cpu->used == 0);
	if (cpu->queued <= cpu->vgic->nr_lrs)
		fill_all(cpu);
	else
		fill_some(cpu);
}

/* ---- single list registers ---- */

int vgic_add(struct vgic_cpu *cpu, struct vgic_irq *irq, uint64_t empty)
{
	unsigned n = cpu->used;

	/* What is in the queue and not active is routed here, or the mark would be another. */
	if (irq->cpu != cpu || irq->active || !irq_deliverable(irq))
		return -1;
	if (irq->lr >= 0) {
		n = (unsigned)irq->lr;
		if (!(empty & BIT(n)))
			return -1;
	} else if (n < cpu->vgic->nr_lrs) {
		cpu->used++;
	} else {
		return -1;
	}
	fill_one(cpu, n, irq, irq_lr_idle(irq) | ICH_LR_PENDING);
	return (int)n;
}

bool vgic_ended(struct vgic_cpu *cpu, unsigned n)
{
	struct vgic_irq *irq = cpu->lr_irq[n];

	if (irq->active || irq->edge || irq->latch)
		return false;
	if (vgic_add(cpu, irq, BIT(n)) >= 0)
		return true;
	if (irq_place(irq))
		return false; /* it is another's now */
	irq->lr = -1;
	queue_remove(irq);
	cpu->lr[n] = 0;
	cpu->lr_irq[n] = NULL;
	if (n + 1 == cpu->used)
		cpu->used--;
	return true;
}

/* ---- WFI ---- */

static bool irq_wakes(const struct vgic_irq *irq, uint64_t vmcr)
{
	uint64_t enable = irq->group1 ? ICH_VMCR_ENG1 : ICH_VMCR_ENG0, lr = irq_lr(irq);
	/* In a list register that is used up it may be pending anew. */
	bool pending = (lr & ICH_LR_PENDING) || (irq_deliverable(irq) && !(lr & ICH_LR_ACTIVE));

	return pending && (vmcr & enable) && irq->priority < field_get(ICH_VMCR_PMR, vmcr);
}

bool vgic_model_wakes(const struct vgic_cpu *cpu)
{
	const struct vgic_irq *irq;

	list_for_each (irq, &cpu->queue, link)
		if (irq_wakes(irq, cpu->vmcr))
			return true;
	return false;
}
