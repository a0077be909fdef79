/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What stands in for the kernel around pure code in a host test: the log goes to stderr, a panic
 * aborts, a lock spins, physical addresses are the host's pointers. All weak: a test that wants to
 * see them defines its own.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "arch/spinlock.h"
#include "mm/page.h"

void printk(const char *format, ...);
_Noreturn void panic(const char *format, ...);

__attribute__((weak, format(printf, 1, 2))) void printk(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
}

__attribute__((weak, format(printf, 1, 2))) _Noreturn void panic(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "panic: ");
	vfprintf(stderr, format, args);
	fprintf(stderr, "\n");
	va_end(args);
	abort();
}

__attribute__((weak)) void spin_lock_contended(struct spinlock *lock, uint32_t ticket)
{
	while (atomic_load_explicit(&lock->owner, memory_order_acquire) != ticket)
		;
}

__attribute__((weak)) void *pa_to_va(pa_t pa)
{
	return (void *)pa.v;
}

__attribute__((weak)) pa_t va_to_pa(const void *va)
{
	return (pa_t){ (uint64_t)va };
}
