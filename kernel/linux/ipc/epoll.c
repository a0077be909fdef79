/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * epoll (man 7 epoll). An item is one watched (file, descriptor) of one epoll file. It waits on
 * the file's queues; when one is woken the item goes to the ready list, in whatever context that
 * is. epoll_wait() takes items off the list and asks each file what is really ready.
 *
 * Locks, in this order: epoll_structure (every change of who watches what, in the whole system;
 * rare); epoll.lock (the tree of items, and turns of epoll_wait()); a watched file's queue lock;
 * epoll.ready_lock (the ready list; taken with interrupts masked). A watched file holds no
 * reference: when its last one goes, file_put() removes its items.
 */
#include "linux/ipc/epoll.h"

#include <asm/poll.h>
#include <linux/fcntl.h>

#include "arch/usercopy.h"
#include "lib/bits.h"
#include "linux/ipc/epoll_item.h"
#include "linux/ipc/poller.h"
#include "linux/signal/signal.h"
#include "linux/syscalls.h"
#include "mm/slab.h"

/* HOLDS(epoll_structure), HOLDS(ep->lock) */
static int control_locked(struct file *epf, int op, struct file *f, int fd,
			  const struct epoll_event *event)
{
	int err;

	switch (op) {
	case EPOLL_CTL_ADD:
		err = epoll_nesting_check(epf, f);
		return err ? err : epoll_item_add(epf->data, f, fd, event);
	case EPOLL_CTL_MOD:
		return epoll_item_change(epf->data, f, fd, event);
	case EPOLL_CTL_DEL:
		return epoll_item_drop(epf->data, f, fd);
	default:
		return -EINVAL;
	}
}

/* man 2 epoll_ctl, EPOLLEXCLUSIVE: only with these, only on ADD, not for epoll files. */
static bool exclusive_ok(int op, const struct file *f, uint32_t events)
{
	if (op == EPOLL_CTL_DEL || !(events & EPOLLEXCLUSIVE))
		return true;
	return op == EPOLL_CTL_ADD && !epoll_is(f) &&
	       !(events & ~(EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET |
			    EPOLLEXCLUSIVE));
}

static int control(struct file *epf, int op, struct file *f, int fd,
		   const struct epoll_event *event)
{
	struct epoll *ep = epf->data;
	int err;

	if (!f->ops->poll)
		return -EPERM;
	if (!epoll_is(epf) || epf == f || !exclusive_ok(op, f, event->events))
		return -EINVAL;
	mutex_lock(&epoll_structure);
	mutex_lock(&ep->lock);
	err = control_locked(epf, op, f, fd, event);
	mutex_unlock(&ep->lock);
	mutex_unlock(&epoll_structure);
	return err;
}

long sys_epoll_ctl(struct trapframe *tf)
{
	int op = (int)tf->x[1], fd = (int)tf->x[2];
	struct epoll_event event = { 0 };
	struct file *epf, *f;
	long err;

	if (op != EPOLL_CTL_DEL && get_user(event, tf->x[3]))
		return -EFAULT;
	epf = fd_get((int)tf->x[0]);
	if (!epf)
		return -EBADF;
	f = fd_get(fd);
	err = f ? control(epf, op, f, fd, &event) : -EBADF;
	if (f)
		file_put(f);
	file_put(epf);
	return err;
}

void epoll_file_gone(struct file *f)
{
	struct epoll_item *item, *next;

	mutex_lock(&epoll_structure);
	list_for_each_safe(item, next, &f->watches, file_link)
	{
		struct epoll *ep = item->epoll;

		mutex_lock(&ep->lock);
		epoll_item_remove(item);
		mutex_unlock(&ep->lock);
	}
	mutex_unlock(&epoll_structure);
}

/* ---- epoll_wait ---- */

/* The next item of the ready list, off it: a wake-up from now on lists it anew. */
static struct epoll_item *ready_pop(struct epoll *ep)
{
	uint64_t daif = spin_lock_irqsave(&ep->ready_lock);
	struct epoll_item *item = NULL;

	if (!list_empty(&ep->ready)) {
		item = list_first(&ep->ready, struct epoll_item, ready_link);
		list_remove(&item->ready_link);
	}
	spin_unlock_irqrestore(&ep->ready_lock, daif);
	return item;
}

/* Report one item. 1: done; 0: it is not ready after all; -EFAULT. HOLDS(ep->lock) */
static int deliver(struct epoll_item *item, uint64_t user)
{
	struct epoll_event event = { .events = epoll_item_ask(item, NULL),
				     .data = item->event.data };

	if (!event.events)
		return 0;
	if (put_user(event, user)) {
		epoll_item_ready(item);
		return -EFAULT;
	}
	if (item->event.events & EPOLLONESHOT)
		item->event.events &= EVENT_FLAGS;
	return 1;
}

/* Keep an item that stays ready until somebody acts, out of this turn's way. */
static void put_aside(struct epoll_item *item, struct list *aside)
{
	uint64_t daif = spin_lock_irqsave(&item->epoll->ready_lock);

	if (list_empty(&item->ready_link))
		list_append(aside, &item->ready_link);
	spin_unlock_irqrestore(&item->epoll->ready_lock, daif);
}

/* Back to the list's end, so that all get a turn. */
static void take_back(struct epoll *ep, struct list *aside)
{
	uint64_t daif = spin_lock_irqsave(&ep->ready_lock);

	while (!list_empty(aside)) {
		struct list *link = aside->next;

		list_remove(link);
		list_append(&ep->ready, link);
	}
	spin_unlock_irqrestore(&ep->ready_lock, daif);
}

/* HOLDS(ep->lock) */
static int collect(struct epoll *ep, uint64_t user, unsigned most)
{
	struct list aside = LIST_INIT(aside);
	struct epoll_item *item;
	unsigned n = 0;
	int err = 0;

	while (n < most && (item = ready_pop(ep))) {
		err = deliver(item, user + n * sizeof(struct epoll_event));
		if (err < 0)
			break;
		n += (unsigned)err;
		if (err && !(item->event.events & (EPOLLET | EPOLLONESHOT)))
			put_aside(item, &aside);
	}
	take_back(ep, &aside);
	return n ? (int)n : err;
}

static long wait_events(struct epoll *ep, uint64_t user, unsigned most, uint64_t deadline)
{
	for (;;) {
		int n, err;

		mutex_lock(&ep->lock);
		n = collect(ep, user, most);
		mutex_unlock(&ep->lock);
		if (n)
			return n;
		err = wait_event_timeout(&ep->queue, epoll_any_ready(ep), deadline);
		if (err)
			return err == -ETIMEDOUT ? 0 : err;
	}
}

static long epoll_wait(struct trapframe *tf, uint64_t deadline)
{
	struct fd_light fd;
	int most = (int)tf->x[2];
	long n;

	if (most <= 0 || (unsigned)most > INT32_MAX / sizeof(struct epoll_event))
		return -EINVAL;
	if (!user_range_ok(tf->x[1], (unsigned)most * sizeof(struct epoll_event)))
		return -EFAULT;
	n = signal_mask_swap(tf->x[4], tf->x[5]);
	if (n)
		return n;
	fd = fd_get_light((int)tf->x[0]);
	if (!fd.file)
		n = -EBADF;
	else if (!epoll_is(fd.file))
		n = -EINVAL;
	else
		n = wait_events(fd.file->data, tf->x[1], (unsigned)most, deadline);
	fd_put_light(fd);
	signal_mask_unswap(n);
	return n;
}

#define NS_PER_MS 1000000ull

long sys_epoll_pwait(struct trapframe *tf)
{
	int ms = (int)tf->x[3];

	return epoll_wait(tf, ms < 0 ? TIMER_NEVER : timer_now() + (unsigned)ms * NS_PER_MS);
}

long sys_epoll_pwait2(struct trapframe *tf)
{
	uint64_t deadline;
	int err = deadline_from_user(tf->x[3], &deadline);

	return err ? err : epoll_wait(tf, deadline);
}

/* ---- the file ---- */

/* Is one of the listed items ready? Those that are not leave the list. */
static uint32_t epoll_poll(struct file *f, struct poll_table *table)
{
	struct epoll *ep = f->data;
	struct epoll_item *item;
	uint32_t ready = 0;

	poll_wait(table, &ep->queue);
	mutex_lock(&ep->lock);
	while (!ready && (item = ready_pop(ep))) {
		if (epoll_item_ask(item, NULL)) {
			epoll_item_ready(item);
			ready = POLLIN | POLLRDNORM;
		}
	}
	mutex_unlock(&ep->lock);
	return ready;
}

static void epoll_release(struct file *f)
{
	struct epoll *ep = f->data;
	struct rb_node *n;

	mutex_lock(&epoll_structure);
	mutex_lock(&ep->lock);
	while ((n = rb_first(&ep->items)))
		epoll_item_remove(rb_entry(n, struct epoll_item, node));
	mutex_unlock(&ep->lock);
	mutex_unlock(&epoll_structure);
	kfree(ep);
}

static const struct file_ops epoll_ops = {
	.poll = epoll_poll,
	.release = epoll_release,
};

bool epoll_is(const struct file *f)
{
	return f->ops == &epoll_ops;
}

long sys_epoll_create1(struct trapframe *tf)
{
	struct epoll *ep;
	struct file *f;
	int fd;

	if ((int)tf->x[0] & ~EPOLL_CLOEXEC)
		return -EINVAL;
	ep = kzalloc(sizeof(*ep));
	if (!ep)
		return -ENOMEM;
	mutex_init(&ep->lock);
	list_init(&ep->ready);
	wait_queue_init(&ep->queue);
	f = file_create(&epoll_ops, ep, O_RDWR);
	if (!f) {
		kfree(ep);
		return -ENOMEM;
	}
	ep->self = f;
	fd = fd_install(f, (int)tf->x[0] & EPOLL_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}
