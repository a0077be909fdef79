/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Small calls that ask about the machine and the process: uname(2), sysinfo, prctl, limits,
 * getrandom, reboot.
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/personality.h>
#include <linux/prctl.h>
#include <linux/random.h>
#include <linux/reboot.h>
#include <linux/resource.h>
#include <linux/sysinfo.h>
#include <linux/utsname.h>

#include "arch/power.h"
#include "arch/usercopy.h"
#include "drivers/entropy.h"
#include "lib/bits.h"
#include "lib/printk.h"
#include "lib/string.h"
#include "linux/fs/fd.h"
#include "linux/process/process.h"
#include "linux/process/sve.h"
#include "linux/syscalls.h"
#include "linux/time/time.h"
#include "linux/uname.h"
#include "mm/page.h"

/* ---- names ---- */

/* The release says which Linux the calls are those of: programs compare it. */
static struct new_utsname names = {
	.sysname = "Linux",
	.nodename = "stet",
	.release = "6.1.0-stet",
	.version = "Stet",
	.machine = "aarch64",
	.domainname = "(none)",
};
static struct mutex names_lock = { .waiters =
					   WAIT_QUEUE_INIT(names_lock.waiters) }; /* covers names */

void uname_get(struct new_utsname *out)
{
	mutex_lock(&names_lock);
	*out = names;
	mutex_unlock(&names_lock);
}

long sys_uname(struct trapframe *tf)
{
	struct new_utsname copy;

	uname_get(&copy);
	return put_user(copy, tf->x[0]);
}

static long set_name(char *name, uint64_t from, uint64_t size)
{
	char new[__NEW_UTS_LEN + 1] = { 0 };

	if (size > __NEW_UTS_LEN)
		return -EINVAL;
	if (copy_from_user(new, from, size))
		return -EFAULT;
	mutex_lock(&names_lock);
	memcpy(name, new, sizeof(new));
	mutex_unlock(&names_lock);
	return 0;
}

long sys_sethostname(struct trapframe *tf)
{
	return set_name(names.nodename, tf->x[0], tf->x[1]);
}

long sys_setdomainname(struct trapframe *tf)
{
	return set_name(names.domainname, tf->x[0], tf->x[1]);
}

/* ---- the process ---- */

static long set_thread_name(uint64_t from)
{
	char *name = thread_current()->name;
	size_t size = sizeof(thread_current()->name);
	ssize_t length = copy_string_from_user(name, from, size);

	if (length == -ENAMETOOLONG)
		name[size - 1] = 0; /* cut, as Linux does */
	return length == -EFAULT ? -EFAULT : 0;
}

long sys_prctl(struct trapframe *tf)
{
	switch ((int)tf->x[0]) {
	case PR_SET_NAME:
		return set_thread_name(tf->x[1]);
	case PR_GET_NAME:
		return copy_to_user(tf->x[1], thread_current()->name,
				    sizeof(thread_current()->name));
	case PR_GET_DUMPABLE:
		return 1;
	case PR_SET_DUMPABLE:
		return tf->x[1] <= 1 ? 0 : -EINVAL;
	case PR_SET_TIMERSLACK:
		return 0;
	case PR_GET_TIMERSLACK:
		return 1;
	case PR_SET_NO_NEW_PRIVS:
		return tf->x[1] == 1 && !tf->x[2] && !tf->x[3] && !tf->x[4] ? 0 : -EINVAL;
	case PR_SVE_SET_VL:
		return sve_set_length(task_current(), tf->x[1]);
	case PR_SVE_GET_VL:
		return sve_get_length(task_current());
	case PR_SET_KEEPCAPS:
		return tf->x[1] <= 1 ? 0 : -EINVAL;
	default:
		return -EINVAL;
	}
}

/* The one personality there is; no addresses are random, whether debuggers ask for it or not. */
long sys_personality(struct trapframe *tf)
{
	struct process *p = task_current()->process;
	uint32_t wanted = (uint32_t)tf->x[0], old = p->personality;

	if (wanted == 0xffffffff)
		return old;
	if (wanted & ~ADDR_NO_RANDOMIZE)
		return -EINVAL;
	p->personality = wanted;
	return old;
}

/* ---- limits ---- */

static long set_limit(struct process *p, unsigned resource, const uint64_t limit[2])
{
	if (limit[0] > limit[1])
		return -EINVAL;
	if (resource == RLIMIT_NOFILE && limit[1] > FD_MAX)
		return -EPERM;
	if (limit[1] > p->rlimits[resource][1] && p->uid.effective)
		return -EPERM;
	p->rlimits[resource][0] = limit[0];
	p->rlimits[resource][1] = limit[1];
	if (resource == RLIMIT_NOFILE) {
		struct fd_table *fds = process_fds(p);

		if (fds) {
			fd_table_set_limit(fds, (unsigned)limit[0]);
			fd_table_release(fds);
		}
	}
	return 0;
}

static long limits(struct process *p, uint32_t resource, uint64_t new, uint64_t old)
{
	uint64_t limit[2], before[2];
	long err = 0;

	if (resource >= RLIM_NLIMITS)
		return -EINVAL;
	memcpy(before, p->rlimits[resource], sizeof(before));
	if (new) {
		if (get_user(limit, new))
			return -EFAULT;
		err = set_limit(p, resource, limit);
	}
	if (!err && old)
		err = copy_to_user(old, before, sizeof(before));
	return err;
}

long sys_prlimit64(struct trapframe *tf)
{
	int pid = (int)tf->x[0];
	struct process *p = process_get(pid ? pid : task_current()->process->pid);
	long err;

	if (!p)
		return -ESRCH;
	err = limits(p, (uint32_t)tf->x[1], tf->x[2], tf->x[3]);
	process_put(p);
	return err;
}

long sys_getrlimit(struct trapframe *tf)
{
	return tf->x[1] ? limits(task_current()->process, (uint32_t)tf->x[0], 0, tf->x[1])
			: -EFAULT;
}

long sys_setrlimit(struct trapframe *tf)
{
	return tf->x[1] ? limits(task_current()->process, (uint32_t)tf->x[0], tf->x[1], 0)
			: -EFAULT;
}

long sys_getrusage(struct trapframe *tf)
{
	struct process *p = task_current()->process;
	struct rusage usage = { 0 };
	uint64_t ns;

	switch ((int)tf->x[0]) {
	case RUSAGE_SELF:
		ns = process_runtime(p);
		break;
	case RUSAGE_CHILDREN:
		ns = p->children_runtime_ns;
		break;
	case RUSAGE_THREAD:
		ns = timer_ticks_to_ns(thread_current()->runtime);
		break;
	default:
		return -EINVAL;
	}
	usage.ru_utime.tv_sec = (long)(ns / NS_PER_S);
	usage.ru_utime.tv_usec = (long)(ns % NS_PER_S / 1000);
	usage.ru_maxrss = (long)(p->space->resident / 1024);
	return put_user(usage, tf->x[1]);
}

/* ---- the machine ---- */

long sys_sysinfo(struct trapframe *tf)
{
	struct sysinfo info = { .uptime = (long)(timer_now() / NS_PER_S), .mem_unit = 1 };
	struct process *p = NULL;

	info.totalram = page_total() * PAGE_SIZE;
	info.freeram = page_free_count() * PAGE_SIZE;
	while ((p = process_after(p)))
		info.procs++;
	return put_user(info, tf->x[0]);
}

long sys_getrandom(struct trapframe *tf)
{
	uint64_t size = min(tf->x[1], (uint64_t)INT32_MAX), flags = (uint32_t)tf->x[2];
	uint8_t bytes[256];
	struct iter it;
	int err;

	if (flags & ~(uint64_t)(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE) ||
	    (flags & GRND_RANDOM && flags & GRND_INSECURE))
		return -EINVAL;
	err = flags & GRND_INSECURE ? 0 : entropy_ready(!(flags & GRND_NONBLOCK));
	if (err)
		return err == -EINTR ? -ERESTARTSYS : err;
	if (!user_range_ok(tf->x[0], size))
		return -EFAULT;
	iter_user(&it, tf->x[0], size);
	while (!err && iter_left(&it)) {
		size_t n = min(iter_left(&it), sizeof(bytes));

		entropy_get(bytes, n);
		err = iter_put(&it, bytes, n);
		thread_checkpoint();
	}
	return iter_moved(&it, size, err);
}

long sys_reboot(struct trapframe *tf)
{
	uint32_t magic = (uint32_t)tf->x[1];

	if ((uint32_t)tf->x[0] != LINUX_REBOOT_MAGIC1 ||
	    (magic != LINUX_REBOOT_MAGIC2 && magic != LINUX_REBOOT_MAGIC2A &&
	     magic != LINUX_REBOOT_MAGIC2B && magic != LINUX_REBOOT_MAGIC2C))
		return -EINVAL;
	switch ((uint32_t)tf->x[2]) {
	case LINUX_REBOOT_CMD_POWER_OFF:
	case LINUX_REBOOT_CMD_HALT:
		machine_power_off(0);
	case LINUX_REBOOT_CMD_RESTART:
		machine_reboot();
	case LINUX_REBOOT_CMD_CAD_ON:
	case LINUX_REBOOT_CMD_CAD_OFF:
		return 0;
	default:
		return -EINVAL;
	}
}
