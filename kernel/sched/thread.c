/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making threads and unmaking them; who runs when is run.c. A thread belongs to whoever embeds it:
 * the scheduler gives the stack back and then calls released().
 */
#include "sched/thread.h"

#include <linux/errno.h>

#include "arch/sysreg.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "sched/stack.h"

void thread_first(void);					      /* switch.S */
void thread_switch_tls(struct thread *from, const struct thread *to); /* for run.c */

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

/* The thread pointers of programs stand in the CPU from one program's thread to the next; while the
 * CPU is set up for a guest they are the guest's, and each thread's own are in memory
 * (kvm/world.c). */
void thread_switch_tls(struct thread *from, const struct thread *to)
{
	if (this_cpu()->mode == CPU_GUEST)
		return;
	if (from->mmu)
		from->tpidr_el0 = sysreg_read(tpidr_el0);
	if (to->mmu)
		sysreg_write(tpidr_el0, to->tpidr_el0);
	if (!cpu_has(CPU_SME))
		return;
	if (from->mmu)
		from->tpidr2_el0 = sysreg_read_named(SYSREG_TPIDR2_EL0);
	if (to->mmu)
		sysreg_write_named(SYSREG_TPIDR2_EL0, to->tpidr2_el0);
}
