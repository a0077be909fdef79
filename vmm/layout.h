/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's physical addresses and its shared peripheral interrupts, in one place: everything
 * of ours is below 1 GiB and all memory is above it. The guest reads it from the device tree.
 */
#pragma once

#define GICD_BASE 0x08000000ull
#define GICD_SIZE 0x00010000ull /* KVM_VGIC_V3_DIST_SIZE */
#define GICR_BASE 0x08100000ull
#define GICR_SIZE 0x00020000ull /* of each vCPU: KVM_VGIC_V3_REDIST_SIZE */

#define SERIAL_BASE 0x09000000ull
#define RTC_BASE    0x09010000ull
#define DEVICE_SIZE 0x00001000ull
#define VIRTIO_BASE 0x0a000000ull /* one page each */

#define MEMORY_BASE 0x40000000ull

/* SPI numbers: 0 is interrupt 32 of the GIC. */
#define SERIAL_SPI 0
#define VIRTIO_SPI 1 /* the first device's */
#define SPI_COUNT  32

#define VIRTIO_DEVICES_MAX 20
#define VCPUS_MAX	   64
