/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Arguments that another thread unmaps, protects or rewrites while the call runs: the call succeeds
 * or says that the address is bad, what is read twice is not trusted the second time, and nothing
 * else of the process changes. As Linux.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#include <linux/futex.h>
#include "tests/lib/abi.h"

enum { PAGE = 4096, PAGES = 4, GUARD = 64 * 1024, ROUND_MS = 60 };

static char *moving;  /* pages that come and go */
static char *guarded; /* nobody may write there but through `good` below */
static char good[256];
static _Atomic bool over;

static const char *bad_place(uint64_t n)
{
	switch (n % 5) {
	case 0:
		return (char *)0xffff800000000000 + n % 4096;
	case 1:
		return NULL;
	case 2:
		return (char *)-8ul;
	case 3:
		return moving + n % (PAGES * PAGE);
	default:
		return good;
	}
}

/* The words of a structure: places, lengths, small numbers. */
static void rewrite(uint64_t *seed)
{
	uint64_t *at = (uint64_t *)(moving + random_next(seed) % (PAGES * PAGE / 8) * 8);
	uint64_t n = random_next(seed);

	if ((char *)(at + 8) > moving + PAGES * PAGE)
		return;
	for (int i = 0; i < 8; i++)
		at[i] = i & 1 ? n % 200 : (uint64_t)(uintptr_t)bad_place(n >> i);
}


static void *move(void *arg)
{
	uint64_t seed = (uintptr_t)arg;

	while (!over) {
		uint64_t n = random_next(&seed) >> 8;
		char *page = moving + n / 16 % PAGES * PAGE;

		switch (n % 8) {
		case 0: /* for a moment nothing is there */
			mmap(page, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
			break;
		case 1:
			mprotect(page, PAGE, PROT_READ);
			break;
		case 2:
			mmap(page, PAGE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
			break;
		case 3:
			madvise(page, PAGE, MADV_DONTNEED);
			break;
		default: /* by this thread alone, and no other changes rights meanwhile */
			mprotect(moving, PAGES * PAGE, PROT_READ | PROT_WRITE);
			rewrite(&seed);
		}
	}
	return NULL;
}

/* ---- calls ---- */

static int file, null, zero, ends[2], pair[2], ep;

static long a_path(char *p)
{
	struct stat st;

	return sys(__NR_newfstatat, AT_FDCWD, p, &st, 0);
}

static long an_open(char *p)
{
	long fd = sys(__NR_openat, AT_FDCWD, p, O_RDONLY);

	if (fd >= 0)
		close((int)fd);
	return fd;
}

static long a_vector(char *p)
{
	return sys(__NR_readv, zero, p, 4);
}

static long a_vector_out(char *p)
{
	return sys(__NR_writev, null, p, 12);
}

static long a_read(char *p)
{
	return sys(__NR_pread64, file, p, 5000, 0);
}

static long a_write(char *p)
{
	return sys(__NR_pwrite64, file, p, 5000, 0);
}

static long a_pipe(char *p)
{
	long n = sys(__NR_write, ends[1], p, 3000);

	if (n > 0)
		n = sys(__NR_read, ends[0], p + 100, 3000);
	return n;
}

static long a_message(char *p)
{
	long n = sys(__NR_sendmsg, pair[0], p, MSG_DONTWAIT | MSG_NOSIGNAL);

	return n;
}

static long a_message_in(char *p)
{
	(void)!write(pair[0], "abc", 3);
	return sys(__NR_recvmsg, pair[1], p, MSG_DONTWAIT);
}

static long an_option(char *p)
{
	return sys(__NR_getsockopt, pair[0], SOL_SOCKET, SO_TYPE, p, p + 64);
}

static long a_time(char *p)
{
	const struct timespec now = { 0, 0 };

	return sys(__NR_ppoll, p, 3, &now, 0, 8);
}

static long a_set(char *p)
{
	const struct timespec now = { 0, 0 };

	return sys(__NR_pselect6, 60, p, p + 16, 0, &now, 0);
}

static long an_event(char *p)
{
	sys(__NR_epoll_ctl, ep, EPOLL_CTL_MOD, ends[0], p);
	return sys(__NR_epoll_pwait, ep, p, 10, 0, 0, 8);
}

static long a_futex(char *p)
{
	const struct timespec now = { 0, 1 };

	sys(__NR_futex, p, FUTEX_WAKE_PRIVATE, 1);
	return sys(__NR_futex, p, FUTEX_WAIT_PRIVATE, 0, &now);
}

static long an_action(char *p)
{
	return sys(__NR_rt_sigaction, SIGWINCH, 0, p, 8);
}

static long a_name(char *p)
{
	return sys(__NR_getcwd, p, 4000);
}

static long a_listing(char *p)
{
	int dir = open("/", O_RDONLY | O_DIRECTORY);
	long n = sys(__NR_getdents64, dir, p, 3000);

	close(dir);
	return n;
}

static long strings(char *p)
{
	return sys(__NR_execve, "/nosuch", p, p + 64);
}

static long other_memory(char *p)
{
	return sys(__NR_process_vm_readv, getpid(), p, 3, p + 64, 3, 0);
}

static long (*const calls[])(char *p) = {
	a_path,	   an_open,	 a_vector,  a_vector_out, a_read,	a_write,  a_pipe,
	a_message, a_message_in, an_option, a_time,	  a_set,	an_event, a_futex,
	an_action, a_name,	 a_listing, strings,	  other_memory,
};

static void prepare(void)
{
	struct epoll_event e = { .events = EPOLLIN };

	moving = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		      0);
	guarded = mmap(NULL, GUARD, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(guarded, 'g', GUARD);
	file = open(scratch("racing"), O_RDWR | O_CREAT | O_TRUNC, 0600);
	null = open("/dev/null", O_RDWR);
	zero = open("/dev/zero", O_RDONLY);
	ep = epoll_create1(0);
	if (pipe2(ends, O_NONBLOCK) || socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair) ||
	    epoll_ctl(ep, EPOLL_CTL_ADD, ends[0], &e))
		tap_print("# no objects\n");
}

static bool possible(long result)
{
	switch (-result) {
	case EFAULT:
	case EINVAL:
	case EBADF:
	case ENOENT:
	case EAGAIN:
	case EMSGSIZE:
	case ENAMETOOLONG:
	case ETIMEDOUT:
	case ENOTDIR:
	case E2BIG:
	case ELOOP:
	case ENOMEM:
	case EISDIR:
	case EPERM:
	case ENOTCONN:
	case ENOBUFS:
	case EOPNOTSUPP:
	case ERANGE:
	case ECONNREFUSED:
	case EISCONN:
	case ENOEXEC:
	case ESRCH:
	case EACCES:
		return true;
	default:
		return result >= 0;
	}
}

TEST(arguments_that_change_while_they_are_read)
{
	uint64_t seed = now_ns(CLOCK_REALTIME) | 1, first = seed;
	unsigned long made = 0, failed = 0;
	pthread_t thread;
	bool whole = true;

	prepare();
	pthread_create(&thread, NULL, move, (void *)(seed * 3 | 1));
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		uint64_t end = now_ns(CLOCK_MONOTONIC) + ROUND_MS * rounds_wanted(1) * 1000000ull;

		for (unsigned n = 0; n < 300 || now_ns(CLOCK_MONOTONIC) < end; n++) {
			char *p = moving + random_next(&seed) % (PAGES * PAGE - 128) / 8 * 8;
			long result = calls[i](p);

			made++;
			failed += result == -EFAULT;
			if (!possible(result) && !expect(0)) {
				tap_print("# call %zu: %ld, seed %#lx\n", i, result, first);
				break;
			}
			if (now_ns(CLOCK_MONOTONIC) > end + 3000000000ull)
				break;
		}
	}
	over = true;
	pthread_join(thread, NULL);
	for (int i = 0; i < GUARD; i++)
		whole &= guarded[i] == 'g';
	expect(whole);
	expect(failed > 20 && failed < made); /* it has raced */
	if (tap_failed)
		tap_print("# %lu calls, %lu EFAULT\n", made, failed);
	unlink(scratch("racing"));
}
