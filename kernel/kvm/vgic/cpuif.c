/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Moves between the ICH_* registers and their image (IHI 0069 12.4). The only file of the virtual
 * GIC that names a register. Which value goes where is model.c's; when is vgic.c's.
 *
 * The writes need no barrier of their own before the guest is entered: ERET synchronises. After a
 * write that ends a maintenance interrupt's cause the handler's end of interrupt is later in
 * program order, and an ISB makes sure that the line has fallen before it.
 */
#include "kvm/vgic/cpuif.h"

#include "arch/sysreg.h"
#include "lib/check.h"

#define VTR_LISTREGS BITS(4, 0)
#define VTR_PREBITS  BITS(28, 26)

static unsigned lrs, aprs; /* written once at boot */

void cpuif_probe(void)
{
	uint64_t vtr = sysreg_read(ich_vtr_el2);

	lrs = (unsigned)field_get(VTR_LISTREGS, vtr) + 1;
	aprs = 1u << max(0,
			 (int)field_get(VTR_PREBITS, vtr) + 1 - 5); /* 32 priorities a register */
	check(lrs <= VGIC_MAX_LRS && aprs <= 4);
}

unsigned cpuif_lrs(void)
{
	return lrs;
}

void cpuif_read_vmcr(struct vgic_cpu *cpu)
{
	cpu->vmcr = sysreg_read(ich_vmcr_el2);
}

/* Every list register from the highest wanted down: the number is part of the instruction. */
#define LIST_REGISTERS(X)                                                                          \
	X(15) X(14) X(13) X(12) X(11) X(10) X(9) X(8) X(7) X(6) X(5) X(4) X(3) X(2) X(1) X(0)

void cpuif_read_lrs(struct vgic_cpu *cpu)
{
	if (cpu->hcr & ICH_HCR_LRENPIE) { /* some active ones are left out: were they ended? */
		cpu->hcr = sysreg_read(ich_hcr_el2);
		cpuif_read_vmcr(cpu);
	}
	switch (cpu->used) {
#define X(n)                                                                                       \
	case n + 1:                                                                                \
		cpu->lr[n] = sysreg_read(ich_lr##n##_el2);                                         \
		__attribute__((fallthrough));
		LIST_REGISTERS(X)
#undef X
	case 0:
		break;
	}
}

static void write_lrs(const struct vgic_cpu *cpu, unsigned count)
{
	switch (count) {
#define X(n)                                                                                       \
	case n + 1:                                                                                \
		sysreg_write(ich_lr##n##_el2, n < cpu->used ? cpu->lr[n] : 0);                     \
		__attribute__((fallthrough));
		LIST_REGISTERS(X)
#undef X
	case 0:
		break;
	}
}

void cpuif_write_lrs(const struct vgic_cpu *cpu, unsigned used_before)
{
	write_lrs(cpu, max(cpu->used, used_before));
	sysreg_write(ich_hcr_el2, cpu->hcr);
	isb();
}

/* The active priorities, one to four registers of each group; the higher ones exist only where the
 * interface has more than 5 preemption bits. */
#define ACTIVE_PRIORITIES(X) X(3) X(2) X(1) X(0)

void cpuif_save(struct vgic_cpu *cpu)
{
	cpuif_read_lrs(cpu);
	cpuif_read_vmcr(cpu);
#define X(n)                                                                                       \
	if (n < aprs) {                                                                            \
		cpu->apr[0][n] = sysreg_read(ich_ap0r##n##_el2);                                   \
		cpu->apr[1][n] = sysreg_read(ich_ap1r##n##_el2);                                   \
	}
	ACTIVE_PRIORITIES(X)
#undef X
}

void cpuif_load(const struct vgic_cpu *cpu)
{
	sysreg_write(ich_vmcr_el2, cpu->vmcr);
#define X(n)                                                                                       \
	if (n < aprs) {                                                                            \
		sysreg_write(ich_ap0r##n##_el2, cpu->apr[0][n]);                                   \
		sysreg_write(ich_ap1r##n##_el2, cpu->apr[1][n]);                                   \
	}
	ACTIVE_PRIORITIES(X)
#undef X
	cpuif_write_lrs(cpu, lrs);
}

void cpuif_close(void)
{
	sysreg_write(ich_hcr_el2, 0);
	isb();
}

void cpuif_open(const struct vgic_cpu *cpu)
{
	sysreg_write(ich_hcr_el2, cpu->hcr);
}
