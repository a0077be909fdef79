/* SPDX-License-Identifier: BSD-2-Clause */
/* A doubly linked ring of nodes that live inside their owners; the head is a node of its own. */
#pragma once

#include "lib/types.h"

struct list {
	struct list *next, *prev;
};

#define LIST_INIT(head)                                                                            \
	{                                                                                          \
		&(head), &(head)                                                                   \
	}

static inline void list_init(struct list *head)
{
	head->next = head->prev = head;
}

static inline bool list_empty(const struct list *head)
{
	return head->next == head;
}

static inline void list_insert_between(struct list *node, struct list *prev, struct list *next)
{
	node->prev = prev;
	node->next = next;
	prev->next = node;
	next->prev = node;
}

/* Put node first. */
static inline void list_push(struct list *head, struct list *node)
{
	list_insert_between(node, head, head->next);
}

/* Put node last. */
static inline void list_append(struct list *head, struct list *node)
{
	list_insert_between(node, head->prev, head);
}

/* Take node out and leave it a ring of itself: removing it once more is harmless. */
static inline void list_remove(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

#define list_entry(node, type, member) container_of(node, type, member)
#define list_first(head, type, member) list_entry((head)->next, type, member)

/* for each entry e (a pointer to the owner's type); e must not be removed inside. */
#define list_for_each(e, head, member)                                                             \
	for (e = list_entry((head)->next, __typeof__(*e), member); &e->member != (head);           \
	     e = list_entry(e->member.next, __typeof__(*e), member))

/* The same where e may be removed; n is the next entry. */
#define list_for_each_safe(e, n, head, member)                                                     \
	for (e = list_entry((head)->next, __typeof__(*e), member),                                 \
	    n = list_entry(e->member.next, __typeof__(*e), member);                                \
	     &e->member != (head); e = n, n = list_entry(n->member.next, __typeof__(*e), member))
