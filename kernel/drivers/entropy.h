/* SPDX-License-Identifier: BSD-2-Clause */
/* Random numbers for programs: getrandom(), /dev/urandom, AT_RANDOM. Any context. */
#pragma once

#include "lib/types.h"

/* Mix bytes nobody could foresee into the pool: the device tree's rng-seed, a device's, a
 * program's. */
void entropy_add(const void *from, size_t size);
void entropy_get(void *to, size_t size);
