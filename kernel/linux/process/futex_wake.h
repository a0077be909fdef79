/* SPDX-License-Identifier: BSD-2-Clause */
/* Futexes as the life of tasks needs them (linux/process/futex.c). */
#pragma once

#include "lib/types.h"

struct task;

void futex_init(void);
/* Wake at most count waiters at a user address of the current program, as FUTEX_WAKE. */
void futex_wake_user(uint64_t uva, int count, bool shared);
/* The task ends: mark what it holds in its robust list, clear and wake clear_tid. */
void futex_task_exit(struct task *t);
