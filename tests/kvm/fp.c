/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The vector registers of guests, of their VMM and of other threads are never mixed: across exits,
 * between vCPUs that share a CPU, and through ONE_REG.
 */
#include <pthread.h>
#include <string.h>
#include "tests/kvm/lib/fp.h"
#include "tests/kvm/lib/vm.h"

#define REG_V(n)                                                                                   \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U128 | KVM_REG_ARM_CORE |                                    \
	 (KVM_REG_ARM_CORE_REG(fp_regs.vregs[0]) + 4 * (n)))
#define REG_FPSR                                                                                   \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U32 | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(fp_regs.fpsr))
#define REG_FPCR                                                                                   \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U32 | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(fp_regs.fpcr))

enum { SMCCC_VERSION = 0x80000000u };

static struct vm vm;
static struct fp_regs pattern[8], found[8];
static volatile uint64_t bad[8], progress[8], stop;

static void fill(struct fp_regs *r, uint64_t seed)
{
	seed = seed * 0x9e3779b97f4a7c15 + 1;
	for (int i = 0; i < 64; i++)
		r->v[i] = random_next(&seed);
	r->fpsr = random_next(&seed) & 0x0800009f;
	r->fpcr = random_next(&seed) & 0x07c00000;
}

/* Only loops over words: a guest cannot call memcmp. */
static GUEST uint64_t differ(const struct fp_regs *a, const struct fp_regs *b)
{
	uint64_t n = a->fpsr != b->fpsr;

	n += a->fpcr != b->fpcr;
	for (int i = 0; i < 64; i++)
		n += a->v[i] != b->v[i];
	return n;
}

/* Load the pattern, leave in the way asked for, compare; x0 = rounds. */
static GUEST void guest_leaves_by_mmio(uint64_t rounds)
{
	uint64_t me = guest_self()->id, wrong = 0;

	fp_load(&pattern[me]);
	for (uint64_t i = 0; i < rounds; i++) {
		mmio_write64(GUEST_PORT + PORT_TEST, i);
		fp_store(&found[me]);
		wrong += differ(&found[me], &pattern[me]);
	}
	guest_done(wrong);
}

static GUEST void guest_leaves_by_hypercall(uint64_t rounds)
{
	uint64_t me = guest_self()->id, wrong = 0;

	fp_load(&pattern[me]);
	for (uint64_t i = 0; i < rounds; i++) {
		hvc(SMCCC_VERSION, 0, 0, 0);
		fp_store(&found[me]);
		wrong += differ(&found[me], &pattern[me]);
	}
	guest_done(wrong);
}

/* Until told to stop: shares its CPU with others doing the same. */
static GUEST void guest_checks(uint64_t arg)
{
	uint64_t me = guest_self()->id;

	(void)arg;
	fp_load(&pattern[me]);
	while (!stop) {
		fp_store(&found[me]);
		bad[me] += differ(&found[me], &pattern[me]);
		progress[me]++;
	}
	guest_done(bad[me]);
}

static void setup(int vcpus)
{
	for (unsigned i = 0; i < 8; i++)
		fill(&pattern[i], i + 1);
	vm_create(&vm, vcpus);
}

static void mmio_rounds(bool vmm_uses_fp)
{
	enum { ROUNDS = 500 };
	struct vcpu *vcpu = &vm.vcpu[0];
	static struct fp_regs mine, after;
	uint64_t wrong, vmm_wrong = 0;

	setup(1);
	fill(&mine, 99);
	vcpu_start(vcpu, guest_leaves_by_mmio, ROUNDS);
	for (uint64_t i = 0; i < ROUNDS; i++) {
		if (vmm_uses_fp)
			fp_load(&mine);
		if (vcpu_run(vcpu) != 0 || !exit_is_write(vcpu, GUEST_PORT + PORT_TEST, 8, i)) {
			expect(!"the next write");
			break;
		}
		if (vmm_uses_fp) {
			fp_store(&after);
			vmm_wrong += differ(&after, &mine);
		}
	}
	expect(vcpu_run_done(vcpu, &wrong));
	expect_eq(wrong, 0);
	expect_eq(vmm_wrong, 0);
	fp_reset();
	vm_destroy(&vm);
}

TEST(guest_registers_stay_over_exits_to_a_quiet_vmm)
{
	mmio_rounds(false);
}

TEST(guest_and_vmm_registers_stay_apart)
{
	mmio_rounds(true);
}

TEST(guest_registers_stay_over_hypercalls)
{
	uint64_t wrong;

	setup(1);
	vcpu_start(&vm.vcpu[0], guest_leaves_by_hypercall, 5000);
	expect(vcpu_run_done(&vm.vcpu[0], &wrong));
	expect_eq(wrong, 0);
	vm_destroy(&vm);
}

static void *thread_checks(void *arg)
{
	static struct fp_regs mine[2], after[2];
	uint64_t n = (uintptr_t)arg, wrong = 0;

	fill(&mine[n], 50 + n);
	while (!guest_view(&vm, stop)) {
		fp_load(&mine[n]);
		for (volatile int i = 0; i < 20000; i++)
			;
		fp_store(&after[n]);
		wrong += differ(&after[n], &mine[n]);
	}
	fp_reset();
	return (void *)wrong;
}

TEST(four_vcpus_and_two_threads_on_two_cpus)
{
	pthread_t threads[2];
	uint64_t wrong;
	void *thread_wrong;

	setup(4);
	for (int i = 0; i < 4; i++)
		vcpu_thread_start(&vm.vcpu[i], guest_checks, 0);
	for (uintptr_t i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, thread_checks, (void *)i);
	for (int i = 0; i < 4; i++) {
		for (int n = 0; n < 10000 && guest_view(&vm, progress[i]) < 20; n++)
			sleep_ms(1);
	}
	sleep_ms(300);
	guest_view(&vm, stop) = 1;
	for (int i = 0; i < 4; i++) {
		expect(vcpu_thread_join(&vm.vcpu[i], &wrong));
		expect_eq(wrong, 0);
		expect(guest_view(&vm, progress[i]) >= 20);
	}
	for (int i = 0; i < 2; i++) {
		pthread_join(threads[i], &thread_wrong);
		expect_eq(thread_wrong, 0);
	}
	vm_destroy(&vm);
}

static GUEST void guest_shows_and_changes(uint64_t arg)
{
	(void)arg;
	fp_store(&found[0]);
	fp_load(&pattern[1]);
	guest_done(1);
	fp_store(&found[1]);
	guest_done(2);
}

TEST(the_vmm_reads_and_writes_them)
{
	struct vcpu *vcpu = &vm.vcpu[0];
	struct fp_regs seen = { 0 };
	uint64_t done;

	setup(1);
	vcpu_start(vcpu, guest_shows_and_changes, 0);
	for (unsigned i = 0; i < 32; i++)
		expect_eq(reg_set(vcpu, REG_V(i), &pattern[0].v[2 * i]), 0);
	expect_eq(reg_set(vcpu, REG_FPSR, &pattern[0].fpsr), 0);
	expect_eq(reg_set(vcpu, REG_FPCR, &pattern[0].fpcr), 0);
	expect(vcpu_run_done(vcpu, &done));
	expect_eq(differ((struct fp_regs *)guest_address(&vm, &found[0]), &pattern[0]), 0);
	for (unsigned i = 0; i < 32; i++)
		expect_eq(reg_get(vcpu, REG_V(i), &seen.v[2 * i]), 0);
	expect_eq(reg_get(vcpu, REG_FPSR, &seen.fpsr), 0);
	expect_eq(reg_get(vcpu, REG_FPCR, &seen.fpcr), 0);
	expect_eq(differ(&seen, &pattern[1]), 0);
	/* A change of one register while the guest's are in the CPU. */
	expect_eq(reg_set(vcpu, REG_V(7), &pattern[2].v[14]), 0);
	expect(vcpu_run_done(vcpu, &done));
	seen = *(struct fp_regs *)guest_address(&vm, &found[1]);
	expect_eq(seen.v[14], pattern[2].v[14]);
	expect_eq(seen.v[15], pattern[2].v[15]);
	seen.v[14] = pattern[1].v[14];
	seen.v[15] = pattern[1].v[15];
	expect_eq(differ(&seen, &pattern[1]), 0);
	vm_destroy(&vm);
}

static GUEST void guest_fresh(uint64_t arg)
{
	(void)arg;
	fp_store(&found[0]);
	fp_load(&pattern[0]);
	guest_done(1);
}

/* Nothing of another guest or of the VMM is in a new vCPU. */
TEST(a_new_vcpu_has_zeros)
{
	static struct fp_regs mine, zero;
	uint64_t done;

	fill(&mine, 123);
	for (int i = 0; i < 5; i++) {
		setup(1);
		vcpu_start(&vm.vcpu[0], guest_fresh, 0);
		fp_load(&mine);
		expect(vcpu_run_done(&vm.vcpu[0], &done));
		expect_eq(differ((struct fp_regs *)guest_address(&vm, &found[0]), &zero), 0);
		fp_reset();
		vm_destroy(&vm);
	}
}
