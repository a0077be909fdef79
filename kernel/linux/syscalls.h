/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The system calls, grouped by the file that defines them. Arguments are tf->x[0] .. x[5]; the
 * value returned is the program's x0: a result, or -errno, or one of the restart codes of
 * linux/signal/signal.h. Each call that exists has one row in syscall.c's table; a call without a
 * row is -ENOSYS.
 */
#pragma once

#include "arch/trap.h"

#define SYSCALL_NUMBERS 512

typedef long (*syscall_fn)(struct trapframe *tf);

/* Run call number with the arguments in tf; its result is in x0 then. */
void syscall_call(struct trapframe *tf, uint64_t number);

/* How often programs have wanted this call, if there is none of that number. */
uint32_t syscall_unknown_count(unsigned number);
/* The call of this number, below SYSCALL_NUMBERS. */
long syscall_run(struct trapframe *tf, uint64_t number);
/* From now on every call of a program goes to this function. Before the first one; -ENOMEM. */
int syscall_divert(syscall_fn through);

/* mmap.c: memory */
long sys_mmap(struct trapframe *tf);
long sys_munmap(struct trapframe *tf);
long sys_mprotect(struct trapframe *tf);
long sys_mremap(struct trapframe *tf);
long sys_madvise(struct trapframe *tf);
long sys_brk(struct trapframe *tf);
long sys_msync(struct trapframe *tf);
long sys_mincore(struct trapframe *tf);
long sys_mlock(struct trapframe *tf);
long sys_munlock(struct trapframe *tf);

/* process.c: life and identity */
long sys_exit(struct trapframe *tf);
long sys_exit_group(struct trapframe *tf);
long sys_wait4(struct trapframe *tf);
long sys_waitid(struct trapframe *tf);
long sys_set_tid_address(struct trapframe *tf);
long sys_set_robust_list(struct trapframe *tf);
long sys_get_robust_list(struct trapframe *tf);
long sys_getpid(struct trapframe *tf);
long sys_getppid(struct trapframe *tf);
long sys_gettid(struct trapframe *tf);
long sys_getuid(struct trapframe *tf);
long sys_geteuid(struct trapframe *tf);
long sys_getgid(struct trapframe *tf);
long sys_getegid(struct trapframe *tf);
long sys_setuid(struct trapframe *tf);
long sys_setgid(struct trapframe *tf);
long sys_setreuid(struct trapframe *tf);
long sys_setregid(struct trapframe *tf);
long sys_setresuid(struct trapframe *tf);
long sys_setresgid(struct trapframe *tf);
long sys_getresuid(struct trapframe *tf);
long sys_getresgid(struct trapframe *tf);
long sys_getgroups(struct trapframe *tf);
long sys_setgroups(struct trapframe *tf);
long sys_getpgid(struct trapframe *tf);
long sys_setpgid(struct trapframe *tf);
long sys_getsid(struct trapframe *tf);
long sys_setsid(struct trapframe *tf);

/* ptrace.c: debuggers */
long sys_ptrace(struct trapframe *tf);
long sys_process_vm_readv(struct trapframe *tf);
long sys_process_vm_writev(struct trapframe *tf);

/* clone.c */
long sys_clone(struct trapframe *tf);
long sys_clone3(struct trapframe *tf);

/* exec.c */
long sys_execve(struct trapframe *tf);
long sys_execveat(struct trapframe *tf);

/* signal.c */
long sys_rt_sigaction(struct trapframe *tf);
long sys_rt_sigprocmask(struct trapframe *tf);
long sys_rt_sigpending(struct trapframe *tf);
long sys_rt_sigsuspend(struct trapframe *tf);
long sys_rt_sigtimedwait(struct trapframe *tf);
long sys_rt_sigqueueinfo(struct trapframe *tf);
long sys_rt_tgsigqueueinfo(struct trapframe *tf);
long sys_rt_sigreturn(struct trapframe *tf);
long sys_sigaltstack(struct trapframe *tf);
long sys_kill(struct trapframe *tf);
long sys_tkill(struct trapframe *tf);
long sys_tgkill(struct trapframe *tf);
long sys_restart_syscall(struct trapframe *tf);

/* futex.c */
long sys_futex(struct trapframe *tf);

/* time.c */
long sys_clock_gettime(struct trapframe *tf);
long sys_clock_settime(struct trapframe *tf);
long sys_settimeofday(struct trapframe *tf);
long sys_clock_getres(struct trapframe *tf);
long sys_clock_nanosleep(struct trapframe *tf);
long sys_nanosleep(struct trapframe *tf);
long sys_gettimeofday(struct trapframe *tf);
long sys_times(struct trapframe *tf);
long sys_getitimer(struct trapframe *tf);
long sys_setitimer(struct trapframe *tf);

/* misc.c */
long sys_uname(struct trapframe *tf);
long sys_sethostname(struct trapframe *tf);
long sys_setdomainname(struct trapframe *tf);
long sys_prctl(struct trapframe *tf);
long sys_sysinfo(struct trapframe *tf);
long sys_getrandom(struct trapframe *tf);
long sys_prlimit64(struct trapframe *tf);
long sys_getrlimit(struct trapframe *tf);
long sys_setrlimit(struct trapframe *tf);
long sys_getrusage(struct trapframe *tf);
long sys_getcpu(struct trapframe *tf);
long sys_getpriority(struct trapframe *tf);
long sys_setpriority(struct trapframe *tf);
long sys_sched_yield(struct trapframe *tf);
long sys_sched_setaffinity(struct trapframe *tf);
long sys_sched_getaffinity(struct trapframe *tf);
long sys_sched_setparam(struct trapframe *tf);
long sys_sched_getparam(struct trapframe *tf);
long sys_sched_setscheduler(struct trapframe *tf);
long sys_sched_getscheduler(struct trapframe *tf);
long sys_sched_get_priority_max(struct trapframe *tf);
long sys_sched_get_priority_min(struct trapframe *tf);
long sys_personality(struct trapframe *tf);
long sys_reboot(struct trapframe *tf);

/* file.c: descriptors */
long sys_read(struct trapframe *tf);
long sys_write(struct trapframe *tf);
long sys_readv(struct trapframe *tf);
long sys_writev(struct trapframe *tf);
long sys_pread64(struct trapframe *tf);
long sys_pwrite64(struct trapframe *tf);
long sys_preadv(struct trapframe *tf);
long sys_pwritev(struct trapframe *tf);
long sys_preadv2(struct trapframe *tf);
long sys_pwritev2(struct trapframe *tf);
long sys_lseek(struct trapframe *tf);
long sys_close(struct trapframe *tf);
long sys_close_range(struct trapframe *tf);
long sys_dup(struct trapframe *tf);
long sys_dup3(struct trapframe *tf);
long sys_fcntl(struct trapframe *tf);
long sys_ioctl(struct trapframe *tf);
long sys_fstat(struct trapframe *tf);
long sys_fsync(struct trapframe *tf);
long sys_fdatasync(struct trapframe *tf);
long sys_sync(struct trapframe *tf);
long sys_syncfs(struct trapframe *tf);
long sys_sendfile(struct trapframe *tf);
long sys_flock(struct trapframe *tf);  /* lock.c */
long sys_xattr(struct trapframe *tf);  /* attr.c */
long sys_syslog(struct trapframe *tf); /* syslog.c */
long sys_chroot(struct trapframe *tf);
long sys_fadvise64(struct trapframe *tf);

/* open.c: paths */
long sys_openat(struct trapframe *tf);
long sys_newfstatat(struct trapframe *tf);
long sys_statx(struct trapframe *tf);
long sys_faccessat(struct trapframe *tf);
long sys_faccessat2(struct trapframe *tf);
long sys_readlinkat(struct trapframe *tf);
long sys_mkdirat(struct trapframe *tf);
long sys_unlinkat(struct trapframe *tf);
long sys_linkat(struct trapframe *tf);
long sys_symlinkat(struct trapframe *tf);
long sys_renameat(struct trapframe *tf);
long sys_renameat2(struct trapframe *tf);
long sys_mknodat(struct trapframe *tf);
long sys_fchmod(struct trapframe *tf);
long sys_fchmodat(struct trapframe *tf);
long sys_fchown(struct trapframe *tf);
long sys_fchownat(struct trapframe *tf);
long sys_utimensat(struct trapframe *tf);
long sys_truncate(struct trapframe *tf);
long sys_ftruncate(struct trapframe *tf);
long sys_fallocate(struct trapframe *tf);
long sys_statfs(struct trapframe *tf);
long sys_fstatfs(struct trapframe *tf);
long sys_getcwd(struct trapframe *tf);
long sys_chdir(struct trapframe *tf);
long sys_fchdir(struct trapframe *tf);
long sys_getdents64(struct trapframe *tf);
long sys_umask(struct trapframe *tf);
long sys_mount(struct trapframe *tf);
long sys_umount2(struct trapframe *tf);

/* pipe.c */
long sys_pipe2(struct trapframe *tf);

/* eventfd.c */
long sys_eventfd2(struct trapframe *tf);

/* poll.c */
long sys_ppoll(struct trapframe *tf);
long sys_pselect6(struct trapframe *tf);

/* epoll.c */
long sys_epoll_create1(struct trapframe *tf);
long sys_epoll_ctl(struct trapframe *tf);
long sys_epoll_pwait(struct trapframe *tf);
long sys_epoll_pwait2(struct trapframe *tf);

/* posix_timer.c */
long sys_timer_create(struct trapframe *tf);
long sys_timer_settime(struct trapframe *tf);
long sys_timer_gettime(struct trapframe *tf);
long sys_timer_getoverrun(struct trapframe *tf);
long sys_timer_delete(struct trapframe *tf);

/* timerfd.c */
long sys_timerfd_create(struct trapframe *tf);
long sys_timerfd_settime(struct trapframe *tf);
long sys_timerfd_gettime(struct trapframe *tf);

/* signalfd.c */
long sys_signalfd4(struct trapframe *tf);

/* memfd.c */
long sys_memfd_create(struct trapframe *tf);

/* socket.c */
long sys_socket(struct trapframe *tf);
long sys_socketpair(struct trapframe *tf);
long sys_bind(struct trapframe *tf);
long sys_listen(struct trapframe *tf);
long sys_accept(struct trapframe *tf);
long sys_accept4(struct trapframe *tf);
long sys_connect(struct trapframe *tf);
long sys_getsockname(struct trapframe *tf);
long sys_getpeername(struct trapframe *tf);
long sys_sendto(struct trapframe *tf);
long sys_recvfrom(struct trapframe *tf);
long sys_sendmsg(struct trapframe *tf);
long sys_recvmsg(struct trapframe *tf);
long sys_setsockopt(struct trapframe *tf);
long sys_getsockopt(struct trapframe *tf);
long sys_shutdown(struct trapframe *tf);
