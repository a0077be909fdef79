/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What each way out of a guest costs, over the KVM API alone, so that the same binary runs on Stet
 * and on Linux in the same QEMU: `tools/stet-qemu --icount [--kernel linux] --
 * build/user/bench/exits`. Each row makes its own VM; guests time themselves where the VMM is not
 * part of the round. The rows are in the files beside this one, by kind.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "bench/exits/rows.h"

struct vm vm;
volatile uint64_t irqs[2], stop, ready;

/* /proc/stet/vm's file of the VM that was made last, which has its exits timed; -1: none such here. */
static int watch_newest(void)
{
	DIR *dir = opendir("/proc/stet/vm");
	struct dirent *e;
	char path[40];
	int newest = 0;

	while (dir && (e = readdir(dir)))
		newest = atoi(e->d_name) > newest ? atoi(e->d_name) : newest;
	if (dir)
		closedir(dir);
	snprintf(path, sizeof(path), "/proc/stet/vm/%d", newest);
	return open(path, O_RDONLY);
}

uint64_t guest_watched(const struct row *row, uint64_t rounds)
{
	uint64_t ticks = 0;
	int watch;

	vm_create(&vm, 1);
	watch = watch_newest();
	if (watch >= 0) {
		vcpu_start(&vm.vcpu[0], row->guest, rounds);
		vcpu_run_done(&vm.vcpu[0], &ticks);
		close(watch);
	}
	vm_destroy(&vm);
	return ticks;
}

uint64_t guest_timed(const struct row *row, uint64_t rounds)
{
	uint64_t ticks = 0;

	vm_create(&vm, 1);
	if (vm_add_gic(&vm, 64) == 0) {
		vcpu_start(&vm.vcpu[0], row->guest, rounds);
		vcpu_run_done(&vm.vcpu[0], &ticks);
	}
	vm_destroy(&vm);
	return ticks;
}

bool run_on_cpu(unsigned cpu)
{
	unsigned long mask[16] = { 1ul << cpu };

	return sys(__NR_sched_setaffinity, 0, sizeof(mask), mask) == 0;
}

GUEST void on_count(struct guest_cpu *cpu)
{
	uint32_t n = irq_acknowledge();

	irqs[cpu->id]++;
	irq_end(n);
}

GUEST void on_count_fp(struct guest_cpu *cpu)
{
	guest_fp(FP_GUEST);
	on_count(cpu);
}

GUEST void guest_takes(void (*handler)(struct guest_cpu *), unsigned irq)
{
	guest_self()->on_irq = handler;
	gicv3_init();
	gicv3_enable(irq, IRQ_PRIORITY);
	irq_enable();
}

int main(int argc, char **argv)
{
	const struct row_list lists[] = { trap_rows,   exit_rows, event_rows, timer_rows, smp_rows,
					  memory_rows, life_rows, sve_rows,   host_rows, { 0 } };

	if (argc == 2 && !strcmp(argv[1], "--nothing")) /* host.c starts it so */
		return 0;
	return rows_run(lists, argc, argv);
}
