/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every interleaving of bank.c, which is included here as it stands. CPUs are coroutines; each
 * access to shared state, each unmasking and each turn of waiting gives the scheduler below the
 * choice which CPU goes on and whether an interrupt comes first. All states that can be reached are
 * visited (breadth first, to a fixed point) and the rules of docs/banks.md checked in each one.
 *
 * Each CPU does for ever any of: run a context (take it, change its registers), read one, inspect
 * and change an image, throw a context away and make a new image, evict what it has. So contexts
 * migrate, push each other out and end in every order.
 *
 * Values are not modelled, only whether a copy (an image, a CPU's registers) is the newest one
 * ("fresh"): that keeps the states few. A save or a load is torn in its middle.
 *
 * `bank_model CPUS CONTEXTS` explores more than the two and two of `make check`.
 *
 * A state is the coroutines' stacks and what bank.c and the model keep; a stack's dead part is
 * cleared, and the counters of contexts.
 */
#include "bank/bank.c"

#include "lib/bits.h"

#include <stdlib.h>
#include <string.h>

#include "tap.h"

#define MAX_MODEL_CPUS 3
#define MAX_CONTEXTS   4
#define STACK_BYTES    4096
#define NOBODY	       (-1)

/* Operation number: one of these for a context, or (the last one) evict what is here. */
enum op { OP_RUN, OP_READ, OP_INSPECT, OP_REPLACE, OPS_PER_CONTEXT };

struct cpu_model {
	void *sp;	      /* while the scheduler runs */
	int regs_of;	      /* whose state is in the registers */
	bool regs_fresh;      /* and is it the newest? */
	bool masked, pending; /* interrupts; the IPI */
	bool idle;	      /* waits for its next operation */
	bool deliver;	      /* scheduler -> CPU: take the interrupt first */
	unsigned op;	      /* scheduler -> idle CPU */
};

struct context_model {
	struct bank_ctx ctx;
	bool image_fresh, claimed, replacing;
};

static void save(struct bank_ctx *ctx);
static void load(struct bank_ctx *ctx);
static void close_bank(struct bank_ctx *ctx);
static const struct bank_ops ops = { "model", save, load, close_bank };
static struct bank bank = { .ops = &ops };
static struct cpu_model cpus[MAX_MODEL_CPUS];
static struct context_model contexts[MAX_CONTEXTS];
static _Alignas(64) char stacks[MAX_MODEL_CPUS][STACK_BYTES];
static unsigned cpu_total = 2, context_total = 2;
static unsigned me; /* the CPU that runs */
static void *scheduler_sp;
static const char *broken; /* the first rule that did not hold */

static void expect_rule(bool held, const char *rule)
{
	if (!held && !broken)
		broken = rule;
}

/* ---- coroutines ---- */

/* Push what the ABI lets a function keep, change stacks, pop. Nothing else is saved. */
void switch_stacks(void **save_sp, void *sp);
#ifdef __x86_64__
#define SAVED_WORDS 6
__asm__("switch_stacks:\n\t"
	"push %rbp\n\tpush %rbx\n\tpush %r12\n\tpush %r13\n\tpush %r14\n\tpush %r15\n\t"
	"mov %rsp, (%rdi)\n\tmov %rsi, %rsp\n\t"
	"pop %r15\n\tpop %r14\n\tpop %r13\n\tpop %r12\n\tpop %rbx\n\tpop %rbp\n\t"
	"ret\n");
#define FIRST_PC SAVED_WORDS /* word of the first frame that holds where to begin */
#else			     /* aarch64 */
#define SAVED_WORDS 20
__asm__("switch_stacks:\n\t"
	"stp x29, x30, [sp, #-160]!\n\tstp x19, x20, [sp, #16]\n\tstp x21, x22, [sp, #32]\n\t"
	"stp x23, x24, [sp, #48]\n\tstp x25, x26, [sp, #64]\n\tstp x27, x28, [sp, #80]\n\t"
	"stp d8, d9, [sp, #96]\n\tstp d10, d11, [sp, #112]\n\tstp d12, d13, [sp, #128]\n\t"
	"stp d14, d15, [sp, #144]\n\tmov x9, sp\n\tstr x9, [x0]\n\tmov sp, x1\n\t"
	"ldp x19, x20, [sp, #16]\n\tldp x21, x22, [sp, #32]\n\tldp x23, x24, [sp, #48]\n\t"
	"ldp x25, x26, [sp, #64]\n\tldp x27, x28, [sp, #80]\n\tldp d8, d9, [sp, #96]\n\t"
	"ldp d10, d11, [sp, #112]\n\tldp d12, d13, [sp, #128]\n\tldp d14, d15, [sp, #144]\n\t"
	"ldp x29, x30, [sp], #160\n\tret\n");
#define FIRST_PC    1
#endif

/* Let the scheduler decide who goes on; take the interrupt if it says so. */
static void yield(void)
{
	for (;;) {
		struct cpu_model *c = &cpus[me];

		switch_stacks(&c->sp, scheduler_sp);
		c = &cpus[me];
		if (!c->deliver)
			return;
		c->deliver = c->pending = false;
		c->masked = true;
		bank_handle_requests();
		cpus[me].masked = false;
	}
}

/* ---- the environment of bank.c ---- */

unsigned bank_env_cpu(void)
{
	return me;
}

void bank_env_mask(void)
{
	expect_rule(!cpus[me].masked, "interrupts are masked once");
	cpus[me].masked = true;
}

void bank_env_unmask(void)
{
	expect_rule(cpus[me].masked, "interrupts are unmasked once");
	cpus[me].masked = false;
	yield();
}

void bank_env_send(unsigned cpu)
{
	yield();
	cpus[cpu].pending = true;
}

void bank_env_relax(void)
{
	expect_rule(!cpus[me].masked, "nobody waits with interrupts masked");
	yield();
}

void bank_env_step(void)
{
	yield();
}

/* ---- registers and images ---- */

static int number_of(const struct bank_ctx *ctx)
{
	return (int)(container_of(ctx, struct context_model, ctx) - contexts);
}

static void save(struct bank_ctx *ctx)
{
	int n = number_of(ctx);

	expect_rule(cpus[me].masked && cpus[me].regs_of == n, "save of what is here, masked");
	contexts[n].image_fresh = false;
	yield();
	contexts[n].image_fresh = cpus[me].regs_fresh;
}

static void load(struct bank_ctx *ctx)
{
	int n = number_of(ctx);

	expect_rule(cpus[me].masked, "load masked");
	cpus[me].regs_of = n;
	cpus[me].regs_fresh = false;
	yield();
	cpus[me].regs_fresh = contexts[n].image_fresh;
}

static void close_bank(struct bank_ctx *ctx)
{
	expect_rule(cpus[me].masked && cpus[me].regs_of == number_of(ctx), "close of what is here");
	cpus[me].regs_of = NOBODY;
	cpus[me].regs_fresh = false;
}

/* All copies of n are old from now on. */
static void make_old(int n)
{
	contexts[n].image_fresh = false;
	for (unsigned i = 0; i < cpu_total; i++) {
		if (cpus[i].regs_of == n)
			cpus[i].regs_fresh = false;
	}
}

static void use_registers(int n, bool change)
{
	expect_rule(bank_is_here(&contexts[n].ctx) && cpus[me].masked, "here after take, masked");
	expect_rule(cpus[me].regs_of == n && cpus[me].regs_fresh, "runs on the newest state");
	if (!change)
		return;
	bank_dirty(&contexts[n].ctx);
	make_old(n);
	cpus[me].regs_fresh = true;
}

/* ---- what CPUs do ---- */

/* The guest or program runs for a while: interrupts may come. */
static void run(int n, bool change)
{
	bank_take(&contexts[n].ctx);
	use_registers(n, change);
	bank_env_unmask();
	bank_env_mask();
	use_registers(n, change);
	bank_env_unmask();
}

static void change_image(int n, bool replace)
{
	contexts[n].replacing = replace;
	if (replace)
		bank_discard(&contexts[n].ctx);
	else
		bank_evict(&contexts[n].ctx);
	expect_rule(contexts[n].ctx.home == BANK_NO_CPU, "home is none after evict");
	expect_rule(replace || contexts[n].image_fresh, "an inspected image is the newest state");
	make_old(n);
	contexts[n].image_fresh = true;
	contexts[n].replacing = false;
}

static void operate(unsigned op)
{
	int n = (int)(op / OPS_PER_CONTEXT);

	if (op == OPS_PER_CONTEXT * context_total) {
		bank_env_mask();
		bank_evict_local(&bank);
		bank_env_unmask();
		return;
	}
	if (contexts[n].claimed)
		return;
	contexts[n].claimed = true;
	if (op % OPS_PER_CONTEXT <= OP_READ)
		run(n, op % OPS_PER_CONTEXT == OP_RUN);
	else
		change_image(n, op % OPS_PER_CONTEXT == OP_REPLACE);
	contexts[n].claimed = false;
}

static void cpu_main(void)
{
	for (;;) {
		cpus[me].idle = true;
		yield();
		cpus[me].idle = false;
		operate(cpus[me].op);
	}
}

static void start_world(void)
{
	memset(stacks, 0, sizeof(stacks));
	memset(cpus, 0, sizeof(cpus));
	memset(&bank.slots, 0, sizeof(bank.slots));
	memset(requests, 0, sizeof(requests));
	memset(mailboxes, 0, sizeof(mailboxes));
	for (unsigned i = 0; i < context_total; i++) {
		contexts[i] = (struct context_model){ .image_fresh = true };
		bank_ctx_init(&contexts[i].ctx, &bank);
	}
	for (unsigned i = 0; i < cpu_total; i++) {
		uintptr_t *frame = (uintptr_t *)(stacks[i] + STACK_BYTES) - SAVED_WORDS - 8;

		frame[FIRST_PC] = (uintptr_t)cpu_main;
		cpus[i].sp = frame;
		cpus[i].regs_of = NOBODY;
		cpus[i].idle = true;
	}
}

/* ---- rules that hold in every state ---- */

static void check_context(unsigned n)
{
	const struct context_model *c = &contexts[n];
	int home = c->ctx.home;

	for (unsigned i = 0; i < cpu_total; i++) {
		if (!cpus[i].masked)
			expect_rule((bank.slots[i].owner == &c->ctx) == (home == (int)i),
				    "owner and home agree outside of transitions");
	}
	if (c->replacing)
		return;
	if (home == BANK_NO_CPU)
		expect_rule(c->image_fresh, "home none: the image is the newest state");
	else if (!cpus[home].masked || !c->image_fresh) /* masked: it may be leaving, saved */
		expect_rule(cpus[home].regs_of == (int)n && cpus[home].regs_fresh,
			    "the bank of its home holds the newest state");
	if (home != BANK_NO_CPU && !c->ctx.dirty && !cpus[home].masked)
		expect_rule(c->image_fresh, "CLEAN: bank and image agree");
}

static void check_state(void)
{
	for (unsigned n = 0; n < context_total; n++)
		check_context(n);
}

/* ---- states: keep, compare, go back to ---- */

struct part {
	void *at;
	size_t size;
};

struct snapshot {
	unsigned id;
	size_t size;
	char data[];
};

/* What a state is made of; the stacks' live parts come last, sizes by the saved sp. */
static unsigned state_parts(struct part *parts)
{
	unsigned n = 0;

	parts[n++] = (struct part){ cpus, sizeof(cpus) };
	parts[n++] = (struct part){ contexts, sizeof(contexts) };
	for (unsigned i = 0; i < cpu_total; i++) {
		parts[n++] = (struct part){ &bank.slots[i].owner, sizeof(bank.slots[i].owner) };
		parts[n++] = (struct part){ &requests[i].ctx, sizeof(requests[i].ctx) };
		parts[n++] = (struct part){ &requests[i].save, sizeof(requests[i].save) };
		parts[n++] = (struct part){ &mailboxes[i].askers, sizeof(mailboxes[i].askers) };
	}
	for (unsigned i = 0; i < cpu_total; i++)
		parts[n++] = (struct part){ cpus[i].sp, (size_t)(stacks[i] + STACK_BYTES -
								 (char *)cpus[i].sp) };
	return n;
}

#define MAX_PARTS (2 + 5 * MAX_MODEL_CPUS)

/* Equal states shall have equal bytes. */
static void tidy_state(void)
{
	for (unsigned i = 0; i < cpu_total; i++)
		memset(stacks[i], 0, (size_t)((char *)cpus[i].sp - stacks[i]));
	for (unsigned i = 0; i < context_total; i++)
		contexts[i].ctx.saves = contexts[i].ctx.loads = 0;
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15ull;
	return hash ^ hash >> 29;
}

static uint64_t state_hash(void)
{
	struct part parts[MAX_PARTS];
	unsigned count = state_parts(parts);
	uint64_t hash = 1;

	for (unsigned p = 0; p < count; p++) {
		uint64_t word = 0;

		for (size_t at = 0; at < parts[p].size; at += 8) {
			size_t n = min(parts[p].size - at, (size_t)8);

			memcpy(&word, (char *)parts[p].at + at, n);
			hash = mix(hash, word);
		}
		hash = mix(hash, parts[p].size);
	}
	return hash;
}

static struct snapshot *state_keep(unsigned id)
{
	struct part parts[MAX_PARTS];
	unsigned count = state_parts(parts);
	struct snapshot *s;
	size_t size = 0;

	for (unsigned p = 0; p < count; p++)
		size += parts[p].size;
	s = malloc(sizeof(*s) + size);
	s->id = id;
	s->size = 0;
	for (unsigned p = 0; p < count; p++) {
		memcpy(s->data + s->size, parts[p].at, parts[p].size);
		s->size += parts[p].size;
	}
	return s;
}

static void state_restore(const struct snapshot *s)
{
	struct part parts[MAX_PARTS];
	size_t at = sizeof(cpus);
	unsigned count;

	memcpy(cpus, s->data, sizeof(cpus)); /* the saved sp say how long the stacks are */
	count = state_parts(parts);
	for (unsigned p = 1; p < count; p++) {
		memcpy(parts[p].at, s->data + at, parts[p].size);
		at += parts[p].size;
	}
}

/* ---- the search ---- */

struct edge {
	unsigned from, to;
};

static struct {
	uint64_t *hashes; /* open addressing; 0: free */
	unsigned *ids;
	size_t slots;
	unsigned count;
} seen;
static struct edge *edges;
static size_t edge_count, edge_room;
static bool *at_rest; /* by id: all CPUs idle */
static struct snapshot **queue;
static size_t queue_head, queue_tail, queue_room;

static void seen_insert(uint64_t hash, unsigned id)
{
	size_t i = hash % seen.slots;

	while (seen.hashes[i])
		i = (i + 1) % seen.slots;
	seen.hashes[i] = hash;
	seen.ids[i] = id;
}

static void seen_grow(void)
{
	uint64_t *hashes = seen.hashes;
	unsigned *ids = seen.ids;
	size_t slots = seen.slots;

	seen.slots = slots ? 2 * slots : 1 << 16;
	seen.hashes = calloc(seen.slots, sizeof(*hashes));
	seen.ids = calloc(seen.slots, sizeof(*ids));
	at_rest = realloc(at_rest, seen.slots * sizeof(*at_rest));
	for (size_t i = 0; i < slots; i++) {
		if (hashes[i])
			seen_insert(hashes[i], ids[i]);
	}
	free(hashes);
	free(ids);
}

/* The number of the present state; *is_new if it was never seen. */
static unsigned state_id(bool *is_new)
{
	uint64_t hash = state_hash();
	size_t i;

	if (2 * (seen.count + 1) > seen.slots)
		seen_grow();
	hash += !hash;
	for (i = hash % seen.slots; seen.hashes[i]; i = (i + 1) % seen.slots) {
		if (seen.hashes[i] == hash) {
			*is_new = false;
			return seen.ids[i];
		}
	}
	*is_new = true;
	seen_insert(hash, seen.count);
	return seen.count++;
}

static void edge_add(unsigned from, unsigned to)
{
	if (edge_count == edge_room) {
		edge_room = edge_room ? 2 * edge_room : 1 << 16;
		edges = realloc(edges, edge_room * sizeof(*edges));
	}
	edges[edge_count++] = (struct edge){ from, to };
}

static void enqueue(struct snapshot *s)
{
	if (queue_tail == queue_room) {
		queue_room = queue_room ? 2 * queue_room : 1 << 16;
		queue = realloc(queue, queue_room * sizeof(*queue));
	}
	queue[queue_tail++] = s;
}

/* The present state has been reached from another one. */
static void arrive(unsigned from)
{
	bool is_new;
	unsigned id;

	tidy_state();
	check_state();
	id = state_id(&is_new);
	edge_add(from, id);
	if (!is_new)
		return;
	at_rest[id] = true;
	for (unsigned i = 0; i < cpu_total; i++)
		at_rest[id] &= cpus[i].idle && !cpus[i].pending;
	enqueue(state_keep(id));
}

/* From a state let one CPU go to its next yield. */
static void step(const struct snapshot *s, unsigned cpu, bool deliver, unsigned op)
{
	if (broken)
		return;
	state_restore(s);
	me = cpu;
	cpus[cpu].deliver = deliver;
	cpus[cpu].op = op;
	switch_stacks(&scheduler_sp, cpus[cpu].sp);
	cpus[cpu].op = 0;
	arrive(s->id);
}

static void expand(const struct snapshot *s)
{
	for (unsigned cpu = 0; cpu < cpu_total && !broken; cpu++) {
		bool idle, interrupt;

		state_restore(s);
		idle = cpus[cpu].idle;
		interrupt = cpus[cpu].pending && !cpus[cpu].masked;
		if (interrupt)
			step(s, cpu, true, 0);
		for (unsigned op = 0; op < (idle ? OPS_PER_CONTEXT * context_total + 1 : 1); op++)
			step(s, cpu, false, op);
	}
}

static void explore(void)
{
	start_world();
	for (unsigned i = 0; i < cpu_total; i++) { /* to their first yield */
		me = i;
		switch_stacks(&scheduler_sp, cpus[i].sp);
	}
	arrive(0);
	while (queue_head < queue_tail && !broken) {
		struct snapshot *s = queue[queue_head++];

		expand(s);
		free(s);
	}
}

/* How many states cannot come to rest: backwards from those at rest, until nothing is added. */
static unsigned count_stuck(void)
{
	unsigned stuck = 0;
	bool more = true;

	while (more) {
		more = false;
		for (size_t i = edge_count; i-- > 0;) {
			if (!at_rest[edges[i].from] && at_rest[edges[i].to])
				more = at_rest[edges[i].from] = true;
		}
	}
	for (unsigned id = 0; id < seen.count; id++)
		stuck += !at_rest[id];
	return stuck;
}

static unsigned argument(int n, unsigned otherwise, unsigned most)
{
	return tap_argc > n ? min((unsigned)atoi(tap_argv[n]), most) : otherwise;
}

TEST(every_interleaving_keeps_the_rules)
{
	cpu_total = argument(1, cpu_total, MAX_MODEL_CPUS);
	context_total = argument(2, context_total, MAX_CONTEXTS);
	explore();
	tap_print("# %u CPUs, %u contexts: %u states, %zu transitions\n", cpu_total, context_total,
		  seen.count, edge_count);
	if (broken)
		tap_print("# broken: %s\n", broken);
	expect(!broken);
}

TEST(every_state_can_come_to_rest)
{
	if (!expect(!broken))
		return;
	expect_eq(count_stuck(), 0);
}
