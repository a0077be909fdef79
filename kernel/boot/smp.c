/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The other CPUs: started one after the other by PSCI, each waited for. What a CPU needs before it
 * can run C is in smp_starting and smp_stack_top, read by head.S with the MMU on.
 *
 * A CPU that goes off is left in this order, by a thread of its own: its queue is closed, and who
 * was ready there goes elsewhere; nobody waits for an answer of it any more; both banks, its timers
 * and the SPIs leave; the firmware switches it off. It comes back the way it came at first.
 */
#include "boot/smp.h"

#include <linux/errno.h>

#include "arch/cpu.h"
#include "arch/gic.h"
#include "arch/irq.h"
#include "mm/mmu.h"
#include "arch/power.h"
#include "arch/sysreg.h"
#include "arch/timer.h"
#include "bank/bank.h"
#include "bank/fp.h"
#include "kvm/kvm.h"
#include "lib/check.h"
#include "lib/printk.h"
#include "lib/string.h"
#include "linux/proc/procfs.h"
#include "sched/ktimer.h"
#include "sched/mutex.h"
#include "sched/run.h"
#include "sched/stack.h"

#define START_LIMIT_NS 20000000000ull /* QEMU may not run a CPU for a while */

extern char image_start[], secondary_start[], host_vectors[];

struct cpu *smp_starting;
uint64_t smp_stack_top;
static uint64_t smp_stack;
static uint64_t stacks[MAX_CPUS]; /* of the idle threads; written by their CPUs */
static pa_t entry;		  /* secondary_start; set once in boot */

_Noreturn void smp_main(void);

bool smp_cpu_setup(struct cpu *cpu, uint64_t stack)
{
	if (!stacks[cpu->id]) { /* for the first time */
		uint64_t overflow = stack_alloc();

		if (!overflow)
			return false;
		cpu->overflow_stack = overflow + THREAD_STACK;
	}
	cpu->mode = CPU_HOST; /* it may have gone in the other */
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
	stacks[cpu->id] = stack;
	cpu_set_online();
	bank_handle_requests(); /* what was asked while it was off, with an SGI that is lost */
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

/* Have the firmware start cpu, and wait until it runs. A PSCI error: it is as before. */
static int smp_start_cpu(struct cpu *cpu, uint64_t stack)
{
	uint64_t start = timer_now();
	int err;

	smp_starting = cpu;
	smp_stack = stack;
	smp_stack_top = stack + THREAD_STACK;
	dsb(ish); /* before the CPU's first loads; partner: its MMU-on in head.S */
	err = power_cpu_on(cpu->mpidr, entry, mmu_kernel_root().v);
	if (err) {
		printk("cpu %u (MPIDR %lx): PSCI CPU_ON failed: %d\n", cpu->id, cpu->mpidr, err);
		return err;
	}
	while (!cpu_is_online(cpu->id)) {
		if (timer_now() - start > START_LIMIT_NS)
			panic("cpu %u (MPIDR %lx) did not come up", cpu->id, cpu->mpidr);
		__asm__ volatile("yield");
	}
	return 0;
}

/* False: no memory for its stack. One that the firmware does not start is left out. */
static bool smp_start_one(uint64_t mpidr)
{
	uint64_t stack = stack_alloc();
	struct cpu *cpu;

	if (!stack)
		return false;
	cpu = cpu_add(mpidr);
	if (smp_start_cpu(cpu, stack)) {
		stack_free(stack);
		cpu_remove(cpu);
	}
	return true;
}

void smp_start(const uint64_t *mpidrs, unsigned count, pa_t image)
{
	entry.v = image.v + (uint64_t)(secondary_start - image_start);
	for (unsigned n = 0; n < count; n++) {
		if (mpidrs[n] == this_cpu()->mpidr)
			continue;
		if (cpu_count() == MAX_CPUS) {
			printk("cpus: the machine has %u, Stet uses %u\n", count, MAX_CPUS);
			return;
		}
		if (!smp_start_one(mpidrs[n]))
			return;
	}
}

/* ---- CPUs that go and come: /sys/devices/system/cpu/cpuN/online ---- */

#define POLL_NS 1000000

static struct mutex smp_mutex; /* one comes or goes at a time; covers smp_starting, leaver */
static struct thread leaver;

/* Masked, and nobody waits for this CPU any more. */
static void leave_all(void *arg)
{
	unsigned heir = (unsigned)__builtin_ctzll(cpu_online_mask() & ~BIT(cpu_id()));

	(void)arg;
	fp_evict_local();
	kvm_cpu_leave();
	mmu_activate(NULL);
	ktimer_hand_over(heir); /* with those that the eviction has started */
	gic_cpu_leave(heir);
}

/* On the CPU that goes. */
static void leave(void *arg)
{
	(void)arg;
	run_close();
	cpu_leave(leave_all, NULL);
	power_cpu_off();
}

static int smp_stop_cpu(unsigned cpu)
{
	uint64_t start = timer_now();
	int err;

	if (!(cpu_online_mask() & ~BIT(cpu)))
		return -EBUSY;
	err = thread_init(&leaver, "leaver", leave, NULL);
	if (err)
		return err;
	leaver.affinity = BIT(cpu);
	thread_start(&leaver);
	while (cpu_is_online(cpu) || !power_cpu_is_off(cpu_get(cpu)->mpidr)) {
		if (timer_now() - start > START_LIMIT_NS)
			panic("cpu %u does not go", cpu);
		thread_sleep_until(timer_now() + POLL_NS, false);
	}
	stack_free(leaver.stack);
	return 0;
}

static void show_online(struct text *t, void *cpu)
{
	text_printf(t, "%u\n", cpu_is_online((unsigned)(uintptr_t)cpu));
}

static int store_online(const char *text, size_t size, void *arg)
{
	unsigned cpu = (unsigned)(uintptr_t)arg;
	bool on = *text == '1';
	int err = 0;

	if ((!on && *text != '0') || (size > 1 && text[1] != '\n'))
		return -EINVAL;
	mutex_lock(&smp_mutex);
	if (on && !cpu_is_online(cpu))
		err = smp_start_cpu(cpu_get(cpu), stacks[cpu]) ? -EIO : 0;
	else if (!on && cpu_is_online(cpu))
		err = smp_stop_cpu(cpu);
	mutex_unlock(&smp_mutex);
	return err;
}

void smp_register(void)
{
	char path[64];

	mutex_init(&smp_mutex);
	for (unsigned cpu = 0; cpu < cpu_count(); cpu++) {
		snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u/online", cpu);
		check(!pseudo_register_rw(path, show_online, store_online, (void *)(uintptr_t)cpu));
	}
}
