/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Let `stet list` and `stet stop` find this guest by its name from now on, until the program ends; NULL: it is
 * called by its process number. Dies if another guest has that name. A host without a directory for
 * the socket is no reason to stop: then nobody finds it.
 */
void control_start(const char *name, unsigned vcpus, uint64_t memory);

/* Who is told to stop: stop(vm), from the control thread; NULL: a request waits. Returns when no call into
 * the old one is left. */
void control_set_vm(void (*stop)(void *vm), void *vm);

/* `stet list`: a line for each guest. */
void control_list(void);

/* The process of a guest with that name; 0: none. */
int control_pid(const char *name);
/* The name of a process's guest; false: it has none. */
bool control_name(int pid, char *name, size_t size);

/* `stet stop NAME`: end that guest and wait until it has ended. Dies, with a message, if there is none. */
void control_stop(const char *name);
