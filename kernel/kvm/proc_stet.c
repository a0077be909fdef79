/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /proc/stet/machine: what this machine's register banks and CPUs have done since boot and which
 * system calls programs wanted in vain, a name and a number a line (docs/abi.md). Made anew at each
 * reading, without a lock: each number is true by itself.
 */
#include "kvm/kvm.h"

#include "arch/timer.h"
#include "bank/fp.h"
#include "kvm/api.h"
#include "kvm/vcpu.h"
#include "kvm/world.h"
#include "lib/check.h"
#include "linux/fs/file.h"
#include "linux/syscalls.h"
#include "sched/metronome.h"
#include "sched/run.h"

static void show_row(struct text *t, const char *name, uint64_t value)
{
	text_printf(t, "  %-36s %12lu\n", name, value);
}

static void show_banks(struct text *t)
{
	struct fp_stats vector = fp_stats();
	struct world_stats guest = world_stats();

	show_row(t, "vector bank: saves", vector.saves);
	show_row(t, "vector bank: loads", vector.loads);
	show_row(t, "vector bank: traps of first use", vector.traps);
	show_row(t, "vector bank: loads ahead of use", vector.ahead);
	show_row(t, "vector bank: switches avoided", vector.avoided);
	show_row(t, "vector bank: saves with SVE", vector.wide_saves);
	show_row(t, "vector bank: loads with SVE", vector.wide_loads);
	show_row(t, "vector bank: made zero", vector.zeroed);
	show_row(t, "guest bank: saves", guest.saves);
	show_row(t, "guest bank: loads", guest.loads);
}

static void show_cpus(struct text *t)
{
	struct metronome_stats m = metronome_stats();
	struct run_stats sum = { 0 }, one;
	uint64_t interrupts = 0;

	for (unsigned cpu = 0; cpu < cpu_count(); cpu++) {
		run_stats(cpu, &one);
		sum.switches += one.switches;
		sum.steals += one.steals;
		sum.wakeups += one.wakeups;
		sum.idle_ns += one.idle_ns;
		interrupts += irq_count_all(cpu);
	}
	show_row(t, "cpus", cpu_count());
	show_row(t, "cpus: thread switches", sum.switches);
	show_row(t, "cpus: wake-ups", sum.wakeups);
	show_row(t, "cpus: threads taken over when idle", sum.steals);
	show_row(t, "cpus: interrupts", interrupts);
	show_row(t, "cpus: idle, microseconds", sum.idle_ns / 1000);
	show_row(t, "up, microseconds", timer_now() / 1000);
	if (m.beats) {
		show_row(t, "metronome: beats", m.beats);
		show_row(t, "metronome: latest interrupt, ns", m.interrupt_ns);
		show_row(t, "metronome: latest thread, ns", m.thread_ns);
	}
}

/* System calls that programs wanted and Stet has not. */
static void show_unknown_calls(struct text *t)
{
	for (unsigned number = 0; number < SYSCALL_NUMBERS; number++) {
		uint32_t count = syscall_unknown_count(number);

		if (count)
			text_printf(t, "  no system call %-21u %12u\n", number, count);
	}
}

static void show(struct text *t, void *arg)
{
	(void)arg;
	show_banks(t);
	show_cpus(t);
	show_unknown_calls(t);
}

void proc_stet_init(void)
{
	check(procfs_register("stet/machine", show, NULL) == 0);
	proc_vm_init();
}
