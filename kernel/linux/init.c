/* SPDX-License-Identifier: BSD-2-Clause */
/* Start-up of this room, in order: the tree, then what hangs in it. Called by boot. */
#include "linux/linux.h"

#include "linux/blockdev.h"
#include "linux/devfs.h"
#include "linux/futex_wake.h"
#include "linux/procfs.h"
#include "linux/ramfs.h"
#include "linux/sve.h"
#include "linux/tty.h"

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
