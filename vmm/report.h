/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* One line on stderr, "stet: …". The terminal is put back first if `stet` had changed it. */
void report(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The same, then exit status 1. */
_Noreturn void die(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
