/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtio transport and its block device with their real threads, driven as a guest would drive
 * them: register accesses by the callbacks on the bus, notifications and interrupts by the eventfds
 * that KVM would have held. The last test does what a hostile guest could: random registers, random
 * rings; whatever it does, the device must end when it is told to, and nothing may be touched
 * outside guest memory.
 */
#include "virtio_mmio.h"

#include <fcntl.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_mmio.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report.h"
#include "tap.h"
#include "virtio_blk.h"
#include "vm.h"

#define BASE	   MEMORY_BASE
#define SIZE	   0x10000ull
#define QUEUE_SIZE 16
#define DESC	   (BASE + 0x0000)
#define AVAIL	   (BASE + 0x1000)
#define USED	   (BASE + 0x2000)
#define HEADER	   (BASE + 0x3000)
#define STATUS	   (BASE + 0x3100)
#define DATA	   (BASE + 0x4000)
#define SECTORS	   64

/* ---- in the place of KVM and of the rest of the VMM ---- */

static struct vm vm;
static struct bus_range registers;
static int kick_fd, irq_fd;

void vm_ioeventfd(struct vm *unused, uint64_t address, uint32_t value, int fd)
{
	(void)unused;
	expect(address == VIRTIO_BASE + VIRTIO_MMIO_QUEUE_NOTIFY && value == 0);
	kick_fd = fd;
}

void vm_irqfd(struct vm *unused, unsigned spi, int fd)
{
	(void)unused;
	expect(spi == VIRTIO_SPI);
	irq_fd = fd;
}

void bus_add(struct bus *bus, const struct bus_range *range)
{
	(void)bus;
	registers.read = range->read;
	registers.write = range->write;
	registers.device = range->device;
}

void report(const char *fmt, ...)
{
	tap_print("# report: %s\n", fmt);
}

void die(const char *fmt, ...)
{
	tap_print("Bail out! %s\n", fmt);
	abort();
}

/* ---- the guest ---- */

static struct disk disk;
static struct virtio_device *device;
static struct vring_desc *desc;
static struct vring_avail *avail;
static struct vring_used *used;

static uint32_t get(uint64_t offset)
{
	return (uint32_t)registers.read(registers.device, offset, 4);
}

static void set(uint64_t offset, uint32_t value)
{
	registers.write(registers.device, offset, 4, value);
}

static void create(bool read_only)
{
	char name[] = "/tmp/virtio_mmio_test.XXXXXX";
	int fd = mkstemp(name);

	expect(fd >= 0 && !ftruncate(fd, SECTORS * 512 + 100));
	disk = (struct disk){ .path = name, .read_only = read_only };
	disk_open(&disk);
	close(fd);
	unlink(name);
	disk.path = "/a/long/path/to/some-disk.img";
	vm.memory = (struct guest_memory){ .host = aligned_alloc(4096, SIZE),
					   .base = BASE,
					   .size = SIZE };
	memset(vm.memory.host, 0, SIZE);
	desc = memory_at(&vm.memory, DESC, 1);
	avail = memory_at(&vm.memory, AVAIL, 1);
	used = memory_at(&vm.memory, USED, 1);
	device = virtio_blk_create(&vm, 0, &disk);
}

static void destroy(void)
{
	virtio_destroy(device);
	free(device);
	free(vm.memory.host);
	close(disk.fd);
}

static void negotiate(uint64_t features)
{
	set(VIRTIO_MMIO_STATUS, VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER);
	set(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	set(VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)features);
	set(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	set(VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)(features >> 32));
	set(VIRTIO_MMIO_STATUS,
	    VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK);
}

static void set_queue(uint32_t size, uint64_t desc_address)
{
	set(VIRTIO_MMIO_QUEUE_SEL, 0);
	set(VIRTIO_MMIO_QUEUE_NUM, size);
	set(VIRTIO_MMIO_QUEUE_DESC_LOW, (uint32_t)desc_address);
	set(VIRTIO_MMIO_QUEUE_DESC_HIGH, (uint32_t)(desc_address >> 32));
	set(VIRTIO_MMIO_QUEUE_AVAIL_LOW, (uint32_t)AVAIL);
	set(VIRTIO_MMIO_QUEUE_AVAIL_HIGH, (uint32_t)(AVAIL >> 32));
	set(VIRTIO_MMIO_QUEUE_USED_LOW, (uint32_t)USED);
	set(VIRTIO_MMIO_QUEUE_USED_HIGH, (uint32_t)(USED >> 32));
	set(VIRTIO_MMIO_QUEUE_READY, 1);
}

static void set_up(void)
{
	negotiate(1ull << VIRTIO_F_VERSION_1);
	set_queue(QUEUE_SIZE, DESC);
	set(VIRTIO_MMIO_STATUS, get(VIRTIO_MMIO_STATUS) | VIRTIO_CONFIG_S_DRIVER_OK);
}

static void kick(void)
{
	const uint64_t one = 1;

	expect(write(kick_fd, &one, sizeof(one)) == sizeof(one));
}

/* Wait for an interrupt; acknowledge it. What it was for, or 0 after five seconds. */
static uint32_t interrupt(void)
{
	struct pollfd poll_irq = { .fd = irq_fd, .events = POLLIN };
	uint64_t count;
	uint32_t why;

	if (poll(&poll_irq, 1, 5000) != 1 || read(irq_fd, &count, sizeof(count)) != sizeof(count))
		return 0;
	why = get(VIRTIO_MMIO_INTERRUPT_STATUS);
	set(VIRTIO_MMIO_INTERRUPT_ACK, why);
	return why;
}

static void offer(uint16_t head)
{
	avail->ring[avail->idx % QUEUE_SIZE] = head;
	__atomic_store_n(&avail->idx, (uint16_t)(avail->idx + 1), __ATOMIC_RELEASE);
	kick();
}

/* A request for `bytes` of data at DATA. Its status byte, or 0xff if it was not answered. */
static uint8_t request(uint32_t type, uint64_t sector, uint32_t bytes, bool device_writes)
{
	struct virtio_blk_outhdr *header = memory_at(&vm.memory, HEADER, sizeof(*header));
	uint8_t *status = memory_at(&vm.memory, STATUS, 1);
	uint16_t write_flag = device_writes ? VRING_DESC_F_WRITE : 0;

	*header = (struct virtio_blk_outhdr){ .type = type, .sector = sector };
	*status = 0xff;
	desc[0] = (struct vring_desc){ HEADER, sizeof(*header), VRING_DESC_F_NEXT, 1 };
	desc[1] = (struct vring_desc){ DATA, bytes, VRING_DESC_F_NEXT | write_flag, 2 };
	desc[2] = (struct vring_desc){ STATUS, 1, VRING_DESC_F_WRITE, 0 };
	offer(0);
	expect(interrupt() == VIRTIO_MMIO_INT_VRING);
	return *status;
}

/* ---- the tests ---- */

TEST(names_itself)
{
	create(false);
	expect(get(VIRTIO_MMIO_MAGIC_VALUE) == 0x74726976);
	expect(get(VIRTIO_MMIO_VERSION) == 2);
	expect(get(VIRTIO_MMIO_DEVICE_ID) == VIRTIO_ID_BLOCK);
	expect(get(VIRTIO_MMIO_QUEUE_NUM_MAX) == VIRTQUEUE_SIZE_MAX);
	set(VIRTIO_MMIO_QUEUE_SEL, 1);
	expect(get(VIRTIO_MMIO_QUEUE_NUM_MAX) == 0);
	expect(registers.read(registers.device, VIRTIO_MMIO_CONFIG, 8) == SECTORS);
	expect(registers.read(registers.device, 0xffc, 4) == 0);
	destroy();
}

TEST(refuses_features_it_does_not_have)
{
	create(false);
	negotiate(1ull << VIRTIO_F_VERSION_1 | 1ull << VIRTIO_BLK_F_DISCARD);
	expect(!(get(VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_FEATURES_OK));
	set(VIRTIO_MMIO_STATUS, 0);
	negotiate(0);
	expect(!(get(VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_FEATURES_OK));
	set(VIRTIO_MMIO_STATUS, 0);
	negotiate(1ull << VIRTIO_F_VERSION_1 | 1ull << VIRTIO_BLK_F_FLUSH);
	expect(get(VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_FEATURES_OK);
	destroy();
}

TEST(writes_and_reads_sectors)
{
	uint8_t *data;

	create(false);
	set_up();
	data = memory_at(&vm.memory, DATA, 2048);
	memset(data, 0x5a, 2048);
	expect(request(VIRTIO_BLK_T_OUT, SECTORS - 4, 2048, false) == VIRTIO_BLK_S_OK);
	expect(request(VIRTIO_BLK_T_FLUSH, 0, 0, false) == VIRTIO_BLK_S_OK);
	memset(data, 0, 2048);
	expect(request(VIRTIO_BLK_T_IN, SECTORS - 4, 1024, true) == VIRTIO_BLK_S_OK);
	expect(data[0] == 0x5a && data[1023] == 0x5a && data[1024] == 0);
	expect(used->idx == 3 && used->ring[2].len == 1025);
	destroy();
}

TEST(refuses_what_is_outside_the_disk)
{
	create(false);
	set_up();
	expect(request(VIRTIO_BLK_T_IN, SECTORS, 512, true) == VIRTIO_BLK_S_IOERR);
	expect(request(VIRTIO_BLK_T_IN, SECTORS - 1, 1024, true) == VIRTIO_BLK_S_IOERR);
	expect(request(VIRTIO_BLK_T_IN, ~0ull, 512, true) == VIRTIO_BLK_S_IOERR);
	expect(request(VIRTIO_BLK_T_IN, 1ull << 55, 512, true) == VIRTIO_BLK_S_IOERR);
	expect(request(VIRTIO_BLK_T_OUT, 0, 513, false) == VIRTIO_BLK_S_IOERR);
	expect(request(VIRTIO_BLK_T_DISCARD, 0, 512, false) == VIRTIO_BLK_S_UNSUPP);
	destroy();
}

TEST(a_read_only_disk_is_not_written)
{
	create(true);
	set(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
	expect(get(VIRTIO_MMIO_DEVICE_FEATURES) & 1u << VIRTIO_BLK_F_RO);
	set_up();
	expect(request(VIRTIO_BLK_T_OUT, 0, 512, false) == VIRTIO_BLK_S_IOERR);
	expect(request(VIRTIO_BLK_T_IN, 0, 512, true) == VIRTIO_BLK_S_OK);
	destroy();
}

TEST(tells_its_name)
{
	create(false);
	set_up();
	expect(request(VIRTIO_BLK_T_GET_ID, 0, VIRTIO_BLK_ID_BYTES, true) == VIRTIO_BLK_S_OK);
	expect(!strcmp(memory_at(&vm.memory, DATA, VIRTIO_BLK_ID_BYTES), "some-disk.img"));
	destroy();
}

TEST(drops_a_request_without_a_status_byte)
{
	create(false);
	set_up();
	desc[0] = (struct vring_desc){ HEADER, 16, 0, 0 };
	offer(0);
	expect(interrupt() == VIRTIO_MMIO_INT_VRING);
	expect(used->idx == 1 && used->ring[0].len == 0);
	destroy();
}

TEST(a_broken_ring_needs_a_reset)
{
	create(false);
	set_up();
	offer(QUEUE_SIZE);
	expect(interrupt() == VIRTIO_MMIO_INT_CONFIG);
	expect(get(VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET);
	expect(get(VIRTIO_MMIO_QUEUE_READY) == 0);
	set(VIRTIO_MMIO_STATUS, 0);
	expect(get(VIRTIO_MMIO_STATUS) == 0);
	memset(vm.memory.host, 0, SIZE);
	set_up();
	expect(request(VIRTIO_BLK_T_IN, 0, 512, true) == VIRTIO_BLK_S_OK);
	destroy();
}

TEST(a_queue_outside_memory_needs_a_reset)
{
	create(false);
	negotiate(1ull << VIRTIO_F_VERSION_1);
	set_queue(QUEUE_SIZE, BASE + SIZE - 16);
	expect(get(VIRTIO_MMIO_QUEUE_READY) == 0);
	expect(interrupt() == VIRTIO_MMIO_INT_CONFIG);
	expect(get(VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET);
	destroy();
}

/* Registers where a change matters: set-up, queue, status. */
static void random_register(void)
{
	static const uint16_t offsets[] = {
		VIRTIO_MMIO_STATUS,
		VIRTIO_MMIO_QUEUE_SEL,
		VIRTIO_MMIO_QUEUE_NUM,
		VIRTIO_MMIO_QUEUE_READY,
		VIRTIO_MMIO_QUEUE_DESC_LOW,
		VIRTIO_MMIO_QUEUE_AVAIL_LOW,
		VIRTIO_MMIO_QUEUE_USED_HIGH,
		VIRTIO_MMIO_DRIVER_FEATURES,
		VIRTIO_MMIO_INTERRUPT_ACK,
		VIRTIO_MMIO_QUEUE_NOTIFY,
		VIRTIO_MMIO_DEVICE_FEATURES_SEL,
	};
	uint64_t offset = rand() % 4
				  ? offsets[(size_t)rand() % (sizeof(offsets) / sizeof(offsets[0]))]
				  : (uint64_t)rand() % DEVICE_SIZE;
	unsigned bytes = 1u << rand() % 4;

	if (offset + bytes > DEVICE_SIZE)
		return;
	if (rand() % 4)
		registers.write(registers.device, offset, bytes, (uint64_t)(rand() % 256));
	else
		registers.read(registers.device, offset, bytes);
}

static void random_ring(void)
{
	for (unsigned i = 0; i < QUEUE_SIZE; i++)
		desc[i] = (struct vring_desc){
			.addr = BASE + (uint64_t)rand() % (rand() % 8 ? SIZE : 2 * SIZE),
			.len = (uint32_t)rand() % (rand() % 2 ? 17 : 2048),
			.flags = (uint16_t)(rand() & rand() & 3),
			.next = (uint16_t)(rand() % 17),
		};
	avail->ring[avail->idx % QUEUE_SIZE] = (uint16_t)(rand() % 17);
	avail->idx++;
}

/* Is a new device of use? */
static bool round_trip(void)
{
	uint8_t status;

	create(false);
	set_up();
	status = request(VIRTIO_BLK_T_IN, 0, 512, true);
	destroy();
	return status == VIRTIO_BLK_S_OK;
}

TEST(survives_a_hostile_guest)
{
	unsigned answered = 0;

	srand(1);
	for (unsigned round = 0; round < 200; round++) {
		create(false);
		for (unsigned n = 0; n < 100; n++) {
			if (n % 10 == 0) {
				set(VIRTIO_MMIO_STATUS, 0);
				answered += used->idx;
				memset(vm.memory.host, 0, SIZE);
				set_up();
			}
			random_ring();
			kick();
			if (rand() % 2)
				random_register();
			if (rand() % 4 == 0)
				usleep(10); /* let the device's thread see it */
		}
		destroy();
	}
	expect(answered > 100);
	expect(round_trip());
}
