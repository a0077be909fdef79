/* SPDX-License-Identifier: BSD-2-Clause */
/* The queues of waiting signals, between signal.c and sigqueue.c. HOLDS(siglock) where not said. */
#pragma once

#include "linux/signal/signal.h"

struct signal_entry {
	struct list link;
	siginfo_t info;
	uint32_t timer; /* a generation of linux/time/posix_timer.c's; 0: it is no timer's */
};

struct signal_entry *signal_entry_new(const siginfo_t *info); /* no lock. NULL: no memory */
void signal_entries_free(struct list *entries);		      /* no lock */
bool signal_pending_full(const struct signal_pending *p);
/* Returns e if it is not needed. e NULL: only the number is known. */
struct signal_entry *signal_pending_add(struct signal_pending *p, int sig, struct signal_entry *e);
/* Take one signal of set; its entry goes to used, to be freed without the lock. 0: none. */
int signal_pending_take(struct signal_pending *p, uint64_t set, siginfo_t *info, struct list *used);
/* Send it to a task of p, tid 0: to any. Returns e if it is not needed. Any context. */
struct signal_entry *signal_send_entry(struct process *p, int tid, struct signal_entry *e);
/* Take all of set, their entries to out. */
void signal_pending_take_out(struct signal_pending *p, uint64_t set, struct list *out);
