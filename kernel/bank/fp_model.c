/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every interleaving of the vector bank: fp.c on bank.c, both included as they stand, by
 * tests/host/explore.h. What bank_model.c leaves out is here: V registers, Z above them and P with
 * FFR as three things that live and end apart; contexts that change their class; system calls,
 * which end all but V; access (CPTR_EL2) apart from ownership; load-ahead; strict contexts.
 *
 * Actors are two CPUs. Contexts are a thread, and a vCPU or another thread. A CPU does for ever any
 * of: run a context, which uses V, SVE or nothing, and leaves by a call or by an interrupt; inspect
 * and change it; reset it; change its length; go off and come back.
 *
 * The policy is any: whether to load ahead is the search's choice each time, so what holds here
 * holds for fp_policy.c's kinds and all that may come. Epochs only count for being equal: they are
 * renamed in each state, which is what makes the states finite. Values are not modelled, but whose
 * they are and whether they are the newest; lengths are not. docs/banks.md says what else.
 */
#include "arch/cpu.h"
#include "arch/sysreg.h"

static struct cpu *model_cpu(void);
#define this_cpu() model_cpu()
#define cpu_id()   (model_cpu()->id)
#define cpu_has(feature) true
#undef isb
#define isb() ((void)0)
#undef sysreg_read
#undef sysreg_write
#define sysreg_read(reg)	 0
#define sysreg_write(reg, value) ((void)(value))

#include "arch/irq.h"
#include "bank/fp.h"
#include "bank/fp_length.h"
#include "host/explore.h"
#include "mm/slab.h"
#include "tap.h"

#define irq_enable()		  bank_env_unmask()
#define fp_policy_enter(p, epoch) any_policy(p, epoch)
static bool any_policy(struct fp_policy *p, uint64_t epoch);

#include "bank/bank.c"
#include "bank/fp.c"

enum { CPUS = 2, CONTEXTS = 2, NOBODY = -1 };

/* Whose a part of the registers is: 0 is zero, and nobody's. */
enum { ZERO, NEWEST = 1, OLD = 1 + CONTEXTS, TORN = 1 + 2 * CONTEXTS };

struct parts {
	uint8_t v, z, p; /* z: above the V registers */
};

enum use { USE_V, USE_SVE, USE_NOTHING, USES };

/* What a CPU does with a context, by number; then go off. */
enum op { OP_RUN, OP_INSPECT = USES, OP_RESET, OP_LENGTH, OP_GIVE, OPS };
#define RUN(use)   (1u << (OP_RUN + (use)))
#define OTHERS	   (1u << OP_INSPECT | 1u << OP_RESET | 1u << OP_LENGTH)
#define GIVE	   (1u << OP_GIVE)
#define EVERYTHING ((1u << OPS) - 1)

static struct cpu_model {
	struct parts regs;
	bool masked, pending, idle, off, choosing, fresh;
	int8_t context; /* its claimant is here */
	int8_t at_el0;	/* that runs, with interrupts */
} cpus[CPUS];

static struct context_model {
	struct parts truth;
	bool claimed, changing;
	bool given;   /* SVE registers by a tracer, in the call that it is in */
	uint16_t ops; /* what is done with it: a bit each */
} contexts[CONTEXTS];

static struct fp_context fps[CONTEXTS];
static struct thread threads[CONTEXTS];
static struct trapframe frames[CONTEXTS];
static struct parts images[CONTEXTS]; /* SVE's; the V registers' is the first byte of v */
static struct cpu cpu_state[CPUS];
static bool goes_off;

#define me (explore_actor)

static struct cpu *model_cpu(void)
{
	return &cpu_state[me];
}

#include "bank/fp_model_env.h"

/* ---- what contexts do ---- */

/* linux/trap.c's leave_with_sve() and trap_user_work(): masked, on the way to EL0. */
static void to_el0(int n)
{
	struct fp_context *fp = &fps[n];
	uint32_t work = threads[n].work;

	if (work & WORK_SVE) {
		if (!fp->sve)
			thread_clear_work(&threads[n], WORK_SVE);
		else if (frames[n].syscall >= 0)
			fp_leave_call(fp);
	}
	while ((work = threads[n].work) & ~WORK_SVE) {
		if (work & WORK_SVE)
			fp_settle(fp);
		thread_clear_work(&threads[n], WORK_VECTOR);
		fp_enter_user(&cpu_state[me], fp);
	}
	if (work) {
		fp_settle(fp);
		frames[n].syscall = -1;
		fp->given = false;
	}
}

/* After an exception: masked. */
static void come_back(int n)
{
	if (fps[n].guest)
		fp_enter_guest(&cpu_state[me], &fps[n]);
	else
		to_el0(n);
	check_running(n);
}

static void leave_for_kernel(int n)
{
	cpus[me].at_el0 = NOBODY;
	if (!fps[n].guest)
		frames[n].syscall = -1;
}

/* Runs, with interrupts, until its access is open; then it uses it. */
static void use(int n, enum use what)
{
	cpus[me].at_el0 = (int8_t)n;
	bank_env_unmask();
	while (what != USE_NOTHING && !open_to(n, what == USE_SVE)) {
		leave_for_kernel(n);
		if (what == USE_SVE)
			fp_trap_sve(&fps[n]);
		else
			fp_trap(&fps[n]);
		bank_env_mask();
		come_back(n);
		cpus[me].at_el0 = (int8_t)n;
		bank_env_unmask();
	}
	check_running(n);
	if (what != USE_NOTHING)
		change(n, what);
	cpus[me].at_el0 = NOBODY;
}

/* And leaves, by a call or by an interrupt. */
static void run(int n, enum use what)
{
	struct parts *t = &contexts[n].truth;

	bank_env_mask();
	if (!fps[n].guest) {
		if (frames[n].syscall >= 0 && !contexts[n].given) { /* the call ends */
			all_grow_old(n, false, true, true);
			t->z = t->p = ZERO;
		}
		contexts[n].given = false;
		threads[n].work |= WORK_VECTOR; /* another one ran here */
	}
	come_back(n);
	use(n, what);
	bank_env_mask();
	if (!fps[n].guest)
		frames[n].syscall = choose() ? 1 : -1;
	cpus[me].masked = false;
}

static bool in_a_call(int n)
{
	return !fps[n].guest && frames[n].syscall >= 0;
}

/* Is the image, of a context in no bank, the newest? */
static bool image_is_newest(int n)
{
	const struct fp_context *fp = &fps[n];
	const struct parts *t = &contexts[n].truth, *i = &images[n];

	if ((fp->wide ? i->v : fp->v[0][0]) != t->v)
		return false;
	if (in_a_call(n) && !contexts[n].given) /* the rest has ended */
		return true;
	if (fp->wide && !fp->dead)
		return i->z == t->z && i->p == t->p;
	return t->z == ZERO && t->p == ZERO;
}

static void inspect(int n)
{
	contexts[n].changing = true;
	fp_sync(&fps[n]);
	explore_expect(fps[n].bank.home == BANK_NO_CPU && image_is_newest(n),
		       "an inspected image is the newest state");
	all_grow_old(n, true, false, false);
	contexts[n].truth.v = (uint8_t)(NEWEST + n);
	*(fps[n].wide ? &images[n].v : &fps[n].v[0][0]) = (uint8_t)(NEWEST + n);
	contexts[n].changing = false;
}

/* A tracer's write of all there is, in a call or not. */
static void give(int n)
{
	if (fps[n].guest)
		return;
	contexts[n].changing = true;
	if (fp_need_sve(&fps[n]))
		return;
	fp_sync(&fps[n]);
	fp_widen_image(&fps[n]);
	all_grow_old(n, true, true, true);
	contexts[n].truth.v = contexts[n].truth.z = contexts[n].truth.p = (uint8_t)(NEWEST + n);
	images[n] = contexts[n].truth;
	contexts[n].given = in_a_call(n);
	contexts[n].changing = false;
}

static void reset(int n)
{
	contexts[n].changing = true;
	contexts[n].given = false;
	fp_context_reset(&fps[n]);
	contexts[n].truth = (struct parts){ ZERO, ZERO, ZERO };
	contexts[n].changing = false;
}

/* prctl(), in a call: the V registers stay. */
static void change_length(int n)
{
	if (!in_a_call(n))
		return;
	contexts[n].changing = true;
	contexts[n].given = false;
	fp_set_length(&fps[n], 1);
	contexts[n].truth.z = contexts[n].truth.p = ZERO;
	contexts[n].changing = false;
}

static void go_off_and_come_back(void)
{
	bank_env_mask();
	fp_evict_local();
	cpus[me].off = true;
	yield();
	cpus[me].pending = false;
	cpus[me].regs = (struct parts){ TORN, TORN, TORN };
	cpu_state[me].cptr_el2 = 0;
	fp_cpu_init();
	cpus[me].off = false;
	bank_handle_requests();
	bank_env_unmask();
}

/* ---- the search ---- */

static void operate(unsigned op)
{
	int n = (int)(op / OPS);

	op %= OPS;
	if (n == CONTEXTS)
		return go_off_and_come_back();
	if (contexts[n].claimed || !(contexts[n].ops >> op & 1))
		return;
	contexts[n].claimed = true;
	cpus[me].context = (int8_t)n;
	if (op < OP_INSPECT)
		run(n, op);
	else if (op == OP_INSPECT)
		inspect(n);
	else if (op == OP_RESET)
		reset(n);
	else if (op == OP_LENGTH)
		change_length(n);
	else
		give(n);
	contexts[n].claimed = false;
	cpus[me].context = NOBODY;
}

static void cpu_main(void)
{
	for (;;) {
		cpus[me].idle = true;
		yield();
		cpus[me].idle = false;
		operate(explore_choice() - interrupt_may_come(me));
	}
}

static unsigned choices(unsigned cpu)
{
	if (cpus[cpu].choosing)
		return 2;
	return (cpus[cpu].idle ? OPS * CONTEXTS + (goes_off && cpu == 1) : 1) +
	       interrupt_may_come(cpu);
}

static bool at_rest(void)
{
	for (unsigned i = 0; i < CPUS; i++)
		if (!cpus[i].idle || cpus[i].pending)
			return false;
	return true;
}

/* Epochs that are the present ones of their CPU get its name, all others one of their own. */
static void rename_epochs(void)
{
	enum { PAST = 1, PRESENT = MAX_CPUS };

	for (unsigned c = 0; c < CPUS; c++) {
		uint64_t *now = &cpu_state[c].fp_epoch, *zeroed = &cpu_state[c].fp_zeroed_at;

		for (int n = 0; n < CONTEXTS; n++)
			if (fps[n].policy.armed_at == *now)
				fps[n].policy.armed_at = PRESENT + c;
		*zeroed = *zeroed == *now ? PRESENT + c : 0;
		*now = PRESENT + c;
	}
	for (int n = 0; n < CONTEXTS; n++) {
		uint64_t *armed = &fps[n].policy.armed_at;

		if (*armed && (*armed < PRESENT || *armed >= PRESENT + CPUS))
			*armed = PAST;
	}
}

/* What nobody can see any more is all the same; whose it was matters to strict contexts. */
static void forget_old(uint8_t *part)
{
	if (!strict_used && *part > CONTEXTS)
		*part = TORN;
}

static void forget_unseen(void)
{
	for (int n = 0; n < CONTEXTS; n++) {
		if (!fps[n].wide)
			images[n] = (struct parts){ TORN, TORN, TORN };
		forget_old(&images[n].v);
		forget_old(&fps[n].v[0][0]);
	}
	for (unsigned c = 0; c < CPUS; c++) {
		struct parts *r = &cpus[c].regs;

		if (!strict_used && !cpus[c].masked && !vector_bank.slots[c].owner)
			*r = (struct parts){ TORN, TORN, TORN };
		forget_old(&r->v);
		forget_old(&r->z);
		forget_old(&r->p);
	}
}

static void check_context(int n)
{
	int home = fps[n].bank.home;
	const struct parts *t = &contexts[n].truth;

	if (contexts[n].changing)
		return;
	if (home == BANK_NO_CPU)
		explore_expect(image_is_newest(n), "home none: the image is the newest state");
	else if (!cpus[home].masked)
		explore_expect(vector_bank.slots[home].owner == &fps[n].bank &&
				       cpus[home].regs.v == t->v,
			       "the bank of its home holds the newest state");
}

static void check_state(void)
{
	rename_epochs();
	for (int n = 0; n < CONTEXTS; n++)
		check_context(n);
	forget_unseen();
}

static unsigned add_parts(struct explore_part *parts)
{
	unsigned count = 0;

	parts[count++] = (struct explore_part){ cpus, sizeof(cpus) };
	parts[count++] = (struct explore_part){ contexts, sizeof(contexts) };
	parts[count++] = (struct explore_part){ images, sizeof(images) };
	for (unsigned i = 0; i < CPUS; i++) {
		struct cpu *cpu = &cpu_state[i];

		parts[count++] = (struct explore_part){ &cpu->cptr_el2, sizeof(cpu->cptr_el2) };
		parts[count++] = (struct explore_part){ &cpu->fp_epoch, sizeof(cpu->fp_epoch) };
		parts[count++] = (struct explore_part){ &cpu->fp_zeroed_at, sizeof(uint64_t) };
		parts[count++] =
			(struct explore_part){ &vector_bank.slots[i].owner, sizeof(void *) };
		parts[count++] = (struct explore_part){ &requests[i].ctx, sizeof(requests[i].ctx) };
		parts[count++] =
			(struct explore_part){ &requests[i].save, sizeof(requests[i].save) };
		parts[count++] = (struct explore_part){ &mailboxes[i].askers, sizeof(uint64_t) };
	}
	for (unsigned i = 0; i < CONTEXTS; i++) {
		parts[count++] = (struct explore_part){ &fps[i], offsetof(struct fp_context, v) };
		parts[count++] = (struct explore_part){ &fps[i].v[0][0], 1 };
		parts[count++] = (struct explore_part){ &fps[i].sve_image, sizeof(void *) };
		parts[count++] = (struct explore_part){ &threads[i].work, sizeof(threads[i].work) };
		parts[count++] = (struct explore_part){ &frames[i].syscall, sizeof(int64_t) };
	}
	return count;
}

static void begin_context(int n, bool guest, enum fp_policy_kind kind)
{
	contexts[n] = (struct context_model){ 0 };
	threads[n] = (struct thread){ .stack = 1ull << 20 };
	frames[n] = (struct trapframe){ .syscall = -1 };
	usual_policy = kind;
	strict_used |= kind == FP_STRICT;
	fp_context_init(&fps[n], 1, guest ? NULL : &threads[n]);
	fps[n].frame = &frames[n];
}

static bool everything;

/* A thread, with which ops[0] are done, and a vCPU or another thread. */
static void explore_with(bool guest, const uint16_t ops[CONTEXTS], int strict, bool off)
{
	static bool failed;
	struct explore_part parts[40];
	struct explore_model m = { .actors = CPUS, .actor_main = cpu_main, .parts = parts };
	struct explore_result r;

	if (failed)
		return;
	strict_used = false;
	for (int n = 0; n < CONTEXTS; n++) {
		begin_context(n, guest && n, strict == n ? FP_STRICT : FP_ADAPTIVE);
		contexts[n].ops = everything ? EVERYTHING : ops[n];
	}
	for (unsigned i = 0; i < CPUS; i++) {
		cpus[i] = (struct cpu_model){ .context = NOBODY, .at_el0 = NOBODY };
		cpu_state[i] =
			(struct cpu){ .id = i, .cptr_el2 = CPTR_CLOSED, .fp_epoch = MAX_CPUS + i };
		vector_bank.slots[i].owner = NULL;
	}
	goes_off = off;
	m.part_count = add_parts(parts);
	m.choices = choices;
	m.check = check_state;
	m.at_rest = at_rest;
	r = explore_run(&m);
	tap_print("# a%s thread and a%s %s%s: %u states, %zu transitions\n",
		  strict == 0 ? " strict" : "", strict == 1 ? " strict" : "",
		  guest ? "vCPU" : "thread", off ? ", a CPU goes off" : "", r.states,
		  r.transitions);
	failed = r.broken || r.stuck;
	expect(!r.broken);
	expect_eq(r.stuck, 0);
}

/* With `fp_model 1` everything is done with both; in `make check` what fits into seconds. */
static const uint16_t to_sve[] = { RUN(USE_SVE), RUN(USE_V) },
		      vcpu_in_full[] = { RUN(USE_V), RUN(USE_V) | RUN(USE_SVE) },
		      others[] = { RUN(USE_SVE) | OTHERS, RUN(USE_V) },
		      given[] = { RUN(USE_SVE) | GIVE, RUN(USE_V) };

TEST(who_runs_has_the_newest_state)
{
	everything = tap_argc > 1;
	explore_with(true, to_sve, NOBODY, false);
}

TEST(strict_contexts_are_alone)
{
	explore_with(true, to_sve, 0, false);
	explore_with(true, to_sve, 1, false);
}

TEST(a_cpu_goes_off)
{
	explore_with(true, to_sve, NOBODY, true);
}

TEST(what_is_inspected_reset_or_made_longer)
{
	explore_with(true, others, NOBODY, false);
}

TEST(each_class_while_the_other_changes)
{
	explore_with(true, vcpu_in_full, NOBODY, false);
}

TEST(what_a_tracer_gives_does_not_end_with_the_call)
{
	explore_with(true, given, NOBODY, false);
}
