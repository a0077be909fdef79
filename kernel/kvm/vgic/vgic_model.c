/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every interleaving of a vCPU that comes into and goes out of CPUs' guest banks with those who
 * send it interrupts and look at their state: vgic.c, cpuif.c, model.c, sgi.c, regs.c, what settles
 * in frames.c, and kick.c, included here as they stand, by tests/host/explore.h.
 *
 * Actors: THREAD is the CPU of the vCPU's thread, which enters the guest, waits in WFI, goes out to
 * the VMM and may come back on the other of CPUs 0 and 1. Its guest acknowledges and ends
 * interrupts; at the device's it makes the line fall, at the timer's it moves the deadline. OTHER
 * is that other CPU, which may have the vCPU in its bank. On both, where interrupts are enabled,
 * the bank is taken away, an interrupt comes that injects, the timer fires, maintenance and calls
 * are answered. INJECTOR is CPU 2, another thread's: what it does one after the other are letters,
 * see do_letter().
 *
 * A store is seen by the others only when it leaves its CPU's store buffer; so are the plain ones
 * that are looked at without the lock (struct shared). The rest of what vgic->lock covers is seen
 * at once: who looks has the lock, and nobody gets it before all that its last owner wrote is out.
 *
 * Rules: an interrupt that came and is not taken back is acknowledged, or there is a way there and
 * always somebody who goes on; no more acknowledgements than came; never one interrupt in two list
 * registers; only the home CPU touches registers, and leaves none behind; VMCR and the active
 * priorities go along; who reads sees what is pending; at rest no mark, request, freeze or host's
 * Active bit is left.
 *
 * Cut, and what has it instead: where requests are looked at is a stand-in for vcpu.c (kick_model.c
 * has that, the CPU's mode and the host's timer for who waits in no bank); one vCPU, for vCPUs
 * share only the lock; the timer does not fire while its guest waits; priorities are all the same
 * and the guest handles one interrupt at a time (model_test.c, overflow_test.c: all that is pure);
 * the bank is handed over by its home alone (bank_model.c has the protocol); nobody's vCPU is
 * thrown away, so vgic_close() is not reached. Not had elsewhere: nobody injects from a third CPU
 * while INJECTOR settles, so that settle_here() needs the lock is not shown.
 *
 * `vgic_model LETTERS LOCAL TIMERS LEVELS LRS MOVES WAITS`: that many edges on the vCPU's or its
 * thread's CPU, expiries, levels raised; 1 or 2 list registers; migration and WFI or not (0).
 */
#include "arch/cpu.h"
#include "arch/irq.h"
#include "arch/sysreg.h"
#include "kvm/exit.h"
#include "kvm/vtimer.h"
#include "kvm/world.h"
#include "linux/process/task.h"
#include "sched/run.h"

#include "host/explore.h"
#include "kvm/vgic/vgic_model_words.h"
#include "lib/string.h"
#include "tap.h"

#include "kvm/vgic/frames.h"
#include "kvm/vgic/vgic.h"

int atoi(const char *text); /* the C library's headers do not go with the UAPI's */

enum { THREAD, INJECTOR, OTHER, ACTORS };
enum { HOMES = 2, INJECTING_CPU = 2, LRS = 2 };
enum { EDGE, LEVEL, TIMER, KINDS };
static const uint8_t numbers[KINDS] = { 1, 20, 27 };

#define me	   (explore_actor)
#define GUEST_VMCR (ICH_VMCR_ENG1 | field_set(ICH_VMCR_PMR, 0xf8))

/* ---- the state ---- */

static struct actor_model {
	struct stores stores;
	uint8_t injecting;    /* 1 + which interrupt comes when the lock is taken */
	bool masked, pending; /* interrupts; the SGI */
	bool in_guest, in_interrupt, over;
	bool calls; /* it waits for an answer, or for its turn to ask */
	bool fresh; /* nothing was read or written since the last step */
} actors[ACTORS];

/* As the others see what is written plainly. */
struct shared {
	unsigned queued;
	bool hw_changed;
};

static struct world_model {
	void (*call)(void *);
	void *call_arg;
	struct shared seen;
	uint32_t locks[2];
	uint8_t locker;				   /* 1 + who has taken vgic->lock */
	enum { RUNNING, BLOCKING, BLOCKED } state; /* of the vCPU's thread */
	enum { GUEST_SPINS, GUEST_LEAVES, GUEST_WAITS, GUEST_LOWERS } guest;
	int8_t where, callee; /* the CPU of THREAD; of the call, -1: none */
	int8_t handling;      /* by the guest, -1: none */
	uint8_t next;	      /* letter */
	uint8_t came[KINDS];  /* and not acknowledged; merged ones counted */
	bool due[KINDS];      /* the last that came was not acknowledged */
	bool choosing, may_switch, leaving, entered;
	bool timer_line, host_active[HOMES];
	uint8_t locals_left, timers_left, levels_left;
	bool moves, waits; /* the thread to the other CPU; the guest in WFI */
} model;

static struct interface {
	uint64_t lr[LRS], hcr, vmcr, ap[2], derived;
} interfaces[HOMES];

static const char *letters;
static struct vm vm;
static struct vcpu vcpu;
static struct vgic vgic;
static struct vgic_cpu gic_cpu;
static struct cpu cpu_state[HOMES + 1];
static struct task task;

static unsigned cpu_here(void)
{
	return me == INJECTOR ? INJECTING_CPU
	       : me == THREAD ? (unsigned)model.where
			      : 1 - (unsigned)model.where;
}

static int home_for(unsigned actor)
{
	return (int)stores_load(&actors[actor].stores, &vcpu.bank.home, sizeof(int));
}

static int own_home(void)
{
	return (int)stores_load(&actors[me].stores, &gic_cpu.home, sizeof(int));
}

#include "kvm/vgic/vgic_model_steps.h"

/* ---- what came ---- */

static void comes(unsigned kind)
{
	model.came[kind]++;
	model.due[kind] = kind != LEVEL; /* its line says it */
}

/* vgic->lock has just been taken. */
static void come_now(void)
{
	uint8_t kind = actors[me].injecting;

	actors[me].injecting = 0;
	if (kind && !(kind - 1 == LEVEL && gic_cpu.irqs[numbers[LEVEL]].line))
		comes(kind - 1u);
}

static void taken_back(unsigned kind)
{
	model.came[kind] = 0;
	model.due[kind] = false;
}

#include "kvm/vgic/vgic_model_env.h"

#include "kvm/kick.c"
#include "kvm/vgic/cpuif.c"
#include "kvm/vgic/model.c"
#include "kvm/vgic/redist.c"
#include "kvm/vgic/regs.c"
#include "kvm/vgic/sgi.c"
#include "kvm/vgic/vgic.c"

const struct vgic_reg vgic_dist_regs[] = { VGIC_NO_REG };

/* The lock is held and nobody has it in a list register who may change it. */
static int write_as_told(const struct vgic_reg_access *a, uint64_t value)
{
	for (unsigned kind = 0; kind < KINDS; kind++) {
		if (!(value & BIT(numbers[kind])))
			continue;
		if (a->reg->put == vgic_put_pending)
			comes(kind);
		else if (a->reg->put == vgic_put_not_pending && kind == EDGE)
			taken_back(kind);
	}
	return vgic_reg_write(a, value);
}

static uint64_t read_and_compare(const struct vgic_reg_access *a)
{
	uint64_t value = vgic_reg_read(a);

	if (a->reg->get == vgic_get_pending)
		explore_expect(!model.due[EDGE] || (value & BIT(numbers[EDGE])),
			       "who reads sees what is pending");
	return value;
}

#define vgic_reg_write(a, value) write_as_told(a, value)
#define vgic_reg_read(a)	 read_and_compare(a)
#include "kvm/vgic/frames.c"

/* ---- interrupts that come ---- */

static void inject(unsigned kind, bool level)
{
	if (level)
		actors[me].injecting = (uint8_t)(1 + kind);
	(void)vgic_inject(&vm, &vcpu, numbers[kind], level);
}

static void local_interrupts(void)
{
	model.locals_left--;
	inject(EDGE, true);
}

static void level_interrupts(void)
{
	model.levels_left--;
	inject(LEVEL, true);
}

static void timer_fires(void)
{
	model.timers_left--;
	model.timer_line = true;
	model.host_active[cpu_here()] = true;
	comes(TIMER);
	vgic_timer_fired(&vcpu, numbers[TIMER]);
}

static void maintained(void)
{
	maintenance(NULL, VGIC_PPI_MAINTENANCE);
}

static void access_bit(uint32_t offset, bool write, unsigned kind)
{
	struct vgic_reg_access a = {
		.vgic = &vgic, .cpu = &gic_cpu, .offset = GICR_FRAME + offset, .bytes = 4
	};
	uint64_t value = BIT(numbers[kind]);

	a.reg = vgic_reg_find(vgic_redist_regs, a.offset, a.bytes);
	(void)vgic_reg_access(&a, write, &value);
}

static void do_letter(char letter)
{
	switch (letter) {
	case 'e': /* an edge */
		inject(EDGE, true);
		break;
	case 's': /* by another vCPU's ICC_SGI1R_EL1 */
		mask();
		actors[me].injecting = 1 + EDGE;
		vgic_send_sgi(&vcpu, BIT(24) | 1, true);
		unmask();
		break;
	case 'l': /* the line rises, falls */
	case 'f':
		inject(LEVEL, letter == 'l');
		break;
	case 'r': /* is it pending? */
		access_bit(0x200, false, EDGE);
		break;
	case 'p': /* make it pending, not pending */
	case 'c':
		access_bit(letter == 'p' ? 0x200 : 0x280, true, EDGE);
		break;
	case 'd': /* disable, enable */
	case 'n':
		access_bit(letter == 'd' ? 0x180 : 0x100, true, EDGE);
		break;
	case 'i': /* the timer's is made inactive */
		access_bit(VGIC_ICACTIVER, true, TIMER);
		break;
	default:
		explore_expect(false, "that is no letter");
	}
}

#include "kvm/vgic/vgic_model_guest.h"

/* ---- the actors ---- */

/* vcpu.c: put_in_place(), do_masked_work(). */
static bool prepare(void)
{
	if (!model.entered) {
		if (!bank_is_here(&vcpu.bank))
			world_bring(&vcpu);
		model.entered = true;
		fence();
	}
	if (!load_value(&vcpu.requests, sizeof(vcpu.requests)))
		return true;
	if (clear_bits((void *)&vcpu.requests, ~(uint64_t)REQ_VGIC, sizeof(vcpu.requests)) &
	    REQ_VGIC)
		vgic_flush(&vcpu);
	return !load_value(&vcpu.requests, sizeof(vcpu.requests));
}

static void run_thread(void)
{
	for (;;) {
		mask();
		if (prepare()) {
			guest_runs();
			guest_left();
		} else {
			unmask();
		}
	}
}

static void do_letters(void)
{
	access();
	while (letters[model.next])
		do_letter(letters[model.next++]);
	actors[me].over = true;
	for (;;)
		(void)step();
}

static void be_elsewhere(void)
{
	for (;;)
		(void)step();
}

/* By way of the run queues, whose locks order what was done before. */
static void migrate(void)
{
	plain_out();
	stores_drain(&actors[THREAD].stores);
	stores_drain(&actors[OTHER].stores);
	plain_in();
	actors[THREAD].pending = false;
	model.entered = false;
	model.where = 1 - model.where;
}

static void actor_main(void)
{
	if (me == THREAD)
		run_thread();
	else if (me == INJECTOR)
		do_letters();
	else
		be_elsewhere();
}

static unsigned choices(unsigned actor)
{
	enum step list[STEP_KINDS];

	return actor == THREAD && model.choosing ? guest_ways() : steps_of(actor, list);
}

#include "kvm/vgic/vgic_model_rules.h"

/* ---- searches ---- */

static void set_up(unsigned list_registers)
{
	memset(actors, 0, sizeof(actors));
	memset(interfaces, 0, sizeof(interfaces));
	memset(cpu_state, 0, sizeof(cpu_state));
	memset(&vcpu, 0, sizeof(vcpu));
	memset(&gic_cpu, 0, sizeof(gic_cpu));
	vgic = (struct vgic){ .ctlr = GICD_CTLR_GRP1,
			      .nr_irqs = VGIC_PRIVATE,
			      .nr_lrs = list_registers,
			      .nr_cpus = 1 };
	vgic.cpus[0] = &gic_cpu;
	*(bool *)&vgic.initialised = true;
	vm.vgic = gic_cpu.vgic = &vgic;
	vcpu.vm = &vm;
	vcpu.vgic = &gic_cpu;
	gic_cpu.vcpu = &vcpu;
	gic_cpu.vmcr = GUEST_VMCR;
	*(int *)&vcpu.bank.home = *(int *)&gic_cpu.home = BANK_NO_CPU;
	vgic_model_init_cpu(&gic_cpu);
	for (unsigned kind = 0; kind < KINDS; kind++)
		gic_cpu.irqs[numbers[kind]].enabled = true;
	gic_cpu.irqs[numbers[TIMER]].hw_intid = numbers[TIMER];
	lrs = list_registers;
	aprs = 1;
	for (unsigned i = 0; i < HOMES + 1; i++) {
		cpu_state[i].id = i;
		cpu_state[i].mode = CPU_GUEST; /* kick_model.c has the other */
		cpu_state[i].ich_hcr = i < HOMES ? ICH_HCR_EN : 0;
	}
	for (unsigned i = 0; i < HOMES; i++)
		interfaces[i].hcr = ICH_HCR_EN;
}

#define PART(object)                                                                               \
	{                                                                                          \
		.at = (void *)&(object), .size = sizeof(object)                                    \
	}
#define IRQ_PART(kind)                                                                             \
	{                                                                                          \
		.at = &gic_cpu.irqs[kind], .size = sizeof(struct vgic_irq)                         \
	}

static struct explore_result explore(void)
{
	const struct explore_part parts[] = {
		PART(actors),
		PART(model),
		PART(interfaces),
		PART(vcpu.requests),
		PART(vcpu.wait.thread),
		PART(vcpu.bank.home),
		PART(vcpu.timer.active),
		PART(cpu_state[0].ich_hcr),
		PART(cpu_state[1].ich_hcr),
		PART(gic_cpu.lrs),
		PART(gic_cpu.fresh),
		PART(gic_cpu.home),
		PART(gic_cpu.frozen),
		PART(gic_cpu.queue),
		PART(gic_cpu.queued),
		PART(gic_cpu.used),
		PART(gic_cpu.written),
		{ .at = gic_cpu.lr, .size = LRS * sizeof(gic_cpu.lr[0]) },
		{ .at = gic_cpu.lr_irq, .size = LRS * sizeof(gic_cpu.lr_irq[0]) },
		PART(gic_cpu.hcr),
		PART(gic_cpu.vmcr),
		PART(gic_cpu.apr[0]),
		PART(gic_cpu.hw_changed),
		IRQ_PART(1),
		IRQ_PART(20),
		IRQ_PART(27),
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

	return explore_run(&m);
}

struct instance {
	const char *letters;
	uint8_t locals, timers, levels, list_registers;
	bool moves, waits;
};

/* Once something is broken the rest need not be looked at. */
static void explore_instance(struct instance is)
{
	static bool failed;
	struct explore_result r;

	if (failed)
		return;
	letters = is.letters;
	model = (struct world_model){ .locals_left = is.locals,
				      .timers_left = is.timers,
				      .levels_left = is.levels,
				      .moves = is.moves,
				      .waits = is.waits,
				      .callee = BANK_NO_CPU,
				      .handling = -1 };
	set_up(is.list_registers);
	r = explore();
	tap_print("# letters \"%s\", here: %u edges, %u timers, %u levels; %u list registers; "
		  "moves: %u, waits: %u: "
		  "%u states, %zu transitions\n",
		  is.letters, is.locals, is.timers, is.levels, is.list_registers, is.moves,
		  is.waits, r.states, r.transitions);
	failed = r.broken || r.stuck;
	expect(!r.broken);
	expect_eq(r.stuck, 0);
}

TEST(no_interrupt_is_lost_or_doubled)
{
	static const struct instance all[] = {
		{ "", 1, 0, 0, 2, false, true },    { "ee", 0, 0, 0, 2, true, true },
		{ "se", 0, 0, 0, 2, true, true },   { "lf", 0, 0, 0, 2, true, true },
		{ "e", 0, 0, 1, 1, false, false },  { "c", 2, 0, 0, 2, false, false },
		{ "c", 1, 0, 0, 2, true, false },   { "p", 0, 0, 1, 2, false, false },
		{ "dn", 1, 0, 0, 2, false, false }, { "e", 0, 1, 0, 2, true, false },
		{ "r", 0, 1, 0, 2, true, false },   { "i", 0, 1, 0, 2, true, false },
		{ "r", 2, 0, 0, 2, true, false },
	};

	if (tap_argc > 7) {
		explore_instance((struct instance){
			tap_argv[1], (uint8_t)atoi(tap_argv[2]), (uint8_t)atoi(tap_argv[3]),
			(uint8_t)atoi(tap_argv[4]), (uint8_t)atoi(tap_argv[5]), atoi(tap_argv[6]),
			atoi(tap_argv[7]) });
		return;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(all); i++)
		explore_instance(all[i]);
}
