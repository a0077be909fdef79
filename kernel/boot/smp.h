/* SPDX-License-Identifier: BSD-2-Clause */
/* Starting the other CPUs. */
#pragma once

#include "lib/types.h"

struct cpu;

/* This CPU's own part of start-up, after its struct cpu and the kernel's map are there. False: it
 * cannot run. */
bool smp_cpu_setup(struct cpu *cpu, uint64_t stack);
/* Start every other CPU in mpidrs; image is where the kernel lies. Says in the log which would not
 * come. */
void smp_start(const uint64_t *mpidrs, unsigned count, pa_t image);
/* Their files in /sys, by which they go and come. */
void smp_register(void);
