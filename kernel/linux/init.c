/* SPDX-License-Identifier: BSD-2-Clause */
/* Start-up of this room, in order: the tree, then what hangs in it. Called by boot. */
#include "linux/linux.h"

#include "linux/fs/blockdev.h"
#include "linux/fs/devfs.h"
#include "linux/process/futex_wake.h"
#include "linux/proc/procfs.h"
#include "linux/fs/ramfs.h"
#include "linux/process/sve.h"
#include "linux/tty/tty.h"

void linux_init(void)
{
	ramfs_init();
	devfs_init();
	procfs_init();
	sve_init();
	futex_init();
	tty_init();
}

void linux_devices_init(void)
{
	blockdev_init();
}
