/* SPDX-License-Identifier: BSD-2-Clause */
/* cpio.c: good archives, joined ones, and every way to damage one. */
#include "linux/fs/cpio.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

/* An archive that grows; each is copied to memory of its exact size before it is read, so that
 * the sanitizer sees a byte too far. */
static char made[8192];
static size_t made_size;

static void start(void)
{
	memset(made, 0, sizeof(made));
	made_size = 0;
}

static void pad(void)
{
	while (made_size % 4)
		made[made_size++] = 0;
}

static void add(const char *name, unsigned mode, const char *data, unsigned size)
{
	made_size += (size_t)sprintf(
		made + made_size, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", 7,
		mode, 1, 2, 3, 0x12345678, size, 4, 5, 6, 9, (unsigned)strlen(name) + 1, 0);
	strcpy(made + made_size, name);
	made_size += strlen(name) + 1;
	pad();
	memcpy(made + made_size, data, size);
	made_size += size;
	pad();
}

static void trailer(void)
{
	add("TRAILER!!!", 0, "", 0);
}

/* Entries that can be read from the first size bytes, or -EINVAL. */
static int count(size_t size)
{
	char *exact = malloc(size ? size : 1);
	struct cpio_entry e;
	size_t offset = 0;
	int n = 0, found;

	memcpy(exact, made, size);
	while ((found = cpio_next(exact, size, &offset, &e)) > 0) {
		n++;
		expect(offset <= size);
		expect(e.data + e.size <= (uint8_t *)exact + size);
	}
	free(exact);
	return found < 0 ? found : n;
}

TEST(an_entry_is_read_whole)
{
	struct cpio_entry e;
	size_t offset = 0;

	start();
	add("bin/sh", 0100755, "hello", 5);
	trailer();
	expect_eq(cpio_next(made, made_size, &offset, &e), 1);
	expect_eq(strcmp(e.name, "bin/sh"), 0);
	expect_eq(e.name_length, 6);
	expect_eq(e.mode, 0100755);
	expect_eq(e.size, 5);
	expect_eq(memcmp(e.data, "hello", 5), 0);
	expect(e.ino == 7 && e.uid == 1 && e.gid == 2 && e.nlink == 3 && e.mtime == 0x12345678);
	expect(e.dev_major == 4 && e.dev_minor == 5 && e.rdev_major == 6 && e.rdev_minor == 9);
	expect_eq(cpio_next(made, made_size, &offset, &e), 0);
	expect_eq(cpio_next(made, made_size, &offset, &e), 0);
}

TEST(joined_archives_are_one)
{
	start();
	expect_eq(count(0), 0);
	add("a", 0100644, "x", 1);
	trailer();
	made_size += 504; /* padding as cpio makes it */
	add("b", 0100644, "", 0);
	add("c", 0100644, "yy", 2);
	trailer();
	made_size += 100;
	expect_eq(count(made_size), 3);
}

TEST(an_archive_may_end_without_trailer)
{
	start();
	add("a", 0100644, "x", 1);
	expect_eq(count(made_size), 1);
	expect_eq(count(made_size - 3), 1); /* without its padding */
}

TEST(a_cut_archive_is_damaged)
{
	size_t whole;

	start();
	add("name", 0100644, "contents", 8);
	whole = made_size;
	for (size_t size = 1; size < whole; size++)
		expect_eq(count(size), -EINVAL);
	expect_eq(count(whole), 1);
}

TEST(lying_sizes_are_refused)
{
	static const char *const bad[] = { "FFFFFFFF", "FFFFFFFC", "80000000",
					   "00001000", "0000000G", "        " };

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		start();
		add("name", 0100644, "contents", 8);
		memcpy(made + 6 + 6 * 8, bad[i], 8); /* FILESIZE */
		expect_eq(count(made_size), -EINVAL);
		start();
		add("name", 0100644, "contents", 8);
		memcpy(made + 6 + 11 * 8, bad[i], 8); /* NAMESIZE */
		expect_eq(count(made_size), -EINVAL);
	}
	start();
	add("name", 0100644, "contents", 8);
	memcpy(made + 6 + 11 * 8, "00000000", 8);
	expect_eq(count(made_size), -EINVAL);
	memcpy(made + 6 + 11 * 8, "00000004", 8); /* its last byte is no NUL */
	expect_eq(count(made_size), -EINVAL);
}

TEST(other_formats_are_refused)
{
	start();
	add("name", 0100644, "contents", 8);
	memcpy(made, "070707", 6);
	expect_eq(count(made_size), -EINVAL);
	memcpy(made, "\x1f\x8b\x08", 3);
	expect_eq(count(made_size), -EINVAL);
	memcpy(made, "070702", 6);
	expect_eq(count(made_size), 1);
}
