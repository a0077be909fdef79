/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading cpio archives, format "newc" (man 5 cpio; Linux' initramfs buffer format): a header of
 * 110 characters of hexadecimal numbers, the name, the data, each part padded to four bytes.
 * Pure: the archive may be anything, and nothing outside [archive, archive + size) is read.
 */
#include "linux/fs/cpio.h"

#include <linux/errno.h>

#include "lib/bits.h"
#include "lib/string.h"

/* The header: six characters of magic, then numbers of eight. */
#define MAGIC_LENGTH  6
#define NUMBER_LENGTH 8
#define HEADER_LENGTH 110

enum number {
	INO,
	MODE,
	UID,
	GID,
	NLINK,
	MTIME,
	FILESIZE,
	DEV_MAJOR,
	DEV_MINOR,
	RDEV_MAJOR,
	RDEV_MINOR,
	NAMESIZE,
	CHECKSUM,
	NUMBERS
};
_Static_assert(MAGIC_LENGTH + NUMBERS * NUMBER_LENGTH == HEADER_LENGTH, "man 5 cpio");

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 'a' - 'A';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_numbers(const char *header, uint32_t numbers[NUMBERS])
{
	for (unsigned i = 0; i < NUMBERS; i++) {
		numbers[i] = 0;
		for (unsigned k = 0; k < NUMBER_LENGTH; k++) {
			int digit = hex_digit(header[MAGIC_LENGTH + i * NUMBER_LENGTH + k]);

			if (digit < 0)
				return false;
			numbers[i] = numbers[i] << 4 | (uint32_t)digit;
		}
	}
	return true;
}

static void fill_in(struct cpio_entry *e, const uint32_t n[NUMBERS])
{
	e->ino = n[INO];
	e->mode = n[MODE];
	e->uid = n[UID];
	e->gid = n[GID];
	e->nlink = n[NLINK];
	e->mtime = n[MTIME];
	e->dev_major = n[DEV_MAJOR];
	e->dev_minor = n[DEV_MINOR];
	e->rdev_major = n[RDEV_MAJOR];
	e->rdev_minor = n[RDEV_MINOR];
	e->size = n[FILESIZE];
	e->name_length = n[NAMESIZE] - 1;
}

/* One entry, trailers included, at *offset. */
static int read_entry(const char *archive, size_t size, size_t *offset, struct cpio_entry *e)
{
	const char *header = archive + *offset;
	uint32_t numbers[NUMBERS];
	size_t name, data;

	if (size - *offset < HEADER_LENGTH)
		return -EINVAL;
	if (memcmp(header, "070701", MAGIC_LENGTH) && memcmp(header, "070702", MAGIC_LENGTH))
		return -EINVAL;
	if (!read_numbers(header, numbers) || !numbers[NAMESIZE])
		return -EINVAL;
	fill_in(e, numbers);
	name = *offset + HEADER_LENGTH;
	if (numbers[NAMESIZE] > size - name || archive[name + e->name_length])
		return -EINVAL;
	data = align_up(name + numbers[NAMESIZE], 4);
	if (data > size || e->size > size - data)
		return -EINVAL;
	e->name = archive + name;
	e->data = (const uint8_t *)archive + data;
	*offset = min(align_up(data + e->size, 4), size);
	return 1;
}

int cpio_next(const void *archive, size_t size, size_t *offset, struct cpio_entry *e)
{
	for (;;) {
		int found;

		while (*offset < size && !((const char *)archive)[*offset])
			++*offset;
		if (*offset == size)
			return 0;
		found = read_entry(archive, size, offset, e);
		if (found < 0 || strcmp(e->name, "TRAILER!!!"))
			return found;
	}
}
