/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Weak definitions of what kvm needs of files that have not been built yet, so that the kernel
 * links. None is reached before they are. Goes with the last of them.
 */
#include "lib/check.h"

#define ABSENT(name)                                                                               \
	void name(void);                                                                           \
	__attribute__((weak)) void name(void)                                                      \
	{                                                                                          \
		panic(#name);                                                                      \
	}

ABSENT(space_notifier_add)
ABSENT(space_notifier_remove)
ABSENT(space_pin_locked)
ABSENT(space_get)
ABSENT(space_put)
ABSENT(eventfd_from_fd)
ABSENT(eventfd_signal)
ABSENT(eventfd_queue)
ABSENT(eventfd_take)
