/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls: the way in, and the one table of those that exist. A call is x8 = number,
 * arguments in x0 to x5, result in x0. What has no row here is -ENOSYS, is counted and named once
 * in the log.
 */
#include "linux/syscalls.h"

#include <linux/errno.h>
#include <asm/unistd.h>

#include "lib/printk.h"
#include "linux/signal/signal.h"
#include "linux/process/task.h"
#include "mm/slab.h"

static const syscall_fn syscalls[SYSCALL_NUMBERS] = {
	/* mmap.c */
	[__NR_mmap] = sys_mmap,
	[__NR_munmap] = sys_munmap,
	[__NR_mprotect] = sys_mprotect,
	[__NR_mremap] = sys_mremap,
	[__NR_madvise] = sys_madvise,
	[__NR_brk] = sys_brk,
	[__NR_msync] = sys_msync,
	[__NR_mincore] = sys_mincore,
	[__NR_mlock] = sys_mlock,
	[__NR_munlock] = sys_munlock,

	/* process.c */
	[__NR_exit] = sys_exit,
	[__NR_exit_group] = sys_exit_group,
	[__NR_wait4] = sys_wait4,
	[__NR_waitid] = sys_waitid,
	[__NR_set_tid_address] = sys_set_tid_address,
	[__NR_set_robust_list] = sys_set_robust_list,
	[__NR_get_robust_list] = sys_get_robust_list,
	[__NR_getpid] = sys_getpid,
	[__NR_getppid] = sys_getppid,
	[__NR_gettid] = sys_gettid,
	[__NR_getuid] = sys_getuid,
	[__NR_geteuid] = sys_geteuid,
	[__NR_getgid] = sys_getgid,
	[__NR_getegid] = sys_getegid,
	[__NR_setuid] = sys_setuid,
	[__NR_setgid] = sys_setgid,
	[__NR_setreuid] = sys_setreuid,
	[__NR_setregid] = sys_setregid,
	[__NR_setresuid] = sys_setresuid,
	[__NR_setresgid] = sys_setresgid,
	[__NR_getresuid] = sys_getresuid,
	[__NR_getresgid] = sys_getresgid,
	[__NR_getgroups] = sys_getgroups,
	[__NR_setgroups] = sys_setgroups,
	[__NR_getpgid] = sys_getpgid,
	[__NR_setpgid] = sys_setpgid,
	[__NR_getsid] = sys_getsid,
	[__NR_setsid] = sys_setsid,

	/* ptrace.c */
	[__NR_ptrace] = sys_ptrace,
	[__NR_process_vm_readv] = sys_process_vm_readv,
	[__NR_process_vm_writev] = sys_process_vm_writev,

	/* clone.c */
	[__NR_clone] = sys_clone,
	[__NR_clone3] = sys_clone3,

	/* exec.c */
	[__NR_execve] = sys_execve,
	[__NR_execveat] = sys_execveat,

	/* signal.c */
	[__NR_rt_sigaction] = sys_rt_sigaction,
	[__NR_rt_sigprocmask] = sys_rt_sigprocmask,
	[__NR_rt_sigpending] = sys_rt_sigpending,
	[__NR_rt_sigsuspend] = sys_rt_sigsuspend,
	[__NR_rt_sigtimedwait] = sys_rt_sigtimedwait,
	[__NR_rt_sigqueueinfo] = sys_rt_sigqueueinfo,
	[__NR_rt_tgsigqueueinfo] = sys_rt_tgsigqueueinfo,
	[__NR_rt_sigreturn] = sys_rt_sigreturn,
	[__NR_sigaltstack] = sys_sigaltstack,
	[__NR_kill] = sys_kill,
	[__NR_tkill] = sys_tkill,
	[__NR_tgkill] = sys_tgkill,
	[__NR_restart_syscall] = sys_restart_syscall,

	/* futex.c */
	[__NR_futex] = sys_futex,

	/* time.c */
	[__NR_clock_gettime] = sys_clock_gettime,
	[__NR_clock_settime] = sys_clock_settime,
	[__NR_settimeofday] = sys_settimeofday,
	[__NR_clock_getres] = sys_clock_getres,
	[__NR_clock_nanosleep] = sys_clock_nanosleep,
	[__NR_nanosleep] = sys_nanosleep,
	[__NR_gettimeofday] = sys_gettimeofday,
	[__NR_times] = sys_times,
	[__NR_getitimer] = sys_getitimer,
	[__NR_setitimer] = sys_setitimer,

	/* posix_timer.c */
	[__NR_timer_create] = sys_timer_create,
	[__NR_timer_settime] = sys_timer_settime,
	[__NR_timer_gettime] = sys_timer_gettime,
	[__NR_timer_getoverrun] = sys_timer_getoverrun,
	[__NR_timer_delete] = sys_timer_delete,

	/* misc.c */
	[__NR_uname] = sys_uname,
	[__NR_sethostname] = sys_sethostname,
	[__NR_setdomainname] = sys_setdomainname,
	[__NR_prctl] = sys_prctl,
	[__NR_sysinfo] = sys_sysinfo,
	[__NR_getrandom] = sys_getrandom,
	[__NR_prlimit64] = sys_prlimit64,
	[__NR_getrlimit] = sys_getrlimit,
	[__NR_setrlimit] = sys_setrlimit,
	[__NR_getrusage] = sys_getrusage,
	[__NR_getcpu] = sys_getcpu,
	[__NR_getpriority] = sys_getpriority,
	[__NR_setpriority] = sys_setpriority,
	[__NR_sched_yield] = sys_sched_yield,
	[__NR_sched_setaffinity] = sys_sched_setaffinity,
	[__NR_sched_getaffinity] = sys_sched_getaffinity,
	[__NR_sched_setparam] = sys_sched_setparam,
	[__NR_sched_getparam] = sys_sched_getparam,
	[__NR_sched_setscheduler] = sys_sched_setscheduler,
	[__NR_sched_getscheduler] = sys_sched_getscheduler,
	[__NR_sched_get_priority_max] = sys_sched_get_priority_max,
	[__NR_sched_get_priority_min] = sys_sched_get_priority_min,
	[__NR_personality] = sys_personality,
	[__NR_reboot] = sys_reboot,

	/* file.c */
	[__NR_read] = sys_read,
	[__NR_write] = sys_write,
	[__NR_readv] = sys_readv,
	[__NR_writev] = sys_writev,
	[__NR_pread64] = sys_pread64,
	[__NR_pwrite64] = sys_pwrite64,
	[__NR_preadv] = sys_preadv,
	[__NR_pwritev] = sys_pwritev,
	[__NR_preadv2] = sys_preadv2,
	[__NR_pwritev2] = sys_pwritev2,
	[__NR_lseek] = sys_lseek,
	[__NR_close] = sys_close,
	[__NR_close_range] = sys_close_range,
	[__NR_dup] = sys_dup,
	[__NR_dup3] = sys_dup3,
	[__NR_fcntl] = sys_fcntl,
	[__NR_ioctl] = sys_ioctl,
	[__NR_fstat] = sys_fstat,
	[__NR_fsync] = sys_fsync,
	[__NR_fdatasync] = sys_fdatasync,
	[__NR_sync] = sys_sync,
	[__NR_syncfs] = sys_syncfs,
	[__NR_sendfile] = sys_sendfile,

	/* open.c */
	[__NR_openat] = sys_openat,
	[__NR_newfstatat] = sys_newfstatat,
	[__NR_statx] = sys_statx,
	[__NR_faccessat] = sys_faccessat,
	[__NR_faccessat2] = sys_faccessat2,
	[__NR_readlinkat] = sys_readlinkat,
	[__NR_mkdirat] = sys_mkdirat,
	[__NR_unlinkat] = sys_unlinkat,
	[__NR_linkat] = sys_linkat,
	[__NR_symlinkat] = sys_symlinkat,
	[__NR_renameat] = sys_renameat,
	[__NR_renameat2] = sys_renameat2,
	[__NR_mknodat] = sys_mknodat,
	[__NR_fchmod] = sys_fchmod,
	[__NR_fchmodat] = sys_fchmodat,
	[__NR_fchown] = sys_fchown,
	[__NR_fchownat] = sys_fchownat,
	[__NR_utimensat] = sys_utimensat,
	[__NR_truncate] = sys_truncate,
	[__NR_ftruncate] = sys_ftruncate,
	[__NR_fallocate] = sys_fallocate,
	[__NR_statfs] = sys_statfs,
	[__NR_fstatfs] = sys_fstatfs,
	[__NR_getcwd] = sys_getcwd,
	[__NR_chdir] = sys_chdir,
	[__NR_fchdir] = sys_fchdir,
	[__NR_chroot] = sys_chroot,
	[__NR_getdents64] = sys_getdents64,
	[__NR_umask] = sys_umask,
	[__NR_mount] = sys_mount,
	[__NR_umount2] = sys_umount2,

	/* fcntl.c: what needs no doing, but a descriptor that exists */
	[__NR_fadvise64] = sys_fadvise64,

	/* lock.c */
	[__NR_flock] = sys_flock,

	/* syslog.c */
	[__NR_syslog] = sys_syslog,

	/* attr.c: no file has any */
	[__NR_getxattr] = sys_xattr,
	[__NR_lgetxattr] = sys_xattr,
	[__NR_fgetxattr] = sys_xattr,
	[__NR_setxattr] = sys_xattr,
	[__NR_lsetxattr] = sys_xattr,
	[__NR_fsetxattr] = sys_xattr,
	[__NR_listxattr] = sys_xattr,
	[__NR_llistxattr] = sys_xattr,
	[__NR_flistxattr] = sys_xattr,
	[__NR_removexattr] = sys_xattr,
	[__NR_lremovexattr] = sys_xattr,
	[__NR_fremovexattr] = sys_xattr,

	/* pipe.c, eventfd.c, timerfd.c, signalfd.c, memfd.c */
	[__NR_pipe2] = sys_pipe2,
	[__NR_eventfd2] = sys_eventfd2,
	[__NR_timerfd_create] = sys_timerfd_create,
	[__NR_timerfd_settime] = sys_timerfd_settime,
	[__NR_timerfd_gettime] = sys_timerfd_gettime,
	[__NR_signalfd4] = sys_signalfd4,
	[__NR_memfd_create] = sys_memfd_create,

	/* socket.c */
	[__NR_socket] = sys_socket,
	[__NR_socketpair] = sys_socketpair,
	[__NR_bind] = sys_bind,
	[__NR_listen] = sys_listen,
	[__NR_accept] = sys_accept,
	[__NR_accept4] = sys_accept4,
	[__NR_connect] = sys_connect,
	[__NR_getsockname] = sys_getsockname,
	[__NR_getpeername] = sys_getpeername,
	[__NR_sendto] = sys_sendto,
	[__NR_recvfrom] = sys_recvfrom,
	[__NR_sendmsg] = sys_sendmsg,
	[__NR_recvmsg] = sys_recvmsg,
	[__NR_setsockopt] = sys_setsockopt,
	[__NR_getsockopt] = sys_getsockopt,
	[__NR_shutdown] = sys_shutdown,

	/* poll.c, epoll.c */
	[__NR_ppoll] = sys_ppoll,
	[__NR_pselect6] = sys_pselect6,
	[__NR_epoll_create1] = sys_epoll_create1,
	[__NR_epoll_ctl] = sys_epoll_ctl,
	[__NR_epoll_pwait] = sys_epoll_pwait,
	[__NR_epoll_pwait2] = sys_epoll_pwait2,
};

static const syscall_fn *calls = syscalls; /* what runs; changed only before the first program */
/* By number; made when the first is counted: most programs want none. */
static _Atomic uint32_t *_Atomic unknown_counts;

static _Atomic uint32_t *counts_make(void)
{
	_Atomic uint32_t *none = NULL, *new = kcalloc(SYSCALL_NUMBERS, sizeof(*new));

	/* acq_rel: the zeros come before the pointer; an older one is acquired */
	if (!new ||
	    atomic_compare_exchange_strong_explicit(&unknown_counts, &none, new,
						    memory_order_acq_rel, memory_order_acquire))
		return new;
	kfree((void *)new);
	return none;
}

/* Out of the way of the calls that exist. */
static __attribute__((noinline, cold)) long syscall_unknown(uint64_t number)
{
	_Atomic uint32_t *counts;

	if (number >= SYSCALL_NUMBERS)
		return -ENOSYS;
	counts = atomic_load_explicit(&unknown_counts,
				      memory_order_acquire); /* partner: counts_make() */
	if (!counts)
		counts = counts_make();
	/* relaxed: only a count */
	if (counts && !atomic_fetch_add_explicit(&counts[number], 1, memory_order_relaxed))
		printk("linux: no system call %d, wanted by %s\n", (int)number,
		       thread_current()->name);
	return -ENOSYS;
}

uint32_t syscall_unknown_count(unsigned number)
{
	_Atomic uint32_t *counts = atomic_load_explicit(&unknown_counts, memory_order_acquire);

	return counts ? atomic_load_explicit(&counts[number], memory_order_relaxed) : 0;
}

long syscall_run(struct trapframe *tf, uint64_t number)
{
	return syscalls[number] ? syscalls[number](tf) : syscall_unknown(number);
}

int syscall_divert(syscall_fn through)
{
	syscall_fn *rows = kcalloc(SYSCALL_NUMBERS, sizeof(*rows));

	if (!rows)
		return -ENOMEM;
	for (unsigned n = 0; n < SYSCALL_NUMBERS; n++)
		rows[n] = through;
	calls = rows;
	return 0;
}

/* A restart code in the result comes with WORK_SIGNAL (linux/signal/signal.h): signal_deliver()
 * sees to it that no program does. */
static inline __attribute__((always_inline)) void call_number(struct trapframe *tf, uint64_t number)
{
	syscall_fn call = number < SYSCALL_NUMBERS ? calls[number] : NULL;

	tf->x[0] = (uint64_t)(call ? call(tf) : syscall_unknown(number));
}

void syscall_call(struct trapframe *tf, uint64_t number)
{
	call_number(tf, number);
}

void trap_syscall(struct trapframe *tf)
{
	uint64_t number = tf->x[8];

	if (__builtin_expect(tf->traced, 0))
		return trap_syscall_traced(tf);
	tf->orig_x0 = tf->x[0];
	tf->syscall = (int64_t)number;
	call_number(tf, number);
}
