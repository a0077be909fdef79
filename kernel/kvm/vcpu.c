/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The run loop (docs/tour.md, walk B) and what starts and stops a vCPU. vcpu_run() comes from
 * api.c's KVM_RUN with vcpu->lock held; it goes to world_run() and, masked still, to exit.c, whose
 * handlers unmask if they may take long. Nothing is put back on the way out: the banks stand where
 * they are.
 *
 * The last look before the guest is taken masked, so a kick is never lost: who wants something sets
 * a request bit, then sends an SGI to the CPU that has the vCPU in its bank, where the interrupt
 * either ends the guest or waits for the look (kick.c).
 */
#include "kvm/vcpu.h"

#include <linux/errno.h>

#include "arch/irq.h"
#include "arch/sysreg.h"
#include "kvm/debug.h"
#include "kvm/exit.h"
#include "kvm/sve.h"
#include "kvm/vgic/vgic.h"
#include "kvm/vtimer.h"
#include "kvm/watch.h"
#include "kvm/world.h"
#include "linux/process/task.h"

/* Thread work that keeps it from the guest; the other bits concern EL0 only. */
#define GUEST_WORK (WORK_RESCHED | WORK_SIGNAL)
/* Requests that are answered masked. */
#define MASKED_REQUESTS ((uint32_t)(REQ_COUNTER | REQ_DEBUG | REQ_VGIC))

/* ---- requests ---- */

static uint32_t requests(struct vcpu *vcpu)
{
	/* acquire: pairs with the release in vcpu_kick() */
	return atomic_load_explicit(&vcpu->requests, memory_order_acquire);
}

static bool request_take(struct vcpu *vcpu, uint32_t bit)
{
	if (!(requests(vcpu) & bit))
		return false;
	atomic_fetch_and_explicit(&vcpu->requests, ~bit, memory_order_acquire);
	return true;
}

/* CPU_ON: from reset, where and with what the caller said. */
static void power_up(struct vcpu *vcpu)
{
	struct psci_cpu *power = &vcpu->power;
	uint64_t daif;

	vcpu_reset(vcpu);
	daif = spin_lock_irqsave(&vcpu->vm->power_lock);
	vcpu->pc = power->boot_pc;
	vcpu->x[0] = power->boot_context;
	if (power->boot_big_endian)
		vcpu->regs.sctlr |= BIT(25); /* EE; in no bank after the reset */
	power->state = POWER_ON;
	spin_unlock_irqrestore(&vcpu->vm->power_lock, daif);
}

void vcpu_finish_power_up(struct vcpu *vcpu)
{
	/* Before the look at the state: who changes that afterwards clears it again. */
	__atomic_store_n(&vcpu->settled, true, __ATOMIC_SEQ_CST);
	if (vcpu->power.state == POWER_ON_PENDING)
		power_up(vcpu);
}

static void update_power(struct vcpu *vcpu)
{
	request_take(vcpu, REQ_POWER);
	if (vcpu->power.state == POWER_OFF) {
		vcpu_wait_for_power(vcpu);
		watch_waited(vcpu);
	}
	vcpu_finish_power_up(vcpu);
	if (vcpu->power.state == POWER_OFF) /* a signal: look again at the next KVM_RUN */
		vcpu_kick(vcpu, REQ_POWER);
}

/* ---- the loop ---- */

/* What may sleep. EXIT_RESUME: look again; -EINTR. */
static int do_work(struct vcpu *vcpu)
{
	if (signal_pending() || vcpu->run->immediate_exit) {
		vcpu->stats.signals++;
		vcpu->run->exit_reason = KVM_EXIT_INTR;
		return -EINTR;
	}
	thread_checkpoint();
	if (requests(vcpu) & REQ_POWER)
		update_power(vcpu);
	request_take(vcpu, REQ_WAKE);
	return EXIT_RESUME;
}

/* Masked, the bank here: what may be done without letting go of the CPU. */
static void do_masked_requests(struct vcpu *vcpu)
{
	/* acquire: pairs with the release in vcpu_kick() */
	uint32_t due =
		atomic_fetch_and_explicit(&vcpu->requests, ~MASKED_REQUESTS, memory_order_acquire);

	if (due & REQ_VGIC) /* the mark itself is the vgic's */
		vgic_flush(vcpu);
	if (due & REQ_COUNTER)
		vtimer_load_offset(vcpu);
	if ((due & REQ_DEBUG) && this_cpu()->mode == CPU_GUEST)
		debug_load(vcpu); /* else at the crossing */
}

/* What keeps this thread from the guest: one word for the vCPU, one for the thread. */
static inline bool has_work(struct vcpu *vcpu, const struct cpu *cpu)
{
	/* relaxed: only whether there is any; who takes it looks again, in order */
	return relaxed_u32(&vcpu->requests) | (relaxed_u32(&cpu->current->work) & GUEST_WORK);
}

/* Bring the vCPU into this CPU's bank, to the guest's side of the crossing and with the right
 * access to the vector registers. Masked; in between perhaps not. Returns this CPU. */
static struct cpu *put_in_place(struct cpu *cpu, struct vcpu *vcpu)
{
	if (!bank_is_at(&vcpu->bank, cpu->id)) {
		world_bring(vcpu); /* crosses too */
		cpu = this_cpu();
	} else if (cpu->mode != CPU_GUEST) {
		world_enter(cpu, vcpu);
	}
	fp_enter_guest(cpu, &vcpu->fp);
	__atomic_store_n(&cpu->entered, vcpu, __ATOMIC_RELAXED);
	/* home and mode, before the look at requests; partner: vcpu_kick()'s. */
	atomic_thread_fence(memory_order_seq_cst);
	return cpu;
}

/* Masked, all in place, and there is work: do what may be done masked. False: there is more. */
static bool do_masked_work(struct vcpu *vcpu)
{
	do_masked_requests(vcpu);
	return !has_work(vcpu, this_cpu());
}

/* Not an exception of the guest's own. Masked; may unmask. An interrupt is answered here and now,
 * as the host's vector would; an FIQ is left to that. */
static void interrupted(struct vcpu *vcpu, unsigned why)
{
	vcpu->stats.exits[EC_COUNT - 1 + why]++;
	if (why == WORLD_IRQ) {
		irq_dispatch();
		return;
	}
	irq_enable();
	isb(); /* an FIQ is taken here */
	if (why == WORLD_SERROR)
		inject_serror(vcpu);
}

/* A turn of the loop below with the clock beside it. Masked, all in place. */
static int watched_turn(struct vcpu *vcpu)
{
	int result = EXIT_RESUME;
	unsigned why;
	uint64_t esr;

	watch_enter(vcpu);
	why = world_run(&vcpu);
	esr = sysreg_read(esr_el2);
	watch_leave(vcpu, why, esr);
	if (why == WORLD_SYNC)
		result = exit_handle(vcpu, esr);
	else
		interrupted(vcpu, why);
	watch_handled(vcpu);
	return result;
}

/* Masked, all in place, and there is work that do_masked_work() leaves. */
static __attribute__((noinline)) int do_more_work(struct vcpu *vcpu)
{
	if (!(requests(vcpu) & ~REQ_WATCH) && !thread_has_work(thread_current(), GUEST_WORK))
		return watched_turn(vcpu);
	irq_enable();
	return do_work(vcpu);
}

/*
 * The last look is taken masked: cpu->entered says that this vCPU owns the CPU's guest bank, that
 * the CPU is on the guest's side of the crossing and that access to the vector registers is right;
 * whoever changes one of these clears it. Handlers of exits are called masked.
 */
static int run_loop(struct vcpu *vcpu)
{
	int result = EXIT_RESUME;
	uint64_t x29;

	world_save_x29(&x29);
	if (vcpu->run->immediate_exit)
		result = do_work(vcpu);
	while (result == EXIT_RESUME) {
		struct cpu *cpu;
		unsigned why;

		irq_disable();
		cpu = this_cpu();
		if (cpu->entered != vcpu)
			cpu = put_in_place(cpu, vcpu);
		if (has_work(vcpu, cpu) && !do_masked_work(vcpu)) {
			result = do_more_work(vcpu);
			continue;
		}
		why = world_run(&vcpu);
		if (why == WORLD_SYNC)
			result = exit_handle(vcpu, sysreg_read(esr_el2));
		else
			interrupted(vcpu, why);
	}
	irq_enable();
	world_load_x29(&x29);
	return result;
}

/* The first KVM_RUN: is all there? */
static int get_ready(struct vcpu *vcpu)
{
	int err;

	if (!vcpu->initialised)
		return -ENOEXEC;
	if (!vcpu_is_finalized(vcpu))
		return -EPERM;
	err = vgic_ready_to_run(vcpu);
	vcpu->ready = !err;
	return err;
}

long vcpu_run(struct vcpu *vcpu)
{
	int result = vcpu->ready ? 0 : get_ready(vcpu);

	if (result)
		return result;
	if (vcpu->mmio_pending)
		mmio_complete(vcpu);
	result = run_loop(vcpu);
	return result == EXIT_TO_VMM ? 0 : result;
}
