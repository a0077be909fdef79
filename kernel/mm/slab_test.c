/* SPDX-License-Identifier: BSD-2-Clause */
/* Small objects: sizes, alignment, random use against marks, what is given back, misuse. */
#include "mm/slab.h"

#include <setjmp.h>
#include <stdio.h>

#include "host/memory.h"
#include "tap.h"

static jmp_buf stopped;
static bool expecting_panic;

_Noreturn void panic(const char *format, ...)
{
	if (expecting_panic)
		longjmp(stopped, 1);
	fprintf(stderr, "panic: %s\n", format);
	abort();
}

TEST(objects_are_aligned_and_apart)
{
	host_memory(32 * BLOCK_SIZE);
	for (size_t size = 0; size <= 5000; size++) {
		char *a = kmalloc(size), *b = kmalloc(size);

		expect(a && b && a != b);
		expect(!((uintptr_t)a % 16) && !((uintptr_t)b % 16));
		memset(a, 1, size);
		memset(b, 2, size);
		for (size_t i = 0; i < size; i++)
			expect(a[i] == 1);
		kfree(a);
		kfree(b);
	}
	kfree(NULL);
}

struct mark {
	unsigned char *p;
	size_t size;
	unsigned char byte;
};

static void check_mark(const struct mark *m, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (m->p[i] != m->byte) {
			expect_eq(m->p[i], m->byte);
			return;
		}
	}
}

static size_t random_size(void)
{
	return (size_t)(rand() % 20 ? rand() % 700 : rand() % 20000);
}

static void one_step(struct mark *m)
{
	if (m->p && rand() % 3 == 0) {
		size_t size = random_size();

		m->p = krealloc(m->p, size);
		check_mark(m, size < m->size ? size : m->size);
		m->size = size;
	} else if (m->p) {
		check_mark(m, m->size);
		kfree(m->p);
		m->p = NULL;
		return;
	} else {
		m->size = random_size();
		m->p = kmalloc(m->size);
	}
	m->byte = (unsigned char)rand();
	memset(m->p, m->byte, m->size);
}

TEST(random_use_keeps_contents_and_gives_all_back)
{
	static struct mark marks[1000];
	uint64_t free_before;

	free_before = page_free_count() + slab_pages();
	srand(3);
	for (int round = 0; round < 100000; round++)
		one_step(&marks[rand() % 1000]);
	expect_eq(page_free_count() + slab_pages(), free_before);
	for (int i = 0; i < 1000; i++)
		kfree(marks[i].p);
	expect(slab_pages() <= 15); /* one a class */
	expect_eq(page_free_count() + slab_pages(), free_before);
}

TEST(zeroed_counted_and_copied)
{
	char *p = kmalloc(100);
	char *s;

	memset(p, 0xff, 100);
	kfree(p);
	p = kzalloc(100);
	for (int i = 0; i < 100; i++)
		expect_eq(p[i], 0);
	kfree(p);
	expect(!kcalloc(SIZE_MAX / 8, 9));
	s = kstrdup("stet");
	expect(!strcmp(s, "stet"));
	kfree(s);
	expect(!kmalloc(BLOCK_SIZE + 1));
	p = kmalloc(BLOCK_SIZE);
	expect(p != NULL);
	kfree(p);
}

TEST(no_memory_is_null_and_realloc_keeps_the_old)
{
	char *keep, *large;
	void **chain = NULL;

	keep = kmalloc(40);
	keep[39] = 7;
	for (void **p; (p = kmalloc(1000)); chain = p)
		*p = chain;
	expect(!krealloc(keep, 1000));
	expect_eq(keep[39], 7);
	for (void **next; chain; chain = next) {
		next = *chain;
		kfree(chain);
	}
	large = krealloc(keep, 100000);
	expect_eq(large[39], 7);
	kfree(large);
}

TEST(freeing_twice_stops_the_machine)
{
	char *volatile p = kmalloc(64);
	volatile bool caught = false;

	kfree(p);
	expect_eq(p[20], 0x6b);
	expecting_panic = true;
	if (setjmp(stopped))
		caught = true;
	else
		kfree(p);
	expecting_panic = false;
	expect(caught);
}
