/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The records at the end of a signal frame (<asm/sigcontext.h>): FP/SIMD, which is always there;
 * the syndrome of a fault; SVE, on machines that have it, with its registers if the task was using
 * them outside of a system call. What does not fit into the room of struct sigcontext goes behind
 * it, where an "extra" record points; the rest of the room is then unused. As in Linux, vector
 * registers 0 to 31's low 128 bits are taken from the FP/SIMD record alone.
 *
 * Entered from sigframe.c. A program may write anything there: each record is looked at once, its
 * size and place are checked, and what is unknown is refused.
 */
#include "linux/signal/sigrecords.h"

#include <linux/errno.h>
#include <asm/sigcontext.h>

#include "arch/usercopy.h"
#include "bank/fp_length.h"
#include "lib/bits.h"
#include "lib/string.h"
#include "linux/process/task.h"

#define ROOM	   ((uint32_t)sizeof(((struct sigcontext *)0)->__reserved))
#define HEAD	   ((uint32_t)sizeof(struct _aarch64_ctx))
#define TERMINATOR 16u

_Static_assert(offsetof(struct fpsimd_context, vregs) == 16, "FP record");
_Static_assert(sizeof(struct fpsimd_context) % 16 == 0 && sizeof(struct esr_context) % 16 == 0 &&
		       sizeof(struct extra_context) % 16 == 0,
	       "records are aligned");

/* ---- going ---- */

static void plan(struct sigrecords *r, bool esr, bool sve, unsigned vq)
{
	uint32_t at = sizeof(struct fpsimd_context), limit;

	*r = (struct sigrecords){ .size = ROOM };
	if (esr) {
		r->esr_at = at;
		at += sizeof(struct esr_context);
	}
	if (!sve)
		return;
	r->sve_size = align_up((uint32_t)SVE_SIG_CONTEXT_SIZE(vq), 16);
	limit = ROOM - TERMINATOR - (uint32_t)sizeof(struct extra_context);
	if (at + r->sve_size > limit) {
		r->extra_at = at;
		at += sizeof(struct extra_context) + TERMINATOR;
	}
	r->sve_at = at;
	r->size = max(ROOM, at + r->sve_size + TERMINATOR);
}

void sigrecords_plan(struct sigrecords *r)
{
	struct task *t = task_current();

	fp_sync(&t->fp);
	plan(r, t->fault_esr, cpu_has(CPU_SVE), t->fp.wide ? t->fp.vq : 0);
}

uint32_t sigrecords_most(void)
{
	struct sigrecords r;

	plan(&r, true, cpu_has(CPU_SVE), fp_length_near(SVE_VQ_LIMIT));
	return r.size;
}

static int push_fp(uint64_t to, struct fp_context *fp)
{
	struct {
		struct _aarch64_ctx head;
		uint32_t fpsr, fpcr;
	} head = { { FPSIMD_MAGIC, sizeof(struct fpsimd_context) }, fp->fpsr, fp->fpcr };

	if (fp->wide) /* v is old: use it */
		fp_image_narrow(fp->v, fp->sve_image, fp->vq);
	if (put_user(head, to))
		return -EFAULT;
	return copy_to_user(to + sizeof(head), fp->v, sizeof(fp->v));
}

static int push_sve(uint64_t to, const struct fp_context *fp, uint32_t size)
{
	struct sve_context head = { .head = { SVE_MAGIC, size }, .vl = (uint16_t)Z_SIZE(fp->vq) };

	if (put_user(head, to))
		return -EFAULT;
	return fp->wide ? copy_to_user(to + SVE_SIG_REGS_OFFSET, fp->sve_image, SVE_BYTES(fp->vq))
			: 0;
}

static int push_extra(uint64_t to, const struct sigrecords *r)
{
	struct {
		struct extra_context extra;
		struct _aarch64_ctx end[TERMINATOR / HEAD];
	} record = { .extra = { .head = { EXTRA_MAGIC, sizeof(record.extra) } } };

	record.extra.datap = to + sizeof(record);
	record.extra.size = r->size - r->sve_at;
	return put_user(record, to);
}

int sigrecords_push(uint64_t to, const struct sigrecords *r)
{
	struct task *t = task_current();
	struct esr_context esr = { .head = { ESR_MAGIC, sizeof(esr) }, .esr = t->fault_esr };
	struct _aarch64_ctx end = { 0, 0 };
	uint32_t at = sizeof(struct fpsimd_context);

	if (push_fp(to, &t->fp))
		return -EFAULT;
	if (r->esr_at && put_user(esr, to + r->esr_at))
		return -EFAULT;
	if (r->extra_at && push_extra(to + r->extra_at, r))
		return -EFAULT;
	if (r->sve_at && push_sve(to + r->sve_at, &t->fp, r->sve_size))
		return -EFAULT;
	if (r->sve_at)
		at = r->sve_at + r->sve_size;
	else if (r->esr_at)
		at = r->esr_at + (uint32_t)sizeof(esr);
	return put_user(end, to + at);
}

/* ---- coming back ---- */

/* What was found: user addresses, 0: none. */
struct found {
	uint64_t fp, sve;
	uint32_t sve_size;
};

/* Where to look: limit bytes from base on, of which at are done. Nobody's frame is longer than to
 * last. */
struct walk {
	uint64_t base, last;
	uint32_t at, limit;
	bool extra;
};

/* The extra record must point right behind itself and an end. */
static int follow(struct walk *w, const struct _aarch64_ctx *head)
{
	struct extra_context extra;
	struct _aarch64_ctx end;
	uint64_t here = w->base + w->at, behind = here + head->size + TERMINATOR;

	if (w->extra || head->size < sizeof(extra) || w->limit - w->at - head->size < TERMINATOR)
		return -EINVAL;
	if (get_user(extra, here) || get_user(end, here + head->size))
		return -EFAULT;
	if (end.magic || end.size || extra.datap != behind || extra.datap % 16 || extra.size % 16 ||
	    extra.size > w->last - behind || !user_range_ok(behind, extra.size))
		return -EINVAL;
	*w = (struct walk){ .base = behind, .limit = extra.size, .extra = true };
	return 0;
}

/* One record that is neither the end nor "extra". */
static int take(const struct walk *w, const struct _aarch64_ctx *head, struct found *f)
{
	switch (head->magic) {
	case FPSIMD_MAGIC:
		if (f->fp || head->size != sizeof(struct fpsimd_context))
			return -EINVAL;
		f->fp = w->base + w->at;
		return 0;
	case SVE_MAGIC:
		if (f->sve || !cpu_has(CPU_SVE) || head->size < sizeof(struct sve_context))
			return -EINVAL;
		f->sve = w->base + w->at;
		f->sve_size = head->size;
		return 0;
	default:
		return head->magic == ESR_MAGIC ? 0 : -EINVAL;
	}
}

static int find(uint64_t from, uint64_t last, struct found *f)
{
	struct walk w = { .base = from, .last = last, .limit = ROOM };
	struct _aarch64_ctx head;
	int err;

	for (;;) {
		if (w.limit - w.at < HEAD)
			return -EINVAL;
		if (get_user(head, w.base + w.at))
			return -EFAULT;
		if (!head.magic)
			return head.size || !f->fp ? -EINVAL : 0;
		if (head.size < HEAD || head.size % 16 || head.size > w.limit - w.at)
			return -EINVAL;
		if (head.magic == EXTRA_MAGIC) {
			err = follow(&w, &head);
		} else {
			err = take(&w, &head, f);
			w.at += head.size;
		}
		if (err)
			return err;
	}
}

/* The SVE record's registers into the SVE image, which is not in use. 1: there are, 0: none. */
static int pop_sve(struct fp_context *fp, const struct found *f)
{
	struct sve_context head;

	if (!f->sve)
		return 0;
	if (get_user(head, f->sve))
		return -EFAULT;
	if (head.vl != Z_SIZE(fp->vq) || head.flags & SVE_SIG_FLAG_SM)
		return -EINVAL;
	if (f->sve_size == sizeof(head))
		return 0;
	if (f->sve_size < SVE_SIG_CONTEXT_SIZE(fp->vq))
		return -EINVAL;
	if (fp_need_sve(fp))
		return -ENOMEM;
	return copy_from_user(fp->sve_image, f->sve + SVE_SIG_REGS_OFFSET, SVE_BYTES(fp->vq))
		       ? -EFAULT
		       : 1;
}

int sigrecords_pop(uint64_t from, uint64_t last)
{
	struct fp_context *fp = &task_current()->fp;
	struct {
		uint32_t fpsr, fpcr;
		uint8_t v[V_BYTES];
	} r;
	struct found f = { 0 };
	int err = find(from, last, &f);

	_Static_assert(offsetof(struct fpsimd_context, vregs) ==
			       offsetof(struct fpsimd_context, fpsr) + 8,
		       "");
	if (err)
		return err;
	if (get_user(r, f.fp + offsetof(struct fpsimd_context, fpsr)))
		return -EFAULT;
	/* The image may be changed only while no bank holds the registers. */
	fp_sync(fp);
	fp_narrow_image(fp);
	err = pop_sve(fp, &f);
	if (err < 0)
		return err;
	memcpy(fp->v, r.v, sizeof(fp->v));
	fp->fpsr = r.fpsr;
	fp->fpcr = r.fpcr;
	if (err) {
		fp_image_merge(fp->sve_image, fp->v, fp->vq);
		fp->wide = true;
		fp_widen_image(fp);
	}
	return 0;
}
