/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * epoll (man 7 epoll). An item is one watched (file, descriptor) of one epoll file. It waits on the
 * file's queues; when one is woken the item goes to the ready list, in whatever context that is.
 * epoll_wait() takes items off the list and asks each file what is really ready.
 *
 * Locks, in this order: structure_lock (every change of who watches what, in the whole system; rare);
 * epoll.lock (the tree of items, and turns of epoll_wait()); a watched file's queue lock;
 * epoll.ready_lock (the ready list; taken with interrupts masked).
 * A watched file holds no reference: when its last one goes, file_put() removes its items.
 */
#include "linux/epoll.h"

#include <asm/poll.h>
#include <linux/eventpoll.h>
#include <linux/fcntl.h>

#include "arch/usercopy.h"
#include "lib/bits.h"
#include "lib/check.h"
#include "lib/rbtree.h"
#include "linux/fd.h"
#include "linux/poller.h"
#include "linux/signal.h"
#include "linux/syscalls.h"
#include "mm/slab.h"

#define QUEUES_MAX  2 /* queues that one file's poll() may join */
#define NESTING_MAX 6 /* levels of epoll files that watch each other, man 2 epoll_ctl ELOOP */

/* Bits of events that are no readiness. */
#define EVENT_FLAGS (EPOLLET | EPOLLONESHOT | EPOLLWAKEUP | EPOLLEXCLUSIVE)

struct epoll {
	struct mutex lock;
	struct rb_tree items; /* by file and descriptor */
	struct spinlock ready_lock;
	struct list ready;
	struct wait_queue queue; /* epoll_wait() and whoever polls this file */
	const struct file *self;
};

struct epoll_item {
	struct rb_node node;
	struct epoll *epoll;
	struct file *file;
	int fd;
	struct epoll_event event; /* events 0 but for flags: disabled by EPOLLONESHOT */
	struct list ready_link;	  /* a ring of itself: not in the list. ready_lock */
	struct list file_link;	  /* file->watches. structure_lock */
	unsigned queue_count;
	struct item_wait {
		struct wait_entry wait;
		struct wait_queue *queue;
		struct epoll_item *item;
	} waits[QUEUES_MAX];
};

static struct mutex structure_lock = { .waiters = WAIT_QUEUE_INIT(structure_lock.waiters) };

/* ---- the ready list ---- */

static void make_ready(struct epoll_item *item)
{
	struct epoll *ep = item->epoll;
	uint64_t daif = spin_lock_irqsave(&ep->ready_lock);

	if (list_empty(&item->ready_link))
		list_append(&ep->ready, &item->ready_link);
	spin_unlock_irqrestore(&ep->ready_lock, daif);
}

static void make_unready(struct epoll_item *item)
{
	uint64_t daif = spin_lock_irqsave(&item->epoll->ready_lock);

	list_remove(&item->ready_link);
	spin_unlock_irqrestore(&item->epoll->ready_lock, daif);
}

static bool any_ready(struct epoll *ep)
{
	return !list_empty(&ep->ready);
}

/* A watched file's queue was woken: any context, under that queue's lock. */
static bool item_wake(struct wait_entry *e, uint32_t key)
{
	struct epoll_item *item = container_of(e, struct item_wait, wait)->item;
	uint32_t wanted = item->event.events & ~EVENT_FLAGS;

	if (!wanted || (key && !(key & wanted)))
		return false;
	make_ready(item);
	if (item->event.events & EPOLLEXCLUSIVE)
		wake_up_one(&item->epoll->queue, POLLIN | POLLRDNORM);
	else
		wake_up(&item->epoll->queue, POLLIN | POLLRDNORM);
	return true;
}

/* ---- items ---- */

struct item_table {
	struct poll_table table;
	struct epoll_item *item;
};

static void item_join(struct poll_table *table, struct wait_queue *queue)
{
	struct epoll_item *item = container_of(table, struct item_table, table)->item;
	struct item_wait *w = &item->waits[item->queue_count];

	check(item->queue_count < QUEUES_MAX);
	item->queue_count++;
	*w = (struct item_wait){
		.wait = { .func = item_wake, .exclusive = item->event.events & EPOLLEXCLUSIVE },
		.queue = queue,
		.item = item,
	};
	wait_add(queue, &w->wait);
}

static uint32_t ask(const struct epoll_item *item, struct poll_table *table)
{
	uint32_t ready = item->file->ops->poll(item->file, table);

	return ready & item->event.events & ~EVENT_FLAGS;
}

static int item_compare(const struct file *file, int fd, const struct epoll_item *item)
{
	if (file != item->file)
		return file < item->file ? -1 : 1;
	return fd < item->fd ? -1 : fd > item->fd;
}

/* HOLDS(ep->lock) */
static struct epoll_item *item_find(struct epoll *ep, const struct file *file, int fd,
				    struct rb_node **parent, struct rb_node ***link)
{
	*parent = NULL;
	*link = &ep->items.root;
	while (**link) {
		struct epoll_item *item = rb_entry(**link, struct epoll_item, node);
		int order = item_compare(file, fd, item);

		if (!order)
			return item;
		*parent = **link;
		*link = &(*parent)->child[order > 0];
	}
	return NULL;
}

/* HOLDS(structure_lock), HOLDS(ep->lock) */
static void item_remove(struct epoll_item *item)
{
	for (unsigned i = 0; i < item->queue_count; i++)
		wait_remove(item->waits[i].queue, &item->waits[i].wait);
	make_unready(item);
	rb_remove(&item->epoll->items, &item->node);
	list_remove(&item->file_link);
	kfree(item);
}

/* Errors and hang-ups are always reported (man 2 epoll_ctl). */
static void item_set_event(struct epoll_item *item, const struct epoll_event *event)
{
	item->event = *event;
	item->event.events |= EPOLLERR | EPOLLHUP;
}

/* ---- epoll_ctl ---- */

static bool is_epoll(const struct file *f);

/* Levels of epoll files from f down, f included; above NESTING_MAX if `seek` is among them.
 * HOLDS(structure_lock) */
static unsigned levels_below(const struct file *f, const struct file *seek, unsigned level)
{
	unsigned deepest = 1;

	if (f == seek || level > NESTING_MAX)
		return NESTING_MAX + 1;
	for (struct rb_node *n = rb_first(&((struct epoll *)f->data)->items); n; n = rb_next(n)) {
		const struct file *below = rb_entry(n, struct epoll_item, node)->file;

		if (is_epoll(below))
			deepest = max(deepest, 1 + levels_below(below, seek, level + 1));
	}
	return deepest;
}

/* Levels of epoll files from f up, f included. HOLDS(structure_lock) */
static unsigned levels_above(const struct file *f, unsigned level)
{
	const struct epoll_item *item;
	unsigned deepest = 1;

	if (level > NESTING_MAX)
		return 1;
	list_for_each(item, &f->watches, file_link)
		deepest = max(deepest, 1 + levels_above(item->epoll->self, level + 1));
	return deepest;
}

/* Wake-ups run through all levels on one stack: they must be few, and no ring. */
static int nesting_check(const struct file *watcher, const struct file *f)
{
	unsigned levels;

	if (!is_epoll(f))
		return 0;
	levels = levels_below(f, watcher, 1) + levels_above(watcher, 1);
	return levels > NESTING_MAX ? -ELOOP : 0;
}

/* HOLDS(structure_lock), HOLDS(ep->lock) */
static int item_add(struct epoll *ep, struct file *file, int fd, const struct epoll_event *event)
{
	struct rb_node *parent, **link;
	struct epoll_item *item;
	struct item_table table = { .table = { .add = item_join } };

	if (item_find(ep, file, fd, &parent, &link))
		return -EEXIST;
	item = kzalloc(sizeof(*item));
	if (!item)
		return -ENOMEM;
	item->epoll = ep;
	item->file = file;
	item->fd = fd;
	item_set_event(item, event);
	list_init(&item->ready_link);
	rb_insert(&ep->items, &item->node, parent, link);
	list_append(&file->watches, &item->file_link);
	table.item = item;
	if (ask(item, &table.table)) {
		make_ready(item);
		wake_up(&ep->queue, POLLIN | POLLRDNORM);
	}
	return 0;
}

/* HOLDS(structure_lock), HOLDS(ep->lock) */
static int item_change(struct epoll *ep, struct file *file, int fd, const struct epoll_event *event)
{
	struct rb_node *parent, **link;
	struct epoll_item *item = item_find(ep, file, fd, &parent, &link);

	if (!item)
		return -ENOENT;
	if ((item->event.events | event->events) & EPOLLEXCLUSIVE)
		return -EINVAL;
	item_set_event(item, event);
	if (ask(item, NULL)) {
		make_ready(item);
		wake_up(&ep->queue, POLLIN | POLLRDNORM);
	}
	return 0;
}

/* HOLDS(structure_lock), HOLDS(ep->lock) */
static int item_drop(struct epoll *ep, const struct file *file, int fd)
{
	struct rb_node *parent, **link;
	struct epoll_item *item = item_find(ep, file, fd, &parent, &link);

	if (!item)
		return -ENOENT;
	item_remove(item);
	return 0;
}

/* HOLDS(structure_lock), HOLDS(ep->lock) */
static int control_locked(struct file *epf, int op, struct file *f, int fd,
			  const struct epoll_event *event)
{
	int err;

	switch (op) {
	case EPOLL_CTL_ADD:
		err = nesting_check(epf, f);
		return err ? err : item_add(epf->data, f, fd, event);
	case EPOLL_CTL_MOD:
		return item_change(epf->data, f, fd, event);
	case EPOLL_CTL_DEL:
		return item_drop(epf->data, f, fd);
	default:
		return -EINVAL;
	}
}

/* man 2 epoll_ctl, EPOLLEXCLUSIVE: only with these, only on ADD, not for epoll files. */
static bool exclusive_ok(int op, const struct file *f, uint32_t events)
{
	if (op == EPOLL_CTL_DEL || !(events & EPOLLEXCLUSIVE))
		return true;
	return op == EPOLL_CTL_ADD && !is_epoll(f) &&
	       !(events & ~(EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET |
			    EPOLLEXCLUSIVE));
}

static int control(struct file *epf, int op, struct file *f, int fd, const struct epoll_event *event)
{
	struct epoll *ep = epf->data;
	int err;

	if (!f->ops->poll)
		return -EPERM;
	if (!is_epoll(epf) || epf == f || !exclusive_ok(op, f, event->events))
		return -EINVAL;
	mutex_lock(&structure_lock);
	mutex_lock(&ep->lock);
	err = control_locked(epf, op, f, fd, event);
	mutex_unlock(&ep->lock);
	mutex_unlock(&structure_lock);
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

	mutex_lock(&structure_lock);
	list_for_each_safe(item, next, &f->watches, file_link) {
		struct epoll *ep = item->epoll;

		mutex_lock(&ep->lock);
		item_remove(item);
		mutex_unlock(&ep->lock);
	}
	mutex_unlock(&structure_lock);
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
	struct epoll_event event = { .events = ask(item, NULL), .data = item->event.data };

	if (!event.events)
		return 0;
	if (put_user(event, user)) {
		make_ready(item);
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
		err = wait_event_timeout(&ep->queue, any_ready(ep), deadline);
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
	else if (!is_epoll(fd.file))
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
		if (ask(item, NULL)) {
			make_ready(item);
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

	mutex_lock(&structure_lock);
	mutex_lock(&ep->lock);
	while ((n = rb_first(&ep->items)))
		item_remove(rb_entry(n, struct epoll_item, node));
	mutex_unlock(&ep->lock);
	mutex_unlock(&structure_lock);
	kfree(ep);
}

static const struct file_ops epoll_ops = {
	.poll = epoll_poll,
	.release = epoll_release,
};

static bool is_epoll(const struct file *f)
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
