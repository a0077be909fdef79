/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What may come between two accesses of an actor of vgic_model.c, which includes this: stores that
 * leave its buffer, and what a CPU with interrupts enabled is asked and told.
 */
#pragma once

/* ---- plain stores that are looked at without the lock ---- */

/* What was written since goes into the buffer, in its place among the others. */
static void plain_out(void)
{
	struct stores *b = &actors[me].stores;

	if (gic_cpu.queued != stores_load(b, &model.seen.queued, sizeof(unsigned)))
		stores_put(b, &model.seen.queued, gic_cpu.queued, sizeof(unsigned), STORE_SET);
	if (gic_cpu.hw_changed != stores_load(b, &model.seen.hw_changed, 1))
		stores_put(b, &model.seen.hw_changed, gic_cpu.hw_changed, 1, STORE_SET);
}

static void plain_in(void)
{
	const struct stores *b = &actors[me].stores;

	gic_cpu.queued = (unsigned)stores_load(b, &model.seen.queued, sizeof(unsigned));
	gic_cpu.hw_changed = stores_load(b, &model.seen.hw_changed, 1);
}

/* While nobody runs. */
static void plain_as_seen(void)
{
	gic_cpu.queued = model.seen.queued;
	gic_cpu.hw_changed = model.seen.hw_changed;
}

/* ---- steps ---- */

static void evicted(void);
static void called(void);
static void local_interrupts(void);
static void level_interrupts(void);
static void timer_fires(void);
static void maintained(void);
static void migrate(void);
static bool guest_has_work(void);
static bool maintenance_due(const struct interface *i);

/* What may come between, or (the last) the actor goes on. */
enum step {
	STEP_DRAIN, /* the oldest store leaves the buffer */
	STEP_SGI,
	STEP_EVICT, /* the bank is taken away */
	STEP_CALL,
	STEP_LOCAL, /* an interrupt that injects an edge */
	STEP_LEVEL, /* or raises a level */
	STEP_TIMER,
	STEP_MAINTENANCE,
	STEP_MIGRATE,
	STEP_GO_ON,
	STEP_KINDS
};

/* Of a CPU with the vCPU in its bank. */
static unsigned steps_at_home(const struct actor_model *a, unsigned cpu, enum step *step)
{
	unsigned n = 0;

	if (!a->in_guest)
		step[n++] = STEP_EVICT;
	if (model.timers_left && !model.timer_line && !model.host_active[cpu])
		step[n++] = STEP_TIMER;
	if (maintenance_due(&interfaces[cpu]))
		step[n++] = STEP_MAINTENANCE;
	return n;
}

static unsigned steps_of_home(unsigned actor, enum step *step)
{
	const struct actor_model *a = &actors[actor];
	int cpu = actor == THREAD ? model.where : 1 - model.where;
	unsigned n = 0;

	if (a->masked)
		return 0;
	if (home_for(actor) == cpu)
		n = steps_at_home(a, (unsigned)cpu, step);
	if (model.locals_left && (n || actor == THREAD))
		step[n++] = STEP_LOCAL;
	if (model.levels_left && (n || actor == THREAD) && !gic_cpu.irqs[numbers[LEVEL]].line)
		step[n++] = STEP_LEVEL;
	if (model.callee == cpu)
		step[n++] = STEP_CALL;
	if (actor == THREAD && model.may_switch && model.moves && !actors[OTHER].in_interrupt)
		step[n++] = STEP_MIGRATE;
	return n;
}

static bool may_go_on(unsigned actor)
{
	const struct actor_model *a = &actors[actor];

	if (a->in_interrupt)
		return true;
	if (actor == OTHER)
		return false;
	if (a->calls)
		return model.callee == BANK_NO_CPU;
	if (actor == INJECTOR)
		return !a->over;
	return a->in_guest ? guest_has_work() : model.state != BLOCKED;
}

static unsigned steps_of(unsigned actor, enum step *step)
{
	const struct actor_model *a = &actors[actor];
	unsigned n = 0;

	if (actor != INJECTOR)
		n = steps_of_home(actor, step);
	if (a->stores.count)
		step[n++] = STEP_DRAIN;
	if (a->pending && !a->masked)
		step[n++] = STEP_SGI;
	if (may_go_on(actor))
		step[n++] = STEP_GO_ON;
	return n;
}

static void interrupt(void (*handler)(void))
{
	actors[me].in_interrupt = true;
	actors[me].masked = true;
	actors[me].fresh = true;
	handler();
	actors[me].masked = false;
	actors[me].in_interrupt = false;
}

static void (*const handlers[STEP_KINDS])(void) = {
	[STEP_EVICT] = evicted,		 [STEP_CALL] = called,
	[STEP_LOCAL] = local_interrupts, [STEP_LEVEL] = level_interrupts,
	[STEP_TIMER] = timer_fires,	 [STEP_MAINTENANCE] = maintained,
};

static void take_step(enum step chosen)
{
	if (chosen == STEP_DRAIN)
		stores_drain_one(&actors[me].stores);
	else if (chosen == STEP_SGI)
		actors[me].pending = false;
	else if (chosen == STEP_MIGRATE)
		migrate();
	else
		interrupt(handlers[chosen]);
}

/* A function of its own: what it leaves on its stack is no part of the state. */
static __attribute__((noinline)) enum step step_chosen(void)
{
	enum step list[STEP_KINDS];

	steps_of(me, list);
	return list[explore_choice()];
}

static void yield(void)
{
	for (unsigned i = 0; i < HOMES; i++)
		interfaces[i].derived = 0;
	plain_out();
	plain_as_seen();
	explore_yield();
}

/* False: an interrupt has come, which ends the guest. */
static __attribute__((noinline)) bool step(void)
{
	for (;;) {
		enum step chosen;

		yield();
		chosen = step_chosen();
		plain_in();
		if (chosen == STEP_GO_ON)
			return true;
		take_step(chosen);
		if (chosen != STEP_DRAIN && actors[me].in_guest)
			return false;
	}
}

/* Before something that others see or make: whatever may come between. */
static void access(void)
{
	if (!actors[me].fresh)
		(void)step();
	actors[me].fresh = false;
}

/* Others see it later, so only what comes on this CPU matters before it. */
static void store_put(void *at, uint64_t value, unsigned size, enum store_op op)
{
	if (!actors[me].masked)
		access();
	plain_out();
	stores_put(&actors[me].stores, at, value, size, op);
}

static uint64_t load_value(const volatile void *at, unsigned size)
{
	bool still = (at == &gic_cpu.lrs && model.locker == 1 + me) ||
		     (at == &vcpu.wait.thread && !model.waits);

	if (!still) /* else nobody writes it */
		access();
	return stores_load(&actors[me].stores, at, size);
}

static uint64_t clear_bits(void *at, uint64_t clear, unsigned size)
{
	uint64_t before;

	access();
	plain_out();
	before = stores_load(&actors[me].stores, at, size);
	stores_clear(&actors[me].stores, at, clear, size);
	return before;
}

static void fence(void)
{
	access();
	plain_out();
	stores_drain(&actors[me].stores);
}
