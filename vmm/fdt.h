/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdint.h>

struct boot_layout;
struct vm;

/* What the device tree says beside what layout.h fixes. */
struct fdt_config {
	const char *model, *command_line;
	const struct boot_layout *boot;
	unsigned virtio_devices;
};

/* Write the machine's device tree to where boot_layout says. Dies if it does not fit. */
void fdt_write(struct vm *vm, const struct fdt_config *config);
