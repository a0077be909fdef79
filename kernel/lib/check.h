/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check() is for our own mistakes: a broken invariant stops the machine with cause and registers.
 * Nothing a guest or a program does may ever reach one. Always compiled in.
 */
#pragma once

/* Print the message, registers and the log's tail, stop the other CPUs, power off with a status. */
_Noreturn void panic(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#define check(cond)                                                                                \
	((cond) ? (void)0 : panic("%s:%d: check failed: %s", __FILE__, __LINE__, #cond))
