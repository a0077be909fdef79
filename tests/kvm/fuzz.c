/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guests of random instructions, most of them about the system: registers, hypercalls, barriers,
 * accesses to the GIC and to nobody. What such a guest does to itself is its own affair; the host
 * must take it, and an orderly VM must run afterwards. The seeds are fixed; the number of guests is
 * argv[1].
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>

#include "tests/kvm/lib/vm.h"

#define CODE	  0x10000000ul
#define CODE_SIZE 0x40000ul
#define RUN_US	  3000

static struct vm vm;
static uint64_t state;

static uint64_t random64(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static uint32_t random_instruction(void)
{
	uint32_t r = (uint32_t)random64();

	switch (random64() % 16) {
	case 0 ... 5: /* MSR, MRS, SYS, hints, barriers */
		return 0xd5000000 | (r & 0x003fffff);
	case 6: /* SVC, HVC, SMC, BRK */
		return 0xd4000000 | (r & 0x003fffe3);
	case 7: /* ERET */
		return r % 8 ? 0xd503201f : 0xd69f03e0;
	case 8 ... 10: /* loads and stores with an offset */
		return 0x39000000 | (r & 0xc0ffffff);
	case 11: /* pairs */
		return 0x29000000 | (r & 0xc07fffff);
	case 12: /* vector registers */
		return 0x4e000000 | (r & 0x00ffffff);
	default:
		return r;
	}
}

static uint64_t random_address(void)
{
	static const uint64_t bases[] = { CODE, GUEST_GICD, GUEST_GICR, GUEST_GICR + 0x10000, GUEST_PORT,
					  0, 1ull << 39 };

	return bases[random64() % (sizeof(bases) / sizeof(bases[0]))] + (random64() & 0xfff8);
}

static void prepare(uint64_t seed, uint32_t *code)
{
	static const uint64_t calls[] = { 0x84000000, 0x84000001, 0xc4000003, 0x84000002, 0x84000008,
					  0x8400000a, 0x80000000, 0xc4000004, 0xc4000012 };
	struct vcpu *vcpu = &vm.vcpu[0];

	state = seed * 0x9e3779b97f4a7c15 + 1;
	for (unsigned i = 0; i < CODE_SIZE / 4; i++)
		code[i] = random_instruction();
	vcpu_init(vcpu, 1u << KVM_ARM_VCPU_PSCI_0_2);
	for (uint64_t n = 0; n < 31; n++)
		reg_set64(vcpu, 0x6030000000100000 + 2 * n, random_address());
	reg_set64(vcpu, 0x6030000000100000, calls[random64() % (sizeof(calls) / sizeof(calls[0]))]);
	reg_set64(vcpu, 0x6030000000100040, CODE + (random64() % CODE_SIZE & ~3ul)); /* pc */
	reg_set64(vcpu, 0x603000000013c600, CODE + (random64() % CODE_SIZE & ~0x7fful)); /* VBAR_EL1 */
	reg_set64(vcpu, 0x603000000013c082, 3ul << 20); /* CPACR_EL1: vector registers open */
}

/* The signal may come between two runs: then the next one must not begin. */
static void time_is_up(int sig)
{
	(void)sig;
	vm.vcpu[0].run->immediate_exit = 1;
}

/* Until the timer's signal, or something that no VMM goes on after. */
static void run(void)
{
	struct itimerval soon = { .it_value = { 0, RUN_US } };
	long result;

	setitimer(ITIMER_REAL, &soon, NULL);
	do {
		for (unsigned i = 0; i < 8; i++)
			vm.vcpu[0].run->mmio.data[i] = (uint8_t)random64();
		result = vcpu_run(&vm.vcpu[0]);
	} while (result == 0 && vm.vcpu[0].run->exit_reason == KVM_EXIT_MMIO);
	setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL);
}

static GUEST void guest_adds(uint64_t n)
{
	guest_done(n + 1);
}

TEST(an_orderly_vm_runs_after_many_that_are_not)
{
	int guests = (int)rounds_wanted(100);
	uint64_t done;

	signal(SIGALRM, time_is_up);
	siginterrupt(SIGALRM, 1);
	for (int seed = 0; seed < guests; seed++) {
		uint32_t *code = mmap(NULL, CODE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
				      -1, 0);

		vm_create(&vm, 1);
		vm_add_gic(&vm, 64);
		vm_add_memory(&vm, 1, CODE, CODE_SIZE, code, 0);
		prepare((uint64_t)seed, code);
		run();
		vm_destroy(&vm);
		munmap(code, CODE_SIZE);
	}
	vm_create(&vm, 1);
	vcpu_start(&vm.vcpu[0], guest_adds, 41);
	expect(vcpu_run_done(&vm.vcpu[0], &done));
	expect_eq(done, 42);
	vm_destroy(&vm);
}
