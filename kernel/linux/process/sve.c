/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SVE as programs know it: vector lengths by prctl(2) and over execve(2), and what AT_HWCAP says.
 * The first use traps (trap.c); signal frames are sigframe.c's. Documentation/arm64/sve.rst and
 * <linux/prctl.h> of Linux are the contract.
 *
 * State: a task's own length is in its fp_context, what it asked for at the next execve() in the
 * task; both are its alone.
 */
#include "linux/process/sve.h"

#include <linux/errno.h>
#include <linux/prctl.h>
#include <asm/hwcap.h>
#include <asm/sigcontext.h>

#include "arch/sysreg.h"
#include "bank/fp_length.h"
#include "lib/check.h"
#include "linux/fs/file.h"

#define DEFAULT_VQ 4 /* as Linux: vectors of 64 bytes, if there are */

#define FLAGS_KNOWN ((uint64_t)(PR_SVE_VL_INHERIT | PR_SVE_SET_VL_ONEXEC))

_Static_assert(Z_SIZE(4) == SVE_SIG_ZREG_SIZE(4) && P_SIZE(4) == SVE_SIG_PREG_SIZE(4) &&
		       SVE_BYTES(4) == SVE_SIG_REGS_SIZE(4) &&
		       SVE_P_OFFSET(4) == SVE_SIG_PREG_OFFSET(4, 0) - SVE_SIG_REGS_OFFSET &&
		       SVE_FFR_OFFSET(4) == SVE_SIG_FFR_OFFSET(4) - SVE_SIG_REGS_OFFSET,
	       "an image is what frames hold");

unsigned sve_default(void)
{
	return fp_length_near(DEFAULT_VQ);
}

static long status(const struct task *t, unsigned vq)
{
	return (long)(Z_SIZE(vq) | (t->sve_inherit ? PR_SVE_VL_INHERIT : 0));
}

long sve_get_length(struct task *t)
{
	return cpu_has(CPU_SVE) ? status(t, t->fp.vq) : -EINVAL;
}

long sve_set_length(struct task *t, uint64_t arg)
{
	uint64_t vl = arg & PR_SVE_VL_LEN_MASK, flags = arg & ~vl;
	unsigned vq;

	if (!cpu_has(CPU_SVE) || flags & ~FLAGS_KNOWN || !sve_vl_valid(vl))
		return -EINVAL;
	vq = fp_length_near((unsigned)vl / Z_SIZE(1));
	t->sve_next = (uint16_t)(flags ? vq : 0);
	t->sve_inherit = flags & PR_SVE_VL_INHERIT;
	if (flags & PR_SVE_SET_VL_ONEXEC)
		return status(t, vq);
	if (vq != t->fp.vq)
		fp_set_length(&t->fp, vq);
	return status(t, vq);
}

void sve_exec(struct task *t)
{
	fp_context_reset(&t->fp);
	fp_set_length(&t->fp, t->sve_next ? t->sve_next : sve_default());
	if (!t->sve_inherit)
		t->sve_next = 0;
}

uint64_t sve_hwcap(void)
{
	return cpu_has(CPU_SVE) ? HWCAP_SVE : 0;
}

uint64_t sve_hwcap2(void)
{
	static const struct {
		uint8_t shift, least; /* the field of ID_AA64ZFR0_EL1, and from which value on */
		uint64_t hwcap2;
	} caps[] = {
		{ 0, 1, HWCAP2_SVE2 },	    { 4, 1, HWCAP2_SVEAES },
		{ 4, 2, HWCAP2_SVEPMULL },  { 16, 1, HWCAP2_SVEBITPERM },
		{ 20, 1, HWCAP2_SVEBF16 },  { 20, 2, HWCAP2_SVE_EBF16 },
		{ 32, 1, HWCAP2_SVESHA3 },  { 40, 1, HWCAP2_SVESM4 },
		{ 44, 1, HWCAP2_SVEI8MM },  { 52, 1, HWCAP2_SVEF32MM },
		{ 56, 1, HWCAP2_SVEF64MM },
	};
	uint64_t sum = 0, zfr0;

	if (!cpu_has(CPU_SVE))
		return 0;
	zfr0 = sysreg_read_named(SYSREG_ID_AA64ZFR0_EL1);
	for (unsigned i = 0; i < ARRAY_SIZE(caps); i++)
		if ((zfr0 >> caps[i].shift & 15) >= caps[i].least)
			sum |= caps[i].hwcap2;
	return sum;
}

static void show_default(struct text *t, void *arg)
{
	(void)arg;
	text_printf(t, "%u\n", Z_SIZE(sve_default()));
}

void sve_init(void)
{
	if (cpu_has(CPU_SVE))
		check(!procfs_register("sys/abi/sve_default_vector_length", show_default, NULL));
}
