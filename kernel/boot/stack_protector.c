/* SPDX-License-Identifier: BSD-2-Clause */
/* Debian's libfdt.a is built with the stack protector: what it wants of its C library. The guard
 * needs no secret, since nothing but the firmware's device tree goes through that code. */
#include "lib/check.h"

extern unsigned long __stack_chk_guard;
_Noreturn void __stack_chk_fail(void);

unsigned long __stack_chk_guard = 0x00000aff0d0a0000;

void __stack_chk_fail(void)
{
	panic("libfdt has written over its stack");
}
