/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every EL0 test needs beside TAP: raw system calls (the kernel's own answer, -errno and
 * all, with no libc in between), memory accesses that may fault, a place for scratch files, time.
 */
#pragma once
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <asm/unistd.h>
#include "tap.h"

/* The system call nr with up to six arguments; a result of -4095..-1 is an error number. */
static inline long sys_call(long nr, long a, long b, long c, long d, long e, long f)
{
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc #0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory", "cc");
	return x0;
}
#define sys_take7(nr, a, b, c, d, e, f, ...)                                                       \
	sys_call(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define sys(...) sys_take7(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)

/* As expect(), but a failure ends the test function: what follows would make no sense. */
#define require(cond)                                                                              \
	do {                                                                                       \
		if (!expect(cond))                                                                 \
			return;                                                                    \
	} while (0)

/* What became of an access: signo 0 if it went through. */
struct fault {
	int signo, code;
	uintptr_t address;
};
struct fault fault_read(const volatile void *p);
struct fault fault_write(volatile void *p);
struct fault fault_call(void (*fn)(void *), void *arg);

/* Whether a one-byte read (write) of p faults with SIGSEGV of this si_code at exactly p. */
bool read_faults(const volatile void *p, int code);
bool write_faults(volatile void *p, int code);

/* The name of a scratch file in a directory that can be written; valid until the next call. */
const char *scratch(const char *name);

/* Is this Stet? */
bool on_stet(void);
/* How many rounds a test makes: the first argument's number (`make nightly`), else usual; on Linux a quarter
 * of that: there it is the test that is tried. */
unsigned rounds_wanted(unsigned usual);

uint64_t now_ns(int clock);
void sleep_ms(unsigned ms);

/* A pseudo-random number from the state at *seed; the same sequence for the same seed. */
uint64_t random_next(uint64_t *seed);
