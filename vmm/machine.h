/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "boot.h"
#include "virtio_blk.h"
#include "vm.h"

#define DISKS_MAX (VIRTIO_DEVICES_MAX - 2) /* beside console and entropy */

/* What the user asked for. */
struct machine_config {
	const char *name;		 /* or NULL */
	struct boot_file kernel, initrd; /* initrd.path NULL: none */
	const char *command_line;	 /* the user's part, or NULL */
	bool virtio_console; /* what is typed goes to the virtio console, not to the serial port */
	bool reboot;	     /* a guest that resets is started again */
	bool stats;
	bool watch; /* `stet stat run`: exits are timed and told at the end */
	struct vm_config vm;
	struct disk disks[DISKS_MAX];
	unsigned disk_count;
};

/* Run the guest until it ends. Dies, with a message, on a file or host that cannot be used. */
enum vm_end machine_run(struct machine_config *config);
