/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ways in which hypervisors lost a guest's or their VMM's vector registers, each as a test named
 * after its bug (README.md has the list; owners.c goes on). Guests hold patterns in V registers or
 * in all of SVE, up to the longest vector there is; where there is none, V registers only.
 */
#include <pthread.h>
#include <linux/prctl.h>
#include "tests/lib/abi.h"
#include "tests/torture/lib/scene.h"

/* Shows what it finds, exit by exit, and takes no notice of what it was. */
static GUEST void guest_shows(uint64_t vl)
{
	state_open(vl);
	found.vl = vl;
	for (;;) {
		state_store(&found);
		guest_done(turns++);
	}
}

/* Linux: its mark for SVE and the trap's bit disagreed, and the VMM's registers went. */
TEST(B01_vmm_and_its_vectors_between_runs_under_preemption)
{
	unsigned most = state_longest();
	struct rival r;

	need_sve();
	for (int uses = 0; uses < 2; uses++) {
		struct vcpu *vcpu = begin(&vm, most, uses ? guest_keeps : guest_idles, 1);

		cpus_pin(0);
		rival_start(&r, 0, 16);
		for (unsigned i = 0; i < ROUNDS; i++) {
			expect_eq(vmm_runs(vcpu, most, i), 0);
			sve_fill(&mine, most, i);
			for (int wait = 0; wait < 3; wait++)
				sve_hold(&mine, &after, __NR_sched_yield, 0, 0, (int *)&now);
			expect_eq(sve_differ(&after, &mine, most, true), 0);
			r.go = 1;
		}
		end(&vm);
		rival_end(&r);
		cpus_unpin(cpus);
	}
}

/* Linux: the length in the CPU was not the length the state was bound with. What is past the short
 * length may be the guest's own or zero; nobody else's. */
TEST(B04_guest_leaves_with_a_short_length)
{
	unsigned most = state_longest();
	uint64_t length;
	struct vcpu *vcpu;

	need_sve();
	vcpu = begin(&vm, most, guest_changes_its_length, 4);
	for (unsigned i = 0; i < 4; i++) {
		struct state *w = guest_address(&vm, &want), *f = guest_address(&vm, &found);
		unsigned foreign = 0;

		expect_eq(vmm_runs(vcpu, i % 2 ? most : 0, i), 0);
		expect(vcpu_run_done(vcpu, &length));
		expect_eq(length, most);
		for (unsigned at = 0; at < SVE_SIZE(most); at++)
			foreign += f->sve.bytes[at] != w->sve.bytes[at] &&
				   (f->sve.bytes[at] || (at < 32 * most && at % most < 16));
		expect_eq(foreign, 0);
		if (i % 2)
			sve_zero();
	}
	vm_destroy(&vm);
}

static void *run_vm2(void *arg)
{
	cpus_pin(0);
	(void)arg;
	while (!guest_view(&vm2, stop))
		expect_eq(vcpu_run(&vm2.vcpu[0]), 0);
	return NULL;
}

static GUEST void guest_measures(uint64_t vl)
{
	uint64_t wrong = 0;

	state_open(vl);
	found.vl = vl;
	state_load(&want);
	while (!stop) {
		wrong += sve_length() != vl;
		state_store(&found);
		wrong += state_differ(&found, &want);
		if (turns++ % 4 == 0)
			mmio_write64(GUEST_PORT + PORT_TEST, turns);
	}
	guest_done(wrong);
}

/* Linux: ZCR_EL2 of another guest was taken for one's own. */
TEST(B06_two_vms_of_different_lengths_on_one_cpu)
{
	uint64_t s = 6;
	pthread_t t;

	need_sve();
	begin(&vm, state_longest(), guest_measures, 61);
	begin(&vm2, state_any_length(&s), guest_measures, 62);
	pthread_create(&t, NULL, run_vm2, NULL);
	cpus_pin(0);
	for (unsigned i = 0; i < 3 * ROUNDS; i++)
		expect_eq(vcpu_run(&vm.vcpu[0]), 0);
	guest_view(&vm2, stop) = 1;
	pthread_join(t, NULL);
	end(&vm);
	end(&vm2);
}

static void *run_twice_with_sve(void *arg)
{
	long wrong = 0;

	for (int i = 0; i < 2; i++)
		wrong += vmm_runs(arg, state_longest(), (uint64_t)i);
	return (void *)wrong;
}

/* Linux: "SVE is off in every system call", said a flag of the vCPU that was stale. */
TEST(B07_one_vcpu_run_by_threads_with_and_without_sve)
{
	unsigned most = state_longest();
	struct vcpu *vcpu = begin(&vm, most, guest_keeps, 7);

	for (unsigned i = 0; i < ROUNDS; i++) {
		pthread_t t;
		void *wrong = NULL;

		expect_eq(vmm_runs(vcpu, 0, i), 0);
		if (!most)
			continue;
		pthread_create(&t, NULL, run_twice_with_sve, vcpu);
		pthread_join(t, &wrong);
		expect_eq(wrong, 0);
	}
	end(&vm);
}

/* Linux: the guest was saved in the host's form, or the host in the guest's. */
TEST(B08_vmm_with_sve_and_guest_without_and_the_reverse)
{
	unsigned most = state_longest();
	static struct state seen_by_vmm;

	need_sve();
	for (int reverse = 0; reverse < 2; reverse++) {
		unsigned vl = reverse ? most : 0;
		struct vcpu *vcpu = begin(&vm, vl, guest_keeps, 8);

		for (unsigned i = 0; i < ROUNDS; i++) {
			if (reverse) {
				expect_eq(vmm_runs_with_words(vcpu, i, i % 2 ? FPSR_BITS : 0,
							      i % 2 ? 0 : FPCR_BITS),
					  0);
			} else {
				expect_eq(vmm_runs(vcpu, most, i), 0);
			}
			if (i % 8)
				continue;
			state_from_vcpu(vcpu, &seen_by_vmm, vl);
			expect_eq(state_differ(&seen_by_vmm, guest_address(&vm, &want)), 0);
		}
		end(&vm);
	}
}

static void runs_of_an_idle_guest(void)
{
	unsigned most = state_longest();
	struct vcpu *vcpu;
	long traps = 0;

	need_sve();
	vcpu = begin(&vm, most, guest_idles, 0);
	cpus_pin(0);
	for (unsigned i = 0; i < 200; i++) {
		if (i == 100)
			traps = stet_count("vector bank: traps of first use");
		expect_eq(vmm_runs(vcpu, most, i), 0);
	}
	if (traps >= 0) /* reading it is a use or two of its own */
		expect(stet_count("vector bank: traps of first use") - traps < 10);
	end(&vm);
	cpus_unpin(cpus);
}

/* Linux: the VMM's access was closed by a run in which nobody used the registers. */
TEST(B09_a_run_that_uses_nothing_costs_the_vmm_no_trap)
{
	in_a_new_thread(runs_of_an_idle_guest);
}

/* Linux: a swap of V registers alone made the rest of the host's Z zero. */
TEST(B10_threads_with_sve_beside_a_guest_without)
{
	unsigned most = state_longest();
	struct rival r[2];
	struct vcpu *vcpu = begin(&vm, 0, guest_keeps, 10);

	cpus_pin(0);
	rival_start(&r[0], 0, most);
	rival_start(&r[1], 0, most ? 16 : 0);
	for (unsigned i = 0; i < 2 * ROUNDS; i++) {
		expect_eq(vcpu_run(vcpu), 0);
		if (i % 4)
			continue;
		r[i / 4 % 2].go = 1;
		sys(__NR_sched_yield);
	}
	end(&vm);
	rival_end(&r[0]);
	rival_end(&r[1]);
	cpus_unpin(cpus);
}

/* pKVM: the guest's use showed in the host's registers. */
TEST(B11_nothing_of_the_guest_is_in_the_vmms_registers)
{
	unsigned most = state_longest();
	struct vcpu *vcpu = begin(&vm, most, guest_keeps, 11);

	for (unsigned i = 0; i < ROUNDS; i++) {
		expect_eq(
			vmm_runs_with_words(vcpu, i, i % 2 ? FPSR_BITS : 0, i % 2 ? 0 : FPCR_BITS),
			0);
		if (most)
			expect_eq(vmm_runs(vcpu, most, i), 0);
	}
	end(&vm);
}

/* Linux: what a reset returned was wrong with SVE. */
TEST(B13_a_reset_says_how_it_went_and_leaves_zeros)
{
	uint32_t features = 1u << KVM_ARM_VCPU_PSCI_0_2;
	unsigned most = state_longest();
	struct vcpu *vcpu = begin(&vm, most, guest_keeps, 13);
	static struct state s;

	for (int i = 0; i < 3; i++)
		expect_eq(vcpu_run(vcpu), 0);
	expect_eq(vcpu_init(vcpu, features | 1u << KVM_ARM_VCPU_EL1_32BIT), -EINVAL);
	expect_eq(vcpu_init(vcpu, features | (most ? 1u << KVM_ARM_VCPU_SVE : 0)), 0);
	state_from_vcpu(vcpu, &s, most);
	zero.vl = most;
	expect_eq(state_differ(&s, &zero), 0);
	vm_destroy(&vm);
}

/* Linux: a context's registers were changed in memory, and the CPU's old ones taken for new. */
TEST(B18_a_register_written_is_there_at_once)
{
	unsigned most = state_longest();
	struct vcpu *vcpu = begin(&vm, most, guest_shows, 0);
	static struct state s;
	uint64_t n;

	expect(vcpu_run_done(vcpu, &n));
	for (unsigned i = 0; i < ROUNDS; i++) {
		state_fill(&s, most, i + 1800);
		state_to_vcpu(vcpu, &s);
		expect(vcpu_run_done(vcpu, &n));
		expect_eq(state_differ(guest_address(&vm, &found), &s), 0);
	}
	vm_destroy(&vm);
}

/* Linux, Genode: the dead one's registers were found by who came to its address. */
TEST(B19_B49_a_new_vcpu_finds_nothing_of_one_that_ended)
{
	unsigned most = state_longest();
	uint64_t n;

	zero.vl = most;
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct vcpu *vcpu = begin(&vm, most, guest_keeps, i);

		for (int runs = 0; runs < 2; runs++)
			expect_eq(vcpu_run(vcpu), 0);
		vm_destroy(&vm); /* its registers stand in this CPU */
		vcpu = begin(&vm, most, guest_shows, 0);
		expect(vcpu_run_done(vcpu, &n));
		expect_eq(state_differ(guest_address(&vm, &found), &zero), 0);
		vm_destroy(&vm);
	}
}

/* Linux: who owned a CPU's registers outlived the CPU's power. */
TEST(B21_a_cpu_goes_and_comes_between_two_runs)
{
	unsigned most = state_longest();
	struct vcpu *vcpu;

	need_two_cpus();
	if (cpu_switch(1, true))
		return tap_skip("CPUs do not go off");
	vcpu = begin(&vm, most, guest_keeps, 21);
	for (unsigned i = 0; i < 8; i++) {
		cpus_pin(1);
		expect_eq(vmm_runs(vcpu, most, i), 0);
		cpus_pin(0);
		expect_eq(cpu_switch(1, false), 0);
		if (i % 2)
			expect_eq(vmm_runs(vcpu, most, i), 0);
		expect_eq(cpu_switch(1, true), 0);
		cpus_pin(1);
		expect_eq(vmm_runs(vcpu, most, i), 0);
	}
	cpus_unpin(cpus);
	end(&vm);
}
