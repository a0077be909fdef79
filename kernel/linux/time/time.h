/* SPDX-License-Identifier: BSD-2-Clause */
/* Times as programs give them, and what the kernel counts with: ns of timer_now(). */
#pragma once

#include_next <linux/time.h> /* the UAPI's, which this name hides */
#include <linux/time_types.h>

#include "arch/timer.h"
#include "lib/types.h"

#define NS_PER_S 1000000000ull

static inline bool timespec_valid(const struct __kernel_timespec *ts)
{
	return ts->tv_sec >= 0 && (uint64_t)ts->tv_nsec < NS_PER_S;
}

/* Saturates well below TIMER_NEVER. */
static inline uint64_t timespec_ns(const struct __kernel_timespec *ts)
{
	if ((uint64_t)ts->tv_sec >= (1ull << 62) / NS_PER_S)
		return 1ull << 62;
	return (uint64_t)ts->tv_sec * NS_PER_S + (uint64_t)ts->tv_nsec;
}

static inline struct __kernel_timespec ns_timespec(uint64_t ns)
{
	return (struct __kernel_timespec){ (int64_t)(ns / NS_PER_S), (long long)(ns % NS_PER_S) };
}

/* That long from now. */
static inline uint64_t deadline_after(uint64_t ns)
{
	return timer_now() + ns;
}

/* The clock's time now in ns; -EINVAL: no such clock. */
int clock_read(int clock, uint64_t *ns);
/* When timer_now() will be, once that clock shows ns. -EINVAL: no such clock to wait for. */
int clock_deadline(int clock, uint64_t ns, uint64_t *deadline);
