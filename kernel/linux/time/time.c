/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clocks and sleeping: clock_gettime(2), nanosleep and kin. All clocks are the machine's counter
 * (timer_now(), ns since it was zero) plus an offset; CLOCK_REALTIME's comes from the PL031 and
 * clock_settime(). There is no suspend, so boot time is monotonic time.
 */
#include "linux/time/time.h"

#include <linux/errno.h>

#include "arch/usercopy.h"
#include "drivers/rtc.h"
#include "linux/time/clock.h"
#include "linux/process/process.h"
#include "linux/syscalls.h"

#define SETTIME_MOST ((1ll << 62) / (long long)NS_PER_S) /* what timespec_ns() can tell */

/* CLOCK_REALTIME minus timer_now(); 0: nobody has said what time it is. Written whole; readers take
 * either value. */
static _Atomic uint64_t realtime_offset;

uint64_t clock_realtime(void)
{
	uint64_t offset = realtime_offset, seconds;

	if (!offset) {
		seconds = rtc_seconds();
		if (!seconds)
			return timer_now();
		offset = seconds * NS_PER_S - timer_now();
		realtime_offset = offset;
	}
	return timer_now() + offset;
}

static bool clock_is_realtime(int clock)
{
	return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE ||
	       clock == CLOCK_REALTIME_ALARM || clock == CLOCK_TAI;
}

static uint64_t thread_runtime(void)
{
	struct thread *t = thread_current();

	return timer_ticks_to_ns(t->runtime + (timer_ticks() - t->started));
}

int clock_read(int clock, uint64_t *ns)
{
	switch (clock) {
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM:
		*ns = timer_now();
		return 0;
	case CLOCK_PROCESS_CPUTIME_ID:
		*ns = process_runtime(task_current()->process) +
		      timer_ticks_to_ns(timer_ticks() - thread_current()->started);
		return 0;
	case CLOCK_THREAD_CPUTIME_ID:
		*ns = thread_runtime();
		return 0;
	default:
		if (!clock_is_realtime(clock))
			return -EINVAL;
		*ns = clock_realtime();
		return 0;
	}
}

int clock_deadline(int clock, uint64_t ns, uint64_t *deadline)
{
	uint64_t now;
	int64_t left;
	int err = clock_read(clock, &now);

	if (err || clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID)
		return -EINVAL;
	*deadline = ns;
	if (!clock_is_realtime(clock))
		return 0;
	left = (int64_t)(ns - now);
	*deadline = left > 0 ? timer_now() + (uint64_t)left : 0;
	return 0;
}

long sys_clock_gettime(struct trapframe *tf)
{
	uint64_t ns;
	int err = clock_read((int)tf->x[0], &ns);

	return err ? err : put_user(ns_timespec(ns), tf->x[1]);
}

static long set_realtime(const struct __kernel_timespec *ts)
{
	/* as Linux: not before the machine's start, nor so late that it would end soon */
	if (!timespec_valid(ts) || ts->tv_sec >= SETTIME_MOST || timespec_ns(ts) < timer_now())
		return -EINVAL;
	realtime_offset = timespec_ns(ts) - timer_now();
	return 0;
}

long sys_clock_settime(struct trapframe *tf)
{
	struct __kernel_timespec ts;

	if ((int)tf->x[0] != CLOCK_REALTIME)
		return -EINVAL;
	return get_user(ts, tf->x[1]) ? -EFAULT : set_realtime(&ts);
}

/* The time zone is the programs' own matter. */
long sys_settimeofday(struct trapframe *tf)
{
	struct __kernel_old_timeval tv;

	if (!tf->x[0])
		return 0;
	if (get_user(tv, tf->x[0]))
		return -EFAULT;
	if ((uint64_t)tv.tv_usec >= 1000000)
		return -EINVAL;
	return set_realtime(&(struct __kernel_timespec){ tv.tv_sec, tv.tv_usec * 1000 });
}

long sys_clock_getres(struct trapframe *tf)
{
	uint64_t ns;
	int err = clock_read((int)tf->x[0], &ns);

	if (err)
		return err;
	return tf->x[1] ? put_user(ns_timespec(1), tf->x[1]) : 0;
}

long sys_gettimeofday(struct trapframe *tf)
{
	uint64_t us = clock_realtime() / 1000;
	struct __kernel_old_timeval tv = { (long)(us / 1000000), (long)(us % 1000000) };
	struct timezone tz = { 0 };

	if (tf->x[0] && put_user(tv, tf->x[0]))
		return -EFAULT;
	return tf->x[1] ? put_user(tz, tf->x[1]) : 0;
}

/* ---- sleeping ---- */

/* Sleep on until r->deadline; r->args[0]: where the rest is to be told, 0: nowhere. */
static long sleep_on(struct task *t, struct restart *r)
{
	struct __kernel_timespec rest;
	uint64_t now;

	if (!thread_sleep_until(r->deadline, true))
		return 0;
	now = timer_now();
	if (now >= r->deadline)
		return 0;
	rest = ns_timespec(r->deadline - now);
	if (r->args[0] && put_user(rest, r->args[0]))
		return -EFAULT;
	t->restart = *r;
	return -ERESTART_RESTARTBLOCK;
}

static long sleep_for(const struct __kernel_timespec *ts, uint64_t rest)
{
	struct restart r = { .call = sleep_on, .args = { rest } };

	r.deadline = deadline_after(timespec_ns(ts));
	return sleep_on(task_current(), &r);
}

long sys_nanosleep(struct trapframe *tf)
{
	struct __kernel_timespec ts;

	if (get_user(ts, tf->x[0]))
		return -EFAULT;
	return timespec_valid(&ts) ? sleep_for(&ts, tf->x[1]) : -EINVAL;
}

long sys_clock_nanosleep(struct trapframe *tf)
{
	struct __kernel_timespec ts;
	int clock = (int)tf->x[0];
	uint64_t deadline;

	if (clock_deadline(clock, 0, &deadline))
		return -EINVAL;
	if (get_user(ts, tf->x[2]))
		return -EFAULT;
	if (!timespec_valid(&ts))
		return -EINVAL;
	if (!(tf->x[1] & TIMER_ABSTIME))
		return sleep_for(&ts, tf->x[3]);
	clock_deadline(clock, timespec_ns(&ts), &deadline);
	return thread_sleep_until(deadline, true) ? -ERESTARTNOHAND : 0;
}

/* ---- process times ---- */

#define TICK_NS (NS_PER_S / 100) /* AT_CLKTCK is 100 */

long sys_times(struct trapframe *tf)
{
	struct process *p = task_current()->process;
	/* struct tms: user, system, and both of the children waited for */
	long tms[4] = { (long)(process_runtime(p) / TICK_NS), 0,
			(long)(p->children_runtime_ns / TICK_NS), 0 };

	if (tf->x[0] && copy_to_user(tf->x[0], tms, sizeof(tms)))
		return -EFAULT;
	return (long)(timer_now() / TICK_NS);
}
