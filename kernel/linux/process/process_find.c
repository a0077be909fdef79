/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finding processes and tasks by their numbers, and what may be asked of one that may end at any
 * time. The lists are process.c's.
 */
#include "linux/fs/fd.h"
#include "linux/process/process.h"

struct process *process_find(int pid)
{
	struct process *p;

	list_for_each(p, &processes, all_link) {
		if (p->pid == pid)
			return p;
	}
	return NULL;
}

struct task *task_find(int tid)
{
	struct process *p;
	struct task *t;

	list_for_each(p, &processes, all_link) {
		list_for_each(t, &p->tasks, sibling) {
			if (t->tid == tid)
				return t;
		}
	}
	return NULL;
}

struct process *process_get(int pid)
{
	uint64_t daif = spin_lock_irqsave(&tasks_lock);
	struct process *p = process_find(pid);

	if (p)
		process_ref(p);
	spin_unlock_irqrestore(&tasks_lock, daif);
	return p;
}

struct process *process_of_task(int tid)
{
	uint64_t daif = spin_lock_irqsave(&tasks_lock);
	struct task *t = task_find(tid);
	struct process *p = t ? process_ref(t->process) : NULL;

	spin_unlock_irqrestore(&tasks_lock, daif);
	return p;
}

struct process *process_next(int pid)
{
	uint64_t daif = spin_lock_irqsave(&tasks_lock);
	struct process *p, *best = NULL;

	list_for_each(p, &processes, all_link) {
		if (p->pid > pid && (!best || p->pid < best->pid))
			best = p;
	}
	if (best)
		process_ref(best);
	spin_unlock_irqrestore(&tasks_lock, daif);
	return best;
}

struct process *process_after(struct process *p)
{
	uint64_t daif = spin_lock_irqsave(&tasks_lock);
	struct list *link = p ? p->all_link.next : processes.next;
	bool gone = p && list_empty(&p->all_link); /* reaped meanwhile */
	struct process *next = NULL;

	if (!gone && link != &processes)
		next = process_ref(list_entry(link, struct process, all_link));
	spin_unlock_irqrestore(&tasks_lock, daif);
	if (gone)
		next = process_next(p->pid);
	if (p)
		process_put(p);
	return next;
}

uint64_t process_runtime(struct process *p)
{
	uint64_t daif = spin_lock_irqsave(&tasks_lock), ns = p->runtime_ns;
	struct task *t;

	list_for_each(t, &p->tasks, sibling)
		ns += timer_ticks_to_ns(t->thread.runtime);
	spin_unlock_irqrestore(&tasks_lock, daif);
	return ns;
}

struct space *process_space(struct process *p)
{
	uint64_t daif = spin_lock_irqsave(&tasks_lock);
	struct space *s = p->space;

	if (s)
		space_get(s);
	spin_unlock_irqrestore(&tasks_lock, daif);
	return s;
}

struct fd_table *process_fds(struct process *p)
{
	uint64_t daif = spin_lock_irqsave(&tasks_lock);
	struct fd_table *fds = p->fds;

	if (fds)
		fd_table_hold(fds);
	spin_unlock_irqrestore(&tasks_lock, daif);
	return fds;
}
