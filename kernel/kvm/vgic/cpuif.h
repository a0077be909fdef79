/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registers of this CPU's virtual CPU interface and the image of them in struct vgic_cpu.
 * All functions: interrupts masked, vgic->lock held where cpu has a vgic and nothing else is said.
 */
#pragma once

#include "arch/cpu.h"
#include "arch/sysreg.h"
#include "kvm/vgic/model.h"

/* At boot: how many list and active-priority registers the machine has. */
void cpuif_probe(void);
unsigned cpuif_lrs(void);
bool cpuif_has_more_priorities(void); /* than one register of each group */
/* On each CPU, then: closed. */
void cpuif_cpu_init(void);

/* List registers 0 .. used - 1 -> image. */
void cpuif_read_lrs(struct vgic_cpu *cpu);
/* Image -> the list registers, those clear that were used before, and ICH_HCR_EL2. */
void cpuif_write_lrs(struct vgic_cpu *cpu);
/* One list register. Mostly it is the first. */
void cpuif_write_other_lr(const struct vgic_cpu *cpu, unsigned n);
static inline void cpuif_write_lr(struct vgic_cpu *cpu, unsigned n)
{
	cpu->written = cpu->used;
	if (n == 0)
		sysreg_write(ich_lr0_el2, cpu->lr[0]);
	else
		cpuif_write_other_lr(cpu, n);
}
/* A bit for each list register: those in which nothing is pending, active or to be told of (ICH_ELRSR_EL2);
 * those with a level interrupt that the guest has ended (ICH_EISR_EL2). */
static inline uint64_t cpuif_empty_lrs(void)
{
	return sysreg_read(ich_elrsr_el2);
}

static inline uint64_t cpuif_ended_lrs(void)
{
	return sysreg_read(ich_eisr_el2);
}

/* ICH_VMCR_EL2 -> image. */
void cpuif_read_vmcr(struct vgic_cpu *cpu);
/* When a vCPU leaves the bank and when one comes: VMCR and the active priorities of each group; in
 * the list registers is nothing then. No lock: the vCPU's own CPU alone uses their image. */
static inline void cpuif_save(struct vgic_cpu *cpu)
{
	cpu->vmcr = sysreg_read(ich_vmcr_el2);
	cpu->apr[0][0] = sysreg_read(ich_ap0r0_el2);
	cpu->apr[0][1] = sysreg_read(ich_ap1r0_el2);
}

static inline void cpuif_load(struct cpu *here, const struct vgic_cpu *cpu)
{
	sysreg_write(ich_vmcr_el2, cpu->vmcr);
	sysreg_write(ich_ap0r0_el2, cpu->apr[0][0]);
	sysreg_write(ich_ap1r0_el2, cpu->apr[0][1]);
	if (here->ich_hcr != ICH_HCR_EN) {
		here->ich_hcr = ICH_HCR_EN;
		sysreg_write(ich_hcr_el2, ICH_HCR_EN);
	}
}

/* The other registers of active priorities, if cpuif_has_more_priorities(). */
void cpuif_save_more(struct vgic_cpu *cpu);
void cpuif_load_more(const struct vgic_cpu *cpu);
/* List registers -> image, and empty. */
void cpuif_empty(struct vgic_cpu *cpu);
/* ICH_HCR_EL2 = 0: nothing is signalled, to the guest or as maintenance. */
void cpuif_close(void);
/* The hook of the idle loop: a pending list register must not end its WFI. Masked in between. */
void cpuif_idle(bool enter);
