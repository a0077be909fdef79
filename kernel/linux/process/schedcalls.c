/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scheduling calls: sched_setaffinity(2) and kin. There is one policy, SCHED_OTHER, and no
 * priorities; what programs ask about them is answered, what would need more is -EPERM or -EINVAL.
 */
#include <linux/errno.h>
#include <linux/resource.h>
#include <linux/sched.h>

#include "arch/usercopy.h"
#include "lib/bits.h"
#include "linux/process/process.h"
#include "linux/syscalls.h"

long sys_sched_yield(struct trapframe *tf)
{
	(void)tf;
	thread_yield();
	return 0;
}

/* Is there such a task? tid 0: the caller. */
static bool known(int tid)
{
	uint64_t daif;
	bool found;

	if (tid == 0)
		return true;
	daif = spin_lock_irqsave(&tasks_lock);
	found = task_find(tid) != NULL;
	spin_unlock_irqrestore(&tasks_lock, daif);
	return found;
}

long sys_sched_setaffinity(struct trapframe *tf)
{
	uint64_t mask = 0, size = tf->x[1] < sizeof(mask) ? tf->x[1] : sizeof(mask);
	int tid = (int)tf->x[0], err;
	uint64_t daif;
	struct task *t;

	if (size && copy_from_user(&mask, tf->x[2], size))
		return -EFAULT;
	if (!tid || tid == task_current()->tid)
		return thread_set_affinity(thread_current(), mask);
	daif = spin_lock_irqsave(&tasks_lock);
	t = task_find(tid);
	err = t ? thread_set_affinity(&t->thread, mask) : -ESRCH;
	spin_unlock_irqrestore(&tasks_lock, daif);
	return err;
}

long sys_sched_getaffinity(struct trapframe *tf)
{
	uint64_t mask = 0, daif;
	struct task *t;

	if (tf->x[1] < sizeof(mask) || tf->x[1] % sizeof(mask))
		return -EINVAL;
	daif = spin_lock_irqsave(&tasks_lock);
	t = (int)tf->x[0] ? task_find((int)tf->x[0]) : task_current();
	if (t)
		mask = t->thread.affinity & cpu_online_mask();
	if (!mask)
		mask = cpu_online_mask(); /* none of those it wants is there: it runs anywhere */
	spin_unlock_irqrestore(&tasks_lock, daif);
	if (!t)
		return -ESRCH;
	return put_user(mask, tf->x[2]) ? -EFAULT : (long)sizeof(mask);
}

long sys_getcpu(struct trapframe *tf)
{
	uint32_t cpu = cpu_id(), node = 0;

	if (tf->x[0] && put_user(cpu, tf->x[0]))
		return -EFAULT;
	return tf->x[1] ? put_user(node, tf->x[1]) : 0;
}

/* ---- policies ---- */

static bool policy_known(int policy)
{
	return policy == SCHED_NORMAL || policy == SCHED_BATCH || policy == SCHED_IDLE;
}

static bool policy_realtime(int policy)
{
	return policy == SCHED_FIFO || policy == SCHED_RR;
}

static int check_param(uint64_t from)
{
	int priority;

	if (get_user(priority, from))
		return -EFAULT;
	return priority ? -EINVAL : 0;
}

long sys_sched_setscheduler(struct trapframe *tf)
{
	int policy = (int)tf->x[1];

	if ((int)tf->x[0] < 0 || !tf->x[2])
		return -EINVAL;
	if (!known((int)tf->x[0]))
		return -ESRCH;
	if (policy_realtime(policy))
		return -EPERM;
	return policy_known(policy) ? check_param(tf->x[2]) : -EINVAL;
}

long sys_sched_getscheduler(struct trapframe *tf)
{
	if ((int)tf->x[0] < 0)
		return -EINVAL;
	return known((int)tf->x[0]) ? SCHED_NORMAL : -ESRCH;
}

long sys_sched_setparam(struct trapframe *tf)
{
	if ((int)tf->x[0] < 0 || !tf->x[1])
		return -EINVAL;
	return known((int)tf->x[0]) ? check_param(tf->x[1]) : -ESRCH;
}

long sys_sched_getparam(struct trapframe *tf)
{
	int priority = 0;

	if ((int)tf->x[0] < 0 || !tf->x[1])
		return -EINVAL;
	return known((int)tf->x[0]) ? put_user(priority, tf->x[1]) : -ESRCH;
}

long sys_sched_get_priority_max(struct trapframe *tf)
{
	int policy = (int)tf->x[0];

	return policy_realtime(policy) ? 99 : policy_known(policy) ? 0 : -EINVAL;
}

long sys_sched_get_priority_min(struct trapframe *tf)
{
	int policy = (int)tf->x[0];

	return policy_realtime(policy) ? 1 : policy_known(policy) ? 0 : -EINVAL;
}

/* Everybody is nice 0: told as 20. */
long sys_getpriority(struct trapframe *tf)
{
	if ((uint32_t)tf->x[0] > PRIO_USER)
		return -EINVAL;
	return (int)tf->x[0] != PRIO_PROCESS || known((int)tf->x[1]) ? 20 : -ESRCH;
}

long sys_setpriority(struct trapframe *tf)
{
	if ((uint32_t)tf->x[0] > PRIO_USER)
		return -EINVAL;
	return (int)tf->x[0] != PRIO_PROCESS || known((int)tf->x[1]) ? 0 : -ESRCH;
}
