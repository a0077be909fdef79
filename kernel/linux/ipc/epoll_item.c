/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What epoll files watch: struct epoll_item. An item waits on its file's queues; when one is
 * woken the item goes to its epoll's ready list, in whatever context that is. Entered from
 * epoll.c only, which has the rules of locking at its head.
 */
#include "linux/ipc/epoll_item.h"

#include <asm/poll.h>

#include "lib/bits.h"
#include "lib/check.h"
#include "mm/slab.h"

#define NESTING_MAX 6 /* levels of epoll files that watch each other, man 2 epoll_ctl ELOOP */

struct mutex epoll_structure = { .waiters = WAIT_QUEUE_INIT(epoll_structure.waiters) };

/* ---- the ready list ---- */

void epoll_item_ready(struct epoll_item *item)
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

/* A watched file's queue was woken: any context, under that queue's lock. */
static bool item_wake(struct wait_entry *e, uint32_t key)
{
	struct epoll_item *item = container_of(e, struct item_wait, wait)->item;
	uint32_t wanted = item->event.events & ~EVENT_FLAGS;

	if (!wanted || (key && !(key & wanted)))
		return false;
	epoll_item_ready(item);
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

uint32_t epoll_item_ask(const struct epoll_item *item, struct poll_table *table)
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

/* HOLDS(epoll_structure), HOLDS(ep->lock) */
void epoll_item_remove(struct epoll_item *item)
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

/* ---- adding and changing ---- */

/* Levels of epoll files from f down, f included; above NESTING_MAX if `seek` is among them.
 * HOLDS(epoll_structure) */
static unsigned levels_below(const struct file *f, const struct file *seek, unsigned level)
{
	unsigned deepest = 1;

	if (f == seek || level > NESTING_MAX)
		return NESTING_MAX + 1;
	for (struct rb_node *n = rb_first(&((struct epoll *)f->data)->items); n; n = rb_next(n)) {
		const struct file *below = rb_entry(n, struct epoll_item, node)->file;

		if (epoll_is(below))
			deepest = max(deepest, 1 + levels_below(below, seek, level + 1));
	}
	return deepest;
}

/* Levels of epoll files from f up, f included. HOLDS(epoll_structure) */
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
int epoll_nesting_check(const struct file *watcher, const struct file *f)
{
	unsigned levels;

	if (!epoll_is(f))
		return 0;
	levels = levels_below(f, watcher, 1) + levels_above(watcher, 1);
	return levels > NESTING_MAX ? -ELOOP : 0;
}

/* HOLDS(epoll_structure), HOLDS(ep->lock) */
int epoll_item_add(struct epoll *ep, struct file *file, int fd, const struct epoll_event *event)
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
	if (epoll_item_ask(item, &table.table)) {
		epoll_item_ready(item);
		wake_up(&ep->queue, POLLIN | POLLRDNORM);
	}
	return 0;
}

/* HOLDS(epoll_structure), HOLDS(ep->lock) */
int epoll_item_change(struct epoll *ep, struct file *file, int fd, const struct epoll_event *event)
{
	struct rb_node *parent, **link;
	struct epoll_item *item = item_find(ep, file, fd, &parent, &link);

	if (!item)
		return -ENOENT;
	if ((item->event.events | event->events) & EPOLLEXCLUSIVE)
		return -EINVAL;
	item_set_event(item, event);
	if (epoll_item_ask(item, NULL)) {
		epoll_item_ready(item);
		wake_up(&ep->queue, POLLIN | POLLRDNORM);
	}
	return 0;
}

/* HOLDS(epoll_structure), HOLDS(ep->lock) */
int epoll_item_drop(struct epoll *ep, const struct file *file, int fd)
{
	struct rb_node *parent, **link;
	struct epoll_item *item = item_find(ep, file, fd, &parent, &link);

	if (!item)
		return -ENOENT;
	epoll_item_remove(item);
	return 0;
}
