/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What stands in for the kernel around vcpu.c, kick.c and vtimer.c in kick_model.c, which includes
 * this before them: atomics go to store buffers, masking and locks to the search, and each function
 * that they call is here in the terms of the model.
 */
#pragma once

#define plain_type(p) __typeof__(((void)0, *(p)))
#undef atomic_load_explicit
#undef atomic_store_explicit
#undef atomic_fetch_or_explicit
#undef atomic_fetch_and_explicit
#undef atomic_thread_fence
#define atomic_load_explicit(p, order) ((plain_type(p))load_value(p, sizeof(*(p))))
#define atomic_store_explicit(p, v, order)                                                         \
	store_put((void *)(p), (uint64_t)(v), sizeof(*(p)), STORE_SET)
#define atomic_fetch_or_explicit(p, v, order)  store_put((void *)(p), v, sizeof(*(p)), STORE_OR)
#define atomic_fetch_and_explicit(p, v, order) clear_bits((void *)(p), (uint32_t)(v), sizeof(*(p)))
#define atomic_thread_fence(order)	       fence()
#define relaxed_u32(p)			       ((uint32_t)load_value(p, sizeof(*(p))))
#define __atomic_load_n(p, order)	       ((plain_type(p))load_value(p, sizeof(*(p))))
#define __atomic_store_n(p, v, order)	       (*(p) = (v)) /* cpu->entered: only its own CPU's */

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

static void lock_wait(void)
{
	do {
		access();
		stores_drain(&actors[me].stores); /* its own release may be among them */
	} while (model.lock);
	model.lock = 1;
}

static uint64_t lock_take(void)
{
	uint64_t was = actors[me].masked;

	mask();
	lock_wait();
	return was;
}

static void lock_give(void)
{
	store_put(&model.lock, 0, 4, STORE_SET);
}

static void lock_give_and_unmask(uint64_t was)
{
	lock_give();
	if (!was)
		unmask();
}

static struct cpu *this_cpu_model(void)
{
	struct cpu *cpu = &cpu_state[cpu_here()];

	cpu->resident = &vcpu; /* asked by its timer's handler only */
	return cpu;
}

static struct thread *current_model(void)
{
	return &task.thread;
}

/* Threads may be switched while this one is here. */
static void step_switching(void)
{
	model.may_switch = true;
	(void)step();
	model.may_switch = false;
	actors[me].fresh = true;
}

#define irq_disable()			  mask()
#define irq_enable()			  unmask()
#define spin_lock(lock)			  lock_wait()
#define spin_unlock(lock)		  lock_give()
#define spin_lock_irqsave(lock)		  lock_take()
#define spin_unlock_irqrestore(lock, was) lock_give_and_unmask(was)
#define this_cpu()			  this_cpu_model()
#define cpu_id()			  cpu_here()
#define cpu_get(n)			  (&seen[n])
#define thread_current()		  current_model()
#define thread_checkpoint()		  step_switching()
#define signal_pending()		  false
#define thread_has_work(t, bits)	  ((void)(t), false)
#define bank_is_at(ctx, cpu)		  (load_value(&(ctx)->home, sizeof(int)) == (uint64_t)(cpu))
#define bank_is_here(ctx)		  bank_is_at(ctx, cpu_here())
#define vcpu_is_finalized(v)		  ((void)(v), true)
#define vgic_flush(v)			  take_events(v)
#define fp_enter_guest(cpu, fp)		  ((void)(fp))
#define timer_ticks()			  0
#undef isb
#define isb() ((void)0)
#undef sysreg_read
#undef sysreg_write
#define sysreg_read(reg)	 0
#define sysreg_write(reg, value) ((void)(value))
#define world_run(v)		 guest_runs()
#define world_save_x29(x29)	 (*(x29) = 0)
#define world_load_x29(x29)	 ((void)*(x29))
#define exit_handle(v, esr)	 guest_left(v)

static bool anything_new(void)
{
	return load_value(&model.made[0], 1) != model.taken[0] ||
	       load_value(&model.made[1], 1) != model.taken[1];
}

/* What is pending goes into the list registers. */
static void take_events(struct vcpu *v)
{
	(void)v;
	for (unsigned i = 0; i < 2; i++) {
		uint8_t made = (uint8_t)load_value(&model.made[i], 1);

		model.listed |= made != model.taken[i];
		model.taken[i] = made;
	}
}

bool vgic_wfi(struct vcpu *v)
{
	if (anything_new())
		take_events(v);
	return model.listed;
}

void vgic_timer_fired(struct vcpu *v, unsigned intid)
{
	(void)intid;
	model.listed = true;
	vcpu_wake(v);
}

/* The crossing, vgic_load() and home. */
static void loaded(struct vcpu *v)
{
	if (this_cpu()->mode != CPU_GUEST)
		world_enter(this_cpu(), v);
	if (anything_new()) {
		clear_bits((void *)&v->requests, ~(uint32_t)REQ_VGIC, sizeof(v->requests));
		take_events(v);
	}
	store_put(&v->bank.home, (uint64_t)model.where, sizeof(int), STORE_SET);
}

void world_take(struct vcpu *v)
{
	int home;

	for (;;) {
		mask();
		home = (int)load_value(&v->bank.home, sizeof(int));
		if (home == BANK_NO_CPU)
			loaded(v);
		if (home == BANK_NO_CPU || home == model.where)
			return;
		unmask(); /* OTHER was asked */
	}
}

void world_bring(struct vcpu *v)
{
	int home = (int)load_value(&v->bank.home, sizeof(int));

	if (home == BANK_NO_CPU) {
		loaded(v);
	} else {
		unmask();
		world_take(v);
	}
}

static void evicted(void)
{
	/* what world.c saves */
	vcpu.regs.cntv_ctl = model.timers_left ? CNT_CTL_ENABLE : 0;
	vcpu.regs.cntv_cval = 1;
	vtimer_saved(&vcpu);
	vcpu.regs.cntv_ctl = vcpu.regs.cntv_cval = 0;
	cpu_state[cpu_here()].entered = NULL;
	store_put(&vcpu.bank.home, (uint32_t)BANK_NO_CPU, sizeof(int), STORE_SET);
	if (me == OTHER)
		fence(); /* it answers */
}

static void left_world(void)
{
	cpu_state[cpu_here()].mode = CPU_HOST;
	cpu_state[cpu_here()].entered = NULL;
	store_put(&seen[cpu_here()].mode, CPU_HOST, 4, STORE_SET);
}

void ipi_send(unsigned cpu, enum ipi ipi)
{
	(void)ipi;
	fence(); /* dsb ishst */
	if (cpu == (unsigned)model.where)
		actors[THREAD].pending = true;
}

/* ---- the thread ---- */

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

/* By way of the run queues, whose locks order what was done before. */
static void migrate(void)
{
	stores_drain(&actors[THREAD].stores);
	actors[THREAD].pending = false;
	model.where = 1 - model.where;
}

/* ---- the host's timer ---- */

void ktimer_start(struct ktimer *t, uint64_t deadline)
{
	(void)t, (void)deadline;
	access();
	model.alarm = (int8_t)cpu_here();
}

void ktimer_cancel(struct ktimer *t)
{
	(void)t;
	do
		access();
	while (model.alarm_runs);
	model.alarm = BANK_NO_CPU;
}

/* ---- the guest ---- */

static unsigned guest_runs(void)
{
	model.listed = false; /* it takes its interrupts at once */
	model.choosing = true;
	explore_yield();
	model.guest = explore_choice();
	model.choosing = false;
	actors[me].fresh = true;
	if (model.guest != GUEST_SPINS)
		return WORLD_SYNC;
	actors[me].in_guest = true;
	actors[me].masked = false;
	(void)step();
	actors[me].in_guest = false;
	mask();
	return WORLD_IRQ;
}

static int guest_left(struct vcpu *v)
{
	if (model.guest == GUEST_WAITS) {
		vcpu_block(v);
		return EXIT_RESUME;
	}
	unmask();
	return EXIT_TO_VMM;
}

void irq_dispatch(void)
{
}

void world_enter(struct cpu *cpu, struct vcpu *v)
{
	(void)v;
	cpu->mode = CPU_GUEST;
	store_put(&seen[cpu_here()].mode, CPU_GUEST, 4, STORE_SET);
}

/* ---- what they call and does not matter here ---- */

#define NOTHING(name, ...)                                                                         \
	void name(__VA_ARGS__)                                                                     \
	{                                                                                          \
	}
NOTHING(irq_unmask, unsigned intid __attribute__((unused)), bool edge __attribute__((unused)))
NOTHING(irq_ppi_set_active, unsigned i __attribute__((unused)), bool a __attribute__((unused)))
NOTHING(ktimer_init, struct ktimer *t __attribute__((unused)),
	void (*fn)(struct ktimer *) __attribute__((unused)))

#define NOT_REACHED(type, name, ...)                                                               \
	type name(__VA_ARGS__)                                                                     \
	{                                                                                          \
		explore_expect(false, #name " is not reached");                                    \
		return (type)0;                                                                    \
	}
#define UNUSED_VCPU struct vcpu *v __attribute__((unused))
NOT_REACHED(int, vgic_ready_to_run, UNUSED_VCPU)
NOT_REACHED(void, mmio_complete_load, UNUSED_VCPU)
NOT_REACHED(void, vcpu_reset, UNUSED_VCPU)
NOT_REACHED(void, inject_serror, UNUSED_VCPU)
NOT_REACHED(void, debug_load, const UNUSED_VCPU)
NOT_REACHED(void, watch_enter, UNUSED_VCPU)
NOT_REACHED(void, watch_leave, UNUSED_VCPU, unsigned why __attribute__((unused)),
	    uint64_t esr __attribute__((unused)))
NOT_REACHED(void, watch_handled, UNUSED_VCPU)
NOTHING(watch_waited, UNUSED_VCPU)
NOT_REACHED(void, irq_deactivate, unsigned intid __attribute__((unused)))
NOT_REACHED(int, irq_register, unsigned intid __attribute__((unused)),
	    irq_handler handler __attribute__((unused)), void *arg __attribute__((unused)),
	    bool keep __attribute__((unused)))

uint32_t irq_ppis_active(void)
{
	return 0;
}

uint64_t timer_ticks_to_ns(uint64_t ticks)
{
	return ticks;
}
