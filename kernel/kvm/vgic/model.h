/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interrupts of a virtual GICv3 and which of them are in list registers. Pure: it names no
 * register, it reads and writes an image of them; cpuif.c copies the image.
 *
 * An interrupt that is to be seen by a vCPU (deliverable, or active) is in that vCPU's queue, and
 * the first of the queue are in its list registers. What is in a list register is moved there: its
 * Active bit and an edge's pending state are the list register's until vgic_fold() brings them
 * back. The model meanwhile collects what comes anew.
 *
 * All functions are called with vgic->lock held.
 */
#pragma once

#include <stdatomic.h>

#include "arch/spinlock.h"
#include "lib/bits.h"
#include "lib/list.h"
#include "lib/relaxed.h"
#include "lib/types.h"

#define VGIC_PRIVATE	   32u /* SGIs and PPIs, one set a vCPU */
#define VGIC_SGIS	   16u
#define VGIC_MAX_IRQS	   992u /* private ones included; a multiple of 32 below the special 1020 */
#define VGIC_MAX_LRS	   16u
#define VGIC_MAX_CPUS	   64u
#define VGIC_PRIORITY_BITS 5 /* implemented in the distributor; the rest read as zero */
#define VGIC_NO_ADDRESS	   (~0ull)

/* ICH_LR<n>_EL2 (IHI 0069 11.4.5). */
#define ICH_LR_VINTID	BITS(31, 0)
#define ICH_LR_PINTID	BITS(44, 32)
#define ICH_LR_EOI	BIT(41) /* HW = 0: a maintenance interrupt when the guest ends it */
#define ICH_LR_PRIORITY BITS(55, 48)
#define ICH_LR_GROUP	BIT(60)
#define ICH_LR_HW	BIT(61)
#define ICH_LR_PENDING	BIT(62)
#define ICH_LR_ACTIVE	BIT(63)

/* ICH_HCR_EL2 */
#define ICH_HCR_EN	 BIT(0)
#define ICH_HCR_LRENPIE	 BIT(2)	     /* maintenance when EOIcount is not 0 */
#define ICH_HCR_NPIE	 BIT(3)	     /* maintenance when no list register is pending */
#define ICH_HCR_TDIR	 BIT(14)     /* the guest's ICC_DIR_EL1 traps */
#define ICH_HCR_EOICOUNT BITS(31, 27) /* what the guest has ended that was in no list register */

/* ICH_VMCR_EL2 */
#define ICH_VMCR_ENG0	BIT(0)
#define ICH_VMCR_ENG1	BIT(1)
#define ICH_VMCR_ACKCTL BIT(2)
#define ICH_VMCR_FIQEN	BIT(3)
#define ICH_VMCR_CBPR	BIT(4)
#define ICH_VMCR_EOIM	BIT(9)
#define ICH_VMCR_BPR1	BITS(20, 18)
#define ICH_VMCR_BPR0	BITS(23, 21)
#define ICH_VMCR_PMR	BITS(31, 24)

/* GICD_CTLR */
#define GICD_CTLR_GRP0 BIT(0)
#define GICD_CTLR_GRP1 BIT(1)
#define GICD_CTLR_ARE  BIT(4)
#define GICD_CTLR_DS   BIT(6)

struct vcpu;
struct vgic;
struct vgic_cpu;

struct vgic_irq {
	struct list link;	 /* in cpu's queue */
	struct vgic_cpu *cpu;	 /* whose queue it is in; NULL: none */
	struct vgic_cpu *target; /* where it goes when pending; NULL: no vCPU has that affinity */
	struct vgic *vgic;
	uint64_t router;   /* GICD_IROUTER: affinity */
	uint32_t hw_intid; /* the host interrupt it stands for, 0: none */
	uint16_t intid;
	int8_t lr; /* its list register in cpu, -1: none */
	uint8_t priority;
	bool enabled, group1, edge;
	bool line;  /* of a level interrupt, as its device holds it */
	bool latch; /* pending by an edge, GICD_ISPENDR or the host's interrupt */
	bool active;
	bool lr_pending; /* its list register was written with the pending bit */
};

/* How a vCPU's list registers stand to the model. */
enum vgic_lrs {
	LRS_RIGHT,   /* all that is in the queue is in them: vgic_add(), vgic_ended() */
	LRS_FULL,    /* right, but something is left out, or nothing may be put in (frozen) */
	LRS_ONE_NEW, /* RIGHT, but that vgic_cpu.fresh has become pending since */
	LRS_STALE,   /* anything may have changed */
};

struct vgic_cpu {
	_Atomic uint8_t lrs;	/* enum vgic_lrs; written with the lock held, looked at without */
	struct vgic_irq *fresh; /* if LRS_ONE_NEW */
	struct vcpu *vcpu;
	struct vgic *vgic; /* NULL until the VM has one and it is initialised */
	uint64_t affinity; /* as GICR_TYPER has it: aff3.aff2.aff1.aff0, 32 bits */
	unsigned index;	   /* in vgic->cpus */
	_Atomic int home;  /* the CPU that has it in its registers, -1: the image is all */
	unsigned frozen;   /* nobody may put anything into its list registers */
	struct list queue; /* of vgic_irq: active ones first, then by priority */
	unsigned queued;    /* how many are in it */
	struct vgic_irq irqs[VGIC_PRIVATE];

	/* the image of the CPU interface */
	unsigned used;	  /* list registers 0 .. used - 1 hold, or held, something */
	unsigned written; /* those from this one on are zero at home, 0: not at home (cpuif.c) */
	uint64_t lr[VGIC_MAX_LRS];
	struct vgic_irq *lr_irq[VGIC_MAX_LRS]; /* NULL: empty, vgic_ended() */
	uint64_t hcr, vmcr;
	uint64_t apr[4][2]; /* ICH_AP0R<n> and ICH_AP1R<n> */

	/* its redistributor */
	uint64_t base;	 /* IPA of its two frames, or VGIC_NO_ADDRESS */
	bool last;	 /* of its region: GICR_TYPER.Last */
	bool hw_changed; /* state of a HW-linked one was written: the host\'s Active bits follow */
};

struct vgic_region { /* of redistributors, as the VMM places them */
	uint64_t base;
	unsigned count; /* room for; 0: as many as there are vCPUs */
};

struct vgic {
	struct spinlock lock; /* covers everything below and every vgic_cpu but its stale mark */
	_Atomic bool initialised; /* for good; set with lock held, read without */
	uint32_t ctlr;		  /* GICD_CTLR_GRP0, GRP1 */
	unsigned nr_irqs;	  /* 32 + SPIs; 0: not chosen yet */
	unsigned nr_lrs;	  /* list registers the machine has */
	bool more_priorities;	  /* more than 32 of them: cpuif.c */
	struct vgic_irq *spis;
	unsigned nr_cpus;
	struct vgic_cpu *cpus[VGIC_MAX_CPUS];
	uint64_t dist_base;
	uint64_t low, span; /* all frames lie in [low, low + span); 0: not placed yet */
	unsigned nr_regions;
	struct vgic_region regions[VGIC_MAX_CPUS];
};

/* cpu's list registers are not what the model wants any more: now, or mark and kick. vgic.c's (the
 * tests' own there). _new: for nothing but that irq has become pending. */
void vgic_notify(struct vgic_cpu *cpu);
void vgic_notify_new(struct vgic_cpu *cpu, struct vgic_irq *irq);
/* Nothing may be put into cpu's list registers until thawed; they are to be folded and left empty. */
void vgic_freeze(struct vgic_cpu *cpu);
void vgic_thaw(struct vgic_cpu *cpu);
/* The marks themselves. With the lock held, or where a stale answer does no harm. */
static inline enum vgic_lrs vgic_lrs(const struct vgic_cpu *cpu)
{
	return relaxed_u8(&cpu->lrs);
}

static inline void vgic_mark(struct vgic_cpu *cpu)
{
	/* release: the change comes before the mark; pairs with who takes REQ_VGIC, which comes
	 * after it */
	atomic_store_explicit(&cpu->lrs, LRS_STALE, memory_order_release);
}

static inline void vgic_mark_new(struct vgic_cpu *cpu, struct vgic_irq *irq)
{
	bool right = vgic_lrs(cpu) == LRS_RIGHT;

	cpu->fresh = irq;
	/* release: as in vgic_mark() */
	atomic_store_explicit(&cpu->lrs, right ? LRS_ONE_NEW : LRS_STALE, memory_order_release);
}

/* A vCPU's private interrupts as after reset, its queue empty. */
void vgic_model_init_cpu(struct vgic_cpu *cpu);
/* The SPIs as after reset; they go to cpus[0] until GICD_IROUTER says otherwise. */
void vgic_model_init_spis(struct vgic *vgic);
/* NULL: there is none. cpu is whose private ones are meant. */
static inline struct vgic_irq *vgic_irq(struct vgic *vgic, struct vgic_cpu *cpu, unsigned intid)
{
	if (intid < VGIC_PRIVATE)
		return cpu ? &cpu->irqs[intid] : NULL;
	return intid < vgic->nr_irqs ? &vgic->spis[intid - VGIC_PRIVATE] : NULL;
}

/* The device's line changed; an edge interrupt latches a rise. HW-linked: see vgic_inject(). */
void vgic_irq_set_line(struct vgic_irq *irq, bool level);
/* An edge, or an SGI, has come. */
void vgic_irq_latch(struct vgic_irq *irq);
/* An SPI's line rises and falls again. */
void vgic_irq_pulse(struct vgic_irq *irq);
/* Something about irq was changed (enable, group, priority, target, latch, active): queue it where
 * it belongs now, and notify. If it is in a list register its vCPU must be settled: vgic_fold() was
 * called and nothing was filled in since, or it is notified here and folds later. */
void vgic_irq_update(struct vgic_irq *irq);
/* The same, if all that has changed is that it has become pending. */
void vgic_irq_raise(struct vgic_irq *irq);
/* The same as the first by its vCPU's own CPU, which sees to its list registers and needs no notice. */
void vgic_irq_requeue(struct vgic_irq *irq); /* it is in no list register */
static inline void vgic_irq_place(struct vgic_irq *irq)
{
	if (irq->lr < 0)
		vgic_irq_requeue(irq);
}
/* The distributor's group enables changed. */
void vgic_update_all(struct vgic *vgic);
/* Pending as GICD_ISPENDR shows it: latch, line or in the list register's image. */
bool vgic_irq_pending(const struct vgic_irq *irq);
bool vgic_irq_active(const struct vgic_irq *irq);
/* The vCPU with that affinity, NULL: none. */
struct vgic_cpu *vgic_search_affinity(struct vgic *vgic, uint64_t affinity);
static inline struct vgic_cpu *vgic_cpu_by_affinity(struct vgic *vgic, uint64_t affinity)
{
	/* Mostly they are made in this order. */
	unsigned guess = (unsigned)((affinity & 15) | (affinity >> 4 & 0xff0));

	if (guess < vgic->nr_cpus && vgic->cpus[guess]->affinity == affinity)
		return vgic->cpus[guess];
	return vgic_search_affinity(vgic, affinity);
}
void vgic_irq_set_router(struct vgic_irq *irq, uint64_t router);
/* ICC_SGI1R_EL1 and its kin: value as written. sgi.c */
void vgic_model_sgi(struct vgic_cpu *from, uint64_t value, bool group1);

/* The image's list registers, and the count in its hcr, -> the model; they are empty after this. Sets
 * hw_changed if the guest ended a HW-linked one the hardware did not see. */
void vgic_fold_used(struct vgic_cpu *cpu);
static inline void vgic_fold(struct vgic_cpu *cpu)
{
	if (cpu->used || (cpu->hcr & ICH_HCR_EOICOUNT))
		vgic_fold_used(cpu);
}

/* The first of the queue -> the image's list registers and hcr, which were empty, and the mark. */
void vgic_fill_queued(struct vgic_cpu *cpu);
static inline void vgic_fill(struct vgic_cpu *cpu)
{
	cpu->hcr = ICH_HCR_EN;
	if (cpu->queued && !cpu->frozen)
		vgic_fill_queued(cpu);
	/* relaxed: whoever looks without the lock is this CPU */
	atomic_store_explicit(&cpu->lrs,
			      cpu->hcr == ICH_HCR_EN && !cpu->frozen ? LRS_RIGHT : LRS_FULL,
			      memory_order_relaxed);
}
/*
 * Single list registers, where the model wants nothing else changed (cpu->lrs is LRS_RIGHT, or LRS_ONE_NEW
 * and irq is that one); the others stay as they are in hardware. Not all can be done so: if not, fold and fill.
 *
 * Put irq, which is pending, into one: its own from before if `empty` has that bit (the guest has taken and
 * ended what was there), or the next. The image then has it. Returns which, or -1.
 */
int vgic_add(struct vgic_cpu *cpu, struct vgic_irq *irq, uint64_t empty);
/* The guest has ended a level interrupt, and the maintenance interrupt tells that list register n is
 * empty: it is filled again if the line is up, or left. The image has it then. False: not done. */
bool vgic_ended(struct vgic_cpu *cpu, unsigned n);

/* Would one of its interrupts end WFI (pending, not masked by PMR or group enable of vmcr)? */
bool vgic_model_wakes(const struct vgic_cpu *cpu);
