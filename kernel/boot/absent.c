/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Weak definitions of what boot needs of rooms that have not been built yet, so that the kernel links and starts.
 * Each goes when its room comes.
 */
#include "arch/trap.h"
#include "drivers/virtio_mmio.h"
#include "kvm/kvm.h"
#include "lib/check.h"
#include "linux/epoll.h"
#include "linux/linux.h"
#include "linux/task.h"

#define ABSENT __attribute__((weak))

ABSENT void linux_init(void)
{
}
ABSENT void kvm_init(void)
{
}
ABSENT void kvm_cpu_init(void)
{
}
ABSENT void world_leave(void)
{
	panic("world_leave");
}
ABSENT void virtio_mmio_probe(void *registers, unsigned intid, bool edge)
{
	(void)registers;
	(void)intid;
	(void)edge;
}
ABSENT void tty_input(char c)
{
	(void)c;
}
ABSENT int process_start_init(const char *path, char *const argv[], char *const envp[])
{
	(void)path;
	(void)argv;
	(void)envp;
	return -1;
}
ABSENT void trap_syscall(struct trapframe *tf)
{
	(void)tf;
}
ABSENT void trap_user_exception(struct trapframe *tf, uint64_t esr, uint64_t far)
{
	(void)tf;
	(void)esr;
	(void)far;
}
ABSENT void trap_user_work(struct trapframe *tf)
{
	(void)tf;
}
ABSENT bool trap_usercopy_fault(uint64_t va, bool write)
{
	(void)va;
	(void)write;
	return false;
}
ABSENT uint64_t clock_realtime(void);
ABSENT uint64_t clock_realtime(void)
{
	return 0;
}
ABSENT void epoll_file_gone(struct file *f)
{
	(void)f;
}
