/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a guest and host programs share on one CPU: the short list of docs/banks.md. Guests set
 * these registers to what would hurt; the VMM that comes back, and a program that takes the CPU
 * from the guest, must find their own, and the guest its.
 */
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "tests/kvm/lib/vm.h"
#include "tests/lib/cpus.h"

enum { ROUNDS = 200 };

#define BCR_ALL	  (1ull | 3ull << 1 | 0xfull << 5)
#define MDSCR_KDE (1ull << 13)
#define MDSCR_MDE (1ull << 15)

static struct vm vm;
static volatile uint64_t results[8];
static volatile bool over;

/* ---- a guest that sets everything ---- */

GUEST __attribute__((noinline)) static uint64_t trapped(uint64_t x)
{
	__asm__ volatile(".global trapped_here\ntrapped_here:\n\tadd %0, %0, #1" : "+r"(x));
	return x;
}
extern char trapped_here[];

/* A breakpoint where only host programs go; no counter, no cache operation, no DC ZVA at EL0. */
static GUEST void set_all(uint64_t v)
{
	sysreg_write(tpidr_el0, v);
	sysreg_write(tpidrro_el0, v + 1);
	sysreg_write(sp_el0, v + 2);
	sysreg_write(cntkctl_el1, 0);
	sysreg_write(sctlr_el1, sysreg_read(sctlr_el1) & ~(1ul << 14 | 1ul << 15 | 1ul << 26));
	sysreg_write(dbgbvr0_el1, (uint64_t)trapped_here);
	sysreg_write(dbgbcr0_el1, BCR_ALL);
	sysreg_write(oslar_el1, 0);
	sysreg_write(mdscr_el1, MDSCR_KDE | MDSCR_MDE);
	isb();
}

static GUEST uint64_t count_wrong(uint64_t v)
{
	return (sysreg_read(tpidr_el0) != v) + (sysreg_read(tpidrro_el0) != v + 1) +
	       (sysreg_read(sp_el0) != v + 2);
}

static GUEST void guest_shares(uint64_t spins)
{
	uint64_t wrong = 0;

	for (uint64_t round = 0; round < ROUNDS; round++) {
		uint64_t until;

		set_all(round << 20 | 0x5a5a0);
		until = sysreg_read(cntvct_el0) + (spins ? sysreg_read(cntfrq_el0) / 500 : 0);
		do
			wrong += count_wrong(round << 20 | 0x5a5a0);
		while (sysreg_read(cntvct_el0) < until);
		mmio_write64(GUEST_PORT + PORT_TEST, round);
		wrong += count_wrong(round << 20 | 0x5a5a0);
	}
	guest_done(wrong);
}

/* ---- a host program that looks at its own ---- */

struct own {
	uint64_t tpidr, counter;
};

static uint64_t counter(void)
{
	return sysreg_read(cntvct_el0);
}

static bool own_is_there(struct own *own)
{
	static uint64_t line[512] __attribute__((aligned(2048)));
	uint64_t now = counter();
	bool same = expect_eq(sysreg_read(tpidr_el0), own->tpidr);

	same &= expect_eq(sysreg_read(tpidrro_el0), 0);
	/* Set back or forward by CNTVOFF_EL2 it would be off by an hour at least. */
	same &= expect(now - own->counter < sysreg_read(cntfrq_el0) * 3600);
	own->counter = now;
	same &= expect_eq(trapped(now), now + 1);
	(void)sysreg_read(ctr_el0);
	__asm__ volatile("dc zva, %0" ::"r"(line) : "memory");
	__asm__ volatile("ic ivau, %0" ::"r"(trapped_here) : "memory");
	return same;
}

static void *look_for_ever(void *arg)
{
	struct own own = { sysreg_read(tpidr_el0), counter() };
	uint64_t *looks = arg;

	cpus_pin(0);
	while (!over && own_is_there(&own))
		++*looks;
	return NULL;
}

static void run_beside(void)
{
	struct vcpu *vcpu = &vm.vcpu[0];
	struct own own = { sysreg_read(tpidr_el0), counter() };
	uint64_t wrong = ~0ul;

	for (uint64_t round = 0; round < ROUNDS && !tap_failed; round++) {
		expect_eq(vcpu_run(vcpu), 0);
		expect(exit_is_write(vcpu, GUEST_PORT + PORT_TEST, 8, round));
		own_is_there(&own);
	}
	expect(vcpu_run_done(vcpu, &wrong));
	expect_eq(wrong, 0);
}

static void create(void)
{
	vm_create(&vm, 1);
	/* The guest's time is far from the host's. */
	expect_eq(reg_set64(&vm.vcpu[0], KVM_REG_ARM_TIMER_CNT, 1ul << 50), 0);
}

TEST(the_vmm_finds_its_own_registers)
{
	create();
	vcpu_start(&vm.vcpu[0], guest_shares, 0);
	run_beside();
	vm_destroy(&vm);
}

/* x19 to x30 set to patterns, KVM_RUN, and what they are then. */
extern char run_with_patterns[];
__asm__(".pushsection .text\n"
	"run_with_patterns:\n" /* x0 = fd, x1 = KVM_RUN, x2 = uint64_t[12] */
	"stp x29, x30, [sp, #-112]!\n"
	"stp x19, x20, [sp, #16]\n"
	"stp x21, x22, [sp, #32]\n"
	"stp x23, x24, [sp, #48]\n"
	"stp x25, x26, [sp, #64]\n"
	"stp x27, x28, [sp, #80]\n"
	"mov x9, x2\n"
	"ldp x19, x20, [x9]\n"
	"ldp x21, x22, [x9, #16]\n"
	"ldp x23, x24, [x9, #32]\n"
	"ldp x25, x26, [x9, #48]\n"
	"ldp x27, x28, [x9, #64]\n"
	"ldp x29, x30, [x9, #80]\n"
	"mov x2, #0\n"
	"mov x8, #29\n" /* ioctl */
	"svc #0\n"
	"stp x19, x20, [x9]\n"
	"stp x21, x22, [x9, #16]\n"
	"stp x23, x24, [x9, #32]\n"
	"stp x25, x26, [x9, #48]\n"
	"stp x27, x28, [x9, #64]\n"
	"stp x29, x30, [x9, #80]\n"
	"ldp x19, x20, [sp, #16]\n"
	"ldp x21, x22, [sp, #32]\n"
	"ldp x23, x24, [sp, #48]\n"
	"ldp x25, x26, [sp, #64]\n"
	"ldp x27, x28, [sp, #80]\n"
	"ldp x29, x30, [sp], #112\n"
	"ret\n"
	".popsection");

static GUEST void guest_leaves(uint64_t arg)
{
	for (;;)
		mmio_write64(GUEST_PORT + PORT_TEST, arg++);
}

TEST(kvm_run_keeps_what_a_call_keeps)
{
	long (*run)(long, long, uint64_t *) = (void *)run_with_patterns;

	vm_create(&vm, 1);
	vcpu_start(&vm.vcpu[0], guest_leaves, 0);
	for (uint64_t round = 0; round < 10; round++) {
		uint64_t v[12];

		for (unsigned n = 0; n < 12; n++)
			v[n] = round << 32 | (n + 19);
		expect_eq(run(vm.vcpu[0].fd, KVM_RUN, v), 0);
		for (unsigned n = 0; n < 12; n++)
			expect_eq(v[n], round << 32 | (n + 19));
	}
	vm_destroy(&vm);
}

TEST(a_program_that_takes_the_cpu_from_a_guest_finds_its_own)
{
	int count = cpus_allowed();
	uint64_t looks = 0;
	pthread_t thread;

	create();
	cpus_pin(0);
	over = false;
	pthread_create(&thread, NULL, look_for_ever, &looks);
	vcpu_start(&vm.vcpu[0], guest_shares, 1);
	run_beside();
	over = true;
	pthread_join(thread, NULL);
	expect(looks > 100);
	cpus_unpin(count);
	vm_destroy(&vm);
}

/* ---- TPIDR2_EL0 ---- */

static GUEST void guest_keeps_tpidr2(uint64_t v)
{
	uint64_t wrong = 0;

	sysreg_write(s3_3_c13_c0_5, v);
	for (uint64_t round = 0; round < ROUNDS; round++) {
		mmio_write64(GUEST_PORT + PORT_TEST, round);
		wrong += sysreg_read(s3_3_c13_c0_5) != v;
	}
	results[1] = guest_self()->faults;
	guest_done(wrong);
}

/* Where the CPU has SME, TPIDR2_EL0 cannot be kept from a guest without FEAT_FGT. */
TEST(tpidr2_is_each_vcpus_own)
{
	uint64_t wrong;

	if (!on_stet()) {
		tap_skip("Linux 6.1 does not switch it");
		return;
	}
	vm_create(&vm, 2);
	vcpu_start(&vm.vcpu[0], guest_keeps_tpidr2, 0x1111);
	vcpu_start(&vm.vcpu[1], guest_keeps_tpidr2, 0x2222);
	for (uint64_t round = 0; round < ROUNDS && !tap_failed; round++) {
		for (int i = 0; i < 2; i++) {
			expect_eq(vcpu_run(&vm.vcpu[i]), 0);
			expect(exit_is_write(&vm.vcpu[i], GUEST_PORT + PORT_TEST, 8, round));
		}
	}
	for (int i = 0; i < 2; i++) {
		expect(vcpu_run_done(&vm.vcpu[i], &wrong));
		/* Without SME it is undefined. */
		expect(wrong == 0 || guest_view(&vm, results[1]) == ROUNDS + 1);
	}
	vm_destroy(&vm);
}

/* ---- HCR_EL2.VSE ---- */

static GUEST void guest_masks_serrors(uint64_t arg)
{
	(void)arg;
	__asm__ volatile("msr daifset, #4");
	mmio_write64(GUEST_PORT + PORT_TEST, 1);
	mmio_write64(GUEST_PORT + PORT_TEST, 2);
	__asm__ volatile("msr daifclr, #4\n\tisb");
	guest_done(0); /* only if none came */
}

static GUEST void guest_takes_none(uint64_t arg)
{
	(void)arg;
	__asm__ volatile("msr daifclr, #4\n\tisb");
	mmio_write64(GUEST_PORT + PORT_TEST, 1);
	guest_done(7);
}

static unsigned serror_pending(struct vcpu *vcpu)
{
	struct kvm_vcpu_events events = { 0 };

	expect_eq(ioc(vcpu->fd, KVM_GET_VCPU_EVENTS, &events), 0);
	return events.exception.serror_pending;
}

TEST(an_serror_waits_until_it_is_unmasked_and_comes_once)
{
	struct kvm_vcpu_events events = { .exception.serror_pending = 1 };
	struct vcpu *vcpu = &vm.vcpu[0];
	uint64_t value;

	vm_create(&vm, 2);
	vcpu_start(vcpu, guest_masks_serrors, 0);
	expect_eq(vcpu_run(vcpu), 0);
	expect_eq(serror_pending(vcpu), 0);
	expect_eq(ioc(vcpu->fd, KVM_SET_VCPU_EVENTS, &events), 0);
	expect_eq(vcpu_run(vcpu), 0);
	expect(exit_is_write(vcpu, GUEST_PORT + PORT_TEST, 8, 2));
	expect_eq(serror_pending(vcpu), 1);
	/* Another one has the CPU's bank meanwhile, and none of it. */
	vcpu_start(&vm.vcpu[1], guest_takes_none, 0);
	expect_eq(vcpu_run(&vm.vcpu[1]), 0);
	expect(vcpu_run_done(&vm.vcpu[1], &value));
	expect_eq(value, 7);
	expect(vcpu_run_done(vcpu, &value));
	expect_eq(value, 0xbaddead); /* start.S: an exception nobody expects */
	expect_eq(serror_pending(vcpu), 0);
	vcpu_start(vcpu, guest_takes_none, 0);
	expect_eq(vcpu_run(vcpu), 0);
	expect(exit_is_write(vcpu, GUEST_PORT + PORT_TEST, 8, 1));
	vm_destroy(&vm);
}
