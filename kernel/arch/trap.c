/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exceptions of the host: what vectors.S calls. EL0's are handed to linux/ by the hooks of
 * arch/trap.h; EL2's are either a user copy that met an absent page, or the end. Interrupts go to
 * gic.c.
 */
#include "arch/trap.h"

#include "arch/cpu.h"
#include "arch/gic.h"
#include "arch/irq.h"
#include "arch/panic.h"
#include "arch/sysreg.h"
#include "arch/usercopy.h"
#include "lib/check.h"
#include "lib/printk.h"

/* One row for each access of usercopy.S: the instruction and where to go on without it. */
struct extable_row {
	uint64_t instruction, resume;
};
extern const struct extable_row extable_start[], extable_end[];

/* Called by vectors.S only. */
void trap_el2_sync(struct trapframe *tf, uint64_t esr, uint64_t far);
void trap_el2_unexpected(struct trapframe *tf);
void trap_fiq(struct trapframe *tf);
void trap_serror(struct trapframe *tf);
void trap_aarch32(struct trapframe *tf);
void trap_stack_overflow(struct trapframe *tf, uint64_t far);

static const struct extable_row *extable_find(uint64_t pc)
{
	for (const struct extable_row *r = extable_start; r < extable_end; r++) {
		if (r->instruction == pc)
			return r;
	}
	return NULL;
}

void trap_print(const struct trapframe *tf, uint64_t esr, uint64_t far)
{
	printk("cpu %u mode %u pc %016lx sp %016lx pstate %lx esr %lx far %016lx\n", cpu_id(),
	       this_cpu()->mode, tf->pc, tf->sp, tf->pstate, esr, far);
	for (int n = 0; n < 30; n += 3)
		printk("x%-2d %016lx  x%-2d %016lx  x%-2d %016lx\n", n, tf->x[n], n + 1,
		       tf->x[n + 1], n + 2, tf->x[n + 2]);
	printk("x30 %016lx\n", tf->x[30]);
}

static bool usercopy_abort(struct trapframe *tf, uint64_t esr, uint64_t far)
{
	const struct extable_row *row;
	bool again;

	if (field_get(ESR_EC, esr) != EC_DABT || far >= USER_END)
		return false;
	row = extable_find(tf->pc);
	if (!row)
		return false;
	/* A copy made with interrupts masked cannot wait for a page. */
	again = false;
	if (!(tf->pstate & PSTATE_I)) {
		irq_enable();
		again = trap_usercopy_fault(far, esr & ESR_WNR);
		irq_disable();
	}
	if (!again)
		tf->pc = row->resume;
	return true;
}

void trap_el2_sync(struct trapframe *tf, uint64_t esr, uint64_t far)
{
	if (usercopy_abort(tf, esr, far))
		return;
	trap_print(tf, esr, far);
	panic("exception in the kernel: EC 0x%lx at %016lx", field_get(ESR_EC, esr), tf->pc);
}

void trap_el2_unexpected(struct trapframe *tf)
{
	trap_print(tf, sysreg_read(esr_el2), sysreg_read(far_el2));
	panic("the kernel ran on SP_EL0");
}

void trap_stack_overflow(struct trapframe *tf, uint64_t far)
{
	trap_print(tf, sysreg_read(esr_el2), far);
	panic("kernel stack overflow at %016lx, sp %016lx", tf->pc, tf->sp);
}

void trap_fiq(struct trapframe *tf)
{
	if (gic_fiq_is_stop())
		panic_stop_cpu(tf);
	trap_print(tf, 0, 0);
	panic("an FIQ, which nobody asked for");
}

void trap_serror(struct trapframe *tf)
{
	trap_print(tf, sysreg_read(esr_el2), sysreg_read(far_el2));
	panic("SError");
}

void trap_aarch32(struct trapframe *tf)
{
	trap_print(tf, sysreg_read(esr_el2), sysreg_read(far_el2));
	panic("AArch32 at EL0, which no frame asks for");
}
