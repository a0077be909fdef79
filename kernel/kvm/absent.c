/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Weak definitions of what kvm needs of files that have not been built yet, so that the kernel
 * links. None is reached before they are. Goes with the last of them.
 */
#include "bank/bank.h"
#include "lib/check.h"
#include "linux/file.h"
#include "linux/space.h"

#define ABSENT(...) __attribute__((weak)) __VA_ARGS__ { panic("%s", __func__); }

#pragma GCC diagnostic ignored "-Wunused-parameter"

ABSENT(void space_notifier_add(struct space *s, struct space_notifier *n))
ABSENT(void space_notifier_remove(struct space *s, struct space_notifier *n))
ABSENT(int space_pin_locked(struct space *s, uint64_t va, bool write, pa_t *pa, uint64_t *size,
			    bool *writable))
