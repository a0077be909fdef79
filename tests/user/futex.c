/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The futex call itself: wait, wake, bit sets, requeue, time-outs and the errors. Linux: man 2
 * futex.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <linux/futex.h>
#include "tests/lib/abi.h"

static int word, other;
static atomic_int waiting, woken;

static long futex(int *at, int op, int value, const void *timeout, int *at2, int value3)
{
	return sys(__NR_futex, at, op, value, timeout, at2, value3);
}

struct waiter {
	pthread_t thread;
	int *at;
	int op, bits;
	long result;
};

static void *wait_in_thread(void *arg)
{
	struct waiter *w = arg;
	struct timespec limit = { 10, 0 };

	/* A bit set wait takes an absolute time, so that one has none. */
	atomic_fetch_add(&waiting, 1);
	w->result = futex(w->at, w->op, 0, (w->op & FUTEX_CMD_MASK) == FUTEX_WAIT ? &limit : NULL,
			  NULL, w->bits);
	atomic_fetch_add(&woken, 1);
	return NULL;
}

/* Start n waiters and let them go to sleep. */
static void waiters_start(struct waiter *w, int n, int *at, int op)
{
	waiting = woken = 0;
	for (int i = 0; i < n; i++) {
		w[i].at = at;
		w[i].op = op;
		pthread_create(&w[i].thread, NULL, wait_in_thread, &w[i]);
	}
	while (waiting < n)
		sched_yield();
	sleep_ms(20);
}

static void waiters_end(struct waiter *w, int n)
{
	for (int i = 0; i < n; i++) {
		pthread_join(w[i].thread, NULL);
		expect_eq(w[i].result, 0);
	}
}

/* Whether n are awake, and stay that few. */
static bool awake_are(int n)
{
	for (int i = 0; i < 500 && woken < n; i++)
		sleep_ms(2);
	sleep_ms(10);
	return expect_eq(woken, n);
}

TEST(wait_compares_first)
{
	word = 5;
	expect_eq(futex(&word, FUTEX_WAIT, 4, NULL, NULL, 0), -EAGAIN);
	expect_eq(futex(&word, FUTEX_WAIT_PRIVATE, 4, NULL, NULL, 0), -EAGAIN);
}

TEST(wake_without_waiters_wakes_none)
{
	expect_eq(futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0), 0);
	expect_eq(futex(&word, FUTEX_WAKE_PRIVATE, 100, NULL, NULL, 0), 0);
}

TEST(wake_wakes_as_many_as_asked)
{
	struct waiter w[5];

	word = 0;
	waiters_start(w, 5, &word, FUTEX_WAIT_PRIVATE);
	expect_eq(futex(&word, FUTEX_WAKE_PRIVATE, 2, NULL, NULL, 0), 2);
	awake_are(2);
	expect_eq(futex(&word, FUTEX_WAKE_PRIVATE, 100, NULL, NULL, 0), 3);
	waiters_end(w, 5);
}

TEST(shared_and_private_do_not_mix)
{
	struct waiter w[1];

	word = 0;
	waiters_start(w, 1, &word, FUTEX_WAIT);
	expect_eq(futex(&word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 0);
	expect_eq(futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0), 1);
	waiters_end(w, 1);
}

TEST(bit_sets_choose_who_wakes)
{
	struct waiter w[3] = { { .bits = 1 }, { .bits = 2 }, { .bits = 6 } };

	word = 0;
	waiters_start(w, 3, &word, FUTEX_WAIT_BITSET_PRIVATE);
	expect_eq(futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 10, NULL, NULL, 8), 0);
	expect_eq(futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 10, NULL, NULL, 4), 1);
	awake_are(1);
	expect_eq(futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 10, NULL, NULL, -1), 2);
	waiters_end(w, 3);
	expect_eq(futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 0, NULL, NULL, 0), -EINVAL);
	expect_eq(futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 0, NULL, NULL, 0), -EINVAL);
}

TEST(requeue_moves_the_rest)
{
	struct waiter w[4];

	word = other = 0;
	waiters_start(w, 4, &word, FUTEX_WAIT_PRIVATE);
	expect_eq(sys(__NR_futex, &word, FUTEX_CMP_REQUEUE_PRIVATE, 1, 2, &other, 7), -EAGAIN);
	expect_eq(sys(__NR_futex, &word, FUTEX_CMP_REQUEUE_PRIVATE, 1, 2, &other, 0), 3);
	awake_are(1);
	expect_eq(futex(&word, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0), 1);
	awake_are(2);
	expect_eq(sys(__NR_futex, &other, FUTEX_REQUEUE_PRIVATE, 1, 0, &word, 0), 1);
	expect_eq(futex(&other, FUTEX_WAKE_PRIVATE, 10, NULL, NULL, 0), 1);
	waiters_end(w, 4);
}

TEST(a_relative_time_out)
{
	struct timespec t = { 0, 30000000 };
	uint64_t before = now_ns(CLOCK_MONOTONIC), took;

	word = 0;
	expect_eq(futex(&word, FUTEX_WAIT_PRIVATE, 0, &t, NULL, 0), -ETIMEDOUT);
	took = now_ns(CLOCK_MONOTONIC) - before;
	expect(took >= 30000000 && took < 2000000000);
	t = (struct timespec){ 0, 0 };
	expect_eq(futex(&word, FUTEX_WAIT_PRIVATE, 0, &t, NULL, 0), -ETIMEDOUT);
}

TEST(an_absolute_time_out_on_either_clock)
{
	struct timespec t;

	word = 0;
	t = (struct timespec){ 0, 1 }; /* long past */
	expect_eq(futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 0, &t, NULL, -1), -ETIMEDOUT);
	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_nsec = (t.tv_nsec + 20000000) % 1000000000;
	t.tv_sec += t.tv_nsec < 20000000;
	expect_eq(futex(&word, FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME, 0, &t, NULL, -1),
		  -ETIMEDOUT);
	expect(now_ns(CLOCK_REALTIME) >= (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec);
}

TEST(bad_arguments_are_refused)
{
	struct timespec bad = { 0, 1000000000 }, negative = { -1, 0 };

	word = 0;
	expect_eq(futex((int *)((char *)&word + 1), FUTEX_WAIT, 0, NULL, NULL, 0), -EINVAL);
	expect_eq(futex((int *)((char *)&word + 2), FUTEX_WAKE, 1, NULL, NULL, 0), -EINVAL);
	expect_eq(futex((int *)8, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0), -EFAULT);
	expect_eq(futex(NULL, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0), -EFAULT);
	expect_eq(futex((int *)0xffff000000000000, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), -EFAULT);
	expect_eq(futex(&word, FUTEX_WAIT_PRIVATE, 0, (void *)8, NULL, 0), -EFAULT);
	expect_eq(futex(&word, FUTEX_WAIT_PRIVATE, 0, &bad, NULL, 0), -EINVAL);
	expect_eq(futex(&word, FUTEX_WAIT_PRIVATE, 0, &negative, NULL, 0), -EINVAL);
	expect_eq(futex(&word, 77, 0, NULL, NULL, 0), -ENOSYS);
}

static void on_signal(int signo)
{
	(void)signo;
}

static void *interrupt(void *tid)
{
	sleep_ms(30);
	sys(__NR_tgkill, getpid(), *(int *)tid, SIGUSR1);
	sleep_ms(30);
	word = 1;
	futex(&word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	return NULL;
}

static long wait_interrupted(int flags, const struct timespec *limit)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = flags };
	int tid = (int)sys(__NR_gettid);
	pthread_t t;
	long result;

	sigaction(SIGUSR1, &sa, NULL);
	word = 0;
	pthread_create(&t, NULL, interrupt, &tid);
	result = futex(&word, FUTEX_WAIT_PRIVATE, 0, limit, NULL, 0);
	pthread_join(t, NULL);
	return result;
}

TEST(a_signal_interrupts_a_wait)
{
	struct timespec limit = { 10, 0 };

	expect_eq(wait_interrupted(0, NULL), -EINTR);
	expect_eq(wait_interrupted(0, &limit), -EINTR);
	/* With SA_RESTART the wait goes on after the handler, unless it has a time-out. */
	expect_eq(wait_interrupted(SA_RESTART, NULL), 0);
	expect_eq(wait_interrupted(SA_RESTART, &limit), -EINTR);
}

TEST(a_shared_futex_is_found_through_either_mapping)
{
	int *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct waiter w[1];

	waiters_start(w, 1, page, FUTEX_WAIT);
	expect_eq(futex(page + 1, FUTEX_WAKE, 1, NULL, NULL, 0), 0);
	expect_eq(futex(page, FUTEX_WAKE, 1, NULL, NULL, 0), 1);
	waiters_end(w, 1);
	munmap(page, 4096);
}

static int ball;
static unsigned rounds;

static void *play(void *arg)
{
	int me = (int)(long)arg;

	for (unsigned i = 0; i < rounds; i++) {
		for (int now; (now = __atomic_load_n(&ball, __ATOMIC_ACQUIRE)) % 2 != me;)
			futex(&ball, FUTEX_WAIT_PRIVATE, now, NULL, NULL, 0);
		__atomic_add_fetch(&ball, 1, __ATOMIC_RELEASE);
		futex(&ball, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	}
	return NULL;
}

TEST(no_wake_up_is_lost_in_thousands)
{
	pthread_t t[2];

	rounds = rounds_wanted(1000);
	for (long i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, play, (void *)i);
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	expect_eq(ball, 2 * rounds);
}
