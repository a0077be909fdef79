/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a task owes to others when it ends: the futexes it holds, which stand in a list in its own
 * memory (get_robust_list(2)), and the word that says it is alive (set_tid_address(2)). The list
 * is the program's: every link is read with care and their number is limited.
 */
#include <linux/errno.h>
#include <linux/futex.h>

#include "arch/usercopy.h"
#include "linux/process/futex_wake.h"
#include "linux/process/process.h"
#include "linux/syscalls.h"

/* Mark a futex that dies with its holder and wake one who waits for it. */
static void release_futex(uint64_t uva, int tid)
{
	uint32_t old, seen;

	if (uva % 4 || user_load32(&old, uva))
		return;
	while ((old & FUTEX_TID_MASK) == (uint32_t)tid) {
		if (user_cmpxchg32(&seen, uva, old, (old & FUTEX_WAITERS) | FUTEX_OWNER_DIED))
			return;
		if (seen != old) {
			old = seen;
			continue;
		}
		if (old & FUTEX_WAITERS) {
			futex_wake_user(uva, 1, true);
			futex_wake_user(uva, 1, false);
		}
		return;
	}
}

static void release_list(struct task *t)
{
	struct {
		uint64_t next;
		int64_t futex_offset;
		uint64_t pending;
	} head;
	uint64_t entry, next;

	if (get_user(head, t->robust_list))
		return;
	entry = head.next;
	for (int i = 0; i < ROBUST_LIST_LIMIT && (entry & ~1ull) != t->robust_list; i++) {
		if (get_user(next, entry & ~1ull))
			break;
		if (entry != head.pending)
			release_futex((entry & ~1ull) + (uint64_t)head.futex_offset, t->tid);
		entry = next;
	}
	if (head.pending)
		release_futex((head.pending & ~1ull) + (uint64_t)head.futex_offset, t->tid);
}

void futex_task_exit(struct task *t)
{
	if (t->robust_list)
		release_list(t);
	t->robust_list = 0;
	if (t->clear_tid && !user_store32(t->clear_tid, 0))
		futex_wake_user(t->clear_tid, 1, true);
	t->clear_tid = 0;
}

#define HEAD_SIZE 24 /* struct robust_list_head */

long sys_set_robust_list(struct trapframe *tf)
{
	if (tf->x[1] != HEAD_SIZE)
		return -EINVAL;
	task_current()->robust_list = tf->x[0];
	return 0;
}

long sys_get_robust_list(struct trapframe *tf)
{
	uint64_t head = 0, size = HEAD_SIZE, daif;
	struct task *t;

	daif = spin_lock_irqsave(&tasks_lock);
	t = (int)tf->x[0] ? task_find((int)tf->x[0]) : task_current();
	if (t)
		head = t->robust_list;
	spin_unlock_irqrestore(&tasks_lock, daif);
	if (!t)
		return -ESRCH;
	return put_user(head, tf->x[1]) || put_user(size, tf->x[2]) ? -EFAULT : 0;
}
