/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads: clone with libc's flags, thread-local storage, the cleared thread id, mutexes and
 * condition variables under load. Linux: man 2 clone, set_tid_address; kernel/fork.c.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include "tests/lib/abi.h"

enum { THREADS = 64 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static _Thread_local long tls = 5;
static atomic_int counter;
static long guarded;

static void *number(void *arg)
{
	long n = (long)arg;

	if (tls != 5)
		return (void *)-1;
	tls = n;
	sched_yield();
	return (void *)(tls == n ? n : -1);
}

TEST(threads_run_and_return_their_values)
{
	pthread_t t[THREADS];
	void *result;

	for (long i = 0; i < THREADS; i++)
		expect_eq(pthread_create(&t[i], NULL, number, (void *)i), 0);
	for (long i = 0; i < THREADS; i++) {
		expect_eq(pthread_join(t[i], &result), 0);
		expect_eq(result, i);
	}
	expect_eq(tls, 5);
}

static void *ids(void *arg)
{
	long *seen = arg;

	seen[0] = sys(__NR_getpid);
	seen[1] = sys(__NR_gettid);
	return NULL;
}

TEST(threads_share_the_process_id_and_have_their_own)
{
	long seen[2];
	pthread_t t;

	expect_eq(sys(__NR_gettid), sys(__NR_getpid));
	pthread_create(&t, NULL, ids, seen);
	pthread_join(t, NULL);
	expect_eq(seen[0], sys(__NR_getpid));
	expect(seen[1] != seen[0] && seen[1] > 0);
	/* The thread is gone: nobody has its id. */
	while (sys(__NR_tgkill, seen[0], seen[1], 0) == 0)
		sched_yield();
	expect_eq(sys(__NR_tgkill, seen[0], seen[1], 0), -ESRCH);
}

/* The new thread stores its turn at *SEEN and ends; nothing of libc is asked, whose TLS it shares. */
static long clone3_storing(struct clone_args *args, int *seen)
{
	register long x0 __asm__("x0") = (long)args;
	register long x1 __asm__("x1") = sizeof(*args);
	register long x8 __asm__("x8") = __NR_clone3;

	__asm__ volatile("svc #0\n"
			 "cbnz x0, 1f\n"
			 "mov w9, #7\n"
			 "str w9, [%[seen]]\n"
			 "mov x8, %[exit]\n"
			 "svc #0\n"
			 "1:"
			 : "+r"(x0)
			 : "r"(x1), "r"(x8), [seen] "r"(seen), [exit] "i"(__NR_exit)
			 : "x9", "memory");
	return x0;
}

/* glibc's pthread_create gives pidfd the address of the thread's id, without CLONE_PIDFD. */
TEST(clone3_does_not_look_at_what_no_flag_asks_for)
{
	static char stack[16384] __attribute__((aligned(16)));
	static int tid, seen;
	struct clone_args args = { .flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
					    CLONE_THREAD | CLONE_SYSVSEM | CLONE_PARENT_SETTID |
					    CLONE_CHILD_CLEARTID,
				   .pidfd = (uintptr_t)&tid,
				   .child_tid = (uintptr_t)&tid,
				   .parent_tid = (uintptr_t)&tid,
				   .stack = (uintptr_t)stack,
				   .stack_size = sizeof(stack),
				   .cgroup = 77 };
	long started = clone3_storing(&args, &seen);

	require(started > 0);
	while (__atomic_load_n(&tid, __ATOMIC_ACQUIRE))
		sys(__NR_futex, &tid, FUTEX_WAIT, (int)started, 0, 0, 0);
	expect_eq(seen, 7);
	args.stack_size = 0;
	expect_eq(clone3_storing(&args, &seen), -EINVAL);
	args.stack_size = sizeof(stack);
	args.set_tid_size = 1;
	expect_eq(clone3_storing(&args, &seen), -EINVAL);
	args.set_tid_size = 0;
	args.exit_signal = SIGCHLD;
	expect_eq(clone3_storing(&args, &seen), -EINVAL);
	expect_eq(sys(__NR_clone3, &args, 56), -EINVAL);
	expect_eq(sys(__NR_clone3, (void *)8, sizeof(args)), -EFAULT);
	expect_eq(sys(__NR_clone3, &args, 8192), -E2BIG);
}

static void *add_guarded(void *arg)
{
	(void)arg;
	for (int i = 0; i < 2000; i++) {
		pthread_mutex_lock(&mutex);
		long before = guarded;
		if (i % 64 == 0)
			sched_yield();
		guarded = before + 1;
		pthread_mutex_unlock(&mutex);
		atomic_fetch_add(&counter, 1);
	}
	return NULL;
}

TEST(mutexes_exclude_and_atomics_add)
{
	pthread_t t[8];

	for (int i = 0; i < 8; i++)
		pthread_create(&t[i], NULL, add_guarded, NULL);
	for (int i = 0; i < 8; i++)
		pthread_join(t[i], NULL);
	expect_eq(guarded, 16000);
	expect_eq(counter, 16000);
}

static int turn;

static void *take_turns(void *arg)
{
	int me = (int)(long)arg;

	pthread_mutex_lock(&mutex);
	for (int i = 0; i < 500; i++) {
		while (turn % 3 != me)
			pthread_cond_wait(&changed, &mutex);
		turn++;
		pthread_cond_broadcast(&changed);
	}
	pthread_mutex_unlock(&mutex);
	return NULL;
}

TEST(condition_variables_hand_over)
{
	pthread_t t[3];

	for (long i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, take_turns, (void *)i);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	expect_eq(turn, 1500);
}

TEST(a_timed_wait_ends_in_time)
{
	struct timespec t;
	uint64_t before = now_ns(CLOCK_MONOTONIC), took;

	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_nsec += 20000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_nsec -= 1000000000;
		t.tv_sec++;
	}
	pthread_mutex_lock(&mutex);
	expect_eq(pthread_cond_timedwait(&changed, &mutex, &t), ETIMEDOUT);
	pthread_mutex_unlock(&mutex);
	took = now_ns(CLOCK_MONOTONIC) - before;
	expect(took >= 19000000 && took < 2000000000);
}

/* A thread made by hand: what libc does not show. */
struct raw {
	int parent_tid, child_tid, saw_tid;
	uintptr_t saw_tp;
};

enum {
	RAW_FLAGS = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
		    CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID |
		    CLONE_CHILD_SETTID
};

static void raw_body(struct raw *r)
{
	__asm__ volatile("mrs %0, tpidr_el0" : "=r"(r->saw_tp));
	r->saw_tid = (int)sys(__NR_gettid);
	sys(__NR_exit, 0);
}

static long raw_clone(unsigned long flags, void *stack, struct raw *r, void *tp)
{
	register long x8 __asm__("x8") = __NR_clone;
	register long x0 __asm__("x0") = (long)flags;
	register void *x1 __asm__("x1") = stack;
	register int *x2 __asm__("x2") = &r->parent_tid;
	register void *x3 __asm__("x3") = tp;
	register int *x4 __asm__("x4") = &r->child_tid;
	register void *x5 __asm__("x5") = (void *)raw_body;
	register void *x6 __asm__("x6") = r;

	__asm__ volatile("svc #0; cbnz x0, 1f; mov x0, x6; blr x5; brk #1; 1:"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5), "r"(x6)
			 : "memory", "cc", "x30");
	return x0;
}

TEST(a_raw_clone_sets_ids_and_thread_pointer)
{
	static char stack[65536] __attribute__((aligned(16)));
	static struct raw r;
	static char tp[64];
	struct timespec limit = { 5, 0 };
	long tid;

	r.child_tid = -1;
	tid = raw_clone(RAW_FLAGS, stack + sizeof(stack), &r, tp);
	require(tid > 0);
	expect_eq(r.parent_tid, tid);
	/* CLEARTID wakes as a shared futex when the thread is gone. */
	for (int now; (now = *(volatile int *)&r.child_tid) != 0;)
		if (sys(__NR_futex, &r.child_tid, FUTEX_WAIT, now, &limit) == -ETIMEDOUT)
			break;
	expect_eq(*(volatile int *)&r.child_tid, 0);
	expect_eq(r.saw_tid, tid);
	expect_eq(r.saw_tp, (uintptr_t)tp);
}

TEST(clone_refuses_impossible_flags)
{
	static struct raw r;

	expect_eq(raw_clone(CLONE_THREAD, NULL, &r, NULL), -EINVAL);
	expect_eq(raw_clone(CLONE_SIGHAND, NULL, &r, NULL), -EINVAL);
	expect_eq(raw_clone(CLONE_THREAD | CLONE_SIGHAND, NULL, &r, NULL), -EINVAL);
}

static void *exit_quickly(void *arg)
{
	return arg;
}

TEST(a_thousand_threads_one_after_the_other)
{
	pthread_t t;
	int bad = 0;

	for (int i = 0; i < 1000; i++) {
		bad += pthread_create(&t, NULL, exit_quickly, NULL) != 0;
		bad += pthread_join(t, NULL) != 0;
	}
	expect_eq(bad, 0);
}

static atomic_int stop;

static void *map_and_unmap(void *arg)
{
	long bad = 0;

	(void)arg;
	while (!stop) {
		char *p = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			       0);

		if (p == MAP_FAILED) {
			bad++;
			continue;
		}
		for (int i = 0; i < 65536; i += 4096)
			bad += p[i] != 0;
		memset(p, 0xff, 65536);
		munmap(p, 65536);
	}
	return (void *)bad;
}

TEST(threads_map_memory_at_the_same_time)
{
	pthread_t t[4];
	void *bad;

	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, map_and_unmap, NULL);
	sleep_ms(200);
	stop = 1;
	for (int i = 0; i < 4; i++) {
		pthread_join(t[i], &bad);
		expect_eq(bad, 0);
	}
}

static char *shared_page;

static void *reader(void *arg)
{
	(void)arg;
	while (!stop)
		if (*(volatile char *)shared_page == 77)
			return (void *)1;
	return NULL;
}

/* The other CPU must see the page change: its TLB entry has to go. */
TEST(remapping_is_seen_by_a_running_thread)
{
	pthread_t t;
	void *saw;

	stop = 0;
	shared_page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	shared_page[0] = 1;
	pthread_create(&t, NULL, reader, NULL);
	sleep_ms(20);
	mmap(shared_page, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
	     0);
	shared_page[0] = 77;
	for (int i = 0; i < 200 && pthread_tryjoin_np(t, &saw) != 0; i++)
		sleep_ms(10);
	stop = 1;
	expect_eq(saw, 1);
	munmap(shared_page, 4096);
}

TEST(the_thread_name_is_kept)
{
	char name[16];

	expect_eq(sys(__NR_prctl, 15, "a name longer than fits"), 0);
	expect_eq(sys(__NR_prctl, 16, name), 0);
	expect_eq(strcmp(name, "a name longer t"), 0);
}
