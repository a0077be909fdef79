/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What stands in for the machine around fp.c, fp_kernel.c and bank.c in fp_model.c, which includes
 * this: steps and interrupts, registers and images as three parts each, what else they call, and
 * the rules of who may see what.
 */
#pragma once

/* ---- steps ---- */

static void come_back(void);

static bool inside(unsigned cpu)
{
	return !cpus[cpu].idle && !cpus[cpu].between && !cpus[cpu].at_el0;
}

static unsigned interrupt_choices(unsigned cpu)
{
	if (cpus[cpu].masked || (atomic && inside(cpu)))
		return 0;
	return cpus[cpu].pending + (unsigned)kernel_uses;
}

static void take_and_spoil_now(void);

/* What runs is back at EL0 or in its guest afterwards, with its access set right. */
static void interrupt(bool by_ipi)
{
	bool idle = cpus[me].idle, between = cpus[me].between, at_el0 = cpus[me].at_el0;

	cpus[me].masked = true;
	cpus[me].idle = cpus[me].between = cpus[me].at_el0 = false;
	if (at_el0 && !cpus[me].context->fp.guest)
		cpus[me].context->frame.syscall = -1;
	explore_clean();
	if (by_ipi) {
		cpus[me].pending = false;
		bank_handle_requests();
	} else {
		take_and_spoil_now();
	}
	if (at_el0)
		come_back();
	cpus[me].masked = false;
	cpus[me].idle = idle;
	cpus[me].between = between;
	cpus[me].at_el0 = at_el0;
}

#include "bank/model_steps.h"

static uint64_t mask_and_save(void)
{
	bool was = cpus[me].masked;

	if (!was)
		bank_env_mask();
	return was;
}

static void unmask_as(uint64_t was)
{
	if (!was)
		bank_env_unmask();
}

/* One of two. Masked, so nothing comes but the other CPU. */
static bool choose(void)
{
	bool chosen;

	cpus[me].choosing = true;
	cpus[me].fresh = true;
	explore_yield();
	chosen = explore_choice();
	cpus[me].choosing = false;
	return chosen;
}

static bool any_policy(struct fp_policy *p, uint64_t epoch)
{
	bool ahead = choose();

	if (!ahead)
		fp_policy_arm(p, epoch);
	return ahead;
}

/* ---- registers and images ---- */

static int number(const struct context_model *c)
{
	return (int)(c - contexts);
}

/* Torn in its middle. What a byte says changes when twins are renamed: none is kept over a yield.
 */
static void move(uint8_t *to, const uint8_t *from)
{
	*to = TORN;
	access();
	*to = *from;
}

static void move_to_image(uint8_t *to)
{
	explore_expect(*to == cpus[me].regs.v || *to < NEWEST || *to >= OLD,
		       "no save over a newer image");
	move(to, &cpus[me].regs.v);
}

void fp_regs_save(void *v)
{
	move_to_image(v);
}

void fp_regs_load(const void *v)
{
	cpus[me].regs.z = ZERO;
	move(&cpus[me].regs.v, v);
}

void fp_regs_save_sve(void *image, uint32_t *words)
{
	struct parts *to = image;

	(void)words;
	to->z = cpus[me].regs.z;
	to->p = cpus[me].regs.p;
	move_to_image(&to->v);
}

void fp_regs_load_sve(const void *image, const uint32_t *words)
{
	const struct parts *from = image;

	(void)words;
	cpus[me].regs.z = from->z;
	cpus[me].regs.p = from->p;
	move(&cpus[me].regs.v, &from->v);
}

void fp_regs_load_narrow(const void *v)
{
	cpus[me].regs.p = ZERO;
	fp_regs_load(v);
}

void fp_regs_zero(void)
{
	cpus[me].regs.v = cpus[me].regs.z = ZERO;
}

void fp_regs_zero_predicates(void)
{
	cpus[me].regs.p = ZERO;
}

void fp_regs_keep_v(void)
{
	cpus[me].regs.z = cpus[me].regs.p = ZERO;
}

void fp_image_narrow(void *v, const void *sve, unsigned vq)
{
	(void)vq;
	*(uint8_t *)v = ((const struct parts *)sve)->v;
}

void fp_image_widen(void *sve, const void *v, unsigned vq)
{
	(void)vq;
	*(struct parts *)sve = (struct parts){ .v = *(const uint8_t *)v };
}

/* The kernel has the registers to itself, all the time. */
static void used_by_kernel(void)
{
	for (int half = 0; half < 2; half++) {
		explore_expect(cpus[me].masked && !vector_bank.slots[me].owner &&
				       (cpu_state[me].cptr_el2 & CPTR_FPEN_GUEST),
			       "the kernel uses registers that nobody owns, masked, open to it");
		cpus[me].regs.v = OF_KERNEL;
		cpus[me].regs.z = ZERO;
		if (!half)
			access();
	}
}

void fp_regs_copy_page(void *to, const void *from)
{
	(void)to, (void)from;
	used_by_kernel();
}

void fp_regs_fill(uint64_t value)
{
	(void)value;
	used_by_kernel();
}

/* ---- what else they call ---- */

unsigned cpus_added = CPUS;
struct cpu cpu_table[MAX_CPUS];

void *kzalloc(size_t size)
{
	(void)size;
	cpus[me].context->image = (struct parts){ 0 };
	return &cpus[me].context->image;
}

void kfree(void *p)
{
	if (p)
		*(struct parts *)p = (struct parts){ TORN, TORN, TORN };
}

void thread_set_work(struct thread *t, uint32_t bit)
{
	access();
	atomic_fetch_or_explicit(&t->work, bit, memory_order_relaxed);
}

void fp_policy_init(struct fp_policy *p, enum fp_policy_kind kind)
{
	*p = (struct fp_policy){ .kind = (uint8_t)kind };
}

void fp_policy_used(struct fp_policy *p, unsigned bytes)
{
	(void)bytes;
	p->armed_at = 0;
}

void fp_length_probe(void)
{
}

void ipi_register(enum ipi ipi, void (*handler)(void))
{
	(void)ipi, (void)handler;
}

uint64_t timer_now(void)
{
	return 0;
}

void ktimer_init(struct ktimer *t, void (*fn)(struct ktimer *))
{
	(void)t, (void)fn;
}

void ktimer_start(struct ktimer *t, uint64_t deadline)
{
	(void)t, (void)deadline;
}

/* ---- who sees what ---- */

/* Whoever has the newest of this part of n has an old one now. */
static void grow_old(uint8_t *part, int n)
{
	if (*part == NEWEST + n)
		*part = (uint8_t)(OLD + n);
}

static void parts_grow_old(struct parts *all, int n, bool v, bool z, bool p)
{
	if (v)
		grow_old(&all->v, n);
	if (z)
		grow_old(&all->z, n);
	if (p)
		grow_old(&all->p, n);
}

static void all_grow_old(struct context_model *c, bool v, bool z, bool p)
{
	if (v)
		grow_old(&c->fp.v[0][0], number(c));
	parts_grow_old(&c->image, number(c), v, z, p);
	for (unsigned i = 0; i < CPUS; i++)
		parts_grow_old(&cpus[i].regs, number(c), v, z, p);
}

static void disown(struct parts *parts, int n)
{
	uint8_t *all[] = { &parts->v, &parts->z, &parts->p };

	for (unsigned i = 0; i < ARRAY_SIZE(all); i++)
		if (*all[i] == NEWEST + n || *all[i] == OLD + n)
			*all[i] = TORN;
}

static bool open_to(const struct context_model *c, bool sve)
{
	uint64_t guest = sve ? CPTR_ZEN_GUEST : CPTR_FPEN_GUEST;

	return cpu_state[me].cptr_el2 & (c->fp.guest ? guest : guest << 1);
}

static bool of_strict(uint8_t part, int but)
{
	for (unsigned n = 0; n < context_total; n++)
		if ((int)n != but && contexts[n].fp.policy.kind == FP_STRICT &&
		    (part == NEWEST + n || part == OLD + n))
			return true;
	return false;
}

/* What the kernel left is nobody's. */
static bool foreign(uint8_t part, int n)
{
	return part != ZERO && part != OF_KERNEL && part != NEWEST + n && part != OLD + n;
}

/* What c may see or guess while it runs. */
static void check_running(const struct context_model *c)
{
	const struct parts *r = &cpus[me].regs, *t = &c->truth;
	bool here = c->fp.bank.home == (int)me && c->fp.bank.dirty;
	int n = number(c);

	if (open_to(c, false))
		explore_expect(here && r->v == t->v, "who may use V has its newest, DIRTY");
	if (open_to(c, true))
		explore_expect(here && r->z == t->z && r->p == t->p,
			       "who may use SVE has its newest, or zero after a call");
	explore_expect(c->fp.policy.kind != FP_STRICT ||
			       (!foreign(r->v, n) && !foreign(r->z, n) && !foreign(r->p, n)),
		       "nobody's registers stand while a strict context runs");
	explore_expect(!of_strict(r->v, n) && !of_strict(r->z, n) && !of_strict(r->p, n),
		       "a strict context's registers do not stand while another runs");
}

static void change(struct context_model *c, bool sve)
{
	struct parts *t = &c->truth, *r = &cpus[me].regs;
	uint8_t newest = (uint8_t)(NEWEST + number(c));

	all_grow_old(c, true, true, sve);
	t->v = r->v = newest;
	t->z = r->z = sve ? newest : ZERO;
	if (sve)
		t->p = r->p = newest;
}
