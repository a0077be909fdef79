/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every register a program has, set to known values, held over a system call and a wait, and read
 * back: what the kernel must not mix up.
 */
#pragma once
#include <stdint.h>

struct regs {
	uint64_t x[29];
	uint64_t nzcv;
	uint64_t fpsr, fpcr;
	unsigned __int128 v[32];
};

/*
 * Load all registers from in, do `svc #0` (so in->x[8] is the number of the call, x[0]-x[5] its
 * arguments), spin until *until is not 0, and write all registers to out.
 */
void regs_hold(const struct regs *in, struct regs *out, volatile int *until);

/* Values that differ in every byte and for every seed; the call number is x[8]. */
void regs_fill(struct regs *r, uint64_t seed, long call);

/* The number of registers that differ, x0 excepted (it is the call's result). Prints each. */
int regs_differ(const struct regs *got, const struct regs *want);

/* Write junk into all vector registers, FPSR and FPCR. */
void regs_clobber_fp(uint64_t seed);
