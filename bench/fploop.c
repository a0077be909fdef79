/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest that uses FP in a loop of 10,000 hypercalls, and in a loop of 10,000 MMIO exits to a VMM
 * that uses none: nobody else wants the vector registers, so after the first use nothing should be
 * saved or loaded. Prints what each loop cost and which counters of /proc/stet it moved; on Linux,
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

static GUEST void guest_hypercalls(uint64_t rounds)
{
	while (rounds--) {
		__asm__ volatile("fadd v0.2d, v0.2d, v1.2d" ::: "memory");
		hvc(SMCCC_VERSION, 0, 0, 0);
	}
	guest_done(0);
}

static GUEST void guest_writes(uint64_t rounds)
{
	while (rounds--) {
		__asm__ volatile("fadd v0.2d, v0.2d, v1.2d" ::: "memory");
		mmio_write32(GUEST_PORT + PORT_TEST, 1);
	}
	guest_done(0);
}

/* The whole file, or an empty text where there is none. */
static void counters_read(char *text)
{
	int fd = open("/proc/stet", O_RDONLY);
	ssize_t n = fd < 0 ? 0 : read(fd, text, TEXT - 1);

	text[n > 0 ? n : 0] = 0;
	if (fd >= 0)
		close(fd);
}

/* The sum of the numbers of a line that begins with the name, of all lines that do. */
static long counter_sum(const char *text, const char *line, size_t name_length)
{
	long sum = 0;

	for (; text && *text; text = strchr(text, '\n') ? strchr(text, '\n') + 1 : NULL) {
		const char *end = text + strcspn(text, "\n"), *p = text + name_length;
		char *next;

		if (strncmp(text, line, name_length))
			continue;
		for (; p<end; p = next> p ? next : p + 1)
			sum += strtol(p, &next, 10);
	}
	return sum;
}

/* Lines are "NAME NUMBER..." : print those whose numbers changed. */
static void counters_compare(const char *before, const char *after)
{
	const char *line = after;

	while (*line) {
		size_t length = strcspn(line, "\n"), name = strcspn(line, " \t:");
		long change;

		if (name < length) {
			change = counter_sum(after, line, name + 1) -
				 counter_sum(before, line, name + 1);
			if (change)
				printf("  %-24.*s %+ld\n", (int)name, line, change);
		}
		line += length + (line[length] == '\n');
	}
}

static void loop(const char *name, void (*guest)(uint64_t))
{
	static char before[TEXT], after[TEXT];
	uint64_t ticks, done, hz;
	long err = 0;

	__asm__("mrs %0, cntfrq_el0" : "=r"(hz));
	vm_create(&vm, 1);
	vm_add_gic(&vm, 64);
	/* Once through the loop first, so that what comes after the first use is measured. */
	vcpu_start(&vm.vcpu[0], guest, 1);
	if (guest == guest_writes)
		err |= vcpu_run(&vm.vcpu[0]);
	vcpu_run_done(&vm.vcpu[0], &done);
	vcpu_start(&vm.vcpu[0], guest, ROUNDS);
	counters_read(before);
	ticks = ticks_now();
	for (int i = 0; guest == guest_writes && i < ROUNDS; i++)
		err |= vcpu_run(&vm.vcpu[0]);
	vcpu_run_done(&vm.vcpu[0], &done);
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
