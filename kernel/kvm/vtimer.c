/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtual and the physical timer of a guest. Their registers stand in the guest bank and run
 * by themselves as long as the vCPU is in it: the expired timer raises PPI 27 or 30 on that CPU,
 * whatever runs there. The handler leaves the PPI Active and gives it to the vgic as a HW-linked
 * interrupt; the guest's own EOI deactivates it (plain EOI would be an endless storm).
 *
 * The Active bits travel with the bank. Only a vCPU that is blocked and evicted needs a timer of
 * the host's: armed when it is saved, cancelled when it wakes. Lock: vtimer.lock.
 */
#include "kvm/vtimer.h"

#include "arch/irq.h"
#include "arch/sysreg.h"
#include "arch/timer.h"
#include "kvm/vgic/vgic.h"
#include "lib/check.h"

static const unsigned ppis[VTIMERS] = {
	[VTIMER_VIRTUAL] = VGIC_PPI_VTIMER,
	[VTIMER_PHYSICAL] = VGIC_PPI_PTIMER,
};

/* One of them has fired on this CPU: whoever is in its guest bank set it. */
static void timer_irq(void *arg, unsigned intid)
{
	struct vcpu *vcpu = world_resident();

	(void)arg;
	if (!vcpu) {
		irq_deactivate(intid);
		return;
	}
	vgic_inject(vcpu->vm, vcpu, intid, true);
	if (!vcpu->vm->vgic)
		vcpu_kick(vcpu, REQ_WAKE);
}

void vtimer_setup(void)
{
	for (unsigned i = 0; i < VTIMERS; i++)
		check(irq_register(ppis[i], timer_irq, NULL, true) == 0);
}

void vtimer_cpu_setup(void)
{
	for (unsigned i = 0; i < VTIMERS; i++)
		irq_unmask(ppis[i], false);
}

void vtimer_loading(struct vcpu *vcpu)
{
	/* Whoever was here before may have left its timers running. */
	sysreg_write(cntv_ctl_el02, 0);
	sysreg_write(cntp_ctl_el02, 0);
	vtimer_load_offset(vcpu);
	isb(); /* the lines are low before Active bits change: nothing of the other's comes now */
	for (unsigned i = 0; i < VTIMERS; i++)
		irq_ppi_set_active(ppis[i], vcpu->timer.active[i]);
}

void vtimer_load_offset(struct vcpu *vcpu)
{
	sysreg_write(cntvoff_el2, vcpu->vm->counter_offset);
}

void vtimer_close(void)
{
	sysreg_write(cntv_ctl_el02, 0);
	sysreg_write(cntp_ctl_el02, 0);
	isb(); /* the lines fall before the Active bits are cleared: they must not come again */
	for (unsigned i = 0; i < VTIMERS; i++)
		irq_ppi_set_active(ppis[i], false);
}

static uint64_t image_ctl(const struct vcpu *vcpu, unsigned i)
{
	return i == VTIMER_VIRTUAL ? vcpu->regs.cntv_ctl : vcpu->regs.cntp_ctl;
}

/* When it expires, in host ticks; UINT64_MAX: never. From the image. */
static uint64_t image_deadline(const struct vcpu *vcpu, unsigned i)
{
	if ((image_ctl(vcpu, i) & (CNT_CTL_ENABLE | CNT_CTL_IMASK)) != CNT_CTL_ENABLE)
		return UINT64_MAX;
	if (i == VTIMER_PHYSICAL)
		return vcpu->regs.cntp_cval;
	return vcpu->regs.cntv_cval + vcpu->vm->counter_offset;
}

static bool ctl_line(uint64_t ctl)
{
	return (ctl & (CNT_CTL_ENABLE | CNT_CTL_IMASK | CNT_CTL_ISTATUS)) ==
	       (CNT_CTL_ENABLE | CNT_CTL_ISTATUS);
}

bool vtimer_line(struct vcpu *vcpu, unsigned intid)
{
	bool here = bank_is_here(&vcpu->bank);

	for (unsigned i = 0; i < VTIMERS; i++) {
		if (ppis[i] != intid)
			continue;
		if (!here)
			return image_deadline(vcpu, i) <= timer_ticks();
		return ctl_line(i == VTIMER_VIRTUAL ? sysreg_read(cntv_ctl_el02)
						    : sysreg_read(cntp_ctl_el02));
	}
	return false;
}

/* An Active timer interrupt has been given to the vgic already: nothing to wait for. */
static uint64_t next_deadline(const struct vcpu *vcpu)
{
	uint64_t first = UINT64_MAX;

	for (unsigned i = 0; i < VTIMERS; i++)
		if (!vcpu->timer.active[i])
			first = min(first, image_deadline(vcpu, i));
	return first;
}

static void arm(struct vcpu *vcpu) HOLDS(vcpu->timer.lock)
{
	uint64_t deadline = next_deadline(vcpu);

	if (deadline != UINT64_MAX)
		ktimer_start(&vcpu->timer.wake, timer_ticks_to_ns(deadline));
}

void vtimer_saved(struct vcpu *vcpu)
{
	for (unsigned i = 0; i < VTIMERS; i++)
		vcpu->timer.active[i] = irq_ppi_active(ppis[i]);
	spin_lock(&vcpu->timer.lock);
	if (vcpu->timer.blocked)
		arm(vcpu);
	spin_unlock(&vcpu->timer.lock);
}

static void wake(struct ktimer *t)
{
	vcpu_kick(container_of(t, struct vcpu, timer.wake), REQ_WAKE);
}

void vtimer_init_vcpu(struct vcpu *vcpu)
{
	ktimer_init(&vcpu->timer.wake, wake);
}

void vtimer_block(struct vcpu *vcpu)
{
	spin_lock(&vcpu->timer.lock);
	vcpu->timer.blocked = true;
	spin_unlock(&vcpu->timer.lock);
}

void vtimer_unblock(struct vcpu *vcpu)
{
	uint64_t daif = spin_lock_irqsave(&vcpu->timer.lock);

	vcpu->timer.blocked = false;
	spin_unlock_irqrestore(&vcpu->timer.lock, daif);
	/* Nobody starts it any more. */
	ktimer_cancel(&vcpu->timer.wake);
}

void vtimer_destroy_vcpu(struct vcpu *vcpu)
{
	vtimer_unblock(vcpu);
}

bool vtimer_pending(struct vcpu *vcpu)
{
	uint64_t daif = irq_save();
	bool pending = false;

	/* In a bank its interrupt goes the way of all interrupts. */
	if (atomic_load_explicit(&vcpu->bank.home, memory_order_relaxed) == BANK_NO_CPU)
		pending = next_deadline(vcpu) <= timer_ticks();
	irq_restore(daif);
	return pending;
}
