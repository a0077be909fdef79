/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The queues in which signals wait: a set, and an entry for each of which more is known than its
 * number. A standard signal waits once, real-time signals as often as they were sent (up to
 * QUEUE_MAX), in order. Pure; the locks are signal.c's, entries are made and freed outside them.
 */
#include "linux/signal/sigqueue.h"

#include "lib/bits.h"
#include "lib/string.h"
#include "mm/slab.h"

#define QUEUE_MAX 1024

#define SET_SYNCHRONOUS                                                                            \
	(signal_bit(SIGSEGV) | signal_bit(SIGBUS) | signal_bit(SIGILL) | signal_bit(SIGTRAP) |     \
	 signal_bit(SIGFPE) | signal_bit(SIGSYS))

struct signal_entry *signal_entry_new(const siginfo_t *info)
{
	struct signal_entry *e = kmalloc(sizeof(*e));

	if (e) {
		list_init(&e->link);
		e->info = *info;
		e->timer = 0;
	}
	return e;
}

void signal_pending_init(struct signal_pending *p)
{
	p->set = 0;
	p->count = 0;
	list_init(&p->queue);
}

void signal_pending_flush(struct signal_pending *p)
{
	struct signal_entry *e, *next;

	list_for_each_safe(e, next, &p->queue, link) kfree(e);
	signal_pending_init(p);
}

void signal_pending_take_out(struct signal_pending *p, uint64_t set, struct list *out)
{
	struct signal_entry *e, *next;

	if (!(p->set & set))
		return;
	list_for_each_safe(e, next, &p->queue, link)
	{
		if (!(signal_bit(e->info.si_signo) & set))
			continue;
		list_remove(&e->link);
		list_append(out, &e->link);
		p->count--;
	}
	p->set &= ~set;
}

void signal_entries_free(struct list *entries)
{
	struct signal_entry *e, *next;

	list_for_each_safe(e, next, entries, link) kfree(e);
}

/* Which of a set is taken first: those the program made itself, then the lowest. */
static int first_signal(uint64_t set)
{
	uint64_t first = set & SET_SYNCHRONOUS ? set & SET_SYNCHRONOUS : set;

	return first ? __builtin_ctzll(first) + 1 : 0;
}

int signal_pending_take(struct signal_pending *p, uint64_t set, siginfo_t *info, struct list *used)
{
	int sig = first_signal(p->set & set);
	struct signal_entry *e, *found = NULL;
	bool more = false;

	if (!sig)
		return 0;
	list_for_each(e, &p->queue, link) {
		if (e->info.si_signo != sig)
			continue;
		more = found != NULL;
		if (more)
			break;
		found = e;
	}
	memset(info, 0, sizeof(*info));
	info->si_signo = sig;
	info->si_code = SI_KERNEL;
	if (found) {
		*info = found->info;
		list_remove(&found->link);
		list_append(used, &found->link);
		p->count--;
	}
	if (!more)
		p->set &= ~signal_bit(sig);
	return sig;
}

bool signal_pending_full(const struct signal_pending *p)
{
	return p->count >= QUEUE_MAX;
}

struct signal_entry *signal_pending_add(struct signal_pending *p, int sig, struct signal_entry *e)
{
	bool waits = p->set & signal_bit(sig);

	p->set |= signal_bit(sig);
	/* A timer waits for its own, whatever else there is. */
	if (!e || (waits && sig < SIGRTMIN && !e->timer) || signal_pending_full(p))
		return e;
	list_append(&p->queue, &e->link);
	p->count++;
	return NULL;
}
