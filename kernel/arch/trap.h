/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an exception leaves behind, and the upward hooks: declared here, defined in the rooms above.
 */
#pragma once

#include "lib/types.h"

/* The registers of an interrupted program (EL0) or of the kernel itself, on the kernel stack.
 * The frame of an exception from EL0 lies at the very top of its thread's kernel stack. */
struct trapframe {
	uint64_t x[31];
	uint64_t sp;	  /* SP_EL0 for EL0, the kernel's SP for EL2 */
	uint64_t pc;	  /* ELR_EL2 */
	uint64_t pstate;  /* SPSR_EL2 */
	uint64_t orig_x0; /* x0 at the system call, for restarts; linux/ owns it */
	int64_t syscall;  /* x8 in a system call, -1 otherwise */
	uint64_t traced;  /* system calls go by way of trap_syscall_traced(): stays from one entry to the next */
	uint64_t reserved; /* 16-byte alignment */
};

/* Hooks of linux/. Entered with interrupts enabled, on the thread's kernel stack, x8 = number. */
void trap_syscall(struct trapframe *tf);
/* The same for a thread with tf->traced. */
void trap_syscall_traced(struct trapframe *tf);
/* An exception other than SVC from EL0: esr and far as the hardware gave them. Enabled. Page
 * faults, undefined instructions, alignment, breakpoints, BRK; FP access (EC 0x07, 0x19). */
void trap_user_exception(struct trapframe *tf, uint64_t esr, uint64_t far);
/* A thread with work bits goes back to EL0 (or its first time): signals, rescheduling, vector
 * state. Called masked and must return masked with no work left to do. */
void trap_user_work(struct trapframe *tf);
/* A data abort at EL2 on a user address inside usercopy: make the page present (may sleep, enabled)
 * and return true to retry, false to make the copy return -EFAULT. */
bool trap_usercopy_fault(uint64_t va, bool write);
/* kvm: the CPU is in CPU_GUEST mode and is about to return to EL0 (masked): put back HCR_EL2,
 * VBAR_EL2, TPIDR_EL0 and whatever else host programs share with guests; set mode CPU_HOST. */
void world_leave(void);

/* Go to EL0 with this frame, which lies at the top of the current thread's kernel stack. */
_Noreturn void trap_return_to_user(struct trapframe *tf);

/* The registers of a frame, in the log. */
void trap_print(const struct trapframe *tf, uint64_t esr, uint64_t far);
