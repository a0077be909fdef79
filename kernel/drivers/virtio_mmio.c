/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtio transport over MMIO, the driver's side (virtio 1.2, section 4.2), version 2 only.
 * Boot probes each transport of the device tree; the device behind it goes to the driver of its
 * kind. Runs on the boot CPU, except for the interrupt.
 */
#include "drivers/virtio_mmio.h"

#include <linux/errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_mmio.h>

#include "arch/irq.h"
#include "drivers/virtio.h"
#include "lib/bits.h"
#include "lib/printk.h"
#include "lib/string.h"
#include "mm/page.h"
#include "mm/slab.h"

#define MAGIC	    0x74726976 /* "virt" */
#define VERSION	    2
#define QUEUE_TRIES 1000000 /* readings until a reset must be over */

static uint32_t read32(const struct virtio_device *dev, unsigned offset)
{
	return *(volatile uint32_t *)(dev->registers + offset);
}

static void write32(struct virtio_device *dev, unsigned offset, uint32_t value)
{
	*(volatile uint32_t *)(dev->registers + offset) = value;
}

static void add_status(struct virtio_device *dev, uint32_t bit)
{
	write32(dev, VIRTIO_MMIO_STATUS, read32(dev, VIRTIO_MMIO_STATUS) | bit);
}

/* ---- for the drivers of devices ---- */

static uint64_t device_features(struct virtio_device *dev)
{
	uint64_t low;

	write32(dev, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	low = read32(dev, VIRTIO_MMIO_DEVICE_FEATURES);
	write32(dev, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
	return (uint64_t)read32(dev, VIRTIO_MMIO_DEVICE_FEATURES) << 32 | low;
}

static void driver_features(struct virtio_device *dev, uint64_t features)
{
	write32(dev, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	write32(dev, VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)features);
	write32(dev, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	write32(dev, VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)(features >> 32));
}

static int reset(struct virtio_device *dev)
{
	write32(dev, VIRTIO_MMIO_STATUS, 0);
	for (unsigned i = 0; i < QUEUE_TRIES; i++)
		if (!read32(dev, VIRTIO_MMIO_STATUS))
			return 0;
	return -ENODEV;
}

int virtio_negotiate(struct virtio_device *dev, uint64_t wanted, uint64_t *features)
{
	if (reset(dev))
		return -ENODEV;
	add_status(dev, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	add_status(dev, VIRTIO_CONFIG_S_DRIVER);
	*features = device_features(dev) & (wanted | BIT(VIRTIO_F_VERSION_1));
	if (!(*features & BIT(VIRTIO_F_VERSION_1)))
		return -ENODEV;
	driver_features(dev, *features);
	add_status(dev, VIRTIO_CONFIG_S_FEATURES_OK);
	return read32(dev, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_FEATURES_OK ? 0 : -ENODEV;
}

static void write_address(struct virtio_device *dev, unsigned low, unsigned high, const void *va)
{
	uint64_t pa = va_to_pa(va).v;

	write32(dev, low, (uint32_t)pa);
	write32(dev, high, (uint32_t)(pa >> 32));
}

int virtio_queue_setup(struct virtio_device *dev, unsigned index, struct virtqueue *q)
{
	unsigned size = VIRTQUEUE_SIZE;
	uint32_t most;
	int err;

	write32(dev, VIRTIO_MMIO_QUEUE_SEL, index);
	most = read32(dev, VIRTIO_MMIO_QUEUE_NUM_MAX);
	if (!most || read32(dev, VIRTIO_MMIO_QUEUE_READY))
		return -ENODEV;
	while (size > most)
		size /= 2;
	err = virtqueue_init(q, size);
	if (err)
		return err;
	write32(dev, VIRTIO_MMIO_QUEUE_NUM, size);
	write_address(dev, VIRTIO_MMIO_QUEUE_DESC_LOW, VIRTIO_MMIO_QUEUE_DESC_HIGH, q->desc);
	write_address(dev, VIRTIO_MMIO_QUEUE_AVAIL_LOW, VIRTIO_MMIO_QUEUE_AVAIL_HIGH, q->avail);
	write_address(dev, VIRTIO_MMIO_QUEUE_USED_LOW, VIRTIO_MMIO_QUEUE_USED_HIGH, q->used);
	write32(dev, VIRTIO_MMIO_QUEUE_READY, 1);
	return 0;
}

static void virtio_interrupt(void *arg, unsigned intid)
{
	struct virtio_device *dev = arg;
	uint32_t status = read32(dev, VIRTIO_MMIO_INTERRUPT_STATUS);

	(void)intid;
	/* Acknowledged before the queues are looked at: what comes later raises it again. */
	write32(dev, VIRTIO_MMIO_INTERRUPT_ACK, status);
	dev->interrupt(dev);
}

int virtio_start(struct virtio_device *dev)
{
	int err = irq_register(dev->intid, virtio_interrupt, dev, false);

	if (err)
		return err;
	irq_unmask(dev->intid, dev->edge);
	add_status(dev, VIRTIO_CONFIG_S_DRIVER_OK);
	return 0;
}

void virtio_give_up(struct virtio_device *dev)
{
	add_status(dev, VIRTIO_CONFIG_S_FAILED);
}

void virtio_notify(struct virtio_device *dev, unsigned queue)
{
	/* DSB: the rings in memory before the register, which is device memory */
	__asm__ volatile("dsb st" ::: "memory");
	write32(dev, VIRTIO_MMIO_QUEUE_NOTIFY, queue);
}

void virtio_config(struct virtio_device *dev, unsigned offset, void *to, size_t size)
{
	uint8_t *bytes = to;
	uint32_t before, after;

	do {
		before = read32(dev, VIRTIO_MMIO_CONFIG_GENERATION);
		for (size_t i = 0; i < size; i++)
			bytes[i] = dev->registers[VIRTIO_MMIO_CONFIG + offset + i];
		after = read32(dev, VIRTIO_MMIO_CONFIG_GENERATION);
	} while (before != after);
}

/* ---- finding devices ---- */

static int probe_kind(struct virtio_device *dev, uint32_t kind)
{
	switch (kind) {
	case VIRTIO_ID_BLOCK:
		return virtio_blk_probe(dev);
	case VIRTIO_ID_RNG:
		return virtio_rng_probe(dev);
	default:
		return -ENODEV;
	}
}

void virtio_mmio_probe(void *registers, unsigned intid, bool edge)
{
	struct virtio_device here = { .registers = registers, .intid = intid, .edge = edge };
	struct virtio_device *dev;
	uint32_t version, kind;
	int err;

	if (read32(&here, VIRTIO_MMIO_MAGIC_VALUE) != MAGIC)
		return;
	version = read32(&here, VIRTIO_MMIO_VERSION);
	kind = read32(&here, VIRTIO_MMIO_DEVICE_ID);
	if (!kind) /* an empty place */
		return;
	if (version != VERSION) {
		printk("virtio: device %u has version %u, not %u: not used (QEMU: -global "
		       "virtio-mmio.force-legacy=false)\n",
		       kind, version, VERSION);
		return;
	}
	dev = kmalloc(sizeof(*dev));
	if (!dev)
		return;
	*dev = here;
	err = probe_kind(dev, kind);
	if (!err)
		return;
	printk("virtio: device %u: error %d, not used\n", kind, -err);
	virtio_give_up(dev);
	kfree(dev);
}
