/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SVE for vCPUs: the registers of guests with other vector lengths, of guests without, and of the VMM are
 * never mixed, and what that costs. What the VMM sees of them is in sve_regs.c.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tests/kvm/lib/sve.h"

enum { SMCCC_VERSION = 0x80000000u, VCPUS = 5 };

static struct vm vm;
static struct sve_image pattern[VCPUS], found[VCPUS], mine, after;
static volatile uint64_t bad[VCPUS], progress[VCPUS], stop;

static void setup(void)
{
	vm_create_bare(&vm);
	vm_add_ram(&vm);
}

static GUEST uint64_t differ(const struct sve_image *a, const struct sve_image *b, uint64_t vl)
{
	const uint64_t *x = (const uint64_t *)a, *y = (const uint64_t *)b;
	uint64_t n = 0;

	for (uint64_t i = 0; i < (SVE_SIZE(vl) + 7) / 8; i++)
		n += x[i] != y[i];
	return n;
}

/* Uses SVE each round and leaves, each third time by a hypercall. */
static GUEST void guest_rounds(uint64_t rounds)
{
	uint64_t me = guest_self()->id, vl, wrong = 0;

	sve_open(SVE_MOST);
	vl = sve_length();
	sve_load(&pattern[me]);
	for (uint64_t i = 0; i < rounds; i++) {
		if (i % 3 == 2)
			hvc(SMCCC_VERSION, 0, 0, 0);
		else
			mmio_write64(GUEST_PORT + PORT_TEST, i);
		sve_store(&found[me]);
		wrong += differ(&found[me], &pattern[me], vl);
	}
	guest_done(wrong);
}

/* The VMM uses vectors of own bytes, or none if that is 0. */
static void rounds(unsigned vl, unsigned own, uint64_t count)
{
	struct vcpu *vcpu;
	uint64_t wrong, vmm_wrong = 0;
	const int now = 1;

	if (own) {
		sys(__NR_prctl, 50 /* PR_SVE_SET_VL */, own);
		sve_fill(&mine, own, own + 5);
	}
	sve_fill(&pattern[0], vl, vl + 3);
	setup();
	vcpu = sve_vcpu_ready(&vm, vl);
	vcpu_start(vcpu, guest_rounds, count);
	for (uint64_t i = 0; i < count; i++) {
		if (i % 3 == 2)
			continue;
		if (own) {
			sve_hold(&mine, &after, __NR_ioctl, vcpu->fd, KVM_RUN, (int *)&now);
			vmm_wrong += (uint64_t)sve_differ(&after, &mine, own, true);
		} else {
			vcpu_run(vcpu);
		}
		if (!exit_is_write(vcpu, GUEST_PORT + PORT_TEST, 8, i)) {
			expect(!"the next write");
			break;
		}
	}
	expect(vcpu_run_done(vcpu, &wrong));
	expect_eq(wrong, 0);
	expect_eq(vmm_wrong, 0);
	vm_destroy(&vm);
}

TEST(guest_and_vmm_of_all_lengths_stay_apart)
{
	unsigned most = 16;

	need_sve();
	for_each_sve_length(vl) most = vl;
	for_each_sve_length(vl)
	{
		if (!on_stet() && vl / 16 % 5 != 1)
			continue;
		rounds(vl, 0, 30); /* they stand in the CPU */
		rounds(vl, 16, 12);
		rounds(vl, most, 12);
		rounds(most, vl, 12);
		rounds(vl, vl, 12);
	}
}

/* ---- many on few CPUs ---- */

static GUEST void guest_checks(uint64_t arg)
{
	uint64_t me = guest_self()->id, vl;

	(void)arg;
	sve_open(SVE_MOST);
	vl = sve_length();
	sve_load(&pattern[me]);
	while (!stop) {
		sve_store(&found[me]);
		bad[me] += differ(&found[me], &pattern[me], vl);
		progress[me]++;
	}
	guest_done(bad[me]);
}

/* Without SVE: V registers alone, and the rest is not there. */
static GUEST void guest_checks_fp(uint64_t arg)
{
	uint64_t me = guest_self()->id;

	(void)arg;
	fp_load((const struct fp_regs *)&pattern[me]);
	while (!stop) {
		fp_store((struct fp_regs *)&found[me]);
		bad[me] += differ(&found[me], &pattern[me], 16) != 0;
		progress[me]++;
	}
	guest_done(bad[me]);
}

static void *thread_checks(void *arg)
{
	unsigned vl = sve_longer(0) == 16 && arg ? SVE_MOST : 16;
	struct sve_image *in = calloc(1, sizeof(*in)), *out = calloc(1, sizeof(*out));
	uintptr_t wrong = 0;
	uint64_t n = 0;

	vl = (unsigned)sys(__NR_prctl, 50, vl);
	while (!guest_view(&vm, stop)) {
		volatile int until = 0;
		const int now = 1;

		(void)until;
		sve_fill(in, vl, ++n);
		sve_hold(in, out, n & 1 ? __NR_sched_yield : -1, 0, 0, (int *)&now);
		wrong += (uintptr_t)sve_differ(out, in, vl, n & 1);
	}
	free(in);
	free(out);
	return (void *)wrong;
}

TEST(vcpus_of_all_kinds_and_two_threads_on_two_cpus)
{
	unsigned most = 16, middle, vcpus = VCPUS;
	pthread_t threads[2];
	void *thread_wrong;
	uint64_t wrong;

	need_sve();
	for_each_sve_length(vl) most = vl;
	middle = sve_longer(16) ? sve_longer(16) : 16;
	setup();
	for (int i = 0; i < 4; i++)
		sve_vcpu_ready(&vm, i == 0 ? 16 : i == 1 ? middle : most);
	expect_eq(vm_add_vcpu(&vm, 4), 0);
	if (vcpu_init(&vm.vcpu[4], VCPU_PLAIN) == -EINVAL)
		vcpus--; /* Linux 6.12 wants all of a VM alike */
	for (unsigned i = 0; i < vcpus; i++) {
		struct sve_image *p = guest_address(&vm, &pattern[i]);

		memset(p, 0, sizeof(*p));
		sve_fill(p, i == 0 ? 16 : i == 1 ? middle : i == 4 ? 16 : most, i + 70);
	}
	/* the one without: 512 bytes of V, then FPSR and FPCR that every CPU has */
	memset((char *)guest_address(&vm, &pattern[4]) + 512, 0, sizeof(mine) - 512);
	for (unsigned i = 0; i < vcpus; i++)
		vcpu_thread_start(&vm.vcpu[i], i < 4 ? guest_checks : guest_checks_fp, 0);
	for (uintptr_t i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, thread_checks, (void *)i);
	for (unsigned i = 0; i < vcpus; i++)
		for (int n = 0; n < 20000 && guest_view(&vm, progress[i]) < 20; n++)
			sleep_ms(1);
	for (int n = 0; n < 40; n++) {
		for (unsigned i = 0; i < vcpus; i++) {
			uint64_t mask = 1ul << ((n + i) & 1);

			sys(__NR_sched_setaffinity, vcpu_thread_id(&vm.vcpu[i]), 8, &mask);
		}
		sleep_ms(10);
	}
	guest_view(&vm, stop) = 1;
	for (unsigned i = 0; i < vcpus; i++) {
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

/* ---- what it costs, by Stet's own counters ---- */

struct counters {
	long saves, loads, traps;
};

/* /proc/stet/machine, if this is Stet. */
static bool counters_read(struct counters *c)
{
	char text[4096], *at;
	int fd = open("/proc/stet/machine", O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return false;
	text[n] = 0;
	at = strstr(text, "vector bank: saves");
	if (!at || sscanf(at, "vector bank: saves %ld", &c->saves) != 1)
		return false;
	at = strstr(text, "vector bank: loads");
	if (!at || sscanf(at, "vector bank: loads %ld", &c->loads) != 1)
		return false;
	at = strstr(text, "vector bank: traps of first use");
	return at && sscanf(at, "vector bank: traps of first use %ld", &c->traps) == 1;
}

static GUEST void guest_uses_z(uint64_t arg)
{
	(void)arg;
	sve_open(SVE_MOST);
	for (uint64_t i = 0;; i++) {
		__asm__ volatile(".inst 0x04a00000"); /* add z0.s, z0.s, z0.s */
		mmio_write64(GUEST_PORT + PORT_TEST, i);
	}
}

/* What count rounds cost after a few to get used to it. */
static struct counters cost(int count, bool vmm_too)
{
	struct counters before = { 0 }, c = { 0 };
	struct vcpu *vcpu;

	setup();
	vcpu = sve_vcpu_ready(&vm, sve_longer(0));
	vcpu_start(vcpu, guest_uses_z, 0);
	for (int i = 0; i < 2000 + count; i++) {
		if (i == 2000)
			counters_read(&before);
		if (vmm_too)
			__asm__ volatile(".inst 0x04a00000" ::: "v0");
		vcpu_run(vcpu);
	}
	counters_read(&c);
	vm_destroy(&vm);
	return (struct counters){ c.saves - before.saves, c.loads - before.loads,
				  c.traps - before.traps };
}

TEST(a_guest_alone_with_sve_costs_nothing_and_two_cost_a_switch_each_way)
{
	enum { ROUNDS = 650 };
	struct counters c;

	need_sve();
	if (!counters_read(&c))
		return tap_skip("not Stet");
	sys(__NR_prctl, 50 /* PR_SVE_SET_VL */, 64);
	sys(__NR_sched_setaffinity, 0, 8, &(uint64_t){ 1 });
	c = cost(ROUNDS, false);
	tap_print("# guest alone: %ld saves, %ld loads, %ld traps\n", c.saves, c.loads, c.traps);
	expect(c.saves <= 2 && c.loads <= 2 && c.traps <= 2); /* reading the counters themselves */
	c = cost(ROUNDS, true);
	tap_print("# both: %ld saves, %ld loads, %ld traps\n", c.saves, c.loads, c.traps);
	expect(c.saves >= 2 * ROUNDS - 2 && c.saves <= 2 * ROUNDS + 4);
	expect(c.loads >= 2 * ROUNDS - 2 && c.loads <= 2 * ROUNDS + 4);
	/* ever fewer, one in 65 at last (fp_policy_test.c): here it has learned for 2,000 rounds */
	expect(c.traps <= ROUNDS / 8);
}

/* ---- Stet's policies: docs/abi.md ---- */

enum { GROUP_STET_VECTORS = 0x53746574, EAGER = 1, LAZY = 2, STRICT = 3 };

static long policy(struct vcpu *vcpu, unsigned long command, uint32_t *kind)
{
	struct kvm_device_attr attr = { 0, GROUP_STET_VECTORS, 0, (uintptr_t)kind };

	return ioc(vcpu->fd, command, &attr);
}

static GUEST void guest_checks_exits(uint64_t rounds)
{
	fp_load((const struct fp_regs *)&pattern[0]);
	for (uint64_t i = 0; i < rounds; i++) {
		mmio_write64(GUEST_PORT + PORT_TEST, i);
		fp_store((struct fp_regs *)&found[0]);
		bad[0] += differ(&found[0], &pattern[0], 16) != 0;
	}
	guest_done(0);
}

/* The quiet VMM's rounds with a guest that uses V registers each time, under a policy. */
static struct counters cost_under(uint32_t kind, int count)
{
	struct counters before, c;
	struct vcpu *vcpu = &vm.vcpu[0];

	vm_create(&vm, 1);
	memset(guest_address(&vm, &pattern[0]), 0, sizeof(mine));
	sve_fill(guest_address(&vm, &pattern[0]), 16, kind);
	memset((char *)guest_address(&vm, &pattern[0]) + 512, 0, sizeof(mine) - 512);
	expect_eq(policy(vcpu, KVM_SET_DEVICE_ATTR, &kind), 0);
	vcpu_start(vcpu, guest_checks_exits, (uint64_t)count + 200);
	for (int i = 0; i < 200; i++) /* the VMM is loaded ahead at first: it has earned that */
		vcpu_run(vcpu);
	counters_read(&before);
	for (int i = 0; i < count; i++)
		vcpu_run(vcpu);
	counters_read(&c);
	expect_eq(guest_view(&vm, bad[0]), 0);
	vm_destroy(&vm);
	return (struct counters){ c.saves - before.saves, c.loads - before.loads,
				  c.traps - before.traps };
}

TEST(each_vcpu_has_its_policy)
{
	uint32_t kind = 9, wrong = 4;
	struct counters c;

	if (!counters_read(&c))
		return tap_skip("not Stet");
	vm_create(&vm, 1);
	expect_eq(policy(&vm.vcpu[0], KVM_HAS_DEVICE_ATTR, NULL), 0);
	expect_eq(policy(&vm.vcpu[0], KVM_GET_DEVICE_ATTR, &kind), 0);
	expect_eq(kind, 0);
	expect_eq(policy(&vm.vcpu[0], KVM_SET_DEVICE_ATTR, &wrong), -EINVAL);
	expect_eq(policy(&vm.vcpu[0], KVM_SET_DEVICE_ATTR, NULL), -EFAULT);
	for (uint32_t n = 0; n < 4; n++) {
		expect_eq(policy(&vm.vcpu[0], KVM_SET_DEVICE_ATTR, &n), 0);
		expect_eq(policy(&vm.vcpu[0], KVM_GET_DEVICE_ATTR, &kind), 0);
		expect_eq(kind, n);
	}
	vm_destroy(&vm);
	sys(__NR_sched_setaffinity, 0, 8, &(uint64_t){ 1 });
	c = cost_under(LAZY, 500);
	tap_print("# lazy: %ld saves, %ld loads, %ld traps\n", c.saves, c.loads, c.traps);
	/* reading the counters uses vector registers, for which the VMM is loaded ahead a while */
	expect(c.saves <= 64 + 4 && c.traps >= c.loads / 2);
	c = cost_under(EAGER, 500);
	tap_print("# eager: %ld saves, %ld loads, %ld traps\n", c.saves, c.loads, c.traps);
	expect(c.saves <= 64 + 4 && c.traps <= 2);
	c = cost_under(STRICT, 500);
	tap_print("# strict: %ld saves, %ld loads, %ld traps\n", c.saves, c.loads, c.traps);
	/* the VMM may not run with them: saved and made zero each time it does */
	expect(c.saves >= 500 && c.loads >= 500);
}
