/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's GICv3: one distributor, a redistributor for each CPU, the CPU interface in system
 * registers. EOImode = 1: the end of a handler drops the priority, and deactivates too unless the
 * interrupt is kept Active for a guest (arch/irq.h). All interrupts are Group 1 Non-secure, one
 * priority; but IPI_STOP is Group 0 where the firmware leaves us that, so that it comes as an FIQ,
 * which irq_disable() does not mask. IHI 0069: 12.9 (GICD), 12.11 (GICR), 12.2 (ICC). handlers[] is
 * written in boot and at device set-up.
 */
#include "arch/gic.h"

#include <linux/errno.h>

#include "arch/cpu.h"
#include "arch/irq.h"
#include "arch/mmio.h"
#include "arch/spinlock.h"
#include "arch/sysreg.h"
#include "arch/trap.h"
#include "lib/check.h"

#define GICD_CTLR	   0x0000
#define GICD_CTLR_ARE_NS   BIT(4)
#define GICD_CTLR_GRP0	   BIT(0)
#define GICD_CTLR_GRP1_NS  BIT(1)
#define GICD_CTLR_RWP	   BIT(31)
#define GICD_TYPER	   0x0004
#define GICD_TYPER_LINES   BITS(4, 0)
#define GICD_IGROUPR(n)	   (0x0080 + 4 * (n))
#define GICD_ISENABLER(n)  (0x0100 + 4 * (n))
#define GICD_ICENABLER(n)  (0x0180 + 4 * (n))
#define GICD_IPRIORITYR(n) (0x0400 + (n))
#define GICD_ICFGR(n)	   (0x0c00 + 4 * (n))
#define GICD_IROUTER(n)	   (0x6000 + 8 * (n))

#define GICR_WAKER	   0x0014
#define GICR_WAKER_SLEEP   BIT(1)
#define GICR_WAKER_ASLEEP  BIT(2)
#define GICR_TYPER	   0x0008
#define GICR_TYPER_LAST	   BIT(4)
#define GICR_TYPER_VLPIS   BIT(1)
#define GICR_TYPER_AFF	   BITS(63, 32)
#define GICR_FRAME	   0x10000 /* RD_base, then SGI_base (and two more with VLPIS) */
#define GICR_IGROUPR0	   (GICR_FRAME + 0x0080)
#define GICR_ISENABLER0	   (GICR_FRAME + 0x0100)
#define GICR_ICENABLER0	   (GICR_FRAME + 0x0180)
#define GICR_ISACTIVER0	   (GICR_FRAME + 0x0300)
#define GICR_ICACTIVER0	   (GICR_FRAME + 0x0380)
#define GICR_IPRIORITYR(n) (GICR_FRAME + 0x0400 + (n))

#define SGI1R_INTID BITS(27, 24)

#define SGIS	      16
#define PRIVATE	      32
#define INTIDS	      1020
#define PRIORITY_STOP 0x20
#define PRIORITIES    0xa0a0a0a0

struct irq_line {
	irq_handler handler;
	void *arg;
	bool keep_active;
};

static struct irq_line *lines;			/* one for each of gicd_lines() */
static void (*ipi_handlers[SGIS])(void);	/* those from IPI_COUNT on are never sent */
static void *gicd;
static struct gic_region *regions; /* GIC_REGIONS, behind lines */
static unsigned region_count;
static bool stop_is_fiq;	  /* found out on the boot CPU */
static unsigned spi_cpu;	  /* takes the SPIs; covered by gicd_lock */
static struct spinlock gicd_lock; /* covers read-modify-write of GICD_ICFGR and registration */

static void gicd_wait(void)
{
	while (mmio_read32(gicd, GICD_CTLR) & GICD_CTLR_RWP)
		;
}

static unsigned gicd_lines(void)
{
	unsigned n =
		32 * ((unsigned)field_get(GICD_TYPER_LINES, mmio_read32(gicd, GICD_TYPER)) + 1);

	return min(n, (unsigned)INTIDS);
}

size_t gic_memory(void *distributor)
{
	gicd = distributor;
	return gicd_lines() * sizeof(*lines) + GIC_REGIONS * sizeof(*regions);
}

void gic_init(void *distributor, const struct gic_region *redistributors, unsigned count,
	      void *memory)
{
	check(count <= GIC_REGIONS && memory);
	gicd = distributor;
	lines = memory;
	regions = (struct gic_region *)(lines + gicd_lines());
	for (region_count = 0; region_count < count; region_count++)
		regions[region_count] = redistributors[region_count];
	mmio_write32(gicd, GICD_CTLR, 0);
	gicd_wait();
	for (unsigned n = PRIVATE; n < gicd_lines(); n += 32) {
		mmio_write32(gicd, GICD_ICENABLER(n / 32), ~0u);
		mmio_write32(gicd, GICD_IGROUPR(n / 32), ~0u);
	}
	for (unsigned n = PRIVATE; n < gicd_lines(); n += 4)
		mmio_write32(gicd, GICD_IPRIORITYR(n), PRIORITIES);
	gicd_wait();
	mmio_write32(gicd, GICD_CTLR, GICD_CTLR_ARE_NS | GICD_CTLR_GRP1_NS | GICD_CTLR_GRP0);
	gicd_wait();
}

/* The redistributor whose affinity is this CPU's; NULL: the device tree's regions have none. */
static char *gicr_find(uint64_t mpidr)
{
	uint64_t affinity = (mpidr >> 8 & 0xff000000) | (mpidr & 0xffffff);

	for (unsigned n = 0; n < region_count; n++) {
		char *gicr = regions[n].base, *end = gicr + regions[n].size;

		while (gicr + 2 * GICR_FRAME <= end) {
			uint64_t typer = mmio_read64(gicr, GICR_TYPER);

			if (field_get(GICR_TYPER_AFF, typer) == affinity)
				return gicr;
			if (typer & GICR_TYPER_LAST)
				break;
			gicr += (typer & GICR_TYPER_VLPIS ? 4 : 2) * GICR_FRAME;
		}
	}
	return NULL;
}

bool gic_cpu_init(void)
{
	struct cpu *cpu = this_cpu();
	char *gicr = gicr_find(cpu->mpidr);

	if (!gicr)
		return false;
	cpu->gicr = (uint64_t)gicr;
	mmio_write32(gicr, GICR_WAKER, mmio_read32(gicr, GICR_WAKER) & (uint32_t)~GICR_WAKER_SLEEP);
	while (mmio_read32(gicr, GICR_WAKER) & GICR_WAKER_ASLEEP)
		;
	mmio_write32(gicr, GICR_ICENABLER0, ~0u);
	mmio_write32(gicr, GICR_ICACTIVER0, ~0u);
	mmio_write32(gicr, GICR_IGROUPR0, ~(1u << IPI_STOP));
	stop_is_fiq = !(mmio_read32(gicr, GICR_IGROUPR0) >> IPI_STOP & 1);
	for (unsigned n = 0; n < PRIVATE; n += 4)
		mmio_write32(gicr, GICR_IPRIORITYR(n), PRIORITIES);
	/* Before all others, or one of them that waits behind masked interrupts would hide it. */
	mmio_write8(gicr, GICR_IPRIORITYR(IPI_STOP), PRIORITY_STOP);
	sysreg_write(icc_sre_el2, 0xf); /* SRE, and EL1 may use its own */
	isb();
	sysreg_write(icc_pmr_el1, 0xff);
	sysreg_write(icc_bpr1_el1, 0);
	sysreg_write(icc_ctlr_el1, BIT(1)); /* EOImode */
	sysreg_write(icc_igrpen1_el1, 1);
	if (stop_is_fiq)
		sysreg_write(icc_igrpen0_el1, 1);
	isb();
	mmio_write32(gicr, GICR_ISENABLER0, (1u << SGIS) - 1);
	return true;
}

void gic_cpu_leave(unsigned heir)
{
	uint64_t daif = spin_lock_irqsave(&gicd_lock);

	if (spi_cpu == cpu_id()) {
		unsigned end = gicd_lines();

		spi_cpu = heir;
		for (unsigned n = PRIVATE; n < end; n++)
			if (lines[n].handler)
				mmio_write64(gicd, GICD_IROUTER(n), cpu_get(heir)->mpidr);
	}
	spin_unlock_irqrestore(&gicd_lock, daif);
	mmio_write32((void *)this_cpu()->gicr, GICR_ICENABLER0, ~0u);
	sysreg_write(icc_igrpen1_el1, 0);
	if (stop_is_fiq)
		sysreg_write(icc_igrpen0_el1, 0);
	isb();
}

int irq_register(unsigned intid, irq_handler handler, void *arg, bool keep_active)
{
	uint64_t daif;
	int err = 0;

	if (intid < SGIS || intid >= gicd_lines())
		return -EINVAL;
	daif = spin_lock_irqsave(&gicd_lock);
	if (lines[intid].handler)
		err = -EBUSY;
	else
		lines[intid] = (struct irq_line){ handler, arg, keep_active };
	spin_unlock_irqrestore(&gicd_lock, daif);
	return err;
}

static void spi_unmask(unsigned intid, bool edge)
{
	uint32_t shift = intid % 16 * 2 + 1, config;
	uint64_t daif = spin_lock_irqsave(&gicd_lock);

	config = mmio_read32(gicd, GICD_ICFGR(intid / 16)) & ~(1u << shift);
	mmio_write32(gicd, GICD_ICFGR(intid / 16), config | (uint32_t)edge << shift);
	/* To one CPU: devices are few and slow beside the vCPUs' own interrupts. */
	mmio_write64(gicd, GICD_IROUTER(intid), cpu_get(spi_cpu)->mpidr);
	mmio_write32(gicd, GICD_ISENABLER(intid / 32), 1u << intid % 32);
	spin_unlock_irqrestore(&gicd_lock, daif);
}

void irq_unmask(unsigned intid, bool edge)
{
	if (intid >= PRIVATE)
		spi_unmask(intid, edge);
	else
		mmio_write32((void *)this_cpu()->gicr, GICR_ISENABLER0, 1u << intid);
}

void irq_deactivate(unsigned intid)
{
	sysreg_write(icc_dir_el1, intid);
}

uint32_t irq_ppis_active(void)
{
	return mmio_read32((void *)this_cpu()->gicr, GICR_ISACTIVER0);
}

void irq_ppi_set_active(unsigned intid, bool active)
{
	mmio_write32((void *)this_cpu()->gicr, active ? GICR_ISACTIVER0 : GICR_ICACTIVER0,
		     1u << intid);
}

uint64_t irq_counts(unsigned intid, unsigned cpu)
{
	if (intid >= IRQS_COUNTED - 1)
		return 0;
	return __atomic_load_n(&cpu_get(cpu)->irq_counts[intid], __ATOMIC_RELAXED);
}

uint64_t irq_count_all(unsigned cpu)
{
	const uint32_t *counts = cpu_get(cpu)->irq_counts;
	uint64_t sum = 0;

	for (unsigned n = 0; n < IRQS_COUNTED; n++)
		sum += __atomic_load_n(&counts[n], __ATOMIC_RELAXED);
	return sum;
}

void ipi_register(enum ipi ipi, void (*handler)(void))
{
	ipi_handlers[ipi] = handler;
}

/* ICC_SGI1R_EL1 (12.2.19): Aff3.Aff2.Aff1 and one bit of the target list for Aff0. */
uint64_t gic_sgi_value(uint64_t mpidr)
{
	return field_set(BITS(55, 48), mpidr >> 32) | field_set(BITS(39, 32), mpidr >> 16) |
	       field_set(BITS(23, 16), mpidr >> 8) | field_set(BITS(47, 44), (mpidr & 0xff) >> 4) |
	       1ull << (mpidr & 0xf);
}

void ipi_send_stop(unsigned cpu)
{
	uint64_t value = cpu_get(cpu)->sgi | field_set(SGI1R_INTID, IPI_STOP);

	dsb(ishst); /* what the handler is to see, before the SGI; partner: its acknowledge */
	if (stop_is_fiq)
		sysreg_write(icc_sgi0r_el1, value);
	else
		sysreg_write(icc_sgi1r_el1, value);
	isb();
}

bool gic_fiq_is_stop(void)
{
	return sysreg_read(icc_iar0_el1) == IPI_STOP;
}

/* Complete first: the handler of IPI_STOP does not come back. */
static inline void ipi_taken(unsigned intid)
{
	sysreg_write(icc_eoir1_el1, intid);
	sysreg_write(icc_dir_el1, intid);
	dsb(sy); /* the acknowledge, before what the sender wrote is read */
	if (ipi_handlers[intid])
		ipi_handlers[intid]();
}

static __attribute__((noinline)) void line_taken(unsigned intid)
{
	const struct irq_line *line = &lines[intid];

	if (line->handler)
		line->handler(line->arg, intid);
	sysreg_write(icc_eoir1_el1, intid);
	if (!line->keep_active)
		sysreg_write(icc_dir_el1, intid);
}

void irq_dispatch(void)
{
	unsigned intid = (unsigned)sysreg_read(icc_iar1_el1);

	if (intid >= INTIDS) /* 1020 to 1023: nothing is pending */
		return;
	this_cpu()->irq_counts[min(intid, IRQS_COUNTED - 1u)]++;
	if (intid < SGIS)
		ipi_taken(intid);
	else
		line_taken(intid);
}
