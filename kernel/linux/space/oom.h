/* SPDX-License-Identifier: BSD-2-Clause */
/* No memory for a program's page: who ends? */
#pragma once

#include "lib/types.h"

/* The current task needs a page and there is none: the process that has most ends, with a line in
 * the log. True: try again; false: the caller's own ends, or nobody's end has helped in time.
 * Sleeps. */
bool oom_make_room(void);
