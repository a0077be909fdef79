/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's side that is more than an inline function: taking interrupts, and the GICv3 as a
 * guest without an operating system uses it (Arm IHI 0069, chapters 4 and 12).
 */
#include <stddef.h>
#include "tests/kvm/lib/guest.h"
#include "tests/kvm/lib/gic.h"

_Static_assert(offsetof(struct guest_cpu, esr) == 0, "start.S");
_Static_assert(offsetof(struct guest_cpu, elr) == 8, "start.S");
_Static_assert(offsetof(struct guest_cpu, far) == 16, "start.S");
_Static_assert(offsetof(struct guest_cpu, faults) == 24, "start.S");

struct guest_cpu guest_cpus[8];

void guest_irq(void);

GUEST void guest_irq(void)
{
	struct guest_cpu *cpu = guest_self();

	cpu->irqs++;
	if (cpu->on_irq)
		cpu->on_irq(cpu);
	else
		irq_end(irq_acknowledge());
}

GUEST uint64_t gicr_sgi_base(void)
{
	return GUEST_GICR + guest_self()->id * GICR_STRIDE + GICR_SGI;
}

GUEST void gicv3_init(void)
{
	uint64_t redist = gicr_sgi_base() - GICR_SGI;

	mmio_write32(GUEST_GICD + GICD_CTLR, GICD_CTLR_ARE_NS | GICD_CTLR_ENABLE_G1A);
	mmio_write32(redist + GICR_WAKER, 0);
	while (mmio_read32(redist + GICR_WAKER) & GICR_WAKER_CHILDREN_ASLEEP)
		;
	mmio_write32(redist + GICR_SGI + GICR_IGROUPR0, ~0u);
	sysreg_write(s3_0_c12_c12_5, 7); /* ICC_SRE_EL1 */
	isb();
	sysreg_write(s3_0_c4_c6_0, 0xff); /* ICC_PMR_EL1 */
	sysreg_write(s3_0_c12_c12_7, 1);  /* ICC_IGRPEN1_EL1 */
	isb();
}

/* The frame that holds an interrupt's registers: the redistributor's below 32. */
static GUEST uint64_t frame(unsigned irq)
{
	return irq < 32 ? gicr_sgi_base() : GUEST_GICD;
}

GUEST void gicv3_enable(unsigned irq, unsigned priority)
{
	uint64_t base = frame(irq);

	mmio_write8(base + GICD_IPRIORITYR + irq, priority);
	mmio_write32(base + GICD_IGROUPR + irq / 32 * 4,
		     mmio_read32(base + GICD_IGROUPR + irq / 32 * 4) | 1u << irq % 32);
	mmio_write32(base + GICD_ISENABLER + irq / 32 * 4, 1u << irq % 32);
}

GUEST void gicv3_disable(unsigned irq)
{
	mmio_write32(frame(irq) + GICD_ICENABLER + irq / 32 * 4, 1u << irq % 32);
}

GUEST void gicv3_edge(unsigned irq, bool edge)
{
	uint64_t at = frame(irq) + GICD_ICFGR + irq / 16 * 4;
	uint32_t bit = 2u << irq % 16 * 2;

	mmio_write32(at, edge ? mmio_read32(at) | bit : mmio_read32(at) & ~bit);
}
