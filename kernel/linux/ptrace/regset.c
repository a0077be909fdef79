/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Register sets: general registers, FP/SIMD, SVE, TPIDR_EL0, the number of a system call, and debug
 * registers, of which there are none. Layouts are the UAPI's (<asm/ptrace.h>,
 * Documentation/arm64/sve.rst, 6); the errors are those of Linux's arch/arm64/kernel/ptrace.c.
 *
 * The task is stopped and held: its trap frame and its vector registers are the tracer's. A vector
 * image is read and changed only after fp_sync() (docs/banks.md, rule 9). Values that are not all
 * there are completed from the registers first; a value is checked before anything changes.
 */
#include "linux/ptrace/regset.h"

#include <linux/elf.h>
#include <linux/errno.h>
#include <linux/prctl.h>
#include <asm/ptrace.h>
#include <asm/sigcontext.h>

#include "arch/sysreg.h"
#include "arch/usercopy.h"
#include "bank/fp_length.h"
#include "lib/bits.h"
#include "lib/string.h"
#include "linux/process/sve.h"
#include "linux/ptrace/traced.h"
#include "mm/slab.h"

#define PSTATE_KEPT    (BITS(31, 28) | BIT(24) | BIT(12) | BITS(11, 10)) /* NZCV DIT SSBS BTYPE */
#define PSTATE_REFUSED (BITS(9, 6) | BITS(4, 0))			 /* DAIF, mode */
#define PSTATE_SS      BIT(21)
#define DFR0_DEBUGVER  BITS(3, 0)

_Static_assert(sizeof(struct user_fpsimd_state) == V_BYTES + 16, "FP/SIMD");
_Static_assert(SVE_PT_SVE_OFFSET == sizeof(struct user_sve_header), "SVE");
_Static_assert(SVE_PT_SVE_FFR_OFFSET(4) - SVE_PT_SVE_OFFSET == SVE_FFR_OFFSET(4), "an image");

static struct trapframe *frame(struct task *t)
{
	return thread_trapframe(&t->thread);
}

/* ---- general registers ---- */

static void get_general(struct task *t, void *to)
{
	const struct trapframe *tf = frame(t);
	struct user_pt_regs *r = to;

	memcpy(r->regs, tf->x, sizeof(r->regs));
	r->sp = tf->sp;
	r->pc = tf->pc;
	r->pstate = tf->pstate & ~PSTATE_SS;
}

static int set_general(struct task *t, const void *from)
{
	struct trapframe *tf = frame(t);
	const struct user_pt_regs *r = from;

	if (r->pstate & PSTATE_REFUSED)
		return -EINVAL;
	memcpy(tf->x, r->regs, sizeof(r->regs));
	tf->sp = r->sp;
	tf->pc = r->pc;
	tf->pstate = (r->pstate & PSTATE_KEPT) | (tf->pstate & PSTATE_SS);
	return 0;
}

/* ---- FP/SIMD ---- */

static void get_fp(struct task *t, void *to)
{
	struct user_fpsimd_state *r = to;
	struct fp_context *fp = &t->fp;

	fp_sync(fp);
	if (fp->wide) /* v is old: use it */
		fp_image_narrow(fp->v, fp->sve_image, fp->vq);
	memcpy(r->vregs, fp->v, sizeof(fp->v));
	r->fpsr = fp->fpsr;
	r->fpcr = fp->fpcr;
	memset(r->__reserved, 0, sizeof(r->__reserved));
}

/* What SVE adds to them becomes zero. */
static int set_fp(struct task *t, const void *from)
{
	const struct user_fpsimd_state *r = from;
	struct fp_context *fp = &t->fp;
	bool wide;

	fp_sync(fp);
	wide = fp->wide;
	fp->wide = false;
	memcpy(fp->v, r->vregs, sizeof(fp->v));
	fp->fpsr = r->fpsr;
	fp->fpcr = r->fpcr;
	if (wide)
		fp_widen_image(fp);
	return 0;
}

/* ---- small ones ---- */

static void get_tls(struct task *t, void *to)
{
	memcpy(to, &t->trace->tls, sizeof(t->trace->tls));
}

static int set_tls(struct task *t, const void *from)
{
	memcpy(&t->trace->tls, from, sizeof(t->trace->tls));
	return 0;
}

static void get_call(struct task *t, void *to)
{
	int32_t number = (int32_t)frame(t)->syscall;

	memcpy(to, &number, sizeof(number));
}

static int set_call(struct task *t, const void *from)
{
	int32_t number;

	memcpy(&number, from, sizeof(number));
	/* In front of a call it is what will be called, in one it is shown; elsewhere it would only
	 * say that there is one (fp.c). */
	if (t->trace->in_call || frame(t)->syscall >= 0)
		frame(t)->syscall = number;
	return 0;
}

static void get_points(struct task *t, void *to)
{
	struct user_hwdebug_state *r = to;

	(void)t;
	memset(r, 0, sizeof(*r));
	r->dbg_info = (uint32_t)field_get(DFR0_DEBUGVER, sysreg_read(id_aa64dfr0_el1)) << 8;
}

/* There are none to be had. */
static int set_points(struct task *t, const void *from)
{
	const struct user_hwdebug_state *r = from;

	(void)t;
	for (unsigned i = 0; i < ARRAY_SIZE(r->dbg_regs); i++)
		if (r->dbg_regs[i].addr || r->dbg_regs[i].ctrl)
			return -ENOSPC;
	return 0;
}

/* ---- sets of one size ---- */

static const struct regset {
	uint16_t type, size, word;
	void (*get)(struct task *t, void *to);
	int (*set)(struct task *t, const void *from);
} regsets[] = {
	{ NT_PRSTATUS, sizeof(struct user_pt_regs), 8, get_general, set_general },
	{ NT_PRFPREG, sizeof(struct user_fpsimd_state), 4, get_fp, set_fp },
	{ NT_ARM_TLS, 8, 8, get_tls, set_tls },
	{ NT_ARM_SYSTEM_CALL, 4, 4, get_call, set_call },
	{ NT_ARM_HW_BREAK, sizeof(struct user_hwdebug_state), 4, get_points, set_points },
	{ NT_ARM_HW_WATCH, sizeof(struct user_hwdebug_state), 4, get_points, set_points },
};

#define REGSET_MOST sizeof(struct user_fpsimd_state)

static const struct regset *regset_find(uint64_t type)
{
	for (unsigned i = 0; i < ARRAY_SIZE(regsets); i++)
		if (regsets[i].type == type)
			return &regsets[i];
	return NULL;
}

/* ---- SVE ---- */

#define SVE_WORDS 16 /* the set's size is a multiple of it */

static bool is_sve(uint64_t type)
{
	return type == NT_ARM_SVE && cpu_has(CPU_SVE);
}

static uint32_t sve_size(unsigned vq, bool wide)
{
	return (uint32_t)(wide ? SVE_PT_SIZE(vq, SVE_PT_REGS_SVE) : SVE_PT_SIZE(vq, 0));
}

/* In memory to be freed: the whole set; its size is in its header. NULL: no memory. */
static uint8_t *sve_gather(struct task *t)
{
	struct fp_context *fp = &t->fp;
	unsigned most = fp_length_near(SVE_VQ_LIMIT), vq = fp->vq;
	uint8_t *set = kzalloc(sve_size(most, true));
	struct user_sve_header *head = (void *)set;

	if (!set)
		return NULL;
	fp_sync(fp);
	head->size = sve_size(vq, fp->wide);
	head->max_size = sve_size(most, true);
	head->vl = (uint16_t)Z_SIZE(vq);
	head->max_vl = (uint16_t)Z_SIZE(most);
	head->flags = (uint16_t)(fp->wide ? SVE_PT_REGS_SVE : SVE_PT_REGS_FPSIMD);
	if (t->sve_inherit)
		head->flags |= SVE_PT_VL_INHERIT;
	if (!fp->wide) {
		get_fp(t, set + SVE_PT_FPSIMD_OFFSET);
		return set;
	}
	memcpy(set + SVE_PT_SVE_OFFSET, fp->sve_image, SVE_BYTES(vq));
	memcpy(set + SVE_PT_SVE_FPSR_OFFSET(vq), &fp->fpsr, sizeof(fp->fpsr));
	memcpy(set + SVE_PT_SVE_FPCR_OFFSET(vq), &fp->fpcr, sizeof(fp->fpcr));
	return set;
}

/* Tells, as Linux does, the room there was; the header tells what is in it. */
static long sve_get(struct task *t, uint64_t to, uint64_t size)
{
	uint8_t *set = sve_gather(t);
	long n;

	if (!set)
		return -ENOMEM;
	size = min(size, (uint64_t)SVE_PT_SIZE(SVE_VQ_MAX, SVE_PT_REGS_SVE));
	n = copy_to_user(to, set, min(size, (uint64_t)((struct user_sve_header *)set)->size))
		    ? -EFAULT
		    : (long)size;
	kfree(set);
	return n;
}

/* from: what follows the header, of `have` bytes. */
static int sve_set_narrow(struct task *t, uint64_t from, uint64_t have)
{
	struct user_fpsimd_state r;

	get_fp(t, &r);
	if (copy_from_user(&r, from, min(have, (uint64_t)sizeof(r))))
		return -EFAULT;
	fp_narrow_image(&t->fp);
	return set_fp(t, &r);
}

static int sve_set_wide(struct task *t, uint64_t from, uint64_t have)
{
	struct fp_context *fp = &t->fp;
	uint64_t words = SVE_PT_SVE_FPSR_OFFSET(fp->vq) - SVE_PT_SVE_OFFSET;
	uint32_t control[2];
	uint8_t *image;
	int err = 0;

	if (fp_need_sve(fp))
		return -ENOMEM;
	image = kmalloc(SVE_BYTES(fp->vq));
	if (!image)
		return -ENOMEM;
	fp_sync(fp);
	control[0] = fp->fpsr;
	control[1] = fp->fpcr;
	if (fp->wide)
		memcpy(image, fp->sve_image, SVE_BYTES(fp->vq));
	else
		fp_image_widen(image, fp->v, fp->vq);
	if (copy_from_user(image, from, min(have, (uint64_t)SVE_BYTES(fp->vq))) ||
	    (have > words &&
	     copy_from_user(control, from + words, min(have - words, (uint64_t)sizeof(control)))))
		err = -EFAULT;
	if (!err) {
		fp_widen_image(fp);
		memcpy(fp->sve_image, image, SVE_BYTES(fp->vq));
		fp->fpsr = control[0];
		fp->fpcr = control[1];
	}
	kfree(image);
	return err;
}

/* Documentation/arm64/sve.rst, 6: the length and its flags first, as prctl() takes them; registers
 * behind them at another length than came out are not taken. */
static long sve_set(struct task *t, uint64_t from, uint64_t size)
{
	struct user_sve_header head;
	uint64_t at = from + sizeof(head), have = size - sizeof(head), flags;
	long err;

	if (size < sizeof(head))
		return -EINVAL;
	if (get_user(head, from))
		return -EFAULT;
	flags = (uint64_t)(head.flags & ~SVE_PT_REGS_MASK) << 16;
	err = sve_set_length(t, head.vl | flags);
	if (err < 0)
		return err;
	if ((head.flags & SVE_PT_REGS_MASK) == SVE_PT_REGS_FPSIMD)
		err = sve_set_narrow(t, at, have);
	else if (have && Z_SIZE(t->fp.vq) != head.vl)
		err = -EIO;
	else
		err = sve_set_wide(t, at, have);
	return err ? err : (long)size;
}

/* ---- by type ---- */

long regset_get(struct task *t, uint64_t type, uint64_t to, uint64_t size)
{
	const struct regset *r = regset_find(type);
	_Alignas(16) uint8_t set[REGSET_MOST];

	if (is_sve(type))
		return size % SVE_WORDS ? -EINVAL : sve_get(t, to, size);
	if (!r || size % r->word)
		return -EINVAL;
	size = min(size, (uint64_t)r->size);
	r->get(t, set);
	return copy_to_user(to, set, size) ? -EFAULT : (long)size;
}

long regset_set(struct task *t, uint64_t type, uint64_t from, uint64_t size)
{
	const struct regset *r = regset_find(type);
	_Alignas(16) uint8_t set[REGSET_MOST];
	int err;

	if (is_sve(type))
		return size % SVE_WORDS ? -EINVAL : sve_set(t, from, size);
	if (!r || size % r->word)
		return -EINVAL;
	size = min(size, (uint64_t)r->size);
	r->get(t, set);
	if (copy_from_user(set, from, size))
		return -EFAULT;
	err = r->set(t, set);
	return err ? err : (long)size;
}
