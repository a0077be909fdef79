/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * syslog(2): the kernel's log for dmesg. What was cleared stays in the log and is only no longer
 * shown; `cleared` is where the rest begins.
 */
#include <stdatomic.h>

#include <linux/errno.h>

#include "arch/usercopy.h"
#include "lib/bits.h"
#include "lib/printk.h"
#include "linux/syscalls.h"
#include "mm/slab.h"

/* man 2 syslog; no UAPI header has these */
enum {
	ACTION_CLOSE = 0,
	ACTION_OPEN = 1,
	ACTION_READ_ALL = 3,
	ACTION_READ_CLEAR = 4,
	ACTION_CLEAR = 5,
	ACTION_CONSOLE_OFF = 6,
	ACTION_CONSOLE_ON = 7,
	ACTION_CONSOLE_LEVEL = 8,
	ACTION_SIZE_BUFFER = 10,
};

static _Atomic uint64_t cleared;

/* The log from `cleared` on, at most its last `size` bytes, to the user; where it ends in *end. */
static long copy_log(uint64_t user, size_t size, uint64_t *end)
{
	char *text = kmalloc(LOG_SIZE);
	size_t n, skip;

	if (!text)
		return -ENOMEM;
	*end = atomic_load_explicit(&cleared, memory_order_relaxed);
	n = printk_read(end, text, LOG_SIZE);
	skip = n > size ? n - size : 0;
	n -= skip;
	if (copy_to_user(user, text + skip, n))
		n = (size_t)-EFAULT;
	kfree(text);
	return (long)n;
}

static void clear_to(uint64_t end)
{
	atomic_store_explicit(&cleared, end, memory_order_relaxed);
}

static long read_log(uint64_t user, int size, bool clear)
{
	uint64_t end;
	long n;

	if (!user || size < 0)
		return -EINVAL;
	n = copy_log(user, (size_t)size, &end);
	if (n >= 0 && clear)
		clear_to(end);
	return n;
}

static long clear_log(void)
{
	uint64_t end;
	long n = copy_log(0, 0, &end);

	if (n >= 0)
		clear_to(end);
	return n;
}

long sys_syslog(struct trapframe *tf)
{
	switch ((int)tf->x[0]) {
	case ACTION_READ_ALL:
	case ACTION_READ_CLEAR:
		return read_log(tf->x[1], (int)tf->x[2], tf->x[0] == ACTION_READ_CLEAR);
	case ACTION_CLEAR:
		return clear_log();
	case ACTION_CONSOLE_LEVEL:
		return (int)tf->x[2] >= 1 && (int)tf->x[2] <= 8 ? 0 : -EINVAL;
	case ACTION_SIZE_BUFFER:
		return LOG_SIZE;
	case ACTION_CLOSE:
	case ACTION_OPEN:
	case ACTION_CONSOLE_OFF:
	case ACTION_CONSOLE_ON:
		return 0;
	default:
		return -EINVAL;
	}
}
