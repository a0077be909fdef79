/* SPDX-License-Identifier: BSD-2-Clause */
/* Start-up of this room, in order: the tree, then what hangs in it. Called once by boot. */
#include "linux/linux.h"

#include "linux/devfs.h"
#include "linux/ramfs.h"
#include "linux/tty.h"

void linux_init(void)
{
	ramfs_init();
	devfs_init();
	tty_init();
}
