/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ELF: a program's segments become areas of its address space, file pages mapped private, the
 * rest anonymous. Entered from exec.c with a space that is still being built; the ends of pages
 * that a segment's file part does not fill are cleared later, through the program's own addresses.
 * Nothing a file says is believed unchecked. The format: System V ABI, chapter 4 and 5.
 */
#include "linux/process/elf_image.h"

#include <linux/auxvec.h>
#include <linux/elf.h>
#include <linux/errno.h>
#include <linux/mman.h>
#include <asm/hwcap.h>

#include "arch/sysreg.h"
#include "arch/usercopy.h"
#include "lib/bits.h"
#include "lib/string.h"

#define PHDRS_MAX 32

static int read_exactly(struct file *f, void *to, size_t size, uint64_t at)
{
	ssize_t n = file_read_kernel(f, to, size, (loff_t)at);

	return n < 0 ? (int)n : (size_t)n == size ? 0 : -ENOEXEC;
}

static bool header_valid(const Elf64_Ehdr *h)
{
	return !memcmp(h->e_ident, ELFMAG, SELFMAG) && h->e_ident[EI_CLASS] == ELFCLASS64 &&
	       h->e_ident[EI_DATA] == ELFDATA2LSB && h->e_machine == EM_AARCH64 &&
	       (h->e_type == ET_EXEC || h->e_type == ET_DYN) &&
	       h->e_phentsize == sizeof(Elf64_Phdr) && h->e_phnum && h->e_phnum <= PHDRS_MAX;
}

static bool segment_valid(const Elf64_Phdr *p)
{
	return p->p_filesz <= p->p_memsz && user_range_ok(p->p_vaddr, p->p_memsz) &&
	       (p->p_vaddr - p->p_offset) % PAGE_SIZE == 0 &&
	       p->p_offset + p->p_filesz >= p->p_offset;
}

/* The span of all segments, page aligned. */
static int span(const Elf64_Phdr *phdrs, unsigned count, uint64_t *low, uint64_t *high)
{
	*low = UINT64_MAX;
	*high = 0;
	for (const Elf64_Phdr *p = phdrs; p < phdrs + count; p++) {
		if (p->p_type != PT_LOAD)
			continue;
		if (!segment_valid(p))
			return -ENOEXEC;
		*low = min(*low, align_down(p->p_vaddr, PAGE_SIZE));
		*high = max(*high, align_up(p->p_vaddr + p->p_memsz, PAGE_SIZE));
	}
	return *high > *low ? 0 : -ENOEXEC;
}

static uint32_t prot_of(const Elf64_Phdr *p)
{
	return (p->p_flags & PF_R ? PROT_READ : 0) | (p->p_flags & PF_W ? PROT_WRITE : 0) |
	       (p->p_flags & PF_X ? PROT_EXEC : 0);
}

static int map_segment(struct space *s, struct file *f, const Elf64_Phdr *p,
		       struct elf_image *image)
{
	uint64_t start = image->base + p->p_vaddr, va = align_down(start, PAGE_SIZE);
	uint64_t file_end = start + p->p_filesz,
		 zero = p->p_filesz ? align_up(file_end, PAGE_SIZE) : va;
	uint64_t end = align_up(start + p->p_memsz, PAGE_SIZE);
	uint32_t flags = MAP_PRIVATE | MAP_FIXED;
	int err = 0;

	if (p->p_filesz)
		err = space_map(s, &va, zero - va, prot_of(p), flags, f,
				align_down(p->p_offset, PAGE_SIZE));
	if (!err && end > zero)
		err = space_map(s, &zero, end - zero, prot_of(p), flags, NULL, 0);
	if (err || p->p_memsz == p->p_filesz || !p->p_filesz || file_end == zero ||
	    !(p->p_flags & PF_W))
		return err;
	if (image->tail_count == ARRAY_SIZE(image->tails))
		return -ENOEXEC;
	image->tails[image->tail_count++] = (struct elf_tail){ file_end, zero - file_end };
	return 0;
}

/* Decide where the program goes: base is what is added to its addresses. */
static int find_base(struct space *s, const Elf64_Ehdr *h, uint64_t low, uint64_t high, uint64_t at,
		     uint64_t *base)
{
	int err;

	if (h->e_type == ET_EXEC) {
		*base = 0;
		return 0;
	}
	if (at) {
		*base = at - low;
		return user_range_ok(at, high - low) ? 0 : -ENOMEM;
	}
	err = space_map(s, &at, high - low, PROT_NONE, MAP_PRIVATE, NULL, 0);
	*base = at - low;
	return err;
}

static int read_interpreter(struct file *f, const Elf64_Phdr *p, struct elf_image *image)
{
	int err;

	if (p->p_filesz < 2 || p->p_filesz > sizeof(image->interpreter))
		return -ENOEXEC;
	err = read_exactly(f, image->interpreter, p->p_filesz, p->p_offset);
	return err ? err : image->interpreter[p->p_filesz - 1] ? -ENOEXEC : 0;
}

static int load_segments(struct space *s, struct file *f, const Elf64_Ehdr *h,
			 const Elf64_Phdr *phdrs, struct elf_image *image)
{
	int err = 0;

	for (const Elf64_Phdr *p = phdrs; p < phdrs + h->e_phnum && !err; p++) {
		if (p->p_type == PT_INTERP)
			err = read_interpreter(f, p, image);
		if (p->p_type != PT_LOAD)
			continue;
		err = map_segment(s, f, p, image);
		if (h->e_phoff >= p->p_offset && h->e_phoff < p->p_offset + p->p_filesz)
			image->phdr = image->base + p->p_vaddr + (h->e_phoff - p->p_offset);
	}
	return err;
}

int elf_load(struct space *s, struct file *f, uint64_t at, struct elf_image *image)
{
	Elf64_Ehdr h;
	Elf64_Phdr phdrs[PHDRS_MAX];
	uint64_t low, high;
	int err = read_exactly(f, &h, sizeof(h), 0);

	memset(image, 0, sizeof(*image));
	if (err)
		return err;
	if (!header_valid(&h))
		return -ENOEXEC;
	err = read_exactly(f, phdrs, h.e_phnum * sizeof(*phdrs), h.e_phoff);
	if (!err)
		err = span(phdrs, h.e_phnum, &low, &high);
	if (!err)
		err = find_base(s, &h, low, high, at, &image->base);
	if (err)
		return err;
	image->entry = image->base + h.e_entry;
	image->phnum = h.e_phnum;
	image->end = image->base + high;
	return load_segments(s, f, &h, phdrs, image);
}

int elf_finish(const struct elf_image *image)
{
	int err = 0;

	for (unsigned i = 0; i < image->tail_count && !err; i++)
		err = clear_user(image->tails[i].va, image->tails[i].size);
	return err;
}

/* ---- what the CPU can do at EL0 (DDI 0487 D19.2: the ID registers) ---- */

struct capability {
	uint8_t shift, least; /* the field, and the value from which on it is there */
	uint32_t hwcap;
};

static uint64_t capabilities(uint64_t id, const struct capability *c, size_t count)
{
	uint64_t caps = 0;

	for (const struct capability *end = c + count; c < end; c++) {
		if ((id >> c->shift & 15) >= c->least)
			caps |= c->hwcap;
	}
	return caps;
}

uint64_t elf_hwcap(void)
{
	static const struct capability isar0[] = {
		{ 4, 1, HWCAP_AES },	   { 4, 2, HWCAP_PMULL },     { 8, 1, HWCAP_SHA1 },
		{ 12, 1, HWCAP_SHA2 },	   { 12, 2, HWCAP_SHA512 },   { 16, 1, HWCAP_CRC32 },
		{ 20, 2, HWCAP_ATOMICS },  { 28, 1, HWCAP_ASIMDRDM }, { 32, 1, HWCAP_SHA3 },
		{ 36, 1, HWCAP_SM3 },	   { 40, 1, HWCAP_SM4 },      { 44, 1, HWCAP_ASIMDDP },
		{ 48, 1, HWCAP_ASIMDFHM }, { 52, 1, HWCAP_FLAGM },
	};
	static const struct capability isar1[] = {
		{ 0, 1, HWCAP_DCPOP },	{ 12, 1, HWCAP_JSCVT },	 { 16, 1, HWCAP_FCMA },
		{ 20, 1, HWCAP_LRCPC }, { 20, 2, HWCAP_ILRCPC }, { 36, 1, HWCAP_SB },
	};
	static const struct capability pfr0[] = {
		{ 16, 1, HWCAP_FPHP },
		{ 20, 1, HWCAP_ASIMDHP },
		{ 48, 1, HWCAP_DIT },
	};

	return HWCAP_FP | HWCAP_ASIMD |
	       capabilities(sysreg_read(id_aa64isar0_el1), isar0, ARRAY_SIZE(isar0)) |
	       capabilities(sysreg_read(id_aa64isar1_el1), isar1, ARRAY_SIZE(isar1)) |
	       capabilities(sysreg_read(id_aa64pfr0_el1), pfr0, ARRAY_SIZE(pfr0));
}
