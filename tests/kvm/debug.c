/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest debugs itself: breakpoints and watchpoints fire there, and never in the VMM,
 * whose code lies at the same addresses. DDI 0487 D2.
 */
#include "tests/kvm/lib/vm.h"

enum {
	EC_BREAKPOINT_SAME = 0x31,
	EC_WATCHPOINT_SAME = 0x35,
	ROUNDS = 20,
};

#define MDSCR_KDE (1ull << 13)
#define MDSCR_MDE (1ull << 15)
/* Enabled, at EL1 and EL0, four bytes of the instruction; no linking. */
#define BCR_ALL	  (1ull | 3ull << 1 | 0xfull << 5)
/* Enabled, at EL1 and EL0, stores, eight bytes. */
#define WCR_STORE (1ull | 3ull << 1 | 2ull << 3 | 0xffull << 5)

static struct vm vm;
static volatile uint64_t results[16], watched;

/* The instruction under the breakpoint, between guest and VMM code alike. */
GUEST __attribute__((noinline)) static uint64_t debugged(uint64_t x)
{
	__asm__ volatile(".global debugged_here\ndebugged_here:\n\tadd %0, %0, #1" : "+r"(x));
	return x;
}
extern char debugged_here[];

static GUEST void arm(uint64_t mdscr)
{
	sysreg_write(oslar_el1, 0);
	sysreg_write(mdscr_el1, mdscr);
	__asm__ volatile("isb\n\tmsr daifclr, #8\n\tisb");
}

/* The handler goes on behind the instruction, so what it would have added is missing. */
static GUEST void guest_breaks(uint64_t rounds)
{
	struct guest_cpu *cpu = guest_self();

	sysreg_write(dbgbvr0_el1, (uint64_t)debugged_here);
	sysreg_write(dbgbcr0_el1, BCR_ALL);
	arm(MDSCR_KDE | MDSCR_MDE);
	for (uint64_t i = 0; i < rounds; i++) {
		results[0] = debugged(i);
		results[1] = cpu->esr >> 26;
		results[2] = cpu->elr - (uint64_t)debugged_here;
		guest_done(cpu->faults);
	}
	sysreg_write(mdscr_el1, 0);
	isb();
	results[0] = debugged(rounds);
	guest_done(cpu->faults);
}

TEST(a_breakpoint_fires_in_the_guest_and_only_there)
{
	uint64_t faults;

	vm_create(&vm, 1);
	vcpu_start(&vm.vcpu[0], guest_breaks, ROUNDS);
	for (uint64_t i = 0; i < ROUNDS; i++) {
		if (!expect(vcpu_run_done(&vm.vcpu[0], &faults)))
			break;
		expect_eq(faults, i + 1);
		expect_eq(guest_view(&vm, results[0]), i);
		expect_eq(guest_view(&vm, results[1]), EC_BREAKPOINT_SAME);
		expect_eq(guest_view(&vm, results[2]), 0);
		expect_eq(debugged(i), i + 1); /* the VMM's own */
	}
	expect(vcpu_run_done(&vm.vcpu[0], &faults));
	expect_eq(faults, ROUNDS);
	expect_eq(guest_view(&vm, results[0]), ROUNDS + 1);
	vm_destroy(&vm);
}

static GUEST void guest_watches_a_word(uint64_t arg)
{
	struct guest_cpu *cpu = guest_self();

	(void)arg;
	sysreg_write(dbgwvr0_el1, (uint64_t)&watched);
	sysreg_write(dbgwcr0_el1, WCR_STORE);
	arm(MDSCR_KDE | MDSCR_MDE);
	watched = 5;
	__asm__ volatile("" ::: "memory"); /* the handler has written *cpu */
	results[0] = cpu->esr >> 26;
	results[1] = cpu->far;
	results[2] = watched; /* loads do not count */
	sysreg_write(mdscr_el1, 0);
	isb();
	watched = 6;
	results[3] = watched;
	guest_done(cpu->faults);
}

TEST(a_watchpoint_fires_on_a_store)
{
	uint64_t faults;

	vm_create(&vm, 1);
	vcpu_start(&vm.vcpu[0], guest_watches_a_word, 0);
	expect(vcpu_run_done(&vm.vcpu[0], &faults));
	expect_eq(faults, 1);
	expect_eq(guest_view(&vm, results[0]), EC_WATCHPOINT_SAME);
	expect_eq(guest_view(&vm, results[1]), (uint64_t)&watched);
	expect_eq(guest_view(&vm, results[2]), 0);
	expect_eq(guest_view(&vm, results[3]), 6);
	vm_destroy(&vm);
}

static GUEST void guest_reads_back(uint64_t arg)
{
	(void)arg;
	sysreg_write(dbgbvr1_el1, 0x123456789000);
	sysreg_write(dbgbcr1_el1, BCR_ALL);
	sysreg_write(mdscr_el1, MDSCR_MDE);
	isb();
	results[0] = sysreg_read(dbgbvr1_el1);
	results[1] = sysreg_read(dbgbcr1_el1);
	results[2] = sysreg_read(mdscr_el1);
	guest_done(1);
	results[0] = sysreg_read(dbgbvr1_el1);
	results[1] = sysreg_read(dbgbcr1_el1);
	results[2] = sysreg_read(mdscr_el1);
	guest_done(2);
}

TEST(debug_registers_keep_what_is_written)
{
	uint64_t done;

	vm_create(&vm, 1);
	vcpu_start(&vm.vcpu[0], guest_reads_back, 0);
	for (uint64_t i = 1; i <= 2; i++) {
		expect(vcpu_run_done(&vm.vcpu[0], &done));
		expect_eq(done, i);
		expect_eq(guest_view(&vm, results[0]), 0x123456789000);
		expect_eq(guest_view(&vm, results[1]), BCR_ALL);
		expect_eq(guest_view(&vm, results[2]), MDSCR_MDE);
	}
	vm_destroy(&vm);
}
