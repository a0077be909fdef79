/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What stands in for the machine around fp.c and bank.c in fp_model.c, which includes this: steps and
 * interrupts, registers and images as three parts each, what else fp.c calls,
 * and the rules of who may see what.
 */
#pragma once

/* ---- steps ---- */

static void come_back(int n);

static void take_interrupt(void)
{
	struct cpu_model *cpu = &cpus[me];
	int n = cpu->at_el0;

	cpu->pending = false;
	cpu->masked = true;
	cpu->at_el0 = NOBODY;
	if (n != NOBODY && !fps[n].guest)
		frames[n].syscall = -1;
	bank_handle_requests();
	if (n != NOBODY)
		come_back(n);
	cpu->at_el0 = (int8_t)n;
	cpu->masked = false;
}

static bool interrupt_may_come(unsigned cpu)
{
	return cpus[cpu].pending && !cpus[cpu].masked;
}

static void yield(void)
{
	explore_yield();
	while (interrupt_may_come(me) && explore_choice() == 0) {
		take_interrupt();
		explore_yield();
	}
	cpus[me].fresh = true;
}

/* Before something that others see, once: nothing happens between two steps but that. */
static void access(void)
{
	if (!cpus[me].fresh)
		yield();
	cpus[me].fresh = false;
}

unsigned bank_env_cpu(void)
{
	return me;
}

void bank_env_mask(void)
{
	explore_expect(!cpus[me].masked, "interrupts are masked once");
	cpus[me].masked = true;
}

void bank_env_unmask(void)
{
	explore_expect(cpus[me].masked, "interrupts are unmasked once");
	cpus[me].masked = false;
	yield();
}

void bank_env_send(unsigned cpu)
{
	access();
	cpus[cpu].pending = true;
}

bool bank_env_online(unsigned cpu)
{
	access();
	return !cpus[cpu].off;
}

void bank_env_relax(void)
{
	explore_expect(!cpus[me].masked, "nobody waits with interrupts masked");
	yield();
}

void bank_env_step(void)
{
	access();
}

/* One of two. Masked, so nothing comes but the other CPU. */
static bool choose(void)
{
	bool chosen;

	cpus[me].choosing = true;
	explore_yield();
	chosen = explore_choice();
	cpus[me].choosing = false;
	cpus[me].fresh = true;
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

static uint8_t *image_v(void *v)
{
	return v;
}

/* Torn in its middle. */
static void move(uint8_t *to, uint8_t from)
{
	*to = TORN;
	access();
	*to = from;
}

void fp_regs_save(void *v)
{
	move(image_v(v), cpus[me].regs.v);
}

void fp_regs_load(const void *v)
{
	cpus[me].regs.z = ZERO;
	move(&cpus[me].regs.v, *(const uint8_t *)v);
}

void fp_regs_save_sve(void *image, uint32_t *words)
{
	struct parts *to = image;

	(void)words;
	to->z = cpus[me].regs.z;
	to->p = cpus[me].regs.p;
	move(&to->v, cpus[me].regs.v);
}

void fp_regs_load_sve(const void *image, const uint32_t *words)
{
	struct parts from = *(const struct parts *)image;

	(void)words;
	cpus[me].regs.z = from.z;
	cpus[me].regs.p = from.p;
	move(&cpus[me].regs.v, from.v);
}

void fp_regs_load_narrow(const void *v)
{
	fp_regs_load(v);
	cpus[me].regs.p = ZERO;
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
	*image_v(v) = ((const struct parts *)sve)->v;
}

void fp_image_widen(void *sve, const void *v, unsigned vq)
{
	(void)vq;
	*(struct parts *)sve = (struct parts){ .v = *(const uint8_t *)v };
}

/* ---- what else fp.c calls ---- */

unsigned cpus_added = CPUS;
struct cpu cpu_table[MAX_CPUS];

void *kzalloc(size_t size)
{
	int n = cpus[me].context;

	(void)size;
	images[n] = (struct parts){ 0 };
	return &images[n];
}

void kfree(void *p)
{
	(void)p;
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

/* ---- who sees what ---- */

/* Whoever has the newest of this part of n has an old one now. */
static void grow_old(uint8_t *part, int n)
{
	if (*part == NEWEST + n)
		*part = (uint8_t)(OLD + n);
}

static void all_grow_old(int n, bool v, bool z, bool p)
{
	struct parts *all[2 * CPUS] = { &images[n], NULL };
	unsigned count = 1;

	if (v)
		grow_old(&fps[n].v[0][0], n);
	for (unsigned i = 0; i < CPUS; i++)
		all[count++] = &cpus[i].regs;
	for (unsigned i = 0; i < count; i++) {
		if (v)
			grow_old(&all[i]->v, n);
		if (z)
			grow_old(&all[i]->z, n);
		if (p)
			grow_old(&all[i]->p, n);
	}
}

static bool open_to(int n, bool sve)
{
	uint64_t guest = sve ? CPTR_ZEN_GUEST : CPTR_FPEN_GUEST;

	return cpu_state[me].cptr_el2 & (fps[n].guest ? guest : guest << 1);
}

static bool of_strict(uint8_t part, int but)
{
	for (int n = 0; n < CONTEXTS; n++)
		if (n != but && fps[n].policy.kind == FP_STRICT &&
		    (part == NEWEST + n || part == OLD + n))
			return true;
	return false;
}

static bool foreign(uint8_t part, int n)
{
	return part != ZERO && part != NEWEST + n && part != OLD + n;
}

/* What n may see or guess while it runs. */
static void check_running(int n)
{
	const struct parts *r = &cpus[me].regs, *t = &contexts[n].truth;
	bool strict = fps[n].policy.kind == FP_STRICT;

	if (open_to(n, false))
		explore_expect(fps[n].bank.home == (int)me && fps[n].bank.dirty && r->v == t->v,
			       "who may use V has its newest, DIRTY");
	if (open_to(n, true))
		explore_expect(fps[n].bank.home == (int)me && fps[n].bank.dirty && r->z == t->z &&
				       r->p == t->p,
			       "who may use SVE has its newest, or zero after a call");
	explore_expect(!strict || (!foreign(r->v, n) && !foreign(r->z, n) && !foreign(r->p, n)),
		       "nobody's registers stand while a strict context runs");
	explore_expect(!of_strict(r->v, n) && !of_strict(r->z, n) && !of_strict(r->p, n),
		       "a strict context's registers do not stand while another runs");
}

static void change(int n, enum use use)
{
	struct parts *t = &contexts[n].truth, *r = &cpus[me].regs;

	all_grow_old(n, true, true, use == USE_SVE);
	t->v = r->v = (uint8_t)(NEWEST + n);
	t->z = r->z = use == USE_SVE ? (uint8_t)(NEWEST + n) : ZERO;
	if (use == USE_SVE)
		t->p = r->p = (uint8_t)(NEWEST + n);
}
