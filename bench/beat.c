/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A vCPU and a kernel thread hand over one CPU: on Stet with the boot argument bench.kthread=1,
 * whose threads wake every millisecond (kernel/sched/metronome.c) and whose figures are in
 * /proc/stet/machine. Exact with one CPU:
 * `tools/stet-qemu --icount --append bench.kthread=1 -- build/user/bench/beat`. Prints
 *
 *	beat N		instructions of one wake-up beside a vCPU that runs: the interrupt, to the
 *			thread and back
 *	masked N	the latest its interrupt came, in ns: of all that ran meanwhile the longest
 *			stretch with interrupts masked that it met
 *	waited N	the latest the thread ran after that, in ns, beside eight vCPUs
 *	beats N		wake-ups beside a vCPU that uses vector registers all the time
 *	moved N		saves and loads of vector registers meanwhile, and traps of first use
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bench/lib/measure.h"
#include "tests/kvm/lib/vm.h"

enum { SPINS = 20000000, CROWD_MS = 100 };

static struct vm vm;

/* Two instructions a turn. */
static GUEST void guest_spins(uint64_t count)
{
	uint64_t begin = ticks_now();

	__asm__ volatile("1: subs %0, %0, #1\n\tb.ne 1b" : "+r"(count)::"cc");
	guest_done(ticks_now() - begin);
}

static GUEST void guest_uses_fp(uint64_t count)
{
	__asm__ volatile("1: fadd d0, d0, d0\n\tsubs %0, %0, #1\n\tb.ne 1b"
			 : "+r"(count)::"cc", "v0");
	guest_done(0);
}

static GUEST void guest_works(uint64_t arg)
{
	(void)arg;
	for (;;)
		__asm__ volatile("" ::: "memory");
}

/* A row of /proc/stet/machine; -1: there is none. */
static long stat_row(const char *name)
{
	char line[256];
	long value = -1;
	FILE *f = fopen("/proc/stet/machine", "r");

	while (f && fgets(line, sizeof(line), f)) {
		char *at = strstr(line, name);

		if (at)
			value = strtol(at + strlen(name), NULL, 10);
	}
	if (f)
		fclose(f);
	return value;
}

static long moves(void)
{
	return stat_row("vector bank: saves") + stat_row("vector bank: loads") +
	       stat_row("vector bank: traps of first use");
}

/* While a vCPU uses vector registers the kernel's threads take the CPU and give it back. */
static void beside_fp(void)
{
	long beats = stat_row("metronome: beats"), before = moves();
	uint64_t done;

	vm_create(&vm, 1);
	vcpu_start(&vm.vcpu[0], guest_uses_fp, SPINS);
	vcpu_run_done(&vm.vcpu[0], &done);
	before = moves() - before;
	printf("beats %ld\nmoved %ld\n", stat_row("metronome: beats") - beats, before);
	vm_destroy(&vm);
}

static void crowd(void)
{
	vm_create(&vm, VM_MAX_VCPUS);
	for (int n = 0; n < VM_MAX_VCPUS; n++)
		vcpu_thread_start(&vm.vcpu[n], guest_works, 0);
	sleep_ms(CROWD_MS);
	for (int n = 0; n < VM_MAX_VCPUS; n++)
		vcpu_thread_stop(&vm.vcpu[n]);
	vm_destroy(&vm);
}

int main(void)
{
	uint64_t ticks = 0, hz;
	long before, count;

	sleep_ms(5); /* the first has come */
	before = stat_row("metronome: beats");
	if (before < 0) {
		printf("no bench.kthread=1\n");
		return 1;
	}
	vm_create(&vm, 1);
	vcpu_start(&vm.vcpu[0], guest_spins, SPINS);
	before = stat_row("metronome: beats");
	vcpu_run_done(&vm.vcpu[0], &ticks);
	count = stat_row("metronome: beats") - before;
	vm_destroy(&vm);
	__asm__("mrs %0, cntfrq_el0" : "=r"(hz));
	printf("beat %.0f\n",
	       ((double)ticks * 1e9 / (double)hz - 2.0 * SPINS) / (double)count);
	beside_fp();
	crowd();
	printf("masked %ld\nwaited %ld\n", stat_row("metronome: latest interrupt, ns"),
	       stat_row("metronome: latest thread, ns"));
	return 0;
}
