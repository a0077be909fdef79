/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the vector banks of all CPUs have done since boot: sums of what each CPU counts for itself,
 * read without a lock. Entered from /proc/stet.
 */
#include "bank/fp.h"

struct fp_stats fp_stats(void)
{
	struct fp_stats sum = { 0 };

	for (unsigned n = 0; n < cpu_count(); n++) {
		const struct cpu *cpu = cpu_get(n);

		sum.traps += __atomic_load_n(&cpu->fp_counts.traps, __ATOMIC_RELAXED);
		sum.loads += __atomic_load_n(&cpu->fp_epoch, __ATOMIC_RELAXED) / MAX_CPUS -
			     __atomic_load_n(&cpu->fp_counts.other_epochs, __ATOMIC_RELAXED);
		sum.saves += __atomic_load_n(&cpu->fp_counts.saves_of_v, __ATOMIC_RELAXED);
		sum.ahead -= __atomic_load_n(&cpu->fp_counts.trap_loads, __ATOMIC_RELAXED);
		sum.zeroed += __atomic_load_n(&cpu->fp_counts.zeroed, __ATOMIC_RELAXED);
		sum.wide_saves += __atomic_load_n(&cpu->fp_counts.wide_saves, __ATOMIC_RELAXED);
		sum.wide_loads += __atomic_load_n(&cpu->fp_counts.wide_loads, __ATOMIC_RELAXED);
		sum.avoided += __atomic_load_n(&cpu->fp_avoided, __ATOMIC_RELAXED);
	}
	sum.saves += sum.wide_saves;
	sum.ahead += sum.loads; /* all that no trap asked for */
	return sum;
}
