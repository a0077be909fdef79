/* SPDX-License-Identifier: BSD-2-Clause */
/* The register sets of a task as debuggers see them (<linux/elf.h>, NT_*). The task is held by its
 * tracer, who calls. */
#pragma once

#include "linux/process/task.h"

/* Copy as much of a set as there is, at most size bytes, to or from user memory: bytes copied;
 * -EINVAL: no such set, a size that is not a multiple of its words, values that no task can have;
 * -EFAULT, -ENOMEM. On an error no register has changed. */
long regset_get(struct task *t, uint64_t type, uint64_t to, uint64_t size);
long regset_set(struct task *t, uint64_t type, uint64_t from, uint64_t size);
