/* SPDX-License-Identifier: BSD-2-Clause */
/* See state.h. */
#include <stdio.h>
#include <string.h>
#include "tests/lib/abi.h"
#include "tests/torture/lib/state.h"

#define FEATURES (1u << KVM_ARM_VCPU_PSCI_0_2)
#define REG_V(n)                                                                                   \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U128 | KVM_REG_ARM_CORE |                                    \
	 (KVM_REG_ARM_CORE_REG(fp_regs.vregs[0]) + 4 * (n)))
#define REG_WORD(field)                                                                            \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U32 | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(fp_regs.field))

enum { SVE_REGS = 32 + 16 + 1, P0 = 32, FFR = 48 };

void state_fill(struct state *s, unsigned vl, uint64_t seed)
{
	memset(s, 0, sizeof(*s));
	s->vl = vl;
	seed = seed * 0x9e3779b97f4a7c15 + 1;
	if (vl)
		sve_fill(&s->sve, vl, seed);
	for (int i = 0; i < 64 && !vl; i++)
		s->fp.v[i] = random_next(&seed);
	s->fp.fpsr = random_next(&seed) & FPSR_BITS;
	s->fp.fpcr = random_next(&seed) & FPCR_BITS;
}

GUEST void state_load(const struct state *s)
{
	if (!s->vl)
		return fp_load(&s->fp);
	sve_load(&s->sve);
	sysreg_write(fpsr, s->fp.fpsr);
	sysreg_write(fpcr, s->fp.fpcr);
}

GUEST void state_store(struct state *s)
{
	if (!s->vl)
		return fp_store(&s->fp);
	sve_store(&s->sve);
	s->fp.fpsr = (uint32_t)sysreg_read(fpsr);
	s->fp.fpcr = (uint32_t)sysreg_read(fpcr);
}

GUEST uint64_t state_differ(const struct state *a, const struct state *b)
{
	const uint64_t *x = a->vl ? (const uint64_t *)&a->sve : a->fp.v;
	const uint64_t *y = a->vl ? (const uint64_t *)&b->sve : b->fp.v;
	uint64_t words = a->vl ? (SVE_SIZE(a->vl) + 7) / 8 : 64;
	uint64_t n = (uint64_t)(a->fp.fpsr != b->fp.fpsr) + (a->fp.fpcr != b->fp.fpcr);

	for (uint64_t i = 0; i < words; i++)
		n += x[i] != y[i];
	return n;
}

GUEST void state_open(uint64_t vl)
{
	sysreg_write(cpacr_el1, vl ? CPACR_FP | CPACR_SVE : CPACR_FP);
	isb();
	if (vl)
		sysreg_write(s3_0_c1_c2_0, vl / 16 - 1); /* ZCR_EL1 */
	isb();
}

/* Where SVE's register n lies in the image, and its bytes. */
static unsigned place(unsigned n, unsigned vl, unsigned *size)
{
	*size = n < P0 ? vl : vl / 8;
	return n < P0 ? n * vl : P0 * vl + (n - P0) * *size;
}

static uint64_t id_of(unsigned n)
{
	return n < P0	 ? KVM_REG_ARM64_SVE_ZREG(n, 0)
	       : n < FFR ? KVM_REG_ARM64_SVE_PREG(n - P0, 0)
			 : KVM_REG_ARM64_SVE_FFR(0);
}

void state_to_vcpu(struct vcpu *vcpu, const struct state *s)
{
	uint8_t value[SVE_MOST] = { 0 };
	unsigned size;

	for (unsigned n = 0; n < (s->vl ? SVE_REGS : 0); n++) {
		unsigned at = place(n, (unsigned)s->vl, &size);

		memcpy(value, s->sve.bytes + at, size);
		expect_eq(reg_set(vcpu, id_of(n), value), 0);
	}
	for (unsigned n = 0; n < (s->vl ? 0 : 32); n++)
		expect_eq(reg_set(vcpu, REG_V(n), &s->fp.v[2 * n]), 0);
	expect_eq(reg_set(vcpu, REG_WORD(fpsr), &s->fp.fpsr), 0);
	expect_eq(reg_set(vcpu, REG_WORD(fpcr), &s->fp.fpcr), 0);
}

void state_from_vcpu(struct vcpu *vcpu, struct state *s, unsigned vl)
{
	uint8_t value[SVE_MOST];
	unsigned size;

	memset(s, 0, sizeof(*s));
	s->vl = vl;
	for (unsigned n = 0; n < (vl ? SVE_REGS : 0); n++) {
		unsigned at = place(n, vl, &size);

		expect_eq(reg_get(vcpu, id_of(n), value), 0);
		memcpy(s->sve.bytes + at, value, size);
	}
	for (unsigned n = 0; n < (vl ? 0 : 32); n++)
		expect_eq(reg_get(vcpu, REG_V(n), &s->fp.v[2 * n]), 0);
	expect_eq(reg_get(vcpu, REG_WORD(fpsr), &s->fp.fpsr), 0);
	expect_eq(reg_get(vcpu, REG_WORD(fpcr), &s->fp.fpcr), 0);
}

uint64_t state_lengths(void)
{
	static uint64_t vls[8];
	static bool known;
	struct vm vm;

	if (known)
		return vls[0];
	known = true;
	vm_create_bare(&vm);
	expect_eq(vm_add_vcpu(&vm, 0), 0);
	if (vcpu_init(&vm.vcpu[0], FEATURES | 1u << KVM_ARM_VCPU_SVE) == 0)
		expect_eq(reg_get(&vm.vcpu[0], KVM_REG_ARM64_SVE_VLS, vls), 0);
	vm_destroy(&vm);
	return vls[0];
}

unsigned state_longest(void)
{
	return state_lengths() ? 16 * (64 - (unsigned)__builtin_clzl(state_lengths())) : 0;
}

unsigned state_any_length(uint64_t *seed)
{
	unsigned vq;

	if (!state_lengths())
		return 0;
	do
		vq = 1 + (unsigned)random_next(seed) % 16;
	while (!(state_lengths() >> (vq - 1) & 1));
	return 16 * vq;
}

struct vcpu *state_vcpu(struct vm *vm, unsigned vl)
{
	struct vcpu *vcpu = &vm->vcpu[vm->vcpu_count];
	uint64_t vls[8] = { vl ? state_lengths() & ((2ull << (vl / 16 - 1)) - 1) : 0 };
	int sve = KVM_ARM_VCPU_SVE;

	expect_eq(vm_add_vcpu(vm, vm->vcpu_count), 0);
	expect_eq(vcpu_init(vcpu, FEATURES | (vl ? 1u << KVM_ARM_VCPU_SVE : 0)), 0);
	if (vl) {
		expect_eq(reg_set(vcpu, KVM_REG_ARM64_SVE_VLS, vls), 0);
		expect_eq(ioc(vcpu->fd, KVM_ARM_VCPU_FINALIZE, &sve), 0);
	}
	return vcpu;
}

struct vcpu *state_vm(struct vm *vm, unsigned vl)
{
	vm_create_bare(vm);
	vm_add_ram(vm);
	return state_vcpu(vm, vl);
}

long stet_count(const char *name)
{
	char line[128], format[64];
	long value = -1, found;
	FILE *in = fopen("/proc/stet", "r");

	if (!in)
		return -1;
	snprintf(format, sizeof(format), "  %s %%ld", name);
	while (fgets(line, sizeof(line), in))
		if (sscanf(line, format, &found) == 1)
			value = found;
	fclose(in);
	return value;
}
