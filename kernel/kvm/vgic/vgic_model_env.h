/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What stands in for the kernel around the vgic in vgic_model.c, which includes this before the
 * files it explores: masking and locks go to the search, ICH_* registers to words that follow the
 * guest as the hardware does (IHI 0069 11.4).
 */
#pragma once

static void mask(void)
{
	actors[me].masked = true;
}

static void unmask(void)
{
	actors[me].masked = false;
	(void)step();
	actors[me].fresh = true;
}

/* ---- locks ---- */

static uint32_t *lock_word(const struct spinlock *lock)
{
	return &model.locks[lock == &vcpu.wait.lock];
}

static void lock_wait(const struct spinlock *lock)
{
	do {
		fence(); /* its own release may be among what is not seen yet */
	} while (*lock_word(lock));
	*lock_word(lock) = 1;
	if (lock == &vgic.lock) {
		model.locker = (uint8_t)(1 + me);
		come_now();
	}
}

static uint64_t masked_before(void)
{
	uint64_t was = actors[me].masked;

	mask();
	return was;
}

static uint64_t lock_take(const struct spinlock *lock)
{
	uint64_t was = masked_before();

	lock_wait(lock);
	return was;
}

/* If nothing is to be seen before it, that it is seen late is as if nobody had looked. */
static void lock_give(const struct spinlock *lock)
{
	if (lock == &vgic.lock)
		model.locker = 0;
	store_put(lock_word(lock), 0, 4, STORE_SET);
	if (actors[me].stores.count == 1)
		stores_drain(&actors[me].stores);
}

static void unmask_unless(uint64_t was)
{
	if (!was)
		unmask();
}

static void lock_give_and_unmask(const struct spinlock *lock, uint64_t was)
{
	lock_give(lock);
	unmask_unless(was);
}

#define irq_disable()			  mask()
#define irq_enable()			  unmask()
#define irq_save()			  masked_before()
#define irq_restore(was)		  unmask_unless(was)
#define spin_lock(lock)			  lock_wait(lock)
#define spin_unlock(lock)		  lock_give(lock)
#define spin_lock_irqsave(lock)		  lock_take(lock)
#define spin_unlock_irqrestore(lock, was) lock_give_and_unmask(lock, was)
#define this_cpu()			  (&cpu_state[cpu_here()])
#define cpu_id()			  cpu_here()
#define cpu_get(n)			  (&cpu_state[n])
#define thread_current()		  (&task.thread)
#define thread_has_work(t, bits)	  ((void)(t), false)
#define bank_is_at(ctx, cpu)		  (load_value(&(ctx)->home, sizeof(int)) == (uint64_t)(cpu))
#define bank_is_here(ctx)		  bank_is_at(ctx, cpu_here())
#undef isb
#define isb() ((void)0)

#include "kvm/vgic/vgic.h"

/* ---- the virtual CPU interface ---- */

static bool lr_busy(uint64_t lr)
{
	return lr & (ICH_LR_PENDING | ICH_LR_ACTIVE);
}

/* An end that is to be told. */
static bool lr_ended(uint64_t lr)
{
	return !lr_busy(lr) && (lr & (ICH_LR_EOI | ICH_LR_HW)) == ICH_LR_EOI;
}

static uint64_t empty_lrs(const struct interface *i)
{
	uint64_t empty = 0;

	for (unsigned n = 0; n < LRS; n++)
		if (!lr_busy(i->lr[n]) && !lr_ended(i->lr[n]))
			empty |= BIT(n);
	return empty;
}

static uint64_t ended_lrs(const struct interface *i)
{
	uint64_t ended = 0;

	for (unsigned n = 0; n < LRS; n++)
		if (lr_ended(i->lr[n]))
			ended |= BIT(n);
	return ended;
}

static bool maintenance_due(const struct interface *i)
{
	bool pending = false;

	for (unsigned n = 0; n < LRS; n++)
		pending |= (i->lr[n] & ICH_LR_PENDING) != 0;
	return (i->hcr & ICH_HCR_EN) &&
	       (ended_lrs(i) || ((i->hcr & ICH_HCR_NPIE) && !pending) ||
		((i->hcr & ICH_HCR_LRENPIE) && field_get(ICH_HCR_EOICOUNT, i->hcr)));
}

static uint64_t *register_named(const char *name)
{
	struct interface *i;

	explore_expect(me != INJECTOR && own_home() == (int)cpu_here(),
		       "only the home CPU touches the registers");
	i = &interfaces[cpu_here() % HOMES];
	if (!memcmp(name, "ich_lr0_", 8) || !memcmp(name, "ich_lr1_", 8))
		return &i->lr[name[6] - '0'];
	if (!memcmp(name, "ich_hcr", 7))
		return &i->hcr;
	if (!memcmp(name, "ich_vmcr", 8))
		return &i->vmcr;
	if (!memcmp(name, "ich_ap0r0", 9) || !memcmp(name, "ich_ap1r0", 9))
		return &i->ap[name[6] - '0'];
	i->derived = name[5] == 'l' ? empty_lrs(i) : ended_lrs(i); /* ich_elrsr, ich_eisr */
	return &i->derived;
}

/* List registers: nobody else touches them, but a lock may be missing. */
static void register_step(const char *name)
{
	if (name[4] == 'l' && model.locker != 1 + me)
		access();
}

static uint64_t register_read(const char *name)
{
	register_step(name);
	return *register_named(name);
}

static void register_write(const char *name, uint64_t value)
{
	register_step(name);
	*register_named(name) = value;
}

#undef sysreg_read
#undef sysreg_write
#define sysreg_read(reg)	 register_read(#reg)
#define sysreg_write(reg, value) register_write(#reg, value)

/* ---- the bank ---- */

static void loaded(void)
{
	model.host_active[cpu_here()] = vcpu.timer.active;
	vgic_load(this_cpu(), &vcpu);
	store_put((void *)&vcpu.bank.home, cpu_here(), sizeof(int), STORE_SET);
}

/* Another vCPU's registers are in its place afterwards. */
static void evicted(void)
{
	struct interface *i = &interfaces[cpu_here()];

	vgic_save(&vcpu);
	for (unsigned n = 0; n < LRS; n++)
		explore_expect(!i->lr[n], "no list register is left behind");
	i->vmcr = i->ap[0] = i->ap[1] = 0;
	vcpu.timer.active = model.host_active[cpu_here()];
	model.host_active[cpu_here()] = false;
	model.entered = false;
	store_put((void *)&vcpu.bank.home, (uint32_t)BANK_NO_CPU, sizeof(int), STORE_SET);
	if (me == OTHER)
		fence(); /* it answers */
}

void world_take(struct vcpu *v)
{
	int home;

	for (;;) {
		mask();
		home = (int)load_value(&v->bank.home, sizeof(int));
		if (home == BANK_NO_CPU)
			loaded();
		if (home == BANK_NO_CPU || home == (int)cpu_here())
			return;
		unmask(); /* OTHER was asked */
	}
}

void world_bring(struct vcpu *v)
{
	if (load_value(&v->bank.home, sizeof(int)) == (uint32_t)BANK_NO_CPU) {
		loaded();
	} else {
		unmask();
		world_take(v);
	}
}

void ipi_send(unsigned cpu, enum ipi ipi)
{
	(void)ipi;
	fence(); /* dsb ishst */
	if (cpu == (unsigned)model.where)
		actors[THREAD].pending = true;
}

/* A call that is under way is answered first. */
void cpu_call(unsigned cpu, void (*fn)(void *), void *arg)
{
	if (cpu == cpu_here()) {
		mask();
		fn(arg);
		unmask();
		return;
	}
	actors[me].calls = true;
	(void)step();
	fence();
	model.callee = (int8_t)cpu;
	model.call = fn;
	model.call_arg = arg;
	(void)step();
	actors[me].calls = false;
}

static void called(void)
{
	model.call(model.call_arg);
	fence();
	model.callee = BANK_NO_CPU;
	model.call = NULL;
	model.call_arg = NULL;
}

struct vcpu *world_resident(void)
{
	return home_for(me) == (int)cpu_here() ? &vcpu : NULL;
}

/* ---- the thread ---- */

/* Threads may be switched while this one is here. */
static void step_switching(void)
{
	model.may_switch = true;
	(void)step();
	model.may_switch = false;
	actors[me].fresh = true;
}

void thread_prepare_block(void)
{
	access();
	model.state = BLOCKING;
	fence();
}

void thread_cancel_block(void)
{
	access();
	model.state = RUNNING;
}

void thread_block(void)
{
	access();
	if (model.state == BLOCKING)
		model.state = BLOCKED;
	step_switching(); /* goes on when it is not BLOCKED */
}

bool thread_wake(struct thread *t)
{
	(void)t;
	access();
	model.state = RUNNING;
	return true;
}

/* ---- the timer: its line is the guest's, its Active bit in the host's GIC goes with the bank ----
 */

bool vtimer_line(struct vcpu *v, unsigned intid)
{
	(void)v;
	return intid == VGIC_PPI_VTIMER && model.timer_line;
}

void vtimer_set_active(unsigned intid, bool active)
{
	if (intid == VGIC_PPI_VTIMER)
		model.host_active[cpu_here() % HOMES] = active;
}

void vtimer_disarm(struct vcpu *v)
{
	(void)v;
}

void run_set_idle_hook(void (*hook)(bool enter))
{
	(void)hook;
}

int irq_register(unsigned intid, irq_handler handler, void *arg, bool keep)
{
	(void)intid, (void)handler, (void)arg, (void)keep;
	return 0;
}

void irq_unmask(unsigned intid, bool edge)
{
	(void)intid, (void)edge;
}
