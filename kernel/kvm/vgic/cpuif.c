/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Moves between the ICH_* registers and their image (IHI 0069 12.4). With its header the only file of the
 * virtual GIC that names a register. Which value goes where is model.c's; when is vgic.c's.
 *
 * The writes need no barrier of their own before the guest is entered: ERET synchronises. The handler
 * of the maintenance interrupt has one before its end of interrupt (vgic.c).
 */
#include "kvm/vgic/cpuif.h"

#include "arch/cpu.h"
#include "arch/sysreg.h"
#include "kvm/vcpu.h"
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

bool cpuif_has_more_priorities(void)
{
	return aprs > 1;
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

/* List registers 0 .. count - 1: the first `used` from lr, the others zero. */
static void write_lrs(const uint64_t *lr, unsigned used, unsigned count)
{
	switch (count) {
#define X(n)                                                                                       \
	case n + 1:                                                                                \
		sysreg_write(ich_lr##n##_el2, n < used ? lr[n] : 0);                               \
		__attribute__((fallthrough));
		LIST_REGISTERS(X)
#undef X
	case 0:
		break;
	}
}

static void write_hcr(uint64_t hcr)
{
	struct cpu *here = this_cpu();

	/* EOIcount must be 0 again where it counts. */
	if (here->ich_hcr == hcr && !(hcr & ICH_HCR_LRENPIE))
		return;
	here->ich_hcr = hcr;
	sysreg_write(ich_hcr_el2, hcr);
}

void cpuif_write_lrs(struct vgic_cpu *cpu)
{
	write_lrs(cpu->lr, cpu->used, max(cpu->used, cpu->written));
	cpu->written = cpu->used;
	write_hcr(cpu->hcr);
}

void cpuif_write_other_lr(const struct vgic_cpu *cpu, unsigned n)
{
	switch (n) {
	default:
		__builtin_unreachable();
#define X(i)                                                                                       \
	case i:                                                                                    \
		sysreg_write(ich_lr##i##_el2, cpu->lr[i]);                                         \
		break;
		LIST_REGISTERS(X)
#undef X
	}
}

void cpuif_empty(struct vgic_cpu *cpu)
{
	cpuif_read_lrs(cpu);
	write_lrs(NULL, 0, cpu->written);
	cpu->written = 0;
}

/* The active priorities: one register of each group; up to four where the interface has more than 5
 * preemption bits. */
#define MORE_PRIORITIES(X) X(3) X(2) X(1)

void cpuif_save_more(struct vgic_cpu *cpu)
{
#define X(n)                                                                                       \
	if (n < aprs) {                                                                            \
		cpu->apr[n][0] = sysreg_read(ich_ap0r##n##_el2);                                   \
		cpu->apr[n][1] = sysreg_read(ich_ap1r##n##_el2);                                   \
	}
	MORE_PRIORITIES(X)
#undef X
}

void cpuif_load_more(const struct vgic_cpu *cpu)
{
#define X(n)                                                                                       \
	if (n < aprs) {                                                                            \
		sysreg_write(ich_ap0r##n##_el2, cpu->apr[n][0]);                                   \
		sysreg_write(ich_ap1r##n##_el2, cpu->apr[n][1]);                                   \
	}
	MORE_PRIORITIES(X)
#undef X
}

void cpuif_close(void)
{
	write_hcr(0);
}

void cpuif_idle(bool enter)
{
	uint64_t hcr = this_cpu()->ich_hcr;
	const struct vcpu *vcpu = this_cpu()->resident;

	if (hcr && vcpu && vcpu->vgic->used)
		sysreg_write(ich_hcr_el2, enter ? 0 : hcr);
}

void cpuif_cpu_init(void)
{
	write_lrs(NULL, 0, lrs);
	this_cpu()->ich_hcr = ICH_HCR_EN;
	cpuif_close();
}
