/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making threads and unmaking them; who runs when is run.c. A thread belongs to whoever embeds it:
 * the scheduler gives the stack back and then calls released().
 */
#include "sched/thread.h"

#include <linux/errno.h>

#include "lib/string.h"
#include "mm/slab.h"
#include "sched/stack.h"

void thread_first(void); /* switch.S */

int thread_init(struct thread *t, const char *name, void (*entry)(void *), void *arg)
{
	memset(t, 0, sizeof(*t));
	t->stack = stack_alloc();
	if (!t->stack)
		return -ENOMEM;
	strlcpy(t->name, name, sizeof(t->name));
	t->affinity = cpu_count() == 64 ? ~0ull : (1ull << cpu_count()) - 1;
	t->cpu = cpu_id();
	/* thread_first() calls x20(x19). A trap frame's room stays free at the top. */
	t->frame.x19_x29[0] = (uint64_t)arg;
	t->frame.x19_x29[1] = (uint64_t)entry;
	t->frame.lr = (uint64_t)thread_first;
	t->frame.sp = (uint64_t)thread_trapframe(t);
	return 0;
}

void thread_abandon(struct thread *t)
{
	stack_free(t->stack);
}

static void thread_free(struct thread *t)
{
	kfree(t);
}

struct thread *thread_spawn(const char *name, void (*entry)(void *), void *arg)
{
	struct thread *t = kzalloc(sizeof(*t));

	if (!t)
		return NULL;
	if (thread_init(t, name, entry, arg)) {
		kfree(t);
		return NULL;
	}
	t->released = thread_free;
	thread_start(t);
	return t;
}
