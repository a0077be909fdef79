/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A VM's exits as a table, with the columns of `perf kvm stat`, the reason that took most time first, and a line
 * for each vCPU. Shares are of all exits and of all their time. Behind a mean stands by how much it may be wrong: the
 * standard error in percent of it.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "vmstat.h"

#define US 1000.0 /* ns */

static double percent(double part, double all)
{
	return all > 0 ? 100 * part / all : 0;
}

/* No libm: Newton's way, which falls towards the root from above. */
static double root(double square)
{
	double r = square > 1 ? square : 1;

	if (square <= 0)
		return 0;
	for (int i = 0; i < 200 && r * r > square * (1 + 1e-9); i++)
		r = (r + square / r) / 2;
	return r;
}

/* The standard error of the mean, in percent of it. */
static double spread(const struct exit_stat *e)
{
	double n = (double)e->timed, mean = n > 0 ? e->sum / n : 0, variance;

	if (e->timed < 2 || mean <= 0)
		return 0;
	variance = (e->squares - n * mean * mean) / (n - 1);
	return percent(root(variance / n), mean);
}

static void print_reason(FILE *out, const char *name, const struct exit_stat *e, const struct exit_stat *all,
			 const char *end)
{
	fprintf(out, "%-12s %12" PRIu64 " %6.1f %% %6.1f %%", name, e->count,
		percent((double)e->count, (double)all->count), percent(e->sum, all->sum));
	if (e->timed)
		fprintf(out, " %12.2f %12.2f %12.2f +- %.2f %%", e->least / US, e->most / US,
			e->sum / (double)e->timed / US, spread(e));
	fputs(end, out);
}

static const struct exit_stat *sorted; /* for the comparison: exits by reason */

static int compare(const void *a, const void *b)
{
	const struct exit_stat *x = &sorted[*(const unsigned *)a], *y = &sorted[*(const unsigned *)b];

	if (x->sum != y->sum)
		return x->sum < y->sum ? 1 : -1;
	return (x->count < y->count) - (x->count > y->count);
}

static void print_reasons(FILE *out, const struct vm_stat *s, const struct vcpu_stat *v, const char *end)
{
	struct exit_stat all = { 0 };
	unsigned order[REASONS_MAX], n = 0;

	for (unsigned r = 0; r < s->reason_count; r++) {
		all.count += v->exits[r].count;
		all.sum += v->exits[r].sum;
		if (v->exits[r].count)
			order[n++] = r;
	}
	sorted = v->exits;
	qsort(order, n, sizeof(order[0]), compare);
	fprintf(out, "%-12s %12s %8s %8s %12s %12s %12s%s", "exits", "count", "share", "time", "least us", "most us",
		"mean us", end);
	for (unsigned i = 0; i < n; i++)
		print_reason(out, s->reasons[order[i]], &v->exits[order[i]], &all, end);
	print_reason(out, "all", &all, &all, end);
}

void vmstat_shares(const struct vcpu_stat *v, double *guest, double *host, double *idle)
{
	double all = v->guest + v->host + v->idle;

	*guest = percent(v->guest, all);
	*host = percent(v->host, all);
	*idle = percent(v->idle, all);
}

static void print_vcpu(FILE *out, const struct vm_stat *s, const struct vcpu_stat *v, const char *name, const char *end)
{
	double guest, host, idle;
	uint64_t count = 0;

	for (unsigned r = 0; r < s->reason_count; r++)
		count += v->exits[r].count;
	vmstat_shares(v, &guest, &host, &idle);
	fprintf(out, "%-12s %12" PRIu64 " %6.1f %% %6.1f %% %6.1f %% %9" PRIu64 " %9" PRIu64 " %9" PRIu64 " %9" PRIu64 "%s",
		name, count, guest, host, idle, v->saves, v->loads, v->vector_saves, v->vector_loads, end);
}

void vmstat_print(FILE *out, const struct vm_stat *s, const char *name, int only, const char *end)
{
	struct vcpu_stat sum;

	vmstat_sum(s, only, &sum);
	fprintf(out, "VM %u (%s), %u vCPU%s, %.2f s%s", s->number, name, s->vcpu_count, s->vcpu_count == 1 ? "" : "s",
		s->watched / 1e9, end);
	print_reasons(out, s, &sum, end);
	fprintf(out, "%-12s %12s %8s %8s %8s %9s %9s %9s %9s%s", "vCPU", "exits", "guest", "host", "idle", "EL1 saves",
		"loads", "FP saves", "loads", end);
	for (unsigned i = 0; i < s->vcpu_count; i++) {
		char id[12];

		if (only >= 0 && s->vcpus[i].id != (unsigned)only)
			continue;
		snprintf(id, sizeof(id), "%u", s->vcpus[i].id);
		print_vcpu(out, s, &s->vcpus[i], id, end);
	}
	if (only < 0 && s->vcpu_count > 1)
		print_vcpu(out, s, &sum, "all", end);
}
