/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SVE for vCPUs: how it is asked for, its registers one by one, and that those of guests with other
 * vector lengths, of guests without, and of the VMM are never mixed. Linux:
 * Documentation/virt/kvm/api.rst, 4.68, 4.82, 4.119.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tests/kvm/lib/fp.h"
#include "tests/kvm/lib/vm.h"
#include "tests/lib/sve.h"

#define FEATURES (1u << KVM_ARM_VCPU_PSCI_0_2)
#define SVE	 (1u << KVM_ARM_VCPU_SVE)
#define Z(n)	 KVM_REG_ARM64_SVE_ZREG(n, 0)
#define P(n)	 KVM_REG_ARM64_SVE_PREG(n, 0)
#define FFR	 KVM_REG_ARM64_SVE_FFR(0)
#define VLS	 KVM_REG_ARM64_SVE_VLS
#define ZCR_EL1	 ARM64_SYS_REG(3, 0, 1, 2, 0)
#define ZFR0	 ARM64_SYS_REG(3, 0, 0, 4, 4)
#define PFR0	 ARM64_SYS_REG(3, 0, 0, 4, 0)
#define REG_V(n)                                                                                   \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U128 | KVM_REG_ARM_CORE |                                    \
	 (KVM_REG_ARM_CORE_REG(fp_regs.vregs[0]) + 4 * (n)))

enum { CPACR_OPEN = 3 << 20 | 3 << 16, SMCCC_VERSION = 0x80000000u, VCPUS = 5 };

static struct vm vm;
static struct sve_image pattern[VCPUS], found[VCPUS], mine, after;
static volatile uint64_t bad[VCPUS], progress[VCPUS], stop, results[40];
static uint64_t lengths; /* of the machine, bit vq - 1 */

static long finalize(struct vcpu *vcpu)
{
	int feature = KVM_ARM_VCPU_SVE;

	return ioc(vcpu->fd, KVM_ARM_VCPU_FINALIZE, &feature);
}

/* One more vCPU with SVE, not finalized. */
static struct vcpu *add(void)
{
	struct vcpu *vcpu = &vm.vcpu[vm.vcpu_count];

	expect_eq(vm_add_vcpu(&vm, vm.vcpu_count), 0);
	expect_eq(vcpu_init(vcpu, FEATURES | SVE), 0);
	return vcpu;
}

static long set_longest(struct vcpu *vcpu, unsigned vl)
{
	uint64_t vls[8] = { lengths & ((2ull << (vl / 16 - 1)) - 1) };

	return reg_set(vcpu, VLS, vls);
}

/* The same, ready to run with vectors up to vl bytes. */
static struct vcpu *add_ready(unsigned vl)
{
	struct vcpu *vcpu = add();

	expect_eq(set_longest(vcpu, vl), 0);
	expect_eq(finalize(vcpu), 0);
	return vcpu;
}

static void setup(void)
{
	vm_create_bare(&vm);
	vm_add_ram(&vm);
}

static unsigned longer(unsigned vl)
{
	for (vl += 16; vl <= SVE_MOST; vl += 16)
		if (lengths >> (vl / 16 - 1) & 1)
			return vl;
	return 0;
}

#define for_each_length(vl) for (unsigned vl = longer(0); vl; vl = longer(vl))

TEST(the_capability_says_what_init_takes)
{
	uint64_t vls[8] = { 0 };
	long offered;

	setup();
	offered = ioc(vm.kvm, KVM_CHECK_EXTENSION, KVM_CAP_ARM_SVE);
	expect(offered == 0 || offered == 1);
	expect_eq(vm_add_vcpu(&vm, 0), 0);
	expect_eq(vcpu_init(&vm.vcpu[0], FEATURES | SVE), offered ? 0 : -EINVAL);
	if (offered) {
		expect_eq(reg_get(&vm.vcpu[0], VLS, vls), 0);
		lengths = vls[0];
		for (int n = 1; n < 8; n++)
			expect_eq(vls[n], 0);
		expect(lengths & 1);
		tap_print("# lengths %#lx\n", lengths);
	}
	vm_destroy(&vm);
}

#define need_sve()                                                                                 \
	do {                                                                                       \
		if (!lengths) {                                                                    \
			tap_skip("no SVE");                                                        \
			return;                                                                    \
		}                                                                                  \
	} while (0)

TEST(everything_in_its_order)
{
	struct kvm_reg_list list = { 0 };
	int wrong = KVM_ARM_VCPU_PSCI_0_2;
	uint64_t vls[8] = { 0 };
	struct vcpu *vcpu;

	need_sve();
	setup();
	expect_eq(vm_add_vcpu(&vm, 0), 0);
	vcpu = &vm.vcpu[0];
	expect_eq(finalize(vcpu), -ENOEXEC);
	expect_eq(vcpu_init(vcpu, FEATURES | SVE), 0);
	expect_eq(vcpu_run(vcpu), -EPERM);
	expect_eq(ioc(vcpu->fd, KVM_GET_REG_LIST, &list), -EPERM);
	expect_eq(reg_get(vcpu, Z(0), &mine), -EPERM);
	expect_eq(reg_set(vcpu, P(3), &mine), -EPERM);
	expect_eq(reg_get(vcpu, FFR, &mine), -EPERM);
	expect_eq(reg_get(vcpu, VLS, vls), 0);
	expect_eq(reg_set(vcpu, VLS, vls), 0);
	expect_eq(ioc(vcpu->fd, KVM_ARM_VCPU_FINALIZE, &wrong), -EINVAL);
	expect_eq(ioc(vcpu->fd, KVM_ARM_VCPU_FINALIZE, 8), -EFAULT);
	expect_eq(vcpu_init(vcpu, FEATURES | SVE), 0); /* again, before */
	expect_eq(finalize(vcpu), 0);
	expect_eq(finalize(vcpu), -EPERM);
	expect_eq(reg_set(vcpu, VLS, vls), -EPERM);
	expect_eq(reg_get(vcpu, VLS, vls), 0);
	expect_eq(reg_get(vcpu, Z(31), &mine), 0);
	expect_eq(vcpu_init(vcpu, FEATURES), -EINVAL);
	expect_eq(vcpu_init(vcpu, FEATURES | SVE), 0); /* and after: stays finalized */
	expect_eq(finalize(vcpu), -EPERM);
	vm_destroy(&vm);
	/* One without: none of it exists. Its VM is its own, since Linux 6.12 wants all of a VM alike. */
	setup();
	expect_eq(vm_add_vcpu(&vm, 0), 0);
	expect_eq(vcpu_init(vcpu, FEATURES), 0);
	expect_eq(finalize(vcpu), -EINVAL);
	expect_eq(reg_get(vcpu, VLS, vls), -ENOENT);
	expect_eq(reg_set(vcpu, VLS, vls), -ENOENT);
	expect_eq(reg_get(vcpu, Z(0), &mine), -ENOENT);
	expect_eq(reg_set(vcpu, FFR, &mine), -ENOENT);
	expect_eq(reg_get(vcpu, ZCR_EL1, vls), -ENOENT);
	expect_eq(reg_get64(vcpu, PFR0) >> 32 & 15, 0);
	expect_eq(reg_get64(vcpu, ZFR0), 0);
	expect_eq(reg_get(vcpu, REG_V(0), vls), 0);
	vm_destroy(&vm);
}

TEST(only_sets_of_lengths_that_can_be)
{
	uint64_t vls[8] = { 0 };
	struct vcpu *vcpu;

	need_sve();
	setup();
	vcpu = add();
	expect_eq(reg_set(vcpu, VLS, vls), -EINVAL); /* none at all */
	for (unsigned bit = 0; bit < 512; bit++) {
		bool last = bit < 64 && (lengths >> bit) == 1;

		memset(vls, 0, sizeof(vls));
		vls[0] = lengths;
		vls[bit / 64] ^= 1ull << bit % 64; /* one too many, or one missing */
		expect_eq(reg_set(vcpu, VLS, vls), last && lengths != 1 ? 0 : -EINVAL);
	}
	for_each_length(vl)
	{
		expect_eq(set_longest(vcpu, vl), 0);
		expect_eq(reg_get(vcpu, VLS, vls), 0);
		expect_eq(vls[0], lengths & ((2ull << (vl / 16 - 1)) - 1));
	}
	expect_eq(ioc(vcpu->fd, KVM_SET_ONE_REG, 8), -EFAULT);
	vm_destroy(&vm);
}

static unsigned count_listed(const struct kvm_reg_list *list, uint64_t id)
{
	unsigned n = 0;

	for (uint64_t i = 0; i < list->n; i++)
		n += list->reg[i] == id;
	return n;
}

TEST(the_list_has_z_in_the_place_of_v)
{
	struct kvm_reg_list probe = { 0 }, *list;
	struct vcpu *vcpu;
	uint64_t value[32];

	need_sve();
	setup();
	vcpu = add_ready(longer(0));
	expect_eq(ioc(vcpu->fd, KVM_GET_REG_LIST, &probe), -E2BIG);
	list = calloc(1, sizeof(*list) + 8 * probe.n);
	list->n = probe.n;
	expect_eq(ioc(vcpu->fd, KVM_GET_REG_LIST, list), 0);
	for (unsigned n = 0; n < 32; n++) {
		expect_eq(count_listed(list, Z(n)), 1);
		expect_eq(count_listed(list, REG_V(n)), 0);
		expect_eq(reg_get(vcpu, REG_V(n), value), -EINVAL);
		expect_eq(reg_set(vcpu, REG_V(n), value), -EINVAL);
	}
	for (unsigned n = 0; n < 16; n++)
		expect_eq(count_listed(list, P(n)), 1);
	expect_eq(count_listed(list, FFR), 1);
	expect_eq(count_listed(list, VLS), 1);
	expect_eq(count_listed(list, ZCR_EL1), 1);
	for (uint64_t i = 0; i < list->n; i++) {
		expect_eq(reg_get(vcpu, list->reg[i], value), 0);
		expect_eq(reg_set(vcpu, list->reg[i], value), list->reg[i] == VLS ? -EPERM : 0);
	}
	expect_eq(reg_get(vcpu, KVM_REG_ARM64_SVE_ZREG(0, 1), value), -ENOENT);
	expect_eq(reg_get(vcpu, KVM_REG_ARM64_SVE_FFR(31), value), -ENOENT);
	expect_eq(reg_get(vcpu, FFR + 32, value), -EINVAL);
	expect_eq(reg_get(vcpu, Z(0) ^ KVM_REG_SIZE_U16, value), -EINVAL);
	expect_eq(reg_get64(vcpu, PFR0) >> 32 & 15, 1);
	free(list);
	vm_destroy(&vm);
}

/* ---- guests ---- */

static GUEST uint64_t differ(const struct sve_image *a, const struct sve_image *b, uint64_t vl)
{
	const uint64_t *x = (const uint64_t *)a, *y = (const uint64_t *)b;
	uint64_t n = 0;

	for (uint64_t i = 0; i < (SVE_SIZE(vl) + 7) / 8; i++)
		n += x[i] != y[i];
	return n;
}

GUEST_INLINE void open_sve(uint64_t vl)
{
	sysreg_write(cpacr_el1, CPACR_OPEN);
	isb();
	sysreg_write(s3_0_c1_c2_0, vl / 16 - 1); /* ZCR_EL1 */
	isb();
}

static GUEST void guest_shows_and_changes(uint64_t vl)
{
	open_sve(vl); /* while SVE is closed to EL1, what is past 128 bits may be lost */
	guest_done(vl);
	sve_store(&found[0]);
	sve_load(&pattern[1]);
	guest_done(sve_length());
}

/* All of an image by ONE_REG; what is past the length is zero, or is not looked at. */
static void write_image(struct vcpu *vcpu, const struct sve_image *image, unsigned vl)
{
	uint8_t value[256];

	for (unsigned n = 0; n < 49; n++) {
		unsigned size = n < 32 ? vl : vl / 8;
		unsigned at = n < 32 ? n * vl : 32 * vl + (n - 32) * size;

		memset(value, 0xee, sizeof(value));
		memcpy(value, image->bytes + at, size);
		expect_eq(reg_set(vcpu, n < 32 ? Z(n) : n < 48 ? P(n - 32) : FFR, value), 0);
	}
}

static void read_image(struct vcpu *vcpu, struct sve_image *image, unsigned vl)
{
	uint8_t value[256];

	for (unsigned n = 0; n < 49; n++) {
		unsigned size = n < 32 ? vl : vl / 8, whole = n < 32 ? 256 : 32, rest = 0;
		unsigned at = n < 32 ? n * vl : 32 * vl + (n - 32) * size;

		memset(value, 0xee, sizeof(value));
		expect_eq(reg_get(vcpu, n < 32 ? Z(n) : n < 48 ? P(n - 32) : FFR, value), 0);
		memcpy(image->bytes + at, value, size);
		for (unsigned i = size; i < whole; i++)
			rest += value[i];
		expect_eq(rest, 0);
	}
}

TEST(the_vmm_reads_and_writes_them_at_every_length)
{
	need_sve();
	for_each_length(vl)
	{
		static struct sve_image zero;
		struct vcpu *vcpu;
		uint64_t seen;

		sve_fill(&pattern[0], vl, vl);
		sve_fill(&pattern[1], vl, vl + 1);
		setup();
		vcpu = add_ready(vl);
		read_image(vcpu, &after, vl);
		expect_eq(sve_differ(&after, &zero, vl, false), 0);
		vcpu_start(vcpu, guest_shows_and_changes, vl);
		expect(vcpu_run_done(vcpu, &seen));
		write_image(vcpu, &pattern[0], vl);
		read_image(vcpu, &after, vl);
		expect_eq(sve_differ(&after, &pattern[0], vl, false), 0);
		expect(vcpu_run_done(vcpu, &seen));
		expect_eq(seen, vl);
		expect_eq(sve_differ(guest_address(&vm, &found[0]), &pattern[0], vl, false), 0);
		read_image(vcpu, &after, vl);
		expect_eq(sve_differ(&after, &pattern[1], vl, false), 0);
		expect_eq(reg_get64(vcpu, ZCR_EL1) & 15, vl / 16 - 1);
		/* one alone, while the others are in the CPU */
		memset(&after, 0x5a, sizeof(after));
		expect_eq(reg_set(vcpu, Z(9), &after), 0);
		memcpy(pattern[1].bytes + 9 * vl, &after, vl);
		read_image(vcpu, &after, vl);
		expect_eq(sve_differ(&after, &pattern[1], vl, false), 0);
		/* a reset clears them all */
		expect_eq(vcpu_init(vcpu, FEATURES | SVE), 0);
		read_image(vcpu, &after, vl);
		expect_eq(sve_differ(&after, &zero, vl, false), 0);
		vm_destroy(&vm);
	}
}

static GUEST void guest_measures(uint64_t arg)
{
	(void)arg;
	sysreg_write(cpacr_el1, CPACR_OPEN);
	isb();
	results[16] = sysreg_read(id_aa64pfr0_el1) >> 32 & 15;
	results[17] = sysreg_read(s3_0_c0_c4_4);
	results[18] = sysreg_read(s3_0_c1_c2_0); /* as it was set or reset */
	for (uint64_t len = 0; len < 16; len++) {
		sysreg_write(s3_0_c1_c2_0, len);
		isb();
		results[len] = sve_length();
	}
	guest_done(guest_self()->faults);
}

TEST(a_guest_has_the_lengths_it_was_given)
{
	need_sve();
	for_each_length(vl)
	{
		struct vcpu *vcpu;
		uint64_t faults;
		unsigned want = 16;

		setup();
		vcpu = add_ready(vl);
		vcpu_start(vcpu, guest_measures, 0);
		expect(vcpu_run_done(vcpu, &faults));
		expect_eq(faults, 0);
		expect_eq(guest_view(&vm, results[16]), 1);
		expect_eq(guest_view(&vm, results[17]), reg_get64(vcpu, ZFR0));
		expect_eq(guest_view(&vm, results[18]), 0);
		for (unsigned len = 0; len < 16; len++) {
			if (len * 16 + 16 <= vl && longer(len * 16) == len * 16 + 16)
				want = len * 16 + 16;
			expect_eq(guest_view(&vm, results[len]), want);
		}
		vm_destroy(&vm);
	}
}

/* Uses SVE each round and leaves, each third time by a hypercall. */
static GUEST void guest_rounds(uint64_t rounds)
{
	uint64_t me = guest_self()->id, vl, wrong = 0;

	open_sve(SVE_MOST);
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
	vcpu = add_ready(vl);
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
	for_each_length(vl) most = vl;
	for_each_length(vl)
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
	open_sve(SVE_MOST);
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
	unsigned vl = longer(0) == 16 && arg ? SVE_MOST : 16;
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
	for_each_length(vl) most = vl;
	middle = longer(16) ? longer(16) : 16;
	setup();
	for (int i = 0; i < 4; i++)
		add_ready(i == 0 ? 16 : i == 1 ? middle : most);
	expect_eq(vm_add_vcpu(&vm, 4), 0);
	if (vcpu_init(&vm.vcpu[4], FEATURES) == -EINVAL)
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
	open_sve(SVE_MOST);
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
	vcpu = add_ready(longer(0));
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
