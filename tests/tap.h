/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests that print TAP, in every world: on the host, in EL0 programs, in bare guests and in the
 * kernel. A world gives tap_print(); tap.c does the rest. On the host and in EL0 programs
 * tap_main.c gives tap_print() and main() too, so a test file is nothing but tests:
 *
 *	#include "tap.h"
 *	TEST(sum_of_two) { expect_eq(1 + 1, 2); }
 *
 * A test that needs main() for itself defines it and calls tap_main().
 */
#pragma once

void tap_print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The running test has failed; why was printed. */
extern int tap_failed;

/* The running test does not apply here: it counts as passed, "# SKIP reason". Return after it. */
void tap_skip(const char *reason);

/* Go on after a failure, so that one run shows all. True if it held. */
#define expect(cond)                                                                               \
	({                                                                                         \
		int held_ = !!(cond);                                                              \
		if (!held_) {                                                                      \
			tap_failed = 1;                                                            \
			tap_print("# %s:%d: %s\n", __FILE__, __LINE__, #cond);                     \
		}                                                                                  \
		held_;                                                                             \
	})

/* Integers (or pointers, by a cast) that must be equal: a failure prints both. */
#define expect_eq(got, want)                                                                       \
	({                                                                                         \
		long long got_ = (long long)(got), want_ = (long long)(want);                      \
		if (got_ != want_) {                                                               \
			tap_failed = 1;                                                            \
			tap_print("# %s:%d: %s is %lld (%#llx), not %s = %lld (%#llx)\n",          \
				  __FILE__, __LINE__, #got, got_, (unsigned long long)got_, #want, \
				  want_, (unsigned long long)want_);                               \
		}                                                                                  \
		got_ == want_;                                                                     \
	})

/* A system call in the C library's way must fail with that errno. */
#define expect_errno(call, error)                                                                  \
	({                                                                                         \
		errno = 0;                                                                         \
		long long result_ = (long long)(call);                                             \
		int errno_ = errno;                                                                \
		if (result_ != -1 || errno_ != (error)) {                                          \
			tap_failed = 1;                                                            \
			tap_print("# %s:%d: %s gives %lld, errno %d, not -1, errno %s = %d\n",     \
				  __FILE__, __LINE__, #call, result_, errno_, #error, (error));    \
		}                                                                                  \
		result_ == -1 && errno_ == (error);                                                \
	})

struct tap_test {
	const char *name;
	void (*run)(void);
};

/* Defines a test; those of a file run in its order. */
#define TEST(fn)                                                                                   \
	static void fn(void);                                                                      \
	static const struct tap_test fn##_entry                                                    \
		__attribute__((section("tap_tests"), used, no_reorder)) = { #fn, fn };             \
	static void fn(void)

/* Run the tests [first, end). The number of failed ones. */
int tap_run(const struct tap_test *first, const struct tap_test *end);

/* Host and EL0: run all tests of this program. Its exit status. */
int tap_main(void);
extern int tap_argc;
extern char **tap_argv;
