/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel stacks live in slots of 2 * THREAD_STACK at KERNEL_STACKS: the lower half is never mapped,
 * so that an overflow faults (arch/vectors.inc tests one bit of the stack pointer), the upper half
 * is the stack. A free one waits in a list, mapped, for the next thread; of those beyond STACKS_KEPT the
 * memory is given back and only the slot is kept.
 */
#include "sched/stack.h"

#include "mm/mmu.h"
#include "arch/spinlock.h"
#include "mm/page.h"
#include "mm/slab.h"
#include "sched/thread.h"

#define SLOT	    (2 * THREAD_STACK)
#define STACKS_KEPT 256

struct slot {
	struct slot *next;
	uint64_t stack;
};

static struct spinlock stack_lock; /* covers what follows */
static uint64_t free_stack;	   /* the list, linked through each stack's first word */
static unsigned free_count;
static struct slot *empty_slots; /* not mapped */
static uint64_t next_slot = KERNEL_STACKS;

/* An address with nothing there. */
static uint64_t stack_slot(void)
{
	uint64_t daif = spin_lock_irqsave(&stack_lock), stack;
	struct slot *slot = empty_slots;

	if (slot) {
		empty_slots = slot->next;
		stack = slot->stack;
	} else {
		stack = next_slot + THREAD_STACK;
		next_slot += SLOT;
	}
	spin_unlock_irqrestore(&stack_lock, daif);
	kfree(slot);
	return stack;
}

static void stack_unmap(uint64_t stack, uint64_t size)
{
	for (uint64_t at = 0; at < size; at += PAGE_SIZE)
		page_put(mmu_unmap_kernel_page(stack + at));
}

/* 0: no memory; the slot is not used again then: addresses are plenty. */
static uint64_t stack_map(uint64_t stack)
{
	for (uint64_t at = 0; at < THREAD_STACK; at += PAGE_SIZE) {
		void *page = page_alloc(0);

		if (!page || mmu_map_kernel_page(stack + at, va_to_pa(page), PTE_KERNEL_RW)) {
			page_free(page);
			stack_unmap(stack, at);
			return 0;
		}
	}
	return stack;
}

uint64_t stack_alloc(void)
{
	uint64_t daif = spin_lock_irqsave(&stack_lock), stack = free_stack;

	if (stack) {
		free_stack = *(uint64_t *)stack;
		free_count--;
	}
	spin_unlock_irqrestore(&stack_lock, daif);
	if (stack)
		return stack;
	return stack_map(stack_slot());
}

static void stack_empty(struct slot *slot, uint64_t stack)
{
	uint64_t daif;

	stack_unmap(stack, THREAD_STACK);
	slot->stack = stack;
	daif = spin_lock_irqsave(&stack_lock);
	slot->next = empty_slots;
	empty_slots = slot;
	spin_unlock_irqrestore(&stack_lock, daif);
}

void stack_free(uint64_t stack)
{
	/* a hint, without the lock */
	bool many = __atomic_load_n(&free_count, __ATOMIC_RELAXED) >= STACKS_KEPT;
	struct slot *slot = many ? kmalloc(sizeof(*slot)) : NULL;
	uint64_t daif;

	if (slot)
		return stack_empty(slot, stack);
	daif = spin_lock_irqsave(&stack_lock);
	*(uint64_t *)stack = free_stack;
	free_stack = stack;
	free_count++;
	spin_unlock_irqrestore(&stack_lock, daif);
}

void stack_continue(uint64_t stack, void (*fn)(uint64_t stack))
{
	register uint64_t x0 __asm__("x0") = stack;

	__asm__ volatile("mov sp, %1\n\tbr %2" ::"r"(x0), "r"(stack + THREAD_STACK), "r"(fn));
	__builtin_unreachable();
}
