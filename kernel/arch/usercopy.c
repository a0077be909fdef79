/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The checks of the door between kernel and programs; the copies themselves are usercopy.S. A fault
 * on the way comes back through trap_el2_sync(), which asks linux/space/space.c for the page.
 */
#include "arch/usercopy.h"

#include <linux/errno.h>

#include "lib/bits.h"
#include "lib/string.h"

int usercopy_move(void *to, const void *from, size_t size);
int usercopy_clear(void *to, size_t size);
int usercopy_load64(void *to, const void *from);
int usercopy_load128(void *to, const void *from);
int usercopy_load32(uint32_t *value, const void *from);
int usercopy_store32(void *to, uint32_t value);
int usercopy_cmpxchg32(uint32_t *old, void *at, uint32_t expected, uint32_t desired);

int copy_from_user(void *to, uint64_t from, size_t size)
{
	if (!user_range_ok(from, size))
		return -EFAULT;
	return usercopy_move(to, (const void *)from, size);
}

int copy_word_from_user(void *to, uint64_t from)
{
	if (!user_range_ok(from, 8))
		return -EFAULT;
	return usercopy_load64(to, (const void *)from);
}

int copy_pair_from_user(void *to, uint64_t from)
{
	if (!user_range_ok(from, 16))
		return -EFAULT;
	return usercopy_load128(to, (const void *)from);
}

int copy_to_user(uint64_t to, const void *from, size_t size)
{
	if (!user_range_ok(to, size))
		return -EFAULT;
	return usercopy_move((void *)to, from, size);
}

int clear_user(uint64_t to, size_t size)
{
	if (!user_range_ok(to, size))
		return -EFAULT;
	return usercopy_clear((void *)to, size);
}

/* Page by page, so that a string that ends just before an unmapped page is read. */
ssize_t copy_string_from_user(char *to, uint64_t from, size_t size)
{
	size_t done = 0;

	while (done < size) {
		size_t part = min(size - done, (size_t)(PAGE_SIZE - ((from + done) & PAGE_MASK)));
		char *nul;

		if (copy_from_user(to + done, from + done, part))
			return -EFAULT;
		nul = memchr(to + done, 0, part);
		if (nul)
			return nul - to;
		done += part;
	}
	return -ENAMETOOLONG;
}

int user_load32(uint32_t *value, uint64_t from)
{
	if (!user_range_ok(from, 4) || !is_aligned(from, 4))
		return -EFAULT;
	return usercopy_load32(value, (const void *)from);
}

int user_store32(uint64_t to, uint32_t value)
{
	if (!user_range_ok(to, 4) || !is_aligned(to, 4))
		return -EFAULT;
	return usercopy_store32((void *)to, value);
}

int user_cmpxchg32(uint32_t *old, uint64_t at, uint32_t expected, uint32_t desired)
{
	if (!user_range_ok(at, 4) || !is_aligned(at, 4))
		return -EFAULT;
	return usercopy_cmpxchg32(old, (void *)at, expected, desired);
}
