/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The queues of waiting signals: order, how often, what comes back, what is to be freed. Every
 * entry is counted through kmalloc() and kfree() of the host, so a lost one is a leak ASan reports.
 */
#include "linux/signal/sigqueue.h"

#include "tap.h"

/* <stdlib.h> has signal types of its own. */
void *malloc(size_t size);
void free(void *p);

void *kmalloc(size_t size);
void kfree(void *p);

void *kmalloc(size_t size)
{
	return malloc(size);
}

void kfree(void *p)
{
	free(p);
}

static struct signal_pending pending;

static void add(int sig, int value)
{
	siginfo_t info = { .si_signo = sig, .si_code = SI_QUEUE };

	info.si_int = value;
	kfree(signal_pending_add(&pending, sig, signal_entry_new(&info)));
}

/* The next of set, its value in *value. */
static int take(uint64_t set, int *value)
{
	struct list used;
	siginfo_t info;
	int sig;

	list_init(&used);
	sig = signal_pending_take(&pending, set, &info, &used);
	*value = sig && info.si_code == SI_QUEUE ? info.si_int : -1;
	signal_entries_free(&used);
	return sig;
}

static void expect_next(uint64_t set, int sig, int value)
{
	int got;

	expect(take(set, &got) == sig);
	expect(got == value);
}

TEST(standard_signals_wait_once)
{
	signal_pending_init(&pending);
	add(SIGUSR1, 1);
	add(SIGUSR1, 2);
	expect_next(~0ull, SIGUSR1, 1);
	expect_next(~0ull, 0, -1);
	add(SIGUSR1, 3);
	expect_next(~0ull, SIGUSR1, 3);
}

TEST(real_time_signals_wait_in_order)
{
	signal_pending_init(&pending);
	for (int i = 0; i < 5; i++)
		add(40, i);
	add(36, 9);
	expect_next(~0ull, 36, 9);
	for (int i = 0; i < 5; i++) {
		expect(pending.set == signal_bit(40));
		expect_next(~0ull, 40, i);
	}
	expect(pending.set == 0 && pending.count == 0);
}

TEST(only_what_is_asked_for_is_taken)
{
	signal_pending_init(&pending);
	add(SIGUSR2, 1);
	add(50, 2);
	expect_next(signal_bit(SIGUSR1), 0, -1);
	expect_next(signal_bit(50), 50, 2);
	expect_next(signal_bit(50) | signal_bit(SIGUSR2), SIGUSR2, 1);
}

TEST(faults_come_before_lower_numbers)
{
	signal_pending_init(&pending);
	add(SIGHUP, 1);
	add(SIGSEGV, 2);
	expect_next(~0ull, SIGSEGV, 2);
	expect_next(~0ull, SIGHUP, 1);
}

TEST(a_signal_without_an_entry_comes_from_the_kernel)
{
	struct list used;
	siginfo_t info;

	signal_pending_init(&pending);
	list_init(&used);
	expect(signal_pending_add(&pending, SIGALRM, NULL) == NULL);
	expect(signal_pending_take(&pending, ~0ull, &info, &used) == SIGALRM);
	expect(info.si_code == SI_KERNEL && list_empty(&used));
}

TEST(a_full_queue_still_tells_the_number)
{
	int value, taken = 0;

	signal_pending_init(&pending);
	for (int i = 0; i < 3000; i++)
		add(45, i);
	while (take(~0ull, &value) == 45)
		expect(value == taken++);
	expect(taken >= 1000 && taken < 3000);
}

TEST(taking_out_and_flushing_free_everything)
{
	struct list out;

	signal_pending_init(&pending);
	list_init(&out);
	add(SIGTSTP, 1);
	add(SIGSTOP, 1);
	add(SIGINT, 1);
	add(60, 1);
	signal_pending_take_out(&pending, signal_bit(SIGTSTP) | signal_bit(SIGSTOP), &out);
	signal_entries_free(&out);
	expect(pending.set == (signal_bit(SIGINT) | signal_bit(60)));
	signal_pending_flush(&pending);
	expect(pending.set == 0 && list_empty(&pending.queue));
}
