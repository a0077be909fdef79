/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A VMM that asks for anything: a vCPU made with features that there are not, finalized in any
 * order, given sets of vector lengths that cannot be, and registers of any number, size and value,
 * to and from memory that is not there. What Linux's arch/arm64/kvm/guest.c and reset.c do with
 * each is worked out here first: the error, and all that the vCPU has from then on, which is what
 * it had if it was refused. Now and then the guest itself looks.
 */
#include <string.h>
#include <sys/mman.h>
#include "tests/kvm/lib/sve.h"
#include "tests/lib/seeds.h"

enum { FIXED_SEEDS = 25, STEPS = 120, PAGE = 4096 };

#define Z(n) KVM_REG_ARM64_SVE_ZREG(n, 0)
#define P(n) KVM_REG_ARM64_SVE_PREG(n, 0)
#define FFR  KVM_REG_ARM64_SVE_FFR(0)
#define VLS  KVM_REG_ARM64_SVE_VLS
#define CORE(size, field)                                                                          \
	(KVM_REG_ARM64 | KVM_REG_SIZE_##size | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(field))
#define V(n)	  (CORE(U128, fp_regs.vregs[0]) + 4 * (n))
#define WORDS	  (sizeof(struct kvm_regs) / 4)
#define MODE	  0x1full
#define FPSR_BITS 0x0800009f
#define FPCR_BITS 0x07c00000

static struct vm vm;
static struct vcpu *vcpu;
static uint8_t *room; /* then nothing */
enum { ROOM = PAGE };

/* What the vCPU has. */
static struct model {
	enum { NEW, INIT, FINAL } phase;
	bool sve;
	uint64_t vls;
	struct kvm_regs regs;
	struct sve_image image; /* in the place of V registers */
	uint64_t system[4];
} model;

/* System registers that keep all of what is written. */
static const uint64_t system_ids[] = {
	ARM64_SYS_REG(3, 3, 13, 0, 2), /* TPIDR_EL0 */
	ARM64_SYS_REG(3, 0, 13, 0, 4), /* TPIDR_EL1 */
	ARM64_SYS_REG(3, 0, 6, 0, 0),  /* FAR_EL1 */
	ARM64_SYS_REG(3, 0, 10, 2, 0), /* MAIR_EL1 */
};

static struct sve_image shown_sve;
static struct fp_regs shown_fp;
static uint64_t shown_tpidr;

static unsigned longest(void)
{
	return 16 * (64 - (unsigned)__builtin_clzll(model.vls));
}

static unsigned size_of(uint64_t id)
{
	return 1u << ((id & KVM_REG_SIZE_MASK) >> KVM_REG_SIZE_SHIFT);
}

static bool there(const uint8_t *at, size_t size)
{
	return at >= room && at + size <= room + ROOM;
}

/* ---- where a register is, or Linux's error ---- */

static long core_place(uint64_t id, void **at)
{
	uint64_t off = id & ~(KVM_REG_ARCH_MASK | KVM_REG_SIZE_MASK | KVM_REG_ARM_CORE);
	uint64_t v0 = KVM_REG_ARM_CORE_REG(fp_regs.vregs[0]), v_end = v0 + 4 * 32, size;

	if (off >= WORDS || off + size_of(id) / 4 >= WORDS)
		return -ENOENT;
	if (off < KVM_REG_ARM_CORE_REG(spsr[0]) + 2 * KVM_NR_SPSR)
		size = 8;
	else if (off >= v0 && off < v_end)
		size = 16;
	else if (off >= v_end && off < v_end + 2)
		size = 4;
	else
		return -EINVAL;
	if (off % (size / 4) || size_of(id) != size || (model.sve && size == 16))
		return -EINVAL;
	*at = (uint32_t *)&model.regs + off;
	return 0;
}

static long sve_place(uint64_t id, void **at, unsigned *size)
{
	unsigned vl = model.sve ? longest() : 16, n = id >> 5 & 31;

	if (id >= Z(0) && id <= KVM_REG_ARM64_SVE_ZREG(31, 31)) {
		*size = vl;
		*at = model.image.bytes + n * vl;
	} else if (id >= P(0) && id <= KVM_REG_ARM64_SVE_FFR(31)) {
		*size = vl / 8;
		*at = model.image.bytes + 32 * vl + n * (vl / 8);
	} else {
		return -EINVAL;
	}
	if (!model.sve || id & 31)
		return -ENOENT;
	return model.phase == FINAL ? 0 : -EPERM;
}

/* size: what the register has; the rest of what its id says is zero. */
static long place(uint64_t id, void **at, unsigned *size)
{
	*size = size_of(id);
	if ((id & ~KVM_REG_SIZE_MASK) >> 32 != KVM_REG_ARM64 >> 32)
		return -EINVAL;
	switch (id & KVM_REG_ARM_COPROC_MASK) {
	case KVM_REG_ARM_CORE:
		return core_place(id, at);
	case KVM_REG_ARM64_SVE:
		return sve_place(id, at, size);
	default:
		for (unsigned i = 0; i < 4; i++)
			if (id == system_ids[i]) {
				*at = &model.system[i];
				return 0;
			}
		return -ENOENT;
	}
}

static bool mode_is_ok(uint64_t pstate)
{
	return (pstate & MODE) == 0 || (pstate & MODE) == 4 || (pstate & MODE) == 5;
}

/* ---- steps ---- */

static uint64_t any_system(void)
{
	/* nobody's, of registers that there are not anywhere */
	static const uint64_t none[] = { ARM64_SYS_REG(3, 7, 15, 15, 7),
					 ARM64_SYS_REG(2, 7, 15, 0, 7),
					 ARM64_SYS_REG(1, 6, 9, 9, 1) };

	return seeds_pick(3) ? seeds_of(system_ids) : seeds_of(none);
}

static uint64_t any_id(void)
{
	uint64_t id;

	switch (seeds_pick(6)) {
	case 0:
	case 1:
		id = KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | 2 * seeds_pick(50);
		break;
	case 2:
		id = V(seeds_pick(32));
		break;
	case 3:
		id = seeds_pick(2) ? CORE(U32, fp_regs.fpsr) : CORE(U32, fp_regs.fpcr);
		break;
	case 4:
		id = seeds_pick(3) ? Z(seeds_pick(32)) : seeds_pick(3) ? P(seeds_pick(16)) : FFR;
		break;
	default:
		return any_system();
	}
	switch (seeds_pick(12)) {
	case 0:
		return id ^ 1ull << (52 + seeds_pick(4));
	case 1:
		return id ^ 1ull << seeds_pick(64);
	case 2:
		return id + seeds_pick(900);
	default:
		return id;
	}
}

/* A known register, or one whose error is known: those left out may be there or not. */
static bool is_known(uint64_t id)
{
	uint64_t kind = id & KVM_REG_ARM_COPROC_MASK;

	if ((id & ~KVM_REG_SIZE_MASK) >> 32 != KVM_REG_ARM64 >> 32)
		return true;
	if (kind == KVM_REG_ARM_CORE || (kind == KVM_REG_ARM64_SVE && id != VLS))
		return true;
	for (unsigned i = 0; i < 4; i++)
		if (id == system_ids[i])
			return true;
	return id == ARM64_SYS_REG(3, 7, 15, 15, 7) || id == ARM64_SYS_REG(2, 7, 15, 0, 7) ||
	       id == ARM64_SYS_REG(1, 6, 9, 9, 1);
}

static void tell(const char *what, uint64_t id)
{
	tap_print("# %s %#lx, phase %d, SVE %d, lengths %#lx\n", what, (long)id, model.phase,
		  model.sve, (long)model.vls);
}

/* The error, or -EFAULT as well if the value cannot be reached: which of two comes first is
 * nobody's. */
static bool as_wanted(long got, long want, bool reached)
{
	return (got == -EFAULT && !reached) || ((reached || want) && got == want);
}

static void get_register(uint64_t id)
{
	unsigned size = 0, whole = size_of(id);
	uint8_t *to = seeds_pick(8) ? room : room + ROOM - seeds_pick(2) * (whole / 2);
	bool reached = there(to, whole);
	void *at = NULL;
	long want = model.phase == NEW ? -ENOEXEC : place(id, &at, &size);
	long got;

	if (whole > ROOM)
		return;
	memset(room, 0xee, ROOM);
	got = reg_get(vcpu, id, to);
	if (!expect(as_wanted(got, want, reached))) {
		tap_print("# got %ld, want %ld\n", got, want);
		return tell("get", id);
	}
	if (got == 0) {
		expect_eq(memcmp(to, at, size), 0);
		for (unsigned i = size; i < whole; i++)
			expect_eq(to[i], 0);
	}
	if (tap_failed)
		tell("get", id);
}

static void learn(uint64_t id, void *at, unsigned size)
{
	expect_eq(reg_get(vcpu, id, room), 0);
	memcpy(at, room, size);
}

static void set_register(uint64_t id)
{
	unsigned size = 0, whole = size_of(id);
	uint8_t *from = seeds_pick(8) ? room : room + ROOM - seeds_pick(2) * (whole / 2);
	uint64_t *words = (uint64_t *)room;
	bool reached = there(from, whole);
	void *at = NULL;
	long want = model.phase == NEW ? -ENOEXEC : place(id, &at, &size);
	long got;

	if (whole > ROOM)
		return;
	for (unsigned i = 0; i < ROOM / 8; i++)
		words[i] = seeds_number();
	if (id == CORE(U64, regs.pstate)) {
		words[0] = seeds_pick(2) ? 0x3c0 | seeds_pick(16) : seeds_pick(1ul << 32);
		if (words[0] & 0x10) /* of AArch32 Linux takes some, where there is one */
			words[0] = 0x3c5;
		if (reached)
			memmove(from, words, 8);
		want = !want && reached && !mode_is_ok(words[0]) ? -EINVAL : want;
		if ((words[0] & MODE) > 7) /* EL2's modes: with nested guests */
			return;
	}
	if (reached && (id == CORE(U32, fp_regs.fpsr) || id == CORE(U32, fp_regs.fpcr)))
		*(uint32_t *)from = 0;
	if (id == FFR) { /* from the lowest bit on, no others */
		memset(room, 0, ROOM);
		words[0] = (1ull << seeds_pick(17)) - 1;
	}
	got = reg_set(vcpu, id, from);
	/* Of a Z register of fewer bytes Linux reads no more. */
	if (!expect(as_wanted(got, want, reached) || (got == 0 && want == 0 && there(from, size)))) {
		tap_print("# got %ld, want %ld\n", got, want);
		return tell("set", id);
	}
	if (got == 0)
		memcpy(at, from, size);
	else if (got == -EFAULT && want == 0 &&
		 (id & KVM_REG_ARM_COPROC_MASK) == KVM_REG_ARM64_SVE && !on_stet())
		learn(id, at, size); /* Linux has taken what could be reached */
	if (tap_failed)
		tell("set", id);
}

static void set_lengths(void)
{
	uint64_t vls[8] = { sve_lengths() }, most = vls[0];
	uint64_t *from = (uint64_t *)room;
	long want = model.phase == NEW	   ? -ENOEXEC
		    : !model.sve	   ? -ENOENT
		    : model.phase == FINAL ? -EPERM
					   : 0;
	bool reached = true, good;

	if (seeds_pick(2)) /* up to one of them */
		vls[0] &= (2ull << seeds_pick(16)) - 1;
	if (seeds_pick(2))
		vls[seeds_pick(seeds_pick(2) ? 1 : 8)] ^= 1ull
							  << seeds_pick(seeds_pick(2) ? 17 : 64);
	good = vls[0] && vls[0] == (most & (~0ull >> __builtin_clzll(vls[0])));
	for (int i = 1; i < 8; i++)
		good &= !vls[i];
	if (seeds_pick(8) == 0) {
		from = (uint64_t *)(room + ROOM - 32);
		reached = false;
	}
	memcpy(from, vls, reached ? 64 : 32);
	want = !want && !good ? -EINVAL : want;
	if (!expect(as_wanted(reg_set(vcpu, VLS, from), want, reached)))
		tell("set lengths", vls[0]);
	if (!want && reached)
		model.vls = vls[0];
}

static void get_lengths(void)
{
	uint64_t vls[8];
	long want = model.phase == NEW ? -ENOEXEC : model.sve ? 0 : -ENOENT;

	memset(vls, 0xee, sizeof(vls));
	if (!expect_eq(reg_get(vcpu, VLS, vls), want) || want)
		return;
	expect_eq(vls[0], model.vls);
	for (int i = 1; i < 8; i++)
		expect_eq(vls[i], 0);
}

static void finalize(void)
{
	static const int features[] = { KVM_ARM_VCPU_SVE, KVM_ARM_VCPU_SVE, 0, 2, 6, 7, 31, 32, -1,
					1 << 20 };
	int feature = seeds_of(features);
	long want = model.phase == NEW				? -ENOEXEC
		    : feature != KVM_ARM_VCPU_SVE || !model.sve ? -EINVAL
		    : model.phase == FINAL			? -EPERM
								: 0;

	if (seeds_pick(8) == 0)
		expect_eq(ioc(vcpu->fd, KVM_ARM_VCPU_FINALIZE, room + ROOM - 2),
			  model.phase == NEW ? -ENOEXEC : -EFAULT);
	else if (!expect_eq(ioc(vcpu->fd, KVM_ARM_VCPU_FINALIZE, &feature), want))
		tell("finalize", (uint64_t)feature);
	else if (!want)
		model.phase = FINAL;
}

static void reset_model(bool sve)
{
	memset(&model.regs, 0, sizeof(model.regs));
	memset(&model.image, 0, sizeof(model.image));
	model.sve = sve;
	if (model.phase != FINAL)
		model.vls = sve ? sve_lengths() : 0;
	model.phase = model.phase == FINAL || !sve ? FINAL : INIT;
	/* what a reset gives to others is theirs */
	for (unsigned i = 0; i < 31; i++)
		model.regs.regs.regs[i] = reg_get64(vcpu, REG_X(i));
	model.regs.regs.sp = reg_get64(vcpu, REG_CORE(regs.sp));
	model.regs.regs.pc = reg_get64(vcpu, REG_CORE(regs.pc));
	model.regs.regs.pstate = reg_get64(vcpu, REG_CORE(regs.pstate));
	model.regs.sp_el1 = reg_get64(vcpu, REG_CORE(sp_el1));
	model.regs.elr_el1 = reg_get64(vcpu, REG_CORE(elr_el1));
	for (unsigned i = 0; i < KVM_NR_SPSR; i++)
		model.regs.spsr[i] = reg_get64(vcpu, REG_CORE(spsr[0]) + 2 * i);
	for (unsigned i = 0; i < 4; i++)
		model.system[i] = reg_get64(vcpu, system_ids[i]);
}

/* KVM_ARM_VCPU_INIT: wrong in one way at most, for Linux 6.1 keeps bits of what it refuses. */
static void init(void)
{
	struct kvm_vcpu_init init;
	bool sve = model.phase == NEW ? seeds_pick(3) && sve_lengths() : model.sve;
	long want = 0;

	expect_eq(ioc(vm.fd, KVM_ARM_PREFERRED_TARGET, &init), 0);
	memset(init.features, 0, sizeof(init.features));
	init.features[0] = sve ? VCPU_WITH_SVE : VCPU_PLAIN;
	switch (seeds_pick(6)) {
	case 0:
		init.target += 1 + (uint32_t)seeds_pick(1000);
		want = -EINVAL;
		break;
	case 1: /* no such feature */
		init.features[0] = 0;
		init.features[1 + seeds_pick(6)] = 1u << seeds_pick(32);
		want = model.phase == NEW ? -ENOENT : 1;
		break;
	case 2:
		expect_eq(ioc(vcpu->fd, KVM_ARM_VCPU_INIT, room + ROOM - 8), -EFAULT);
		return;
	case 3:
		if (model.phase == NEW)
			break;
		init.features[0] ^= 1u << KVM_ARM_VCPU_SVE;
		want = -EINVAL;
		break;
	}
	if (want == 1) { /* unknown, or other features than before: one of the two is told */
		long got = ioc(vcpu->fd, KVM_ARM_VCPU_INIT, &init);

		expect(got == -ENOENT || got == -EINVAL);
		return;
	}
	if (!expect_eq(ioc(vcpu->fd, KVM_ARM_VCPU_INIT, &init), want))
		tell("init", init.features[0]);
	else if (!want)
		reset_model(sve);
}

static void list_and_run(void)
{
	struct kvm_reg_list list = { 0 };

	if (model.phase == FINAL) {
		expect_eq(ioc(vcpu->fd, KVM_GET_REG_LIST, &list), -E2BIG);
		expect_eq(ioc(vcpu->fd, KVM_GET_REG_LIST, room + ROOM - 4), -EFAULT);
		return;
	}
	expect_eq(ioc(vcpu->fd, KVM_GET_REG_LIST, &list), model.phase == NEW ? -ENOEXEC : -EPERM);
	expect_eq(vcpu_run(vcpu), model.phase == NEW ? -ENOEXEC : -EPERM);
}

/* ---- the guest looks ---- */

static GUEST void guest_shows(uint64_t vl)
{
	sysreg_write(cpacr_el1, CPACR_OPEN);
	isb();
	shown_tpidr = sysreg_read(tpidr_el0);
	if (vl) {
		sysreg_write(s3_0_c1_c2_0, vl / 16 - 1);
		isb();
	}
	/* at the door: the VMM puts the registers in now */
	guest_done(vl);
	if (vl)
		sve_store(&shown_sve);
	else
		fp_store(&shown_fp);
	guest_done(vl ? sve_length() : 0);
}

static void write_vectors(void)
{
	for (unsigned n = 0; n < 49 && model.sve; n++) {
		uint64_t id = n < 32 ? Z(n) : n < 48 ? P(n - 32) : FFR;
		unsigned size;
		void *at;

		expect_eq(place(id, &at, &size), 0);
		memset(room, 0xee, 256);
		memcpy(room, at, size);
		expect_eq(reg_set(vcpu, id, room), 0);
	}
	for (unsigned n = 0; n < 32 && !model.sve; n++)
		expect_eq(reg_set(vcpu, V(n), &model.regs.fp_regs.vregs[n]), 0);
}

static void look(void)
{
	unsigned vl = model.sve ? longest() : 0;
	uint64_t done = 0;

	expect_eq(reg_set64(vcpu, REG_CORE(regs.pstate), 0x3c5), 0);
	vcpu_start(vcpu, guest_shows, vl);
	expect(vcpu_run_done(vcpu, &done));
	expect_eq(guest_view(&vm, shown_tpidr), model.system[0]);
	write_vectors();
	expect(vcpu_run_done(vcpu, &done));
	expect_eq(done, vl);
	if (vl)
		expect_eq(sve_differ(guest_address(&vm, &shown_sve), &model.image, vl, false), 0);
	else
		expect_eq(memcmp(guest_address(&vm, shown_fp.v), model.regs.fp_regs.vregs, 512), 0);
}

static void one_seed(void)
{
	memset(&model, 0, sizeof(model));
	vm_create_bare(&vm);
	vm_add_ram(&vm);
	expect_eq(vm_add_vcpu(&vm, 0), 0);
	vcpu = &vm.vcpu[0];
	for (int i = 0; i < STEPS && !tap_failed; i++) {
		uint64_t what = seeds_pick(model.phase == FINAL ? 40 : 16), id = any_id();

		if (what == 0)
			init();
		else if (what == 1)
			finalize();
		else if (what == 2)
			set_lengths();
		else if (what == 3)
			get_lengths();
		else if (what == 4)
			list_and_run();
		else if (!is_known(id))
			continue;
		else if (what % 2)
			get_register(id);
		else
			set_register(id);
	}
	if (model.phase == FINAL && !tap_failed)
		look();
	vm_destroy(&vm);
}

TEST(what_a_vmm_asks)
{
	room = mmap(NULL, ROOM + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	require(!mprotect(room + ROOM, PAGE, PROT_NONE));
	seeds_run(FIXED_SEEDS, one_seed);
}
