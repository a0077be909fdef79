/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * signalfd (man 2): signals taken by read() instead of a handler. What is pending and the waking
 * are signal.c's; a reader takes the signals of the task that reads.
 */
#include <asm/poll.h>
#include <linux/fcntl.h>
#include <linux/signalfd.h>

#include "arch/usercopy.h"
#include "linux/fs/file.h"
#include "linux/signal/signal.h"
#include "linux/syscalls.h"
#include "linux/process/task.h"
#include "mm/slab.h"

static uint64_t mask_of(const struct file *f)
{
	return __atomic_load_n((const uint64_t *)f->data, __ATOMIC_RELAXED);
}

static bool any_pending(const struct file *f)
{
	return signal_pending_set() & mask_of(f);
}

/* man 2 signalfd: which fields mean something depends on the code; the others read as zero. */
static void fill(struct signalfd_siginfo *out, const siginfo_t *info)
{
	*out = (struct signalfd_siginfo){
		.ssi_signo = (uint32_t)info->si_signo,
		.ssi_errno = info->si_errno,
		.ssi_code = info->si_code,
	};
	if (info->si_signo == SIGCHLD && info->si_code > 0) {
		out->ssi_pid = (uint32_t)info->si_pid;
		out->ssi_uid = info->si_uid;
		out->ssi_status = info->si_status;
		out->ssi_utime = (uint64_t)info->si_utime;
		out->ssi_stime = (uint64_t)info->si_stime;
	} else if (info->si_code <= 0) { /* kill, tgkill, sigqueue */
		out->ssi_pid = (uint32_t)info->si_pid;
		out->ssi_uid = info->si_uid;
		out->ssi_int = info->si_int;
		out->ssi_ptr = (uint64_t)(uintptr_t)info->si_ptr;
	} else if (info->si_code != SI_KERNEL) {
		out->ssi_addr = (uint64_t)(uintptr_t)info->si_addr;
	}
}

static ssize_t signalfd_read(struct file *f, struct iter *to, loff_t *pos)
{
	size_t start = iter_left(to);
	int err = 0;

	(void)pos;
	if (start < sizeof(struct signalfd_siginfo))
		return -EINVAL;
	while (!err && iter_left(to) >= sizeof(struct signalfd_siginfo)) {
		struct signalfd_siginfo out;
		siginfo_t info;

		if (signal_take(mask_of(f), &info)) {
			fill(&out, &info);
			err = iter_put(to, &out, sizeof(out));
		} else if (start != iter_left(to)) {
			break;
		} else if (file_nonblocking(f)) {
			err = -EAGAIN;
		} else if (wait_event_interruptible(&task_current()->process->signal_wait,
						    any_pending(f))) {
			err = -ERESTARTSYS;
		}
	}
	return iter_moved(to, start, err);
}

static uint32_t signalfd_poll(struct file *f, struct poll_table *table)
{
	poll_wait(table, &task_current()->process->signal_wait);
	return any_pending(f) ? POLLIN | POLLRDNORM : 0;
}

static void signalfd_release(struct file *f)
{
	kfree(f->data);
}

static const struct file_ops signalfd_ops = {
	.read = signalfd_read,
	.poll = signalfd_poll,
	.release = signalfd_release,
};

static long create(uint64_t mask, uint32_t flags)
{
	uint64_t *data = kmalloc(sizeof(*data));
	struct file *f;
	int fd;

	if (!data)
		return -ENOMEM;
	*data = mask;
	f = file_create(&signalfd_ops, data, O_RDWR | (flags & O_NONBLOCK));
	if (!f) {
		kfree(data);
		return -ENOMEM;
	}
	fd = fd_install(f, flags & SFD_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}

static long change(int fd, uint64_t mask)
{
	struct file *f = fd_get(fd);
	long result = fd;

	if (!f)
		return -EBADF;
	if (f->ops == &signalfd_ops)
		__atomic_store_n((uint64_t *)f->data, mask, __ATOMIC_RELAXED);
	else
		result = -EINVAL;
	file_put(f);
	return result;
}

long sys_signalfd4(struct trapframe *tf)
{
	int fd = (int)tf->x[0];
	uint32_t flags = (uint32_t)tf->x[3];
	uint64_t mask;

	if ((flags & ~(SFD_CLOEXEC | SFD_NONBLOCK)) || tf->x[2] != sizeof(mask))
		return -EINVAL;
	if (get_user(mask, tf->x[1]))
		return -EFAULT;
	mask &= ~(signal_bit(SIGKILL) | signal_bit(SIGSTOP));
	return fd == -1 ? create(mask, flags) : change(fd, mask);
}
