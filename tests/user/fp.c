/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * FP/SIMD registers are each thread's own: over system calls, yields, sleeps, preemption and
 * signals, in more threads than there are CPUs; a child begins with its parent's. Extensions that
 * are not offered do not work.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/auxv.h>
#include <sys/wait.h>
#include <unistd.h>
#include <asm/hwcap.h>
#include "tests/lib/abi.h"
#include "tests/lib/regs.h"

enum { THREADS = 12, ROUNDS = 150 };

static const int one = 1;
static atomic_int differing, finished;

static void on_signal(int signo)
{
	regs_clobber_fp((uint64_t)signo * 77);
}

/* Hold patterns over calls that return at once, that yield, and that sleep. */
static void *hold_patterns(void *arg)
{
	static const struct timespec brief = { 0, 100000 };
	static const long calls[] = { __NR_getpid, __NR_sched_yield, __NR_nanosleep,
				      __NR_sched_yield };
	struct regs in, out;

	for (uint64_t i = 0; i < ROUNDS; i++) {
		int now = one;

		regs_fill(&in, (uintptr_t)arg * 1000 + i, calls[i % 4]);
		in.x[0] = (uintptr_t)&brief;
		in.x[1] = 0;
		regs_hold(&in, &out, &now);
		differing += regs_differ(&out, &in);
	}
	finished++;
	return NULL;
}

TEST(twelve_threads_over_calls_yields_and_sleeps)
{
	pthread_t t[THREADS];

	differing = finished = 0;
	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, hold_patterns, (void *)i);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	expect_eq(differing, 0);
	expect_eq(finished, THREADS);
}

TEST(the_same_with_signals_from_outside)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	pthread_t t[4];
	unsigned sent = 0;

	sigaction(SIGUSR1, &sa, NULL);
	differing = finished = 0;
	for (uintptr_t i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, hold_patterns, (void *)i);
	while (finished < 4) {
		for (int i = 0; i < 4; i++)
			pthread_kill(t[i], SIGUSR1);
		sent++;
		sleep_ms(1);
	}
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	expect_eq(differing, 0);
	expect(sent > 0);
}

static volatile int release;

/* Spin, so that only the timer takes the CPU away. */
static void *hold_and_spin(void *arg)
{
	struct regs in, out;

	regs_fill(&in, (uintptr_t)arg + 500, __NR_getpid);
	regs_hold(&in, &out, &release);
	differing += regs_differ(&out, &in);
	return NULL;
}

TEST(preempted_threads_keep_theirs)
{
	pthread_t t[THREADS];

	differing = release = 0;
	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, hold_and_spin, (void *)i);
	sleep_ms(400);
	release = 1;
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	expect_eq(differing, 0);
}

TEST(a_child_begins_with_its_parents)
{
	struct regs in, out;
	int now = 1, status = -1;

	for (uint64_t i = 0; i < 5; i++) {
		regs_fill(&in, 900 + i, __NR_clone);
		in.x[0] = SIGCHLD;
		in.x[1] = in.x[2] = in.x[3] = in.x[4] = 0;
		regs_hold(&in, &out, &now);
		if (out.x[0] == 0)
			sys(__NR_exit_group, regs_differ(&out, &in) != 0);
		expect_eq(regs_differ(&out, &in), 0);
		expect_eq(waitpid((pid_t)out.x[0], &status, 0), out.x[0]);
		expect_eq(status, 0);
	}
}

static void *see_fresh(void *arg)
{
	uint64_t fpcr;

	(void)arg;
	__asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
	return (void *)fpcr;
}

TEST(a_thread_begins_with_its_makers_control)
{
	pthread_t t;
	void *seen;

	__asm__ volatile("msr fpcr, %0" ::"r"(0x00c00000ul));
	pthread_create(&t, NULL, see_fresh, NULL);
	__asm__ volatile("msr fpcr, xzr");
	pthread_join(t, &seen);
	expect_eq(seen, 0x00c00000);
}

static void do_sve(void *arg)
{
	(void)arg;
	__asm__ volatile(".inst 0x04a0e3e0" ::: "x0"); /* cntw x0 */
}

static void do_sme(void *arg)
{
	(void)arg;
	__asm__ volatile(".inst 0xd503477f; .inst 0xd503467f"); /* smstart; smstop */
}

TEST(what_hwcap_does_not_offer_is_undefined)
{
	struct fault sve = fault_call(do_sve, NULL), sme = fault_call(do_sme, NULL);

	expect_eq(sve.signo, getauxval(AT_HWCAP) & HWCAP_SVE ? 0 : SIGILL);
	expect_eq(sme.signo, getauxval(AT_HWCAP2) & HWCAP2_SME ? 0 : SIGILL);
}
