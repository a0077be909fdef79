/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * eventfd (man 2 eventfd): a counter that can be waited for. Programs read and write it; irqfd
 * and ioeventfd use it from any context, interrupts included. The lock of its queue covers the
 * counter too: what changes it wakes under the same lock.
 */
#include <asm/poll.h>
#include <linux/fcntl.h>

#include "linux/fs/file.h"
#include "linux/signal/signal.h"
#include "linux/syscalls.h"
#include "mm/slab.h"

#define EFD_SEMAPHORE 1 /* no UAPI header has them in Linux 6.1 */
#define EFD_CLOEXEC   O_CLOEXEC
#define EFD_NONBLOCK  O_NONBLOCK

#define COUNT_MAX (UINT64_MAX - 1) /* what writing may reach; signals may go one further */

struct eventfd {
	struct wait_queue queue;
	uint64_t count; /* changes under queue.lock */
	bool semaphore;
};

static uint64_t count_now(const struct eventfd *e)
{
	return __atomic_load_n(&e->count, __ATOMIC_RELAXED);
}

/* What one read() gives: 0 if it would have to wait. */
static uint64_t take(struct eventfd *e, bool one) HOLDS(e->queue.lock)
{
	uint64_t n = one && e->count ? 1 : e->count;

	__atomic_store_n(&e->count, e->count - n, __ATOMIC_RELAXED);
	return n;
}

static uint64_t take_and_wake(struct eventfd *e)
{
	uint64_t daif = spin_lock_irqsave(&e->queue.lock);
	uint64_t n = take(e, e->semaphore);

	if (n)
		wake_up_locked(&e->queue, POLLOUT | POLLWRNORM);
	spin_unlock_irqrestore(&e->queue.lock, daif);
	return n;
}

/* false: it would pass COUNT_MAX, and nothing has changed. n is at most COUNT_MAX. */
static inline __attribute__((always_inline)) bool add(struct eventfd *e, uint64_t n)
{
	uint64_t daif = spin_lock_irqsave(&e->queue.lock);
	bool fits = e->count <= COUNT_MAX - n;

	if (fits) {
		__atomic_store_n(&e->count, e->count + n, __ATOMIC_RELAXED);
		if (n)
			wake_up_locked(&e->queue, POLLIN | POLLRDNORM);
	}
	spin_unlock_irqrestore(&e->queue.lock, daif);
	return fits;
}

static ssize_t eventfd_read(struct file *f, struct iter *to, loff_t *pos)
{
	struct eventfd *e = f->data;
	uint64_t n;

	(void)pos;
	if (iter_left(to) < sizeof(n))
		return -EINVAL;
	while (!(n = take_and_wake(e))) {
		if (file_nonblocking(f))
			return -EAGAIN;
		if (wait_event_interruptible(&e->queue, count_now(e)))
			return -ERESTARTSYS;
	}
	return iter_put_word(to, n) ? -EFAULT : (ssize_t)sizeof(n);
}

/* The counter has no room for n. */
static __attribute__((noinline)) ssize_t write_waiting(struct file *f, uint64_t n)
{
	struct eventfd *e = f->data;

	do {
		if (file_nonblocking(f))
			return -EAGAIN;
		if (wait_event_interruptible(&e->queue, count_now(e) <= COUNT_MAX - n))
			return -ERESTARTSYS;
	} while (!add(e, n));
	return sizeof(n);
}

static ssize_t eventfd_write(struct file *f, struct iter *from, loff_t *pos)
{
	struct eventfd *e = f->data;
	uint64_t n;

	(void)pos;
	if (iter_left(from) < sizeof(n))
		return -EINVAL;
	if (iter_get_word(from, &n))
		return -EFAULT;
	if (n == UINT64_MAX)
		return -EINVAL;
	return add(e, n) ? (ssize_t)sizeof(n) : write_waiting(f, n);
}

static uint32_t eventfd_poll(struct file *f, struct poll_table *table)
{
	struct eventfd *e = f->data;
	uint64_t count;

	poll_wait(table, &e->queue);
	count = count_now(e);
	return (count ? POLLIN | POLLRDNORM : 0) | (count == UINT64_MAX ? POLLERR : 0) |
	       (count < COUNT_MAX ? POLLOUT | POLLWRNORM : 0);
}

static void eventfd_release(struct file *f)
{
	kfree(f->data);
}

static const struct file_ops eventfd_ops = {
	.read = eventfd_read,
	.write = eventfd_write,
	.poll = eventfd_poll,
	.release = eventfd_release,
};

long sys_eventfd2(struct trapframe *tf)
{
	uint32_t flags = (uint32_t)tf->x[1];
	struct eventfd *e;
	struct file *f;
	int fd;

	if (flags & ~(EFD_SEMAPHORE | EFD_CLOEXEC | EFD_NONBLOCK))
		return -EINVAL;
	e = kzalloc(sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->count = (uint32_t)tf->x[0];
	e->semaphore = flags & EFD_SEMAPHORE;
	wait_queue_init(&e->queue);
	f = file_create(&eventfd_ops, e, O_RDWR | (flags & O_NONBLOCK));
	if (!f) {
		kfree(e);
		return -ENOMEM;
	}
	fd = fd_install(f, flags & EFD_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}

/* ---- for irqfd and ioeventfd ---- */

int eventfd_from_fd(int fd, struct file **out)
{
	struct file *f = fd_get(fd);

	if (!f)
		return -EBADF;
	if (f->ops != &eventfd_ops) {
		file_put(f);
		return -EINVAL;
	}
	*out = f;
	return 0;
}

void eventfd_signal(struct file *eventfd, uint64_t n)
{
	struct eventfd *e = eventfd->data;
	uint64_t daif = spin_lock_irqsave(&e->queue.lock);

	__atomic_store_n(&e->count, e->count > UINT64_MAX - n ? UINT64_MAX : e->count + n,
			 __ATOMIC_RELAXED);
	wake_up_locked(&e->queue, POLLIN | POLLRDNORM);
	spin_unlock_irqrestore(&e->queue.lock, daif);
}

struct wait_queue *eventfd_queue(struct file *eventfd)
{
	return &((struct eventfd *)eventfd->data)->queue;
}

bool eventfd_take(struct file *eventfd)
{
	struct eventfd *e = eventfd->data;
	uint64_t daif = spin_lock_irqsave(&e->queue.lock);
	bool taken = take(e, false);

	spin_unlock_irqrestore(&e->queue.lock, daif);
	return taken;
}

bool eventfd_take_locked(struct file *eventfd) NO_LOCK_ANALYSIS
{
	return take(eventfd->data, false);
}
