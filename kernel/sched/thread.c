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

/* It takes this from the stack. */
struct first_call {
	void *arg;
	void (*entry)(void *);
};
_Static_assert(sizeof(struct first_call) == 16, "switch.S; the stack pointer stays aligned");

int thread_init(struct thread *t, const char *name, void (*entry)(void *), void *arg)
{
	struct first_call *call;

	memset(t, 0, sizeof(*t));
	t->stack = stack_alloc();
	if (!t->stack)
		return -ENOMEM;
	strlcpy(t->name, name, sizeof(t->name));
	t->affinity = cpu_count() == 64 ? ~0ull : (1ull << cpu_count()) - 1;
	t->cpu = cpu_id();
	/* A trap frame's room stays free at the top. */
	call = (struct first_call *)thread_trapframe(t) - 1;
	*call = (struct first_call){ arg, entry };
	t->frame.lr = (uint64_t)thread_first;
	t->frame.sp = (uint64_t)call;
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
