/* SPDX-License-Identifier: BSD-2-Clause */
/* What boot/ calls of linux/: start-up in order. */
#pragma once

#include "lib/types.h"

void linux_init(void);				    /* tables, /dev, /proc: after sched and drivers */
void linux_devices_init(void);			    /* what drivers have found gets its names */
/* Lay a newc archive over the RAM file system; contents are used in place. -EINVAL: damaged */
int ramfs_load_cpio(const void *archive, size_t size);
/* Boot gives the console to the tty: received characters come by tty_input(), from the uart's
 * interrupt. */
void tty_input(char c);
void tty_set_raw(void); /* cfmakeraw(3): bytes pass through unchanged, no echo, no signals */
/* Each system call by lines of text, as linux/trace.c says. Before the first program; -ENOMEM. */
int trace_syscalls(void (*line)(const char *text));
