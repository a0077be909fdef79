/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What programs do that traps, other than system calls: page faults, undefined instructions, first
 * uses of the vector registers; and the work due before a task goes back to EL0. These are the
 * hooks of arch/trap.h. The codes are those of DDI 0487, ESR_EL2.
 */
#include <linux/errno.h>

#include "arch/irq.h"
#include "arch/usercopy.h"
#include "lib/bits.h"
#include "lib/printk.h"
#include "linux/space/oom.h"
#include "linux/ptrace/traced.h"

#define ESR_EC	 BITS(31, 26)
#define ISS_FSC	 BITS(5, 0)
#define ISS_WNR	 BIT(6)
#define ISS_CM	 BIT(8) /* cache maintenance: WnR is 1 though nothing is written */
#define FSC_TYPE BITS(5, 2)

enum {
	EC_UNKNOWN = 0x00,
	EC_FP = 0x07,
	EC_SVE = 0x19,
	EC_IABT_LOW = 0x20,
	EC_PC_ALIGN = 0x22,
	EC_DABT_LOW = 0x24,
	EC_SP_ALIGN = 0x26,
	EC_FP_EXCEPTION = 0x2c,
	EC_SERROR = 0x2f,
	EC_BREAKPOINT_LOW = 0x30,
	EC_STEP_LOW = 0x32,
	EC_WATCHPOINT_LOW = 0x34,
	EC_BRK = 0x3c,
	EC_COUNT = 64,
};

enum { FSC_TRANSLATION = 1, FSC_ACCESS_FLAG = 2, FSC_PERMISSION = 3 }; /* FSC_TYPE */
enum { FSC_ADDRESS_SIZE_LAST = 3, FSC_ALIGNMENT = 0x21 };	       /* whole FSC */

static void fault_signal(int sig, int code, uint64_t address, uint64_t esr)
{
	struct task *t = task_current();

	t->fault_address = address;
	t->fault_esr = esr;
	signal_force_fault(sig, code, address);
}

static void memory_fault(uint64_t esr, uint64_t va, bool write, bool exec)
{
	int err;

	if (atomic_load_explicit(&thread_current()->work, memory_order_relaxed) & WORK_STEP)
		trace_step_disarm(); /* it may sleep, and others run */
	err = va < USER_END ? space_fault(space_current(), va, write, exec) : -EFAULT;

	switch (err) {
	case 0:
		return;
	case -EACCES:
		return fault_signal(SIGSEGV, SEGV_ACCERR, va, esr);
	case -EIO:
		return fault_signal(SIGBUS, BUS_ADRERR, va, esr);
	case -ENOMEM: /* if not, it ends by a signal, or tries again */
		oom_make_room();
		return;
	default:
		return fault_signal(SIGSEGV, SEGV_MAPERR, va, esr);
	}
}

static void abort_low(uint64_t esr, uint64_t far, bool write, bool exec)
{
	uint64_t fsc = field_get(ISS_FSC, esr), type = field_get(FSC_TYPE, esr);

	if (type >= FSC_TRANSLATION && type <= FSC_PERMISSION)
		memory_fault(esr, far, write, exec);
	else if (fsc == FSC_ALIGNMENT)
		fault_signal(SIGBUS, BUS_ADRALN, far, esr);
	else if (fsc <= FSC_ADDRESS_SIZE_LAST)
		fault_signal(SIGSEGV, SEGV_MAPERR, far, esr);
	else
		fault_signal(SIGBUS, BUS_OBJERR, far, esr);
}

static void trap_fp(struct trapframe *tf, uint64_t esr, uint64_t far)
{
	(void)tf, (void)esr, (void)far;
	fp_trap(&task_current()->fp);
}

static void trap_undefined(struct trapframe *tf, uint64_t esr, uint64_t far)
{
	(void)far;
	fault_signal(SIGILL, ILL_ILLOPC, tf->pc, esr);
}

static void trap_sve(struct trapframe *tf, uint64_t esr, uint64_t far)
{
	struct task *t = task_current();

	if (!cpu_has(CPU_SVE))
		return trap_undefined(tf, esr, far);
	if (fp_trap_sve(&t->fp))
		signal_send_process(t->process, SIGKILL);
}

static void trap_iabt(struct trapframe *tf, uint64_t esr, uint64_t far)
{
	(void)tf;
	abort_low(esr, far, false, true);
}

static void trap_dabt(struct trapframe *tf, uint64_t esr, uint64_t far)
{
	(void)tf;
	abort_low(esr, far, (esr & ISS_WNR) && !(esr & ISS_CM), false);
}

static void trap_pc_align(struct trapframe *tf, uint64_t esr, uint64_t far)
{
	(void)far;
	fault_signal(SIGBUS, BUS_ADRALN, tf->pc, esr);
}

static void trap_sp_align(struct trapframe *tf, uint64_t esr, uint64_t far)
{
	(void)far;
	fault_signal(SIGBUS, BUS_ADRALN, tf->sp, esr);
}

static void trap_fp_exception(struct trapframe *tf, uint64_t esr, uint64_t far)
{
	(void)far;
	fault_signal(SIGFPE, FPE_FLTUNK, tf->pc, esr);
}

static void trap_brk(struct trapframe *tf, uint64_t esr, uint64_t far)
{
	(void)far;
	fault_signal(SIGTRAP, TRAP_BRKPT, tf->pc, esr);
}

static void trap_debug(struct trapframe *tf, uint64_t esr, uint64_t far)
{
	(void)tf;
	fault_signal(SIGTRAP, TRAP_HWBKPT, far, esr);
}

static void trap_step(struct trapframe *tf, uint64_t esr, uint64_t far)
{
	(void)far;
	trace_step_disarm();
	/* If not, it was armed for one that is no longer traced. */
	if (thread_has_work(thread_current(), WORK_STEP))
		fault_signal(SIGTRAP, TRAP_TRACE, tf->pc, esr);
}

/* By exception class; what has no row is an undefined instruction: traps of registers and of SME,
 * pointer authentication and the like, which programs are not offered. */
static void (*const user_traps[EC_COUNT])(struct trapframe *, uint64_t esr, uint64_t far) = {
	[EC_FP] = trap_fp,
	[EC_SVE] = trap_sve,
	[EC_IABT_LOW] = trap_iabt,
	[EC_PC_ALIGN] = trap_pc_align,
	[EC_DABT_LOW] = trap_dabt,
	[EC_SP_ALIGN] = trap_sp_align,
	[EC_FP_EXCEPTION] = trap_fp_exception,
	[EC_BREAKPOINT_LOW] = trap_debug,
	[EC_STEP_LOW] = trap_step,
	[EC_WATCHPOINT_LOW] = trap_debug,
	[EC_BRK] = trap_brk,
};

void trap_user_exception(struct trapframe *tf, uint64_t esr, uint64_t far)
{
	void (*trap)(struct trapframe *, uint64_t, uint64_t) = user_traps[field_get(ESR_EC, esr)];

	(trap ? trap : trap_undefined)(tf, esr, far);
}

bool trap_usercopy_fault(uint64_t va, bool write)
{
	struct mmu_context *mmu = thread_current()->mmu;
	int err;

	if (!mmu)
		return false;
	do /* the program's own space, or the one a kernel thread has adopted */
		err = space_fault(container_of(mmu, struct space, mmu), va, write, false);
	while (err == -ENOMEM && oom_make_room());
	return !err;
}

/* The way out of a thread of which more than V registers may be left: fp.c sets its bit. */
static void leave_with_sve(struct task *t, const struct trapframe *tf)
{
	if (!t->fp.sve)
		thread_clear_work(&t->thread, WORK_SVE);
	else if (tf->syscall >= 0)
		fp_leave_call(&t->fp);
}

#define WORK_STAYS (WORK_SVE | WORK_STEP)

/* What may sleep. Masked before and after. */
static void slow_work(struct task *t, struct trapframe *tf)
{
	irq_enable();
	if (thread_has_work(&t->thread, WORK_RESCHED))
		thread_preempt();
	if (thread_has_work(&t->thread, WORK_TRACE)) {
		thread_clear_work(&t->thread, WORK_TRACE);
		trace_leave_call();
	}
	if (thread_has_work(&t->thread, WORK_SIGNAL))
		signal_deliver(tf);
	irq_disable();
}

void trap_user_work(struct trapframe *tf)
{
	struct task *t = task_current();
	uint32_t work = atomic_load_explicit(&t->thread.work, memory_order_relaxed);

	if (!work)
		return;
	if (work & WORK_SVE)
		leave_with_sve(t, tf);
	if (work & WORK_STEP)
		trace_step_disarm();
	while ((work = atomic_load_explicit(&t->thread.work, memory_order_relaxed)) & ~WORK_STAYS) {
		if (thread_has_work(&t->thread, WORK_RESCHED | WORK_SIGNAL | WORK_TRACE)) {
			slow_work(t, tf);
			continue;
		}
		/* A kick meant for the guest has done its work by getting here; the request stays.
		 */
		thread_clear_work(&t->thread, WORK_GUEST | WORK_FRAME);
		/* Last, and masked until EL0: nobody takes the bank any more. */
		if (work & WORK_SVE)
			fp_settle(&t->fp);
		if (thread_has_work(&t->thread, WORK_VECTOR)) {
			thread_clear_work(&t->thread, WORK_VECTOR);
			fp_enter_user(this_cpu(), &t->fp);
		}
	}
	if (work) {
		fp_settle(&t->fp);
		/* The call is over: what it was given is as anything else from here on, wherever it
		 * is loaded. */
		tf->syscall = -1;
		t->fp.given = false;
	}
	if (work & WORK_STEP)
		trace_step_arm();
}
