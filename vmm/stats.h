/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdint.h>

struct vm;

#define STATS_MAX      128
#define STATS_NAME_MAX 48

/* Sums by name, over all vCPUs of all machines that were added. */
struct stats {
	struct stat_row {
		char name[STATS_NAME_MAX];
		uint64_t value;
	} rows[STATS_MAX];
	unsigned count;
};

/* Add what the host and our own devices counted for a machine. Before it is destroyed. */
void stats_add(struct stats *stats, struct vm *vm);

/* The table, and the host's /proc/stet if it has one, on stderr. */
void stats_print(const struct stats *stats, const char *title);
