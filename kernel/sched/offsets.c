/* SPDX-License-Identifier: BSD-2-Clause */
/* Offsets for assembly: compiled to text, from which the build takes the lines that begin with
 * "#define". */
#include "arch/cpu.h"
#include "arch/trap.h"
#include "sched/thread.h"

#define OFFSET(name, type, member)                                                                 \
	__asm__ volatile("\n#define " #name " %0" ::"i"(offsetof(type, member)))
#define VALUE(name, value) __asm__ volatile("\n#define " #name " %0" ::"i"(value))

void offsets(void);
void offsets(void)
{
	OFFSET(CPU_CURRENT, struct cpu, current);
	OFFSET(CPU_OVERFLOW_STACK, struct cpu, overflow_stack);
	OFFSET(CPU_MODE, struct cpu, mode);
	OFFSET(CPU_SCRATCH, struct cpu, scratch);
	OFFSET(TF_X, struct trapframe, x);
	OFFSET(TF_LR, struct trapframe, x[30]);
	OFFSET(TF_SP, struct trapframe, sp);
	OFFSET(TF_PC, struct trapframe, pc);
	OFFSET(TF_PSTATE, struct trapframe, pstate);
	OFFSET(TF_SYSCALL, struct trapframe, syscall);
	VALUE(TF_SIZE, sizeof(struct trapframe));
	OFFSET(THREAD_WORK, struct thread, work);
	OFFSET(THREAD_FRAME, struct thread, frame);
	VALUE(THREAD_STACK_BIT, 14);
}

_Static_assert(THREAD_STACK == 1 << 14, "vectors.S tests this bit of the stack pointer");
_Static_assert(sizeof(struct trapframe) % 16 == 0, "the stack pointer stays aligned");
_Static_assert(offsetof(struct thread, frame) == 0, "switch.S");
