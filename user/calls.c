/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each system call of Stet's table with each of its arguments wrong in each way there is, the
 *others right: pointers that are null, unmapped, the kernel's, beyond all addresses, without
 *access, read-only, half there and unaligned; descriptors that are closed, out of range, opened by
 *O_PATH and of each kind; numbers at and over limits. A line for each argument says what the kernel
 *answered. tests/system/programs.txt compares the lines on Stet with those on Linux;
 *tests/system/abi.t sees that no row of the table is missing.
 *
 *	calls			all of them
 *	calls NAME...		these
 *	calls A-C		those whose names begin so
 *	calls --names		their names
 *
 * Each call has a process of its own, which makes new objects and may end in any way. "changed" is
 *said when an error has changed a descriptor's position, size or number, or the signal mask.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <asm/unistd.h>
#include <linux/futex.h>

enum { PAGE = 4096, ROOM = 16 * PAGE, HANG_S = 5 };

/* What an argument is. Descriptors come first: number + FD_FILE is the object's. */
enum kind {
	FD_FILE,
	FD_DIR,
	FD_PATH,
	FD_READ,
	FD_WRITE,
	FD_EVENT,
	FD_TIMER,
	FD_EPOLL,
	FD_SOCKET,
	FD_LISTEN,
	FD_SIGNAL,
	FD_NULL,
	FD_MEMORY,
	OBJECTS,
	FD_AT = OBJECTS, /* AT_FDCWD, which a relative path makes count */
	NONE,		 /* and those that follow, too */
	CONST,		 /* not varied */
	NUM,		 /* varied */
	ADDRESS, /* a number that means a place; only such that mean the same with tags in the top
		    byte */
	PID,	 /* of nobody, or out of range: which others there are differs */
	IN_SOME, /* as IN, but null would wait for ever */
	IN,
	OUT, /* a pointer to so many bytes that the kernel reads, writes */
	PATH,
	PATH_NEW,
};

/* What IN points to, if not to zeros. */
enum content { ZERO, SHORT_TIME, BAD_TIME, VECTOR, MESSAGE, NAME, EVENT, POLLFD, ARGV };

struct arg {
	enum kind kind;
	long value; /* CONST, NUM; IN, OUT: bytes */
	enum content content;
};

struct call {
	const char *name;
	int nr;
	struct arg args[6];
};

#define C(v)                                                                                       \
	{                                                                                          \
		CONST, v, 0                                                                        \
	}
#define N(v)                                                                                       \
	{                                                                                          \
		NUM, v, 0                                                                          \
	}
#define A(v)                                                                                       \
	{                                                                                          \
		ADDRESS, v, 0                                                                      \
	}
#define T(v)                                                                                       \
	{                                                                                          \
		PID, v, 0                                                                          \
	}
#define I(size)                                                                                    \
	{                                                                                          \
		IN, size, ZERO                                                                     \
	}
#define O(size)                                                                                    \
	{                                                                                          \
		OUT, size, ZERO                                                                    \
	}
#define IS(size, c)                                                                                \
	{                                                                                          \
		IN, size, c                                                                        \
	}
#define ISOME(size, c)                                                                             \
	{                                                                                          \
		IN_SOME, size, c                                                                   \
	}
#define F(k)                                                                                       \
	{                                                                                          \
		FD_##k, 0, 0                                                                       \
	}
#define P                                                                                          \
	{                                                                                          \
		PATH, 0, 0                                                                         \
	}
#define Q                                                                                          \
	{                                                                                          \
		PATH_NEW, 0, 0                                                                     \
	}
#define END                                                                                        \
	{                                                                                          \
		NONE, 0, 0                                                                         \
	}
#define CALL(name, ...)                                                                            \
	{                                                                                          \
#name, __NR_##name,                                                                \
		{                                                                                  \
			__VA_ARGS__, END                                                           \
		}                                                                                  \
	}
#define CALL6(name, ...)                                                                           \
	{                                                                                          \
#name, __NR_##name,                                                                \
		{                                                                                  \
			__VA_ARGS__                                                                \
		}                                                                                  \
	}
#define CALL0(name)                                                                                \
	{                                                                                          \
#name, __NR_##name,                                                                \
		{                                                                                  \
			END                                                                        \
		}                                                                                  \
	}

static const struct call calls[] = {
	CALL6(mmap, C(0), N(PAGE), N(PROT_READ), N(MAP_PRIVATE), F(FILE), N(0)),
	CALL(munmap, A(0x10000), N(PAGE)),
	CALL(mprotect, A(0x10000), N(PAGE), N(PROT_READ)),
	CALL(mremap, A(0x10000), N(PAGE), N(PAGE), N(0), N(0)),
	CALL(madvise, C(0x10000), N(PAGE), N(0)),
	CALL(brk, C(0)),
	CALL(msync, A(0x10000), N(PAGE), N(4)),
	CALL(mincore, A(0x10000), N(PAGE), O(1)),
	CALL(mlock, A(0x10000), N(PAGE)),
	CALL(munlock, A(0x10000), N(PAGE)),

	CALL(exit, N(0)),
	CALL(exit_group, N(0)),
	CALL(wait4, T(-1), O(4), N(1), O(144)),
	CALL(waitid, N(0), C(0), O(128), N(5), O(144)),
	CALL(set_tid_address, C(0)),
	CALL(set_robust_list, C(0), N(24)),
	CALL(get_robust_list, T(0), O(8), O(8)),
	CALL0(getpid),
	CALL0(getppid),
	CALL0(gettid),
	CALL0(getuid),
	CALL0(geteuid),
	CALL0(getgid),
	CALL0(getegid),
	CALL(setuid, C(0)),
	CALL(setgid, C(0)),
	CALL(setreuid, C(-1), C(-1)),
	CALL(setregid, C(-1), C(-1)),
	CALL(setresuid, C(-1), C(-1), C(-1)),
	CALL(setresgid, C(-1), C(-1), C(-1)),
	CALL(getresuid, O(4), O(4), O(4)),
	CALL(getresgid, O(4), O(4), O(4)),
	CALL(getgroups, N(0), C(0)),
	CALL(setgroups, N(1), I(4)),
	CALL(getpgid, T(0)),
	CALL(setpgid, T(0), T(0)),
	CALL(getsid, T(0)),
	CALL0(setsid),

	CALL(ptrace, N(7), C(0x3fffffff), C(0), C(0)),
	CALL6(process_vm_readv, C(0x3fffffff), IS(16, VECTOR), N(1), IS(16, VECTOR), N(1), N(0)),
	CALL6(process_vm_writev, C(0x3fffffff), IS(16, VECTOR), N(1), IS(16, VECTOR), N(1), N(0)),
	CALL(clone, C(1 << 30 | 1), C(0), C(0), C(0), C(0)),
	CALL(clone3, I(88), N(64)),
	CALL(execve, P, IS(8, ARGV), C(0)),
	CALL(execveat, F(AT), P, IS(8, ARGV), C(0), N(0)),

	CALL(rt_sigaction, N(SIGUSR1), I(32), O(32), N(8)),
	CALL(rt_sigprocmask, N(0), I(8), O(8), N(8)),
	CALL(rt_sigpending, O(8), N(8)),
	CALL(rt_sigsuspend, C(0), N(7)),
	CALL(rt_sigtimedwait, I(8), O(128), IS(16, SHORT_TIME), N(8)),
	CALL(rt_sigqueueinfo, C(0x3fffffff), N(SIGURG), I(128)),
	CALL(rt_tgsigqueueinfo, C(0x3fffffff), N(1), N(SIGURG), I(128)),
	{ "rt_sigreturn", -1, { END } }, /* it ends or goes anywhere: tests/user/signal.c */
	CALL(sigaltstack, I(24), O(24)),
	CALL(kill, C(0x3fffffff), N(SIGURG)),
	CALL(tkill, C(0x3fffffff), N(SIGURG)),
	CALL(tgkill, N(0x3fffffff), N(0x3fffffff), N(SIGURG)),
	CALL0(restart_syscall),
	CALL6(futex, I(4), N(FUTEX_WAIT_PRIVATE), C(1), IS(16, SHORT_TIME), C(0), C(0)),

	CALL(clock_gettime, N(1), O(16)),
	CALL(clock_settime, N(99), I(16)),
	CALL(clock_getres, N(1), O(16)),
	CALL(clock_nanosleep, N(1), N(0), IS(16, SHORT_TIME), C(0)),
	CALL(nanosleep, IS(16, SHORT_TIME), O(16)),
	CALL(settimeofday, IS(16, BAD_TIME), C(0)),
	CALL(gettimeofday, O(16), O(8)),
	CALL(times, O(32)),
	CALL(getitimer, N(0), O(32)),
	CALL(setitimer, N(0), I(32), O(32)),
	CALL(timer_create, N(1), C(0), O(4)),
	CALL(timer_settime, N(0), N(0), I(32), O(32)),
	CALL(timer_gettime, N(0), O(32)),
	CALL(timer_getoverrun, N(0)),
	CALL(timer_delete, N(0)),

	CALL(uname, O(390)),
	CALL(sethostname, I(4), C(100)),
	CALL(setdomainname, I(4), C(100)),
	CALL(prctl, C(16), O(16)),
	CALL(sysinfo, O(112)),
	CALL(getrandom, O(8), N(8), N(0)),
	CALL(prlimit64, T(0), N(7), C(0), O(16)),
	CALL(getrlimit, N(7), O(16)),
	CALL(setrlimit, C(4), I(16)),
	CALL(getrusage, N(0), O(144)),
	CALL(getcpu, O(4), O(4), C(0)),
	CALL(getpriority, N(0), T(0)),
	CALL(setpriority, N(0), T(0), C(0)),
	CALL0(sched_yield),
	CALL(sched_setaffinity, T(0), N(0), I(128)),
	CALL(sched_getaffinity, T(0), C(128), O(8)),
	CALL(sched_setparam, T(0), I(4)),
	CALL(sched_getparam, T(0), O(4)),
	CALL(sched_setscheduler, T(0), C(0), I(4)),
	CALL(sched_getscheduler, T(0)),
	CALL(sched_get_priority_max, N(0)),
	CALL(sched_get_priority_min, N(0)),
	CALL(personality, C(-1)),
	CALL(reboot, N(0), N(0), C(0x1234567), C(0)),

	CALL(read, F(FILE), O(8), N(8)),
	CALL(write, F(FILE), I(8), N(8)),
	CALL(readv, F(FILE), IS(16, VECTOR), N(1)),
	CALL(writev, F(FILE), IS(16, VECTOR), N(1)),
	CALL(pread64, F(FILE), O(8), N(8), N(0)),
	CALL(pwrite64, F(FILE), I(8), C(8), C(0)),
	CALL(preadv, F(FILE), IS(16, VECTOR), N(1), N(0), C(0)),
	CALL(pwritev, F(FILE), IS(16, VECTOR), N(1), C(0), C(0)),
	CALL6(preadv2, F(FILE), IS(16, VECTOR), N(1), C(0), C(0), C(0)),
	CALL6(pwritev2, F(FILE), IS(16, VECTOR), N(1), C(0), C(0), C(0)),
	CALL(lseek, F(FILE), N(0), N(0)),
	CALL(close, F(FILE)),
	CALL(close_range, N(100), N(200), N(0)),
	CALL(dup, F(FILE)),
	CALL(dup3, F(FILE), N(60), N(0)),
	CALL(fcntl, F(FILE), C(F_GETFL), C(0)),
	CALL(ioctl, F(FILE), C(0x5401), O(36)),
	CALL(fstat, F(FILE), O(128)),
	CALL(fsync, F(FILE)),
	CALL(fdatasync, F(FILE)),
	CALL0(sync),
	CALL(syncfs, F(FILE)),
	CALL(sendfile, F(WRITE), F(FILE), C(0), N(1)),

	CALL(openat, F(AT), P, C(O_RDONLY), C(0)),
	CALL(newfstatat, F(AT), P, O(128), N(0)),
	CALL(statx, F(AT), P, N(0), N(0x7ff), O(256)),
	CALL(faccessat, F(AT), P, N(0)),
	CALL(faccessat2, F(AT), P, N(0), N(0)),
	CALL(readlinkat, F(AT), Q, O(8), N(8)),
	CALL(mkdirat, F(AT), Q, C(0700)),
	CALL(unlinkat, F(AT), Q, N(0)),
	CALL(linkat, F(AT), P, F(AT), P, N(0)),
	CALL(symlinkat, P, F(AT), P),
	CALL(renameat, F(AT), Q, F(AT), Q),
	CALL(renameat2, F(AT), Q, F(AT), Q, N(0)),
	CALL(mknodat, F(AT), P, C(S_IFREG), C(0)),
	CALL(fchmod, F(FILE), C(0600)),
	CALL(fchmodat, F(AT), P, C(0600)),
	CALL(fchown, F(FILE), C(-1), C(-1)),
	CALL(fchownat, F(AT), P, C(-1), C(-1), N(0)),
	CALL(utimensat, F(AT), P, I(32), N(0)),
	CALL(truncate, P, N(8)),
	CALL(ftruncate, F(FILE), N(8)),
	CALL(fallocate, F(FILE), N(0), N(0), N(8)),
	CALL(statfs, P, O(120)),
	CALL(fstatfs, F(FILE), O(120)),
	CALL(getcwd, O(2), N(2)),
	CALL(chdir, P),
	CALL(fchdir, F(DIR)),
	CALL(chroot, P),
	CALL(getdents64, F(DIR), O(1024), C(1024)),
	CALL(umask, N(022)),
	CALL(mount, C(0), Q, I(4), C(0), C(0)),
	CALL(umount2, Q, C(0)),
	CALL(fadvise64, F(FILE), N(0), N(0), N(0)),
	CALL(flock, F(FILE), N(8)),
	CALL(syslog, N(3), O(4096), C(4096)),
	CALL(getxattr, P, P, O(8), C(8)),
	CALL(lgetxattr, P, P, O(8), C(8)),
	CALL(fgetxattr, F(FILE), P, O(8), C(8)),
	CALL(setxattr, P, P, I(8), C(8), N(0)),
	CALL(lsetxattr, P, P, I(8), C(8), N(0)),
	CALL(fsetxattr, F(FILE), P, I(8), C(8), N(0)),
	CALL(listxattr, P, O(8), C(8)),
	CALL(llistxattr, P, O(8), C(8)),
	CALL(flistxattr, F(FILE), O(8), C(8)),
	CALL(removexattr, P, P),
	CALL(lremovexattr, P, P),
	CALL(fremovexattr, F(FILE), P),

	CALL(pipe2, O(8), N(0)),
	CALL(eventfd2, N(0), N(0)),
	CALL(timerfd_create, N(1), N(0)),
	CALL(timerfd_settime, F(TIMER), N(0), I(32), O(32)),
	CALL(timerfd_gettime, F(TIMER), O(32)),
	CALL(signalfd4, F(SIGNAL), I(8), N(8), N(0)),
	CALL(memfd_create, P, C(0)),

	CALL(socket, N(1), N(1), N(0)),
	CALL(socketpair, N(1), N(1), N(0), O(8)),
	CALL(bind, F(SOCKET), IS(110, NAME), C(110)),
	CALL(listen, F(SOCKET), C(1)),
	CALL(accept, F(LISTEN), C(0), C(0)),
	CALL(accept4, F(LISTEN), C(0), C(0), N(0)),
	CALL(connect, F(SOCKET), IS(110, NAME), C(110)),
	CALL(getsockname, F(SOCKET), O(110), I(4)),
	CALL(getpeername, F(SOCKET), O(110), I(4)),
	CALL6(sendto, F(SOCKET), I(8), N(8), C(0x40), C(0), C(0)),
	CALL6(recvfrom, F(SOCKET), O(8), N(8), C(0x40), C(0), C(0)),
	CALL(sendmsg, F(SOCKET), IS(56, MESSAGE), C(0x40)),
	CALL(recvmsg, F(SOCKET), IS(56, MESSAGE), C(0x40)),
	CALL(setsockopt, F(SOCKET), N(1), C(2), I(4), N(4)),
	CALL(getsockopt, F(SOCKET), N(1), C(3), O(4), I(4)),
	CALL(shutdown, F(SOCKET), N(3)),

	CALL(ppoll, IS(8, POLLFD), N(1), IS(16, SHORT_TIME), I(8), N(8)),
	CALL6(pselect6, N(3), O(8), O(8), O(8), IS(16, SHORT_TIME), C(0)),
	CALL(epoll_create1, N(0)),
	CALL(epoll_ctl, F(EPOLL), N(1), F(READ), IS(16, EVENT)),
	CALL6(epoll_pwait, F(EPOLL), O(16), N(1), C(0), C(0), C(8)),
	CALL6(epoll_pwait2, F(EPOLL), O(16), N(1), ISOME(16, SHORT_TIME), C(0), C(8)),
};

/* What is not tried, for the answers differ and docs/abi.md says so (or only the machine is
 * another). */
static const struct exception {
	const char *name;
	int argument;
	const char *value;
} exceptions[] = {
	{ "clock_nanosleep", 0, "0x2" },
	{ "clock_nanosleep", 0, "0x3" }, /* CPU time does not pass in sleep */
	{ "clock_gettime", 0, "0xfffffffffffffffe" },
	{ "clock_getres", 0, "0xfffffffffffffffe" }, /* another's CPU time */
	{ "clock_settime", 0, "0" },
	{ "clock_settime", 0, "0xfffffffffffffffe" },
	{ "timer_create", 0, "0x2" },
	{ "timer_create", 0, "0x3" }, /* of CPU time */
	{ "timer_create", 0, "0x8" },
	{ "timer_create", 0, "0xfffffffffffffffe" },
	{ "getitimer", 0, "0x1" },
	{ "getitimer", 0, "0x2" }, /* the same */
	{ "setitimer", 0, "0x1" },
	{ "setitimer", 0, "0x2" },
	{ "fallocate", 2, "0x800000000000" },
	{ "fallocate", 2, "0x1000000000000" }, /* how large a file may be */
	{ "ftruncate", 1, "0x800000000000" },
	{ "ftruncate", 1, "0x1000000000000" },
	{ "ftruncate", 1, "0x7fffffffffffffff" },
	{ "truncate", 1, "0x800000000000" },
	{ "truncate", 1, "0x1000000000000" },
	{ "truncate", 1, "0x7fffffffffffffff" },
	{ "futex", 1, "0x7" },
	{ "futex", 1, "0x8" },	  /* priority inheritance */
	{ "madvise", 2, "0x64" }, /* MADV_HWPOISON */
	{ "pipe2", 1, "0x80" },
	{ "pipe2", 1, "0x10000" }, /* notifications, packets */
	{ "renameat2", 4, "0x2" }, /* RENAME_EXCHANGE */
	{ "socket", 0, "0x2" },
	{ "socketpair", 0, "0x2" },  /* AF_INET */
	{ "syslog", 0, "0x2" },	     /* waits for a line */
	{ "sendto", 2, "0x100000" }, /* how much fits */
	{ "lseek", 0, "event" },
	{ "lseek", 0, "timer" }, /* 0: Linux has a position for them */
	{ "lseek", 0, "epoll" },
	{ "lseek", 0, "signal" },
	{ "mincore", 1, "*" }, /* where the answer's memory lies */
	{ "fallocate", 3, "0x7fffffffffffffff" },
	{ "fallocate", 3, "0x800000000000" },
	{ "fallocate", 3, "0x1000000000000" },
	{ "flistxattr", 0, "socket" },
	{ "flistxattr", 0, "listen" }, /* system.sockprotoname */
	{ "mremap", 3, "0x7" },	       /* MREMAP_DONTUNMAP */
	{ "recvfrom", 2, "0" },	       /* reading nothing never waits */
	{ "renameat", 3, "*" },
	{ "renameat2", 3, "*" }, /* which name is looked at first */
	{ "sendfile", 0, "listen" },
	{ "sendfile", 1, "socket" },
	{ "sendfile", 1, "null" },
	{ "syslog", 1, "half" }, /* how long the log is */
	{ "waitid", 2, "half" }, /* which of its words are written */
};

static bool excepted(const char *name, int argument, const char *value)
{
	for (size_t i = 0; i < sizeof(exceptions) / sizeof(exceptions[0]); i++)
		if (exceptions[i].argument == argument && !strcmp(exceptions[i].name, name) &&
		    (!strcmp(exceptions[i].value, value) || exceptions[i].value[0] == '*'))
			return true;
	return false;
}

static char *area; /* readable and writable, then a page without access, one that is read-only */
static char *no_access, *read_only;
static int objects[OBJECTS];
static const char *const object_names[] = { "file",   "dir",   "path",	"read",	  "write",
					    "event",  "timer", "epoll", "socket", "listen",
					    "signal", "null",  "memory" };

/* The kernel's own answer. */
static long call6(long nr, const long a[6])
{
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a[0];
	register long x1 __asm__("x1") = a[1];
	register long x2 __asm__("x2") = a[2];
	register long x3 __asm__("x3") = a[3];
	register long x4 __asm__("x4") = a[4];
	register long x5 __asm__("x5") = a[5];

	__asm__ volatile("svc #0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory", "cc");
	return x0;
}

/* ---- objects ---- */

static void make_objects(void)
{
	int ends[2];

	unlink("new");
	objects[FD_FILE] = open("a", O_RDWR | O_CREAT | O_TRUNC, 0600);
	(void)!write(objects[FD_FILE], "12345678", 8);
	lseek(objects[FD_FILE], 4, SEEK_SET);
	objects[FD_DIR] = open(".", O_RDONLY | O_DIRECTORY);
	objects[FD_PATH] = open("a", O_PATH);
	(void)!pipe2(ends, O_NONBLOCK);
	objects[FD_READ] = ends[0];
	objects[FD_WRITE] = ends[1];
	objects[FD_EVENT] = eventfd(1, EFD_NONBLOCK);
	objects[FD_TIMER] = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	objects[FD_EPOLL] = epoll_create1(0);
	(void)!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends);
	objects[FD_SOCKET] = ends[0];
	objects[FD_LISTEN] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	objects[FD_SIGNAL] = signalfd(-1, &(sigset_t){ 0 }, SFD_NONBLOCK);
	objects[FD_NULL] = open("/dev/null", O_RDWR);
	objects[FD_MEMORY] = memfd_create("m", 0);
}

static void make_memory(void)
{
	area = mmap(NULL, ROOM + 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0);
	no_access = area + ROOM;
	read_only = no_access + PAGE;
	mprotect(no_access, PAGE, PROT_NONE);
	mprotect(read_only, PAGE, PROT_READ);
}

/* Put there what an argument points to. */
static void fill(char *to, const struct arg *a)
{
	static struct iovec vector;
	struct sockaddr_un name = { .sun_family = AF_UNIX, .sun_path = "none" };
	struct epoll_event event = { .events = EPOLLIN };
	struct pollfd pollfd = { objects[FD_READ], POLLIN, 0 };
	struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1 };
	struct timespec time = { 0, 1000 }, bad_time = { 0, -1 };
	char *argv[] = { area };
	const void *from[] = { NULL,  &time,  &bad_time, &vector, &message,
			       &name, &event, &pollfd,	 argv };

	vector = (struct iovec){ area + 8 * PAGE, 8 };
	if (a->kind == PATH || a->kind == PATH_NEW)
		strcpy(to, a->kind == PATH ? "a" : "nosuch/b");
	else if (a->content)
		memcpy(to, from[a->content], (size_t)a->value);
	else
		memset(to, 0, (size_t)a->value);
}

/* A right value for argument i. */
static long right(const struct arg *a, int i)
{
	if (a->kind < OBJECTS)
		return objects[a->kind];
	if (a->kind == FD_AT)
		return AT_FDCWD;
	if (a->kind == CONST || a->kind == NUM || a->kind == ADDRESS || a->kind == PID)
		return a->value;
	if (a->kind == NONE)
		return 0;
	fill(area + i * PAGE, a);
	return (long)(area + i * PAGE);
}

/* ---- a try ---- */

static const struct call *call;

struct state {
	long position;
	off_t size;
	int next_fd;
	sigset_t mask;
};

static struct state look(void)
{
	struct state s = { .position = lseek(objects[FD_FILE], 0, SEEK_CUR) };
	struct stat st = { .st_size = -1 };

	fstat(objects[FD_FILE], &st);
	s.size = st.st_size;
	s.next_fd = dup(1);
	close(s.next_fd);
	sigprocmask(SIG_BLOCK, NULL, &s.mask);
	return s;
}

static bool same(const struct state *a, const struct state *b)
{
	return a->position == b->position && a->size == b->size && a->next_fd == b->next_fd &&
	       !memcmp(&a->mask, &b->mask, 8);
}

static const char *error_name(long error)
{
	static const char *const names[] = {
		[EPERM] = "EPERM",
		[ENOENT] = "ENOENT",
		[ESRCH] = "ESRCH",
		[EINTR] = "EINTR",
		[EIO] = "EIO",
		[ENXIO] = "ENXIO",
		[E2BIG] = "E2BIG",
		[ENOEXEC] = "ENOEXEC",
		[EBADF] = "EBADF",
		[ECHILD] = "ECHILD",
		[EAGAIN] = "EAGAIN",
		[ENOMEM] = "ENOMEM",
		[EACCES] = "EACCES",
		[EFAULT] = "EFAULT",
		[EBUSY] = "EBUSY",
		[EEXIST] = "EEXIST",
		[EXDEV] = "EXDEV",
		[ENODEV] = "ENODEV",
		[ENOTDIR] = "ENOTDIR",
		[EISDIR] = "EISDIR",
		[EINVAL] = "EINVAL",
		[ENFILE] = "ENFILE",
		[EMFILE] = "EMFILE",
		[ENOTTY] = "ENOTTY",
		[EFBIG] = "EFBIG",
		[ENOSPC] = "ENOSPC",
		[ESPIPE] = "ESPIPE",
		[EPIPE] = "EPIPE",
		[ERANGE] = "ERANGE",
		[ENAMETOOLONG] = "ENAMETOOLONG",
		[ENOSYS] = "ENOSYS",
		[ENOTEMPTY] = "ENOTEMPTY",
		[ELOOP] = "ELOOP",
		[EOVERFLOW] = "EOVERFLOW",
		[ENOTSOCK] = "ENOTSOCK",
		[EMSGSIZE] = "EMSGSIZE",
		[ENOPROTOOPT] = "ENOPROTOOPT",
		[EPROTONOSUPPORT] = "EPROTONOSUPPORT",
		[ESOCKTNOSUPPORT] = "ESOCKTNOSUPPORT",
		[EOPNOTSUPP] = "EOPNOTSUPP",
		[EAFNOSUPPORT] = "EAFNOSUPPORT",
		[EISCONN] = "EISCONN",
		[ENOTCONN] = "ENOTCONN",
		[ECONNREFUSED] = "ECONNREFUSED",
		[ENODATA] = "ENODATA",
	};
	static char number[16];

	if ((size_t)error < sizeof(names) / sizeof(names[0]) && names[error])
		return names[error];
	snprintf(number, sizeof(number), "%ld", error);
	return number;
}

/* Argument i has that value, which is called so. What follows in the line is the answer. */
static void try(int i, long value, const char *what)
{
	struct state before, after;
	long a[6], result;

	if (excepted(call->name, i, what))
		return;
	for (int n = 0; n < 6; n++)
		a[n] = right(&call->args[n], n);
	a[i] = value;
	before = look();
	result = call6(call->nr, a);
	if (result == 0 && (call->nr == __NR_clone || call->nr == __NR_clone3))
		_exit(0);
	after = look();
	printf(" %s=%s%s", what, result < 0 && result > -4096 ? error_name(-result) : "ok",
	       result < 0 && !same(&before, &after) ? "(changed)" : "");
	if (result >= 0)
		call6(__NR_close_range, (const long[]){ objects[FD_MEMORY] + 1, ~0u, 0, 0, 0, 0 });
}

static void try_pointers(int i)
{
	const struct arg *a = &call->args[i];
	bool path = a->kind == PATH || a->kind == PATH_NEW;
	size_t half = path ? 1 : (size_t)a->value / 2;
	char *at = no_access - half;

	if (a->kind != IN_SOME)
		try(i, 0, "null");
	try(i, PAGE + 8, "unmapped");
	try(i, (long)0xffff000000001000, "kernel");
	try(i, -8, "last");
	try(i, 0x0002000000000000, "beyond");
	try(i, (long)no_access + 64, "no-access");
	if (a->kind == OUT)
		try(i, (long)read_only + 64, "read-only");
	if (half) {
		memset(at, 'a', half);
		try(i, (long)at, "half");
	}
	if (!path) {
		at = area + 9 * PAGE + 1;
		fill(at, a);
		try(i, (long)at, "unaligned");
	}
}

static void try_descriptors(int i)
{
	try(i, -1, "-1");
	try(i, 1000, "closed");
	try(i, 0x7fffffff, "most");
	try(i, -2147483647 - 1, "least");
	for (int n = 0; n < OBJECTS; n++)
		try(i, objects[n], object_names[n]);
}

static void try_list(int i, const long *numbers, size_t count)
{
	char name[24];

	for (size_t n = 0; n < count; n++) {
		snprintf(name, sizeof(name), "%#lx", numbers[n]);
		try(i, numbers[n], name);
	}
}

static void try_numbers(int i)
{
	static const long addresses[] = {
		0, 1, 4095, 4096, 65537, 1l << 47, (1l << 48) - 4096, 1l << 48, 1l << 54
	};
	static const long pids[] = { 0,		 -1,	     -2,       0x3fffffff, 0x7fffffff,
				     0x80000000, 0xffffffff, 1l << 32, -(1l << 62) };
	static const long numbers[] = { 0,
					1,
					2,
					3,
					7,
					8,
					63,
					64,
					65,
					100,
					128,
					255,
					256,
					1024,
					1025,
					4095,
					4096,
					65536,
					1 << 20,
					0x7fffffff,
					0x80000000,
					0xffffffff,
					1l << 32,
					1l << 40,
					1l << 47,
					1l << 48,
					0x7fffffffffffffff,
					-0x7fffffffffffffff - 1,
					-1,
					-2,
					-100,
					-4096 };

	if (call->args[i].kind == ADDRESS)
		try_list(i, addresses, sizeof(addresses) / sizeof(addresses[0]));
	else if (call->args[i].kind == PID)
		try_list(i, pids, sizeof(pids) / sizeof(pids[0]));
	else
		try_list(i, numbers, sizeof(numbers) / sizeof(numbers[0]));
}

static void try_argument(int i)
{
	enum kind kind = call->args[i].kind;

	printf("%s %d:", call->name, i);
	if (kind <= FD_AT)
		try_descriptors(i);
	else if (kind == NUM || kind == ADDRESS || kind == PID)
		try_numbers(i);
	else
		try_pointers(i);
	printf("\n");
}

/* In a child: what one argument's tries have changed is not there for the next one's. */
static void in_child(int i)
{
	int status = 0, pid = fork();

	if (pid == 0) {
		alarm(HANG_S);
		signal(SIGPIPE, SIG_IGN);
		signal(SIGXFSZ, SIG_IGN);
		make_objects();
		make_memory();
		try_argument(i);
		fflush(stdout);
		_exit(0);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (status)
		printf("%s %d: status %#x\n", call->name, i, status);
	fflush(stdout);
}

static void run(const struct call *c)
{
	call = c;
	if (c->nr < 0)
		return;
	for (int i = 0; i < 6 && c->args[i].kind != NONE; i++)
		if (c->args[i].kind != CONST)
			in_child(i);
}

static bool named(const char *argument, const char *name)
{
	if (argument[0] && argument[1] == '-' && argument[2] && !argument[3])
		return *name >= argument[0] && *name <= argument[2];
	return !strcmp(argument, name);
}

int main(int argc, char **argv)
{
	bool names = argc == 2 && !strcmp(argv[1], "--names");

	if (mkdir("calls.d", 0700) || chdir("calls.d"))
		return 1;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		bool wanted = argc == 1;

		for (int n = 1; n < argc; n++)
			wanted |= named(argv[n], calls[i].name);
		if (names)
			puts(calls[i].name);
		else if (wanted)
			run(&calls[i]);
	}
	return 0;
}
