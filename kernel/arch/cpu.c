/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The CPUs: their per-CPU structures and what they can do. cpu_table[] is written in boot, each
 * entry by boot before its CPU starts and then by that CPU alone; the features are read on the boot
 * CPU, and each other CPU checks that it has them too.
 */
#include "arch/cpu.h"

#include "arch/gic.h"
#include "arch/irq.h"
#include "arch/panic.h"
#include "arch/spinlock.h"
#include "arch/sysreg.h"
#include "arch/timer.h"
#include "lib/check.h"
#include "lib/printk.h"

struct cpu cpu_table[MAX_CPUS];
unsigned cpus_added;	  /* set once in boot */
uint64_t cpu_features;
static unsigned pa_bits;
static _Atomic uint64_t online; /* one bit a CPU, changed by that CPU */

static uint64_t cpu_read_features(void)
{
	uint64_t pfr0 = sysreg_read(id_aa64pfr0_el1), pfr1 = sysreg_read(id_aa64pfr1_el1);
	uint64_t mmfr0 = sysreg_read(id_aa64mmfr0_el1), mmfr1 = sysreg_read(id_aa64mmfr1_el1);
	uint64_t isar0 = sysreg_read(id_aa64isar0_el1), isar1 = sysreg_read(id_aa64isar1_el1);
	uint64_t f = 0;

	f |= field_get(MMFR1_PAN, mmfr1) ? BIT(CPU_PAN) : 0;
	f |= field_get(MMFR1_VH, mmfr1) ? BIT(CPU_VHE) : 0;
	f |= field_get(PFR0_SVE, pfr0) ? BIT(CPU_SVE) : 0;
	f |= field_get(PFR1_SME, pfr1) ? BIT(CPU_SME) : 0;
	f |= field_get(ISAR0_RNDR, isar0) ? BIT(CPU_RNDR) : 0;
	f |= field_get(PFR0_EL1, pfr0) == 2 ? BIT(CPU_AARCH32_EL1) : 0;
	f |= isar1 & ISAR1_PAUTH ? BIT(CPU_PAUTH) : 0;
	f |= field_get(PFR1_MTE, pfr1) >= 2 ? BIT(CPU_MTE) : 0;
	f |= field_get(MMFR1_VMIDBITS, mmfr1) == 2 ? BIT(CPU_VMID16) : 0;
	f |= field_get(MMFR0_ASIDBITS, mmfr0) == 2 ? BIT(CPU_ASID16) : 0;
	f |= field_get(MMFR0_FGT, mmfr0) ? BIT(CPU_FGT) : 0;
	f |= field_get(MMFR1_HCX, mmfr1) ? BIT(CPU_HCX) : 0;
	f |= field_get(MMFR0_ECV, mmfr0) ? BIT(CPU_ECV) : 0;
	f |= field_get(PFR0_CSV2, pfr0) >= 2 ? BIT(CPU_SCXTNUM) : 0;
	f |= field_get(PFR0_RAS, pfr0) ? BIT(CPU_RAS) : 0;
	return f;
}

void cpu_init_features(void)
{
	static const uint8_t bits[] = { 32, 36, 40, 42, 44, 48, 48 };
	uint64_t range = field_get(MMFR0_PARANGE, sysreg_read(id_aa64mmfr0_el1));

	cpu_features = cpu_read_features();
	pa_bits = bits[min(range, ARRAY_SIZE(bits) - 1)];
}

void cpu_check_features(void)
{
	uint64_t here = cpu_read_features();

	check((here & cpu_features) == cpu_features);
}

unsigned cpu_pa_bits(void)
{
	return pa_bits;
}

uint64_t cpu_online_mask(void)
{
	/* acquire: what a CPU did before it came or went is seen by who sees it come or go */
	return atomic_load_explicit(&online, memory_order_acquire);
}

void cpu_set_online(void)
{
	atomic_fetch_or_explicit(&online, BIT(cpu_id()), memory_order_seq_cst);
}

struct cpu *cpu_add(uint64_t mpidr)
{
	struct cpu *cpu = &cpu_table[cpus_added];

	cpu->id = cpus_added++;
	cpu->mpidr = mpidr;
	cpu->sgi = gic_sgi_value(mpidr);
	return cpu;
}

void cpu_remove(struct cpu *cpu)
{
	check(cpu->id == cpus_added - 1);
	cpus_added--;
}

/* ---- cpu_call(): one caller at a time, the function runs in the IPI ---- */

#define ANSWER_LIMIT_NS 10000000000ull /* QEMU may not run a CPU for a while */

static struct spinlock
	call_lock; /* covers call; taken unmasked, so that two callers cannot wait for each other */
static struct {
	void (*fn)(void *);
	void *arg;
	_Atomic bool done;
} call;

void cpu_handle_call(void)
{
	call.fn(call.arg);
	/* release: pairs with the acquire in cpu_call() */
	atomic_store_explicit(&call.done, true, memory_order_release);
}

void cpu_call(unsigned cpu, void (*fn)(void *), void *arg)
{
	uint64_t daif;

	check(!irq_masked());
	if (cpu == cpu_id()) {
		daif = irq_save();
		fn(arg);
		irq_restore(daif);
		return;
	}
	spin_lock(&call_lock);
	if (!cpu_is_online(cpu)) { /* nothing of what it could be asked for is there any more */
		spin_unlock(&call_lock);
		return;
	}
	call.fn = fn;
	call.arg = arg;
	atomic_store_explicit(&call.done, false, memory_order_relaxed);
	ipi_send(cpu, IPI_CALL); /* its DSB orders the three stores before the handler's loads */
	for (uint64_t start = timer_now();
	     !atomic_load_explicit(&call.done, memory_order_acquire);) {
		__asm__ volatile("yield");
		if (timer_now() - start > ANSWER_LIMIT_NS)
			panic_cpu_stuck(cpu, "it does not take an IPI");
	}
	spin_unlock(&call_lock);
}

void cpu_leave(void (*last)(void *), void *arg)
{
	spin_lock(&call_lock); /* unmasked: a call that is under way is answered */
	irq_disable();
	last(arg);
	atomic_fetch_and_explicit(&online, ~BIT(cpu_id()), memory_order_seq_cst);
	spin_unlock(&call_lock);
}
