/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtual GICv3 as the rest of kvm sees it. What is pending, enabled and active is model.c's;
 * the registers of the virtual CPU interface are cpuif.c's.
 *
 * The list registers, VMCR and the APRs stand in the hardware as long as the vCPU is in the guest
 * bank. Nobody else touches them: an injection on another CPU changes the model, marks the vCPU's list
 * registers (enum vgic_lrs) and kicks it; its own CPU mends them in vgic_flush(). One on the same CPU
 * writes them.
 *
 * Locks: vgic->lock, a spinlock taken with interrupts masked, is inside everything else.
 */
#pragma once

#include <stdatomic.h>

#include "kvm/vcpu.h"
#include "kvm/vgic/model.h"

enum { VGIC_PPI_VTIMER = 27, VGIC_PPI_PTIMER = 30, VGIC_PPI_MAINTENANCE = 25 };

/* Once at boot, and on each CPU as it comes up (bank empty: everything closed). */
int vgic_init(void);
void vgic_cpu_init(void);

/* ---- life ---- */
/* KVM_CREATE_DEVICE: vm->lock held. -EEXIST (there is one), -EBUSY (a vCPU has run), -ENOMEM. */
int vgic_create(struct vm *vm);
/* With the VM: no vCPU is in a bank any more. NULL vm->vgic is allowed. */
void vgic_destroy(struct vm *vm);
/* A new vCPU: fills vcpu->vgic, whether or not the VM has a vgic yet. vm->lock held. -ENOMEM,
 * -EBUSY (the vgic is initialised: too late). */
int vgic_vcpu_init(struct vcpu *vcpu);
void vgic_vcpu_destroy(struct vcpu *vcpu);
/* KVM_ARM_VCPU_INIT: the CPU interface (VMCR, active priorities) as after reset. In no bank. */
void vgic_vcpu_reset(struct vcpu *vcpu);
/* At the first KVM_RUN of each vCPU: are the frames placed and the vgic initialised? 0 (also for a
 * VM without one), -EBUSY (no KVM_DEV_ARM_VGIC_CTRL_INIT), -ENXIO (an address is missing). */
int vgic_ready_to_run(struct vcpu *vcpu);

/* ---- interrupts ---- */
/* Set the line of an SPI (vcpu ignored, may be NULL), or of a vCPU's PPI; a rising line latches an
 * edge interrupt. An SGI: level true makes it pending. Any context, any lock but vgic->lock.
 * A HW-linked PPI (the timers): true makes it pending, to be deactivated in the host's GIC by the
 * guest's own EOI; false takes it back (only of a vCPU in no bank; its Active bit is the caller's).
 * 0; -EINVAL: no such interrupt, -EBUSY: not initialised, -ENXIO: no vgic. */
int vgic_inject(struct vm *vm, struct vcpu *vcpu, unsigned intid, bool level);
/* The host's interrupt of one of the vCPU's timers has come and stays Active. Masked, the vCPU in this
 * CPU's guest bank. */
void vgic_timer_fired(struct vcpu *vcpu, unsigned intid);
/* An SPI's line goes up and down again: an edge is latched. Nothing, if there is no such SPI. Any context. */
void vgic_pulse(struct vm *vm, unsigned intid);
/* The guest's write to ICC_SGI1R_EL1, ICC_SGI0R_EL1 or ICC_ASGI1R_EL1 (the last two: not Group 1).
 * Masked. */
void vgic_send_sgi(struct vcpu *vcpu, uint64_t value, bool group1);

/* The guest's write to ICC_DIR_EL1, which traps while active ones are in no list register. */
void vgic_deactivate(struct vcpu *vcpu, uint64_t intid);

/* ---- around the guest ---- */
/* REQ_VGIC: something that decides the list registers changed. Masked, the vCPU in this CPU's guest
 * bank. */
void vgic_flush(struct vcpu *vcpu);
/* The guest's WFI: is there an interrupt that ends it at once? What comes later sets REQ_VGIC. Masked,
 * the vCPU in this CPU's guest bank. */
bool vgic_wfi(struct vcpu *vcpu);

/* ---- the guest bank's part: bank ops of world.c, masked ---- */
void vgic_save(struct vcpu *vcpu); /* registers -> model and image */
void vgic_load(struct cpu *here, struct vcpu *vcpu); /* the reverse; writes everything */
void vgic_close(void);		   /* nobody's: ICH_HCR_EL2.En = 0 */

/* ---- the VMM's side: api.c, device.c, mmio.c ---- */
/* May a frame of the vgic be there? */
static inline bool vgic_covers(const struct vcpu *vcpu, ipa_t ipa)
{
	const struct vgic *vgic = vcpu->vgic->vgic;

	return vgic && ipa.v - vgic->low < vgic->span;
}
/* A guest's access where vgic_covers(): does a frame answer? Enabled. */
struct vgic_answer { /* 16 bytes: returned in registers */
	uint64_t value;
	uint64_t answered; /* or 0 */
};
struct vgic_answer vgic_read(struct vcpu *vcpu, ipa_t ipa, unsigned bytes);
bool vgic_write(struct vcpu *vcpu, ipa_t ipa, unsigned bytes, uint64_t value);
