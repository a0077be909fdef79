/* SPDX-License-Identifier: BSD-2-Clause */
/* Disks in /dev. */
#pragma once

void blockdev_init(void); /* after the drivers have found them */
