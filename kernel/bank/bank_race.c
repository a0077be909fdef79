/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bank.c with threads as CPUs, under the thread sanitizer: are its orderings enough for the data
 * they carry? Images and registers are plain memory; a missing release or acquire is a data race.
 * The sanitizer judges by the language's memory model, so this also speaks for Arm's.
 *
 * An interrupt is a flag that its CPU looks at whenever it has interrupts enabled and yields.
 */
#include "bank/bank.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "tap.h"

#define CPUS	 3
#define CONTEXTS 4
#define ROUNDS	 20000
#define WORDS	 8

struct state {
	struct bank_ctx ctx;
	pthread_mutex_t claim;
	uint64_t image[WORDS], expected; /* under claim, and by the protocol */
};

static void save(struct bank_ctx *ctx);
static void load(struct bank_ctx *ctx);
static void close_bank(struct bank_ctx *ctx);
static const struct bank_ops ops = { "race", save, load, close_bank };
static struct bank bank = { .ops = &ops };
static struct state states[CONTEXTS];
static uint64_t regs[CPUS][WORDS]; /* each used by its own thread only */
static atomic_bool pending[CPUS];
static atomic_int finished, wrong, saves, loads;
static _Thread_local unsigned me;
static _Thread_local bool masked;

unsigned bank_env_cpu(void)
{
	return me;
}

static void take_interrupt(void)
{
	if (masked || !atomic_exchange_explicit(&pending[me], false, memory_order_relaxed))
		return;
	masked = true;
	bank_handle_requests();
	masked = false;
}

void bank_env_mask(void)
{
	masked = true;
}

void bank_env_unmask(void)
{
	masked = false;
	take_interrupt();
}

void bank_env_send(unsigned cpu)
{
	atomic_store_explicit(&pending[cpu], true, memory_order_relaxed);
}

bool bank_env_online(unsigned to)
{
	(void)to;
	return true;
}

void bank_env_relax(void)
{
	take_interrupt();
	sched_yield();
}

void bank_env_step(void)
{
	take_interrupt();
}

static void save(struct bank_ctx *ctx)
{
	struct state *s = container_of(ctx, struct state, ctx);

	for (int i = 0; i < WORDS; i++)
		s->image[i] = regs[me][i];
	atomic_fetch_add_explicit(&saves, 1, memory_order_relaxed);
}

static void load(struct bank_ctx *ctx)
{
	struct state *s = container_of(ctx, struct state, ctx);

	for (int i = 0; i < WORDS; i++)
		regs[me][i] = s->image[i];
	atomic_fetch_add_explicit(&loads, 1, memory_order_relaxed);
}

static void close_bank(struct bank_ctx *ctx)
{
	(void)ctx;
	for (int i = 0; i < WORDS; i++)
		regs[me][i] = ~0ull;
}

static void check_words(const uint64_t *words, uint64_t expected)
{
	for (int i = 0; i < WORDS; i++) {
		if (words[i] != expected)
			wrong++;
	}
}

static void set_words(uint64_t *words, uint64_t value)
{
	for (int i = 0; i < WORDS; i++)
		words[i] = value;
}

static void run(struct state *s, bool change)
{
	bank_take(&s->ctx);
	check_words(regs[me], s->expected);
	if (change) {
		bank_dirty(&s->ctx);
		set_words(regs[me], ++s->expected);
	}
	bank_env_unmask();
}

static void change_image(struct state *s, bool replace)
{
	if (replace)
		bank_discard(&s->ctx);
	else
		bank_evict(&s->ctx);
	if (!replace)
		check_words(s->image, s->expected);
	set_words(s->image, ++s->expected);
}

static void *cpu_main(void *arg)
{
	unsigned seed;

	me = (unsigned)(uintptr_t)arg;
	seed = me + 1;
	for (int round = 0; round < ROUNDS; round++) {
		struct state *s = &states[rand_r(&seed) % CONTEXTS];
		int op = rand_r(&seed) % 8;

		bank_env_step();
		if (pthread_mutex_trylock(&s->claim))
			continue;
		if (op < 6)
			run(s, op % 2);
		else
			change_image(s, op == 7);
		pthread_mutex_unlock(&s->claim);
	}
	/* others may still want what is here */
	for (finished++; finished < CPUS; sched_yield())
		take_interrupt();
	return NULL;
}

TEST(threads_as_cpus_lose_nothing)
{
	pthread_t threads[CPUS];

	for (int i = 0; i < CONTEXTS; i++) {
		pthread_mutex_init(&states[i].claim, NULL);
		bank_ctx_init(&states[i].ctx, &bank);
	}
	for (uintptr_t i = 0; i < CPUS; i++)
		pthread_create(&threads[i], NULL, cpu_main, (void *)i);
	for (int i = 0; i < CPUS; i++)
		pthread_join(threads[i], NULL);
	expect_eq(wrong, 0);
	expect(saves > ROUNDS / 100 && loads > ROUNDS / 100);
}
