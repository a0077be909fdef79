/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * timerfd (man 2 timerfd_create): a timer that counts its expirations until they are read.
 *
 * setting serializes timerfd_settime(); lock covers the fields and is taken in the timer's
 * callback, masked. A periodic timer that has fired is started anew, for the next whole interval,
 * by who reads its expirations: one that nobody reads does nothing, however short its interval.
 */
#include <asm/poll.h>
#include <linux/fcntl.h>
#include <linux/timerfd.h>

#include "arch/usercopy.h"
#include "linux/fs/file.h"
#include "linux/signal/signal.h"
#include "linux/syscalls.h"
#include "linux/time/time.h"
#include "mm/slab.h"
#include "sched/ktimer.h"

struct timerfd {
	struct mutex setting;
	struct spinlock lock;
	struct ktimer timer;
	int clock;
	uint64_t next;	   /* ns, timer_now(); 0: not armed */
	uint64_t interval; /* ns; 0: once */
	uint64_t ticks;	   /* expirations not yet read */
	struct wait_queue queue;
};

static uint64_t ticks_now(const struct timerfd *t)
{
	return __atomic_load_n(&t->ticks, __ATOMIC_RELAXED);
}

/* HOLDS(lock). Count what has expired by now. */
static void count(struct timerfd *t)
{
	uint64_t now = timer_now(), n = 1;

	if (!t->next || now < t->next)
		return;
	if (t->interval)
		n += (now - t->next) / t->interval;
	__atomic_store_n(&t->ticks, t->ticks + n, __ATOMIC_RELAXED);
	t->next = t->interval ? t->next + n * t->interval : 0;
}

static void expired(struct ktimer *timer)
{
	struct timerfd *t = container_of(timer, struct timerfd, timer);
	uint64_t daif = spin_lock_irqsave(&t->lock);

	count(t);
	spin_unlock_irqrestore(&t->lock, daif);
	wake_up(&t->queue, POLLIN | POLLRDNORM);
}

static uint64_t take(struct timerfd *t)
{
	uint64_t daif = spin_lock_irqsave(&t->lock);
	uint64_t n;

	count(t);
	n = t->ticks;
	__atomic_store_n(&t->ticks, 0, __ATOMIC_RELAXED);
	if (n && t->next)
		ktimer_start(&t->timer, t->next);
	spin_unlock_irqrestore(&t->lock, daif);
	return n;
}

static ssize_t timerfd_read(struct file *f, struct iter *to, loff_t *pos)
{
	struct timerfd *t = f->data;
	uint64_t n;

	(void)pos;
	if (iter_left(to) < sizeof(n))
		return -EINVAL;
	while (!(n = take(t))) {
		if (file_nonblocking(f))
			return -EAGAIN;
		if (wait_event_interruptible(&t->queue, ticks_now(t)))
			return -ERESTARTSYS;
	}
	return iter_put_word(to, n) ? -EFAULT : (ssize_t)sizeof(n);
}

static uint32_t timerfd_poll(struct file *f, struct poll_table *table)
{
	struct timerfd *t = f->data;

	poll_wait(table, &t->queue);
	return ticks_now(t) ? POLLIN | POLLRDNORM : 0;
}

static void timerfd_release(struct file *f)
{
	struct timerfd *t = f->data;

	ktimer_cancel(&t->timer);
	kfree(t);
}

static const struct file_ops timerfd_ops = {
	.read = timerfd_read,
	.poll = timerfd_poll,
	.release = timerfd_release,
};

static bool clock_known(int clock)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_BOOTTIME_ALARM:
		return true;
	default:
		return false;
	}
}

long sys_timerfd_create(struct trapframe *tf)
{
	uint32_t flags = (uint32_t)tf->x[1];
	struct timerfd *t;
	struct file *f;
	int fd;

	if ((flags & ~(TFD_CLOEXEC | TFD_NONBLOCK)) || !clock_known((int)tf->x[0]))
		return -EINVAL;
	t = kzalloc(sizeof(*t));
	if (!t)
		return -ENOMEM;
	mutex_init(&t->setting);
	ktimer_init(&t->timer, expired);
	wait_queue_init(&t->queue);
	t->clock = (int)tf->x[0];
	f = file_create(&timerfd_ops, t, O_RDWR | (flags & O_NONBLOCK));
	if (!f) {
		kfree(t);
		return -ENOMEM;
	}
	fd = fd_install(f, flags & TFD_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}

/* ---- setting and asking ---- */

/* What is armed now, as timerfd_gettime() gives it. HOLDS(lock) */
static struct __kernel_itimerspec setting_now(struct timerfd *t)
{
	uint64_t now = timer_now();

	count(t);
	return (struct __kernel_itimerspec){
		.it_interval = ns_timespec(t->interval),
		.it_value = ns_timespec(t->next > now ? t->next - now : t->next != 0),
	};
}

static int first_expiry(const struct timerfd *t, const struct __kernel_itimerspec *new,
			bool absolute, uint64_t *next)
{
	uint64_t ns = timespec_ns(&new->it_value);

	*next = 0;
	if (!ns)
		return 0;
	if (!absolute)
		*next = deadline_after(ns);
	else if (clock_deadline(t->clock, ns, next))
		return -EINVAL;
	*next += !*next; /* 0 means not armed */
	return 0;
}

static void arm(struct timerfd *t, uint64_t next, uint64_t interval,
		struct __kernel_itimerspec *old)
{
	uint64_t daif;

	ktimer_cancel(&t->timer);
	daif = spin_lock_irqsave(&t->lock);
	*old = setting_now(t);
	t->next = next;
	t->interval = interval;
	__atomic_store_n(&t->ticks, 0, __ATOMIC_RELAXED);
	if (next)
		ktimer_start(&t->timer, next);
	spin_unlock_irqrestore(&t->lock, daif);
}

static long settime(struct file *f, unsigned flags, const struct __kernel_itimerspec *new,
		    uint64_t user_old)
{
	struct timerfd *t = f->data;
	struct __kernel_itimerspec old;
	uint64_t next;

	if (f->ops != &timerfd_ops)
		return -EINVAL;
	if (first_expiry(t, new, flags & TFD_TIMER_ABSTIME, &next))
		return -EINVAL;
	mutex_lock(&t->setting);
	arm(t, next, timespec_ns(&new->it_interval), &old);
	mutex_unlock(&t->setting);
	return user_old ? put_user(old, user_old) : 0;
}

/* TFD_TIMER_CANCEL_ON_SET is accepted, and setting the clock cancels nothing. */
long sys_timerfd_settime(struct trapframe *tf)
{
	unsigned flags = (unsigned)tf->x[1];
	struct __kernel_itimerspec new;
	struct fd_light fd;
	long err;

	if (get_user(new, tf->x[2]))
		return -EFAULT;
	if ((flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)) ||
	    !timespec_valid(&new.it_value) || !timespec_valid(&new.it_interval))
		return -EINVAL;
	fd = fd_get_light((int)tf->x[0]);
	if (!fd.file)
		return -EBADF;
	err = settime(fd.file, flags, &new, tf->x[3]);
	fd_put_light(fd);
	return err;
}

long sys_timerfd_gettime(struct trapframe *tf)
{
	struct fd_light fd = fd_get_light((int)tf->x[0]);
	struct __kernel_itimerspec now;
	struct timerfd *t;
	uint64_t daif;

	if (!fd.file)
		return -EBADF;
	if (fd.file->ops != &timerfd_ops) {
		fd_put_light(fd);
		return -EINVAL;
	}
	t = fd.file->data;
	daif = spin_lock_irqsave(&t->lock);
	now = setting_now(t);
	spin_unlock_irqrestore(&t->lock, daif);
	fd_put_light(fd);
	return put_user(now, tf->x[1]);
}
