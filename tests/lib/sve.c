/* SPDX-License-Identifier: BSD-2-Clause */
/* SVE's registers held, filled and compared; see sve.h. */
#include <string.h>
#include "tests/lib/abi.h"
#include "tests/lib/sve.h"

__asm__(".pushsection .text\n"
	".arch armv8-a+sve\n"
	".macro sve_all op, base, p\n"
	".irp n, "
	"0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
	"\\op z\\n, [\\base, #\\n, mul vl]\n"
	".endr\n"
	"addvl \\p, \\base, #31\n"
	"addvl \\p, \\p, #1\n"
	".endm\n"
	".macro sve_p op, p\n"
	".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
	"\\op p\\n, [\\p, #\\n, mul vl]\n"
	".endr\n"
	".endm\n"
	".macro sve_load_all base, p\n"
	"sve_all ldr, \\base, \\p\n"
	"ldr p0, [\\p, #16, mul vl]\n"
	"wrffr p0.b\n"
	"sve_p ldr, \\p\n"
	".endm\n"
	".macro sve_store_all base, p\n"
	"sve_all str, \\base, \\p\n"
	"sve_p str, \\p\n"
	"rdffr p0.b\n"
	"str p0, [\\p, #16, mul vl]\n"
	"ldr p0, [\\p]\n"
	".endm\n"

	".global sve_length\n"
	"sve_length: rdvl x0, #1\n"
	"ret\n"
	".global sve_load\n"
	"sve_load: sve_load_all x0, x1\n"
	"ret\n"
	".global sve_store\n"
	"sve_store: sve_store_all x0, x1\n"
	"ret\n"
	".global sve_zero\n"
	"sve_zero:\n"
	".irp n, "
	"0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
	"movi v\\n\\().2d, #0\n"
	".endr\n"
	"pfalse p0.b\n"
	"wrffr p0.b\n"
	".irp p, p1.b,p2.b,p3.b,p4.b,p5.b,p6.b,p7.b,p8.b,p9.b,p10.b,p11.b,p12.b,p13.b,p14.b,p15.b\n"
	"pfalse \\p\n"
	".endr\n"
	"ret\n"
	/* x0 in, x1 out, x2 number, x3 a, x4 b, x5 until */
	".global sve_hold\n"
	"sve_hold:\n"
	"stp d8, d9, [sp, #-64]!\n"
	"stp d10, d11, [sp, #16]\n"
	"stp d12, d13, [sp, #32]\n"
	"stp d14, d15, [sp, #48]\n"
	"mov x9, x1\n"
	"mov x10, x5\n"
	"mov x8, x2\n"
	"sve_load_all x0, x6\n"
	"mov x0, x3\n"
	"mov x1, x4\n"
	"mov x2, #0\n"
	"tbnz x8, #63, 1f\n"
	"svc #0\n"
	".global sve_hold_spin\n"
	"sve_hold_spin:\n"
	"1: ldr w11, [x10]\n"
	"cbz w11, 1b\n"
	"sve_store_all x9, x6\n"
	"ldp d14, d15, [sp, #48]\n"
	"ldp d12, d13, [sp, #32]\n"
	"ldp d10, d11, [sp, #16]\n"
	"ldp d8, d9, [sp], #64\n"
	"ret\n"
	".arch armv8-a\n"
	".popsection\n");

void sve_fill(struct sve_image *image, unsigned vl, uint64_t seed)
{
	uint8_t *ffr = image->bytes + SVE_FFR(vl);

	seed = seed * 0x9e3779b97f4a7c15 + 1;
	memset(image, 0, sizeof(*image));
	for (unsigned n = 0; n < SVE_SIZE(vl); n++)
		image->bytes[n] = (uint8_t)random_next(&seed);
	/* FFR has ones from the lowest bit on, no others. */
	memset(ffr, 0, vl / 8);
	for (unsigned ones = random_next(&seed) % (vl + 1), n = 0; n < ones; n++)
		ffr[n / 8] |= (uint8_t)(1u << n % 8);
}

int sve_differ(const struct sve_image *got, const struct sve_image *want, unsigned vl, bool v_only)
{
	unsigned at = 0, wrong = 0;

	for (unsigned n = 0; n < 32 + 16 + 1; n++) {
		unsigned size = n < 32 ? vl : vl / 8, kept = !v_only ? size : n < 32 ? 16 : 0;
		unsigned bad = memcmp(got->bytes + at, want->bytes + at, kept) != 0;

		for (unsigned i = kept; i < size; i++)
			bad |= got->bytes[at + i] != 0;
		if (bad && wrong < 3)
			tap_print("# vl %u: %c%u is not what it should be\n", vl,
				  n < 32   ? 'z'
				  : n < 48 ? 'p'
					   : 'f',
				  n < 32   ? n
				  : n < 48 ? n - 32
					   : 0);
		wrong += bad;
		at += size;
	}
	return (int)wrong;
}
