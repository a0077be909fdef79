/* SPDX-License-Identifier: BSD-2-Clause */
/* The virtio transport over MMIO, the driver's side (virtio 1.2, section 4.2). */
#pragma once

#include "lib/types.h"

/* Boot found a transport at these mapped registers: start the driver of the device behind it, if
 * there is one and Stet knows it. Interrupts are enabled, other CPUs may not be up yet. */
void virtio_mmio_probe(void *registers, unsigned intid, bool edge);
