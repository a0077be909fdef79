/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signal frames that nobody pushed, and vector lengths that nobody has: rt_sigreturn() from frames
 * of records in any order, of any size, at any place, and prctl(PR_SVE_SET_VL) of any number. What
 * Linux's arch/arm64/kernel/signal.c and fpsimd.c do with each is worked out here first: all
 * registers as the frame has them; or SIGSEGV, and the vector registers as they were.
 */
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <ucontext.h>
#include <unistd.h>
#include <asm/hwcap.h>
#include <linux/prctl.h>
#include "tests/lib/abi.h"
#include "tests/lib/seeds.h"
#include "tests/lib/sve.h"

enum { FIXED_SEEDS = 60, FRAMES = 20, LENGTHS = 10, ROOM = 4096, MOST = 256 << 10, AREA = 1 << 17 };

#define FPSR_BITS  0x0800009f
#define FPCR_BITS  0x07c00000
#define NZCV	   0xf0000000ul
#define BAD_PSTATE 0x3dful	/* mode, AArch32, DAIF */
#define OTHER_BITS 0x0cdfe020ul /* ignored: reserved ones */
#define HEAD_BYTES offsetof(struct frame, uc.uc_mcontext.__reserved)

struct frame {
	siginfo_t info;
	ucontext_t uc;
};

/* Written by the landing. */
static struct {
	uint64_t x[31], nzcv, fpsr, fpcr;
	__uint128_t v[32];
} landed __attribute__((aligned(16)));
static struct sve_image landed_sve, before, wanted, refused_sve;
static __uint128_t before_v[32], refused_v[32];

/* 0: landed; 1: refused. x1: where before's registers are; x2: has SVE. */
int frame_return(void *frame, const void *before, bool sve);
void sve_load_from_x1(void);
extern char frame_landing[], frame_refused[];
uint64_t frame_saved_sp;
bool frame_has_sve;
__asm__(".pushsection .text\n"
	"frame_return:\n"
	"stp x29, x30, [sp, #-160]!\n"
	"stp x19, x20, [sp, #16]\n stp x21, x22, [sp, #32]\n stp x23, x24, [sp, #48]\n"
	"stp x25, x26, [sp, #64]\n stp x27, x28, [sp, #80]\n"
	"stp d8, d9, [sp, #96]\n stp d10, d11, [sp, #112]\n"
	"stp d12, d13, [sp, #128]\n stp d14, d15, [sp, #144]\n"
	"mov x19, x0\n adrp x9, frame_saved_sp\n mov x10, sp\n"
	"str x10, [x9, :lo12:frame_saved_sp]\n"
	"adrp x9, frame_has_sve\n strb w2, [x9, :lo12:frame_has_sve]\n"
	"cbz w2, 1f\n mov x0, x1\n bl sve_load\n b 2f\n"
	"1:\n.irp n, "
	"0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
	"ldr q\\n, [x1], #16\n"
	".endr\n"
	"2: mov sp, x19\n mov x8, #139\n svc #0\n brk #1\n"
	"frame_landing:\n" /* sp = landed */
	"stp x0, x1, [sp]\n stp x2, x3, [sp, #16]\n stp x4, x5, [sp, #32]\n"
	"stp x6, x7, [sp, #48]\n stp x8, x9, [sp, #64]\n stp x10, x11, [sp, #80]\n"
	"stp x12, x13, [sp, #96]\n stp x14, x15, [sp, #112]\n stp x16, x17, [sp, #128]\n"
	"stp x18, x19, [sp, #144]\n stp x20, x21, [sp, #160]\n stp x22, x23, [sp, #176]\n"
	"stp x24, x25, [sp, #192]\n stp x26, x27, [sp, #208]\n stp x28, x29, [sp, #224]\n"
	"mrs x0, nzcv\n stp x30, x0, [sp, #240]\n"
	"mrs x0, fpsr\n mrs x1, fpcr\n stp x0, x1, [sp, #256]\n msr fpcr, xzr\n"
	"add x0, sp, #272\n"
	".irp n, "
	"0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
	"str q\\n, [x0], #16\n"
	".endr\n"
	"mov w19, #0\n"
	"adrp x9, frame_has_sve\n ldrb w2, [x9, :lo12:frame_has_sve]\n cbz w2, 3f\n"
	"adrp x0, landed_sve\n add x0, x0, :lo12:landed_sve\n"
	"adrp x9, frame_saved_sp\n ldr x10, [x9, :lo12:frame_saved_sp]\n mov sp, x10\n"
	"bl sve_store\n b 3f\n"
	"frame_refused:\n"
	"mov w19, #1\n"
	"3: adrp x9, frame_saved_sp\n ldr x10, [x9, :lo12:frame_saved_sp]\n mov sp, x10\n"
	"mov w0, w19\n"
	"ldp d14, d15, [sp, #144]\n ldp d12, d13, [sp, #128]\n"
	"ldp d10, d11, [sp, #112]\n ldp d8, d9, [sp, #96]\n"
	"ldp x27, x28, [sp, #80]\n ldp x25, x26, [sp, #64]\n"
	"ldp x23, x24, [sp, #48]\n ldp x21, x22, [sp, #32]\n ldp x19, x20, [sp, #16]\n"
	"ldp x29, x30, [sp], #160\n ret\n"
	".popsection\n");

static char *area; /* AREA bytes, then nothing */
static unsigned vl;
static unsigned lengths[SVE_MOST / 16], length_count;

static bool has_sve(void)
{
	return getauxval(AT_HWCAP) & HWCAP_SVE;
}

/* ---- what Linux makes of a frame ---- */

struct verdict {
	bool refused, either; /* either: kernels differ */
	const struct fpsimd_context *fp;
	const struct sve_context *sve;
};

static bool readable(const void *at, size_t size)
{
	return (char *)at >= area && (char *)at + size <= area + AREA;
}

static bool take(struct verdict *v, const struct _aarch64_ctx *head)
{
	switch (head->magic) {
	case FPSIMD_MAGIC:
		if (v->fp || head->size < sizeof(*v->fp))
			return false;
		v->fp = (const void *)head;
		return true;
	case SVE_MAGIC:
		if (v->sve || !has_sve() || head->size < sizeof(*v->sve))
			return false;
		v->sve = (const void *)head;
		return true;
	default:
		return head->magic == ESR_MAGIC;
	}
}

static bool parse(const struct frame *f, struct verdict *v)
{
	const char *base = (const char *)f->uc.uc_mcontext.__reserved;
	size_t offset = 0, limit = ROOM;
	bool extra_seen = false;

	for (;;) {
		const struct _aarch64_ctx *head = (const void *)(base + offset);
		const struct extra_context *extra = (const void *)head;

		if (limit - offset < sizeof(*head) || offset % 16 ||
		    !readable(head, sizeof(*head)) || limit - offset < head->size)
			return false;
		if (!head->magic)
			return !head->size;
		if (head->magic == EXTRA_MAGIC) {
			const struct _aarch64_ctx *end =
				(const void *)((const char *)head + head->size);

			if (extra_seen || head->size < sizeof(*extra) ||
			    !readable(extra, sizeof(*extra)) || !readable(end, 16) ||
			    limit - offset - head->size < 16 || end->magic || end->size)
				return false;
			extra_seen = true;
			base = (const char *)end + 16;
			if (extra->datap != (uintptr_t)base || (uintptr_t)base % 16 ||
			    extra->size % 16 || extra->size > (const char *)f + MOST - base)
				return false;
			offset = 0;
			limit = extra->size;
			continue;
		}
		if (!take(v, head) || head->size < sizeof(*head))
			return false;
		offset += head->size;
	}
}

static bool payload(const struct verdict *v)
{
	return v->sve && v->sve->head.size > sizeof(*v->sve);
}

static struct verdict judge(const struct frame *f)
{
	struct verdict v = { .refused = false };

	v.refused = (uintptr_t)f % 16 || !readable(f, HEAD_BYTES) ||
		    f->uc.uc_mcontext.pstate & BAD_PSTATE || !parse(f, &v) || !v.fp ||
		    !readable(v.fp, sizeof(*v.fp)) || (v.sve && !readable(v.sve, sizeof(*v.sve))) ||
		    (v.sve && (v.sve->vl != vl || v.sve->__reserved[0] & 1)) ||
		    (payload(&v) && (v.sve->head.size < SVE_SIG_CONTEXT_SIZE(vl / 16) ||
				     !readable((char *)v.sve + SVE_SIG_REGS_OFFSET, SVE_SIZE(vl))));
	if (!v.refused && v.fp->head.size != sizeof(*v.fp)) {
		v.refused = !v.sve;
		v.either = v.sve; /* Linux 6.1 does not look at it then */
	}
	return v;
}

/* ---- frames ---- */

static struct _aarch64_ctx *next(struct _aarch64_ctx *r)
{
	return (void *)((char *)r + r->size);
}

static void *add(struct _aarch64_ctx **at, uint32_t magic, size_t size)
{
	struct _aarch64_ctx *r = *at;

	*r = (struct _aarch64_ctx){ magic, (uint32_t)size };
	*at = next(r);
	return r;
}

static void add_fp(struct _aarch64_ctx **at)
{
	struct fpsimd_context *fp = add(at, FPSIMD_MAGIC, sizeof(*fp));

	for (int i = 0; i < 32; i++)
		fp->vregs[i] = (__uint128_t)seeds_number() << 64 | seeds_number();
	fp->fpsr = seeds_pick(1ul << 32) & FPSR_BITS;
	fp->fpcr = seeds_pick(1ul << 32) & FPCR_BITS;
}

static void add_sve(struct _aarch64_ctx **at, bool registers)
{
	size_t size = registers ? (SVE_SIG_CONTEXT_SIZE(vl / 16) + 15) / 16 * 16
				: sizeof(struct sve_context);
	struct sve_context *sve = add(at, SVE_MAGIC, size);

	memset(sve + 1, 0, size - sizeof(*sve));
	sve->vl = (uint16_t)vl;
	memset(sve->__reserved, 0, sizeof(sve->__reserved));
	if (registers)
		sve_fill((void *)sve + SVE_SIG_REGS_OFFSET, vl, seeds_pick(1 << 30));
}

/* Those behind "extra" follow it at once. */
static void add_extra(struct _aarch64_ctx **at, size_t size)
{
	struct extra_context *extra = add(at, EXTRA_MAGIC, sizeof(*extra));

	memset(extra->__reserved, 0, sizeof(extra->__reserved));
	memset(*at, 0, 16);
	*at = (void *)*at + 16;
	extra->datap = (uintptr_t)*at;
	extra->size = (uint32_t)size;
}

static void add_any(struct _aarch64_ctx **at)
{
	static const uint32_t magics[] = { FPSIMD_MAGIC,
					   SVE_MAGIC,
					   ESR_MAGIC,
					   ESR_MAGIC,
					   ESR_MAGIC,
					   EXTRA_MAGIC,
					   0x54366345 /* ZA */,
					   0x5a544e01 /* ZT */,
					   0x54504902 /* TPIDR2 */,
					   0x46504d52 /* FPMR */,
					   1 };
	struct _aarch64_ctx *r = add(at, seeds_of(magics), 16 + 16 * seeds_pick(3));

	memset(r + 1, 0, r->size - sizeof(*r));
}

/* A frame of which nothing is wrong. The end of its records. */
static struct _aarch64_ctx *fill(struct frame *f)
{
	struct _aarch64_ctx *at = (void *)f->uc.uc_mcontext.__reserved;
	bool registers = has_sve() && seeds_pick(3);
	size_t size = registers ? SVE_SIG_CONTEXT_SIZE(vl / 16) + 31 : 64;

	memset(f, 0, offsetof(struct frame, uc.uc_mcontext.__reserved));
	for (int i = 0; i < 31; i++)
		f->uc.uc_mcontext.regs[i] = seeds_number();
	f->uc.uc_mcontext.pc = (uintptr_t)frame_landing;
	f->uc.uc_mcontext.sp = (uintptr_t)&landed;
	f->uc.uc_mcontext.pstate =
		(seeds_pick(1ul << 32) & NZCV) | (seeds_pick(4) ? 0 : OTHER_BITS);
	f->uc.uc_stack.ss_flags =
		SS_ONSTACK | SS_DISABLE; /* no flags that there are: stays as it is */
	add_fp(&at);
	if (seeds_pick(2))
		add(&at, ESR_MAGIC, 16);
	if (size > 3000 || seeds_pick(3) == 0)
		add_extra(&at, (size + 32) / 16 * 16);
	if (has_sve() && seeds_pick(6))
		add_sve(&at, registers);
	memset(at, 0, 16);
	return at;
}

/* A record of it. */
static struct _aarch64_ctx *any_record(struct frame *f, struct _aarch64_ctx *end)
{
	struct _aarch64_ctx *r = (void *)f->uc.uc_mcontext.__reserved;

	for (uint64_t n = seeds_pick(5); n && r < end && readable(r, 64) && r->size; n--)
		r = r->magic == EXTRA_MAGIC ? (void *)((struct extra_context *)r)->datap : next(r);
	return r;
}

static const uint32_t sizes[] = { 0,   8,   15,	  16,	      24,	  32,	     48,
				  528, 544, 4096, 0x7ffffff0, 0x80000000, 0xfffffff0 };

/* One thing wrong with it, or not. */
static void spoil(struct frame *f, struct _aarch64_ctx **end)
{
	struct _aarch64_ctx *r = any_record(f, *end);
	struct sve_context *sve = (void *)r;
	struct extra_context *extra = (void *)r;
	static const uint16_t vls[] = { 0, 16, 17, 32, 256, 272, 8192 };

	if (!readable(r, 64))
		return;
	switch (seeds_pick(12)) {
	case 0:
		r->size = seeds_of(sizes);
		break;
	case 1:
		r->size += (uint32_t)(16 * (seeds_pick(5) - 2));
		break;
	case 2:
		r->magic ^= 1u << seeds_pick(32);
		break;
	case 3: /* any word of its head */
		((uint32_t *)r)[seeds_pick(8)] = (uint32_t)seeds_number();
		break;
	case 4:
		if (r->magic == SVE_MAGIC)
			sve->vl = seeds_of(vls);
		break;
	case 5:
		if (r->magic == SVE_MAGIC)
			sve->__reserved[0] = (uint16_t)seeds_number(); /* flags */
		break;
	case 6:
		if (r->magic == EXTRA_MAGIC)
			extra->size = seeds_pick(2) ? seeds_of(sizes)
						    : (uint32_t)(16 * seeds_pick(20000));
		break;
	case 7:
		if (r->magic == EXTRA_MAGIC)
			extra->datap += 16 * seeds_pick(3) + seeds_pick(2);
		break;
	case 8:
		f->uc.uc_mcontext.pstate ^= 1ul << seeds_pick(10);
		break;
	case 9: /* more of them */
		add_any(end);
		memset(*end, 0, 16);
		break;
	case 10: /* or less */
		memset(r, 0, 16);
		break;
	case 11: /* no end */
		(*end)->magic = (uint32_t)seeds_number();
		break;
	}
}

/* ---- and what the kernel makes of it ---- */

static volatile bool returning; /* in frame_return() */

static void on_segv(int signo, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	struct _aarch64_ctx *r = (void *)uc->uc_mcontext.__reserved;

	if (uc->uc_mcontext.pc - (uintptr_t)frame_return > 0x200 && !returning) {
		tap_print("# a fault at %#lx of its own\n", (long)uc->uc_mcontext.pc);
		_exit(99);
	}
	(void)signo, (void)info;
	memset(&refused_sve, 0, sizeof(refused_sve));
	for (; r->magic && r->magic != EXTRA_MAGIC; r = next(r)) {
		if (r->magic == FPSIMD_MAGIC)
			memcpy(refused_v, ((struct fpsimd_context *)r)->vregs, sizeof(refused_v));
		if (r->magic == SVE_MAGIC) /* from a call: the head alone */
			expect_eq(r->size, sizeof(struct sve_context));
	}
	uc->uc_mcontext.pc = (uintptr_t)frame_refused;
	uc->uc_mcontext.pstate = 0;
}

static void expect_landed(const struct frame *f, const struct verdict *v)
{
	const mcontext_t *m = &f->uc.uc_mcontext;
	uint8_t *ffr = landed_sve.bytes + SVE_FFR(vl);

	for (int i = 0; i < 31; i++)
		expect_eq(landed.x[i], m->regs[i]);
	expect_eq(landed.nzcv, m->pstate & NZCV);
	expect_eq(landed.fpsr & FPSR_BITS, v->fp->fpsr & FPSR_BITS);
	expect_eq(landed.fpcr & FPCR_BITS, v->fp->fpcr & FPCR_BITS);
	expect_eq(memcmp(landed.v, v->fp->vregs, sizeof(landed.v)), 0);
	if (!has_sve())
		return;
	memset(&wanted, 0, sizeof(wanted));
	if (payload(v))
		memcpy(&wanted, (char *)v->sve + SVE_SIG_REGS_OFFSET, SVE_SIZE(vl));
	for (int i = 0; i < 32; i++)
		memcpy(wanted.bytes + i * (int)vl, &v->fp->vregs[i], 16);
	if (payload(v)) /* spoilt, it may be no FFR, of which nobody knows what becomes */
		memcpy(wanted.bytes + SVE_FFR(vl), ffr, vl / 8);
	expect_eq(sve_differ(&landed_sve, &wanted, vl, false), 0);
}

static void expect_refused(void)
{
	for (int i = 0; i < 32; i++)
		expect(!memcmp(&refused_v[i],
			       has_sve() ? before.bytes + i * (int)vl : (void *)&before_v[i], 16));
}

/* What it was, to whom wants to know why. */
static void tell(const struct frame *f)
{
	const struct _aarch64_ctx *r = (const void *)f->uc.uc_mcontext.__reserved;

	tap_print("# frame at %p, pstate %#lx, vectors of %u\n", (void *)f,
		  (long)f->uc.uc_mcontext.pstate, vl);
	for (int i = 0; i < 6 && readable(r, 32); i++) {
		const uint32_t *words = (const void *)r;

		tap_print("# record %p: %#x %#x %#x %#x %#x\n", (void *)r, r->magic, r->size,
			  words[2], words[3], words[4]);
		r = (const void *)((const char *)r + (r->size ? r->size : 16));
	}
}

static unsigned taken_count, refused_count;

static void one_frame(void)
{
	static const unsigned places[] = { 0, 16, 4096, 8 };
	struct frame *f = (void *)(area + 4096 + seeds_of(places));
	struct _aarch64_ctx *end;
	struct verdict v;
	sigset_t none;
	int refused;

	if (seeds_pick(8) == 0) /* some of it is not there */
		f = (void *)(area + AREA - (16 * (280 + seeds_pick(400))));
	if (!readable(f, sizeof(*f)) || !readable(f, HEAD_BYTES + 17000))
		f = (void *)(area + AREA - 32768);
	end = fill(f);
	for (uint64_t n = seeds_pick(4); n; n--)
		spoil(f, &end);
	if (seeds_pick(10) == 0) { /* the end of it lies where nothing is */
		size_t cut = (size_t)((char *)end + 16 - (char *)f) - 16 * seeds_pick(40);
		struct frame *to = (void *)(area + AREA - cut);

		memmove(to, f, cut);
		f = to;
	}
	if (has_sve())
		sve_fill(&before, vl, seeds_pick(1 << 30));
	for (int i = 0; i < 32; i++)
		before_v[i] = (__uint128_t)seeds_number() << 64 | (unsigned)i;
	v = judge(f);
	returning = true;
	refused = frame_return(f, has_sve() ? (void *)&before : before_v, has_sve());
	returning = false;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (!v.either && !expect_eq(refused, v.refused)) {
		tell(f);
		return;
	}
	taken_count += !refused;
	refused_count += refused;
	if (refused)
		expect_refused();
	else
		expect_landed(f, &v);
}

/* ---- lengths ---- */

static unsigned nearest(uint64_t want)
{
	unsigned most = lengths[0];

	for (unsigned i = 0; i < length_count; i++)
		if (lengths[i] <= want)
			most = lengths[i];
	return most;
}

/* Linux 6.12 loses V registers with a new length: tests/user/sve.c. */
static bool known_to_lose(void)
{
	struct utsname u;

	return !uname(&u) && !strncmp(u.release, "6.12.", 5);
}

static void one_length(void)
{
	static const int now = 1;
	static bool inherits;
	uint64_t arg = seeds_pick(3) ? 16 * seeds_pick(20) : seeds_number(), asked;
	long result, want;

	if (seeds_pick(3) == 0)
		arg |= seeds_pick(4) << 17;
	asked = arg & PR_SVE_VL_LEN_MASK;
	sve_fill(&before, vl, seeds_pick(1 << 30));
	result = sve_hold(&before, &wanted, __NR_prctl, PR_SVE_SET_VL, (long)arg, (int *)&now);
	if (arg & ~(PR_SVE_VL_LEN_MASK | 3ul << 17) || asked % 16 || asked < 16 || asked > 8192) {
		expect_eq(result, -EINVAL);
		expect_eq(sve_differ(&wanted, &before, vl, true), 0);
	} else {
		inherits = arg & PR_SVE_VL_INHERIT;
		want = nearest(asked) | (inherits ? PR_SVE_VL_INHERIT : 0);
		expect_eq(result, want);
		if (!(arg & PR_SVE_SET_VL_ONEXEC)) {
			unsigned old = vl, bad = 0;

			vl = nearest(asked);
			for (unsigned i = 0; i < 32 && !known_to_lose(); i++)
				bad += memcmp(wanted.bytes + i * vl, before.bytes + i * old, 16) !=
				       0;
			expect_eq(bad, 0);
		}
	}
	expect_eq(sve_length(), vl);
	expect_eq(sys(__NR_prctl, PR_SVE_GET_VL), vl | (inherits ? PR_SVE_VL_INHERIT : 0));
}

static void one_seed(void)
{
	for (int i = 0; i < FRAMES && !tap_failed; i++)
		one_frame();
	for (int i = 0; i < LENGTHS && has_sve() && !tap_failed; i++)
		one_length();
}

TEST(forged_frames_and_lengths)
{
	static char alternate[65536];
	stack_t stack = { .ss_sp = alternate, .ss_size = sizeof(alternate) };
	struct sigaction sa = { .sa_sigaction = on_segv, .sa_flags = SA_SIGINFO | SA_ONSTACK };

	area = mmap(NULL, AREA + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	require(area != MAP_FAILED && !mprotect(area + AREA, 4096, PROT_NONE));
	for (unsigned n = 16; has_sve() && n <= SVE_MOST; n += 16)
		if (sys(__NR_prctl, PR_SVE_SET_VL, n) == (long)n)
			vl = lengths[length_count++] = n;
	sigaltstack(&stack, NULL);
	sigaction(SIGSEGV, &sa, NULL);
	seeds_run(FIXED_SEEDS, one_seed);
	tap_print("# %u frames taken, %u refused\n", taken_count, refused_count);
	expect(taken_count && refused_count);
}
