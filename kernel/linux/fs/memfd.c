/* SPDX-License-Identifier: BSD-2-Clause */
/* memfd_create (man 2): a file in RAM without a name, to be mapped by several. See ramfile.c. */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/memfd.h>

#include "arch/usercopy.h"
#include "linux/fs/ramfs.h"
#include "linux/syscalls.h"

#define NAME_ROOM 250 /* with its NUL (man 2 memfd_create: 249 bytes) */

long sys_memfd_create(struct trapframe *tf)
{
	uint32_t flags = (uint32_t)tf->x[1];
	char name[NAME_ROOM];
	struct file *f;
	ssize_t n;
	int fd;

	if (flags & ~(MFD_CLOEXEC | MFD_ALLOW_SEALING))
		return -EINVAL;
	n = copy_string_from_user(name, tf->x[0], sizeof(name));
	if (n < 0)
		return n == -ENAMETOOLONG ? -EINVAL : n;
	fd = ramfs_anonymous_file(0, 0, &f);
	if (fd)
		return fd;
	if (flags & MFD_ALLOW_SEALING)
		ramfile_allow_sealing(f->inode);
	fd = fd_install(f, flags & MFD_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}
