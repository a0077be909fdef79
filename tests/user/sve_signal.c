/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SVE's record in signal frames: what stands there at every length, in the frame or behind it; what
 * a handler changes; and frames that are forged, by hand and at random. Linux:
 * Documentation/arm64/sve.rst, 4 and 5; arch/arm64/kernel/signal.c.
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>
#include <asm/hwcap.h>
#include <linux/prctl.h>
#include "tests/lib/abi.h"
#include "tests/lib/sve.h"

#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif
#define ROOM	     sizeof(((mcontext_t *)0)->__reserved)
#define REGS(record) ((uint8_t *)(record) + SVE_SIG_REGS_OFFSET)

static struct sve_image in, out, other;
static volatile int flag, seen_vl, seen_size, seen_extra, wrong;
static const int now = 1;

static bool has_sve(void)
{
	return getauxval(AT_HWCAP) & HWCAP_SVE;
}

#define need_sve()                                                                                 \
	do {                                                                                       \
		if (!has_sve()) {                                                                  \
			tap_skip("no SVE");                                                        \
			return;                                                                    \
		}                                                                                  \
	} while (0)

static long set(unsigned vl)
{
	return sys(__NR_prctl, PR_SVE_SET_VL, vl);
}

static unsigned longer(unsigned vl)
{
	for (vl += 16; vl <= SVE_MOST; vl += 16)
		if (set(vl) == (long)vl)
			return vl;
	return 0;
}

#define for_each_length(vl) for (unsigned vl = longer(0); vl; vl = longer(vl))

static struct _aarch64_ctx *records(ucontext_t *uc)
{
	return (void *)uc->uc_mcontext.__reserved;
}

static struct _aarch64_ctx *next(struct _aarch64_ctx *r)
{
	return (void *)((char *)r + r->size);
}

/* The record of that kind, in the frame or behind it. */
static void *find(ucontext_t *uc, uint32_t magic)
{
	struct _aarch64_ctx *r = records(uc);

	while (r->magic && r->magic != magic)
		r = r->magic == EXTRA_MAGIC ? (void *)((struct extra_context *)r)->datap : next(r);
	return r->magic ? r : NULL;
}

static void handle(int signo, void (*fn)(int, siginfo_t *, void *))
{
	struct sigaction sa = { .sa_sigaction = fn, .sa_flags = SA_SIGINFO };

	expect_eq(sigaction(signo, &sa, NULL), 0);
}

/* A handler's first question: is the pattern in the registers? */
static bool too_early(const ucontext_t *uc)
{
	uint64_t at = uc->uc_mcontext.pc - (uintptr_t)sve_hold_spin;

	return flag || (at != 0 && at != 4);
}

static void on_look(int signo, siginfo_t *info, void *context)
{
	struct sve_context *sve = find(context, SVE_MAGIC);
	struct fpsimd_context *fp = find(context, FPSIMD_MAGIC);

	(void)signo, (void)info;
	if (too_early(context))
		return;
	wrong = !sve || !fp;
	if (wrong)
		return;
	seen_vl = sve->vl;
	seen_size = (int)sve->head.size;
	seen_extra = find(context, EXTRA_MAGIC) != NULL;
	for (int n = 0; n < 32; n++)
		wrong += memcmp(&fp->vregs[n], in.bytes + n * seen_vl, 16) != 0;
	if (sve->head.size > sizeof(*sve))
		wrong += memcmp(REGS(sve), in.bytes, SVE_SIZE((unsigned)seen_vl)) != 0;
	sve_fill(&other, (unsigned)seen_vl, 4711);
	sve_load(&other);
	flag = 1;
}

static int spinner;

/* Until it meets the spinner where its pattern is in the registers. */
static void *poke(void *arg)
{
	(void)arg;
	while (!flag) {
		sleep_ms(1);
		sys(__NR_tgkill, getpid(), spinner, SIGUSR1);
	}
	return NULL;
}

/* Hold the pattern in a loop until a signal from another thread is handled. */
static void hold_until_signal(unsigned vl, uint64_t seed)
{
	pthread_t t;

	sve_fill(&in, vl, seed);
	spinner = (int)sys(__NR_gettid);
	flag = 0;
	pthread_create(&t, NULL, poke, NULL);
	sve_hold(&in, &out, -1, 0, 0, &flag);
	pthread_join(t, NULL);
}

TEST(the_frame_has_all_registers_at_every_length)
{
	need_sve();
	handle(SIGUSR1, on_look);
	for_each_length(vl)
	{
		unsigned size = (16 + SVE_SIZE(vl) + 15) / 16 * 16;

		hold_until_signal(vl, vl);
		expect_eq(wrong, 0);
		expect_eq(seen_vl, vl);
		expect_eq(seen_size, size);
		/* FP/SIMD, SVE, an end, and room for "extra" had it been needed */
		expect_eq(seen_extra, sizeof(struct fpsimd_context) + size + 16 + 32 > ROOM);
		expect_eq(sve_differ(&out, &in, vl, false), 0);
	}
}

TEST(a_frame_from_a_call_has_the_head_alone)
{
	need_sve();
	handle(SIGUSR1, on_look);
	for_each_length(vl)
	{
		sve_fill(&in, vl, vl + 9);
		flag = 0;
		sve_hold(&in, &out, __NR_tkill, sys(__NR_gettid), SIGUSR1, &flag);
		expect_eq(wrong, 0);
		expect_eq(seen_vl, vl);
		expect_eq(seen_size, 16);
		expect_eq(sve_differ(&out, &in, vl, true), 0);
	}
}

static void on_change(int signo, siginfo_t *info, void *context)
{
	struct sve_context *sve = find(context, SVE_MAGIC);
	struct fpsimd_context *fp = find(context, FPSIMD_MAGIC);

	(void)signo, (void)info;
	if (too_early(context))
		return;
	flag = 1;
	if (!sve || sve->head.size == sizeof(*sve))
		return;
	memcpy(REGS(sve), other.bytes, SVE_SIZE((unsigned)sve->vl));
	/* V registers are the FP/SIMD record's: z3's low part is not what SVE's says */
	for (int n = 0; n < 32; n++)
		memcpy(&fp->vregs[n], other.bytes + n * sve->vl, 16);
	memset(REGS(sve) + 3 * sve->vl, 0x11, 16);
}

TEST(a_handler_changes_them_all)
{
	need_sve();
	handle(SIGUSR1, on_change);
	for_each_length(vl)
	{
		sve_fill(&other, vl, vl + 500);
		hold_until_signal(vl, vl);
		expect_eq(sve_differ(&out, &other, vl, false), 0);
	}
}

static void on_shorten(int signo, siginfo_t *info, void *context)
{
	struct sve_context *sve = find(context, SVE_MAGIC);

	(void)signo, (void)info;
	if (too_early(context))
		return;
	sve->head.size = sizeof(*sve);
	memset(sve + 1, 0, sizeof(struct _aarch64_ctx));
	flag = 1;
}

TEST(without_its_registers_the_rest_is_zero)
{
	need_sve();
	handle(SIGUSR1, on_shorten);
	for_each_length(vl)
	{
		hold_until_signal(vl, vl + 1);
		expect_eq(sve_differ(&out, &in, vl, true), 0);
	}
}

static void on_leave_out(int signo, siginfo_t *info, void *context)
{
	struct _aarch64_ctx *r = find(context, SVE_MAGIC);

	(void)signo, (void)info;
	if (too_early(context))
		return;
	memset(r, 0, sizeof(*r));
	flag = 1;
}

TEST(without_its_record_the_same)
{
	need_sve();
	handle(SIGUSR1, on_leave_out);
	for_each_length(vl)
	{
		hold_until_signal(vl, vl + 2);
		expect_eq(sve_differ(&out, &in, vl, true), 0);
	}
}

/* The frame of a call has a head; give it registers. */
static void on_lengthen(int signo, siginfo_t *info, void *context)
{
	struct sve_context *sve = find(context, SVE_MAGIC);
	struct fpsimd_context *fp = find(context, FPSIMD_MAGIC);
	unsigned size = (16 + SVE_SIZE((unsigned)sve->vl) + 15) / 16 * 16;

	(void)signo, (void)info;
	if (too_early(context))
		return;
	sve->head.size = size;
	memcpy(REGS(sve), other.bytes, SVE_SIZE((unsigned)sve->vl));
	memset((char *)sve + size, 0, sizeof(struct _aarch64_ctx));
	for (int n = 0; n < 32; n++)
		memcpy(&fp->vregs[n], other.bytes + n * sve->vl, 16);
	flag = 1;
}

TEST(registers_given_to_the_frame_of_a_call_arrive)
{
	need_sve();
	handle(SIGUSR1, on_lengthen);
	for_each_length(vl)
	{
		if (SVE_SIZE(vl) + 1000 > ROOM)
			continue;
		sve_fill(&in, vl, vl);
		sve_fill(&other, vl, vl + 33);
		flag = 0;
		sve_hold(&in, &out, __NR_tkill, sys(__NR_gettid), SIGUSR1, &flag);
		expect_eq(sve_differ(&out, &other, vl, false), 0);
	}
}

static volatile uintptr_t frame_low;

static void on_depth(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	if (too_early(context))
		return;
	frame_low = (uintptr_t)info;
	flag = 1;
}

TEST(the_longest_frame_fits_into_what_auxv_says)
{
	static char stack[65536] __attribute__((aligned(16)));
	uint64_t least = getauxval(AT_MINSIGSTKSZ);
	stack_t alt = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction sa = { .sa_sigaction = on_depth, .sa_flags = SA_SIGINFO | SA_ONSTACK };

	need_sve();
	set(SVE_MOST);
	sys(__NR_sigaltstack, &alt, 0);
	sigaction(SIGUSR1, &sa, NULL);
	hold_until_signal((unsigned)sve_length(), 3);
	expect(frame_low >= (uintptr_t)stack);
	expect((uintptr_t)stack + sizeof(stack) - frame_low <= least);
	alt.ss_flags = SS_DISABLE;
	sys(__NR_sigaltstack, &alt, 0);
}

/* ---- forged ---- */

static void (*forge)(ucontext_t *, struct sve_context *);

static void on_forge(int signo, siginfo_t *info, void *context)
{
	(void)signo, (void)info;
	forge(context, find(context, SVE_MAGIC));
}

static void raise_usr1(void *arg)
{
	(void)arg;
	__asm__ volatile(".inst 0x04a00000" ::: "v0"); /* add z0.s, z0.s, z0.s */
	sys(__NR_tgkill, getpid(), sys(__NR_gettid), SIGUSR1);
}

static void expect_segv(const char *name, void (*fn)(ucontext_t *, struct sve_context *))
{
	struct fault f;

	forge = fn;
	handle(SIGUSR1, on_forge);
	f = fault_call(raise_usr1, NULL);
	if (!expect_eq(f.signo, SIGSEGV))
		tap_print("# %s\n", name);
}

#define FORGE(name, ...)                                                                           \
	static void name(ucontext_t *uc, struct sve_context *sve)                                  \
	{                                                                                          \
		(void)uc, (void)sve;                                                               \
		__VA_ARGS__                                                                        \
	}

FORGE(another_length, sve->vl = sve->vl == 16 ? 32 : 16;)
FORGE(no_length, sve->vl = 0;)
FORGE(an_odd_length, sve->vl += 1;)
FORGE(a_huge_length, sve->vl = 8192;)
FORGE(size_too_small, sve->head.size = 8;)
FORGE(size_not_aligned, sve->head.size = 24;)
FORGE(size_past_the_room, sve->head.size = 0xfffffff0;)
FORGE(size_short_of_the_registers, sve->head.size = 32; memset(sve + 2, 0, 16);)
FORGE(two_of_them, memcpy(sve + 1, sve, sizeof(*sve)); memset(sve + 2, 0, 16);)
FORGE(unknown_after_it, sve[1].head = (struct _aarch64_ctx){ 0x12345678, 16 };
      memset(sve + 2, 0, 16);)
FORGE(fpmr, sve[1].head = (struct _aarch64_ctx){ 0x46504d52, 16 }; memset(sve + 2, 0, 16);)
FORGE(end_with_a_size, sve[1].head = (struct _aarch64_ctx){ 0, 16 };)
FORGE(v_registers_are_missing, memmove(records(uc), sve, 32);)

/* An extra record in the place of SVE's, which goes where it points. */
static void make_extra(ucontext_t *uc, struct sve_context *sve, long off, uint32_t size)
{
	struct extra_context *extra = (void *)sve;
	struct sve_context copy = *sve;
	char *behind = (char *)(extra + 1) + 16;

	(void)uc;
	memset(extra, 0, sizeof(*extra) + 16);
	extra->head = (struct _aarch64_ctx){ EXTRA_MAGIC, sizeof(*extra) };
	extra->datap = (uint64_t)(behind + off);
	extra->size = size;
	memset(behind, 0, 64);
	memcpy(behind, &copy, sizeof(copy));
}

FORGE(extra_elsewhere, make_extra(uc, sve, 16, 32);)
FORGE(extra_not_aligned, make_extra(uc, sve, 8, 32);)
FORGE(extra_in_the_kernel, make_extra(uc, sve, 0, 32);
      ((struct extra_context *)sve)->datap = 0xffff000000000000;)
FORGE(extra_of_odd_size, make_extra(uc, sve, 0, 33);)
FORGE(extra_too_long, make_extra(uc, sve, 0, 0x7ffffff0);)
FORGE(extra_too_short_for_its_record, make_extra(uc, sve, 0, 0);)
FORGE(extra_without_an_end, make_extra(uc, sve, 0, 32);
      ((struct _aarch64_ctx *)((struct extra_context *)sve + 1))->magic = ESR_MAGIC;)
FORGE(extra_in_extra, make_extra(uc, sve, 0, 64);
      make_extra(uc, (void *)((char *)sve + 48), 0, 16);)
FORGE(extra_with_a_small_head, make_extra(uc, sve, 0, 32);
      ((struct extra_context *)sve)->head.size = 16;)

FORGE(on_good_extra, make_extra(uc, sve, 0, 32);)

#define EXPECT_SEGV(fn) expect_segv(#fn, fn)

TEST(forged_records_give_sigsegv)
{
	need_sve();
	set(64);
	EXPECT_SEGV(another_length);
	EXPECT_SEGV(no_length);
	EXPECT_SEGV(an_odd_length);
	EXPECT_SEGV(a_huge_length);
	EXPECT_SEGV(size_too_small);
	EXPECT_SEGV(size_not_aligned);
	EXPECT_SEGV(size_past_the_room);
	EXPECT_SEGV(size_short_of_the_registers);
	EXPECT_SEGV(two_of_them);
	EXPECT_SEGV(unknown_after_it);
	EXPECT_SEGV(fpmr);
	EXPECT_SEGV(end_with_a_size);
	EXPECT_SEGV(v_registers_are_missing);
	EXPECT_SEGV(extra_elsewhere);
	EXPECT_SEGV(extra_not_aligned);
	EXPECT_SEGV(extra_in_the_kernel);
	EXPECT_SEGV(extra_of_odd_size);
	EXPECT_SEGV(extra_too_long);
	EXPECT_SEGV(extra_too_short_for_its_record);
	EXPECT_SEGV(extra_without_an_end);
	EXPECT_SEGV(extra_in_extra);
	EXPECT_SEGV(extra_with_a_small_head);
	/* and the one they were made from is right */
	forge = on_good_extra;
	handle(SIGUSR1, on_forge);
	expect_eq(fault_call(raise_usr1, NULL).signo, 0);
}

static uint64_t seed;

FORGE(
	at_random, uint8_t *at = (void *)records(uc); unsigned n = 1 + random_next(&seed) % 4;
	while (n--) {
		unsigned where = random_next(&seed) % 3 ? random_next(&seed) % 64 + 512
							: random_next(&seed) % ROOM;

		at[where] = (uint8_t)(random_next(&seed) % 2 ? random_next(&seed)
							     : 16 * (random_next(&seed) % 4));
	})

static void use_and_spin(void *arg)
{
	(void)arg;
	sve_hold(&in, &out, __NR_tkill, sys(__NR_gettid), SIGUSR1, (int *)&now);
}

TEST(random_changes_are_taken_or_give_sigsegv)
{
	unsigned taken = 0, refused = 0;

	need_sve();
	set(64);
	seed = 1;
	sve_fill(&in, 64, 1);
	forge = at_random;
	handle(SIGUSR1, on_forge);
	for (int i = 0; i < 3000; i++) {
		int signo = fault_call(use_and_spin, NULL).signo;

		taken += signo == 0;
		refused += signo == SIGSEGV;
	}
	sve_zero();
	__asm__ volatile("msr fpcr, xzr; msr fpsr, xzr");
	tap_print("# %u taken, %u refused\n", taken, refused);
	expect_eq(taken + refused, 3000);
	expect(taken > 100 && refused > 100);
	/* and all is well */
	handle(SIGUSR1, on_look);
	hold_until_signal((unsigned)set(64), 8);
	expect_eq(wrong, 0);
	expect_eq(sve_differ(&out, &in, (unsigned)set(64), false), 0);
}
