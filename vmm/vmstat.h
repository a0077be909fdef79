/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "layout.h"

#define REASONS_MAX 24
#define VMSTAT_DIR  "/proc/stet/vm"

/* Exits for one reason: how many, how many of them were timed, and these times in nanoseconds. */
struct exit_stat {
	uint64_t count, timed;
	double sum, least, most, squares;
};

struct vcpu_stat {
	unsigned id;
	double guest, host, idle; /* ns */
	uint64_t saves, loads, vector_saves, vector_loads;
	struct exit_stat exits[REASONS_MAX];
};

/* What /proc/stet/vm/N says. */
struct vm_stat {
	unsigned number;
	int pid;
	double watched; /* ns */
	char reasons[REASONS_MAX][16];
	unsigned reason_count, vcpu_count;
	struct vcpu_stat vcpus[VCPUS_MAX];
};

/* The number of the least VM above that one, whose process is pid (0: any); 0: none. */
unsigned vmstat_next(unsigned above, int pid);
/* Its file, which has the VM's exits timed while it is open; -1: it has gone. */
int vmstat_open(unsigned number);
/* False: it has gone, and *s is what it was. */
bool vmstat_read(int fd, struct vm_stat *s);
/* *s less what it was before: what has happened since. Least and greatest times stay. */
void vmstat_subtract(struct vm_stat *s, const struct vm_stat *before);
/* Another machine of the same guest. */
void vmstat_add(struct vm_stat *sum, const struct vm_stat *s);
/* All vCPUs together, or one of them (only >= 0). */
void vmstat_sum(const struct vm_stat *s, int only, struct vcpu_stat *sum);

/* vmstat_table.c: the table of reasons and the line of each vCPU; end is a line's. */
void vmstat_print(FILE *out, const struct vm_stat *s, const char *name, int only, const char *end);
/* Its shares of time in percent. */
void vmstat_shares(const struct vcpu_stat *v, double *guest, double *host, double *idle);
