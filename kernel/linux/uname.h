/* SPDX-License-Identifier: BSD-2-Clause */
/* The names uname(2) gives (linux/misc.c). */
#pragma once

#include <linux/utsname.h>

void uname_get(struct new_utsname *out);
