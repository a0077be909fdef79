/* SPDX-License-Identifier: BSD-2-Clause */
/* The time of day for file times and timers (linux/time/time.c); timer_now() counts from boot. */
#pragma once

#include "lib/types.h"

uint64_t clock_realtime(void); /* ns since 1970, CLOCK_REALTIME */
