/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every interleaving of a vCPU's run loop, its wait and its timer (vcpu.c, kick.c and vtimer.c,
 * included here as they stand) with those who kick it, by tests/host/explore.h. Nothing may be
 * lost: whatever was made pending before a kick is taken by the guest, or the vCPU is outside of
 * KVM_RUN and will look when it comes in; a timer that is set fires, wherever its registers are by
 * then.
 *
 * Actors: THREAD is the CPU of the vCPU's thread, which enters the guest, waits in WFI, goes out to
 * the VMM and comes back, for ever; the guest may also go on until an interrupt ends it. Interrupts
 * come that kick too, its guest bank is taken away, and other threads go to EL0 (world_leave())
 * wherever interrupts are enabled; where threads are switched this one may go on on the other of
 * CPUs 0 and 1. KICKER is CPU 2, which makes something pending and kicks, a few times. OTHER is the
 * CPU where the thread was before: it may have the vCPU in its bank, and gives it up at any time.
 *
 * A store is seen by the others only when it leaves its CPU's store buffer, whenever that is: at a
 * fence, an SGI (DSB), or before. What the protocol rests on, and what this guards:
 *
 *	written      fence in                then looked at
 *	requests     vcpu_kick()             wait.thread, then home and that CPU's mode
 *	home, mode   put_in_place()          requests, the last look; until cpu->entered is cleared
 *	wait.thread  thread_prepare_block()  requests, then wait.thread again: may it block?
 *	wait.thread  vcpu_wake()             the thread's state
 *
 * wait.lock covers who wakes, and that a host timer is armed only while the thread waits. The
 * timer's handler needs no request: it writes the list registers on the vCPU's own CPU.
 *
 * `kick_model LOCAL REMOTE TIMERS MIGRATES` explores that many kicks of the same and of another
 * CPU, that many expiries of the timer, the thread staying where it is (0) or not (1).
 */
#include "arch/irq.h"
#include "arch/sysreg.h"
#include "arch/timer.h"
#include "kvm/debug.h"
#include "kvm/exit.h"
#include "kvm/sve.h"
#include "kvm/vgic/vgic.h"
#include "kvm/vtimer.h"
#include "kvm/world.h"
#include "linux/process/task.h"

#include "host/explore.h"
#include "host/stores.h"
#include "lib/string.h"
#include "tap.h"

int atoi(const char *text); /* the C library's headers do not go with the UAPI's */

enum { THREAD, KICKER, OTHER, ACTORS };
enum { HOMES = 2, KICKING_CPU = 2 };

#define me (explore_actor)

/* ---- the state ---- */

static struct actor_model {
	struct stores stores;
	bool masked, pending;		   /* interrupts; the SGI */
	bool in_guest, in_interrupt, over; /* over: no more kicks */
	bool fresh;			   /* nothing was read or written since the last step */
} actors[ACTORS];

static struct world_model {
	enum { RUNNING, BLOCKING, BLOCKED } state; /* of the vCPU's thread */
	enum { GUEST_WAITS, GUEST_LEAVES, GUEST_SPINS, GUEST_WAYS } guest;
	bool choosing;		   /* which of these */
	bool listed;		   /* something in a list register that the guest has not taken */
	bool may_switch, leaving;  /* threads may be switched; OTHER gives up the bank */
	int8_t where;		   /* the CPU of THREAD */
	int8_t alarm;		   /* the CPU with the host's timer for the vCPU, -1: none */
	bool alarm_runs;	   /* its function, on OTHER */
	uint8_t made[2], taken[2]; /* pending, by THREAD's interrupts and KICKER */
	uint8_t local_left, remote_left, timers_left;
	bool migrates;
	uint32_t lock;
} model;

static struct vm vm;
static struct vcpu vcpu;
static struct kvm_run run_page;
static struct cpu cpu_state[HOMES + 1]; /* what a CPU knows of itself */
static struct {
	uint32_t mode; /* and others of it */
} seen[HOMES + 1];
static struct task task;

static unsigned cpu_here(void)
{
	return me == KICKER   ? KICKING_CPU
	       : me == THREAD ? (unsigned)model.where
			      : 1 - (unsigned)model.where;
}

static int home_for(unsigned actor)
{
	return (int)stores_load(&actors[actor].stores, &vcpu.bank.home, sizeof(int));
}

/* ---- steps ---- */

static void evicted(void);
static void left_world(void);
static void device_interrupts(void);
static void timer_fires(void);
static void alarm_rings(void);
static void migrate(void);

/* What may come between, or (the last) the actor goes on. */
enum step {
	STEP_DRAIN,   /* the oldest store leaves the buffer */
	STEP_SGI,     /* an interrupt that was sent */
	STEP_EVICT,   /* the bank is taken away */
	STEP_LEAVE,   /* another thread goes to EL0 */
	STEP_DEVICE,  /* an interrupt that kicks */
	STEP_TIMER,   /* the guest's timer expires */
	STEP_ALARM,   /* the host's timer in its stead */
	STEP_MIGRATE, /* the thread goes to the other CPU */
	STEP_GO_ON,
	STEP_KINDS
};

static unsigned steps_of_thread(const struct actor_model *a, enum step *step)
{
	bool here = home_for(THREAD) == model.where;
	unsigned n = 0;

	if (a->masked)
		return 0;
	if (here && !a->in_guest)
		step[n++] = STEP_EVICT;
	if (!a->in_guest && cpu_state[(unsigned)model.where].mode == CPU_GUEST)
		step[n++] = STEP_LEAVE;
	if (model.local_left)
		step[n++] = STEP_DEVICE;
	if (model.timers_left && here)
		step[n++] = STEP_TIMER;
	if (model.alarm == model.where)
		step[n++] = STEP_ALARM;
	if (model.may_switch && model.migrates && !model.leaving && !model.alarm_runs)
		step[n++] = STEP_MIGRATE;
	return n;
}

static bool may_go_on(unsigned actor)
{
	const struct actor_model *a = &actors[actor];

	if (a->in_interrupt)
		return true;
	if (actor == THREAD)
		return !a->in_guest && model.state != BLOCKED;
	if (actor == KICKER)
		return !a->over;
	return model.leaving || model.alarm_runs || home_for(OTHER) == 1 - model.where ||
	       model.alarm == 1 - model.where;
}

static unsigned steps_of(unsigned actor, enum step *step)
{
	const struct actor_model *a = &actors[actor];
	unsigned n = 0;

	if (actor == THREAD)
		n = steps_of_thread(a, step);
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

static void take_step(enum step chosen)
{
	switch (chosen) {
	case STEP_DRAIN:
		stores_drain_one(&actors[me].stores);
		break;
	case STEP_SGI:
		actors[me].pending = false;
		break;
	case STEP_EVICT:
		interrupt(evicted);
		break;
	case STEP_LEAVE:
		interrupt(left_world);
		break;
	case STEP_DEVICE:
		interrupt(device_interrupts);
		break;
	case STEP_TIMER:
		interrupt(timer_fires);
		break;
	case STEP_ALARM:
		interrupt(alarm_rings);
		break;
	default:
		migrate();
	}
}

/* A function of its own: what it leaves on its stack is no part of the state. */
static __attribute__((noinline)) enum step step_chosen(void)
{
	enum step list[STEP_KINDS];

	steps_of(me, list);
	return list[explore_choice()];
}

/* False: an interrupt has come, which ends the guest. */
static __attribute__((noinline)) bool step(void)
{
	for (;;) {
		enum step chosen;

		explore_yield();
		chosen = step_chosen();
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
	explore_clean();
	actors[me].fresh = false;
}

/* Others see it later, so only what comes on this CPU matters before it. */
static void store_put(void *at, uint64_t value, unsigned size, enum store_op op)
{
	if (!actors[me].masked)
		access();
	stores_put(&actors[me].stores, at, value, size, op);
}

static uint64_t load_value(const volatile void *at, unsigned size)
{
	access();
	return stores_load(&actors[me].stores, at, size);
}

static uint64_t clear_bits(void *at, uint64_t mask, unsigned size)
{
	uint64_t before;

	access();
	before = stores_load(&actors[me].stores, at, size);
	stores_clear(&actors[me].stores, at, mask, size);
	return before;
}

static void fence(void)
{
	access();
	stores_drain(&actors[me].stores);
}

#include "kvm/kick_model_env.h"

#include "kvm/kick.c"
#include "kvm/vcpu.c"
#include "kvm/vtimer.c"

/* ---- the actors ---- */

static void make_pending_and_kick(uint8_t *made)
{
	store_put(made, 1 + stores_load(&actors[me].stores, made, 1), 1, STORE_SET);
	vcpu_kick(&vcpu, REQ_VGIC);
}

static void device_interrupts(void)
{
	model.local_left--;
	make_pending_and_kick(&model.made[0]);
}

static void timer_fires(void)
{
	model.timers_left--;
	timer_irq(NULL, VGIC_PPI_VTIMER);
}

static void alarm_rings(void)
{
	model.alarm = BANK_NO_CPU;
	wake(&vcpu.timer.wake);
}

static void run_thread(void)
{
	for (;;) {
		(void)vcpu_run(&vcpu);
		step_switching();
	}
}

static void kick_some_times(void)
{
	access();
	while (model.remote_left) {
		model.remote_left--;
		make_pending_and_kick(&model.made[1]);
	}
	actors[me].over = true;
	for (;;)
		(void)step();
}

static void be_elsewhere(void)
{
	actors[me].masked = true;
	for (;;) {
		(void)step();
		if (model.alarm == (int8_t)cpu_here()) {
			model.alarm_runs = true;
			alarm_rings();
			model.alarm_runs = false;
		} else if (home_for(OTHER) == (int)cpu_here()) {
			model.leaving = true;
			evicted();
			model.leaving = false;
		}
	}
}

static void actor_main(void)
{
	if (me == THREAD)
		run_thread();
	else if (me == KICKER)
		kick_some_times();
	else
		be_elsewhere();
}

static unsigned choices(unsigned actor)
{
	enum step list[STEP_KINDS];

	return actor == THREAD && model.choosing ? GUEST_WAYS : steps_of(actor, list);
}

/* Nobody will do anything more by himself. */
static bool at_rest(void)
{
	const struct actor_model *t = &actors[THREAD];

	for (unsigned i = 0; i < ACTORS; i++)
		if (actors[i].stores.count)
			return false;
	return actors[KICKER].over && !t->pending && !t->in_interrupt && !model.local_left &&
	       !model.timers_left && !model.alarm_runs && !model.leaving &&
	       !memcmp(model.made, model.taken, sizeof(model.made)) && !model.listed &&
	       (t->in_guest || model.state == BLOCKED);
}

static void check_state(void)
{
	const struct cpu *cpu = &cpu_state[(unsigned)model.where];

	explore_expect(choices(THREAD) || choices(KICKER) || choices(OTHER) || at_rest(),
		       "somebody goes on, or all is done");
	if (actors[THREAD].in_guest)
		explore_expect(cpu->entered == &vcpu && cpu->mode == CPU_GUEST &&
				       home_for(THREAD) == model.where,
			       "the guest runs with everything in place");
	if (actors[THREAD].in_guest)
		explore_expect(model.alarm == BANK_NO_CPU && !vcpu.timer.armed,
			       "the host's timer is set only while the thread waits");
}

static struct explore_result explore(void)
{
	enum { ACTOR_MODELS, WORLD, KERNEL }; /* groups of memory */
	const struct explore_part parts[] = {
		{ actors, sizeof(actors), ACTOR_MODELS },
		{ &model, sizeof(model), WORLD },
		{ (void *)&vcpu.requests, sizeof(vcpu.requests), KERNEL },
		{ (void *)&vcpu.wait.thread, sizeof(vcpu.wait.thread), KERNEL },
		{ (void *)&vcpu.bank.home, sizeof(vcpu.bank.home), KERNEL },
		{ &vcpu.timer.armed, sizeof(vcpu.timer.armed), KERNEL },
		{ &vcpu.regs.cntv_ctl, sizeof(vcpu.regs.cntv_ctl), KERNEL },
		{ &vcpu.regs.cntv_cval, sizeof(vcpu.regs.cntv_cval), KERNEL },
		{ seen, sizeof(seen), KERNEL },
		{ &cpu_state[0].entered, sizeof(cpu_state[0].entered), KERNEL },
		{ &cpu_state[0].mode, sizeof(cpu_state[0].mode), KERNEL },
		{ &cpu_state[1].entered, sizeof(cpu_state[1].entered), KERNEL },
		{ &cpu_state[1].mode, sizeof(cpu_state[1].mode), KERNEL },
		{ &cpu_state[0].guest_ppis, sizeof(cpu_state[0].guest_ppis), KERNEL },
		{ &cpu_state[1].guest_ppis, sizeof(cpu_state[1].guest_ppis), KERNEL },
		{ &vcpu.timer.active, sizeof(vcpu.timer.active), KERNEL },
	};
	struct explore_model m = {
		.actors = ACTORS,
		.actor_main = actor_main,
		.parts = parts,
		.part_count = ARRAY_SIZE(parts),
		.choices = choices,
		.check = check_state,
		.at_rest = at_rest,
	};

	memset(actors, 0, sizeof(actors));
	memset(seen, 0, sizeof(seen));
	memset(cpu_state, 0, sizeof(cpu_state));
	memset(&vcpu, 0, sizeof(vcpu));
	vm.vgic = (void *)&vm;
	vcpu.vm = &vm;
	vcpu.run = &run_page;
	vcpu.initialised = vcpu.ready = true;
	*(int *)&vcpu.bank.home = BANK_NO_CPU;
	model.alarm = BANK_NO_CPU;
	for (unsigned i = 0; i < HOMES; i++) {
		cpu_state[i].id = i;
		cpu_state[i].current = &task.thread;
	}
	return explore_run(&m);
}

/* Once something is broken the rest need not be looked at. */
static void explore_with(uint8_t local, uint8_t remote, uint8_t timers, bool migrates)
{
	static bool failed;
	struct explore_result r;

	if (failed)
		return;
	model = (struct world_model){ .local_left = local,
				      .remote_left = remote,
				      .timers_left = timers,
				      .migrates = migrates };
	r = explore();
	tap_print("# kicks: %u of the same CPU, %u of another; timers: %u; migration: %u: "
		  "%u states, %zu transitions\n",
		  local, remote, timers, migrates, r.states, r.transitions);
	failed = r.broken || r.stuck;
	expect(!r.broken);
	expect_eq(r.stuck, 0);
}

static bool otherwise_asked(void)
{
	if (tap_argc > 4)
		explore_with((uint8_t)atoi(tap_argv[1]), (uint8_t)atoi(tap_argv[2]),
			     (uint8_t)atoi(tap_argv[3]), atoi(tap_argv[4]));
	return tap_argc > 4;
}

TEST(every_kick_is_seen_and_no_wait_is_for_ever)
{
	if (otherwise_asked())
		return;
	explore_with(0, 2, 0, false);
	explore_with(1, 1, 0, false);
}

TEST(a_timer_fires_wherever_its_registers_are)
{
	if (tap_argc > 4)
		return;
	explore_with(0, 0, 2, true);
	explore_with(0, 1, 1, false);
}

TEST(a_thread_that_goes_to_another_cpu_is_found_there)
{
	if (tap_argc > 4)
		return;
	explore_with(0, 1, 0, true);
	explore_with(1, 0, 1, true);
}
