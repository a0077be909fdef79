/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mistakes on purpose (test.crash=HOW on the command line), to see that each ends with its cause
 * and its registers in the log and the machine off. Runs in the thread that would start the first
 * program.
 */
#include "boot/selftest.h"

#include "arch/cpu.h"
#include "arch/irq.h"
#include "arch/spinlock.h"
#include "arch/usercopy.h"
#include "lib/bits.h"
#include "lib/check.h"
#include "lib/printk.h"
#include "lib/string.h"
#include "mm/mmu.h"
#include "mm/page.h"
#include "sched/ktimer.h"
#include "sched/thread.h"
#include "sched/wait.h"

extern char text_end[];
extern uint64_t image_pa; /* boot/boot.c */

/* An address the compiler knows nothing about. */
static uint32_t *address(uint64_t a)
{
	__asm__("" : "+r"(a));
	return (uint32_t *)a;
}

static void crash_check(void)
{
	check(cpu_count() == 0);
}

static void crash_null(void)
{
	*address(8) = 1;
}

static uint64_t recurse(uint64_t depth)
{
	volatile uint64_t frame[64] = { depth };

	return depth > 1000000 ? 0 : recurse(depth + 1) + frame[0];
}

static void crash_overflow(void)
{
	recurse(0);
}

static void crash_text(void)
{
	*address((uint64_t)text_end - 4) = 0;
}

static void crash_rodata(void)
{
	*address((uint64_t)text_end) = 0;
}

/* The same bytes as crash_text(), by the map of all memory. */
static void crash_alias(void)
{
	*address(LINEAR_BASE + image_pa + 4096) = 0;
}

/* A page that programs may read: the kernel may not, but by arch/usercopy.S. */
static void crash_pan(void)
{
	uint64_t va = KERNEL_STACKS + BIT(40);
	void *page = page_alloc_zeroed(0);

	check(page && !mmu_map_kernel_page(va, va_to_pa(page), PTE_KERNEL_RW | PTE_USER));
	printk("read %u\n", *(volatile uint32_t *)address(va));
}

/* A page of the kernel's own that is mapped no more. */
static void crash_unmapped(void)
{
	uint64_t va = KERNEL_STACKS + BIT(40);
	void *page = page_alloc_zeroed(0);

	check(page && !mmu_map_kernel_page(va, va_to_pa(page), PTE_KERNEL_RW));
	*address(va) = 1;
	page_put(mmu_unmap_kernel_page(va));
	*address(va) = 2;
}

static void crash_exec(void)
{
	static uint32_t ret = 0xd65f03c0;

	((void (*)(void))address((uint64_t)&ret))();
}

static void stick(void *arg)
{
	(void)arg;
	irq_disable();
	for (;;)
		;
}

static void nothing(void *arg)
{
	(void)arg;
}

/* Run fn on another CPU than this thread, which stays here; returns when it has begun for long. */
static unsigned on_other_cpu(void (*fn)(void *))
{
	static struct thread thread;
	unsigned other = (cpu_id() + 1) % cpu_count();
	int err = thread_init(&thread, "selftest", fn, NULL);

	check(!err && other != cpu_id());
	thread.affinity = 1ull << other;
	thread_set_affinity(thread_current(), 1ull << cpu_id());
	thread_start(&thread);
	thread_sleep_until(timer_now() + 100000000, false);
	return other;
}

static void crash_masked(void)
{
	cpu_call(on_other_cpu(stick), nothing, NULL);
}

/* Nobody waits for it; the first program goes on and sleeps. */
static void crash_stuck(void)
{
	on_other_cpu(stick);
}

static struct spinlock kept;

static void keep(void *arg) NO_LOCK_ANALYSIS
{
	(void)arg;
	spin_lock(&kept);
	for (;;)
		__asm__ volatile("yield");
}

static void crash_lock(void) NO_LOCK_ANALYSIS
{
	on_other_cpu(keep);
	spin_lock(&kept);
}

/* After a guest with PSTATE.PAN = 0 has been left (world.S), a program's memory must be as far from
 * the kernel as always. From a timer's interrupt: nothing else of the kernel's touches it there. */
static void touch_user(struct ktimer *t)
{
	uint64_t sp = thread_trapframe(thread_current())->sp; /* of a program: its stack is there */

	if (this_cpu()->mode == CPU_GUEST && sp && sp < USER_END)
		panic("the kernel may read a program's memory: %x", *address(sp & ~3ull));
	ktimer_start(t, timer_now() + 200000);
}

static void crash_guestpan(void)
{
	static struct ktimer timer;

	ktimer_init(&timer, touch_user);
	ktimer_start(&timer, timer_now());
}

static const struct {
	const char *name;
	void (*crash)(void);
} crashes[] = {
	{ "check", crash_check },	{ "null", crash_null }, { "overflow", crash_overflow },
	{ "text", crash_text },		{ "exec", crash_exec }, { "masked", crash_masked },
	{ "stuck", crash_stuck },	{ "lock", crash_lock }, { "rodata", crash_rodata },
	{ "alias", crash_alias },	{ "pan", crash_pan },	{ "unmapped", crash_unmapped },
	{ "guestpan", crash_guestpan },
};

void selftest_crash(const char *how)
{
	for (unsigned n = 0; n < ARRAY_SIZE(crashes); n++) {
		if (!strcmp(how, crashes[n].name)) {
			crashes[n].crash();
			return;
		}
	}
	printk("test.crash: there is no way called %s\n", how);
}
