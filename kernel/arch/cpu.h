/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What one CPU is: its number, what runs on it, what it can do. TPIDR_EL2 points at its struct cpu
 * for ever, so this_cpu() is one instruction; the kernel is not preemptible, so the answer holds
 * until the caller sleeps.
 */
#pragma once

#include <stdatomic.h>

#include "lib/types.h"

#define MAX_CPUS     32
#define IRQS_COUNTED 81

struct thread;
struct run_queue;

/* Which world the CPU's registers are set up for; see docs/banks.md, "the crossing". */
enum cpu_mode {
	CPU_HOST,  /* HCR_EL2.TGE = 1, host vectors, host TPIDR_EL0 … */
	CPU_GUEST, /* TGE = 0, guest vectors; set by kvm, undone before any return to EL0 */
};

struct cpu {
	struct thread *current;	 /* these five are known to vectors.S by sched/offsets.c */
	uint64_t overflow_stack; /* top of the stack a stack overflow is reported on */
	uint32_t mode;		 /* enum cpu_mode, tested at each return to EL0 */
	uint32_t id;		 /* 0 .. cpu_count() - 1 */
	uint64_t scratch[2];	 /* for vectors, before there is a register to use */
	void *entered;		 /* kvm/vcpu.c: the vCPU for which all is in place, or NULL */
	struct run_queue *queue; /* sched/queue.h: this CPU's */
	void *resident;		 /* kvm/world.c: the vCPU in the guest bank, or NULL */
	uint64_t ich_hcr;	 /* kvm/vgic/cpuif.c: what is in ICH_HCR_EL2, whosever it is */
	uint32_t guest_ppis;	 /* kvm/vtimer.c: those that may be Active here, one bit each */
	uint64_t host_hcr, host_vbar; /* kvm/world.c: HCR_EL2 and VBAR_EL2 for host EL0, constant */
	bool guest_debug;	 /* kvm/debug.c: MDSCR_EL1 is a guest's, not 0 */
	uint64_t mpidr;		 /* affinity bits only */
	uint64_t sgi;		 /* arch/gic.c: ICC_SGI1R_EL1 for SGI 0 to this CPU */
	uint64_t gicr;		 /* VA of this CPU's redistributor */
	uint64_t cptr_el2;   /* what was last written there; bank/fp.h */
	uint64_t fp_epoch;   /* bank/fp_policy.h: changes with each load of vector registers */
	uint64_t fp_zeroed_at; /* bank/fp.c: the epoch in which nothing but zeros is in them */
	uint64_t fp_avoided; /* bank/fp.h: ways to EL0 on which the vector registers stood */
	uint32_t fp_vq;	     /* bank/fp_length.h: ZCR_EL2.LEN as last written, plus 1; 0: unknown */
	struct {
		uint64_t traps, trap_loads, zeroed, saves_of_v, wide_saves, wide_loads;
		uint64_t other_epochs; /* that began without a load */
	} fp_counts;		       /* bank/fp.h: struct fp_stats */
	uint32_t irq_counts[IRQS_COUNTED]; /* taken here, by INTID; the last: all others */
};

static inline struct cpu *this_cpu(void)
{
	struct cpu *cpu;

	__asm__ volatile("mrs %0, tpidr_el2" : "=r"(cpu));
	return cpu;
}

static inline unsigned cpu_id(void)
{
	return this_cpu()->id;
}

extern struct cpu cpu_table[MAX_CPUS]; /* cpu.c */
extern unsigned cpus_added;

static inline unsigned cpu_count(void) /* CPUs that came up once; some may be off now */
{
	return cpus_added;
}

/* Those that run, one bit each. */
uint64_t cpu_online_mask(void);
static inline bool cpu_is_online(unsigned id)
{
	return cpu_online_mask() >> id & 1;
}
/* The calling CPU runs from now on: others may ask things of it. */
void cpu_set_online(void);
/* The calling CPU is about to stop: last(arg) runs masked, when nobody waits for an answer of this
 * CPU, and then it is not online. Unmasked; returns masked. */
void cpu_leave(void (*last)(void *), void *arg);

static inline struct cpu *cpu_get(unsigned id)
{
	struct cpu *cpu = &cpu_table[id];

	__asm__("" : "+r"(cpu)); /* one address for all members, not a product for each */
	return cpu;
}

/* Features of all CPUs together, read once at boot from the ID registers. */
enum cpu_feature {
	CPU_PAN,
	CPU_VHE,
	CPU_SVE,
	CPU_SME,
	CPU_RNDR,
	CPU_AARCH32_EL1,
	CPU_PAUTH,
	CPU_MTE,
	CPU_VMID16,
	CPU_ASID16,
	CPU_FGT,
	CPU_HCX,
	CPU_ECV,
	CPU_SCXTNUM, /* CSV2_2 */
	CPU_RAS,
	CPU_FEATURES,
};
extern uint64_t cpu_features; /* cpu.c; set once in boot: one bit for each */
static inline bool cpu_has(enum cpu_feature f)
{
	return cpu_features >> f & 1;
}
unsigned cpu_pa_bits(void); /* 32..48 */

/* Boot: read the features on the boot CPU; check() on each other CPU that it has them all. */
void cpu_init_features(void);
void cpu_check_features(void);
/* Boot: give the next number to the CPU with this MPIDR (affinity bits). */
struct cpu *cpu_add(uint64_t mpidr);
void cpu_remove(struct cpu *cpu); /* the last one added: it has not started */
void cpu_handle_call(void);	  /* the handler of IPI_CALL */
