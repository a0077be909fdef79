/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest debugs itself: breakpoints, watchpoints and single steps fire there, and never in the
 * VMM, whose code lies at the same addresses. DDI 0487 D2.
 */
#include "tests/kvm/lib/vm.h"

enum {
	EC_BREAKPOINT_SAME = 0x31,
	EC_STEP_SAME = 0x33,
	EC_WATCHPOINT_SAME = 0x35,
	ROUNDS = 20,
};

#define MDSCR_KDE (1ull << 13)
#define MDSCR_MDE (1ull << 15)
/* Enabled, at EL1 and EL0, four bytes of the instruction; no linking. */
#define BCR_ALL (1ull | 3ull << 1 | 0xfull << 5)
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

/*
 * Single steps: vectors of its own, whose handler writes down where it came from and steps on.
 * Steps over an instruction, a store that leaves to the VMM, a hypercall, another instruction; then
 * PSTATE.D ends it. x10 counts, x11 is where to write.
 */
__asm__("	.pushsection .text\n"
	"	.balign	2048\n"
	"step_vectors:\n"
	"	.fill	0x200 / 4, 4, 0xd4200000\n" /* brk */
	"	mrs	x12, esr_el1\n"
	"	mrs	x13, elr_el1\n"
	"	stp	x12, x13, [x11], #16\n"
	"	add	x10, x10, #1\n"
	"	mrs	x12, spsr_el1\n"
	"	orr	x12, x12, #(1 << 21)\n"
	"	msr	spsr_el1, x12\n"
	"	eret\n"
	"	.balign	2048\n"
	"	.global	step_here, step_guest\n"
	"step_guest:\n" /* (log, port): how many steps */
	"	mov	x14, x30\n"
	"	mov	x15, x1\n"
	"	mov	x11, x0\n"
	"	mov	x10, #0\n"
	"	msr	oslar_el1, xzr\n"
	"	adr	x9, step_vectors\n"
	"	msr	vbar_el1, x9\n"
	"	mov	x9, #(1 << 13 | 1)\n" /* KDE, SS */
	"	msr	mdscr_el1, x9\n"
	"	adr	x9, step_here\n"
	"	msr	elr_el1, x9\n"
	"	mov	x9, #(7 << 6 | 5)\n"	  /* EL1h; A, I and F masked, D not */
	"	movk	x9, #(1 << 5), lsl #16\n" /* SS */
	"	msr	spsr_el1, x9\n"
	"	isb\n"
	"	eret\n"
	"step_here:\n"
	"	mov	x9, #1\n"
	"	str	x9, [x15]\n"
	"	mov	x0, #0x84000000\n"
	"	hvc	#0\n"
	"	nop\n"
	"	msr	daifset, #8\n"
	"	msr	mdscr_el1, xzr\n"
	"	isb\n"
	"	mov	x0, x10\n"
	"	ret	x14\n"
	"	.popsection\n");
extern char step_here[];
uint64_t step_guest(volatile uint64_t *log, uint64_t port);

static GUEST void guest_steps(uint64_t arg)
{
	(void)arg;
	guest_done(step_guest(results, GUEST_PORT + PORT_TEST));
}

TEST(single_steps_stop_in_the_guest_and_only_there)
{
	uint64_t steps;

	vm_create(&vm, 1);
	vcpu_start(&vm.vcpu[0], guest_steps, 0);
	expect_eq(vcpu_run(&vm.vcpu[0]), 0);
	expect(exit_is_write(&vm.vcpu[0], GUEST_PORT + PORT_TEST, 8, 1));
	expect_eq(debugged(1), 2); /* the VMM steps over nothing */
	expect(vcpu_run_done(&vm.vcpu[0], &steps));
	expect(steps == 5 || steps == 6); /* QEMU: the one that masks them, too */
	for (unsigned i = 0; i < 5; i++) {
		expect_eq(guest_view(&vm, results[2 * i]) >> 26, EC_STEP_SAME);
		expect_eq(guest_view(&vm, results[2 * i + 1]), (uintptr_t)step_here + 4 * (i + 1));
	}
	vm_destroy(&vm);
}
