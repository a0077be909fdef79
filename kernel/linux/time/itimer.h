/* SPDX-License-Identifier: BSD-2-Clause */
/* A process's alarm clock (setitimer, linux/time/itimer.c). */
#pragma once

struct process;

void itimer_init(struct process *p);
void itimer_taken(void);	     /* SIGALRM has been taken by the current task. No lock held */
void itimer_stop(struct process *p); /* the process ends */
