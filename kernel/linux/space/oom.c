/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What happens when programs have taken all memory but the kernel's reserve (mm/page.h). Calls that
 * can say so do: ENOMEM. A page fault cannot, so the process that has most pages is ended, one at a
 * time, and who asked tries again when it has gone. The first process, without which the machine
 * ends, goes only if there is no other.
 *
 * Entered from trap.c, with no spinlock held but perhaps with mutexes that the one that ends wants:
 * so nobody waits for ever. oom_lock covers victim.
 */
#include "linux/space/oom.h"

#include "lib/printk.h"
#include "linux/process/process.h"
#include "linux/time/time.h"
#include "mm/page.h"
#include "sched/mutex.h"

#define WAIT_NS 2000000000ull
#define POLL_NS 5000000ull
#define FIRST	1  /* the first program's pid */
#define ENOUGH	64 /* pages over the reserve */

static struct mutex oom_lock = { .waiters = WAIT_QUEUE_INIT(oom_lock.waiters) };
static struct process *victim; /* a reference; ends, or has ended */

static uint64_t process_bytes(struct process *p)
{
	struct space *s = process_space(p);
	uint64_t bytes = s ? s->resident : 0; /* a hint: the space is not locked */

	if (s)
		space_put(s);
	return bytes;
}

/* One reference; NULL: nobody has anything. */
static struct process *find_largest(uint64_t *most)
{
	uint64_t daif = spin_lock_irqsave(&tasks_lock);
	struct process *p, *largest = NULL;

	*most = 0;
	list_for_each(p, &processes, all_link) {
		uint64_t bytes = p->space ? p->space->resident : 0;

		if (bytes > *most && (p->pid != FIRST || !largest)) {
			largest = p;
			*most = p->pid == FIRST ? 1 : bytes; /* anybody else goes first */
		}
	}
	if (largest)
		process_ref(largest);
	spin_unlock_irqrestore(&tasks_lock, daif);
	return largest;
}

/* oom_lock held. */
static void choose_victim(void)
{
	uint64_t bytes;

	if (victim)
		process_put(victim);
	victim = find_largest(&bytes);
	if (!victim)
		return;
	printk("out of memory: process %d, which has %lu KiB, ends; process %d (%s) wanted a "
	       "page\n",
	       victim->pid, bytes / 1024, task_current()->process->pid, thread_current()->name);
	signal_send_process(victim, SIGKILL);
}

bool oom_make_room(void)
{
	struct process *self = task_current()->process;
	uint64_t limit = timer_now() + WAIT_NS;
	bool mine, room = false;

	mutex_lock(&oom_lock);
	if (!page_scarce(ENOUGH)) { /* somebody's end has helped meanwhile */
		mutex_unlock(&oom_lock);
		return true;
	}
	if (!victim || !process_bytes(victim))
		choose_victim();
	mine = victim == self;
	mutex_unlock(&oom_lock);
	while (!mine && !self->group_exit && !room && timer_now() < limit) {
		thread_sleep_until(timer_now() + POLL_NS, false);
		room = !page_scarce(ENOUGH);
	}
	return room;
}
