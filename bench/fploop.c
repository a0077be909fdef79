/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest that uses FP in a loop of 10,000 hypercalls, and in a loop of 10,000 MMIO exits to a VMM
 * that uses none: nobody else wants the vector registers, so after the first use nothing should be
 * saved or loaded. Prints what each loop cost and which counters of /proc/stet/machine it moved; on Linux,
 * which has no such file, only the cost.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "bench/lib/measure.h"
#include "tests/kvm/lib/vm.h"

enum { ROUNDS = 10000, SMCCC_VERSION = 0x80000000u, TEXT = 8192 };

static struct vm vm;

GUEST_INLINE void fp_use(void)
{
	__asm__ volatile("fadd v0.2d, v0.2d, v1.2d" ::: "memory");
}

/* Both leave once before the loop: from then on the registers are the guest's. */
static GUEST void guest_hypercalls(uint64_t rounds)
{
	fp_use();
	mmio_write32(GUEST_PORT + PORT_TEST, 1);
	while (rounds--) {
		fp_use();
		hvc(SMCCC_VERSION, 0, 0, 0);
	}
	guest_done(0);
}

static GUEST void guest_writes(uint64_t rounds)
{
	fp_use();
	mmio_write32(GUEST_PORT + PORT_TEST, 1);
	while (rounds--) {
		fp_use();
		mmio_write32(GUEST_PORT + PORT_TEST, 1);
	}
	guest_done(0);
}

/* The whole file, or an empty text where there is none. */
static void counters_read(char *text)
{
	int fd = open("/proc/stet/machine", O_RDONLY);
	ssize_t n = fd < 0 ? 0 : read(fd, text, TEXT - 1);

	text[n > 0 ? n : 0] = 0;
	if (fd >= 0)
		close(fd);
}

/* A line is a name and a number; the name's length, without the blanks around it. */
static size_t name_length(const char *line)
{
	size_t n = strcspn(line, "\n");

	while (n && line[n - 1] != ' ')
		n--;
	while (n && line[n - 1] == ' ')
		n--;
	return n;
}

/* The number of the line with this name, or 0. */
static long counter_value(const char *text, const char *name, size_t length)
{
	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		if (name_length(line) == length && !strncmp(line, name, length))
			return strtol(line + length, NULL, 10);
	}
	return 0;
}

/* Print what changed; the vector bank's counters in any case. */
static void counters_compare(const char *before, const char *after)
{
	for (const char *line = after; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		size_t n = name_length(line);
		long change = counter_value(after, line, n) - counter_value(before, line, n);

		if (change || strstr(line, "vector bank") == line + strspn(line, " "))
			printf("%.*s: %+ld\n", (int)n, line, change);
	}
}

static void loop(const char *name, void (*guest)(uint64_t))
{
	static char before[TEXT], after[TEXT];
	uint64_t ticks, hz;
	long err;

	__asm__("mrs %0, cntfrq_el0" : "=r"(hz));
	vm_create(&vm, 1);
	vm_add_gic(&vm, 64);
	vcpu_start(&vm.vcpu[0], guest, ROUNDS);
	err = vcpu_run(&vm.vcpu[0]);
	counters_read(before);
	ticks = ticks_now();
	for (unsigned i = 0; guest == guest_writes && i < ROUNDS; i++)
		err |= vcpu_run(&vm.vcpu[0]);
	err |= vcpu_run(&vm.vcpu[0]); /* guest_done() */
	ticks = ticks_now() - ticks;
	counters_read(after);
	vm_destroy(&vm);
	if (err) {
		printf("%s: failed\n", name);
		return;
	}
	printf("%s: %d rounds, %.0f ns each\n", name, ROUNDS,
	       (double)ticks * 1e9 / (double)hz / ROUNDS);
	counters_compare(before, after);
}

int main(void)
{
	loop("hypercalls", guest_hypercalls);
	loop("mmio-exits", guest_writes);
	return 0;
}
