/* SPDX-License-Identifier: BSD-2-Clause */
/* CPUs that look after each other. watch: the timer of the calling CPU, in its run queue. */
#pragma once

struct ktimer;

void watchdog_init(struct ktimer *watch);
/* The calling CPU has something to run: it takes part until it idles again. Masked. */
void watchdog_start(struct ktimer *watch);
