/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every interleaving of the vector bank: fp.c and fp_kernel.c on bank.c, all included as they
 * stand, by tests/host/explore.h. What bank_model.c leaves out is here: V registers, Z above them
 * and P with FFR as three things that live and end apart; contexts that change their class; system
 * calls, which end all but V; access (CPTR_EL2) apart from ownership, and what is believed of it
 * (cpu->entered, fp_switch()); load-ahead; strict contexts; the kernel's own use.
 *
 * Actors are two CPUs. Contexts are threads and vCPUs; those of a kind are twins. A CPU does for
 * ever any of: run a context, which uses V, SVE or nothing, and leaves by a call or by an
 * interrupt; inspect and change it; give it all of SVE's registers, as a tracer does; reset it; end
 * it and begin another at its address; change its length; make it strict or not; copy a page by V
 * registers; go off and come back. Wherever interrupts are enabled one may come that uses V
 * registers, or an IPI that waits.
 *
 * The policy is any: whether to load ahead is the search's choice each time, so what holds here
 * holds for fp_policy.c's kinds and all that may come. Epochs only count for being equal: they are
 * renamed in each state, which is what makes the states finite. Values are not modelled, but whose
 * they are and whether they are the newest; lengths are not. docs/banks.md says what else.
 */
#include "arch/cpu.h"
#include "arch/sysreg.h"

static struct cpu *model_cpu(void);
static struct cpu *model_cpu_of(unsigned n);
#define this_cpu()	 model_cpu()
#define cpu_id()	 (model_cpu()->id)
#define cpu_get(n)	 model_cpu_of(n)
#define cpu_has(feature) true
#undef isb
#define isb() ((void)0)
#undef sysreg_read
#undef sysreg_write
#define sysreg_read(reg)	 0
#define sysreg_write(reg, value) ((void)(value))

#include <stdlib.h>

#include "arch/irq.h"
#include "arch/timer.h"
#include "bank/fp.h"
#include "bank/fp_length.h"
#include "host/explore.h"
#include "lib/string.h"
#include "mm/page.h"
#include "mm/slab.h"
#include "sched/ktimer.h"
#include "tap.h"

static uint64_t mask_and_save(void);
static void unmask_as(uint64_t was);
static bool any_policy(struct fp_policy *p, uint64_t epoch);
#define irq_enable()		  bank_env_unmask()
#define irq_save()		  mask_and_save()
#define irq_restore(was)	  unmask_as(was)
#define fp_policy_enter(p, epoch) any_policy(p, epoch)

#include "bank/bank.c"
#include "bank/fp.c"
#include "bank/fp_kernel.c"

enum { CPUS = 2, MAX_CONTEXTS = 4 };

/* Whose a part of the registers is: 0 is zero, and nobody's. */
enum { ZERO, NEWEST, OLD = NEWEST + MAX_CONTEXTS, TORN = OLD + MAX_CONTEXTS, OF_KERNEL };

struct parts {
	uint8_t v, z, p; /* z: above the V registers */
};

/* What a CPU does with a context; then, with none. */
enum op {
	OP_V,
	OP_SVE,
	OP_NOTHING, /* runs and uses */
	OP_INSPECT,
	OP_GIVE,
	OP_RESET,
	OP_END,
	OP_LENGTH,
	OP_POLICY,
	OPS,
	OP_COPY_PAGE,
	OP_OFF
};
#define FROM_OUTSIDE                                                                               \
	(1u << OP_INSPECT | 1u << OP_GIVE | 1u << OP_RESET | 1u << OP_END | 1u << OP_LENGTH)
#define EVERYTHING ((1u << OPS) - 1)

static struct context_model {
	struct parts truth, image; /* image: SVE's; the V registers' is v[0][0] */
	bool claimed, changing;
	bool given;   /* SVE registers by a tracer, in the call that it is in */
	uint16_t ops; /* what is done with it: a bit each */
	struct fp_context fp;
	struct thread thread;
	struct trapframe frame;
} contexts[MAX_CONTEXTS];

static struct cpu_model {
	struct context_model *context; /* what it acts on, and how */
	struct parts regs;
	uint8_t op;
	bool masked, pending; /* interrupts; the IPI */
	bool idle, choosing;
	bool between; /* waits */
	bool at_el0;  /* the context runs, with interrupts */
	bool fresh, off;
} cpus[CPUS];

static struct cpu cpu_state[CPUS];
static unsigned context_total;
static bool goes_off, kernel_uses, atomic;

#define me (explore_actor)

static struct cpu *model_cpu(void)
{
	return &cpu_state[me];
}

static __attribute__((unused)) struct cpu *model_cpu_of(unsigned n)
{
	return &cpu_state[n];
}

#include "bank/fp_model_env.h"

static void take_and_spoil_now(void)
{
	struct ktimer timer;

	take_and_spoil(&timer);
}

static struct context_model *current(void)
{
	return cpus[me].context;
}

static bool in_a_call(const struct context_model *c)
{
	return !c->fp.guest && c->frame.syscall >= 0;
}

/* What SVE adds ends with its call, or has ended. */
static bool only_v_counts(const struct context_model *c)
{
	return in_a_call(c) && !c->given;
}

#include "bank/fp_model_ops.h"

/* ---- the search ---- */

static void operate(void)
{
	explore_clean();
	if (cpus[me].op == OP_OFF) {
		go_off_and_come_back();
	} else if (cpus[me].op == OP_COPY_PAGE) {
		copy_page();
	} else if (cpus[me].op <= OP_NOTHING) {
		current()->claimed = true;
		run();
		current()->claimed = false;
	} else {
		current()->claimed = current()->changing = true;
		from_outside[cpus[me].op](current());
		current()->claimed = current()->changing = false;
	}
}

/* The choice, after those of interrupts, is an operation. False: not now. */
static bool choose_operation(void)
{
	unsigned choice = explore_choice() - interrupt_choices(me);

	cpus[me].op = (uint8_t)(choice % OPS);
	if (choice >= OPS * context_total) {
		cpus[me].op = choice > OPS * context_total ? OP_OFF : OP_COPY_PAGE;
		return cpus[me].op == OP_OFF || kernel_uses;
	}
	cpus[me].context = &contexts[choice / OPS];
	if (cpus[me].op == OP_POLICY && !cpus[me].context->fp.guest)
		return false;
	return !cpus[me].context->claimed && (cpus[me].context->ops >> cpus[me].op & 1);
}

static unsigned choices(unsigned cpu)
{
	if (cpus[cpu].choosing)
		return 2;
	if (!cpus[cpu].idle)
		return 1 + interrupt_choices(cpu);
	return OPS * context_total + 1 + (goes_off && cpus[1 - cpu].op != OP_OFF) +
	       interrupt_choices(cpu);
}

static bool at_rest(void)
{
	for (unsigned i = 0; i < CPUS; i++)
		if (!cpus[i].idle || cpus[i].pending)
			return false;
	return true;
}

#include "bank/fp_model_state.h"

static void check_context(const struct context_model *c)
{
	int home = c->fp.bank.home;

	if (c->changing)
		return;
	if (home == BANK_NO_CPU)
		explore_expect(image_is_newest(c), "home none: the image is the newest state");
	else if (!cpus[home].masked)
		explore_expect(vector_bank.slots[home].owner == &c->fp.bank &&
				       cpus[home].regs.v == c->truth.v,
			       "the bank of its home holds the newest state");
}

static void check_state(void)
{
	rename_epochs();
	for (unsigned n = 0; n < context_total; n++)
		check_context(&contexts[n]);
	forget_unseen();
}

static void begin_context(struct context_model *c, bool guest, enum fp_policy_kind kind)
{
	usual_policy = kind;
	c->truth = (struct parts){ ZERO, ZERO, ZERO };
	c->given = false;
	c->thread.work = 0;
	c->thread.stack = 1ull << 20;
	c->frame.syscall = -1;
	fp_context_init(&c->fp, 1, guest ? NULL : &c->thread);
	c->fp.frame = &c->frame;
}

static void begin_cpus(void)
{
	for (unsigned i = 0; i < CPUS; i++) {
		cpus[i] = (struct cpu_model){ 0 };
		cpu_state[i] =
			(struct cpu){ .id = i, .cptr_el2 = CPTR_CLOSED, .fp_epoch = MAX_CPUS + i };
		vector_bank.slots[i].owner = NULL;
		requests[i].ctx = NULL;
		mailboxes[i].askers = 0;
	}
}

/* What runs beside what: see the table of searches. */
struct search {
	unsigned threads, vcpus;
	uint16_t thread_ops, vcpu_ops;
	bool strict; /* the first of them */
	bool off, neon;
};

static void explore_with(const struct search *s)
{
	static bool failed;
	struct explore_part parts[10 * CPUS + 6 * MAX_CONTEXTS];
	struct explore_model m = { .actors = CPUS, .actor_main = cpu_main, .parts = parts };
	struct explore_result r;

	if (failed)
		return;
	context_total = s->threads + s->vcpus;
	strict_used = s->strict || ((s->thread_ops | s->vcpu_ops) >> OP_POLICY & 1);
	for (unsigned n = 0; n < context_total; n++) {
		contexts[n] = (struct context_model){ .ops = n < s->threads ? s->thread_ops
									    : s->vcpu_ops };
		begin_context(&contexts[n], n >= s->threads,
			      s->strict && !n ? FP_STRICT : FP_ADAPTIVE);
	}
	begin_cpus();
	goes_off = s->off;
	kernel_uses = s->neon;
	atomic = getenv("EXPLORE_ATOMIC");
	m.part_count = add_parts(parts);
	m.choices = choices;
	m.check = check_state;
	m.at_rest = at_rest;
	m.twins.at = contexts;
	m.twins.size = sizeof(contexts[0]);
	m.twins.count = context_total;
	m.twins_order = twins_order;
	m.renamed = renamed;
	m.atomic = atomic;
	m.inside = inside;
	r = explore_run(&m);
	tap_print("# threads: %u, they do %#x; vCPUs: %u, they do %#x%s%s%s: %u states, %zu "
		  "transitions\n",
		  s->threads, s->thread_ops, s->vcpus, s->vcpu_ops, s->strict ? "; one strict" : "",
		  s->off ? "; a CPU goes off" : "", s->neon ? "; kernel use" : "", r.states,
		  r.transitions);
	failed = r.broken || r.stuck;
	expect(!r.broken);
	expect_eq(r.stuck, 0);
}

static unsigned argument(int n)
{
	return (unsigned)strtoul(tap_argv[n], NULL, 0);
}

/* fp_model THREADS OPS VCPUS OPS STRICT OFF NEON: by bits of enum op. */
static bool otherwise_asked(void)
{
	static bool done;

	if (tap_argc > 7 && !done)
		explore_with(&(struct search){ argument(1), argument(3), (uint16_t)argument(2),
					       (uint16_t)argument(4), argument(5), argument(6),
					       argument(7) });
	done = true;
	return tap_argc > 1;
}

/* In `make check` what fits into seconds; `make model-full` does everything with both. */
#define SEARCH(...)                                                                                \
	do {                                                                                       \
		if (!otherwise_asked())                                                            \
			explore_with(&(struct search){ __VA_ARGS__ });                             \
	} while (0)
#define A_THREAD_DOES(...) .threads = 1, .thread_ops = OPS_OF(__VA_ARGS__)
#define A_VCPU_DOES(...)   .vcpus = 1, .vcpu_ops = OPS_OF(__VA_ARGS__)
#define OPS_OF(a, ...)	   (1u << (a) | (0u __VA_OPT__(| 1u << __VA_ARGS__)))

TEST(strict_contexts_are_alone)
{
	SEARCH(A_THREAD_DOES(OP_SVE), A_VCPU_DOES(OP_V), .strict = true);
	SEARCH(A_THREAD_DOES(OP_V), A_VCPU_DOES(OP_SVE), .strict = true);
	SEARCH(A_THREAD_DOES(OP_V), A_VCPU_DOES(OP_V, OP_POLICY));
	SEARCH(A_THREAD_DOES(OP_V, OP_NOTHING), .strict = true, .off = true);
}

TEST(everything_with_one_context)
{
	SEARCH(.threads = 1, .thread_ops = EVERYTHING & ~(1u << OP_POLICY));
	SEARCH(.vcpus = 1, .vcpu_ops = EVERYTHING);
}

TEST(what_is_inspected_reset_or_made_longer)
{
	SEARCH(.threads = 1, .thread_ops = FROM_OUTSIDE | 1u << OP_SVE, A_VCPU_DOES(OP_V));
}

TEST(each_class_while_the_other_changes)
{
	SEARCH(A_THREAD_DOES(OP_V), A_VCPU_DOES(OP_V, OP_SVE));
}

TEST(a_cpu_goes_off)
{
	SEARCH(A_THREAD_DOES(OP_SVE), A_VCPU_DOES(OP_V), .off = true);
}

TEST(the_kernel_uses_the_registers_too)
{
	SEARCH(A_THREAD_DOES(OP_SVE), A_VCPU_DOES(OP_V), .neon = true);
}
