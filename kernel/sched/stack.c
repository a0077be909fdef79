/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel stacks live in slots of 2 * THREAD_STACK at KERNEL_STACKS: the lower half is never mapped,
 * so that an overflow faults (arch/vectors.inc tests one bit of the stack pointer), the upper half
 * is the stack. A slot once mapped stays so: a free stack waits in a list for the next thread, and
 * no TLB entry ever changes.
 */
#include "sched/stack.h"

#include "mm/mmu.h"
#include "arch/spinlock.h"
#include "mm/page.h"
#include "sched/thread.h"

#define SLOT (2 * THREAD_STACK)

static struct spinlock stack_lock; /* covers the two below */
static uint64_t free_stack;	   /* the list, linked through each stack's first word */
static uint64_t next_slot = KERNEL_STACKS;

static uint64_t stack_new_slot(void)
{
	uint64_t daif = spin_lock_irqsave(&stack_lock), slot = next_slot;

	next_slot += SLOT;
	spin_unlock_irqrestore(&stack_lock, daif);
	return slot;
}

uint64_t stack_alloc(void)
{
	uint64_t daif = spin_lock_irqsave(&stack_lock), stack = free_stack;

	if (stack)
		free_stack = *(uint64_t *)stack;
	spin_unlock_irqrestore(&stack_lock, daif);
	if (stack)
		return stack;
	stack = stack_new_slot() + THREAD_STACK;
	for (uint64_t at = 0; at < THREAD_STACK; at += PAGE_SIZE) {
		void *page = page_alloc(0);

		/* A slot that is mapped in part is not used again: addresses are plenty. */
		if (!page || mmu_map_kernel_page(stack + at, va_to_pa(page), PTE_KERNEL_RW))
			return 0;
	}
	return stack;
}

void stack_free(uint64_t stack)
{
	uint64_t daif = spin_lock_irqsave(&stack_lock);

	*(uint64_t *)stack = free_stack;
	free_stack = stack;
	spin_unlock_irqrestore(&stack_lock, daif);
}

void stack_continue(uint64_t stack, void (*fn)(uint64_t stack))
{
	register uint64_t x0 __asm__("x0") = stack;

	__asm__ volatile("mov sp, %1\n\tbr %2" ::"r"(x0), "r"(stack + THREAD_STACK), "r"(fn));
	__builtin_unreachable();
}
