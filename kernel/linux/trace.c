/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What programs ask, for tools/stet-qemu --trace-syscalls: with trace.syscalls=1 every row of the
 *table of system calls is trace_call(), which says what comes in and what goes out and knows
 *nothing of what it means; without it nothing here is ever run. The lines, for tools/Syscalls.pm,
 *which has the names:
 *
 *	call TID PID NUMBER x0 x1 x2 x3 x4 x5 NAME	it begins
 *	from TID WHERE BYTES				what argument WHERE points to, if it does
 *	into TID WHERE BYTES				the same behind the call, if it has changed
 *	done TID NUMBER RESULT				it has ended
 *
 * WHERE is the argument's number, and for an array of pointers (argv, iovec) that of the element
 *too: 1.0. The lines of a thread come in order; those of others may lie between them.
 */
#include <linux/errno.h>
#include <asm/unistd.h>

#include "arch/usercopy.h"
#include "lib/bits.h"
#include "lib/string.h"
#include "linux/linux.h"
#include "linux/syscalls.h"
#include "linux/process/task.h"
#include "mm/page.h"

enum { ARGS = 6, BYTES = 64, LOWEST = 4096 };

struct piece {
	uint8_t bytes[BYTES];
	size_t size;
};

static void (*say)(const char *line); /* set once in boot */

/* As much as there is, up to BYTES: all of it, or what lies before the end of the page. */
static void piece_get(struct piece *p, uint64_t at)
{
	p->size = 0;
	if (at < LOWEST || at >= USER_END)
		return;
	p->size = BYTES;
	if (!copy_from_user(p->bytes, at, p->size))
		return;
	p->size = min((size_t)BYTES, (size_t)(PAGE_SIZE - at % PAGE_SIZE));
	if (p->size == BYTES || copy_from_user(p->bytes, at, p->size))
		p->size = 0;
}

static void piece_say(const char *what, const char *where, const struct piece *p)
{
	char line[256];
	int at = snprintf(line, sizeof(line), "%s %d %s ", what, task_current()->tid, where);

	for (size_t i = 0; i < p->size; i++)
		at += snprintf(line + at, sizeof(line) - (size_t)at, "%02x", p->bytes[i]);
	if (p->size)
		say(line);
}

/* How far apart the pointers are that the second argument points to; 0: there are none. */
static size_t pointers_apart(uint64_t number)
{
	switch (number) {
	case __NR_execve:
		return 8;
	case __NR_readv:
	case __NR_writev:
	case __NR_preadv:
	case __NR_pwritev:
		return 16;
	default:
		return 0;
	}
}

static void say_elements(const char *what, const struct piece *array, size_t apart)
{
	char where[] = "1.0";

	for (size_t at = 0; at + 8 <= array->size; at += apart, where[2]++) {
		struct piece p;
		uint64_t pointer;

		memcpy(&pointer, array->bytes + at, sizeof(pointer));
		piece_get(&p, pointer);
		if (!p.size)
			return;
		piece_say(what, where, &p);
	}
}

static void say_call(const struct trapframe *tf, uint64_t number)
{
	const struct task *t = task_current();
	const uint64_t *x = tf->x;
	char line[256];

	snprintf(line, sizeof(line), "call %d %d %lu %lx %lx %lx %lx %lx %lx %s", t->tid,
		 t->process->pid, number, x[0], x[1], x[2], x[3], x[4], x[5], t->thread.name);
	say(line);
}

static void say_memory(const struct trapframe *tf, uint64_t number, struct piece *before,
		       bool after)
{
	char where[] = "0";

	for (unsigned i = 0; i < ARGS; i++, where[0]++) {
		struct piece now;

		piece_get(&now, i ? tf->x[i] : tf->orig_x0);
		if (!after || now.size != before[i].size ||
		    memcmp(now.bytes, before[i].bytes, now.size))
			piece_say(after ? "into" : "from", where, &now);
		if (i == 1 && pointers_apart(number) && !(after && number == __NR_execve))
			say_elements(after ? "into" : "from", &now, pointers_apart(number));
		before[i] = now;
	}
}

static long trace_call(struct trapframe *tf)
{
	uint64_t number = tf->x[8];
	struct piece pieces[ARGS];
	char line[64];
	long result;

	say_call(tf, number);
	say_memory(tf, number, pieces, false);
	result = syscall_run(tf, number);
	if (number != __NR_execve && number != __NR_rt_sigreturn)
		say_memory(tf, number, pieces, true);
	snprintf(line, sizeof(line), "done %d %lu %ld", task_current()->tid, number, result);
	say(line);
	return result;
}

int trace_syscalls(void (*line)(const char *text))
{
	say = line;
	return syscall_divert(trace_call);
}
