/* SPDX-License-Identifier: BSD-2-Clause */
/* What file.c must tell epoll. */
#pragma once

struct file;

/* The last reference of a watched file has gone: no epoll watches it any more. May sleep. */
void epoll_file_gone(struct file *f);
