/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of vcpus.c and owners.c begin and end with: a VM with one vCPU whose guest keeps a
 * pattern, a VMM that runs it with a pattern of its own, and rivals for the CPU's vector registers.
 */
#pragma once
#include <pthread.h>
#include "tests/lib/cpus.h"
#include "tests/lib/regs.h"
#include "tests/torture/lib/state.h"

#define VERSION_CALL 0x84000000u

enum { ROUNDS = 60 };

extern struct vm vm, vm2;
/* Each guest's own, in its own memory. */
extern struct state want, found;
extern volatile uint64_t stop, turns;
extern struct sve_image mine, after;
extern struct state zero;
extern const int now; /* 1 */
extern int cpus;      /* of this machine */

/* Load want, then look after each exit; every third exit stays in the kernel. guest_done(words that
 * differ). */
GUEST void guest_keeps(uint64_t vl);
/* Uses no vector register. */
GUEST void guest_idles(uint64_t arg);

/* Leaves with the shortest length, goes on with its longest and shows what it has: guest_done(bytes
 * of a vector), again and again. */
GUEST void guest_changes_its_length(uint64_t vl);

/* A VM with one vCPU with vectors up to vl bytes (0: no SVE), about to begin at guest(vl). */
struct vcpu *begin(struct vm *v, unsigned vl, void (*guest)(uint64_t), uint64_t pattern);
/* Its guest's last word is that nothing was wrong. */
void end(struct vm *v);

/* The VMM's registers of that length over one KVM_RUN: V registers stay, the rest is zero. 0: it
 * uses none. Its wrong registers. */
int vmm_runs(struct vcpu *vcpu, unsigned vl, uint64_t pattern);
/* The same of V registers, FPSR, FPCR and the general registers. */
int vmm_runs_with_words(struct vcpu *vcpu, uint64_t pattern, uint32_t fpsr, uint32_t fpcr);
/* In a thread that has used nothing yet. */
void in_a_new_thread(void (*fn)(void));

/* Somebody who holds vectors on a CPU, and looks whenever go is set: to be there is his job. */
struct rival {
	pthread_t thread;
	int cpu, wrong;
	unsigned vl;
	volatile int go, stop, looks;
};
void rival_start(struct rival *r, int cpu, unsigned vl);
void rival_end(struct rival *r);

#define need_sve()                                                                                 \
	do {                                                                                       \
		if (!state_lengths())                                                              \
			return tap_skip("no SVE");                                                 \
	} while (0)
#define need_two_cpus()                                                                            \
	do {                                                                                       \
		if (cpus < 2)                                                                      \
			return tap_skip("wants two CPUs");                                         \
	} while (0)
