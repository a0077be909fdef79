/* SPDX-License-Identifier: BSD-2-Clause */
/* virtqueue.c against a device of the test's own, an honest one and a liar. */
#include "drivers/virtqueue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mm/page.h"
#include "tap.h"

void *page_alloc_zeroed(unsigned order)
{
	void *page = order ? NULL : aligned_alloc(PAGE_SIZE, PAGE_SIZE);

	if (page)
		memset(page, 0, PAGE_SIZE);
	return page;
}

void page_free(void *va)
{
	free(va);
}

static struct virtqueue q;
static uint16_t seen; /* the device's place in the avail ring */
static int tokens[1000];

static void start(unsigned size)
{
	expect_eq(virtqueue_init(&q, size), 0);
	seen = 0;
}

static void end(void)
{
	virtqueue_destroy(&q);
}

static int add(unsigned count, int token)
{
	struct virtqueue_buffer b[8];

	for (unsigned i = 0; i < count; i++)
		b[i] = (struct virtqueue_buffer){ { 0x1000 * (i + 1) + (unsigned)token },
						  10 + i,
						  i + 1 == count };
	return virtqueue_add(&q, b, count, &tokens[token]);
}

/* The device does the next chain; how many descriptors it had. */
static unsigned device_step(uint32_t written)
{
	uint16_t head = q.avail->ring[seen++ % q.size], at = head;
	unsigned n = 1;

	for (; q.desc[at].flags & VRING_DESC_F_NEXT; at = q.desc[at].next)
		n++;
	q.used->ring[q.used->idx % q.size] = (struct vring_used_elem){ head, written };
	q.used->idx++;
	return n;
}

TEST(a_chain_goes_out_and_comes_back)
{
	uint32_t written = 0;
	uint16_t head;

	start(4);
	expect_eq(add(3, 7), 0);
	expect_eq(q.avail->idx, 1);
	head = q.avail->ring[0];
	expect_eq(q.desc[head].addr, 0x1007);
	expect_eq(q.desc[head].len, 10);
	expect_eq(q.desc[head].flags, VRING_DESC_F_NEXT);
	head = q.desc[q.desc[head].next].next;
	expect_eq(q.desc[head].addr, 0x3007);
	expect_eq(q.desc[head].flags, VRING_DESC_F_WRITE);
	expect(!virtqueue_take(&q, &written));
	expect_eq(device_step(99), 3);
	expect(virtqueue_take(&q, &written) == &tokens[7]);
	expect_eq(written, 99);
	expect(!virtqueue_take(&q, &written));
	expect_eq(q.free_count, 4);
	end();
}

TEST(a_full_queue_refuses_and_recovers)
{
	uint32_t written;

	start(4);
	expect_eq(add(2, 1), 0);
	expect_eq(add(3, 2), -ENOSPC);
	expect_eq(add(2, 3), 0);
	expect_eq(add(1, 4), -ENOSPC);
	device_step(0);
	device_step(0);
	expect(virtqueue_take(&q, &written) == &tokens[1]);
	expect(virtqueue_take(&q, &written) == &tokens[3]);
	expect_eq(add(4, 5), 0);
	end();
}

TEST(indices_run_over)
{
	uint32_t written;

	start(8);
	for (int i = 0; i < 70000; i++) {
		int token = i % 1000;

		if (add(1 + (unsigned)i % 3, token) || device_step(1) != 1 + (unsigned)i % 3 ||
		    virtqueue_take(&q, &written) != &tokens[token])
			expect(!"round trip");
	}
	expect_eq(q.free_count, 8);
	end();
}

TEST(a_lying_device_is_not_believed)
{
	uint32_t written;

	start(4);
	expect_eq(add(2, 1), 0);
	q.used->ring[0].id = 1000; /* out of range */
	q.used->ring[1].id = 3;	   /* not with the device */
	q.used->ring[2].id = 0;
	q.used->ring[3].id = 0; /* twice */
	q.used->idx = 4;
	expect(virtqueue_take(&q, &written) == &tokens[1]);
	expect(!virtqueue_take(&q, &written));
	expect_eq(q.free_count, 4);
	end();
}
