/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The firmware's side of the machine: PSCI by SMC (or HVC where the device tree says so).
 * Entered from boot (CPU_ON), from the end of the first program and from panic(). No lock: the
 * calls are the firmware's own affair.
 */
#include "arch/power.h"

#include <linux/psci.h>

#include "arch/irq.h"
#include "lib/check.h"
#include "lib/string.h"

static bool conduit_hvc;		      /* set once in boot */
static void (*status_sink)(const char *what); /* set once in boot */

static int64_t psci_call(uint64_t function, uint64_t a1, uint64_t a2, uint64_t a3)
{
	register uint64_t x0 __asm__("x0") = function;
	register uint64_t x1 __asm__("x1") = a1;
	register uint64_t x2 __asm__("x2") = a2;
	register uint64_t x3 __asm__("x3") = a3;

	/* SMCCC 1.0 lets the firmware change x4-x17. */
	if (conduit_hvc)
		__asm__ volatile("hvc #0"
				 : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::"x4", "x5", "x6", "x7",
				   "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16",
				   "x17", "memory");
	else
		__asm__ volatile("smc #0"
				 : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::"x4", "x5", "x6", "x7",
				   "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16",
				   "x17", "memory");
	return (int64_t)x0;
}

void power_init(bool hvc)
{
	conduit_hvc = hvc;
}

int power_cpu_on(uint64_t mpidr, pa_t entry, uint64_t context)
{
	return (int)psci_call(PSCI_0_2_FN64_CPU_ON, mpidr, entry.v, context);
}

void power_cpu_off(void)
{
	psci_call(PSCI_0_2_FN_CPU_OFF, 0, 0, 0);
	panic("the firmware did not switch this CPU off");
}

bool power_cpu_is_off(uint64_t mpidr)
{
	return psci_call(PSCI_0_2_FN64_AFFINITY_INFO, mpidr, 0, 0) == PSCI_0_2_AFFINITY_LEVEL_OFF;
}

void power_set_status_sink(void (*sink)(const char *what))
{
	status_sink = sink;
}

void machine_power_off(int status)
{
	char text[16];

	snprintf(text, sizeof(text), "exit %d", status & 0xff);
	if (status_sink)
		status_sink(text);
	psci_call(PSCI_0_2_FN_SYSTEM_OFF, 0, 0, 0);
	machine_stop();
}

void machine_reboot(void)
{
	psci_call(PSCI_0_2_FN_SYSTEM_RESET, 0, 0, 0);
	machine_stop();
}

void machine_stop(void)
{
	if (status_sink)
		status_sink("panic");
	psci_call(PSCI_0_2_FN_SYSTEM_OFF, 0, 0, 0);
	irq_disable();
	for (;;)
		__asm__ volatile("wfi");
}
