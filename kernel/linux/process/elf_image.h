/* SPDX-License-Identifier: BSD-2-Clause */
/* ELF programs in address spaces (linux/process/elf.c), for exec.c. */
#pragma once

#include "linux/fs/file.h"
#include "linux/space/space.h"

struct elf_image {
	uint64_t entry, base; /* where its address 0 lies */
	uint64_t phdr;	      /* address of its program headers */
	uint16_t phnum;
	uint64_t end;	       /* of its last segment, page aligned */
	char interpreter[256]; /* "": none */
	/* What is to be cleared once the space is the current one: ends of file pages. */
	struct elf_tail {
		uint64_t va, size;
	} tails[4];
	unsigned tail_count;
};

/* Map a program into a space that nobody runs in yet; at: where a position-independent one goes,
 * 0: wherever there is room. -ENOEXEC, -ENOMEM, -EIO. */
int elf_load(struct space *s, struct file *f, uint64_t at, struct elf_image *image);
/* Clear what elf_load() left; the space is the current one now. -EFAULT. */
int elf_finish(const struct elf_image *image);
uint64_t elf_hwcap(void); /* AT_HWCAP of this machine */
