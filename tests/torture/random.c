/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Everybody at once: threads and vCPUs of both classes and all vector lengths, more than there are
 * CPUs, each with a pattern in all of its vector registers; moved, interrupted by handlers that use
 * the registers, inspected and changed by ONE_REG and by tracers, replaced by others, killed; CPUs
 *go off and come back. Any bit that is not the owner's newest ends it with the seed.
 *
 *	random [SECONDS [SEED]]
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/prctl.h>
#include "tests/lib/cpus.h"
#include "tests/lib/regs.h"
#include "tests/torture/lib/victim.h"

enum { THREADS = 4, VCPUS = 4, TRACERS = 2, MOST_MORE = 60 }; /* the last in seconds */

#define VERSION_CALL 0x84000000u

/* A vCPU and the thread that runs it; want is in guest memory. */
struct runner {
	pthread_t thread;
	struct vm vm;
	uint64_t seed;
	unsigned vl;
	atomic_long exits, inspections;
};

/* A thread that keeps a pattern; go is set now and then, to let it look. */
struct keeper {
	pthread_t thread;
	uint64_t seed;
	volatile int go;
	atomic_long looks;
};

/* A thread that traces tasks and changes their registers. */
struct tracer {
	pthread_t thread;
	uint64_t seed;
	atomic_long looks;
};

static struct state want, found; /* each guest's own */
static volatile uint64_t guest_stop, guest_wrong;
static struct runner runners[VCPUS];
static struct keeper keepers[THREADS];
static struct tracer tracers[TRACERS];
static atomic_int ids[THREADS + VCPUS]; /* who may get signals */
static atomic_bool stop, failed;
static atomic_long handled;
static uint64_t seed;
static int cpus;

static void fail(const char *who, unsigned n, unsigned vl)
{
	if (!failed)
		tap_print("# %s %u with vectors of %u bytes: not its own registers; seed %lu\n",
			  who, n, vl, seed);
	failed = stop = true;
}

/* ---- guests ---- */

/* Another pattern, which the VMM can see in want. FFR stays what it is. */
static GUEST void change(void)
{
	uint64_t *words = want.vl ? (uint64_t *)&want.sve : want.fp.v;
	uint64_t count = want.vl ? SVE_FFR(want.vl) / 8 : 64;

	for (uint64_t i = 0; i < count; i++)
		words[i] = words[i] * 5 + 1;
	state_load(&want);
}

static GUEST void guest_keeps(uint64_t vl)
{
	state_open(vl);
	state_load(&want);
	found.vl = vl;
	for (uint64_t n = 1; !guest_stop; n++) {
		for (uint64_t i = 0; i < n * 37 % 3000; i++)
			__asm__ volatile("");
		state_store(&found);
		guest_wrong += state_differ(&found, &want);
		if (guest_wrong)
			break;
		if (n % 5 == 0)
			change();
		if (n % 2)
			hvc(VERSION_CALL, 0, 0, 0);
		else
			mmio_write64(GUEST_PORT + PORT_TEST, n);
	}
	guest_done(guest_wrong);
}

/* ---- those who run them ---- */

/* To any CPU, or free to move; one that is off is refused. */
static void move(uint64_t *s)
{
	uint64_t mask =
		random_next(s) % 3 ? 1ull << random_next(s) % (uint64_t)cpus : (1ull << cpus) - 1;

	sys(__NR_sched_setaffinity, 0, sizeof(mask), &mask);
}

static void inspect(struct runner *r, struct vcpu *vcpu)
{
	static _Thread_local struct state seen;
	struct state *its = guest_address(&r->vm, &want);

	r->inspections++;
	state_from_vcpu(vcpu, &seen, r->vl);
	if (state_differ(&seen, its))
		fail("ONE_REG of vCPU", (unsigned)(r - runners), r->vl);
	if (random_next(&r->seed) % 2) {
		state_fill(its, r->vl, random_next(&r->seed));
		state_to_vcpu(vcpu, its);
	}
}

/* The VMM's own vectors, of any length, over a KVM_RUN and after it. */
static long run_with_pattern(struct runner *r, struct vcpu *vcpu)
{
	static _Thread_local struct sve_image mine, after;
	static const int now = 1;
	unsigned vl = state_any_length(&r->seed);
	long result;

	sys(__NR_prctl, PR_SVE_SET_VL, vl);
	sve_fill(&mine, vl, random_next(&r->seed));
	result = sve_hold(&mine, &after, __NR_ioctl, vcpu->fd, KVM_RUN, (int *)&now);
	if (sve_differ(&after, &mine, vl, true))
		fail("VMM of vCPU", (unsigned)(r - runners), vl);
	return result;
}

static void signals(int how)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(how, &set, NULL);
}

/* One life of a vCPU: a few hundred exits. */
static void live(struct runner *r)
{
	struct vcpu *vcpu;
	long result = -EINTR; /* or 0: the guest left by itself, all of its registers in place */

	r->vl = random_next(&r->seed) % 3 ? state_any_length(&r->seed) : 0;
	signals(SIG_BLOCK); /* on Linux a signal ends KVM_CREATE_VM with EINTR */
	vcpu = state_vm(&r->vm, r->vl);
	signals(SIG_UNBLOCK);
	state_fill(guest_address(&r->vm, &want), r->vl, random_next(&r->seed));
	vcpu_start(vcpu, guest_keeps, r->vl);
	for (uint64_t left = random_next(&r->seed) % 400; left && !stop && !failed; left--) {
		uint64_t what = random_next(&r->seed);

		if (what % 16 == 0 && result == 0)
			inspect(r, vcpu);
		if (what / 16 % 8 == 0)
			move(&r->seed);
		if (what / 128 % 2 && state_lengths())
			result = run_with_pattern(r, vcpu);
		else
			result = vcpu_run(vcpu);
		if (result && result != -EINTR) {
			tap_print("# KVM_RUN gives %ld; seed %lu\n", result, seed);
			failed = true;
		}
		if (guest_view(&r->vm, guest_wrong))
			fail("vCPU", (unsigned)(r - runners), r->vl);
		r->exits++;
	}
	vm_destroy(&r->vm);
}

static void *runner_main(void *arg)
{
	struct runner *r = arg;

	ids[THREADS + (r - runners)] = (int)sys(__NR_gettid);
	while (!stop)
		live(r);
	ids[THREADS + (r - runners)] = 0;
	return NULL;
}

/* ---- threads ---- */

static void hold_sve(struct keeper *k, unsigned vl)
{
	static _Thread_local struct sve_image mine, after;
	static const struct timespec brief = { 0, 200000 };
	uint64_t what = random_next(&k->seed) % 4;
	long call = what == 0 ? __NR_sched_yield : what == 1 ? __NR_nanosleep : -1;

	sys(__NR_prctl, PR_SVE_SET_VL, vl);
	sve_fill(&mine, vl, random_next(&k->seed));
	k->go = 0;
	sve_hold(&mine, &after, call, call < 0 ? 0 : (long)&brief, 0, &k->go);
	if (sve_differ(&after, &mine, vl, call >= 0))
		fail("thread", (unsigned)(k - keepers), vl);
}

static void hold_v(struct keeper *k)
{
	static _Thread_local struct regs mine, after;

	regs_fill(&mine, random_next(&k->seed), __NR_getpid);
	k->go = 0;
	regs_hold(&mine, &after, &k->go);
	if (regs_differ(&after, &mine))
		fail("thread", (unsigned)(k - keepers), 0);
}

static void *keeper_main(void *arg)
{
	struct keeper *k = arg;

	ids[k - keepers] = (int)sys(__NR_gettid);
	for (uint64_t left = 20 + random_next(&k->seed) % 100; left && !stop; left--) {
		unsigned vl = random_next(&k->seed) % 2 ? state_any_length(&k->seed) : 0;

		if (random_next(&k->seed) % 8 == 0)
			move(&k->seed);
		if (vl)
			hold_sve(k, vl);
		else
			hold_v(k);
		k->looks++;
	}
	ids[k - keepers] = 0;
	return NULL;
}

/* For a while, then another takes its place. */
static void *keeper_lives(void *arg)
{
	struct keeper *k = arg;
	pthread_t next;

	while (!stop) {
		pthread_create(&next, NULL, keeper_main, k);
		pthread_join(next, NULL);
	}
	return NULL;
}

/* ---- tracers and those they trace ---- */

static void move_victim(const struct victim *v, uint64_t *s)
{
	uint64_t mask =
		random_next(s) % 3 ? 1ull << random_next(s) % (uint64_t)cpus : (1ull << cpus) - 1;

	sys(__NR_sched_setaffinity, v->pid, sizeof(mask), &mask);
}

static void *tracer_main(void *arg)
{
	struct tracer *t = arg;
	struct victim v = { .pid = 0 };

	while (!stop) {
		if (!victim_begin(&v, &t->seed)) {
			fail("nobody to trace for tracer", (unsigned)(t - tracers), 0);
			break;
		}
		for (uint64_t left = random_next(&t->seed) % 100; left && !stop; left--) {
			if (random_next(&t->seed) % 4 == 0)
				move_victim(&v, &t->seed);
			usleep((unsigned)random_next(&t->seed) % 4000);
			if (victim_look(&v, &t->seed))
				fail("task of tracer", (unsigned)(t - tracers),
				     (unsigned)v.want.vl);
			t->looks++;
		}
		victim_end(&v);
	}
	return NULL;
}

/* Others' registers for a moment. */
static void on_signal(int signo)
{
	(void)signo;
	if (state_lengths() && handled % 2) {
		static const struct sve_image junk = { { 0x5a } };

		sve_load(&junk);
	}
	regs_clobber_fp((uint64_t)handled++);
}

/* ---- from outside ---- */

/* A process with a pattern, killed before it looks. */
static void kill_one(uint64_t *s)
{
	int status, pid = fork();

	if (pid == 0) {
		static struct sve_image mine;
		static volatile int never;

		sve_fill(&mine, 16, *s);
		for (;;) {
			if (state_lengths())
				sve_hold(&mine, &mine, -1, 0, 0, &never);
			regs_clobber_fp(*s);
		}
	}
	usleep((unsigned)random_next(s) % 3000);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
}

static void disturb(uint64_t *s)
{
	uint64_t what = random_next(s);
	int id = ids[what % (THREADS + VCPUS)];

	if (id && what / 64 % 4 == 0)
		sys(__NR_tgkill, getpid(), id, SIGUSR1);
	if (what / 256 % 32 == 0)
		kill_one(s);
	if (what / 8192 % 16 == 0)
		cpu_switch(1 + (int)(what >> 32) % (cpus - 1), what >> 20 & 1);
	for (int i = 0; i < THREADS; i++)
		keepers[i].go = 1;
}

static void start(void)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	uint64_t s = seed;

	sigaction(SIGUSR1, &sa, NULL);
	for (int i = 0; i < THREADS; i++) {
		keepers[i].seed = random_next(&s);
		pthread_create(&keepers[i].thread, NULL, keeper_lives, &keepers[i]);
	}
	for (int i = 0; i < VCPUS; i++) {
		runners[i].seed = random_next(&s);
		pthread_create(&runners[i].thread, NULL, runner_main, &runners[i]);
	}
	for (int i = 0; i < TRACERS; i++) {
		tracers[i].seed = random_next(&s);
		pthread_create(&tracers[i].thread, NULL, tracer_main, &tracers[i]);
	}
}

/* On a busy machine it takes longer than it is asked to. */
static bool all_had_a_turn(void)
{
	for (int i = 0; i < VCPUS; i++)
		if (!runners[i].exits)
			return false;
	for (int i = 0; i < THREADS; i++)
		if (!keepers[i].looks)
			return false;
	for (int i = 0; i < TRACERS; i++)
		if (!tracers[i].looks)
			return false;
	return true;
}

TEST(nobody_ever_has_anothers_registers)
{
	uint64_t seconds = tap_argc > 1 ? strtoul(tap_argv[1], NULL, 0) : 4, end, s, now;

	seed = tap_argc > 2 ? strtoul(tap_argv[2], NULL, 0) : now_ns(CLOCK_MONOTONIC);
	cpus = cpus_allowed();
	if (cpus < 2)
		return tap_skip("wants two CPUs");
	tap_print("# seed %lu, %d CPUs, lengths %#lx\n", seed, cpus, state_lengths());
	end = now_ns(CLOCK_MONOTONIC) + seconds * 1000000000;
	s = ~seed;
	start();
	do {
		disturb(&s);
		usleep(500 + (unsigned)random_next(&s) % 3000);
		now = now_ns(CLOCK_MONOTONIC);
	} while (!stop && !failed &&
		 (now < end || (!all_had_a_turn() && now < end + MOST_MORE * 1000000000ul)));
	stop = true;
	for (int i = 1; i < cpus; i++)
		cpu_switch(i, true);
	for (int i = 0; i < THREADS; i++) {
		pthread_t t = keepers[i].thread;

		while (pthread_tryjoin_np(t, NULL)) {
			keepers[i].go = 1;
			sleep_ms(1);
		}
		expect(keepers[i].looks > 0);
	}
	for (int i = 0; i < VCPUS; i++) {
		pthread_join(runners[i].thread, NULL);
		expect(runners[i].exits > 0);
		tap_print("# vCPU %d: %ld exits, %ld inspections\n", i, runners[i].exits,
			  runners[i].inspections);
	}
	for (int i = 0; i < TRACERS; i++) {
		pthread_join(tracers[i].thread, NULL);
		tap_print("# tracer %d: %ld looks\n", i, tracers[i].looks);
		expect(tracers[i].looks > 0);
	}
	tap_print("# %ld handlers\n", handled);
	expect(!failed);
}
