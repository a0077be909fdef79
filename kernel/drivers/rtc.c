/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PL031 (Arm DDI 0224): the clock that goes on while the machine is off. Read once at boot by
 * linux/time/time.c, which counts on by itself. Never written.
 */
#include "drivers/rtc.h"

#define RTCDR 0x000 /* seconds since 1970 */

static volatile uint8_t *clock; /* set once at boot */

void rtc_init(void *registers)
{
	clock = registers;
}

uint64_t rtc_seconds(void)
{
	return clock ? *(volatile uint32_t *)(clock + RTCDR) : 0;
}
