/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The alarm clock of a process: setitimer(2) with ITIMER_REAL, on which alarm() rests. The kernel
 * timer sends SIGALRM from the interrupt and starts itself again; it is stopped before the process
 * is freed. siglock covers nothing here: only the process's own tasks set it, and a torn look at
 * an interval that is being changed is no more than a late change.
 */
#include "linux/itimer.h"

#include <linux/errno.h>

#include "arch/usercopy.h"
#include "linux/process.h"
#include "linux/syscalls.h"
#include "linux/time.h"

static void alarm_rings(struct ktimer *timer)
{
	struct process *p = container_of(timer, struct process, alarm);

	signal_send_process(p, SIGALRM);
	if (p->alarm_interval)
		ktimer_start(timer, timer->deadline + p->alarm_interval);
}

void itimer_init(struct process *p)
{
	ktimer_init(&p->alarm, alarm_rings);
}

void itimer_stop(struct process *p)
{
	p->alarm_interval = 0;
	ktimer_cancel(&p->alarm);
}

static struct __kernel_old_timeval timeval(uint64_t ns)
{
	return (struct __kernel_old_timeval){ (long)(ns / NS_PER_S), (long)(ns % NS_PER_S / 1000) };
}

static struct __kernel_old_itimerval itimer_read(struct process *p)
{
	uint64_t now = timer_now(), left = 0;

	if (ktimer_active(&p->alarm))
		left = p->alarm.deadline > now ? p->alarm.deadline - now : 1000;
	return (struct __kernel_old_itimerval){ timeval(p->alarm_interval), timeval(left) };
}

long sys_getitimer(struct trapframe *tf)
{
	struct __kernel_old_itimerval value;

	if (tf->x[0] != ITIMER_REAL)
		return -EINVAL;
	value = itimer_read(task_current()->process);
	return put_user(value, tf->x[1]);
}

static bool timeval_valid(const struct __kernel_old_timeval *tv)
{
	return tv->tv_sec >= 0 && (uint64_t)tv->tv_usec < 1000000;
}

static uint64_t timeval_ns(const struct __kernel_old_timeval *tv)
{
	struct __kernel_timespec ts = { tv->tv_sec, tv->tv_usec * 1000 };

	return timespec_ns(&ts);
}

long sys_setitimer(struct trapframe *tf)
{
	struct process *p = task_current()->process;
	struct __kernel_old_itimerval new = { { 0, 0 }, { 0, 0 } }, old;
	uint64_t value;

	if (tf->x[0] != ITIMER_REAL)
		return -EINVAL;
	if (tf->x[1] && get_user(new, tf->x[1]))
		return -EFAULT;
	if (!timeval_valid(&new.it_value) || !timeval_valid(&new.it_interval))
		return -EINVAL;
	old = itimer_read(p);
	itimer_stop(p);
	value = timeval_ns(&new.it_value);
	if (value) {
		p->alarm_interval = timeval_ns(&new.it_interval);
		ktimer_start(&p->alarm, deadline_after(value));
	}
	return tf->x[2] ? put_user(old, tf->x[2]) : 0;
}
