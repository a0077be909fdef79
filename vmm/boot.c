/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a Linux guest finds in its memory when it starts: the kernel Image at the bottom, then the
 * device tree, then the initrd. The files are opened and looked at once, before anything else is
 * made, so that a wrong file is said in a line; they are read again, straight into guest memory,
 * each time the guest starts. Manual: Linux's Documentation/arm64/booting.rst.
 */
#include "boot.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report.h"

#define IMAGE_MAGIC	     0x644d5241 /* "ARM\x64", little-endian */
#define IMAGE_BIG_ENDIAN     1u
#define IMAGE_OFFSET_ANCIENT 0x80000 /* before 3.17: text_offset may lie, image_size is zero */

#define KERNEL_ALIGN  (2ull << 20)
#define PAGE_SIZE_MAX 0x10000ull /* a guest may use 64 KiB pages */

struct image_header {
	uint32_t code[2];
	uint64_t text_offset;
	uint64_t image_size;
	uint64_t flags;
	uint64_t reserved[3];
	uint32_t magic;
	uint32_t pe_offset;
};

_Static_assert(offsetof(struct image_header, magic) == 56, "booting.rst");

static uint64_t align_up(uint64_t value, uint64_t align)
{
	return (value + align - 1) & ~(align - 1);
}

void boot_open(struct boot_file *file, const char *what)
{
	struct stat stat;

	file->fd = open(file->path, O_RDONLY | O_CLOEXEC);
	if (file->fd < 0 || fstat(file->fd, &stat))
		die("cannot open %s %s: %m", what, file->path);
	if (!S_ISREG(stat.st_mode))
		die("%s %s is no regular file", what, file->path);
	file->size = (uint64_t)stat.st_size;
	if (!file->size)
		die("%s %s is empty", what, file->path);
}

/* Read [0, bytes) of the file; the rest of `out` is left as it was if the file is shorter. */
static void read_file(const struct boot_file *file, void *out, uint64_t bytes)
{
	uint64_t done = 0;

	while (done < bytes) {
		ssize_t n = pread(file->fd, (uint8_t *)out + done, bytes - done, (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			die("cannot read %s: %m", file->path);
		if (!n)
			return;
		done += (uint64_t)n;
	}
}

/* What the user may have given us in place of an Image. */
static const char *what_it_is(const struct image_header *header)
{
	const uint8_t *bytes = (const uint8_t *)header;

	if (bytes[0] == 0x1f && bytes[1] == 0x8b)
		return "is compressed by gzip (unpack it with gunzip first)";
	if (!memcmp(bytes, "MZ", 2) && !memcmp(bytes + 4, "zimg", 4))
		return "is a compressed EFI image (an arm64 Image is needed)";
	if (!memcmp(bytes, "\177ELF", 4))
		return "is an ELF file (an arm64 Image is needed, made by objcopy -O binary)";
	return "is no arm64 Linux Image";
}

static struct image_header read_header(const struct boot_file *kernel)
{
	struct image_header header = { 0 };

	read_file(kernel, &header, sizeof(header));
	if (le32toh(header.magic) != IMAGE_MAGIC)
		die("kernel %s %s", kernel->path, what_it_is(&header));
	if (le64toh(header.flags) & IMAGE_BIG_ENDIAN)
		die("kernel %s is big-endian", kernel->path);
	return header;
}

void boot_plan(struct boot_layout *layout, const struct boot_file *kernel,
	       const struct boot_file *initrd, uint64_t base, uint64_t size)
{
	struct image_header header = read_header(kernel);
	uint64_t offset = le64toh(header.text_offset), used = le64toh(header.image_size);
	uint64_t end = base + size;

	if (!used)
		offset = IMAGE_OFFSET_ANCIENT;
	if (used < kernel->size)
		used = kernel->size;
	/* Each alone first, so that no sum of theirs can wrap. */
	if (used > size || offset > size || offset + used > size)
		die("kernel %s needs %llu MiB; the guest has %llu MiB", kernel->path,
		    (unsigned long long)(used >> 20) + 1, (unsigned long long)(size >> 20));
	layout->kernel = base + offset;
	layout->kernel_end = layout->kernel + used;
	layout->fdt = align_up(layout->kernel_end, KERNEL_ALIGN);
	layout->initrd = align_up(layout->fdt + FDT_SIZE_MAX, PAGE_SIZE_MAX);
	if (layout->initrd > end)
		die("kernel %s leaves no room for the device tree in %llu MiB", kernel->path,
		    (unsigned long long)(size >> 20));
	layout->initrd_end = layout->initrd;
	if (!initrd)
		return;
	if (initrd->size > end - layout->initrd)
		die("initrd %s (%llu MiB) does not fit into the guest's %llu MiB beside the kernel",
		    initrd->path, (unsigned long long)(initrd->size >> 20) + 1,
		    (unsigned long long)(size >> 20));
	layout->initrd_end = layout->initrd + initrd->size;
}

static void load(const struct boot_file *file, const struct guest_memory *memory, uint64_t address)
{
	void *to = memory_at(memory, address, file->size);

	if (!to)
		die("%s does not fit into guest memory", file->path);
	read_file(file, to, file->size);
}

void boot_load(const struct boot_layout *layout, const struct boot_file *kernel,
	       const struct boot_file *initrd, const struct guest_memory *memory)
{
	load(kernel, memory, layout->kernel);
	if (initrd)
		load(initrd, memory, layout->initrd);
}
