/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What bank.c asks of the machine: which CPU this is, interrupts, the other CPUs. In the kernel
 * these are instructions; host tests (bank_test.c, bank_model.c, bank_race.c) bring their own CPUs.
 */
#pragma once

#include "arch/cpu.h"

#ifdef __aarch64__
#include "arch/irq.h"

static inline unsigned bank_env_cpu(void)
{
	return cpu_id();
}

static inline void bank_env_mask(void)
{
	irq_disable();
}

static inline void bank_env_unmask(void)
{
	irq_enable();
}

/* Make bank_handle_requests() run on that CPU; what was written before is seen there. */
static inline void bank_env_send(unsigned cpu)
{
	ipi_send(cpu, IPI_BANK);
}

/* Does that CPU run? If not, all that was in its banks has left them, and it handles no request. */
static inline bool bank_env_online(unsigned cpu)
{
	return cpu_is_online(cpu);
}

/* One turn of waiting for another CPU. Interrupts are enabled, so its requests are answered. */
static inline void bank_env_relax(void)
{
	__asm__ volatile("yield");
}

/* Before each access to what several CPUs see: here a model may switch to another CPU. */
static inline void bank_env_step(void)
{
}
#else
unsigned bank_env_cpu(void);
void bank_env_mask(void);
void bank_env_unmask(void);
void bank_env_send(unsigned cpu);
void bank_env_relax(void);
bool bank_env_online(unsigned cpu);
void bank_env_step(void);
#endif
