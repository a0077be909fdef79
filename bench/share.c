/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How CPUs are shared when there are fewer than vCPUs: eight that never leave of themselves on all
 * CPUs of the machine for a second, what share of the work each has done, and how late a thread
 * that sleeps a millisecond at a time runs again meanwhile. Prints lines of a name and a number,
 * shares in thousandths of an equal share, lateness in microseconds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "bench/lib/measure.h"
#include "tests/kvm/lib/vm.h"

enum { VCPUS = VM_MAX_VCPUS, SECOND = 1000000000, MILLISECOND = 1000000 };

static struct vm vm;
static volatile uint64_t work[VCPUS];

/*
 * Under icount QEMU 7.2 gives all time up to the next timer to the first CPU that does not wait:
 * each turn offers the CPU to the next one.
 */
static GUEST void guest_works(uint64_t id)
{
	for (;;) {
		work[id]++;
		cpu_relax();
	}
}

/* Sleep until then; how late it became, in nanoseconds. */
static int64_t sleep_until(int64_t ns)
{
	struct timespec t = { ns / SECOND, ns % SECOND };

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
	return (int64_t)now_ns(CLOCK_MONOTONIC) - ns;
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void work_read(uint64_t *at)
{
	for (int k = 0; k < VCPUS; k++)
		at[k] = guest_view(&vm, work[k]);
}

/* The work done between two looks, as thousandths of an equal share: the least and the most. */
static void shares_print(const uint64_t *before, const uint64_t *after)
{
	uint64_t sum = 0, least = ~0ul, most = 0;

	for (int k = 0; k < VCPUS; k++) {
		uint64_t done = after[k] - before[k];

		sum += done;
		least = done < least ? done : least;
		most = done > most ? done : most;
	}
	printf("share-least\t%.0f\nshare-most\t%.0f\n", (double)least * VCPUS * 1000 / (double)sum,
	       (double)most * VCPUS * 1000 / (double)sum);
}

int main(int argc, char **argv)
{
	static int64_t late[1000];
	uint64_t before[VCPUS], after[VCPUS];
	int64_t begin;

	if (argc == 3 && !strcmp(argv[1], "--settle"))
		sleep((unsigned)atoi(argv[2]));
	vm_create(&vm, VCPUS);
	for (int k = 0; k < VCPUS; k++)
		vcpu_thread_start(&vm.vcpu[k], guest_works, (uint64_t)k);
	sleep_until((int64_t)now_ns(CLOCK_MONOTONIC) + 200 * MILLISECOND);
	work_read(before);
	begin = (int64_t)now_ns(CLOCK_MONOTONIC);
	for (int n = 0; n < 1000; n++)
		late[n] = sleep_until(begin + (n + 1) * (int64_t)MILLISECOND);
	work_read(after);
	for (int k = 0; k < VCPUS; k++)
		vcpu_thread_stop(&vm.vcpu[k]);
	vm_destroy(&vm);
	shares_print(before, after);
	qsort(late, 1000, sizeof(late[0]), compare);
	printf("late-median\t%.1f\nlate-most\t%.1f\n", (double)late[500] / 1000,
	       (double)late[999] / 1000);
	return 0;
}
