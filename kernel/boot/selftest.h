/* SPDX-License-Identifier: BSD-2-Clause */
/* Mistakes on purpose, by boot argument: tests/system/crash.t looks at what the kernel says then.
 */
#pragma once

/* how: check, null, overflow, text (write to code), exec (run data), masked (another CPU stuck with
 * interrupts masked). Does not come back for these; returns for a word it does not know. */
void selftest_crash(const char *how);
