/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The other CPUs: started one after the other by PSCI, each waited for. What a CPU needs before it
 * can run C is in smp_starting and smp_stack_top, read by head.S with the MMU on.
 */
#include "boot/smp.h"

#include "arch/cpu.h"
#include "arch/gic.h"
#include "arch/irq.h"
#include "mm/mmu.h"
#include "arch/power.h"
#include "arch/sysreg.h"
#include "arch/timer.h"
#include "bank/fp.h"
#include "kvm/kvm.h"
#include "lib/check.h"
#include "lib/printk.h"
#include "sched/run.h"
#include "sched/stack.h"

#define START_LIMIT_NS 5000000000ull

extern char image_start[], secondary_start[], host_vectors[];

struct cpu *smp_starting;
uint64_t smp_stack_top;
static uint64_t smp_stack;

_Noreturn void smp_main(void);

bool smp_cpu_setup(struct cpu *cpu, uint64_t stack)
{
	uint64_t overflow = stack_alloc();

	if (!overflow)
		return false;
	cpu->overflow_stack = overflow + THREAD_STACK;
	sysreg_write(vbar_el2, host_vectors);
	isb();
	if (!gic_cpu_init()) {
		printk("cpu %u: no GIC redistributor for MPIDR %lx\n", cpu->id, cpu->mpidr);
		return false;
	}
	timer_cpu_init();
	run_cpu_init(stack);
	fp_cpu_init();
	kvm_cpu_init();
	/* release: pairs with the acquire in smp_start() */
	atomic_store_explicit(&cpu->online, true, memory_order_release);
	return true;
}

void smp_main(void)
{
	struct cpu *cpu = this_cpu();

	mmu_cpu_init();
	cpu_check_features();
	if (!smp_cpu_setup(cpu, smp_stack))
		panic("cpu %u cannot run", cpu->id);
	irq_enable();
	run_idle();
}

/* False: no memory for its stack. One that the firmware does not start is left out. */
static bool smp_start_one(uint64_t mpidr, pa_t entry)
{
	uint64_t start = timer_now();
	struct cpu *cpu;
	int err;

	smp_stack = stack_alloc();
	if (!smp_stack)
		return false;
	smp_starting = cpu = cpu_add(mpidr);
	smp_stack_top = smp_stack + THREAD_STACK;
	dsb(ish); /* before the CPU's first loads; partner: its MMU-on in head.S */
	err = power_cpu_on(mpidr, entry, mmu_kernel_root().v);
	if (err) {
		printk("cpu %u (MPIDR %lx): PSCI CPU_ON failed: %d\n", cpu->id, mpidr, err);
		stack_free(smp_stack);
		cpu_remove(cpu);
		return true;
	}
	/* acquire: pairs with the release in smp_cpu_setup() */
	while (!atomic_load_explicit(&cpu->online, memory_order_acquire)) {
		if (timer_now() - start > START_LIMIT_NS)
			panic("cpu %u (MPIDR %lx) did not come up", cpu->id, mpidr);
		__asm__ volatile("yield");
	}
	return true;
}

void smp_start(const uint64_t *mpidrs, unsigned count, pa_t image)
{
	pa_t entry = { image.v + (uint64_t)(secondary_start - image_start) };

	for (unsigned n = 0; n < count; n++) {
		if (mpidrs[n] == this_cpu()->mpidr)
			continue;
		if (cpu_count() == MAX_CPUS) {
			printk("cpus: the machine has %u, Stet uses %u\n", count, MAX_CPUS);
			return;
		}
		if (!smp_start_one(mpidrs[n], entry))
			return;
	}
}
