/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a test's threads run: on one CPU, or wherever they like. */
#pragma once
#include <stdbool.h>

/* How many CPUs this thread may run on. */
int cpus_allowed(void);
/* This thread runs on that CPU from now on. */
void cpus_pin(int cpu);
/* On any of the first count CPUs again. */
void cpus_unpin(int count);

/* /sys/devices/system/cpu/cpuN/online: 0 or -errno. */
int cpu_switch(int cpu, bool on);
