/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls with arguments that nobody means: random numbers, objects of each kind, pointers
 *that are null, unaligned, the kernel's, read-only or half there. Children make them, each from a
 *seed of its own, and may end in any way; memory and files of the parent stay as they were, what
 *the children had is free again, and the kernel goes on.
 *
 *	fuzz [SECONDS [SEED [trace]]]	after the fixed seeds that many seconds from SEED on; trace:
 *					SEED alone, each call on stderr before it is made
 */
#include <fcntl.h>
#include <linux/kvm.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/lib/abi.h"

enum { CALLS = 4000, FIXED_SEEDS = 6, LAST_CALL = 460, PAGE = 4096, HANG_MS = 400 };

static uint64_t seed;
static volatile _Atomic uint64_t *progress; /* shared: calls the child has made */
static char *buffer; /* 16 pages; the last one is not there, the one before read-only */
static bool trace;

static uint64_t pick(uint64_t n)
{
	return random_next(&seed) >> 16 % n ? (random_next(&seed) >> 16) % n : 0;
}

/* ---- arguments ---- */

static const uint64_t numbers[] = {
	0,	    1,		2,
	3,	    7,		8,
	16,	    64,		100,
	127,	    255,	256,
	511,	    512,	1023,
	1024,	    4095,	4096,
	4097,	    65535,	65536,
	0x7fffffff, 0x80000000, 0xffffffff,
	1ul << 32,  1ul << 47,	(1ul << 48) - 1,
	1ul << 48,  1ul << 62,	1ul << 63,
	-1ul,	    -2ul,	-100ul, /* AT_FDCWD */
};

static uint64_t any_number(void)
{
	switch (pick(4)) {
	case 0:
		return numbers[pick(sizeof(numbers) / sizeof(numbers[0]))];
	case 1:
		return random_next(&seed);
	case 2:
		return 1ul << pick(32) | 1ul << pick(32);
	default:
		return pick(70);
	}
}

static uint64_t any_pointer(void)
{
	uintptr_t good = (uintptr_t)buffer + pick(10 * PAGE) / 8 * 8;

	switch (pick(12)) {
	case 0:
		return 0;
	case 1:
		return good + 1 + pick(7);
	case 2:
		return 0xffff800000000000ul + pick(1 << 20);
	case 3:
		return (uintptr_t)buffer + 14 * PAGE + pick(PAGE);
	case 4:
		return (uintptr_t)buffer + 15 * PAGE - pick(64);
	case 5:
		return (1ul << 48) - pick(64);
	case 6:
		return random_next(&seed);
	default:
		return good;
	}
}

static const char *const names[] = { "a",   "b",	   "c", "d/e", "d",
				     "./a", "../fuzz.d/b", "",	"a/b", "none" };

static uint64_t any_path(void)
{
	char *at = buffer + 11 * PAGE + pick(8) * 64;

	strcpy(at, names[pick(sizeof(names) / sizeof(names[0]))]);
	return (uintptr_t)at;
}

/* Fill some of the buffer with what may be an argument by itself. */
static void scribble(void)
{
	uint64_t *at = (uint64_t *)(buffer + pick(10 * PAGE) / 8 * 8);

	for (unsigned n = 1 + (unsigned)pick(16); n; n--)
		*at++ = pick(3) ? any_number() : any_pointer();
}

static uint64_t any_argument(void)
{
	switch (pick(6)) {
	case 0:
	case 1:
		return any_pointer();
	case 2:
		return any_path();
	case 3:
		return 3 + pick(40); /* a descriptor */
	default:
		return any_number();
	}
}

/* ---- what is not called ---- */

/* What is about the whole machine, or would stop the test with full right. */
static const short never[] = {
	__NR_reboot,
	__NR_kexec_load,
	__NR_kexec_file_load,
	__NR_init_module,
	__NR_finit_module,
	__NR_delete_module,
	__NR_mount,
	__NR_umount2,
	__NR_pivot_root,
	__NR_swapon,
	__NR_swapoff,
	__NR_sethostname,
	__NR_setdomainname,
	__NR_settimeofday,
	__NR_clock_settime,
	__NR_clock_adjtime,
	__NR_adjtimex,
	__NR_syslog,
	__NR_vhangup,
	__NR_acct,
	__NR_quotactl,
	__NR_exit_group,
	__NR_exit,
	__NR_setrlimit,
	__NR_ptrace,
	__NR_process_vm_writev,
	__NR_bpf,
	__NR_move_mount,
	__NR_fsmount,
	__NR_open_tree,
	__NR_mount_setattr,
	__NR_unshare,
	__NR_setns,
	__NR_quotactl_fd,
	__NR_sync,
	__NR_chroot,
	__NR_perf_event_open,
	__NR_process_madvise,
	__NR_lookup_dcookie,
	__NR_process_mrelease,
	__NR_pidfd_send_signal,
	__NR_sched_setscheduler,
	__NR_sched_setparam,
	__NR_sched_setattr,
	__NR_kcmp,
	__NR_vmsplice,
	__NR_syncfs,
	__NR_fsopen,
	__NR_fspick,
	__NR_fsconfig,
	__NR_shmget,
	__NR_msgget,
	__NR_semget,
	__NR_add_key,
	__NR_request_key,
	__NR_keyctl,
};

static bool allowed(long nr)
{
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		if (never[i] == nr)
			return false;
	return true;
}

/* Calls that name processes name only this one. */
static void tame(long nr, uint64_t a[6])
{
	uint64_t self = (uint64_t)getpid(), others[] = { 0, self, 0x3fffffff, -self };

	switch (nr) {
	case __NR_kill:
	case __NR_tkill:
	case __NR_rt_sigqueueinfo:
	case __NR_setpriority:
	case __NR_sched_setaffinity:
	case __NR_pidfd_open:
		a[nr == __NR_setpriority] = others[nr == __NR_kill ? pick(4) : pick(3)];
		break;
	case __NR_tgkill:
	case __NR_rt_tgsigqueueinfo:
		a[0] = others[pick(3)];
		a[1] = others[pick(3)];
		break;
	case __NR_ptrace: /* nor asks the witness to trace it */
		a[0] = a[0] ? a[0] : 17; /* PTRACE_DETACH */
		a[1] = others[pick(3)];
		break;
	case __NR_process_vm_writev:
	case __NR_prlimit64:
	case __NR_migrate_pages:
	case __NR_move_pages:
		a[0] = 0x3fffffff;
		break;
	case __NR_ioprio_set:
		a[1] = 0x3fffffff;
		break;
	case __NR_setpgid:
		a[0] = 0;
		break;
	case __NR_clone: /* the child is told by its result alone: no shared memory, no parent */
		a[0] &= ~(uint64_t)(CLONE_VM | CLONE_PARENT | CLONE_VFORK | CLONE_UNTRACED |
				    CLONE_NEWNS | CLONE_SETTLS);
		a[1] = 0;
		break;
	case __NR_clone3:
		a[1] = pick(60);
		break;
	case __NR_fcntl: /* whom SIGIO goes to */
	case __NR_ioctl:
		if (nr == __NR_fcntl && (a[1] == F_SETOWN || a[1] == F_SETOWN_EX))
			a[1] = F_GETFL;
		break;
	}
}

/* What would end the child at once does so now and then only. */
static void soften(long nr, uint64_t a[6])
{
	static const uint64_t mild[] = { 0, SIGURG, SIGCHLD, SIGCONT, SIGWINCH, SIGALRM };

	if (!pick(8))
		return;
	switch (nr) {
	case __NR_kill:
	case __NR_tkill:
	case __NR_rt_sigqueueinfo:
		a[1] = mild[pick(6)];
		break;
	case __NR_tgkill:
	case __NR_rt_tgsigqueueinfo:
		a[2] = mild[pick(6)];
		break;
	case __NR_rt_sigaction:
	case __NR_setitimer:
		a[1] = 0;
		break;
	case __NR_rt_sigreturn:
	case __NR_execve:
	case __NR_execveat:
		a[0] = a[1] = 0;
		break;
	case __NR_munmap:
	case __NR_mprotect:
	case __NR_mremap:
	case __NR_madvise:
	case __NR_mmap:
	case __NR_shmat:
	case __NR_remap_file_pages:
		a[0] = (uintptr_t)buffer + pick(11) * PAGE;
		a[1] = pick(3) * PAGE + pick(2);
		if (nr == __NR_munmap || nr == __NR_mremap)
			a[1] = pick(2);
		break;
	case __NR_brk:
		a[0] = 0;
		break;
	}
}

/* ---- the child ---- */

static void on_alarm(int signo)
{
	(void)signo;
}

/* One object of each kind, from descriptor 3 on. */
static void open_objects(void)
{
	int fds[2], kvm, vm;

	open("a", O_RDWR | O_CREAT, 0644);
	open("d", O_RDONLY | O_DIRECTORY);
	open("/dev/zero", O_RDWR);
	open("/proc/self/maps", O_RDONLY);
	(void)!pipe(fds);
	eventfd(3, EFD_NONBLOCK);
	timerfd_create(CLOCK_MONOTONIC, 0);
	socketpair(AF_UNIX, SOCK_STREAM, 0, fds);
	socket(AF_UNIX, SOCK_DGRAM, 0);
	epoll_create1(0);
	memfd_create("m", 0);
	kvm = open("/dev/kvm", O_RDWR);
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	ioctl(vm, KVM_CREATE_VCPU, 0);
	open("/dev/null", O_RDWR);
}

static void limit(int what, rlim_t to)
{
	struct rlimit r = { to, to };

	setrlimit(what, &r);
}

static void prepare(void)
{
	struct sigaction act = { .sa_handler = on_alarm };
	struct itimerval often = { { 0, 4000 }, { 0, 4000 } };
	int null = open("/dev/null", O_RDWR);

	setsid();
	dup2(null, 0);
	if (!trace) {
		dup2(null, 1);
		dup2(null, 2);
	}
	close(null);
	mkdir(scratch("fuzz.d"), 0777);
	if (chdir(scratch("fuzz.d")))
		_exit(99);
	mkdir("d", 0777);
	limit(RLIMIT_FSIZE, 1 << 20);
	limit(RLIMIT_AS, 512ul << 20);
	limit(RLIMIT_NPROC, 200);
	limit(RLIMIT_CORE, 0);
	buffer = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mprotect(buffer + 14 * PAGE, PAGE, PROT_READ);
	munmap(buffer + 15 * PAGE, PAGE);
	open_objects();
	sigaction(SIGALRM, &act, NULL); /* blocking calls return */
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	setitimer(ITIMER_REAL, &often, NULL);
}

static void one_call(void)
{
	uint64_t a[6];
	long nr = (long)pick(LAST_CALL);
	long result;

	if (pick(4) == 0)
		scribble();
	for (int i = 0; i < 6; i++)
		a[i] = any_argument();
	if (pick(3) == 0)
		a[0] = 3 + pick(24);
	if (nr == __NR_ioctl && pick(4))
		a[1] = 0xae00 | pick(256) | pick(2) << 30 | pick(2) << 31 |
		       (uint64_t)(8 * pick(20)) << 16;
	if (!allowed(nr))
		return;
	soften(nr, a);
	tame(nr, a);
	if (nr == __NR_rt_sigreturn && a[0] == 0)
		return;
	if (trace)
		dprintf(2, "%lu: %ld(%#lx, %#lx, %#lx, %#lx, %#lx, %#lx)\n", *progress, nr, a[0],
			a[1], a[2], a[3], a[4], a[5]);
	result = sys(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	if (result == 0 && (nr == __NR_clone || nr == __NR_clone3))
		_exit(0);
}

static _Noreturn void child_main(void)
{
	prepare();
	for (int i = 0; i < CALLS; i++) {
		one_call();
		(*progress)++;
	}
	_exit(0);
}

/* ---- the parent ---- */

enum { MINE = 1 << 20 };
static unsigned char *mine;
static uint64_t made;

static unsigned char content(size_t i, unsigned salt)
{
	return (unsigned char)(i * 7 + (i >> 8) + salt);
}

static const char *my_file(void)
{
	return scratch("fuzz.mine");
}

static void write_mine(void)
{
	int fd = open(my_file(), O_RDWR | O_CREAT | O_TRUNC, 0600);

	for (size_t i = 0; i < MINE; i++)
		mine[i] = content(i, 1);
	expect_eq(write(fd, mine, MINE), MINE);
	close(fd);
}

static bool mine_is_whole(void)
{
	static unsigned char back[MINE];
	int fd = open(my_file(), O_RDONLY);
	bool whole = read(fd, back, MINE) == MINE;

	close(fd);
	for (size_t i = 0; i < MINE && whole; i++)
		whole = mine[i] == content(i, 1) && back[i] == content(i, 1);
	return whole;
}

/* Let a child make its calls from seed s; one that does not get on any more is killed. */
static void run_seed(uint64_t s)
{
	uint64_t last = 0, since = now_ns(CLOCK_MONOTONIC);
	int status, pid;

	seed = s;
	*progress = 0;
	pid = fork();
	if (pid == 0)
		child_main();
	while (waitpid(pid, &status, WNOHANG) == 0) {
		uint64_t now = now_ns(CLOCK_MONOTONIC);

		if (*progress != last) {
			last = *progress;
			since = now;
		} else if (now - since > HANG_MS * 1000000ull) {
			kill(pid, SIGKILL);
		}
		sleep_ms(2);
	}
	/* grandchildren are in its session, or ended with it */
	kill(-pid, SIGKILL);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	made += *progress;
	if (trace)
		tap_print("# seed %lu: %lu calls, status %#x\n", s, *progress, status);
}

static void start(void)
{
	if (mine)
		return;
	progress = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	mine = mmap(NULL, MINE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	write_mine();
}

static long free_mib(void)
{
	struct sysinfo info;

	sysinfo(&info);
	return (long)(info.freeram * info.mem_unit >> 20);
}

static void clean_up(void)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char path[64];

		snprintf(path, sizeof(path), "%s/%s", scratch("fuzz.d"), names[i]);
		chmod(path, 0700);
		unlink(path);
		rmdir(path);
	}
}

TEST(fixed_seeds_change_nothing_of_anothers)
{
	start();
	if (tap_argc > 3)
		return;
	for (uint64_t s = 1; s <= FIXED_SEEDS; s++) {
		run_seed(s);
		if (!expect(mine_is_whole()))
			tap_print("# seed %lu\n", s);
	}
}

TEST(random_seeds_change_nothing_of_anothers)
{
	long seconds = tap_argc > 1 ? atol(tap_argv[1]) : 0;
	uint64_t s = tap_argc > 2 ? strtoul(tap_argv[2], NULL, 0) : now_ns(CLOCK_REALTIME);
	uint64_t end = now_ns(CLOCK_MONOTONIC) + (uint64_t)seconds * 1000000000ull;
	unsigned runs = 0;

	trace = tap_argc > 3;
	start();
	if (seconds)
		tap_print("# from seed %lu\n", s);
	for (; now_ns(CLOCK_MONOTONIC) < end && !tap_failed; s++, runs++) {
		run_seed(s);
		if (!expect(mine_is_whole()))
			tap_print("# seed %lu\n", s);
		if (trace)
			return;
	}
	if (seconds)
		tap_print("# %u seeds, %lu calls\n", runs, made);
}

TEST(what_the_children_had_is_free_again)
{
	long before, after;

	if (trace)
		return;
	run_seed(1);
	clean_up();
	before = free_mib();
	for (uint64_t s = 1; s <= 4; s++)
		run_seed(s);
	clean_up();
	for (int i = 0; i < 100 && free_mib() < before - 8; i++)
		sleep_ms(50);
	after = free_mib();
	if (!expect(after >= before - 8))
		tap_print("# %ld MiB free before, %ld after\n", before, after);
}
