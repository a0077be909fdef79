/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A tracer that writes anything into a task: register sets of any type, size, length and place, and
 * requests that there are not. What Linux's kernel/ptrace.c and arch/arm64/kernel/ptrace.c do with
 * each is worked out here first: the error, and all that the task has from then on, which is what
 * it had if the write was refused. Now and then the task itself looks.
 */
#include <elf.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>
#include <asm/hwcap.h>
#include <linux/prctl.h>
#include "tests/lib/abi.h"
#include "tests/lib/seeds.h"
#include "tests/lib/tracer.h"

enum { FIXED_SEEDS = 30, WRITES = 40, PAGE = 4096 };

#define FPSR_BITS  0x0800009f
#define FPCR_BITS  0x07c00000
#define NZCV	   0xf0000000ul
#define BAD_PSTATE 0x3dful	/* mode, AArch32, DAIF */
#define IGNORED	   0x0cdfe020ul /* reserved */

/* Shared with the task. */
static struct shared {
	uint64_t x[31], nzcv, fpsr, fpcr, tls;
	__uint128_t v[32];
	struct sve_image sve;
} * shared;

/* What the task has. */
static struct model {
	struct user_pt_regs general;
	uint64_t tls;
	uint32_t fpsr, fpcr;
	__uint128_t v[32];
	struct sve_image sve; /* if wide; then v is not looked at */
	bool wide, inherits;
	unsigned vl;
} model;

static pid_t task;
static unsigned lengths[SVE_MOST / 16], length_count;
static uint8_t *room; /* then nothing */
enum { ROOM = 3 * PAGE };
static union sve_set set;
static unsigned done_count, refused_count;

static bool has_sve(void)
{
	return getauxval(AT_HWCAP) & HWCAP_SVE;
}

/* ---- the task ---- */

extern char task_spins[], task_calls[], task_shows[], task_shows_sve[];
__asm__(".pushsection .text\n"
	"task_calls: svc #0\n"
	"task_spins: b task_spins\n"
	"task_shows_sve:\n" /* sp = shared */
	"stp x0, x1, [sp]\n mov x0, #1\n b 1f\n"
	"task_shows: stp x0, x1, [sp]\n mov x0, #0\n"
	"1: stp x2, x3, [sp, #16]\n stp x4, x5, [sp, #32]\n"
	"stp x6, x7, [sp, #48]\n stp x8, x9, [sp, #64]\n stp x10, x11, [sp, #80]\n"
	"stp x12, x13, [sp, #96]\n stp x14, x15, [sp, #112]\n stp x16, x17, [sp, #128]\n"
	"stp x18, x19, [sp, #144]\n stp x20, x21, [sp, #160]\n stp x22, x23, [sp, #176]\n"
	"stp x24, x25, [sp, #192]\n stp x26, x27, [sp, #208]\n stp x28, x29, [sp, #224]\n"
	"mrs x1, nzcv\n stp x30, x1, [sp, #240]\n"
	"mrs x1, fpsr\n mrs x2, fpcr\n stp x1, x2, [sp, #256]\n"
	"mrs x1, tpidr_el0\n str x1, [sp, #272]\n"
	"add x1, sp, #288\n"
	".irp n, "
	"0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
	"str q\\n, [x1], #16\n"
	".endr\n"
	"cbz x0, 2f\n mov x0, x1\n bl sve_store\n"
	"2: brk #0\n"
	".popsection\n");
_Static_assert(offsetof(struct shared, v) == 288 && offsetof(struct shared, sve) == 288 + 512,
	       "task_shows");

/* ---- what Linux makes of a write ---- */

static const int types[] = { NT_PRSTATUS, NT_PRFPREG, NT_PRFPREG, NT_ARM_SVE, NT_ARM_SVE,
			     NT_ARM_SVE,  NT_ARM_SVE, NT_ARM_TLS, 0,	      3,
			     0x100,	  0x200,      0x500,	  0x7fffffff, 0x40b /* SSVE */ };

static bool readable(const uint8_t *at, size_t size)
{
	return !size || (at >= room && at + size <= room + ROOM);
}

static void narrow(void)
{
	for (int i = 0; i < 32 && model.wide; i++)
		memcpy(&model.v[i], model.sve.bytes + i * (int)model.vl, 16);
	model.wide = false;
}

static void widen(void)
{
	if (model.wide)
		return;
	memset(&model.sve, 0, sizeof(model.sve));
	for (int i = 0; i < 32; i++)
		memcpy(model.sve.bytes + i * (int)model.vl, &model.v[i], 16);
	model.wide = true;
}

static long put_general(const uint8_t *from, size_t size)
{
	struct user_pt_regs r = model.general;

	if (!readable(from, size))
		return -EFAULT;
	memcpy(&r, from, size);
	if (r.pstate & BAD_PSTATE)
		return -EINVAL;
	r.pstate &= NZCV;
	model.general = r;
	return 0;
}

static long put_fp(const uint8_t *from, size_t size)
{
	struct user_fpsimd_state r = { .fpsr = model.fpsr, .fpcr = model.fpcr };
	bool wide = model.wide;

	if (!readable(from, size))
		return -EFAULT;
	narrow();
	memcpy(r.vregs, model.v, sizeof(model.v));
	memcpy(&r, from, size);
	memcpy(model.v, r.vregs, sizeof(model.v));
	model.fpsr = r.fpsr;
	model.fpcr = r.fpcr;
	if (wide)
		widen();
	return 0;
}

static long put_tls(const uint8_t *from, size_t size)
{
	if (!readable(from, size))
		return -EFAULT;
	memcpy(&model.tls, from, size);
	return 0;
}

static unsigned nearest(unsigned want)
{
	unsigned most = lengths[0];

	for (unsigned i = 0; i < length_count; i++)
		if (lengths[i] <= want)
			most = lengths[i];
	return most;
}

/* Kernels differ in what a task has afterwards: it is read, but for Stet, of which more is asked.
 */
static bool unknown;

static long put_length(const struct user_sve_header *head)
{
	unsigned vl = head->vl, flags = head->flags & ~SVE_PT_REGS_MASK;

	if (flags & ~(SVE_PT_VL_INHERIT | SVE_PT_VL_ONEXEC) || vl % 16 || vl < 16 || vl > 8192)
		return -EINVAL;
	model.inherits = flags & SVE_PT_VL_INHERIT;
	if (flags & SVE_PT_VL_ONEXEC || nearest(vl) == model.vl)
		return 0;
	narrow();
	model.vl = nearest(vl);
	unknown = true; /* 6.12 loses the V registers: tests/user/sve.c */
	return 0;
}

static long put_sve(const uint8_t *from, size_t size)
{
	const struct user_sve_header *head = (const void *)from;
	const uint8_t *at = from + sizeof(*head);
	size_t have = size - sizeof(*head), words = SVE_PT_SVE_FPSR_OFFSET(0), all;
	long err;

	if (size < sizeof(*head))
		return -EINVAL;
	if (!readable(from, sizeof(*head)))
		return -EFAULT;
	err = put_length(head);
	if (err)
		return err;
	all = SVE_SIZE(model.vl);
	words = SVE_PT_SVE_FPSR_OFFSET(model.vl / 16) - SVE_PT_SVE_OFFSET;
	if ((head->flags & SVE_PT_REGS_MASK) == SVE_PT_REGS_FPSIMD) {
		have = have < sizeof(struct user_fpsimd_state) ? have
							       : sizeof(struct user_fpsimd_state);
		err = put_fp(at, have);
		if (!err)
			narrow();
		unknown |= err != 0; /* Linux makes it narrow all the same */
		return err;
	}
	if (have && head->vl != model.vl)
		return -EIO;
	unknown |= have < words + 8; /* Linux 6.1 makes the rest zero */
	if (!readable(at, have < all ? have : all) ||
	    (have > words && !readable(at + words, have - words < 8 ? have - words : 8))) {
		unknown = true;
		return -EFAULT;
	}
	widen();
	memcpy(&model.sve, at, have < all ? have : all);
	if (have > words)
		memcpy(&model.fpsr, at + words, have - words < 8 ? have - words : 8);
	return 0;
}
_Static_assert(offsetof(struct model, fpcr) == offsetof(struct model, fpsr) + 4, "put_sve");

static long judge(int type, const uint8_t *from, size_t size)
{
	switch (type) {
	case NT_PRSTATUS:
		return size % 8 ? -EINVAL : put_general(from, size < 272 ? size : 272);
	case NT_PRFPREG:
		return size % 4 ? -EINVAL : put_fp(from, size < 528 ? size : 528);
	case NT_ARM_TLS:
		return size % 8 ? -EINVAL : put_tls(from, size < 8 ? size : 8);
	case NT_ARM_SVE:
		return !has_sve() || size % 16 ? -EINVAL : put_sve(from, size);
	default:
		return -EINVAL;
	}
}

/* ---- writes ---- */

static void fill_general(struct user_pt_regs *r)
{
	for (int i = 0; i < 31; i++)
		r->regs[i] = seeds_number();
	r->sp = seeds_number();
	r->pc = seeds_number();
	r->pstate = seeds_pick(1ul << 32) & (seeds_pick(4) ? NZCV : NZCV | IGNORED);
	if (seeds_pick(4) == 0)
		r->pstate |= 1ul << seeds_pick(10) & BAD_PSTATE;
}

static size_t fill_sve(union sve_set *s)
{
	static const uint16_t vls[] = { 0, 15, 16, 17, 272, 4096, 8192, 8208, 0xffff };
	unsigned vl = seeds_pick(2) ? model.vl : lengths[seeds_pick(length_count)];
	struct sve_image image;
	uint32_t words[2] = { seeds_pick(1ul << 32) & FPSR_BITS,
			      seeds_pick(1ul << 32) & FPCR_BITS };
	struct user_fpsimd_state *fp = (void *)(s->bytes + SVE_PT_FPSIMD_OFFSET);
	size_t size;

	sve_fill(&image, vl, seeds_pick(1 << 30));
	size = sve_set_fill(s, &image, vl);
	memcpy(s->bytes + SVE_PT_SVE_FPSR_OFFSET(vl / 16), words, sizeof(words));
	if (seeds_pick(3) == 0) {
		s->head.flags = SVE_PT_REGS_FPSIMD;
		fp->fpsr = words[0];
		fp->fpcr = words[1];
		fp->__reserved[0] = fp->__reserved[1] = 0;
		size = seeds_pick(2) ? size : SVE_PT_FPSIMD_OFFSET + sizeof(*fp);
	}
	if (seeds_pick(3) == 0)
		s->head.vl = (uint16_t)(seeds_pick(2) ? 16 * seeds_pick(18) : seeds_of(vls));
	if (seeds_pick(4) == 0)
		s->head.flags |= (uint16_t)(seeds_pick(4) ? 2ull << seeds_pick(2) : seeds_number());
	s->head.size = (uint32_t)seeds_number(); /* nobody looks */
	return size;
}

static size_t fill_any(int type)
{
	struct user_fpsimd_state *fp = (void *)&set;

	memset(&set, 0, sizeof(set));
	switch (type) {
	case NT_PRSTATUS:
		fill_general((void *)&set);
		return sizeof(struct user_pt_regs);
	case NT_PRFPREG:
		for (int i = 0; i < 32; i++)
			fp->vregs[i] = (__uint128_t)seeds_number() << 64 | seeds_number();
		fp->fpsr = seeds_pick(1ul << 32) & FPSR_BITS;
		fp->fpcr = seeds_pick(1ul << 32) & FPCR_BITS;
		return sizeof(*fp);
	case NT_ARM_SVE:
		return has_sve() ? fill_sve(&set) : 64;
	default:
		*(uint64_t *)&set = seeds_number();
		return 8;
	}
}

/* ---- reads ---- */

static void expect_general(void)
{
	struct user_pt_regs r = tracer_regs(task);

	r.pstate &= NZCV;
	expect_eq(memcmp(&r, &model.general, sizeof(r)), 0);
}

static void expect_fp(void)
{
	struct user_fpsimd_state r;
	size_t size = sizeof(r);

	memset(&r, 0x5a, sizeof(r));
	expect_eq(tracer_get(task, NT_PRFPREG, &r, &size), 0);
	expect_eq(size, sizeof(r));
	for (int i = 0; i < 32; i++)
		expect(!memcmp(&r.vregs[i],
			       model.wide ? model.sve.bytes + i * (int)model.vl
					  : (void *)&model.v[i],
			       16));
	expect_eq(r.fpsr, model.fpsr);
	expect_eq(r.fpcr, model.fpcr);
	expect_eq(r.__reserved[0] | r.__reserved[1], 0);
}

static void expect_sve(void)
{
	unsigned want = (unsigned)(model.wide ? SVE_PT_SIZE(model.vl / 16, 1) : SVE_PT_SIZE(0, 0));

	sve_set_get(task, &set);
	expect_eq(set.head.vl, model.vl);
	expect_eq(set.head.size, want);
	expect_eq(set.head.flags, model.wide | (model.inherits ? SVE_PT_VL_INHERIT : 0));
	if (!model.wide)
		return;
	expect_eq(memcmp(set.bytes + SVE_PT_SVE_OFFSET, &model.sve, SVE_SIZE(model.vl)), 0);
	expect_eq(memcmp(set.bytes + SVE_PT_SVE_FPSR_OFFSET(model.vl / 16), &model.fpsr, 8), 0);
}

/* What Linux has made of it. */
static void learn(void)
{
	struct user_fpsimd_state r;
	size_t size = sizeof(r);

	expect_eq(tracer_get(task, NT_PRFPREG, &r, &size), 0);
	memcpy(model.v, r.vregs, sizeof(model.v));
	model.fpsr = r.fpsr;
	model.fpcr = r.fpcr;
	sve_set_get(task, &set);
	expect_eq(set.head.vl, model.vl);
	model.wide = set.head.flags & SVE_PT_REGS_SVE;
	memcpy(&model.sve, set.bytes + SVE_PT_SVE_OFFSET, SVE_SIZE(model.vl));
}

static void expect_all(void)
{
	uint64_t tls = 0;
	size_t size = 8;

	expect_general();
	expect_fp();
	if (has_sve())
		expect_sve();
	expect_eq(tracer_get(task, NT_ARM_TLS, &tls, &size), 0);
	expect_eq(tls, model.tls);
}

/* ---- one after the other ---- */

static void one_write(void)
{
	int type = seeds_of(types);
	size_t whole = fill_any(type), size = whole;
	const uint8_t *from = room;
	long want, got;

	if (seeds_pick(3) == 0)
		size = seeds_pick(2) ? seeds_pick(whole / 4) * 4 : seeds_pick(2 * whole);
	size = size < sizeof(set) ? size : sizeof(set);
	if (seeds_pick(6) == 0) /* all of it or its end is not there */
		from = seeds_pick(3) ? room + ROOM - seeds_pick(size / 16 + 1) * 16 : (uint8_t *)16;
	if (from >= room) {
		size_t there = (size_t)(room + ROOM - from);

		memcpy((void *)(uintptr_t)from, &set, size < there ? size : there);
	}
	unknown = false;
	want = judge(type, from, size);
	got = tracer_put(task, type, from, size);
	if (!expect_eq(got, want))
		tap_print("# type %#x, %zu bytes of %zu\n", type, size, whole);
	if (unknown && !on_stet())
		learn();
	done_count += got == 0;
	refused_count += got != 0;
}

static void one_request(void)
{
	static const int none[] = { 10, 12, 13, 14, 15, 22, 0x4200 + 90, 0x10000 };
	struct iovec v = { room, 64 };
	siginfo_t info;

	switch (seeds_pick(8)) {
	case 0:
		expect_eq(tracer_ask(seeds_of(none), task, seeds_number(), &v), -EIO);
		break;
	case 1:
		expect_eq(tracer_ask(PTRACE_CONT, task, 0, (void *)(65 + seeds_pick(1000))), -EIO);
		break;
	case 2:
		expect_eq(tracer_ask(PTRACE_DETACH, task, 0, (void *)(-1 - seeds_pick(1000))),
			  -EIO);
		break;
	case 3:
		expect_eq(tracer_ask(PTRACE_SETOPTIONS, task, 0,
				     (void *)(1ul << (8 + seeds_pick(12)))),
			  -EINVAL);
		break;
	case 4: /* no iovec; no room for what is read; no such set */
		expect_eq(tracer_ask(PTRACE_SETREGSET, task, NT_PRFPREG,
				     (void *)(16 + seeds_pick(100))),
			  -EFAULT);
		v.iov_base = room + ROOM - 32;
		expect_eq(tracer_ask(PTRACE_GETREGSET, task, NT_PRFPREG, &v), -EFAULT);
		expect_eq(tracer_ask(PTRACE_GETREGSET, task, 0x600 + seeds_pick(1000), &v),
			  -EINVAL);
		break;
	case 5:
		v.iov_len = 8 * seeds_pick(30) + 1 + seeds_pick(3);
		expect_eq(tracer_ask(PTRACE_GETREGSET, task, NT_PRFPREG, &v),
			  v.iov_len % 4 ? -EINVAL : 0);
		break;
	case 6:
		expect_eq(tracer_ask(PTRACE_POKEDATA, task, 8 * seeds_pick(500), room), -EIO);
		expect_eq(tracer_ask(PTRACE_PEEKDATA, task, (uintptr_t)shared, (void *)8), -EFAULT);
		break;
	case 7:
		expect_eq(tracer_ask(PTRACE_SETSIGMASK, task, seeds_pick(8), room), -EINVAL);
		expect_eq(tracer_ask(PTRACE_SETSIGINFO, task, 0, (void *)16), -EFAULT);
		expect_eq(tracer_ask(PTRACE_LISTEN, task, 0, &info), -EIO);
		break;
	}
}

static void go_to(long request, int status)
{
	expect_eq(tracer_ask(request, task, 0, NULL), 0);
	if (!expect_eq(tracer_status(task), status))
		kill(task, SIGKILL);
}

static void set_general(void *pc, void *sp)
{
	model.general.pc = (uintptr_t)pc;
	model.general.sp = (uintptr_t)sp;
	expect_eq(tracer_put(task, NT_PRSTATUS, &model.general, sizeof(model.general)), 0);
}

/* Once the CPU has had them: of other bits it keeps what it knows. */
static void expect_words(uint32_t fpsr, uint32_t fpcr)
{
	expect_eq(fpsr & FPSR_BITS, model.fpsr & FPSR_BITS);
	expect_eq(fpcr & FPCR_BITS, model.fpcr & FPCR_BITS);
	model.fpsr = fpsr;
	model.fpcr = fpcr;
}

/* At a stop in a call X7 tells the side, and is what it was afterwards. */
static enum { NONE, ENTRY, EXIT } side;
static uint64_t x7;

/* The task shows what it has, and goes on from there. */
static void look(void)
{
	memset(shared, 0, sizeof(*shared));
	if (side == ENTRY) {
		go_to(PTRACE_SYSCALL, tracer_stopped(SIGTRAP | 0x80, 0));
		model.general.regs[0] = tracer_regs(task).regs[0];
	}
	set_general(has_sve() ? task_shows_sve : task_shows, shared);
	go_to(PTRACE_CONT, tracer_stopped(SIGTRAP, 0));
	if (side)
		model.general.regs[7] = x7;
	side = NONE;
	expect_eq(memcmp(shared->x, model.general.regs, sizeof(shared->x)), 0);
	expect_eq(shared->nzcv, model.general.pstate);
	expect_words((uint32_t)shared->fpsr, (uint32_t)shared->fpcr);
	expect_eq(shared->tls, model.tls);
	for (int i = 0; i < 32; i++)
		expect(!memcmp(&shared->v[i],
			       model.wide ? model.sve.bytes + i * (int)model.vl
					  : (void *)&model.v[i],
			       16));
	if (has_sve()) {
		widen();
		expect_eq(sve_differ(&shared->sve, &model.sve, model.vl, false), 0);
	}
	model.general = tracer_regs(task);
	model.general.pstate &= NZCV;
}

/* To a stop in a call, on either side, which ends all but the V registers; what is written there
 * stays. */
static void call(void)
{
	struct user_fpsimd_state r;
	size_t size = sizeof(r);

	model.general.regs[8] = __NR_getppid;
	x7 = model.general.regs[7];
	side = ENTRY;
	set_general(task_calls, shared);
	go_to(PTRACE_SYSCALL, tracer_stopped(SIGTRAP | 0x80, 0));
	narrow();
	expect_eq(tracer_get(task, NT_PRFPREG, &r, &size), 0);
	expect_words(r.fpsr, r.fpcr);
	if (seeds_pick(2)) {
		go_to(PTRACE_SYSCALL, tracer_stopped(SIGTRAP | 0x80, 0));
		side = EXIT;
	}
	model.general = tracer_regs(task);
	model.general.pstate &= NZCV;
}

/* 6.12 loses what is written at the stops of a call: tests/torture/traced.c. */
static bool loses_at_calls(void)
{
	struct utsname u;

	return !uname(&u) && !strncmp(u.release, "6.12.", 5);
}

static void one_seed(void)
{
	if (seeds_pick(3) == 0 && !loses_at_calls())
		call();
	for (int i = 0; i < WRITES && !tap_failed; i++) {
		if (seeds_pick(4))
			one_write();
		else
			one_request();
		if (seeds_pick(3) == 0)
			expect_all();
	}
	expect_all();
	look();
}

static void begin(void)
{
	task = fork();
	if (task == 0) {
		tracer_ask(PTRACE_TRACEME, 0, 0, NULL);
		sys(__NR_kill, getpid(), SIGSTOP);
		_exit(1);
	}
	expect_eq(tracer_status(task), tracer_stopped(SIGSTOP, 0));
	expect_eq(tracer_ask(PTRACE_SETOPTIONS, task, 0,
			     (void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)),
		  0);
	model.general = tracer_regs(task);
	model.general.pstate &= NZCV;
	set_general(task_spins, shared);
	expect_eq(tracer_put(task, NT_ARM_TLS, &model.tls, 8), 0);
	memset(&set, 0, sizeof(set));
	expect_eq(tracer_put(task, NT_PRFPREG, &set, sizeof(struct user_fpsimd_state)), 0);
	if (has_sve()) {
		sve_set_get(task, &set);
		model.vl = set.head.vl;
		model.wide = set.head.flags & SVE_PT_REGS_SVE;
	}
}

TEST(what_a_tracer_writes)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	room = mmap(NULL, ROOM + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	require(!mprotect(room + ROOM, PAGE, PROT_NONE));
	for (unsigned n = 16; has_sve() && n <= SVE_MOST; n += 16)
		if (sys(__NR_prctl, PR_SVE_SET_VL, n) == (long)n)
			lengths[length_count++] = n;
	begin();
	seeds_run(FIXED_SEEDS, one_seed);
	kill(task, SIGKILL);
	tap_print("# %u writes done, %u refused\n", done_count, refused_count);
	expect(done_count && refused_count);
}
