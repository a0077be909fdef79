/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signal frames: what a handler finds on its stack, and the way back. The layout is the UAPI's
 * (<asm/ucontext.h>, <asm/sigcontext.h>): siginfo, ucontext with the general registers, then
 * records (sigrecords.c), for which the frame grows if it must; above the frame a frame record
 * (fp, lr) for unwinders. A program may change all of it, so the way back believes
 * nothing: only EL0t, AArch64, unmasked states are taken, and records that are what they say;
 * anything else is SIGSEGV and leaves the general registers alone.
 */
#include <linux/errno.h>
#include <linux/mman.h>
#include <asm/sigcontext.h>
#include <asm/unistd.h>

#include "arch/usercopy.h"
#include "lib/bits.h"
#include "lib/string.h"
#include "linux/process/process.h"
#include "linux/signal/sigrecords.h"
#include "linux/syscalls.h"
#include "mm/page.h"

#include <asm/ucontext.h> /* needs the signal types */

struct sigframe {
	siginfo_t info;
	struct ucontext uc;
};

struct frame_record {
	uint64_t fp, lr;
};

_Static_assert(sizeof(struct sigframe) == 4688, "the frame's size is ABI");

/* The part of struct sigcontext before the records. */
struct registers {
	uint64_t fault_address, x[31], sp, pc, pstate;
};
_Static_assert(sizeof(struct registers) <= offsetof(struct sigcontext, __reserved), "registers");
_Static_assert(offsetof(struct registers, pstate) == offsetof(struct sigcontext, pstate), "same");

#define FRAME_MOST	(256 * 1024) /* as Linux */
#define FRAME_UC	offsetof(struct sigframe, uc)
#define FRAME_REGISTERS offsetof(struct sigframe, uc.uc_mcontext)
#define FRAME_RECORDS	offsetof(struct sigframe, uc.uc_mcontext.__reserved)

#define PSTATE_NZCV  BITS(31, 28)
#define PSTATE_SSBS  BIT(12)
#define PSTATE_DIT   BIT(24)
#define PSTATE_DAIF  BITS(9, 6)
#define PSTATE_MODE  BITS(4, 0) /* AArch32 included; 0 is EL0t */
#define PSTATE_BTYPE BITS(11, 10)
#define PSTATE_IL    BIT(20)
#define PSTATE_SS    BIT(21)

/* ---- going ---- */

static uint64_t frame_size(uint32_t records)
{
	return max(sizeof(struct sigframe), align_up(FRAME_RECORDS + records, 16));
}

uint64_t sigframe_min_stack(void)
{
	return frame_size(sigrecords_most()) + sizeof(struct frame_record) + 16;
}

static uint64_t frame_address(const struct trapframe *tf, const struct signal_state *s, bool alt,
			      uint64_t size)
{
	bool on = s->alt_size && tf->sp > s->alt_sp && tf->sp - s->alt_sp <= s->alt_size;
	uint64_t sp = alt && s->alt_size && !on ? s->alt_sp + s->alt_size : tf->sp;

	return align_down(sp, 16) - sizeof(struct frame_record) - size;
}

static int push_header(uint64_t frame, const struct trapframe *tf, const siginfo_t *info,
		       uint64_t mask)
{
	struct signal_state *s = &task_current()->signals;
	struct {
		uint64_t flags, link;
		stack_t stack;
		uint64_t mask;
	} uc = { .mask = mask };
	bool on = s->alt_size && tf->sp > s->alt_sp && tf->sp - s->alt_sp <= s->alt_size;

	_Static_assert(offsetof(__typeof__(uc), mask) == offsetof(struct ucontext, uc_sigmask), "");
	uc.stack.ss_sp = (void *)s->alt_sp;
	uc.stack.ss_size = s->alt_size;
	uc.stack.ss_flags = (int)(s->alt_flags | (!s->alt_size ? SS_DISABLE : on ? SS_ONSTACK : 0));
	if (s->alt_flags)
		s->alt_sp = s->alt_size = s->alt_flags = 0; /* SS_AUTODISARM */
	if (put_user(*info, frame))
		return -EFAULT;
	return put_user(uc, frame + FRAME_UC);
}

static int push_registers(uint64_t frame, const struct trapframe *tf, uint64_t record)
{
	struct registers r = { .fault_address = task_current()->fault_address };
	struct frame_record fr = { tf->x[29], tf->x[30] };

	memcpy(r.x, tf->x, sizeof(r.x));
	r.sp = tf->sp;
	r.pc = tf->pc;
	r.pstate = tf->pstate;
	if (put_user(r, frame + FRAME_REGISTERS))
		return -EFAULT;
	return put_user(fr, record);
}

bool sigframe_push(struct trapframe *tf, const struct signal_action *action, const siginfo_t *info,
		   uint64_t mask)
{
	struct task *t = task_current();
	uint64_t frame, record, size;
	struct sigrecords records;

	sigrecords_plan(&records);
	size = frame_size(records.size);
	frame = frame_address(tf, &t->signals, action->flags & SA_ONSTACK, size);
	record = frame + size;
	if (!user_range_ok(frame, size + sizeof(struct frame_record)))
		return false;
	if (push_header(frame, tf, info, mask) || push_registers(frame, tf, record) ||
	    sigrecords_push(frame + FRAME_RECORDS, &records))
		return false;
	t->fault_address = t->fault_esr = 0;
	tf->x[0] = (uint64_t)info->si_signo;
	if (action->flags & SA_SIGINFO) {
		tf->x[1] = frame;
		tf->x[2] = frame + FRAME_UC;
	}
	tf->x[29] = record;
	tf->x[30] = action->flags & SA_RESTORER ? action->restorer : SIGNAL_TRAMPOLINE;
	tf->sp = frame;
	tf->pc = action->handler;
	tf->pstate &= ~(PSTATE_BTYPE | PSTATE_SS | PSTATE_IL);
	return true;
}

/* ---- coming back ---- */

static int pop(struct trapframe *tf, uint64_t frame)
{
	struct registers r;
	uint64_t mask;
	stack_t stack;

	if (frame % 16 || get_user(r, frame + FRAME_REGISTERS) ||
	    get_user(mask, frame + offsetof(struct sigframe, uc.uc_sigmask)) ||
	    get_user(stack, frame + offsetof(struct sigframe, uc.uc_stack)))
		return -EFAULT;
	if (r.pstate & (PSTATE_MODE | PSTATE_DAIF))
		return -EINVAL;
	if (sigrecords_pop(frame + FRAME_RECORDS, frame + FRAME_MOST))
		return -EINVAL;
	memcpy(tf->x, r.x, sizeof(r.x));
	thread_set_work(thread_current(), WORK_FRAME);
	tf->sp = r.sp;
	tf->pc = r.pc;
	tf->pstate = r.pstate & (PSTATE_NZCV | PSTATE_SSBS | PSTATE_DIT);
	signal_set_mask(mask);
	(void)signal_set_stack(r.sp, &stack); /* one that cannot be stays out, as on Linux */
	return 0;
}

long sys_rt_sigreturn(struct trapframe *tf)
{
	struct task *t = task_current();

	t->restart.call = NULL;
	if (t->fp.sve) /* what SVE adds ends with this call too, though it is said to be none below
			*/
		fp_leave_call(&t->fp);
	if (pop(tf, tf->sp))
		signal_force_fault(SIGSEGV, SI_KERNEL, 0);
	tf->syscall = -1; /* x0 is the program's, not a result */
	return (long)tf->x[0];
}

/* ---- the trampoline ---- */

static void *trampoline; /* one page for everybody, made by the first program's start */

static int trampoline_page(struct vma *vma, uint64_t offset, pa_t *pa)
{
	(void)offset;
	*pa = va_to_pa(vma->data);
	page_get(*pa);
	return 0;
}

static const struct vma_ops trampoline_ops = { .page = trampoline_page };

int sigframe_map_trampoline(struct space *s)
{
	if (!trampoline) {
		uint32_t *code = page_alloc_zeroed(0);

		if (!code)
			return -ENOMEM;
		code[0] = 0xd2800008 | __NR_rt_sigreturn << 5; /* mov x8, #__NR_rt_sigreturn */
		code[1] = 0xd4000001;			       /* svc #0 */
		trampoline = code;
	}
	return space_map_special(s, SIGNAL_TRAMPOLINE, PAGE_SIZE, PROT_READ | PROT_EXEC,
				 &trampoline_ops, trampoline);
}
