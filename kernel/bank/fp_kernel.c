/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * V registers for the kernel itself. Entered from the copy of a page on a write to a shared one
 * (linux/space/fault.c) and, for tests, from a timer's interrupt; goes out to fp.c and fp_regs.S.
 *
 * It is no context and no owner: what it leaves in the registers is nobody's, access is closed when
 * it ends, and who was pushed out comes back like any other, by a trap or ahead of one.
 *
 * Copying 4 KiB takes 290 instructions by V registers and 790 by general ones; pushing out an owner
 * of V registers and its way back take about 350 (docs/bench.md), one with SVE more. So
 * an owner with SVE is left alone.
 */
#include "bank/fp_kernel.h"

#include "arch/irq.h"
#include "arch/sysreg.h"
#include "arch/timer.h"
#include "bank/fp.h"
#include "lib/string.h"
#include "mm/page.h"
#include "sched/ktimer.h"

#define TEST_PERIOD_NS 333333ull

void fp_regs_copy_page(void *to, const void *from); /* fp_regs.S */
void fp_regs_fill(uint64_t value);

_Static_assert(PAGE_SIZE == 4096, "fp_regs_copy_page");

uint64_t kernel_neon_begin(void)
{
	uint64_t daif = irq_save();

	fp_evict_local();
	fp_set_access(this_cpu(), CPTR_CLOSED | CPTR_FPEN_GUEST);
	isb(); /* orders the CPTR_EL2 write before the first use */
	return daif;
}

void kernel_neon_end(uint64_t daif)
{
	fp_begin_epoch(this_cpu());
	fp_set_access(this_cpu(), CPTR_CLOSED);
	irq_restore(daif);
}

void kernel_copy_page(void *to, const void *from)
{
	uint64_t daif = irq_save();

	if (fp_owner_is_wide()) {
		irq_restore(daif);
		memcpy(to, from, PAGE_SIZE);
		return;
	}
	kernel_neon_begin();
	fp_regs_copy_page(to, from);
	kernel_neon_end(daif);
}

static void take_and_spoil(struct ktimer *t)
{
	uint64_t now = timer_now(), daif = kernel_neon_begin();

	fp_regs_fill(~now);
	kernel_neon_end(daif);
	ktimer_start(t, now + TEST_PERIOD_NS);
}

void kernel_neon_test(void)
{
	static struct ktimer timer;

	ktimer_init(&timer, take_and_spoil);
	ktimer_start(&timer, timer_now());
}
