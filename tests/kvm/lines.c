/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupt lines the VMM drives (KVM_IRQ_LINE) as the guest takes them: level and edge, and to a
 * vCPU that sleeps. Arm IHI 0069, 4.2 and 4.3.
 */
#include "tests/kvm/lib/gic.h"
#include "tests/kvm/lib/irqlog.h"
#include "tests/kvm/lib/vm.h"

static struct vm vm;
static volatile uint64_t results[2], ready;

static void setup(int vcpus)
{
	vm_create(&vm, vcpus);
	expect_eq(vm_add_gic(&vm, 64), 0);
}

/* A level interrupt: the handler asks the VMM, by a port, to lower the line. */
static GUEST void on_level(struct guest_cpu *cpu)
{
	uint32_t n = irq_acknowledge();

	irq_log[irq_count++ % IRQ_LOG] = n;
	if (cpu->irqs >= 3)
		mmio_write32(GUEST_PORT + PORT_TEST, n);
	irq_end(n);
}

static GUEST void guest_level(uint64_t irq)
{
	irq_setup(on_level);
	gicv3_edge((unsigned)irq, false);
	gicv3_enable((unsigned)irq, IRQ_PRIORITY);
	mmio_write64(GUEST_GICD + GICD_IROUTER + 8 * irq, 0);
	irq_enable();
	mmio_write32(GUEST_PORT + PORT_TEST + 4, 0); /* raise it */
	wait_count(3);
	spin_us(1000);
	results[0] = irq_count;
	mmio_write32(GUEST_PORT + PORT_TEST + 4, 0);
	wait_count(4);
	spin_us(1000);
	guest_done(irq_count);
}

TEST(a_level_comes_again_until_it_is_lowered)
{
	struct vcpu *vcpu;
	uint64_t count;

	setup(1);
	vcpu = &vm.vcpu[0];
	vcpu_start(vcpu, guest_level, 40);
	for (int i = 0; i < 2; i++) {
		expect_eq(vcpu_run(vcpu), 0);
		expect(exit_is_write(vcpu, GUEST_PORT + PORT_TEST + 4, 4, 0));
		vm_irq_line(&vm, 40, 1);
		expect_eq(vcpu_run(vcpu), 0);
		expect(exit_is_write(vcpu, GUEST_PORT + PORT_TEST, 4, 40));
		vm_irq_line(&vm, 40, 0);
	}
	expect(vcpu_run_done(vcpu, &count));
	expect_eq(guest_view(&vm, results[0]), 3);
	expect_eq(count, 4);
	vm_destroy(&vm);
}

static GUEST void guest_edge(uint64_t irq)
{
	irq_setup(on_log);
	gicv3_edge((unsigned)irq, true);
	gicv3_enable((unsigned)irq, IRQ_PRIORITY);
	irq_enable();
	mmio_write32(GUEST_PORT + PORT_TEST, 0);
	results[0] = wait_count(1);
	spin_us(1000);
	results[1] = irq_count;
	irq_disable();
	mmio_write32(GUEST_PORT + PORT_TEST, 0);
	irq_enable();
	spin_us(1000);
	guest_done(irq_count);
}

TEST(an_edge_comes_once)
{
	struct vcpu *vcpu;
	uint64_t count;

	setup(1);
	vcpu = &vm.vcpu[0];
	vcpu_start(vcpu, guest_edge, 41);
	expect_eq(vcpu_run(vcpu), 0);
	expect(exit_is_write(vcpu, GUEST_PORT + PORT_TEST, 4, 0));
	vm_irq_line(&vm, 41, 1); /* and it stays up */
	expect_eq(vcpu_run(vcpu), 0);
	expect(exit_is_write(vcpu, GUEST_PORT + PORT_TEST, 4, 0));
	expect_eq(guest_view(&vm, results[0]), 1);
	expect_eq(guest_view(&vm, results[1]), 1);
	/* Two edges before the guest looks are one interrupt. */
	for (int i = 0; i < 2; i++) {
		vm_irq_line(&vm, 41, 0);
		vm_irq_line(&vm, 41, 1);
	}
	expect(vcpu_run_done(vcpu, &count));
	expect_eq(count, 2);
	vm_destroy(&vm);
}

static GUEST void guest_sleeps(uint64_t wanted)
{
	irq_setup(on_log);
	gicv3_edge(42, true);
	gicv3_enable(42, IRQ_PRIORITY);
	irq_enable();
	ready = 1;
	wfi_until(irq_count >= wanted);
	guest_done(irq_count);
}

TEST(the_vmm_wakes_a_sleeping_vcpu_from_another_thread)
{
	uint64_t count;

	setup(1);
	vcpu_thread_start(&vm.vcpu[0], guest_sleeps, 20);
	while (!guest_view(&vm, ready))
		sleep_ms(1);
	for (uint32_t i = 0; i < 20; i++) {
		sleep_ms(2);
		vm_irq_line(&vm, 42, 1);
		vm_irq_line(&vm, 42, 0);
		for (int n = 0; n < 5000 && guest_view(&vm, irq_count) == i; n++)
			sleep_ms(1);
	}
	expect(vcpu_thread_join(&vm.vcpu[0], &count));
	expect_eq(count, 20);
	vm_destroy(&vm);
}
