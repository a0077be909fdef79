/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtqueues as a hostile guest would fill them. Guest memory is exactly as large as the sanitizer
 * thinks, so a read or write outside it fails the test. The last test feeds random rings: whatever
 * they hold, a request that is handed out must lie in guest memory.
 */
#include "virtqueue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

#define BASE	   0x40000000ull
#define SIZE	   0x4000ull
#define QUEUE_SIZE 8
#define DESC	   (BASE + 0x0000)
#define AVAIL	   (BASE + 0x1000)
#define USED	   (BASE + 0x2000)
#define BUFFERS	   (BASE + 0x3000)

static struct guest_memory memory;
static struct virtqueue queue;
static struct virtqueue_chain chain;

static void setup(void)
{
	free(memory.host);
	memory = (struct guest_memory){ .host = aligned_alloc(4096, SIZE),
					.base = BASE,
					.size = SIZE };
	memset(memory.host, 0, SIZE);
	queue = (struct virtqueue){
		.memory = &memory,
		.size = QUEUE_SIZE,
		.desc_address = DESC,
		.avail_address = AVAIL,
		.used_address = USED,
	};
	expect(virtqueue_start(&queue) == 0);
}

static void set_desc(unsigned index, uint64_t address, uint32_t length, uint16_t flags,
		     uint16_t next)
{
	queue.desc[index] = (struct vring_desc){ address, length, flags, next };
}

static void offer(uint16_t head)
{
	queue.avail->ring[queue.avail->idx % QUEUE_SIZE] = head;
	queue.avail->idx++;
}

/* Offer the chain at 0 and expect that it is refused. */
static void expect_refused(void)
{
	offer(0);
	expect(virtqueue_pop(&queue, &chain) == -EPROTO);
}

TEST(start_refuses_sizes)
{
	static const uint32_t bad[] = { 0, 3, 512, 0x80000000 };

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		setup();
		queue.size = bad[i];
		expect(virtqueue_start(&queue) == -EINVAL);
	}
}

TEST(start_refuses_addresses)
{
	setup();
	queue.desc_address = DESC + 8;
	expect(virtqueue_start(&queue) == -EINVAL);
	queue.desc_address = BASE - 16;
	expect(virtqueue_start(&queue) == -EINVAL);
	queue.desc_address = ~0ull - 15;
	expect(virtqueue_start(&queue) == -EINVAL);
	queue.desc_address = DESC;
	queue.avail_address = AVAIL + 1;
	expect(virtqueue_start(&queue) == -EINVAL);
	queue.avail_address = AVAIL;
	queue.used_address = BASE + SIZE - 4;
	expect(virtqueue_start(&queue) == -EINVAL);
	queue.used_address = USED + 2;
	expect(virtqueue_start(&queue) == -EINVAL);
}

TEST(pops_nothing_from_an_empty_queue)
{
	setup();
	expect(virtqueue_pop(&queue, &chain) == 0);
}

TEST(pops_a_chain_and_pushes_it_back)
{
	setup();
	set_desc(5, BUFFERS, 16, VRING_DESC_F_NEXT, 2);
	set_desc(2, BUFFERS + 16, 32, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, 7);
	set_desc(7, BUFFERS + 48, 1, VRING_DESC_F_WRITE, 0);
	offer(5);
	expect(virtqueue_pop(&queue, &chain) == 1);
	expect(chain.head == 5 && chain.readable == 1 && chain.writable == 2);
	expect(chain.iov[0].iov_base == memory.host + 0x3000 && chain.iov[0].iov_len == 16);
	expect(chain.iov[2].iov_base == memory.host + 0x3030 && chain.iov[2].iov_len == 1);
	virtqueue_push(&queue, &chain, 33);
	expect(queue.used->idx == 1 && queue.used->ring[0].id == 5);
	expect(queue.used->ring[0].len == 33);
	expect(virtqueue_pop(&queue, &chain) == 0);
}

TEST(wraps_around)
{
	setup();
	queue.avail->idx = queue.next_avail = queue.next_used = 0xfffe;
	queue.used->idx = 0xfffe;
	set_desc(1, BUFFERS, 4, 0, 0);
	for (unsigned i = 0; i < 5; i++) {
		offer(1);
		expect(virtqueue_pop(&queue, &chain) == 1);
		virtqueue_push(&queue, &chain, 0);
	}
	expect(queue.used->idx == 3);
	expect(virtqueue_pop(&queue, &chain) == 0);
}

TEST(refuses_an_index_too_far_ahead)
{
	setup();
	queue.avail->idx = QUEUE_SIZE + 1;
	expect(virtqueue_pop(&queue, &chain) == -EPROTO);
}

TEST(refuses_a_head_outside_the_table)
{
	setup();
	offer(QUEUE_SIZE);
	expect(virtqueue_pop(&queue, &chain) == -EPROTO);
}

TEST(refuses_a_next_outside_the_table)
{
	setup();
	set_desc(0, BUFFERS, 4, VRING_DESC_F_NEXT, 0xffff);
	expect_refused();
}

TEST(refuses_a_circle)
{
	setup();
	set_desc(0, BUFFERS, 4, VRING_DESC_F_NEXT, 1);
	set_desc(1, BUFFERS, 4, VRING_DESC_F_NEXT, 0);
	expect_refused();
}

TEST(takes_a_chain_as_long_as_the_table)
{
	setup();
	for (unsigned i = 0; i < QUEUE_SIZE; i++)
		set_desc(i, BUFFERS, 4, i + 1 < QUEUE_SIZE ? VRING_DESC_F_NEXT : 0,
			 (uint16_t)(i + 1));
	offer(0);
	expect(virtqueue_pop(&queue, &chain) == 1);
	expect(chain.readable == QUEUE_SIZE);
}

TEST(refuses_buffers_outside_memory)
{
	static const struct {
		uint64_t address;
		uint32_t length;
	} bad[] = {
		{ 0, 1 },
		{ BASE - 1, 2 },
		{ BASE + SIZE, 1 },
		{ BASE + SIZE - 1, 2 },
		{ BASE, 0xffffffff },
		{ ~0ull, 2 },
		{ ~0ull - 3, 0xffffffff },
	};

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		setup();
		set_desc(0, bad[i].address, bad[i].length, 0, 0);
		expect_refused();
	}
}

TEST(refuses_readable_after_writable)
{
	setup();
	set_desc(0, BUFFERS, 4, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, 1);
	set_desc(1, BUFFERS, 4, 0, 0);
	expect_refused();
}

TEST(refuses_indirect_tables)
{
	setup();
	set_desc(0, BUFFERS, 16, VRING_DESC_F_INDIRECT, 0);
	expect_refused();
}

TEST(notifications_and_interrupts_follow_the_flags)
{
	setup();
	expect(!virtqueue_set_notify(&queue, false));
	expect(queue.used->flags == VRING_USED_F_NO_NOTIFY);
	offer(0);
	expect(virtqueue_set_notify(&queue, true));
	expect(queue.used->flags == 0);
	expect(virtqueue_wants_interrupt(&queue));
	queue.avail->flags = VRING_AVAIL_F_NO_INTERRUPT;
	expect(!virtqueue_wants_interrupt(&queue));
}

TEST(iov_take_crosses_buffers)
{
	char a[] = "abc", b[] = "defg", out[8] = { 0 };
	struct iovec buffers[] = { { a, 3 }, { NULL, 0 }, { b, 4 } };
	struct iovec *iov = buffers;
	unsigned count = 3;

	expect(iov_take(&iov, &count, out, 5) == 5);
	expect(!strcmp(out, "abcde"));
	expect(count == 1 && iov->iov_len == 2);
	expect(iov_take(&iov, &count, NULL, 5) == 2);
	expect(count == 0);
	expect(iov_take(&iov, &count, out, 1) == 0);
}

TEST(iov_put_stops_at_the_end)
{
	char a[2], b[3];
	struct iovec buffers[] = { { a, 2 }, { b, 3 } };

	expect(iov_put(buffers, 2, "123456789", 9) == 5);
	expect(!memcmp(a, "12", 2) && !memcmp(b, "345", 3));
	expect(iov_put(buffers, 0, "1", 1) == 0);
}

TEST(iov_drop_last_skips_empty_buffers)
{
	uint8_t a[2];
	struct iovec buffers[] = { { a, 2 }, { NULL, 0 } };
	unsigned count = 2;

	expect(iov_drop_last(buffers, &count) == &a[1]);
	expect(count == 1 && buffers[0].iov_len == 1);
	expect(iov_drop_last(buffers, &count) == &a[0]);
	expect(iov_drop_last(buffers, &count) == NULL);
	expect(count == 0);
}

/* Touch all of a request: the sanitizer sees what is outside. */
static unsigned touch(void)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < chain.readable + chain.writable; i++) {
		const struct iovec *iov = &chain.iov[i];

		expect((uint8_t *)iov->iov_base >= memory.host);
		expect((uint8_t *)iov->iov_base + iov->iov_len <= memory.host + SIZE);
		for (size_t j = 0; j < iov->iov_len; j++)
			sum += ((uint8_t *)iov->iov_base)[j];
	}
	return sum;
}

static uint64_t random_address(void)
{
	switch (rand() % 4) {
	case 0:
		return (uint64_t)rand() << 33 ^ (uint64_t)rand();
	case 1:
		return BASE + SIZE - (uint64_t)(rand() % 8);
	default:
		return BASE + (uint64_t)rand() % SIZE;
	}
}

TEST(random_rings_never_leave_memory)
{
	unsigned popped = 0;

	srand(1);
	for (unsigned round = 0; round < 20000; round++) {
		if (round % 100 == 0)
			setup();
		for (unsigned i = 0; i < QUEUE_SIZE; i++)
			set_desc(i, random_address(), (uint32_t)rand() % 64,
				 (uint16_t)(rand() & rand() & 7), (uint16_t)(rand() % 10));
		offer((uint16_t)(rand() % 9));
		if (virtqueue_pop(&queue, &chain) == 1) {
			popped++;
			touch();
			virtqueue_push(&queue, &chain, (uint32_t)rand());
		}
	}
	expect(popped > 1000);
}
