/* SPDX-License-Identifier: BSD-2-Clause */
/* A program that is about to start, between exec.c and exec_stack.c. */
#pragma once

#include "linux/process/elf_image.h"
#include "mm/page.h"

#define ARGS_ORDER 6 /* of the block for strings: 256 KiB */
#define ARGS_SIZE  (PAGE_SIZE << ARGS_ORDER)
#define ARGS_MAX   (ARGS_SIZE / 2) /* the strings; a script's additions need room too */

#define AUXV_WORDS (2 * 20) /* of the auxiliary vector, with its end */

/* Arguments and environment on their way: strings one after the other. */
struct args {
	char *block;
	size_t used;
	unsigned argc, envc;
};

struct program {
	struct file *file;
	const char *name; /* AT_EXECFN */
	struct space *space;
	struct elf_image image, interpreter;
	struct args args;
};

/* Append the strings of a NULL-terminated array, and count them. -E2BIG, -EFAULT. */
int args_add_user(struct args *a, uint64_t array, unsigned *count);
int args_add_kernel(struct args *a, char *const strings[], unsigned *count);
/* Put a string before all others: it becomes argument 0. -E2BIG. */
int args_prepend(struct args *a, const char *s);
void args_drop_first(struct args *a);

/* Write the initial stack; *sp is what the program begins with. The space is the current one.
 * -EFAULT. */
int program_stack(const struct program *p, uint64_t *sp);
