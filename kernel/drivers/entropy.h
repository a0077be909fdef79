/* SPDX-License-Identifier: BSD-2-Clause */
/* Random numbers for programs: getrandom(), /dev/urandom, AT_RANDOM. Any context. */
#pragma once

#include "lib/types.h"

/* Mix bytes into the pool: a program's. */
void entropy_add(const void *from, size_t size);
/* The same with bytes nobody can foresee: the device tree's rng-seed, a device's. */
void entropy_seed(const void *from, size_t size);
/* Has the pool been given what nobody can foresee? Wait for it, if may_wait: 0, -EAGAIN, -EINTR. Not under
 * a lock. */
int entropy_ready(bool may_wait);
void entropy_get(void *to, size_t size);
