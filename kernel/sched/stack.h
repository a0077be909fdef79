/* SPDX-License-Identifier: BSD-2-Clause */
/* Kernel stacks: THREAD_STACK bytes, a guard of the same size below each. */
#pragma once

#include "lib/types.h"

uint64_t stack_alloc(void); /* lowest usable address; 0: no memory */
void stack_free(uint64_t stack);
/* Go on in fn(stack), at the top of that stack. */
_Noreturn void stack_continue(uint64_t stack, void (*fn)(uint64_t stack));
