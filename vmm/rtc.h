/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

struct vm;
struct rtc;

/* Add a PL031 clock at RTC_BASE, set to the host's time, to the machine. Dies if it cannot. */
struct rtc *rtc_create(struct vm *vm);
void rtc_destroy(struct rtc *rtc);
