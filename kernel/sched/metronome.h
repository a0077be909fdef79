/* SPDX-License-Identifier: BSD-2-Clause */
/* A kernel thread on each CPU that wakes every millisecond (bench.kthread=1): sched/metronome.c. */
#pragma once

#include "lib/types.h"

struct metronome_stats {
	uint64_t beats;	       /* times a thread ran, on all CPUs; 0: there are none */
	uint64_t interrupt_ns; /* the latest a timer's interrupt was */
	uint64_t thread_ns;    /* the latest a thread ran after its timer's interrupt */
};

/* Boot, when the other CPUs run. False: no memory. */
bool metronome_start(void);
struct metronome_stats metronome_stats(void);
