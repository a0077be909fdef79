/* SPDX-License-Identifier: BSD-2-Clause */
/* What the RAM file system needs of devices. */
#pragma once

struct file;
struct inode;

void devfs_init(void); /* the memory devices: null, zero, full, random, urandom */
/* Open a character or block special file: -ENXIO if nobody registered its number. */
int devfs_open(struct inode *inode, struct file *f);
