/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SVE's registers as one image, the way <asm/sigcontext.h> lays out the registers of a frame: 32 Z,
 * 16 P, FFR, one after the other at the vector length of now. The functions of assembly use no
 * stack and may run in guests too (with access open); they are nobody's but the test's: a caller
 * that goes on to C code that uses vector registers loses d8-d15.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define SVE_MOST     256			   /* bytes of the longest vector */
#define SVE_FFR(vl)  (32 * (vl) + 16 * ((vl) / 8)) /* where FFR lies */
#define SVE_SIZE(vl) (SVE_FFR(vl) + (vl) / 8)

struct sve_image {
	uint8_t bytes[SVE_SIZE(SVE_MOST)] __attribute__((aligned(16)));
};

/* Bytes of a vector now. */
uint64_t sve_length(void);
void sve_load(const struct sve_image *image);
void sve_store(struct sve_image *image);
/* Everything 0, d8-d15 too. */
void sve_zero(void);
/* Load all from in; call number with a, b and 0, or nothing if number is negative; spin until
 * *until is not 0; store all to out. Keeps d8-d15. The call's result. */
extern char sve_hold_spin[]; /* where it spins: two instructions */
long sve_hold(const struct sve_image *in, struct sve_image *out, long number, long a, long b,
	      volatile int *until);

/* A pattern for vectors of vl bytes that differs for each seed and in every byte; a valid FFR. */
void sve_fill(struct sve_image *image, unsigned vl, uint64_t seed);
/* What differs, in registers; prints the first three. v_only: want's V registers, and zeros. */
int sve_differ(const struct sve_image *got, const struct sve_image *want, unsigned vl, bool v_only);
