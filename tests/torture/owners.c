/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The second half of vcpus.c: who owns the registers, who has access to them, and what ends with
 * whom.
 */
#include <sys/sysinfo.h>
#include "tests/lib/abi.h"
#include "tests/torture/lib/scene.h"

enum { EC_FP = 7, EC_SVE = 0x19 };
#define ZCR_EL1	  ARM64_SYS_REG(3, 0, 1, 2, 0)
#define CPACR_EL1 ARM64_SYS_REG(3, 0, 1, 0, 2)

static volatile uint64_t wrong_words;

/* The same with calls of firmware alone. */
static GUEST void guest_calls(uint64_t vl)
{
	uint64_t wrong = 0;

	state_open(vl);
	found.vl = vl;
	state_load(&want);
	while (!stop) {
		hvc(VERSION_CALL, 0, 0, 0);
		state_store(&found);
		wrong += state_differ(&found, &want);
		turns++;
	}
	guest_done(wrong);
}

static GUEST void guest_words(uint64_t arg)
{
	(void)arg;
	state_open(0);
	for (uint64_t bit = 0; bit < 32; bit++) {
		sysreg_write(fpsr, FPSR_BITS & 1u << bit);
		sysreg_write(fpcr, FPCR_BITS & 1u << bit);
		mmio_write64(GUEST_PORT + PORT_TEST, bit);
		wrong_words |= sysreg_read(fpsr) ^ (FPSR_BITS & 1u << bit);
		wrong_words |= sysreg_read(fpcr) ^ (FPCR_BITS & 1u << bit);
	}
	guest_done(wrong_words);
}

/* Xen on AMD: some instructions leave the status words out. */
TEST(B37_every_bit_of_fpsr_and_fpcr)
{
	struct vcpu *vcpu = state_vm(&vm, 0);
	uint64_t wrong;

	vcpu_start(vcpu, guest_words, 0);
	for (unsigned bit = 0; bit < 32; bit++) {
		expect_eq(vmm_runs_with_words(vcpu, bit, FPSR_BITS & ~(1u << bit),
					      FPCR_BITS & 1u << (31 - bit)),
			  0);
	}
	expect(vcpu_run_done(vcpu, &wrong));
	expect_eq(wrong, 0);
	vm_destroy(&vm);
}

static GUEST void guest_traps_itself(uint64_t vl)
{
	struct guest_cpu *me = guest_self();
	uint64_t wrong = 0;

	for (uint64_t i = 0; !stop; i++) {
		uint64_t before = me->faults;

		sysreg_write(cpacr_el1, 0);
		isb();
		mmio_write64(GUEST_PORT + PORT_TEST, i);
		__asm__ volatile("movi v0.16b, #0x5a" ::: "v0");
		wrong += me->faults != before + 1 || me->esr >> 26 != EC_FP;
		if (!vl)
			continue;
		sysreg_write(cpacr_el1, CPACR_FP);
		isb();
		__asm__ volatile(".inst 0x04a00000"); /* add z0.s, z0.s, z0.s */
		wrong += me->faults != before + 2 || me->esr >> 26 != EC_SVE;
	}
	guest_done(wrong);
}

/* Xen, seL4: the guest's own trap was taken for the hypervisor's, or access given that was not its.
 */
TEST(B38_B51_a_guest_that_has_closed_the_registers_gets_its_own_trap)
{
	unsigned most = state_longest();
	struct vcpu *vcpu = begin(&vm, most, guest_traps_itself, 0), *other;

	other = begin(&vm2, most, guest_keeps, 38);
	for (unsigned i = 0; i < ROUNDS; i++) {
		expect_eq(vcpu_run(vcpu), 0);
		expect_eq(vmm_runs(other, i % 2 ? most : 0, i), 0);
	}
	end(&vm);
	end(&vm2);
}

/* Xen: what a save left out a restore brought in. Every class on one CPU. */
TEST(B40_all_classes_in_turn_on_one_cpu)
{
	unsigned most = state_longest();
	uint64_t s = 40;
	struct rival r[2];
	struct vcpu *a = begin(&vm, most, guest_keeps, 40), *b = begin(&vm2, 0, guest_keeps, 41);

	cpus_pin(0);
	rival_start(&r[0], 0, 0);
	rival_start(&r[1], 0, state_any_length(&s));
	for (unsigned i = 0; i < ROUNDS; i++) {
		uint64_t what = random_next(&s);

		if (what & 1)
			expect_eq(vmm_runs(a, what & 2 ? state_any_length(&s) : 0, i), 0);
		if (what & 4)
			expect_eq(vmm_runs(b, what & 8 ? state_any_length(&s) : 0, i), 0);
		r[0].go |= (what & 16) != 0;
		r[1].go |= (what & 32) != 0;
		if (what & 64)
			sys(__NR_sched_yield);
	}
	end(&vm);
	end(&vm2);
	rival_end(&r[0]);
	rival_end(&r[1]);
	cpus_unpin(cpus);
}

/* Xen: it trapped on itself. Here: registers saved while access to them is closed, on this CPU and
 * for another one. */
TEST(B42_saved_while_closed)
{
	unsigned most = state_longest();
	struct vcpu *owner = begin(&vm, most, guest_keeps, 42),
		    *quiet = begin(&vm2, most, guest_idles, 0);
	static struct state s;

	for (unsigned i = 0; i < ROUNDS; i++) {
		cpus_pin(0);
		expect_eq(vcpu_run(owner), 0);
		expect_eq(vcpu_run(quiet), 0); /* closes them */
		if (i % 2 && cpus > 1)
			cpus_pin(1);
		state_from_vcpu(owner, &s, most);
		expect_eq(state_differ(&s, guest_address(&vm, &want)), 0);
	}
	cpus_unpin(cpus);
	end(&vm);
	end(&vm2);
}

/* Xen: what was written and never ran was not taken along. And B34: byte n of a vector is byte n.
 */
TEST(B43_B34_written_registers_are_read_back_without_a_run)
{
	static struct state s, t;

	for (unsigned i = 0; i < 10; i++) {
		uint64_t seed = i;
		unsigned vl = i % 2 ? state_any_length(&seed) : 0;
		struct vcpu *vcpu = state_vm(&vm, vl);

		state_fill(&s, vl, i + 4300);
		state_to_vcpu(vcpu, &s);
		state_from_vcpu(vcpu, &t, vl);
		expect_eq(state_differ(&t, &s), 0);
		vm_destroy(&vm);
	}
}

static long free_kib(void)
{
	struct sysinfo info;

	sysinfo(&info);
	return (long)(info.freeram * info.mem_unit >> 10);
}

/* Xen: each vCPU with SVE left its memory behind. */
TEST(B44_vcpus_come_and_go_and_leave_nothing)
{
	enum { WARM_UP = 20, LIVES = 1000 };
	unsigned lives = rounds_wanted(LIVES);
	unsigned most = state_longest();
	long before = 0;

	for (unsigned i = 0; i < WARM_UP + lives && !tap_failed; i++) {
		if (i == WARM_UP)
			before = free_kib();
		vm_create_bare(&vm);
		state_vcpu(&vm, most);
		vm_destroy(&vm);
	}
	/* an image is 8 KiB at 2048 bits; what other processes and caches have is not known */
	expect(free_kib() > before - (stet_count("cpus") > 0 ? 1024 : 16384));
}

struct pair {
	int cpu;
	long wrong;
};

static void *run_both(void *arg)
{
	struct pair *p = arg;
	struct vcpu *vcpus[2] = { &vm.vcpu[0], &vm2.vcpu[0] };

	cpus_pin(p->cpu);
	for (int i = 0; i < 2 * ROUNDS; i++)
		p->wrong += vcpu_run(vcpus[(i + p->cpu) % 2]) != 0;
	return NULL;
}

/* Zephyr: two CPUs that each wanted the other's waited for ever. */
TEST(B47_two_cpus_want_each_others_registers)
{
	struct pair pairs[2] = { { .cpu = 0 }, { .cpu = 1 } };
	unsigned most = state_longest();
	pthread_t t[2];

	need_two_cpus();
	begin(&vm, most, guest_keeps, 47);
	begin(&vm2, most, guest_keeps, 48);
	for (int i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, run_both, &pairs[i]);
	for (int i = 0; i < 2; i++) {
		pthread_join(t[i], NULL);
		expect_eq(pairs[i].wrong, 0);
	}
	end(&vm);
	end(&vm2);
}

/* NuttX: the owner stayed behind on the old CPU. */
TEST(B48_another_cpu_at_each_exit)
{
	unsigned most = state_longest();
	struct vcpu *vcpu;

	need_two_cpus();
	vcpu = begin(&vm, most, guest_keeps, 48);
	for (unsigned i = 0; i < 2 * ROUNDS; i++) {
		cpus_pin((int)i % 2);
		expect_eq(vmm_runs(vcpu, i % 3 ? most : 0, i), 0);
	}
	cpus_unpin(cpus);
	end(&vm);
}

static void lone_user(void)
{
	struct vcpu *vcpu = begin(&vm, state_longest(), guest_keeps, 50);
	long traps = 0;

	cpus_pin(0);
	for (unsigned i = 0; i < 400; i++) {
		if (i == 100)
			traps = stet_count("vector bank: traps of first use");
		expect_eq(vcpu_run(vcpu), 0);
	}
	if (traps >= 0)
		expect(stet_count("vector bank: traps of first use") - traps < 10);
	cpus_unpin(cpus);
	end(&vm);
}

/* seL4: a lone user trapped again and again. */
TEST(B50_a_lone_user_does_not_trap)
{
	in_a_new_thread(lone_user);
}

static GUEST void guest_closes_over_its_data(uint64_t vl)
{
	uint64_t wrong = 0;

	(void)vl;
	state_open(0);
	state_load(&want);
	while (!stop) {
		sysreg_write(cpacr_el1, 0);
		isb();
		mmio_write64(GUEST_PORT + PORT_TEST, turns++);
		sysreg_write(cpacr_el1, CPACR_FP);
		isb();
		state_store(&found);
		wrong += state_differ(&found, &want);
	}
	guest_done(wrong);
}

/* OP-TEE: registers that are closed were taken for registers without data. */
TEST(B53_data_behind_a_closed_door)
{
	struct vcpu *vcpu = begin(&vm, 0, guest_closes_over_its_data, 53);

	for (unsigned i = 0; i < ROUNDS; i++)
		expect_eq(vmm_runs(vcpu, i % 2 ? state_longest() : 0, i), 0);
	end(&vm);
}

/* TF-A, Xen: what firmware did to Z registers. Here: a guest's calls to its firmware, the kernel,
 * with somebody else who wants the CPU and its registers. */
TEST(B41_B54_calls_of_firmware_keep_all)
{
	uint64_t value = 1;
	struct rival r;

	begin(&vm, state_longest(), guest_calls, 54);
	cpus_pin(0);
	rival_start(&r, 0, state_longest());
	vcpu_thread_start(&vm.vcpu[0], guest_calls, state_longest());
	for (int i = 0; i < 50; i++) {
		r.go = 1;
		sleep_ms(2);
	}
	guest_view(&vm, stop) = 1;
	expect(vcpu_thread_join(&vm.vcpu[0], &value));
	expect_eq(value, 0);
	rival_end(&r);
	cpus_unpin(cpus);
	vm_destroy(&vm);
}

/* x86: an image from outside brought in what was switched off. */
TEST(B59_no_image_opens_what_is_closed)
{
	static const uint64_t junk[] = { ~0ull, 0x1ff, 15, 0, 0x5a5a5a5a5a5a5a5a };
	uint64_t value[32] = { 0 }, length;
	struct vcpu *vcpu = state_vm(&vm, 0);

	expect_eq(reg_set(vcpu, KVM_REG_ARM64_SVE_ZREG(0, 0), value), -ENOENT);
	expect_eq(reg_set(vcpu, ZCR_EL1, value), -ENOENT);
	vm_destroy(&vm);
	need_sve();
	vcpu = begin(&vm, 16, guest_changes_its_length, 59);
	for (unsigned i = 0; i < sizeof(junk) / sizeof(junk[0]); i++) {
		reg_set64(vcpu, ZCR_EL1, junk[i]);
		reg_set64(vcpu, CPACR_EL1, junk[i] & (CPACR_FP | CPACR_SVE));
		expect_eq(vcpu_run(vcpu), 0);
		reg_set64(vcpu, CPACR_EL1, CPACR_FP | CPACR_SVE);
		expect(vcpu_run_done(vcpu, &length));
		expect_eq(length, 16); /* the longest it has, whatever was written */
	}
	vm_destroy(&vm);
}

/* Cloud Hypervisor, Firecracker: V registers beside SVE, lengths after FINALIZE. */
TEST(B60_v_registers_and_lengths_once_sve_is_there)
{
	uint64_t value[8] = { 0 };
	struct vcpu *vcpu;

	need_sve();
	vcpu = state_vm(&vm, state_longest());
	for (unsigned n = 0; n < 32; n++) {
		uint64_t id = KVM_REG_ARM64 | KVM_REG_SIZE_U128 | KVM_REG_ARM_CORE |
			      (KVM_REG_ARM_CORE_REG(fp_regs.vregs[0]) + 4 * n);

		expect_eq(reg_get(vcpu, id, value), -EINVAL);
		expect_eq(reg_set(vcpu, id, value), -EINVAL);
	}
	expect_eq(reg_get(vcpu, KVM_REG_ARM64_SVE_VLS, value), 0);
	expect_eq(reg_set(vcpu, KVM_REG_ARM64_SVE_VLS, value), -EPERM);
	vm_destroy(&vm);
}
