/* SPDX-License-Identifier: BSD-2-Clause */
/* PL031: what time it is, in whole seconds. */
#pragma once

#include "lib/types.h"

void rtc_init(void *registers);
uint64_t rtc_seconds(void); /* since 1970, UTC; 0 without a clock */
