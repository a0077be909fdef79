/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * regs_hold() and its company. The assembly knows the layout of struct regs; the assertions below
 * it keep the two together. x29 and x30 are in use while the registers are held (the address and
 * the value of *until), so they are not part of the pattern.
 */
#include <stddef.h>
#include "tests/lib/abi.h"
#include "tests/lib/regs.h"

_Static_assert(offsetof(struct regs, nzcv) == 232, "regs_hold");
_Static_assert(offsetof(struct regs, fpsr) == 240, "regs_hold");
_Static_assert(offsetof(struct regs, v) == 256, "regs_hold");

__asm__(".text\n"
	".global regs_hold\n"
	".type regs_hold, %function\n"
	/* op: ldp or stp; all general registers but x0, x29, x30, and all vector registers, [x0] */
	".macro regs_all op\n"
	".irp n, 0,2,4,6,8,10,12,14,16,18,20,22,24,26,28,30\n"
	"regs_pair \\op, \\n\n"
	".endr\n"
	".endm\n"
	".altmacro\n"
	".macro regs_pair op, n\n"
	"regs_qpair \\op, \\n, %(\\n+1)\n"
	".endm\n"
	".macro regs_qpair op, a, b\n"
	"\\op q\\a, q\\b, [x0, #(256 + 16 * \\a)]\n"
	".endm\n"
	".macro regs_general op\n"
	"\\op x2, x3, [x0, #16]\n"
	"\\op x4, x5, [x0, #32]\n"
	"\\op x6, x7, [x0, #48]\n"
	"\\op x8, x9, [x0, #64]\n"
	"\\op x10, x11, [x0, #80]\n"
	"\\op x12, x13, [x0, #96]\n"
	"\\op x14, x15, [x0, #112]\n"
	"\\op x16, x17, [x0, #128]\n"
	"\\op x18, x19, [x0, #144]\n"
	"\\op x20, x21, [x0, #160]\n"
	"\\op x22, x23, [x0, #176]\n"
	"\\op x24, x25, [x0, #192]\n"
	"\\op x26, x27, [x0, #208]\n"
	".endm\n"
	"regs_hold:\n"
	"stp x29, x30, [sp, #-192]!\n"
	"stp x19, x20, [sp, #16]\n"
	"stp x21, x22, [sp, #32]\n"
	"stp x23, x24, [sp, #48]\n"
	"stp x25, x26, [sp, #64]\n"
	"stp x27, x28, [sp, #80]\n"
	"stp d8, d9, [sp, #96]\n"
	"stp d10, d11, [sp, #112]\n"
	"stp d12, d13, [sp, #128]\n"
	"stp d14, d15, [sp, #144]\n"
	"mrs x3, fpcr\n"
	"stp x1, x3, [sp, #160]\n"
	"mov x29, x2\n"
	"ldr x3, [x0, #232]\n"
	"msr nzcv, x3\n"
	"ldp x3, x4, [x0, #240]\n"
	"msr fpsr, x3\n"
	"msr fpcr, x4\n"
	"regs_all ldp\n"
	"regs_general ldp\n"
	"ldr x28, [x0, #224]\n"
	"ldp x0, x1, [x0]\n"
	"svc #0\n"
	"1: ldr w30, [x29]\n"
	"cbz w30, 1b\n"
	"str x0, [sp, #176]\n"
	"ldr x0, [sp, #160]\n"
	"str x1, [x0, #8]\n"
	"regs_general stp\n"
	"str x28, [x0, #224]\n"
	"regs_all stp\n"
	"mrs x3, nzcv\n"
	"mrs x4, fpsr\n"
	"stp x3, x4, [x0, #232]\n"
	"mrs x3, fpcr\n"
	"str x3, [x0, #248]\n"
	"ldr x3, [sp, #176]\n"
	"str x3, [x0]\n"
	"ldr x3, [sp, #168]\n"
	"msr fpcr, x3\n"
	"ldp d14, d15, [sp, #144]\n"
	"ldp d12, d13, [sp, #128]\n"
	"ldp d10, d11, [sp, #112]\n"
	"ldp d8, d9, [sp, #96]\n"
	"ldp x27, x28, [sp, #80]\n"
	"ldp x25, x26, [sp, #64]\n"
	"ldp x23, x24, [sp, #48]\n"
	"ldp x21, x22, [sp, #32]\n"
	"ldp x19, x20, [sp, #16]\n"
	"ldp x29, x30, [sp], #192\n"
	"ret\n"
	".noaltmacro\n");

void regs_fill(struct regs *r, uint64_t seed, long call)
{
	seed = seed * 0x9e3779b97f4a7c15 + 1;
	for (int i = 0; i < 29; i++)
		r->x[i] = random_next(&seed);
	for (int i = 0; i < 32; i++)
		r->v[i] = (unsigned __int128)random_next(&seed) << 64 | random_next(&seed);
	r->x[8] = (uint64_t)call;
	r->nzcv = random_next(&seed) & 0xf0000000;
	/* QC, IDC, IXC to IOC; AHP, DN, FZ, RMode: the bits every CPU has. */
	r->fpsr = random_next(&seed) & 0x0800009f;
	r->fpcr = random_next(&seed) & 0x07c00000;
}

static int differs(const char *name, int n, uint64_t got, uint64_t want)
{
	if (got == want)
		return 0;
	tap_print("# %s%d is %#lx, not %#lx\n", name, n, (long)got, (long)want);
	return 1;
}

int regs_differ(const struct regs *got, const struct regs *want)
{
	int n = 0;

	for (int i = 1; i < 29; i++)
		n += differs("x", i, got->x[i], want->x[i]);
	for (int i = 0; i < 32; i++) {
		n += differs("v low ", i, (uint64_t)got->v[i], (uint64_t)want->v[i]);
		n += differs("v high ", i, (uint64_t)(got->v[i] >> 64),
			     (uint64_t)(want->v[i] >> 64));
	}
	n += differs("nzcv", 0, got->nzcv, want->nzcv);
	n += differs("fpsr", 0, got->fpsr, want->fpsr);
	n += differs("fpcr", 0, got->fpcr, want->fpcr);
	return n;
}

void regs_clobber_fp(uint64_t seed)
{
	static _Thread_local struct regs in, out;
	int now = 1;

	regs_fill(&in, ~seed, __NR_getpid);
	regs_hold(&in, &out, &now);
	__asm__ volatile("msr fpsr, %0\n"
			 "ldp q8, q9, [%1]\n ldp q10, q11, [%1, #32]\n"
			 "ldp q12, q13, [%1, #64]\n ldp q14, q15, [%1, #96]\n" ::"r"(in.fpsr),
			 "r"(in.v)
			 : "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15");
}
