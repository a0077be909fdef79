/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Small objects. Entered from everybody, in any context that may take a spinlock; goes out to
 * page.c.
 *
 * Each size class has slabs: pages that begin with a struct slab, followed by objects of that size.
 * So an object never begins at a page boundary, and a pointer that does came straight from page.c:
 * kfree() needs no other mark. Slabs with a free object are on their class's list; an empty
 * one goes back to page.c unless it is the last on that list.
 *
 * A freed object is filled with POISON behind the link to the next free one. Reading it shows; a
 * second kfree() of it stops the machine.
 *
 * Lock: one a class, covers its list and slabs. Never held while page.c is called.
 */
#include "mm/slab.h"

#include <stdatomic.h>

#include "arch/spinlock.h"
#include "lib/bits.h"
#include "lib/check.h"
#include "lib/list.h"
#include "lib/string.h"
#include "mm/page.h"

#define POISON	    0x6b
#define POISON_WORD 0x6b6b6b6b6b6b6b6bull
#define SLAB_HEADER 64

struct object {
	struct object *next;
	uint64_t poison;
};

struct slab {
	struct list link; /* in its class's list, or a ring of itself while it is full */
	struct class *class;
	struct object *free;
	unsigned used;
};
_Static_assert(sizeof(struct slab) <= SLAB_HEADER, "objects begin behind the header");

struct class
{
	struct spinlock lock;
	unsigned size; /* a multiple of 16; at least two of them fit behind the header */
	struct list partial;
};

#define CLASS(bytes, n)                                                                            \
	{                                                                                          \
		.size = (bytes), .partial = LIST_INIT(classes[n].partial)                          \
	}

static struct class classes[] = {
	CLASS(16, 0),	CLASS(32, 1),	CLASS(48, 2),	 CLASS(64, 3),	  CLASS(96, 4),
	CLASS(128, 5),	CLASS(192, 6),	CLASS(256, 7),	 CLASS(384, 8),	  CLASS(496, 9),
	CLASS(672, 10), CLASS(800, 11), CLASS(1008, 12), CLASS(1344, 13), CLASS(2016, 14),
};

static _Atomic size_t pages_held;

static struct class *class_for(size_t size)
{
	for (struct class *c = classes; c < classes + ARRAY_SIZE(classes); c++) {
		if (size <= c->size)
			return c;
	}
	return NULL;
}

static bool is_large(const void *p)
{
	return is_aligned((uintptr_t)p, PAGE_SIZE);
}

static struct slab *slab_of(const void *p)
{
	return (struct slab *)align_down((uintptr_t)p, PAGE_SIZE);
}

/* A new slab, its objects chained in the order of their addresses. */
static struct slab *slab_create(struct class *c)
{
	struct slab *slab = page_alloc(0);
	struct object **link;

	if (!slab)
		return NULL;
	atomic_fetch_add_explicit(&pages_held, 1, memory_order_relaxed);
	list_init(&slab->link);
	slab->class = c;
	slab->used = 0;
	link = &slab->free;
	for (unsigned at = SLAB_HEADER; at + c->size <= PAGE_SIZE; at += c->size) {
		*link = (struct object *)((char *)slab + at);
		link = &(*link)->next;
	}
	*link = NULL;
	return slab;
}

static void slab_destroy(struct slab *slab)
{
	atomic_fetch_sub_explicit(&pages_held, 1, memory_order_relaxed);
	page_free(slab);
}

/* An object of a class that has a slab with a free one; NULL otherwise. */
static struct object *class_take(struct class *c) HOLDS(c->lock)
{
	struct object *object;
	struct slab *slab;

	if (list_empty(&c->partial))
		return NULL;
	slab = list_first(&c->partial, struct slab, link);
	object = slab->free;
	slab->free = object->next;
	slab->used++;
	if (!slab->free)
		list_remove(&slab->link);
	return object;
}

static void *class_alloc(struct class *c)
{
	uint64_t daif = spin_lock_irqsave(&c->lock);
	struct object *object = class_take(c);
	struct slab *slab;

	spin_unlock_irqrestore(&c->lock, daif);
	if (object)
		return object;
	slab = slab_create(c);
	if (!slab)
		return NULL;
	daif = spin_lock_irqsave(&c->lock);
	list_push(&c->partial, &slab->link);
	object = class_take(c);
	spin_unlock_irqrestore(&c->lock, daif);
	return object;
}

static void check_not_free(const struct slab *slab, const struct object *object)
{
	if (object->poison != POISON_WORD)
		return;
	for (const struct object *o = slab->free; o; o = o->next)
		check(o != object);
}

static void class_free(struct slab *slab, struct object *object)
{
	struct class *c = slab->class;
	struct slab *empty = NULL;
	uint64_t daif = spin_lock_irqsave(&c->lock);

	check(slab->used && ((uintptr_t)object - (uintptr_t)slab - SLAB_HEADER) % c->size == 0);
	check_not_free(slab, object);
	memset(object, POISON, c->size);
	if (!slab->free)
		list_push(&c->partial, &slab->link);
	object->next = slab->free;
	slab->free = object;
	slab->used--;
	if (!slab->used && c->partial.next != c->partial.prev) {
		list_remove(&slab->link);
		empty = slab;
	}
	spin_unlock_irqrestore(&c->lock, daif);
	if (empty)
		slab_destroy(empty);
}

static void *large_alloc(size_t size)
{
	unsigned order = 0;
	void *p;

	while (order <= PAGE_MAX_ORDER && PAGE_SIZE << order < size)
		order++;
	p = page_alloc(order);
	if (p)
		atomic_fetch_add_explicit(&pages_held, 1ul << order, memory_order_relaxed);
	return p;
}

/* The bytes that may be used at p. */
static size_t usable_size(const void *p)
{
	return is_large(p) ? PAGE_SIZE << page_order(va_to_pa(p)) : slab_of(p)->class->size;
}

void *kmalloc(size_t size)
{
	struct class *c = class_for(size);

	return c ? class_alloc(c) : large_alloc(size);
}

void *kzalloc(size_t size)
{
	void *p = kmalloc(size);

	if (p)
		memset(p, 0, size);
	return p;
}

void *kcalloc(size_t count, size_t size)
{
	size_t all;

	return __builtin_mul_overflow(count, size, &all) ? NULL : kzalloc(all);
}

void *krealloc(void *p, size_t size)
{
	size_t old = p ? usable_size(p) : 0;
	void *new;

	if (p && size <= old && class_for(size) == class_for(old))
		return p;
	new = kmalloc(size);
	if (!new)
		return NULL;
	if (p)
		memcpy(new, p, min(old, size));
	kfree(p);
	return new;
}

void kfree(void *p)
{
	if (!p)
		return;
	if (!is_large(p)) {
		class_free(slab_of(p), p);
		return;
	}
	atomic_fetch_sub_explicit(&pages_held, usable_size(p) / PAGE_SIZE, memory_order_relaxed);
	page_free(p);
}

char *kstrdup(const char *s)
{
	size_t size = strlen(s) + 1;
	char *copy = kmalloc(size);

	if (copy)
		memcpy(copy, s, size);
	return copy;
}

size_t slab_pages(void)
{
	return atomic_load_explicit(&pages_held, memory_order_relaxed);
}
