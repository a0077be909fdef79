/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end: a broken invariant, a fault of the kernel's own. Says what, on which CPU, and which
 * return addresses lie on the stack (tools/symbolize turns them into names), stops the other CPUs,
 * and leaves by the firmware.
 */
#include "lib/check.h"

#include <stdarg.h>
#include <stdatomic.h>

#include "arch/cpu.h"
#include "arch/irq.h"
#include "arch/panic.h"
#include "arch/power.h"
#include "arch/timer.h"
#include "arch/trap.h"
#include "arch/usercopy.h"
#include "lib/printk.h"
#include "lib/string.h"

#define STACK_BYTES 16384ull /* sched/thread.h: THREAD_STACK, an aligned half of its slot */
#define CALLERS	    24

extern char image_start[], text_end[], image_end[], boot_stack_top[]; /* boot/ */

static _Atomic bool panicking;
static _Atomic int asked_cpu = -1; /* panic_show_cpu() wants its registers */

/* Words of the stack from sp on that point into the kernel's code: return addresses, and some that
 * were. */
static void print_callers(uint64_t sp)
{
	uint64_t top = (sp | (STACK_BYTES - 1)) + 1;
	int shown = 0;

	if (sp >= (uint64_t)image_start && sp < (uint64_t)image_end)
		top = (uint64_t)boot_stack_top; /* not one of sched/stack.c's */
	printk("on the stack:");
	for (const uint64_t *p = (const uint64_t *)(sp & ~7ull); (uint64_t)p < top; p++) {
		if (*p < (uint64_t)image_start || *p >= (uint64_t)text_end || shown == CALLERS)
			continue;
		shown++;
		printk(" %lx", *p);
	}
	printk("\n");
}

void panic_stop_cpu(const struct trapframe *tf)
{
	irq_disable();
	if (tf && atomic_load_explicit(&asked_cpu, memory_order_acquire) == (int)cpu_id()) {
		printk("cpu %u was here:\n", cpu_id());
		trap_print(tf, 0, 0);
		if (tf->sp >= USER_END)
			print_callers(tf->sp);
		atomic_store_explicit(&asked_cpu, -1, memory_order_release);
	}
	for (;;)
		__asm__ volatile("wfi");
}

void panic(const char *fmt, ...)
{
	char text[256];
	va_list args;

	irq_disable();
	if (atomic_exchange_explicit(&panicking, true, memory_order_relaxed))
		panic_stop_cpu(NULL);
	printk_seize_console();
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	printk("panic on cpu %u: %s\n", cpu_id(), text);
	print_callers((uint64_t)__builtin_frame_address(0));
	for (unsigned cpu = 0; cpu < cpu_count(); cpu++) {
		if (cpu != cpu_id() && cpu_is_online(cpu))
			ipi_send_stop(cpu);
	}
	machine_stop();
}

#define ANSWER_NS 2000000000ull

void panic_show_cpu(unsigned cpu)
{
	uint64_t start = timer_now();

	/* release and acquire: partners in panic_stop_cpu() */
	atomic_store_explicit(&asked_cpu, (int)cpu, memory_order_release);
	ipi_send_stop(cpu);
	while (atomic_load_explicit(&asked_cpu, memory_order_acquire) >= 0 &&
	       timer_now() - start < ANSWER_NS)
		__asm__ volatile("yield");
}

void panic_cpu_stuck(unsigned cpu, const char *why)
{
	panic_show_cpu(cpu);
	panic("cpu %u is stuck with interrupts masked (%s)", cpu, why);
}
