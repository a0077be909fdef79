/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a guest must not do ends in an exception of its own and nowhere else: undefined registers
 * and instructions, extensions that are hidden, and accesses whose syndrome says nothing. Linux
 * 6.1: arch/arm64/kvm/sys_regs.c, handle_exit.c, mmio.c.
 */
#include "tests/kvm/lib/vm.h"

enum { EC_UNKNOWN = 0, EC_DABT_SAME = 0x25, EC_IABT_SAME = 0x21 };

static struct vm vm;
static volatile uint64_t results[17];

static bool run(void (*fn)(uint64_t), uint64_t arg, uint64_t *value)
{
	vcpu_start(&vm.vcpu[0], fn, arg);
	return vcpu_run_done(&vm.vcpu[0], value);
}

/* The exception class of instruction `text`, or 0x100 if there was none. */
#define exception_of(text)                                                                         \
	({                                                                                         \
		uint64_t before_ = guest_self()->faults;                                           \
		__asm__ volatile(text ::: "x0", "memory");                                         \
		guest_self()->faults == before_ ? 0x100 : guest_self()->esr >> 26 & 63;            \
	})

static GUEST void guest_undefined(uint64_t arg)
{
	(void)arg;
	results[0] = exception_of(".inst 0");
	results[1] = exception_of("hlt #0xf000");
	results[2] = exception_of("mrs x0, s3_0_c15_c3_5"); /* nobody's */
	results[3] = exception_of("msr s3_7_c15_c3_5, x0");
	results[4] = exception_of("mrs x0, s3_4_c1_c1_0");  /* HCR_EL2 */
	results[5] = exception_of("msr s3_4_c12_c0_0, x0"); /* VBAR_EL2 */
	results[6] = exception_of("mrs x0, s3_6_c1_c1_0");  /* SCR_EL3 */
	guest_done(guest_self()->faults);
}

TEST(undefined_instructions_and_registers)
{
	uint64_t faults;

	vm_create(&vm, 1);
	expect(run(guest_undefined, 0, &faults));
	expect_eq(faults, 7);
	for (int i = 0; i < 7; i++)
		expect_eq(guest_view(&vm, results[i]), EC_UNKNOWN);
	vm_destroy(&vm);
}

static GUEST void guest_hidden(uint64_t arg)
{
	(void)arg;
	/* ZEN and SMEN too: it must not be the guest's own trap that answers. */
	sysreg_write(cpacr_el1, 0x3330000);
	isb();
	results[0] = sysreg_read(id_aa64pfr0_el1);
	results[1] = sysreg_read(s3_0_c0_c4_5); /* ID_AA64SMFR0_EL1 */
	results[2] = sysreg_read(id_aa64pfr1_el1);
	results[3] = sysreg_read(s3_0_c0_c4_4);		    /* ID_AA64ZFR0_EL1 */
	results[4] = exception_of(".inst 0x04a0e3e0");	    /* cntw x0: SVE */
	results[5] = exception_of("mrs x0, s3_0_c1_c2_0");  /* ZCR_EL1 */
	results[6] = exception_of(".inst 0xd503477f");	    /* smstart */
	results[7] = exception_of("mrs x0, s3_0_c1_c2_6");  /* SMCR_EL1 */
	results[8] = exception_of("mrs x0, s3_0_c1_c0_6");  /* GCR_EL1: MTE */
	results[9] = exception_of("mrs x0, s3_3_c9_c12_0"); /* PMCR_EL0: no PMU was asked for */
	results[10] = exception_of(".inst 0xd503457f");	    /* smstart za */
	results[11] = exception_of(".inst 0x04bf5820");	    /* rdsvl x0, #1 */
	results[12] = exception_of("mrs x0, s3_3_c4_c2_2"); /* SVCR */
	results[13] = exception_of(".inst 0xc0480001");	    /* zero {zt0} */
	results[14] = exception_of("mrs x0, s3_3_c4_c4_2"); /* FPMR */
	/* SMPRI_EL1 is not closed by SMEN: it must hold nothing that another guest could read. */
	results[15] = exception_of("mov x0, #5; msr s3_0_c1_c2_4, x0");
	if (results[15] == 0x100)
		results[15] = sysreg_read(s3_0_c1_c2_4);
	results[16] = sysreg_read(s3_0_c0_c4_2);	    /* ID_AA64PFR2_EL1: FPMR */
	guest_done(1);
}

TEST(hidden_extensions_are_absent)
{
	uint64_t done;

	vm_create(&vm, 1);
	expect(run(guest_hidden, 0, &done));
	expect_eq(guest_view(&vm, results[0]) >> 32 & 15, 0); /* SVE */
	expect_eq(guest_view(&vm, results[2]) >> 24 & 15, 0); /* SME */
	expect_eq(guest_view(&vm, results[2]) >> 8 & 15, 0);  /* MTE */
	expect_eq(guest_view(&vm, results[1]), 0);
	expect_eq(guest_view(&vm, results[3]), 0);
	expect_eq(guest_view(&vm, results[16]), 0);
	for (int i = 4; i < 16; i++) {
		if (!expect_eq(guest_view(&vm, results[i]), EC_UNKNOWN))
			tap_print("# number %d\n", i);
	}
	vm_destroy(&vm);
}

static GUEST void guest_unknown_id(uint64_t arg)
{
	(void)arg;
	/* The space of ID registers reads as zero where nothing is. */
	results[0] = sysreg_read(s3_0_c0_c7_7);
	results[1] = sysreg_read(s3_0_c0_c4_7);
	guest_done(guest_self()->faults);
}

TEST(unallocated_id_registers_read_as_zero)
{
	uint64_t faults;

	vm_create(&vm, 1);
	expect(run(guest_unknown_id, 0, &faults));
	expect_eq(faults, 0);
	expect_eq(guest_view(&vm, results[0]), 0);
	expect_eq(guest_view(&vm, results[1]), 0);
	vm_destroy(&vm);
}

static GUEST void guest_no_syndrome(uint64_t arg)
{
	(void)arg;
	__asm__ volatile("ldp x0, x1, [%0]" ::"r"(GUEST_PORT + PORT_TEST) : "x0", "x1", "memory");
	guest_done(1);
}

TEST(an_access_without_syndrome_is_enosys)
{
	uint64_t pc;

	vm_create(&vm, 1);
	vcpu_start(&vm.vcpu[0], guest_no_syndrome, 0);
	expect_eq(vcpu_run(&vm.vcpu[0]), -ENOSYS);
	/* The guest stays where it is. */
	pc = reg_get64(&vm.vcpu[0], REG_CORE(regs.pc));
	expect_eq(vcpu_run(&vm.vcpu[0]), -ENOSYS);
	expect_eq(reg_get64(&vm.vcpu[0], REG_CORE(regs.pc)), pc);
	vm_destroy(&vm);
}

TEST(or_an_exit_for_a_vmm_that_asks)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_ARM_NISV_TO_USER };
	uint64_t done;

	vm_create(&vm, 1);
	if (ioc(vm.fd, KVM_CHECK_EXTENSION, KVM_CAP_ARM_NISV_TO_USER) <= 0) {
		tap_skip("no KVM_CAP_ARM_NISV_TO_USER");
		vm_destroy(&vm);
		return;
	}
	expect_eq(ioc(vm.fd, KVM_ENABLE_CAP, &cap), 0);
	vcpu_start(&vm.vcpu[0], guest_no_syndrome, 0);
	expect_eq(vcpu_run(&vm.vcpu[0]), 0);
	expect_eq(vm.vcpu[0].run->exit_reason, KVM_EXIT_ARM_NISV);
	expect_eq(vm.vcpu[0].run->arm_nisv.fault_ipa, GUEST_PORT + PORT_TEST);
	reg_set64(&vm.vcpu[0], REG_CORE(regs.pc), reg_get64(&vm.vcpu[0], REG_CORE(regs.pc)) + 4);
	expect(vcpu_run_done(&vm.vcpu[0], &done));
	vm_destroy(&vm);
}

static GUEST void guest_jumps_away(uint64_t arg)
{
	/* Run where nobody is: an instruction abort whose handler goes on with the next word. */
	__asm__ volatile("blr %0" ::"r"(arg) : "x30", "memory");
	guest_done(1);
}

TEST(execution_where_nobody_is_gives_an_abort)
{
	struct guest_cpu *cpu;

	vm_create(&vm, 1);
	vcpu_start(&vm.vcpu[0], guest_jumps_away, GUEST_PORT);
	cpu = guest_address(&vm, &guest_cpus[0]);
	vcpu_thread_start(&vm.vcpu[0], guest_jumps_away, GUEST_PORT);
	for (int i = 0; i < 5000 && cpu->faults < 3; i++)
		sleep_ms(1);
	vcpu_thread_stop(&vm.vcpu[0]);
	expect(cpu->faults >= 3);
	expect_eq(cpu->esr >> 26 & 63, EC_IABT_SAME);
	expect_eq(cpu->esr & 0x3f, 0x10); /* synchronous external abort */
	expect_eq(cpu->far, cpu->elr);
	vm_destroy(&vm);
}

static GUEST void guest_far_away(uint64_t at)
{
	mmio_read64(at);
	results[0] = guest_self()->esr;
	results[1] = guest_self()->far;
	guest_done(guest_self()->faults);
}

TEST(an_address_beyond_the_ipa_space_gives_an_address_size_fault)
{
	uint64_t faults;

	vm_create(&vm, 1);
	expect(run(guest_far_away, 1ul << 47, &faults));
	expect_eq(faults, 1);
	expect_eq(guest_view(&vm, results[0]) >> 26 & 63, EC_DABT_SAME);
	expect_eq(guest_view(&vm, results[1]), 1ul << 47);
	vm_destroy(&vm);
}

static GUEST void guest_cache_ops(uint64_t arg)
{
	(void)arg;
	__asm__ volatile("dc cisw, %0" ::"r"(0ul));
	__asm__ volatile("dc isw, %0" ::"r"(0ul));
	__asm__ volatile("ic iallu; dsb sy; isb; tlbi vmalle1is; dsb sy; isb");
	results[0] = sysreg_read(ctr_el0);
	results[1] = sysreg_read(clidr_el1);
	sysreg_write(csselr_el1, 0);
	isb();
	results[2] = sysreg_read(ccsidr_el1);
	results[3] = sysreg_read(mpidr_el1);
	results[4] = sysreg_read(midr_el1);
	sysreg_write(mdscr_el1, 0);
	sysreg_write(s2_0_c1_c0_4, 0);		/* OSLAR_EL1 */
	sysreg_write(s2_0_c1_c3_4, 0);		/* OSDLR_EL1 */
	results[5] = sysreg_read(s2_0_c1_c1_4); /* OSLSR_EL1 */
	sysreg_write(actlr_el1, 0);
	results[6] = sysreg_read(cntfrq_el0);
	guest_done(guest_self()->faults);
}

TEST(what_every_kernel_does_at_start_works)
{
	uint64_t faults, hz;

	__asm__("mrs %0, cntfrq_el0" : "=r"(hz));
	vm_create(&vm, 1);
	expect(run(guest_cache_ops, 0, &faults));
	expect_eq(faults, 0);
	expect_eq(guest_view(&vm, results[3]) & 0xff00ffffff, 0);
	expect(guest_view(&vm, results[4]) != 0);
	expect_eq(guest_view(&vm, results[6]), hz);
	vm_destroy(&vm);
}
