/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registers of this CPU's virtual CPU interface and the image of them in struct vgic_cpu.
 * All functions: interrupts masked, vgic->lock held where cpu has a vgic.
 */
#pragma once

#include "kvm/vgic/model.h"

/* At boot: how many list and active-priority registers the machine has. */
void cpuif_probe(void);
unsigned cpuif_lrs(void);
/* On each CPU, then: closed. */
void cpuif_cpu_init(void);

/* Does one of list registers 0 .. used - 1 hold something pending, or that may be so after it was ended
 * (EOI)? */
bool cpuif_lrs_pending(const struct vgic_cpu *cpu);
/* List registers 0 .. used - 1 -> image. */
void cpuif_read_lrs(struct vgic_cpu *cpu);
/* Image -> the list registers, those clear that somebody used before, and ICH_HCR_EL2. */
void cpuif_write_lrs(const struct vgic_cpu *cpu);
/* ICH_VMCR_EL2 -> image. */
void cpuif_read_vmcr(struct vgic_cpu *cpu);
/* Everything: when a vCPU leaves the bank, and when it comes. */
void cpuif_save(struct vgic_cpu *cpu);
void cpuif_load(const struct vgic_cpu *cpu);
/* ICH_HCR_EL2 = 0: nothing is signalled, to the guest or as maintenance. */
void cpuif_close(void);
/* The hook of the idle loop: a pending list register must not end its WFI. Masked in between. */
void cpuif_idle(bool enter);
