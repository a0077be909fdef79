/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtual CPU: its general registers (here after every exit), its context in the guest bank and
 * in the vector bank, what must be done before it goes on, and what it waits for.
 *
 * One claimant at a time: whoever holds vcpu->lock. Other CPUs may only set a request and kick.
 */
#pragma once

#include <stdatomic.h>
#include <linux/kvm.h>

#include "arch/sysreg.h"
#include "bank/bank.h"
#include "bank/fp.h"
#include "kvm/decode.h"
#include "kvm/guest_regs.h"
#include "kvm/psci.h"
#include "kvm/vm.h"
#include "lib/relaxed.h"
#include "sched/ktimer.h"
#include "sched/mutex.h"

struct vgic_cpu;
struct vcpu_watch;

/* Everything due before the guest goes on is a bit here, consumed in vcpu.c, in one place. */
enum {
	REQ_VGIC = 1u << 0,    /* something that decides the list registers changed: vgic_flush() */
	REQ_POWER = 1u << 1,   /* psci.c: switched on or off by another vCPU or by the VMM */
	REQ_COUNTER = 1u << 2, /* vm->counter_offset changed */
	REQ_WAKE = 1u << 3,    /* nothing but to look again: ends WFI */
	REQ_DEBUG = 1u << 4,   /* what the guest debugs has changed */
	REQ_WATCH = 1u << 5,   /* stays while somebody watches: watch.c. Nothing is due */
};

/* What an exit's handler says: negative -errno: leave KVM_RUN with it. */
enum {
	EXIT_RESUME = 0, /* handled; the guest goes on */
	EXIT_TO_VMM = 1, /* run->exit_reason and its union are filled in; KVM_RUN returns 0 */
};

/* The two timers of EL1, PPI 27 and 30: registers are in the guest bank. kvm/vtimer.c. */
enum { VTIMER_VIRTUAL, VTIMER_PHYSICAL, VTIMERS };
struct vtimer {
	uint32_t active;      /* Active bits of the PPIs while evicted: they travel with the bank */
	struct ktimer wake;   /* armed only while the vCPU waits and is in no bank; wait.lock */
	bool armed;	      /* it was started and not cancelled since */
};

/* In WFI, or switched off: kick.c. */
struct vcpu_wait {
	struct spinlock lock;		 /* covers all of this, and starting the timer above */
	_Atomic(struct thread *) thread; /* the vCPU's, which waits; NULL: it does not */
};

/* Exits by cause: the class of a synchronous exception, then WORLD_IRQ, _FIQ and _SERROR. */
#define EXIT_CAUSES (EC_COUNT + 3)
struct vcpu_stats { /* plain counters, written by the vCPU's own thread */
	uint64_t exits[EXIT_CAUSES];
	uint64_t mmio_kernel, mmio_vmm, s2_faults, signals, blocks, crossings;
	uint64_t wfe;	/* of exits[EC_WFX]; the others are WFI */
	uint64_t loads; /* of the guest bank */
};

/* A guest's debug registers, the newest values: kvm/debug.c. */
#define GUEST_DEBUG_PAIRS 16
struct guest_debug {
	uint64_t bvr[GUEST_DEBUG_PAIRS], bcr[GUEST_DEBUG_PAIRS];
	uint64_t wvr[GUEST_DEBUG_PAIRS], wcr[GUEST_DEBUG_PAIRS];
	uint64_t mdscr, mdccint, claim;
	bool os_lock;
	bool armed; /* something is to be live: MDSCR_EL1.MDE or SS, and no OS lock */
};

struct vcpu {
	/* world.S names these: kernel/sched/offsets.c or the checks in world.c */
	uint64_t x[31]; /* offset 0 */
	uint64_t pc, pstate;
	uint64_t far; /* of the last abort */
	uint64_t hcr; /* HCR_EL2 while it runs, TGE clear */

	_Atomic uint32_t requests; /* REQ_*; see vcpu_kick() */
	uint32_t id;		   /* KVM's vcpu id */
	unsigned index;		   /* in vm->vcpus */
	struct vm *vm;
	struct mutex lock;   /* held by every ioctl of the vCPU, KVM_RUN too */
	struct kvm_run *run; /* one page, mapped by the VMM: never trust what is read back */

	struct bank_ctx bank;	/* in guest_bank */
	struct guest_regs regs; /* its image */
	struct fp_context fp;	/* in vector_bank */
	struct vtimer timer;
	struct vgic_cpu *vgic; /* vgic_vcpu_init(); never NULL once the vCPU exists */

	bool ready;		   /* has run: its VM's devices are complete and stay so */
	bool initialised;	  /* KVM_ARM_VCPU_INIT was done: else KVM_RUN is -ENOEXEC */
	bool settled;		  /* and it owes no reset to a CPU_ON; cleared by who calls that */
	uint32_t features;	  /* of KVM_ARM_VCPU_INIT, word 0 */
	bool sve_finalized;	  /* KVM_ARM_VCPU_FINALIZE was done: sve.c */
	struct psci_cpu power;	  /* changes under vm->power_lock */
	struct guest_debug debug; /* debug.c */
	uint64_t spsr32[4];	  /* SPSR_abt, _und, _irq, _fiq: only ONE_REG sees them */

	struct vcpu_wait wait;	    /* its thread waits: WFI, or switched off */

	struct slot_gap gap;	 /* where it met no memory: vm_note_gap(). Size: vm->slots_lock */
	struct mmio_access mmio; /* given to the VMM by KVM_EXIT_MMIO */
	bool mmio_pending;	 /* to be completed at the next KVM_RUN: mmio_complete() */

	struct vcpu_stats stats;
	struct vcpu_watch *watch; /* watch.c: their times; NULL: nobody ever watched */
};

/* ---- vcpu.c, kick.c; api.c holds vcpu->lock around all of these but create and kick ---- */
/* A vCPU with that id, not initialised, in no bank. vm->lock held. -ENOMEM, -EINVAL, -EEXIST. The
 * caller publishes it in vm->vcpus (vcpu_create fills index) and calls vgic_vcpu_init(). */
int vcpu_create(struct vm *vm, unsigned id, struct vcpu **out);
/* Out of every bank, freed. Nobody refers to it any more. */
void vcpu_destroy(struct vcpu *vcpu);
/* KVM_ARM_VCPU_INIT: features as given; resets all registers. -EINVAL, -ENOENT. */
int vcpu_init(struct vcpu *vcpu, const struct kvm_vcpu_init *init);
/* KVM_ARM_PREFERRED_TARGET. */
void vcpu_preferred_target(struct kvm_vcpu_init *init);
/* KVM_RUN. 0 with run->exit_reason, -EINTR, -ENOEXEC, -EIO (another address space), -ENOMEM,
 * -EFAULT. */
long vcpu_run(struct vcpu *vcpu);
/* Set the request and see to it that it is looked at: the vCPU leaves the guest or wakes from WFI.
 * Any context, any lock. */
void vcpu_kick(struct vcpu *vcpu, uint32_t request);
/* If its thread waits, let it go on: nothing is requested of it. Did it wait? Any context, any lock. */
bool vcpu_wake(struct vcpu *vcpu);
/* If CPU_ON was called for it and it has not run since: its registers become those it begins with. */
void vcpu_finish_power_up(struct vcpu *vcpu);
/* Is it initialised, with nothing to be finished? */
static inline bool vcpu_settled(const struct vcpu *vcpu)
{
	return __atomic_load_n(&vcpu->settled, __ATOMIC_RELAXED);
}
/* MP_STATE: KVM_MP_STATE_RUNNABLE or _STOPPED. */
void vcpu_get_mp_state(struct vcpu *vcpu, struct kvm_mp_state *state);
int vcpu_set_mp_state(struct vcpu *vcpu, const struct kvm_mp_state *state);
/* VCPU_EVENTS: a pending SError. */
int vcpu_get_events(struct vcpu *vcpu, struct kvm_vcpu_events *events);
int vcpu_set_events(struct vcpu *vcpu, const struct kvm_vcpu_events *events);
/* {HAS,GET,SET}_DEVICE_ATTR of a vCPU (timer PPIs, …): 0, -ENXIO, … */
int vcpu_has_attr(struct vcpu *vcpu, const struct kvm_device_attr *attr);
int vcpu_get_attr(struct vcpu *vcpu, const struct kvm_device_attr *attr);
int vcpu_set_attr(struct vcpu *vcpu, const struct kvm_device_attr *attr);

/* MPIDR_EL1 of that vCPU: affinity and bit 31. */
#define MPIDR_RES1 BIT(31)
static inline uint64_t vcpu_mpidr(const struct vcpu *vcpu)
{
	return vcpu->power.mpidr | MPIDR_RES1;
}
/* All registers as after a warm reset; x0 = 0, pc = 0. vCPU's own thread or lock. */
void vcpu_reset(struct vcpu *vcpu);

/* ---- sysreg.c, one_reg.c ---- */
/* KVM_GET_ONE_REG, SET_ONE_REG, of an initialised vCPU: user address of a struct kvm_one_reg. -ENOENT,
 * -EINVAL, -EFAULT. */
long vcpu_get_one_reg(struct vcpu *vcpu, uint64_t user_reg);
long vcpu_set_one_reg(struct vcpu *vcpu, uint64_t user_reg);
/* KVM_GET_REG_LIST: user address of a struct kvm_reg_list. -E2BIG with the count written. */
int vcpu_get_reg_list(struct vcpu *vcpu, uint64_t user_list);

/* ---- world.c ---- */
/* Once at boot; on each CPU as it comes up. */
void world_init(void);
void world_cpu_init(void);
extern struct bank guest_bank;
/* The vCPU in this CPU's guest bank, or NULL. Masked (PPI handlers: maintenance, timers). */
struct vcpu *world_resident(void);

/* ---- inject.c: the guest takes an exception instead of the next instruction ---- */
void inject_undefined(struct vcpu *vcpu);
/* Synchronous external abort at far. */
void inject_data_abort(struct vcpu *vcpu, uint64_t far);
void inject_fetch_abort(struct vcpu *vcpu, uint64_t far);
/* A virtual SError: taken when the guest has it unmasked. */
void inject_serror(struct vcpu *vcpu);

/* The trapped instruction was done: on to the next. */
static inline void vcpu_skip_instruction(struct vcpu *vcpu)
{
	vcpu->pc += 4;
	/* As after any instruction that is not a branch: BTYPE 0; SS 0: a single step is over. */
	vcpu->pstate &= ~(3ull << 10 | 1ull << 21);
}

static inline uint64_t vcpu_reg(const struct vcpu *vcpu, unsigned rt)
{
	return rt == 31 ? 0 : vcpu->x[rt];
}

static inline void vcpu_set_reg(struct vcpu *vcpu, unsigned rt, uint64_t value)
{
	if (rt != 31)
		vcpu->x[rt] = value;
}

/* ---- mmio.c (api half) ---- */
/* A guest access that no memory answers: an in-kernel device, an ioeventfd, or KVM_EXIT_MMIO.
 * EXIT_RESUME (done, pc on the next instruction) or EXIT_TO_VMM. */
int mmio_access(struct vcpu *vcpu, struct mmio_access access);
/* At the next KVM_RUN if mmio_pending: the access the VMM was asked about is over; a load's result goes
 * to Rt. */
void mmio_complete_load(struct vcpu *vcpu);
static inline void mmio_complete(struct vcpu *vcpu)
{
	vcpu->mmio_pending = false;
	vcpu_skip_instruction(vcpu);
	if (!mmio_is_store(vcpu->mmio))
		mmio_complete_load(vcpu);
}
