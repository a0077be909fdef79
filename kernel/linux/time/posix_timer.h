/* SPDX-License-Identifier: BSD-2-Clause */
/* The timers of a process (timer_create, linux/time/posix_timer.c). */
#pragma once

#include "linux/signal/signal.h"

struct signal_entry;

void posix_timers_end(struct process *p); /* execve() and the process's end: all are deleted */
/* A timer's signal has been taken by the current task: its overrun goes to info, a periodic timer
 * runs on. The entry of used is the timer's again, or stays there. No lock held. */
void posix_timer_taken(struct list *used, siginfo_t *info);
