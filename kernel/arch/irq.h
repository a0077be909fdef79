/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Masking interrupts on this CPU, and who answers which interrupt.
 * FIQs are never masked for long: IPI_STOP comes as one (arch/gic.c).
 * Handlers run on the CPU's current kernel stack with interrupts masked and must not wait.
 */
#pragma once

#include "arch/cpu.h"
#include "lib/types.h"

#ifdef __aarch64__
static inline void irq_disable(void)
{
	__asm__ volatile("msr daifset, #2" ::: "memory");
}

static inline void irq_enable(void)
{
	__asm__ volatile("msr daifclr, #3" ::: "memory");
}

static inline uint64_t irq_save(void) /* the state to give back to irq_restore() */
{
	uint64_t daif;

	__asm__ volatile("mrs %0, daif\n\tmsr daifset, #2" : "=r"(daif)::"memory");
	return daif;
}

static inline void irq_restore(uint64_t daif)
{
	__asm__ volatile("msr daif, %0" ::"r"(daif) : "memory");
}

static inline bool irq_masked(void)
{
	uint64_t daif;

	__asm__ volatile("mrs %0, daif" : "=r"(daif));
	return daif & 0x80;
}
#else /* host tests have no interrupts */
static inline void irq_disable(void)
{
}

static inline void irq_enable(void)
{
}

static inline uint64_t irq_save(void)
{
	return 0;
}

static inline void irq_restore(uint64_t daif)
{
	(void)daif;
}

static inline bool irq_masked(void)
{
	return false;
}
#endif

typedef void (*irq_handler)(void *arg, unsigned intid);

/* Handle the interrupt that is pending, if there is one: from the vectors, and from who has found
 * out in another way that one may have come (WFI has ended, a guest's time was ended by it).
 * Masked. */
void irq_dispatch(void);

/* Answer SPI or PPI intid from now on; -EINVAL (no such), -EBUSY (taken). The GIC works with
 * EOImode 1. A handler registered with keep_active ends with priority dropped but the interrupt
 * still Active: somebody else (a guest's EOI through a list register, irq_deactivate()) ends it. */
int irq_register(unsigned intid, irq_handler handler, void *arg, bool keep_active);
/* Enable at the distributor or, for PPIs, at this CPU's redistributor. level: SPIs only. */
void irq_unmask(unsigned intid, bool edge);
void irq_deactivate(unsigned intid);
/* The Active bits of this CPU's SGIs and PPIs, by INTID; and that of one (GICR_ISACTIVER0,
 * ICACTIVER0). */
uint32_t irq_ppis_active(void);
void irq_ppi_set_active(unsigned intid, bool active);
uint64_t irq_counts(unsigned intid, unsigned cpu); /* taken so far, for /proc/interrupts */
uint64_t irq_count_all(unsigned cpu);

/* SGIs between CPUs; the handler runs masked on the other CPU. */
enum ipi {
	IPI_RESCHEDULE, /* look at the work bits, or leave the idle loop: no handler of its own */
	IPI_BANK,	/* bank_handle_requests() */
	IPI_CALL,	/* cpu_call() */
	IPI_STOP,	/* a panic elsewhere */
	IPI_TIMER,	/* timers of a CPU that left: sched/ktimer.c */
	IPI_COUNT,
};
void ipi_register(enum ipi ipi, void (*handler)(void));
/* All but IPI_STOP. What this CPU wrote before is seen by the handler. */
#ifdef __aarch64__
static inline void ipi_send(unsigned cpu, enum ipi ipi)
{
	/* DSB: what the handler is to see, before the SGI; partner: its acknowledge */
	__asm__ volatile("dsb ishst\n\tmsr icc_sgi1r_el1, %0\n\tisb" ::"r"(cpu_get(cpu)->sgi |
									   (uint64_t)ipi << 24)
			 : "memory");
}
#else
void ipi_send(unsigned cpu, enum ipi ipi);
#endif
void ipi_send_stop(unsigned cpu);
/* Run fn(arg) on cpu with interrupts masked and wait for it; nothing if that CPU is off. Unmasked,
 * no spinlock held. */
void cpu_call(unsigned cpu, void (*fn)(void *), void *arg);
