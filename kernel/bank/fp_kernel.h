/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's own use of V registers: in threads and in interrupts, between kernel_neon_begin()
 * and kernel_neon_end(), with interrupts masked, so that one use never interrupts another: keep it
 * to a few hundred instructions. All of it in fp_regs.S.
 */
#pragma once

#include "lib/types.h"

/* Whoever's registers are in this CPU are saved, and nobody owns them. Returns what
 * kernel_neon_end() wants; masked until then. Any context; not within itself. */
uint64_t kernel_neon_begin(void);
void kernel_neon_end(uint64_t daif);

/* *to = *from: PAGE_SIZE bytes each, aligned to 16, not overlapping. By V registers, if that costs
 * less than by general ones, whoever is pushed out for it included. */
void kernel_copy_page(void *to, const void *from);

/* test.neon=1 on the command line: from now on a timer's interrupt takes the registers and
 * leaves junk in them, about 3,000 times a second. Once, on the CPU that is to have it. */
void kernel_neon_test(void);
