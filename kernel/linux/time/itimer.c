/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The alarm clock of a process: setitimer(2) with ITIMER_REAL, on which alarm() rests. The kernel
 * timer sends SIGALRM from the interrupt; who takes that starts it again for the next whole
 * interval, so that the shortest one keeps nobody else from running, and one that is ignored rings
 * no more, as in Linux. It is stopped before the process is freed. siglock covers the interval and
 * the timer's start.
 */
#include "linux/time/itimer.h"

#include <linux/errno.h>

#include "arch/usercopy.h"
#include "linux/process/process.h"
#include "linux/syscalls.h"
#include "linux/time/time.h"

static void alarm_rings(struct ktimer *timer)
{
	struct process *p = container_of(timer, struct process, alarm);

	signal_send_process(p, SIGALRM);
}

void itimer_taken(void)
{
	struct process *p = task_current()->process;
	uint64_t daif = spin_lock_irqsave(&p->siglock), due = p->alarm.deadline, now = timer_now();

	if (p->alarm_interval && !ktimer_active(&p->alarm)) {
		if (now > due)
			due += (now - due) / p->alarm_interval * p->alarm_interval;
		ktimer_start(&p->alarm, due + p->alarm_interval);
	}
	spin_unlock_irqrestore(&p->siglock, daif);
}

/* Set it, value 0: stop it. HOLDS nothing; two that set it at once have one of their values. */
static void itimer_set(struct process *p, uint64_t value, uint64_t interval)
{
	uint64_t daif = spin_lock_irqsave(&p->siglock);

	p->alarm_interval = 0; /* nobody starts it */
	spin_unlock_irqrestore(&p->siglock, daif);
	ktimer_cancel(&p->alarm);
	if (!value)
		return;
	daif = spin_lock_irqsave(&p->siglock);
	p->alarm_interval = interval;
	ktimer_start(&p->alarm, deadline_after(value));
	spin_unlock_irqrestore(&p->siglock, daif);
}

void itimer_init(struct process *p)
{
	ktimer_init(&p->alarm, alarm_rings);
}

void itimer_stop(struct process *p)
{
	itimer_set(p, 0, 0);
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

	if ((int)tf->x[0] != ITIMER_REAL)
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

	if ((int)tf->x[0] != ITIMER_REAL)
		return -EINVAL;
	if (tf->x[1] && get_user(new, tf->x[1]))
		return -EFAULT;
	if (!timeval_valid(&new.it_value) || !timeval_valid(&new.it_interval))
		return -EINVAL;
	old = itimer_read(p);
	itimer_set(p, timeval_ns(&new.it_value), timeval_ns(&new.it_interval));
	return tf->x[2] ? put_user(old, tf->x[2]) : 0;
}
