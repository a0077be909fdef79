/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals on their way: masks, pending sets, queues of real-time signals, waiting for them, who
 * gets a signal to the process, and which calls start again after a handler. Linux: man 7 signal.
 */
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>
#include "tests/lib/abi.h"

static volatile int count, last_value, order[16];
static volatile long handled_by;

static uint64_t bit(int signo)
{
	return 1ul << (signo - 1);
}

static uint64_t mask_set(int how, uint64_t mask)
{
	uint64_t old = 0;

	expect_eq(sys(__NR_rt_sigprocmask, how, &mask, &old, 8), 0);
	return old;
}

static uint64_t pending(void)
{
	uint64_t set = 0;

	expect_eq(sys(__NR_rt_sigpending, &set, 8), 0);
	return set;
}

static long me(void)
{
	return sys(__NR_gettid);
}

static void on_signal(int signo, siginfo_t *info, void *context)
{
	(void)context;
	if (count < 16)
		order[count] = signo * 100 + info->si_value.sival_int;
	count++;
	last_value = info->si_value.sival_int;
	handled_by = me();
}

static void handle(int signo, int flags)
{
	struct sigaction sa = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | flags };

	expect_eq(sigaction(signo, &sa, NULL), 0);
	count = 0;
}

static long queue_value(int signo, int value)
{
	siginfo_t info;

	memset(&info, 0, sizeof(info));
	info.si_signo = signo;
	info.si_code = SI_QUEUE;
	info.si_pid = getpid();
	info.si_value.sival_int = value;
	return sys(__NR_rt_tgsigqueueinfo, getpid(), me(), signo, &info);
}

TEST(a_blocked_signal_waits)
{
	handle(SIGUSR1, 0);
	mask_set(SIG_BLOCK, bit(SIGUSR1));
	sys(__NR_tgkill, getpid(), me(), SIGUSR1);
	sys(__NR_tgkill, getpid(), me(), SIGUSR1);
	expect_eq(count, 0);
	expect_eq(pending(), bit(SIGUSR1));
	expect_eq(mask_set(SIG_UNBLOCK, bit(SIGUSR1)), bit(SIGUSR1));
	/* Two of a standard signal are one. */
	expect_eq(count, 1);
	expect_eq(pending(), 0);
}

TEST(kill_and_stop_cannot_be_blocked)
{
	uint64_t old = mask_set(SIG_SETMASK, ~0ul);

	expect_eq(mask_set(SIG_SETMASK, old), ~(bit(SIGKILL) | bit(SIGSTOP)));
}

TEST(real_time_signals_queue_in_order_with_values)
{
	handle(40, 0);
	handle(41, 0);
	mask_set(SIG_BLOCK, bit(40) | bit(41));
	for (int i = 1; i <= 3; i++) {
		expect_eq(queue_value(41, i), 0);
		expect_eq(queue_value(40, i), 0);
	}
	expect_eq(pending(), bit(40) | bit(41));
	mask_set(SIG_UNBLOCK, bit(40));
	mask_set(SIG_UNBLOCK, bit(41));
	expect_eq(count, 6);
	for (int i = 0; i < 6; i++)
		expect_eq(order[i], (i < 3 ? 4001 : 4101) + i % 3);
}

TEST(the_lowest_number_is_taken_first)
{
	uint64_t both = bit(50) | bit(SIGUSR1);
	siginfo_t info;

	mask_set(SIG_BLOCK, both);
	queue_value(50, 7);
	sys(__NR_tgkill, getpid(), me(), SIGUSR1);
	expect_eq(sys(__NR_rt_sigtimedwait, &both, &info, 0, 8), SIGUSR1);
	expect_eq(info.si_code, SI_TKILL);
	expect_eq(sys(__NR_rt_sigtimedwait, &both, &info, 0, 8), 50);
	expect_eq(info.si_code, SI_QUEUE);
	expect_eq(info.si_value.sival_int, 7);
	mask_set(SIG_UNBLOCK, both);
}

TEST(a_wait_for_signals_has_its_time)
{
	struct timespec brief = { 0, 20000000 }, now = { 0, 0 }, bad = { 0, -1 };
	uint64_t set = bit(SIGUSR2), before = now_ns(CLOCK_MONOTONIC);

	expect_eq(sys(__NR_rt_sigtimedwait, &set, 0, &now, 8), -EAGAIN);
	expect_eq(sys(__NR_rt_sigtimedwait, &set, 0, &brief, 8), -EAGAIN);
	expect(now_ns(CLOCK_MONOTONIC) - before >= 20000000);
	expect_eq(sys(__NR_rt_sigtimedwait, &set, 0, &bad, 8), -EINVAL);
	expect_eq(sys(__NR_rt_sigtimedwait, &set, 0, &now, 4), -EINVAL);
}

TEST(wrong_targets_and_numbers)
{
	expect_eq(sys(__NR_tgkill, getpid(), me(), 65), -EINVAL);
	expect_eq(sys(__NR_tgkill, getpid(), me(), -1), -EINVAL);
	expect_eq(sys(__NR_tgkill, getpid(), me(), 0), 0);
	expect_eq(sys(__NR_tgkill, 0, me(), 0), -EINVAL);
	expect_eq(sys(__NR_tgkill, getpid(), 0x3ffffff, SIGUSR1), -ESRCH);
	expect_eq(sys(__NR_tkill, 0x3ffffff, SIGUSR1), -ESRCH);
	expect_eq(sys(__NR_tkill, -1, SIGUSR1), -EINVAL);
	expect_eq(sys(__NR_kill, 0x3ffffff, 0), -ESRCH);
	expect_eq(sys(__NR_kill, getpid(), 0), 0);
	expect_eq(sys(__NR_kill, getpid(), 65), -EINVAL);
	expect_eq(sys(__NR_rt_sigprocmask, 9, &(uint64_t){ 0 }, 0, 8), -EINVAL);
	expect_eq(sys(__NR_rt_sigprocmask, SIG_BLOCK, 8, 0, 8), -EFAULT);
	expect_eq(sys(__NR_rt_sigprocmask, SIG_BLOCK, 0, 0, 4), -EINVAL);
}

static volatile int hold;

static void *unblocked(void *arg)
{
	mask_set(SIG_UNBLOCK, bit(SIGUSR1));
	*(volatile long *)arg = me();
	while (hold)
		sleep_ms(1);
	return NULL;
}

TEST(a_signal_to_the_process_goes_to_who_takes_it)
{
	volatile long tid = 0;
	pthread_t t;

	handle(SIGUSR1, 0);
	mask_set(SIG_BLOCK, bit(SIGUSR1));
	hold = 1;
	pthread_create(&t, NULL, unblocked, (void *)&tid);
	while (!tid)
		sleep_ms(1);
	expect_eq(sys(__NR_kill, getpid(), SIGUSR1), 0);
	for (int i = 0; i < 2000 && !count; i++)
		sleep_ms(1);
	expect_eq(count, 1);
	expect_eq(handled_by, tid);
	hold = 0;
	pthread_join(t, NULL);
	/* Nobody takes it: it waits for the process. */
	sys(__NR_kill, getpid(), SIGUSR1);
	expect_eq(pending(), bit(SIGUSR1));
	mask_set(SIG_UNBLOCK, bit(SIGUSR1));
	expect_eq(count, 2);
	expect_eq(handled_by, me());
}

TEST(ignored_signals_vanish)
{
	struct sigaction sa = { .sa_handler = SIG_IGN };

	sigaction(SIGUSR1, &sa, NULL);
	mask_set(SIG_BLOCK, bit(SIGUSR1));
	handle(SIGUSR1, 0);
	sys(__NR_tgkill, getpid(), me(), SIGUSR1);
	expect_eq(pending(), bit(SIGUSR1));
	sigaction(SIGUSR1, &sa, NULL);
	expect_eq(pending(), 0);
	handle(SIGUSR1, 0);
	mask_set(SIG_UNBLOCK, bit(SIGUSR1));
	expect_eq(count, 0);
	sys(__NR_tgkill, getpid(), me(), SIGCHLD); /* by default nothing happens */
}

TEST(sigsuspend_waits_with_another_mask)
{
	uint64_t none = 0;

	handle(SIGUSR1, 0);
	mask_set(SIG_BLOCK, bit(SIGUSR1));
	sys(__NR_tgkill, getpid(), me(), SIGUSR1);
	expect_eq(sys(__NR_rt_sigsuspend, &none, 8), -EINTR);
	expect_eq(count, 1);
	expect_eq(mask_set(SIG_UNBLOCK, bit(SIGUSR1)) & bit(SIGUSR1), bit(SIGUSR1));
}

/* ---- which calls start again ---- */

static int blocking_fd;

static void *disturb(void *tid)
{
	uint64_t one = 5;

	sleep_ms(30);
	sys(__NR_tgkill, getpid(), *(int *)tid, SIGUSR1);
	sleep_ms(30);
	sys(__NR_write, blocking_fd, &one, 8);
	return NULL;
}

static long read_disturbed(int flags)
{
	int tid = (int)me();
	uint64_t value = 0;
	pthread_t t;
	long r;

	handle(SIGUSR1, flags);
	blocking_fd = eventfd(0, 0);
	pthread_create(&t, NULL, disturb, &tid);
	r = sys(__NR_read, blocking_fd, &value, 8);
	pthread_join(t, NULL);
	expect_eq(count, 1);
	close(blocking_fd);
	return r;
}

TEST(a_read_starts_again_only_with_sa_restart)
{
	expect_eq(read_disturbed(SA_RESTART), 8);
	expect_eq(read_disturbed(0), -EINTR);
}

static void *many_signals(void *tid)
{
	for (int i = 0; i < 2000; i++) {
		while (sys(__NR_tgkill, getpid(), *(int *)tid, 45) == -EAGAIN)
			sleep_ms(1);
	}
	return NULL;
}

TEST(two_thousand_queued_signals_all_arrive)
{
	int tid = (int)me();
	pthread_t t;

	handle(45, SA_RESTART);
	pthread_create(&t, NULL, many_signals, &tid);
	pthread_join(t, NULL);
	expect_eq(count, 2000);
}

TEST(a_signalfd_reads_them)
{
	uint64_t set = bit(SIGUSR1) | bit(40);
	struct signalfd_siginfo info[3];
	int fd;

	mask_set(SIG_BLOCK, set);
	fd = (int)sys(__NR_signalfd4, -1, &set, 8, SFD_NONBLOCK | SFD_CLOEXEC);
	require(fd >= 0);
	expect_eq(sys(__NR_read, fd, info, sizeof(info)), -EAGAIN);
	queue_value(40, 77);
	sys(__NR_tgkill, getpid(), me(), SIGUSR1);
	expect_eq(sys(__NR_read, fd, info, sizeof(info)), 2 * sizeof(info[0]));
	expect_eq(info[0].ssi_signo, SIGUSR1);
	expect_eq(info[1].ssi_signo, 40);
	expect_eq(info[1].ssi_int, 77);
	expect_eq(pending(), 0);
	expect_eq(sys(__NR_read, fd, info, 10), -EINVAL);
	close(fd);
	mask_set(SIG_UNBLOCK, set);
}
