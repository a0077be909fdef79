/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Small device trees, made here, as fdt.c reads them: a whole machine, machines that lack a part or
 * have too many of one, and trees with bytes changed at random.
 */
#include "boot/fdt.h"

#include <errno.h>
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#include "lib/bits.h"
#include "tests/tap.h"

#define TREE_PA	   0x48000000ull
#define TREE_BYTES 65536

/* What the next tree has. */
static struct shape {
	unsigned cpus, memories, redistributors, virtios, nested;
	const char *uart, *gic, *psci, *cpu_status;
	bool short_cpu_reg, open_bootargs;
	uint32_t redistributor_regions, root_address_cells;
} shape;

static char tree[TREE_BYTES];
static struct machine m;
static const char *why;

static void usual(void)
{
	shape = (struct shape){
		.cpus = 2,
		.memories = 1,
		.redistributors = 1,
		.virtios = 2,
		.uart = "arm,pl011",
		.gic = "arm,gic-v3",
		.psci = "arm,psci-1.0",
		.cpu_status = "okay",
		.redistributor_regions = 1,
		.root_address_cells = 2,
	};
}

static void cells(const char *name, const uint32_t *values, unsigned count)
{
	fdt32_t big[2048];

	for (unsigned n = 0; n < count; n++)
		big[n] = cpu_to_fdt32(values[n]);
	fdt_property(tree, name, big, (int)(count * 4));
}

static void reg(uint64_t start, uint64_t size)
{
	const uint32_t row[] = { (uint32_t)(start >> 32), (uint32_t)start, (uint32_t)(size >> 32),
				 (uint32_t)size };

	cells("reg", row, 4);
}

static void begin(const char *name, const char *compatible)
{
	fdt_begin_node(tree, name);
	if (compatible)
		fdt_property_string(tree, "compatible", compatible);
}

static void interrupt(uint32_t kind, uint32_t number, uint32_t trigger)
{
	const uint32_t row[] = { kind, number, trigger };

	cells("interrupts", row, 3);
}

static void write_cpus(void)
{
	begin("cpus", NULL);
	fdt_property_u32(tree, "#address-cells", 1);
	fdt_property_u32(tree, "#size-cells", 0);
	for (unsigned n = 0; n < shape.cpus; n++) {
		begin("cpu", "arm,armv8");
		fdt_property_string(tree, "device_type", "cpu");
		fdt_property_string(tree, "status", shape.cpu_status);
		if (shape.short_cpu_reg)
			fdt_property(tree, "reg", NULL, 0);
		else
			fdt_property_u32(tree, "reg", n | n / 16 << 8);
		fdt_end_node(tree);
	}
	fdt_end_node(tree);
}

static void write_gic(void)
{
	uint32_t rows[4 * 64] = { 0, 0x8000000, 0, 0x10000 };

	for (unsigned n = 0; n < shape.redistributors; n++) {
		rows[4 * n + 5] = 0x80a0000 + n * 0x100000;
		rows[4 * n + 7] = 0x100000;
	}
	begin("interrupt-controller", shape.gic);
	cells("reg", rows, 4 + 4 * shape.redistributors);
	fdt_property_u32(tree, "#redistributor-regions", shape.redistributor_regions);
	fdt_end_node(tree);
}

static void write_chosen(void)
{
	begin("chosen", NULL);
	if (shape.open_bootargs)
		fdt_property(tree, "bootargs", "open", 4);
	else
		fdt_property_string(tree, "bootargs", "init=/x");
	fdt_property_u64(tree, "linux,initrd-start", 0x44000000);
	fdt_property_u32(tree, "linux,initrd-end", 0x44100800);
	fdt_property(tree, "rng-seed", "0123456789", 10);
	fdt_end_node(tree);
}

static void write_devices(void)
{
	begin("serial", shape.uart);
	reg(0x9000000, 0x1000);
	interrupt(0, 1, 4);
	fdt_end_node(tree);
	begin("rtc", "arm,pl031");
	reg(0x9010000, 0x1000);
	interrupt(1, 3, 1);
	fdt_end_node(tree);
	for (unsigned n = 0; n < shape.virtios; n++) {
		begin("virtio", "virtio,mmio");
		reg(0xa000000 + 0x200 * n, 0x200);
		interrupt(0, 16 + n, 1);
		fdt_end_node(tree);
	}
	begin("psci", shape.psci);
	fdt_property_string(tree, "method", "hvc");
	fdt_end_node(tree);
}

static void write_reserved(void)
{
	begin("reserved-memory", NULL);
	fdt_property_u32(tree, "#address-cells", 2);
	fdt_property_u32(tree, "#size-cells", 2);
	begin("firmware", NULL);
	reg(0x40000000, 0x100000);
	fdt_end_node(tree);
	fdt_end_node(tree);
}

static int read_tree(void)
{
	return fdt_read_machine(tree, TREE_PA, &m, &why);
}

/* The tree of `shape`, read. */
static int build(void)
{
	fdt_create(tree, sizeof(tree));
	fdt_add_reservemap_entry(tree, 0x4f000000, 0x1000);
	fdt_finish_reservemap(tree);
	begin("", NULL);
	fdt_property_u32(tree, "#address-cells", shape.root_address_cells);
	fdt_property_u32(tree, "#size-cells", 2);
	for (unsigned n = 0; n < shape.memories; n++) {
		begin("memory", NULL);
		fdt_property_string(tree, "device_type", "memory");
		reg(0x40000000 + n * 0x20000000ull, 0x10000000);
		fdt_end_node(tree);
	}
	write_cpus();
	write_gic();
	write_chosen();
	write_devices();
	write_reserved();
	for (unsigned n = 0; n < shape.nested; n++)
		begin("nested", NULL);
	for (unsigned n = 0; n < shape.nested; n++)
		fdt_end_node(tree);
	fdt_end_node(tree);
	if (fdt_finish(tree)) {
		expect(!"the tree is too large for the test");
		return -E2BIG;
	}
	return read_tree();
}

TEST(a_whole_machine_is_read)
{
	usual();
	expect_eq(build(), 0);
	expect_eq(m.memory_count, 1);
	expect_eq(m.memory[0].start, 0x40000000);
	expect_eq(m.memory[0].size, 0x10000000);
	expect_eq(m.cpu_count, 2);
	expect_eq(m.cpus[1], 1);
	expect_eq(m.gicd.start, 0x8000000);
	expect_eq(m.gicr_count, 1);
	expect_eq(m.gicr[0].start, 0x80a0000);
	expect_eq(m.uart.reg.start, 0x9000000);
	expect_eq(m.uart.intid, 33);
	expect(!m.uart.edge);
	expect_eq(m.rtc.intid, 19);
	expect(m.rtc.edge);
	expect_eq(m.virtio_count, 2);
	expect_eq(m.virtio[1].reg.start, 0xa000200);
	expect_eq(m.virtio[1].intid, 49);
	expect(m.psci && m.psci_hvc);
	expect(!strcmp(m.bootargs, "init=/x"));
	expect_eq(m.initrd.start, 0x44000000);
	expect_eq(m.initrd.size, 0x100800);
	expect_eq(m.rng_seed_size, 10);
	expect_eq(m.dropped, 0);
}

static void expect_lacks(const char *part)
{
	expect_eq(build(), -EINVAL);
	expect(why && strstr(why, part));
	usual();
}

TEST(what_is_missing_is_named)
{
	usual();
	shape.memories = 0;
	expect_lacks("memory");
	shape.cpus = 0;
	expect_lacks("cpus");
	shape.cpu_status = "disabled";
	expect_lacks("cpus");
	shape.short_cpu_reg = true;
	expect_lacks("cpus");
	shape.gic = "arm,gic-400";
	expect_lacks("arm,gic-v3");
	shape.redistributors = 0;
	expect_lacks("redistributors");
	shape.uart = "ns16550a";
	expect_lacks("arm,pl011");
	shape.psci = "arm,psci";
	expect_lacks("arm,psci-0.2");
	memset(tree, 0, 64);
	expect_eq(read_tree(), -EINVAL);
}

TEST(what_there_is_too_much_of_is_counted)
{
	usual();
	shape.cpus = FDT_CPUS + 3;
	expect_eq(build(), 0);
	expect_eq(m.cpu_count, FDT_CPUS);
	expect_eq(m.dropped, 3);
	usual();
	shape.virtios = FDT_VIRTIO + 1;
	expect_eq(build(), 0);
	expect_eq(m.virtio_count, FDT_VIRTIO);
	expect_eq(m.dropped, 1);
	usual();
	shape.memories = FDT_REGIONS + 2;
	expect_eq(build(), 0);
	expect_eq(m.memory_count, FDT_REGIONS);
	expect_eq(m.dropped, 2);
	usual();
	shape.redistributors = shape.redistributor_regions = FDT_REGIONS + 4;
	expect_eq(build(), 0);
	expect_eq(m.gicr_count, FDT_REGIONS);
	expect_eq(m.dropped, 4);
	usual();
	shape.nested = 20;
	expect_eq(build(), 0);
	expect_eq(m.dropped, 5);
}

TEST(numbers_that_make_no_sense_do_no_harm)
{
	usual();
	shape.redistributor_regions = UINT32_MAX; /* only what reg has */
	expect_eq(build(), 0);
	expect_eq(m.gicr_count, 1);
	usual();
	shape.root_address_cells = 0x7fffffff;
	build();
	usual();
	shape.open_bootargs = true;
	expect_eq(build(), 0);
	expect(!m.bootargs);
}

static bool is_free(const struct fdt_region *list, unsigned count, uint64_t at)
{
	for (unsigned n = 0; n < count; n++) {
		if (at >= list[n].start && at - list[n].start < list[n].size)
			return true;
	}
	return false;
}

TEST(free_memory_leaves_out_what_is_used)
{
	struct fdt_region list[16], image = { 0x40200000, 0x60001 };
	uint64_t bytes = 0;
	unsigned count;

	usual();
	expect_eq(build(), 0);
	count = fdt_free_memory(&m, image, list, 16);
	expect(!is_free(list, count, 0x3fffffff));
	expect(!is_free(list, count, 0x40000000)); /* /reserved-memory */
	expect(!is_free(list, count, 0x400fffff));
	expect(is_free(list, count, 0x40100000));
	expect(!is_free(list, count, 0x40200000));
	expect(!is_free(list, count, 0x40260fff)); /* the page of the image's last byte */
	expect(is_free(list, count, 0x40261000));
	expect(!is_free(list, count, 0x44100fff)); /* the initrd's last page */
	expect(is_free(list, count, 0x44101000));
	expect(!is_free(list, count, TREE_PA));
	expect(!is_free(list, count, 0x4f000fff)); /* the reserve map */
	expect(is_free(list, count, 0x4fffffff));
	expect(!is_free(list, count, 0x50000000));
	for (unsigned n = 0; n < count; n++) {
		expect_eq((list[n].start | list[n].size) % PAGE_SIZE, 0);
		bytes += list[n].size;
	}
	expect_eq(bytes, 0x10000000 - 0x100000 - 0x61000 - 0x101000 - 0x1000 -
				 align_up(fdt_totalsize(tree), PAGE_SIZE));
}

TEST(too_few_rows_leave_memory_out_and_never_give_used_memory)
{
	struct fdt_region image = { 0x40200000, 0x60000 };

	usual();
	expect_eq(build(), 0);
	for (unsigned rows = 0; rows < 6; rows++) {
		struct fdt_region *list = malloc(rows * sizeof(*list) + 1);
		unsigned count = fdt_free_memory(&m, image, list, rows);

		expect(count <= rows);
		expect(!is_free(list, count, 0x40200000));
		expect(!is_free(list, count, 0x44000000));
		free(list);
	}
}

/* Under the address sanitizer, in memory that ends where the tree does. */
TEST(changed_bytes_do_no_harm)
{
	struct fdt_region list[2 * FDT_REGIONS];
	uint32_t random = 1;

	usual();
	expect_eq(build(), 0);
	for (unsigned turn = 0; turn < 20000; turn++) {
		unsigned size = fdt_totalsize(tree), header = sizeof(struct fdt_header);
		char *copy = malloc(size);

		memcpy(copy, tree, size);
		for (unsigned n = 0; n < 1 + turn % 4; n++) {
			random = random * 1664525 + 1013904223;
			copy[header + (random >> 8) % (size - header)] = (char)(random >> 3);
		}
		if (!fdt_read_machine(copy, TREE_PA, &m, &why))
			fdt_free_memory(&m, (struct fdt_region){ 0x40200000, 0x60000 }, list,
					2 * FDT_REGIONS);
		free(copy);
	}
	expect_eq(build(), 0); /* and an orderly one is read as before */
}
