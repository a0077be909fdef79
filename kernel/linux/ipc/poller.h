/* SPDX-License-Identifier: BSD-2-Clause */
/* Waiting for several files at once, and times given by programs: ppoll, pselect6, epoll. */
#pragma once

#include "linux/fs/file.h"

#define POLL_ENTRIES_FEW 8 /* queues waited on without allocation */

struct poll_entry {
	struct wait_entry wait;
	struct wait_queue *queue;
	struct poller *poller;
};

struct poll_chunk;

/* A thread that waits until one of the queues it was added to is woken. */
struct poller {
	struct poll_table table;
	struct thread *thread;
	_Atomic bool triggered;
	int err; /* -ENOMEM: a queue could not be added */
	unsigned count;
	struct poll_entry few[POLL_ENTRIES_FEW];
	struct poll_chunk *chunks;
};

void poller_init(struct poller *p);
/* Sleep until triggered: 0, -EINTR, -ETIMEDOUT. The trigger is taken. */
int poller_wait(struct poller *p, uint64_t deadline_ns);
void poller_end(struct poller *p); /* leave all queues */

/* A struct __kernel_timespec of a program, relative, as a deadline of timer_now(): TIMER_NEVER if
 * user is 0; at most `now` if the time is zero. -EFAULT, -EINVAL. */
int deadline_from_user(uint64_t user, uint64_t *deadline);
/* What is left until the deadline goes back into the program's timespec (if it can be written). */
void deadline_to_user(uint64_t user, uint64_t deadline);
