/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a program finds on its stack when it starts: argc, argv, envp, the auxiliary vector, and
 * above them the strings (System V ABI for AArch64, 2.3). The strings are collected in one block,
 * from the old program's memory or the kernel's, and written through the new program's addresses.
 */
#include <linux/auxvec.h>
#include <linux/errno.h>

#include "arch/usercopy.h"
#include "drivers/entropy.h"
#include "lib/bits.h"
#include "lib/string.h"
#include "linux/process/process.h"
#include "linux/process/program.h"
#include "linux/process/sve.h"

#define POINTERS_MAX 16384
#define HZ	     100

/* ---- strings ---- */

static int add(struct args *a, const char *s)
{
	size_t size = strlen(s) + 1;

	if (a->used + size > ARGS_MAX)
		return -E2BIG;
	memcpy(a->block + a->used, s, size);
	a->used += size;
	return 0;
}

static int add_user(struct args *a, uint64_t uva)
{
	ssize_t length = copy_string_from_user(a->block + a->used, uva, ARGS_MAX - a->used);

	if (length < 0)
		return length == -ENAMETOOLONG ? -E2BIG : (int)length;
	a->used += (size_t)length + 1;
	return 0;
}

int args_add_user(struct args *a, uint64_t array, unsigned *count)
{
	uint64_t string;
	int err = 0;

	for (*count = 0; array && !err; array += sizeof(string), ++*count) {
		if (get_user(string, array))
			return -EFAULT;
		if (!string)
			break;
		if (*count == POINTERS_MAX || a->used >= ARGS_MAX)
			return -E2BIG;
		err = add_user(a, string);
	}
	return err;
}

int args_prepend(struct args *a, const char *s)
{
	size_t size = strlen(s) + 1;

	if (a->used + size > ARGS_SIZE)
		return -E2BIG;
	memmove(a->block + size, a->block, a->used);
	memcpy(a->block, s, size);
	a->used += size;
	a->argc++;
	return 0;
}

void args_drop_first(struct args *a)
{
	size_t size = strlen(a->block) + 1;

	if (!a->argc)
		return;
	memmove(a->block, a->block + size, a->used - size);
	a->used -= size;
	a->argc--;
}

int args_add_kernel(struct args *a, char *const strings[], unsigned *count)
{
	int err = 0;

	for (*count = 0; strings && strings[*count] && !err; ++*count)
		err = add(a, strings[*count]);
	return err;
}

/* ---- the stack ---- */

struct stack {
	uint64_t at;
	int err;
};

static void push(struct stack *s, uint64_t word)
{
	if (!s->err)
		s->err = put_user(word, s->at);
	s->at += sizeof(word);
}

static void push_aux(struct stack *s, uint64_t type, uint64_t value)
{
	push(s, type);
	push(s, value);
}

/* Pointers to count strings from *string on, and NULL. */
static void push_strings(struct stack *s, const struct args *a, size_t *at, uint64_t base,
			 unsigned count)
{
	while (count--) {
		push(s, base + *at);
		*at += strlen(a->block + *at) + 1;
	}
	push(s, 0);
}

static void push_auxv(struct stack *s, const struct program *p, uint64_t name, uint64_t platform,
		      uint64_t random)
{
	const struct process *self = task_current()->process;

	push_aux(s, AT_HWCAP, elf_hwcap() | sve_hwcap());
	push_aux(s, AT_PAGESZ, PAGE_SIZE);
	push_aux(s, AT_CLKTCK, HZ);
	push_aux(s, AT_PHDR, p->image.phdr);
	push_aux(s, AT_PHENT, 56); /* sizeof(Elf64_Phdr) */
	push_aux(s, AT_PHNUM, p->image.phnum);
	push_aux(s, AT_BASE, p->interpreter.base);
	push_aux(s, AT_FLAGS, 0);
	push_aux(s, AT_ENTRY, p->image.entry);
	push_aux(s, AT_UID, self->uid.real);
	push_aux(s, AT_EUID, self->uid.effective);
	push_aux(s, AT_GID, self->gid.real);
	push_aux(s, AT_EGID, self->gid.effective);
	push_aux(s, AT_SECURE, 0);
	push_aux(s, AT_RANDOM, random);
	push_aux(s, AT_HWCAP2, sve_hwcap2());
	push_aux(s, AT_EXECFN, name);
	push_aux(s, AT_PLATFORM, platform);
	push_aux(s, AT_MINSIGSTKSZ, sigframe_min_stack());
	push_aux(s, AT_NULL, 0);
}

int program_stack(const struct program *p, uint64_t *sp)
{
	static const char platform[] = "aarch64";
	const struct args *a = &p->args;
	size_t name_size = strlen(p->name) + 1, at = 0;
	uint64_t random_bytes[2];
	uint64_t name = STACK_TOP - 8 - name_size, strings = name - a->used;
	uint64_t platform_at = strings - sizeof(platform);
	uint64_t random = align_down(platform_at - sizeof(random_bytes), 16);
	uint64_t words = 1 + a->argc + 1 + a->envc + 1 + AUXV_WORDS;
	struct stack s;

	entropy_get(random_bytes, sizeof(random_bytes));
	*sp = align_down(random - words * sizeof(uint64_t), 16);
	s = (struct stack){ .at = *sp };
	if (copy_to_user(name, p->name, name_size) || copy_to_user(strings, a->block, a->used) ||
	    put_user(random_bytes[0], random) || put_user(random_bytes[1], random + 8) ||
	    copy_to_user(platform_at, platform, sizeof(platform)))
		return -EFAULT;
	push(&s, a->argc);
	push_strings(&s, a, &at, strings, a->argc);
	task_current()->process->arg_start = strings;
	task_current()->process->arg_end = strings + at;
	push_strings(&s, a, &at, strings, a->envc);
	task_current()->process->env_end = strings + at;
	task_current()->process->auxv_start = s.at;
	push_auxv(&s, p, name, platform_at, random);
	return s.err;
}
