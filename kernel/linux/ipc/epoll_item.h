/* SPDX-License-Identifier: BSD-2-Clause */
/* Between epoll.c and epoll_item.c: epoll files and what they watch. */
#pragma once

#include <linux/eventpoll.h>

#include "lib/rbtree.h"
#include "linux/fs/file.h"

#define QUEUES_MAX 2 /* queues that one file's poll() may join */

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
	struct list file_link;	  /* file->watches. epoll_structure */
	unsigned queue_count;
	struct item_wait {
		struct wait_entry wait;
		struct wait_queue *queue;
		struct epoll_item *item;
	} waits[QUEUES_MAX];
};

/* Covers every change of who watches what, in the whole system. */
extern struct mutex epoll_structure;

bool epoll_is(const struct file *f);
static inline bool epoll_any_ready(const struct epoll *ep)
{
	return !list_empty(&ep->ready);
}
/* Put an item on the ready list, if it is not there. Any context. */
void epoll_item_ready(struct epoll_item *item);
/* What the program wants and the file has now; joins the file's queues if table is not NULL. */
uint32_t epoll_item_ask(const struct epoll_item *item, struct poll_table *table);

/* All of these: HOLDS(epoll_structure), HOLDS(ep->lock). */
int epoll_item_add(struct epoll *ep, struct file *file, int fd, const struct epoll_event *event);
int epoll_item_change(struct epoll *ep, struct file *file, int fd, const struct epoll_event *event);
int epoll_item_drop(struct epoll *ep, const struct file *file, int fd);
void epoll_item_remove(struct epoll_item *item);
/* -ELOOP: if watcher watched f, wake-ups would run in a ring or through too many levels. */
int epoll_nesting_check(const struct file *watcher, const struct file *f);
