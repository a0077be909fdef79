/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a CPU does with a context in fp_model.c, which includes this: it runs, on the ways to EL0
 * and into a guest that linux/trap.c, linux/process.c, kvm/vcpu.c and kvm/world.c take, or is
 * inspected, changed and ended.
 */
#pragma once

/* linux/trap.c's leave_with_sve() and trap_user_work(), kvm/world.c's world_leave(): masked, on the
 * way to EL0. */
static void to_el0(struct context_model *c)
{
	struct cpu *cpu = &cpu_state[me];
	uint32_t work = c->thread.work;

	if (work & WORK_SVE) {
		if (!c->fp.sve)
			thread_clear_work(&c->thread, WORK_SVE);
		else if (in_a_call(c))
			fp_leave_call(&c->fp);
	}
	while ((work = c->thread.work) & ~WORK_SVE) {
		if (work & WORK_SVE)
			fp_settle(&c->fp);
		thread_clear_work(&c->thread, WORK_VECTOR);
		fp_enter_user(cpu, &c->fp);
	}
	if (work) {
		fp_settle(&c->fp);
		c->frame.syscall = -1;
		c->fp.given = false;
	}
	if (cpu->mode == CPU_GUEST) {
		cpu->mode = CPU_HOST;
		cpu->entered = NULL;
		fp_enter_user(cpu, &c->fp);
	}
}

/* kvm/vcpu.c's put_in_place(), if anything is out of place. Masked. */
static void to_guest(struct context_model *c)
{
	struct cpu *cpu = &cpu_state[me];

	if (cpu->entered == (struct vcpu *)c)
		return;
	cpu->mode = CPU_GUEST;
	fp_enter_guest(cpu, &c->fp);
	cpu->entered = (struct vcpu *)c;
}

/* After an exception: masked. */
static void come_back(void)
{
	if (current()->fp.guest)
		to_guest(current());
	else
		to_el0(current());
	check_running(current());
}

/* By an exception. */
static void leave_for_kernel(void)
{
	cpus[me].at_el0 = false;
	if (!current()->fp.guest)
		current()->frame.syscall = -1;
}

static void run_with_interrupts(void)
{
	cpus[me].at_el0 = true;
	bank_env_unmask();
}

/* Runs until its access is open; then it uses it. */
static void use(void)
{
	run_with_interrupts();
	while (cpus[me].op != OP_NOTHING && !open_to(current(), cpus[me].op == OP_SVE)) {
		leave_for_kernel();
		if (cpus[me].op == OP_SVE)
			fp_trap_sve(&current()->fp);
		else
			fp_trap(&current()->fp);
		bank_env_mask();
		come_back();
		run_with_interrupts();
	}
	check_running(current());
	if (cpus[me].op != OP_NOTHING)
		change(current(), cpus[me].op == OP_SVE);
	cpus[me].at_el0 = false;
}

/* Another thread ran here before: linux/process.c's task_switched_in(). Then it may take its time
 * on the way to EL0. */
static void switch_in(struct context_model *c)
{
	if (!fp_switch(&cpu_state[me], &c->fp))
		c->thread.work |= WORK_VECTOR;
	bank_env_unmask();
	bank_env_mask();
	if (only_v_counts(c)) { /* it ends */
		all_grow_old(c, false, true, true);
		c->truth.z = c->truth.p = ZERO;
	}
	c->given = false;
}

/* The vCPU's guest bank comes: it leaves other CPUs, and another vCPU leaves this one. */
static void bring_guest(const struct context_model *c)
{
	for (unsigned i = 0; i < CPUS; i++)
		if ((i == me) != (cpu_state[i].entered == (const struct vcpu *)c))
			cpu_state[i].entered = NULL;
}

/* And leaves, by a call or by an interrupt. */
static void run(void)
{
	bank_env_mask();
	if (current()->fp.guest)
		bring_guest(current());
	else
		switch_in(current());
	come_back();
	use();
	bank_env_mask();
	if (!current()->fp.guest)
		current()->frame.syscall = choose() ? 1 : -1;
	cpus[me].masked = false;
}

/* Is the image, of a context in no bank, the newest? */
static bool image_is_newest(const struct context_model *c)
{
	const struct parts *t = &c->truth, *i = &c->image;

	if ((c->fp.wide ? i->v : c->fp.v[0][0]) != t->v)
		return false;
	if (only_v_counts(c)) /* the rest has ended */
		return true;
	if (c->fp.wide && !c->fp.dead)
		return i->z == t->z && i->p == t->p;
	return t->z == ZERO && t->p == ZERO;
}

static void inspect(struct context_model *c)
{
	fp_sync(&c->fp);
	explore_expect(c->fp.bank.home == BANK_NO_CPU && image_is_newest(c),
		       "an inspected image is the newest state");
	explore_expect(!(c->fp.wide && only_v_counts(c)),
		       "what has ended is not in an inspected image");
	all_grow_old(c, true, false, false);
	c->truth.v = (uint8_t)(NEWEST + number(c));
	*(c->fp.wide ? &c->image.v : &c->fp.v[0][0]) = c->truth.v;
}

/* linux/regset.c, linux/sigrecords.c: all of SVE's registers are written, in a call or not. */
static void give(struct context_model *c)
{
	uint8_t newest;

	fp_sync(&c->fp);
	if (fp_need_sve(&c->fp))
		return;
	fp_widen_image(&c->fp);
	all_grow_old(c, true, true, true);
	newest = (uint8_t)(NEWEST + number(c));
	c->truth = c->image = (struct parts){ newest, newest, newest };
	c->given = in_a_call(c);
}

static void begin_context(struct context_model *c, bool guest, enum fp_policy_kind kind);

static bool is_asked_for(const struct bank_ctx *ctx)
{
	for (unsigned i = 0; i < CPUS; i++)
		if (requests[i].ctx == ctx)
			return true;
	return false;
}

/* Another begins at its address. */
static void end_and_begin(struct context_model *c)
{
	fp_context_end(&c->fp);
	explore_expect(!is_asked_for(&c->fp.bank), "nobody looks at a context that has ended");
	all_grow_old(c, true, true, true);
	for (unsigned i = 0; i < CPUS; i++)
		if (cpu_state[i].entered == (struct vcpu *)c)
			cpu_state[i].entered = NULL;
	begin_context(c, c->fp.guest, c->fp.policy.kind);
}

static void reset(struct context_model *c)
{
	fp_context_reset(&c->fp);
	c->given = false;
	all_grow_old(c, true, true, true);
	c->truth = (struct parts){ ZERO, ZERO, ZERO };
}

/* prctl(), in a call: the V registers stay. */
static void change_length(struct context_model *c)
{
	if (!in_a_call(c))
		return;
	fp_set_length(&c->fp, 1);
	c->given = false;
	all_grow_old(c, false, true, true);
	c->truth.z = c->truth.p = ZERO;
}

/* What it has left somewhere before it was strict is forgotten, not zero. */
static void change_policy(struct context_model *c)
{
	fp_set_policy(&c->fp, c->fp.policy.kind == FP_STRICT ? FP_ADAPTIVE : FP_STRICT);
	for (unsigned i = 0; i < CPUS; i++)
		if (c->fp.policy.kind == FP_STRICT)
			disown(&cpus[i].regs, number(c));
}

static void (*const from_outside[])(struct context_model *) = {
	[OP_INSPECT] = inspect,	     [OP_GIVE] = give,
	[OP_RESET] = reset,	     [OP_END] = end_and_begin,
	[OP_LENGTH] = change_length, [OP_POLICY] = change_policy,
};

static void go_off_and_come_back(void)
{
	bank_env_mask();
	fp_evict_local();
	cpus[me].off = true;
	yield_between();
	cpus[me].pending = false;
	cpus[me].regs = (struct parts){ TORN, TORN, TORN };
	cpu_state[me].cptr_el2 = 0;
	cpu_state[me].mode = CPU_HOST;
	fp_cpu_init();
	cpus[me].off = false;
	bank_handle_requests();
	bank_env_unmask();
}

static void copy_page(void)
{
	static _Alignas(16) char from[PAGE_SIZE], to[PAGE_SIZE];

	kernel_copy_page(to, from);
}
