/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a CPU of bank_model.c and fp_model.c is to the search: where it may be switched and where
 * interrupts may come. Those include this after struct cpu_model cpus[], interrupt_choices() and
 * interrupt().
 */
#pragma once

static bool choose_operation(void); /* the search's choice; false: not now */
static void operate(void);

/* False: the actor goes on. */
static bool take_interrupt(void)
{
	if (explore_choice() >= interrupt_choices(me))
		return false;
	interrupt(cpus[me].pending && explore_choice() == 0);
	return true;
}

static void yield(void)
{
	do {
		cpus[me].fresh = true;
		explore_yield();
	} while (take_interrupt());
	explore_clean();
}

static void yield_between(void)
{
	cpus[me].between = true;
	yield();
	cpus[me].between = false;
}

/* Before something that others see: between two such nothing happens that matters to them, so once
 * is enough. */
static void access(void)
{
	if (!cpus[me].fresh)
		yield();
	else
		explore_clean();
	cpus[me].fresh = false;
}

/* ---- the environment of bank.c ---- */

unsigned bank_env_cpu(void)
{
	return me;
}

void bank_env_mask(void)
{
	explore_expect(!cpus[me].masked, "interrupts are masked once");
	if (!cpus[me].fresh) /* the last interrupts that may come after what was seen */
		yield();
	cpus[me].masked = true;
}

void bank_env_unmask(void)
{
	explore_expect(cpus[me].masked, "interrupts are unmasked once");
	cpus[me].masked = false;
	yield();
}

void bank_env_send(unsigned cpu)
{
	access();
	cpus[cpu].pending = true;
}

bool bank_env_online(unsigned cpu)
{
	access();
	return !cpus[cpu].off;
}

void bank_env_relax(void)
{
	explore_expect(!cpus[me].masked, "nobody waits with interrupts masked");
	yield_between();
}

void bank_env_step(void)
{
	access();
}

/* ---- the actor ---- */

static void turn(void)
{
	cpus[me].context = NULL;
	cpus[me].op = 0;
	cpus[me].idle = true;
	yield();
	if (!choose_operation())
		return;
	cpus[me].idle = false;
	operate();
}

static void cpu_main(void)
{
	for (;;)
		turn();
}
