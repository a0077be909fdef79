/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who a task is: process and thread ids, users and groups, process groups and sessions. There is
 * one user as far as rights go: ids are kept and told, and who gave up being root cannot take it
 * back, but no file or process is refused to anybody.
 */
#include <linux/errno.h>

#include "arch/usercopy.h"
#include "linux/process/process.h"
#include "linux/syscalls.h"

long sys_getpid(struct trapframe *tf)
{
	(void)tf;
	return task_current()->process->pid;
}

long sys_getppid(struct trapframe *tf)
{
	(void)tf;
	return task_current()->process->ppid;
}

long sys_gettid(struct trapframe *tf)
{
	(void)tf;
	return task_current()->tid;
}

long sys_getuid(struct trapframe *tf)
{
	(void)tf;
	return task_current()->process->uid.real;
}

long sys_geteuid(struct trapframe *tf)
{
	(void)tf;
	return task_current()->process->uid.effective;
}

long sys_getgid(struct trapframe *tf)
{
	(void)tf;
	return task_current()->process->gid.real;
}

long sys_getegid(struct trapframe *tf)
{
	(void)tf;
	return task_current()->process->gid.effective;
}

/* ---- changing users and groups ---- */

static bool is_root(void)
{
	return task_current()->process->uid.effective == 0;
}

#define KEEP UINT32_MAX

/* May a process without rights take on that id? */
static bool own(const struct ids *ids, uint32_t id)
{
	return id == KEEP || id == ids->real || id == ids->effective || id == ids->saved;
}

static long set_ids(struct ids *ids, uint32_t real, uint32_t effective, uint32_t saved)
{
	if (!is_root() && !(own(ids, real) && own(ids, effective) && own(ids, saved)))
		return -EPERM;
	if (real != KEEP)
		ids->real = real;
	if (effective != KEEP)
		ids->effective = effective;
	if (saved != KEEP)
		ids->saved = saved;
	return 0;
}

static long set_id(struct ids *ids, uint64_t arg)
{
	uint32_t id = (uint32_t)arg;

	if (id == KEEP)
		return -EINVAL;
	return is_root() ? set_ids(ids, id, id, id) : set_ids(ids, KEEP, id, KEEP);
}

/* setreuid(): the saved id follows when an id other than the real one is set. */
static long set_re(struct ids *ids, uint32_t real, uint32_t effective)
{
	uint32_t old = ids->real;
	long err = set_ids(ids, real, effective, KEEP);

	if (!err && (real != KEEP || (effective != KEEP && effective != old)))
		ids->saved = ids->effective;
	return err;
}

static long get_res(const struct ids *ids, const struct trapframe *tf)
{
	return put_user(ids->real, tf->x[0]) || put_user(ids->effective, tf->x[1]) ||
			       put_user(ids->saved, tf->x[2])
		       ? -EFAULT
		       : 0;
}

long sys_setuid(struct trapframe *tf)
{
	return set_id(&task_current()->process->uid, tf->x[0]);
}

long sys_setgid(struct trapframe *tf)
{
	return set_id(&task_current()->process->gid, tf->x[0]);
}

long sys_setreuid(struct trapframe *tf)
{
	return set_re(&task_current()->process->uid, (uint32_t)tf->x[0], (uint32_t)tf->x[1]);
}

long sys_setregid(struct trapframe *tf)
{
	return set_re(&task_current()->process->gid, (uint32_t)tf->x[0], (uint32_t)tf->x[1]);
}

long sys_setresuid(struct trapframe *tf)
{
	return set_ids(&task_current()->process->uid, (uint32_t)tf->x[0], (uint32_t)tf->x[1],
		       (uint32_t)tf->x[2]);
}

long sys_setresgid(struct trapframe *tf)
{
	return set_ids(&task_current()->process->gid, (uint32_t)tf->x[0], (uint32_t)tf->x[1],
		       (uint32_t)tf->x[2]);
}

long sys_getresuid(struct trapframe *tf)
{
	return get_res(&task_current()->process->uid, tf);
}

long sys_getresgid(struct trapframe *tf)
{
	return get_res(&task_current()->process->gid, tf);
}

/* No supplementary groups. */
long sys_getgroups(struct trapframe *tf)
{
	return (int)tf->x[0] < 0 ? -EINVAL : 0;
}

long sys_setgroups(struct trapframe *tf)
{
	if (!is_root())
		return -EPERM;
	if ((int)tf->x[0] < 0 || (int)tf->x[0] > 65536)
		return -EINVAL;
	for (int i = 0; i < (int)tf->x[0]; i++) {
		uint32_t gid;

		if (get_user(gid, tf->x[1] + (unsigned)i * sizeof(gid)))
			return -EFAULT;
	}
	return 0;
}

/* ---- process groups and sessions ---- */

/* pid 0: the caller. HOLDS(tasks_lock) */
static struct process *find(int pid)
{
	return pid ? process_find(pid) : task_current()->process;
}

/* HOLDS(tasks_lock) */
static bool group_in_session(int pgid, int sid)
{
	struct process *p;

	list_for_each(p, &processes, all_link) {
		if (p->pgid == pgid && p->sid == sid)
			return true;
	}
	return false;
}

/* HOLDS(tasks_lock) */
static long set_group(struct process *p, int pgid)
{
	struct process *self = task_current()->process;

	if (!p || (p != self && p->parent != self))
		return -ESRCH;
	if (p != self && p->executed)
		return -EACCES;
	if (p->sid != self->sid || p->sid == p->pid)
		return -EPERM;
	if (!pgid)
		pgid = p->pid;
	if (pgid != p->pid && !group_in_session(pgid, p->sid))
		return -EPERM;
	p->pgid = pgid;
	return 0;
}

long sys_setpgid(struct trapframe *tf)
{
	uint64_t daif;
	long err;

	if ((int)(tf->x[1] ? tf->x[1] : tf->x[0]) < 0)
		return -EINVAL;
	daif = spin_lock_irqsave(&tasks_lock);
	err = set_group(find((int)tf->x[0]), (int)tf->x[1]);
	spin_unlock_irqrestore(&tasks_lock, daif);
	return err;
}

long sys_getpgid(struct trapframe *tf)
{
	uint64_t daif = spin_lock_irqsave(&tasks_lock);
	struct process *p = find((int)tf->x[0]);
	long pgid = p ? p->pgid : -ESRCH;

	spin_unlock_irqrestore(&tasks_lock, daif);
	return pgid;
}

long sys_getsid(struct trapframe *tf)
{
	uint64_t daif = spin_lock_irqsave(&tasks_lock);
	struct process *p = find((int)tf->x[0]);
	long sid = p ? p->sid : -ESRCH;

	spin_unlock_irqrestore(&tasks_lock, daif);
	return sid;
}

long sys_setsid(struct trapframe *tf)
{
	struct process *self = task_current()->process, *p;
	uint64_t daif = spin_lock_irqsave(&tasks_lock);
	long sid = self->pid;

	(void)tf;
	list_for_each(p, &processes, all_link) {
		if (p->pgid == self->pid)
			sid = -EPERM;
	}
	if (sid > 0)
		self->sid = self->pgid = self->pid;
	spin_unlock_irqrestore(&tasks_lock, daif);
	return sid;
}
