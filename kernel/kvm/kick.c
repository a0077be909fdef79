/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a vCPU's thread waits, in WFI or switched off, and how everybody else makes it look at a
 * request: vcpu_kick(), from any context.
 *
 * Who wants something sets the request bit first, then looks where the vCPU is: its thread waits
 * (wait.thread): wake it; it may be in the guest on the CPU that has it in its bank: send an SGI,
 * which either ends the guest or stays pending until the last look has been taken (vcpu.c). The vCPU's
 * thread does the reverse: says that it waits, or where it is (home) and that this CPU is on the
 * guest's side of the crossing (cpu->mode), then looks at the requests. A fence stands between the two on both sides, so one of them sees the other.
 *
 * Lock: who holds wait.lock and sees wait.thread set wakes that thread, once, and clears it: it does not go
 * away before the lock is free. It also covers the timer of a vCPU that waits in no bank (vtimer.c).
 */
#include "arch/irq.h"
#include "kvm/exit.h"
#include "kvm/vgic/vgic.h"
#include "kvm/vtimer.h"
#include "kvm/world.h"

/* relaxed: behind the fence in vcpu_kick(); or a hint, and the lock decides. */
static inline bool waits(const struct vcpu *vcpu)
{
	return atomic_load_explicit(&vcpu->wait.thread, memory_order_relaxed);
}

/* wait.thread is read and cleared relaxed: the lock orders it against clear_waiter(). */
bool vcpu_wake(struct vcpu *vcpu)
{
	struct vcpu_wait *wait = &vcpu->wait;
	struct thread *t;
	uint64_t daif;

	if (!waits(vcpu))
		return false;
	daif = spin_lock_irqsave(&wait->lock);
	t = atomic_load_explicit(&wait->thread, memory_order_relaxed);
	if (t) {
		atomic_store_explicit(&wait->thread, NULL, memory_order_relaxed);
		/* Cleared before the thread's state is looked at: it may be about to wait, and looks
		 * the other way round. Partner: the fence in thread_prepare_block(). */
		atomic_thread_fence(memory_order_seq_cst);
		thread_wake(t);
	}
	spin_unlock_irqrestore(&wait->lock, daif);
	return t;
}

/* It does not wait: it may be in the guest on another CPU. relaxed: behind the fence in vcpu_kick();
 * partner: the one in vcpu.c, between home and mode and the look at the requests. */
static inline void interrupt_guest(const struct vcpu *vcpu)
{
	int home = atomic_load_explicit(&vcpu->bank.home, memory_order_relaxed);

	if (home != BANK_NO_CPU && (unsigned)home != cpu_id() &&
	    __atomic_load_n(&cpu_get((unsigned)home)->mode, __ATOMIC_RELAXED) == CPU_GUEST)
		ipi_send((unsigned)home, IPI_RESCHEDULE);
}

static __attribute__((noinline)) void kick_waiter(struct vcpu *vcpu)
{
	/* If it has just stopped waiting: that is seen later than what it did next. */
	if (!vcpu_wake(vcpu))
		interrupt_guest(vcpu);
}

void vcpu_kick(struct vcpu *vcpu, uint32_t request)
{
	/* release: what led to the request is seen by who takes it */
	atomic_fetch_or_explicit(&vcpu->requests, request, memory_order_release);
	/* The request before the looks below; partners: those in vcpu.c and in thread_prepare_block(). */
	atomic_thread_fence(memory_order_seq_cst);
	if (waits(vcpu))
		kick_waiter(vcpu);
	else
		interrupt_guest(vcpu);
}

void vm_kick_all(struct vm *vm, uint32_t request)
{
	struct vcpu *vcpu;
	unsigned i;

	vm_for_each_vcpu(i, vcpu, vm) vcpu_kick(vcpu, request);
}

/* ---- waiting ---- */

/* relaxed: before the fence in thread_prepare_block(), which vcpu_kick()'s meets. */
static void set_waiter(struct vcpu_wait *wait)
{
	atomic_store_explicit(&wait->thread, thread_current(), memory_order_relaxed);
}

/* After this nobody has a hand on the thread. relaxed: the lock orders it against vcpu_wake(). */
static void clear_waiter(struct vcpu_wait *wait)
{
	uint64_t daif = spin_lock_irqsave(&wait->lock);

	atomic_store_explicit(&wait->thread, NULL, memory_order_relaxed);
	spin_unlock_irqrestore(&wait->lock, daif);
}

/* Wait until woken, unless over: what the caller found after it had said that it waits, or may not.
 * relaxed: behind the fence in thread_prepare_block(). */
static void wait_unless(struct vcpu *vcpu, bool over)
{
	over = over || !atomic_load_explicit(&vcpu->wait.thread, memory_order_relaxed) ||
	       thread_has_work(thread_current(), WORK_SIGNAL); /* the run loop sees that for itself */
	if (!over)
		thread_block();
	thread_cancel_block();
	clear_waiter(&vcpu->wait);
	vtimer_disarm(vcpu);
}

/* relaxed: behind the fence in thread_prepare_block(), or again there; who takes the bits acquires. */
static bool requested(struct vcpu *vcpu)
{
	return atomic_load_explicit(&vcpu->requests, memory_order_relaxed) & ~REQ_WATCH;
}

/* WFI may end for no reason: one wait will do, the guest looks for itself. Evicted from now on, the
 * vCPU has a timer of the host's: so it is in the bank when the wait begins, and its own timers need
 * not be looked at while it lasts. */
void vcpu_block(struct vcpu *vcpu)
{
	bool wakes;

	vcpu->stats.blocks++;
	irq_disable();
	if (!bank_is_here(&vcpu->bank))
		world_bring(vcpu);
	wakes = requested(vcpu) || vgic_wfi(vcpu);
	if (!wakes)
		set_waiter(&vcpu->wait);
	irq_enable();
	if (wakes)
		return;
	thread_prepare_block(); /* with the fence that vcpu_kick()'s meets */
	wait_unless(vcpu, requested(vcpu));
}

void vcpu_wait_for_power(struct vcpu *vcpu)
{
	set_waiter(&vcpu->wait);
	thread_prepare_block();
	wait_unless(vcpu, vcpu->power.state != POWER_OFF);
}
