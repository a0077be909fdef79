/* SPDX-License-Identifier: BSD-2-Clause */
/* SVE as programs know it: Documentation/arm64/sve.rst of Linux. Every task has a vector length. */
#pragma once

#include "linux/process/task.h"

/* The length of a program that nobody has chosen one for, in quadwords; 0: no SVE. */
unsigned sve_default(void);
/* PR_SVE_SET_VL, PR_SVE_GET_VL: a length in bytes and PR_SVE_* flags, -EINVAL. */
long sve_set_length(struct task *t, uint64_t arg);
long sve_get_length(struct task *t);
/* execve(): registers zero, the length that is due now. */
void sve_exec(struct task *t);
/* AT_HWCAP, AT_HWCAP2: the bits of SVE. */
uint64_t sve_hwcap(void);
uint64_t sve_hwcap2(void);
/* Once at boot: /proc/sys/abi/sve_default_vector_length. */
void sve_init(void);
