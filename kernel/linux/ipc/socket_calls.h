/* SPDX-License-Identifier: BSD-2-Clause */
/* What socket.c and socket_message.c share. */
#pragma once

#include "linux/fs/file.h"
#include "linux/ipc/unix_socket.h"

#define AF_UNIX 1 /* no UAPI header has it */

/* The socket of a descriptor, as fd_get_light(). -EBADF, -ENOTSOCK: nothing to put. */
int socket_get(int number, struct fd_light *fd, struct unix_socket **s);
/* An address of a program's, with its length. -EINVAL, -EFAULT. */
int socket_name_from_user(struct unix_name *name, uint64_t user, uint64_t length);
/* The same the other way: as much as *user_length has room for, and there the whole length. */
int socket_name_to_user(const struct unix_name *name, uint64_t user, uint64_t user_length);
