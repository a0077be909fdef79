/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Iterators: the bytes of one read() or write(), in the program's memory or the kernel's, in one
 * piece or in segments. File operations move through them without knowing which it is.
 *
 * A program's memory faults by pages. When a piece cannot be copied whole it is copied again page
 * by page, so that the iterator stands exactly where the bad page begins: Linux returns the bytes
 * moved until there.
 */
#include "arch/usercopy.h"
#include "lib/bits.h"
#include "lib/check.h"
#include "lib/string.h"
#include "linux/fs/file.h"

enum direction { PUT, GET, ZERO };

void iter_user(struct iter *it, uint64_t uva, size_t size)
{
	*it = (struct iter){ .user = true, .uva = uva, .left = size, .total = size };
}

void iter_kernel(struct iter *it, void *kva, size_t size)
{
	*it = (struct iter){ .kva = kva, .left = size, .total = size };
}

void iter_segments(struct iter *it, const struct iter_segment *segments, unsigned count)
{
	*it = (struct iter){ .user = true, .segments = segments, .segment_count = count };
	for (unsigned i = 0; i < count; i++)
		it->total += segments[i].length;
}

static void next_segment(struct iter *it)
{
	check(it->segment_count);
	it->uva = it->segments->base;
	it->left = it->segments->length;
	it->segments++;
	it->segment_count--;
}

static void advance(struct iter *it, size_t size)
{
	it->uva += size; /* kva too: one union */
	it->left -= size;
	it->total -= size;
}

static int move_user(uint64_t uva, void *kernel, size_t size, enum direction direction)
{
	switch (direction) {
	case PUT:
		return copy_to_user(uva, kernel, size);
	case GET:
		return copy_from_user(kernel, uva, size);
	default:
		return clear_user(uva, size);
	}
}

static int move_user_by_pages(struct iter *it, uint8_t *kernel, size_t size,
			      enum direction direction)
{
	while (size) {
		size_t n = min(size, (size_t)(PAGE_SIZE - (it->uva & PAGE_MASK)));
		int err = move_user(it->uva, kernel, n, direction);

		if (err)
			return err;
		advance(it, n);
		kernel += n;
		size -= n;
	}
	return 0;
}

static void move_kernel(uint8_t *kva, void *other, size_t size, enum direction direction)
{
	if (direction == PUT)
		memcpy(kva, other, size);
	else if (direction == GET)
		memcpy(other, kva, size);
	else
		memset(kva, 0, size);
}

static int move_piece(struct iter *it, uint8_t *kernel, size_t size, enum direction direction)
{
	if (!it->user)
		move_kernel(it->kva, kernel, size, direction);
	else if (move_user(it->uva, kernel, size, direction))
		return move_user_by_pages(it, kernel, size, direction);
	advance(it, size);
	return 0;
}

static int move(struct iter *it, uint8_t *kernel, size_t size, enum direction direction)
{
	while (size) {
		size_t n = min(size, it->left);
		int err;

		if (!n) {
			next_segment(it);
			continue;
		}
		err = move_piece(it, kernel, n, direction);
		if (err)
			return err;
		kernel += n;
		size -= n;
	}
	return 0;
}

int iter_put(struct iter *it, const void *from, size_t size)
{
	return move(it, (uint8_t *)from, size, PUT);
}

int iter_get(struct iter *it, void *to, size_t size)
{
	return move(it, to, size, GET);
}

int iter_put_word(struct iter *it, uint64_t word)
{
	if (!it->user || it->left < sizeof(word))
		return iter_put(it, &word, sizeof(word));
	if (user_store64(it->uva, word))
		return -EFAULT;
	advance(it, sizeof(word));
	return 0;
}

int iter_get_word(struct iter *it, uint64_t *word)
{
	if (!it->user || it->left < sizeof(*word))
		return iter_get(it, word, sizeof(*word));
	if (copy_word_from_user(word, it->uva))
		return -EFAULT;
	advance(it, sizeof(*word));
	return 0;
}

int iter_zero(struct iter *it, size_t size)
{
	static uint8_t nothing; /* only an address: ZERO reads no source */

	return move(it, &nothing, size, ZERO);
}
