/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The timers of a process: timer_create(2) and its kin. Each has one signal entry. When it expires
 * the entry goes into a queue (signal.c); when a task takes it from there the entry comes back, and
 * only then a periodic timer is started again, behind what it has missed meanwhile: its overrun. So
 * a short interval keeps nobody from running but those who take its signals.
 *
 * calls covers which timers there are and serializes the calls; siglock covers the list and the
 * fields too, against the expiry and against who takes signals. A generation tells the signal of a
 * setting from those of older ones, which are still delivered but start nothing.
 */
#include "linux/time/posix_timer.h"

#include <linux/errno.h>
#include <linux/resource.h>

#include "arch/usercopy.h"
#include "lib/bits.h"
#include "linux/process/process.h"
#include "linux/signal/sigqueue.h"
#include "linux/syscalls.h"
#include "linux/time/time.h"
#include "mm/slab.h"

#define IGNORED_NS 10000000u /* between looks whether a signal is ignored still */

struct posix_timer {
	struct list link; /* process->timers */
	struct process *process;
	struct ktimer timer;
	struct signal_entry *entry; /* NULL: in a queue */
	int id, clock, notify, tid; /* tid 0: any task */
	siginfo_t info;
	uint32_t generation;
	bool fired;	   /* has expired; its signal has not been taken */
	uint64_t next;	   /* ns, timer_now(); 0: not armed */
	uint64_t interval; /* ns; 0: once */
	uint64_t overrun;  /* of the last signal that was taken */
};

static struct mutex calls = { .waiters = WAIT_QUEUE_INIT(calls.waiters) };

/* HOLDS(siglock), or calls and the current process's */
static struct posix_timer *find(struct process *p, int id)
{
	struct posix_timer *t;

	list_for_each(t, &p->timers, link)
		if (t->id == id)
			return t;
	return NULL;
}

/* Whole intervals that have passed since it was due. */
static uint64_t missed(const struct posix_timer *t, uint64_t now)
{
	return t->interval && now > t->next ? (now - t->next) / t->interval : 0;
}

/* ---- expiring ---- */

/* From the kernel's timer, masked. */
static void expired(struct ktimer *timer)
{
	struct posix_timer *t = container_of(timer, struct posix_timer, timer);
	struct process *p = t->process;
	struct signal_entry *e;

	spin_lock(&p->siglock);
	t->fired = true;
	e = t->entry;
	t->entry = NULL;
	spin_unlock(&p->siglock);
	if (e)
		e = signal_send_entry(p, t->tid, e);
	if (!e)
		return;
	/* Nobody wants it: look again after a while. */
	spin_lock(&p->siglock);
	t->entry = e;
	if (t->interval)
		ktimer_start(timer, timer_now() + max(t->interval, (uint64_t)IGNORED_NS));
	spin_unlock(&p->siglock);
}

void posix_timer_taken(struct list *used, siginfo_t *info)
{
	struct signal_entry *e = list_first(used, struct signal_entry, link);
	struct process *p = task_current()->process;
	uint64_t daif = spin_lock_irqsave(&p->siglock);
	struct posix_timer *t = e->timer ? find(p, info->si_tid) : NULL;

	if (t && t->fired && t->generation == e->timer) {
		list_remove(&e->link);
		t->entry = e;
		t->fired = false;
		t->overrun = missed(t, timer_now());
		info->si_overrun = (int)min(t->overrun, (uint64_t)INT32_MAX);
		t->next = t->interval ? t->next + (t->overrun + 1) * t->interval : 0;
		if (t->next)
			ktimer_start(&t->timer, t->next);
	}
	spin_unlock_irqrestore(&p->siglock, daif);
}

/* ---- making and ending ---- */

static int check_clock(int clock)
{
	uint64_t ns;

	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
	case CLOCK_TAI:
		return 0;
	default:
		return clock_read(clock, &ns) ? -EINVAL : -EOPNOTSUPP;
	}
}

static bool task_is_of(struct process *p, int tid)
{
	uint64_t daif = spin_lock_irqsave(&tasks_lock);
	const struct task *t = task_find(tid);
	bool is = t && t->process == p;

	spin_unlock_irqrestore(&tasks_lock, daif);
	return is;
}

static int check_event(struct process *p, const struct sigevent *event)
{
	switch (event->sigev_notify) {
	case SIGEV_SIGNAL | SIGEV_THREAD_ID:
		if (!task_is_of(p, event->sigev_notify_thread_id))
			return -EINVAL;
		break;
	case SIGEV_SIGNAL:
	case SIGEV_THREAD:
		break;
	default:
		return event->sigev_notify == SIGEV_NONE ? 0 : -EINVAL;
	}
	return event->sigev_signo >= 1 && event->sigev_signo <= _NSIG ? 0 : -EINVAL;
}

/* HOLDS(calls). It is in no list, or nobody else knows the process any more. */
static void timer_free(struct posix_timer *t)
{
	ktimer_cancel(&t->timer);
	kfree(t->entry);
	kfree(t);
}

/* Out of the process, so that a signal that is taken does not start it again. HOLDS(calls) */
static void timer_remove(struct process *p, struct posix_timer *t)
{
	uint64_t daif = spin_lock_irqsave(&p->siglock);

	list_remove(&t->link);
	p->timer_count--;
	t->interval = 0;
	spin_unlock_irqrestore(&p->siglock, daif);
	timer_free(t);
}

static struct posix_timer *timer_new(struct process *p, int clock, const struct sigevent *event)
{
	struct posix_timer *t = kzalloc(sizeof(*t));

	if (!t)
		return NULL;
	ktimer_init(&t->timer, expired);
	t->process = p;
	t->clock = clock;
	t->notify = event->sigev_notify;
	t->tid = t->notify & SIGEV_THREAD_ID ? event->sigev_notify_thread_id : 0;
	t->info = (siginfo_t){ .si_signo = event->sigev_signo, .si_code = SI_TIMER };
	t->info.si_value = event->sigev_value;
	return t;
}

/* Number it and make it known. HOLDS(calls) */
static void timer_add(struct process *p, struct posix_timer *t, bool own_value)
{
	uint64_t daif = spin_lock_irqsave(&p->siglock);

	do
		t->id = p->timer_next++ & INT32_MAX;
	while (find(p, t->id));
	t->info.si_tid = t->id;
	if (!own_value)
		t->info.si_value.sival_int = t->id;
	list_append(&p->timers, &t->link);
	p->timer_count++;
	spin_unlock_irqrestore(&p->siglock, daif);
}

long sys_timer_create(struct trapframe *tf)
{
	struct process *p = task_current()->process;
	struct sigevent event = { .sigev_signo = SIGALRM, .sigev_notify = SIGEV_SIGNAL };
	struct posix_timer *t;
	int err = check_clock((int)tf->x[0]);

	if (err)
		return err;
	if (tf->x[1] && get_user(event, tf->x[1]))
		return -EFAULT;
	err = check_event(p, &event);
	if (err)
		return err;
	mutex_lock(&calls);
	t = p->timer_count < p->rlimits[RLIMIT_SIGPENDING][0] ? timer_new(p, (int)tf->x[0], &event)
							      : NULL;
	err = t ? 0 : -EAGAIN;
	if (t) {
		timer_add(p, t, tf->x[1]);
		err = put_user(t->id, tf->x[2]);
	}
	if (t && err)
		timer_remove(p, t);
	mutex_unlock(&calls);
	return err;
}

long sys_timer_delete(struct trapframe *tf)
{
	struct process *p = task_current()->process;
	struct posix_timer *t;

	mutex_lock(&calls);
	t = find(p, (int)tf->x[0]);
	if (t)
		timer_remove(p, t);
	mutex_unlock(&calls);
	return t ? 0 : -EINVAL;
}

void posix_timers_end(struct process *p)
{
	if (list_empty(&p->timers))
		return; /* its last task asks */
	mutex_lock(&calls);
	while (!list_empty(&p->timers))
		timer_remove(p, list_first(&p->timers, struct posix_timer, link));
	mutex_unlock(&calls);
}

/* ---- setting and asking ---- */

/* HOLDS(siglock) */
static struct __kernel_itimerspec setting_now(const struct posix_timer *t)
{
	uint64_t now = timer_now(), left = 0;

	if (t->next > now)
		left = t->next - now;
	else if (t->next && t->interval)
		left = t->interval - (now - t->next) % t->interval;
	else if (t->next && t->notify != SIGEV_NONE && !t->fired)
		left = 1; /* it is about to expire */
	return (struct __kernel_itimerspec){ ns_timespec(t->interval), ns_timespec(left) };
}

/* HOLDS(calls). spare: an entry for the case that its own is in a queue; NULL if it is not needed.
 */
static struct signal_entry *set(struct posix_timer *t, uint64_t next, uint64_t interval,
				struct signal_entry *spare, struct __kernel_itimerspec *old)
{
	struct process *p = t->process;
	uint64_t daif = spin_lock_irqsave(&p->siglock);

	*old = setting_now(t);
	t->interval = 0;
	t->generation += 1 + (t->generation ==
			      UINT32_MAX); /* who takes its signal does not start it again */
	spin_unlock_irqrestore(&p->siglock, daif);
	ktimer_cancel(&t->timer);
	daif = spin_lock_irqsave(&p->siglock);
	t->next = next;
	t->interval = interval;
	t->overrun = 0;
	t->fired = false;
	if (!t->entry) {
		t->entry = spare;
		spare = NULL;
	}
	t->entry->info = t->info;
	t->entry->timer = t->generation;
	if (next && t->notify != SIGEV_NONE)
		ktimer_start(&t->timer, next);
	spin_unlock_irqrestore(&p->siglock, daif);
	return spare;
}

static long settime(int id, bool absolute, const struct __kernel_itimerspec *new,
		    struct __kernel_itimerspec *old)
{
	uint64_t value = timespec_ns(&new->it_value), next = value ? deadline_after(value) : 0;
	struct signal_entry *spare;
	struct posix_timer *t = find(task_current()->process, id);

	if (!t)
		return -EINVAL;
	spare = signal_entry_new(&t->info);
	if (!spare)
		return -EAGAIN;
	if (value && absolute) {
		clock_deadline(t->clock, value, &next);
		next += !next; /* 0 means not armed */
	}
	kfree(set(t, next, timespec_ns(&new->it_interval), spare, old));
	return 0;
}

long sys_timer_settime(struct trapframe *tf)
{
	struct __kernel_itimerspec new, old;
	long err;

	if (!tf->x[2])
		return -EINVAL;
	if (get_user(new, tf->x[2]))
		return -EFAULT;
	if (!timespec_valid(&new.it_value) || !timespec_valid(&new.it_interval))
		return -EINVAL;
	mutex_lock(&calls);
	err = settime((int)tf->x[0], tf->x[1] & TIMER_ABSTIME, &new, &old);
	mutex_unlock(&calls);
	return !err && tf->x[3] ? put_user(old, tf->x[3]) : err;
}

/* What a timer says of itself now. */
static int ask(int id, struct __kernel_itimerspec *now, uint64_t *overrun)
{
	struct process *p = task_current()->process;
	uint64_t daif = spin_lock_irqsave(&p->siglock);
	const struct posix_timer *t = find(p, id);

	if (t) {
		*now = setting_now(t);
		*overrun = t->overrun;
	}
	spin_unlock_irqrestore(&p->siglock, daif);
	return t ? 0 : -EINVAL;
}

long sys_timer_gettime(struct trapframe *tf)
{
	struct __kernel_itimerspec now;
	uint64_t overrun;
	int err = ask((int)tf->x[0], &now, &overrun);

	return err ? err : put_user(now, tf->x[1]);
}

long sys_timer_getoverrun(struct trapframe *tf)
{
	struct __kernel_itimerspec now;
	uint64_t overrun;
	int err = ask((int)tf->x[0], &now, &overrun);

	return err ? err : (long)min(overrun, (uint64_t)INT32_MAX);
}
