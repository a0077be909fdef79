/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bad pointers in every argument of every call that takes one: each is EFAULT, and the call has
 * done nothing. Unmapped, kernel, beyond all addresses, without access, read-only where the kernel
 * would write, and half in one page that is there and half in one that is not.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#include <linux/futex.h>
#include "tests/lib/abi.h"

enum { PAGE = 4096, STREAM = 1, OUT = 2, SMALL = 4 };
#define BAD ((long)0xbadbadbadbad) /* stands for the pointer under test */

struct call {
	const char *name;
	long nr, args[6];
	int flags; /* OUT: the kernel writes there; STREAM: part of it may go; SMALL: 4 bytes */
};

static char *half; /* the last 4 bytes of a page, before one without access */
static char *read_only, *no_access;
static int null, zero, file, dir, event, ep, timer, ends[2];
static char buffer[PAGE];
static struct pollfd pollfd;

static void prepare(void)
{
	char *area =
		mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct epoll_event e = { .events = EPOLLIN };

	memset(area, 'a', 4 * PAGE);
	half = area + PAGE - 4;
	no_access = area + PAGE;
	read_only = area + 2 * PAGE;
	mprotect(no_access, PAGE, PROT_NONE);
	mprotect(read_only, PAGE, PROT_READ);
	null = open("/dev/null", O_RDWR);
	zero = open("/dev/zero", O_RDONLY);
	file = open(scratch("badptr"), O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (write(file, buffer, sizeof(buffer)) != sizeof(buffer))
		tap_print("# no scratch file\n");
	sys(__NR_lseek, file, 0, SEEK_SET);
	dir = open("/", O_RDONLY | O_DIRECTORY);
	event = eventfd(1, EFD_NONBLOCK);
	ep = epoll_create1(0);
	timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	epoll_ctl(ep, EPOLL_CTL_ADD, event, &e);
	sys(__NR_pipe2, ends, O_NONBLOCK);
	pollfd = (struct pollfd){ event, POLLIN, 0 };
}

static void try_pointer(const struct call *c, const char *kind, const void *pointer)
{
	long a[6];

	memset(half, 'a', 4);
	for (int i = 0; i < 6; i++)
		a[i] = c->args[i] == BAD ? (long)pointer : c->args[i];
	if (!expect_eq(sys_call(c->nr, a[0], a[1], a[2], a[3], a[4], a[5]), -EFAULT))
		tap_print("# %s, %s\n", c->name, kind);
}

static void try_call(const struct call *c)
{
	try_pointer(c, "an unmapped page", (void *)(PAGE + 8));
	try_pointer(c, "a kernel address", (void *)0xffff000000001000);
	try_pointer(c, "the last address", (void *)-8ul);
	try_pointer(c, "beyond 48 bits", (void *)0x0002000000000000);
	try_pointer(c, "a page without access", no_access + 64);
	if (c->flags & OUT)
		try_pointer(c, "a read-only page", read_only + 64);
	if (!(c->flags & (STREAM | SMALL)))
		try_pointer(c, "half a page", half);
}

static void try_calls(const struct call *calls, unsigned n)
{
	int fds_before = dup(0), fds_after;
	uint64_t mask_before = 0, mask_after = 0;
	long position = sys(__NR_lseek, file, 0, SEEK_CUR);

	close(fds_before);
	sys(__NR_rt_sigprocmask, SIG_BLOCK, 0, &mask_before, 8);
	for (unsigned i = 0; i < n; i++)
		try_call(&calls[i]);
	fds_after = dup(0);
	close(fds_after);
	sys(__NR_rt_sigprocmask, SIG_BLOCK, 0, &mask_after, 8);
	expect_eq(fds_after, fds_before);
	expect_eq(mask_after, mask_before);
	expect_eq(sys(__NR_lseek, file, 0, SEEK_CUR), position);
}
#define TRY(calls) try_calls(calls, sizeof(calls) / sizeof((calls)[0]))

TEST(names)
{
	prepare();
	const struct call calls[] = {
		{ "openat", __NR_openat, { AT_FDCWD, BAD, O_RDONLY }, 0 },
		{ "openat creating", __NR_openat, { AT_FDCWD, BAD, O_RDWR | O_CREAT, 0600 }, 0 },
		{ "mkdirat", __NR_mkdirat, { AT_FDCWD, BAD, 0700 }, 0 },
		{ "unlinkat", __NR_unlinkat, { AT_FDCWD, BAD, 0 }, 0 },
		{ "symlinkat old", __NR_symlinkat, { BAD, AT_FDCWD, (long)"/tmp/x" }, 0 },
		{ "symlinkat new", __NR_symlinkat, { (long)"x", AT_FDCWD, BAD }, 0 },
		{ "linkat old", __NR_linkat, { AT_FDCWD, BAD, AT_FDCWD, (long)"/tmp/x", 0 }, 0 },
		{ "linkat new",
		  __NR_linkat,
		  { AT_FDCWD, (long)scratch("badptr"), AT_FDCWD, BAD, 0 },
		  0 },
		{ "renameat old",
		  __NR_renameat2,
		  { AT_FDCWD, BAD, AT_FDCWD, (long)"/tmp/x", 0 },
		  0 },
		{ "renameat new",
		  __NR_renameat2,
		  { AT_FDCWD, (long)scratch("badptr"), AT_FDCWD, BAD, 0 },
		  0 },
		{ "readlinkat", __NR_readlinkat, { AT_FDCWD, BAD, (long)buffer, 100 }, 0 },
		{ "newfstatat name", __NR_newfstatat, { AT_FDCWD, BAD, (long)buffer, 0 }, 0 },
		{ "newfstatat", __NR_newfstatat, { AT_FDCWD, (long)"/", BAD, 0 }, OUT },
		{ "faccessat", __NR_faccessat, { AT_FDCWD, BAD, 0 }, 0 },
		{ "fchmodat", __NR_fchmodat, { AT_FDCWD, BAD, 0700 }, 0 },
		{ "chdir", __NR_chdir, { BAD }, 0 },
		{ "getcwd", __NR_getcwd, { BAD, PAGE }, OUT | SMALL },
		{ "execve", __NR_execve, { BAD, 0, 0 }, 0 },
		{ "execve argv", __NR_execve, { (long)tap_argv[0], BAD, 0 }, 0 },
		{ "statfs", __NR_statfs, { (long)"/", BAD }, OUT },
		{ "memfd_create", __NR_memfd_create, { BAD, 0 }, 0 },
	};
	TRY(calls);
}

TEST(files)
{
	struct iovec iov = { no_access, 10 };
	const struct call calls[] = {
		{ "read", __NR_read, { zero, BAD, 64 }, OUT | STREAM },
		{ "pread64", __NR_pread64, { file, BAD, 64, 0 }, OUT | STREAM },
		{ "pwrite64", __NR_pwrite64, { file, BAD, 64, 0 }, STREAM },
		{ "write to a pipe", __NR_write, { ends[1], BAD, 64 }, 0 },
		{ "readv", __NR_readv, { file, BAD, 1 }, 0 },
		{ "writev", __NR_writev, { file, BAD, 1 }, 0 },
		{ "preadv", __NR_preadv, { file, BAD, 1, 0 }, 0 },
		{ "fstat", __NR_fstat, { file, BAD }, OUT },
		{ "fstatfs", __NR_fstatfs, { file, BAD }, OUT },
		{ "getdents64", __NR_getdents64, { dir, BAD, PAGE }, OUT },
		{ "pipe2", __NR_pipe2, { BAD, 0 }, OUT },
		{ "ioctl FIONREAD", __NR_ioctl, { ends[0], FIONREAD, BAD }, OUT | SMALL },
		{ "eventfd write", __NR_write, { event, BAD, 8 }, 0 },
	};
	TRY(calls);
	expect_eq(sys(__NR_readv, file, &iov, 1), -EFAULT);
	expect_eq(sys(__NR_writev, file, &iov, 1), -EFAULT);
	expect_eq(sys(__NR_read, ends[0], buffer, 10), -EAGAIN);
}

TEST(waiting)
{
	const struct timespec soon = { 0, 1000 };
	const struct call calls[] = {
		{ "epoll_ctl", __NR_epoll_ctl, { ep, EPOLL_CTL_MOD, event, BAD }, 0 },
		{ "ppoll", __NR_ppoll, { BAD, 1, (long)&soon, 0, 8 }, OUT },
		{ "ppoll time", __NR_ppoll, { (long)&pollfd, 1, BAD, 0, 8 }, 0 },
		{ "ppoll mask", __NR_ppoll, { (long)&pollfd, 1, (long)&soon, BAD, 8 }, 0 },
		{ "pselect6", __NR_pselect6, { 5, BAD, 0, 0, (long)&soon, 0 }, 0 },
		{ "pselect6 time", __NR_pselect6, { 0, 0, 0, 0, BAD, 0 }, 0 },
		{ "timerfd_settime", __NR_timerfd_settime, { timer, 0, BAD, 0 }, 0 },
		{ "timerfd_gettime", __NR_timerfd_gettime, { timer, BAD }, OUT },
		{ "futex", __NR_futex, { BAD, FUTEX_WAIT_PRIVATE, 0, 0 }, SMALL },
		{ "futex time", __NR_futex, { (long)buffer, FUTEX_WAIT_PRIVATE, 0, BAD }, 0 },
		{ "nanosleep", __NR_nanosleep, { BAD, 0 }, 0 },
		{ "clock_nanosleep", __NR_clock_nanosleep, { CLOCK_MONOTONIC, 0, BAD, 0 }, 0 },
		{ "signalfd4", __NR_signalfd4, { -1, BAD, 8, 0 }, 0 },
	};
	TRY(calls);
}

TEST(the_rest)
{
	const struct call calls[] = {
		{ "uname", __NR_uname, { BAD }, OUT },
		{ "sysinfo", __NR_sysinfo, { BAD }, OUT },
		{ "clock_gettime", __NR_clock_gettime, { CLOCK_MONOTONIC, BAD }, OUT },
		{ "clock_getres", __NR_clock_getres, { CLOCK_MONOTONIC, BAD }, OUT },
		{ "gettimeofday", __NR_gettimeofday, { BAD, 0 }, OUT },
		{ "getrandom", __NR_getrandom, { BAD, 64, 0 }, OUT | STREAM },
		{ "getrusage", __NR_getrusage, { 0, BAD }, OUT },
		{ "prlimit64 new", __NR_prlimit64, { 0, RLIMIT_NOFILE, BAD, 0 }, 0 },
		{ "prlimit64 old", __NR_prlimit64, { 0, RLIMIT_NOFILE, 0, BAD }, OUT },
		{ "prctl SET_NAME", __NR_prctl, { 15, BAD }, 0 },
		{ "prctl GET_NAME", __NR_prctl, { 16, BAD }, OUT },
		{ "sched_getaffinity", __NR_sched_getaffinity, { 0, 128, BAD }, OUT },
		{ "sched_setaffinity", __NR_sched_setaffinity, { 0, 8, BAD }, 0 },
		{ "getcpu", __NR_getcpu, { BAD, 0, 0 }, OUT | SMALL },
		{ "rt_sigaction new", __NR_rt_sigaction, { SIGUSR1, BAD, 0, 8 }, 0 },
		{ "rt_sigaction old", __NR_rt_sigaction, { SIGUSR1, 0, BAD, 8 }, OUT },
		{ "rt_sigprocmask new", __NR_rt_sigprocmask, { SIG_SETMASK, BAD, 0, 8 }, 0 },
		{ "rt_sigprocmask old", __NR_rt_sigprocmask, { SIG_SETMASK, 0, BAD, 8 }, OUT },
		{ "rt_sigpending", __NR_rt_sigpending, { BAD, 8 }, OUT },
		{ "rt_sigtimedwait", __NR_rt_sigtimedwait, { BAD, 0, 0, 8 }, 0 },
		{ "rt_sigsuspend", __NR_rt_sigsuspend, { BAD, 8 }, 0 },
		{ "sigaltstack new", __NR_sigaltstack, { BAD, 0 }, 0 },
		{ "sigaltstack old", __NR_sigaltstack, { 0, BAD }, OUT },
	};
	TRY(calls);
}

TEST(a_read_into_half_a_buffer_gives_the_first_half)
{
	expect_eq(sys(__NR_pread64, file, half, 64, 0), 4);
	memset(half, 'x', 4);
	expect_eq(sys(__NR_pwrite64, file, half, 64, 0), 4);
	expect_eq(sys(__NR_pread64, file, buffer, 5, 0), 5);
	expect_eq(memcmp(buffer, "xxxx\0", 5), 0);
}

TEST(null_means_none_where_it_may)
{
	const struct timespec at_once = { 0, 0 };

	expect_eq(sys(__NR_rt_sigaction, SIGUSR1, 0, 0, 8), 0);
	expect_eq(sys(__NR_rt_sigprocmask, SIG_BLOCK, 0, 0, 8), 0);
	expect_eq(sys(__NR_sigaltstack, 0, 0), 0);
	expect_eq(sys(__NR_gettimeofday, 0, 0), 0);
	expect_eq(sys(__NR_getcpu, 0, 0, 0), 0);
	expect_eq(sys(__NR_prlimit64, 0, RLIMIT_NOFILE, 0, 0), 0);
	expect_eq(sys(__NR_clock_getres, CLOCK_MONOTONIC, 0), 0);
	expect_eq(sys(__NR_pselect6, 0, 0, 0, 0, &at_once, 0), 0);
	expect_eq(sys(__NR_write, null, 0, 0), 0);
	expect_eq(sys(__NR_read, file, 8, 0), 0);
	expect_eq(sys(__NR_getrandom, 0, 0, 0), 0);
}

TEST(the_scratch_file_is_removed)
{
	expect_eq(unlink(scratch("badptr")), 0);
}
