/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtual and the physical timer of a guest. Their registers stand in the guest bank and run
 * by themselves as long as the vCPU is in it: the expired timer raises PPI 27 or 30 on that CPU,
 * whatever runs there. The handler leaves the PPI Active and gives it to the vgic as a HW-linked
 * interrupt; the guest's own EOI deactivates it (plain EOI would be an endless storm).
 *
 * The Active bits travel with the bank. Only a vCPU that is blocked and evicted needs a timer of
 * the host's: armed when it is saved, cancelled when it wakes. Lock: wait.lock of the vCPU.
 */
#include "kvm/vtimer.h"

#include "arch/irq.h"
#include "arch/sysreg.h"
#include "arch/timer.h"
#include "kvm/vgic/vgic.h"
#include "lib/bits.h"
#include "lib/check.h"

static const unsigned ppis[VTIMERS] = {
	[VTIMER_VIRTUAL] = VGIC_PPI_VTIMER,
	[VTIMER_PHYSICAL] = VGIC_PPI_PTIMER,
};

#define PPIS (BIT(VGIC_PPI_VTIMER) | BIT(VGIC_PPI_PTIMER))

/*
 * Their Active bits are in the CPU's redistributor, which is far away, and seldom set. So cpu->guest_ppis
 * has those that may be set: the handler adds one by keeping the interrupt Active, who writes a bit
 * notes it; only that the guest's EOI has cleared one is not seen until the next look. Masked.
 */

/* One of them has fired on this CPU: whoever is in its guest bank set it. */
static void timer_irq(void *arg, unsigned intid)
{
	struct cpu *cpu = this_cpu();

	(void)arg;
	if (cpu->resident) {
		cpu->guest_ppis |= BIT(intid);
		vgic_timer_fired(cpu->resident, intid);
	} else {
		irq_deactivate(intid);
	}
}

void vtimer_set_active(unsigned intid, bool active)
{
	this_cpu()->guest_ppis |= BIT(intid);
	irq_ppi_set_active(intid, active);
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

static __attribute__((noinline)) void load_active(struct cpu *cpu, uint32_t active)
{
	for (unsigned i = 0; i < VTIMERS; i++)
		if ((cpu->guest_ppis ^ active) & BIT(ppis[i]))
			irq_ppi_set_active(ppis[i], active & BIT(ppis[i]));
	cpu->guest_ppis = active;
}

void vtimer_loading(struct cpu *cpu, struct vcpu *vcpu)
{
	/* Both are off: vtimer_saved() or vtimer_close() of whoever was here before. guest_ppis is what the
	 * redistributor has, as that has looked. */
	vtimer_load_offset(vcpu);
	if (cpu->guest_ppis != vcpu->timer.active)
		load_active(cpu, vcpu->timer.active);
}

void vtimer_load_offset(struct vcpu *vcpu)
{
	sysreg_write(cntvoff_el2, vcpu->vm->counter_offset);
}

/* The lines fall before Active bits are changed: nothing must come of it. */
static void stop_both(void)
{
	sysreg_write(cntv_ctl_el02, 0);
	sysreg_write(cntp_ctl_el02, 0);
	isb();
}

void vtimer_close(void)
{
	stop_both();
	for (unsigned i = 0; i < VTIMERS; i++)
		irq_ppi_set_active(ppis[i], false);
	this_cpu()->guest_ppis = 0;
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
	bool virtual = intid == VGIC_PPI_VTIMER;

	if (!bank_is_here(&vcpu->bank))
		return image_deadline(vcpu, virtual ? VTIMER_VIRTUAL : VTIMER_PHYSICAL) <= timer_ticks();
	return ctl_line(virtual ? sysreg_read(cntv_ctl_el02) : sysreg_read(cntp_ctl_el02));
}

/* An Active timer interrupt has been given to the vgic already: nothing to wait for. */
static uint64_t next_deadline(const struct vcpu *vcpu)
{
	uint64_t first = UINT64_MAX;

	for (unsigned i = 0; i < VTIMERS; i++)
		if (!(vcpu->timer.active & BIT(ppis[i])))
			first = min(first, image_deadline(vcpu, i));
	return first;
}

static void arm(struct vcpu *vcpu) HOLDS(vcpu->wait.lock)
{
	uint64_t deadline = next_deadline(vcpu);

	if (deadline == UINT64_MAX)
		return;
	vcpu->timer.armed = true;
	ktimer_start(&vcpu->timer.wake, timer_ticks_to_ns(deadline));
}

/* A timer was set. */
static __attribute__((noinline)) void stop_for(struct vcpu *vcpu)
{
	stop_both();
	if (!atomic_load_explicit(&vcpu->wait.thread, memory_order_relaxed))
		return;
	spin_lock(&vcpu->wait.lock);
	if (atomic_load_explicit(&vcpu->wait.thread, memory_order_relaxed))
		arm(vcpu);
	spin_unlock(&vcpu->wait.lock);
}

static __attribute__((noinline)) void saved_in_use(struct vcpu *vcpu)
{
	struct cpu *cpu = this_cpu();

	if (cpu->guest_ppis)
		cpu->guest_ppis = irq_ppis_active() & PPIS;
	vcpu->timer.active = cpu->guest_ppis;
	if ((vcpu->regs.cntv_ctl | vcpu->regs.cntp_ctl) & CNT_CTL_ENABLE)
		stop_for(vcpu);
}

void vtimer_saved(struct vcpu *vcpu)
{
	if (this_cpu()->guest_ppis ||
	    ((vcpu->regs.cntv_ctl | vcpu->regs.cntp_ctl) & CNT_CTL_ENABLE))
		saved_in_use(vcpu);
	else
		vcpu->timer.active = 0;
}

static void wake(struct ktimer *t)
{
	vcpu_kick(container_of(t, struct vcpu, timer.wake), REQ_WAKE);
}

void vtimer_init_vcpu(struct vcpu *vcpu)
{
	ktimer_init(&vcpu->timer.wake, wake);
}

void vtimer_disarm(struct vcpu *vcpu)
{
	/* Nobody starts it any more, and who did had the lock that the caller has had since. */
	if (!vcpu->timer.armed)
		return;
	ktimer_cancel(&vcpu->timer.wake);
	vcpu->timer.armed = false;
}

void vtimer_destroy_vcpu(struct vcpu *vcpu)
{
	vtimer_disarm(vcpu);
}
