/* SPDX-License-Identifier: BSD-2-Clause */
/* See irqlog.h. All of it runs in the guest. */
#include "tests/kvm/lib/irqlog.h"

volatile uint32_t irq_log[IRQ_LOG], irq_count, per_cpu[8];

GUEST void on_log(struct guest_cpu *cpu)
{
	uint32_t n = irq_acknowledge();

	irq_log[irq_count++ % IRQ_LOG] = n;
	per_cpu[cpu->id]++;
	irq_end(n);
}

GUEST void irq_setup(void (*handler)(struct guest_cpu *))
{
	guest_self()->on_irq = handler;
	gicv3_init();
}

GUEST bool wait_count(uint32_t n)
{
	uint64_t until = sysreg_read(cntvct_el0) + 10 * sysreg_read(cntfrq_el0);

	while (irq_count < n) {
		isb();
		if (sysreg_read(cntvct_el0) > until)
			return false;
	}
	return true;
}

GUEST void spin_us(uint64_t us)
{
	uint64_t until = sysreg_read(cntvct_el0) + sysreg_read(cntfrq_el0) / 1000000 * us;

	while (sysreg_read(cntvct_el0) < until)
		isb();
}
