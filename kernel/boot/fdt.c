/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device tree, read once by libfdt into struct machine (pure). The tree is the firmware's word:
 * what is missing is named and the machine refused, what there is too much of is counted and left
 * out. Devicetree Specification 0.4, sections 2.3 and 3; bindings arm,gic-v3, arm,psci,
 * virtio,mmio.
 */
#include "boot/fdt.h"

#include <libfdt.h>
#include <linux/errno.h>

#include "lib/bits.h"
#include "lib/string.h"

#define GIC_SPI	  0
#define SPI_BASE  32
#define PPI_BASE  16
#define EDGE_MASK 3 /* rising or falling */

static uint64_t cells_read(const fdt32_t *cell, int count)
{
	uint64_t v = 0;

	while (count--)
		v = v << 32 | fdt32_ld(cell++);
	return v;
}

/* A property of one cell; fallback if it is missing or too short. */
static uint32_t cell_property(const void *fdt, int node, const char *name, uint32_t fallback)
{
	int length;
	const fdt32_t *prop = fdt_getprop(fdt, node, name, &length);

	return prop && length >= 4 ? fdt32_ld(prop) : fallback;
}

/* Is text one of the property's strings? False if there is no such property. */
static bool property_says(const void *fdt, int node, const char *name, const char *text)
{
	int length;
	const char *prop = fdt_getprop(fdt, node, name, &length);

	return prop && fdt_stringlist_contains(prop, length, text);
}

/* #address-cells and #size-cells of the node at each depth: what its children's reg properties go
 * by. Asking libfdt for a node's parent would walk the whole tree each time. */
#define DEPTHS	  16
#define CELLS_MAX 4u

struct cells {
	int address, size;
};

static struct cells node_cells(const void *fdt, int node)
{
	uint32_t address = cell_property(fdt, node, "#address-cells", 2);
	uint32_t size = cell_property(fdt, node, "#size-cells", 1);

	return (struct cells){ (int)min(address, CELLS_MAX), (int)min(size, CELLS_MAX) };
}

/* Row n of the node's reg property. */
static bool reg_read(const void *fdt, int node, struct cells cells, unsigned n,
		     struct fdt_region *out)
{
	int length, row = cells.address + cells.size;
	const fdt32_t *reg = fdt_getprop(fdt, node, "reg", &length);

	if (!reg || row <= 0 || (unsigned)(length / 4 / row) <= n)
		return false;
	out->start = cells_read(reg + row * (int)n, cells.address);
	out->size = cells_read(reg + row * (int)n + cells.address, cells.size);
	return true;
}

static bool device_read(const void *fdt, int node, struct cells cells, struct fdt_device *d)
{
	int length;
	const fdt32_t *irq = fdt_getprop(fdt, node, "interrupts", &length);

	if (!reg_read(fdt, node, cells, 0, &d->reg))
		return false;
	if (irq && length >= 12) {
		unsigned number = fdt32_ld(irq + 1);

		d->intid = number + (fdt32_ld(irq) == GIC_SPI ? SPI_BASE : PPI_BASE);
		d->edge = fdt32_ld(irq + 2) & EDGE_MASK;
	}
	return true;
}

static bool node_enabled(const void *fdt, int node)
{
	return !fdt_getprop(fdt, node, "status", NULL) ||
	       property_says(fdt, node, "status", "okay") ||
	       property_says(fdt, node, "status", "ok");
}

static bool node_is_type(const void *fdt, int node, const char *type)
{
	return property_says(fdt, node, "device_type", type);
}

static void read_memory(struct machine *m, int node, struct cells cells)
{
	struct fdt_region r;

	for (unsigned n = 0; reg_read(m->fdt, node, cells, n, &r); n++) {
		if (m->memory_count == FDT_REGIONS)
			m->dropped++;
		else if (r.size)
			m->memory[m->memory_count++] = r;
	}
}

static void read_cpu(struct machine *m, int node, struct cells cells)
{
	int length;
	const fdt32_t *reg = fdt_getprop(m->fdt, node, "reg", &length);

	if (!reg || !cells.address || length / 4 < cells.address)
		return;
	if (m->cpu_count == FDT_CPUS)
		m->dropped++;
	else
		m->cpus[m->cpu_count++] = cells_read(reg, cells.address);
}

static void read_gic(struct machine *m, int node, struct cells cells)
{
	unsigned regions = cell_property(m->fdt, node, "#redistributor-regions", 1);
	struct fdt_region r;

	reg_read(m->fdt, node, cells, 0, &m->gicd);
	for (unsigned n = 0; n < regions && reg_read(m->fdt, node, cells, n + 1, &r); n++) {
		if (m->gicr_count == FDT_REGIONS)
			m->dropped++;
		else
			m->gicr[m->gicr_count++] = r;
	}
}

static void read_virtio(struct machine *m, int node, struct cells cells)
{
	if (m->virtio_count == FDT_VIRTIO)
		m->dropped++;
	else if (device_read(m->fdt, node, cells, &m->virtio[m->virtio_count]))
		m->virtio_count++;
}

static void read_node(struct machine *m, int node, struct cells cells)
{
	const void *fdt = m->fdt;

	if (node_is_type(fdt, node, "memory"))
		read_memory(m, node, cells);
	else if (node_is_type(fdt, node, "cpu"))
		read_cpu(m, node, cells);
	else if (!fdt_node_check_compatible(fdt, node, "arm,gic-v3"))
		read_gic(m, node, cells);
	else if (!fdt_node_check_compatible(fdt, node, "virtio,mmio"))
		read_virtio(m, node, cells);
	else if (!fdt_node_check_compatible(fdt, node, "arm,pl011") && !m->uart.reg.size)
		device_read(fdt, node, cells, &m->uart);
	else if (!fdt_node_check_compatible(fdt, node, "arm,pl031"))
		device_read(fdt, node, cells, &m->rtc);
	else if (!fdt_node_check_compatible(fdt, node, "arm,psci-0.2") ||
		 !fdt_node_check_compatible(fdt, node, "arm,psci-1.0")) {
		m->psci = true;
		m->psci_hvc = property_says(fdt, node, "method", "hvc");
	}
}

static uint64_t chosen_address(const void *fdt, int node, const char *name)
{
	int length;
	const fdt32_t *prop = fdt_getprop(fdt, node, name, &length);

	return prop && length >= 4 ? cells_read(prop, length / 4) : 0;
}

static void read_chosen(struct machine *m)
{
	int node = fdt_path_offset(m->fdt, "/chosen"), length = 0;
	uint64_t start, end;

	if (node < 0)
		return;
	m->bootargs = fdt_getprop(m->fdt, node, "bootargs", &length);
	if (m->bootargs && (length <= 0 || m->bootargs[length - 1]))
		m->bootargs = NULL; /* it has no end */
	start = chosen_address(m->fdt, node, "linux,initrd-start");
	end = chosen_address(m->fdt, node, "linux,initrd-end");
	if (start && end > start)
		m->initrd = (struct fdt_region){ start, end - start };
	m->rng_seed = fdt_getprop(m->fdt, node, "rng-seed", &length);
	m->rng_seed_size = m->rng_seed ? (size_t)length : 0;
}

static void reserve(struct machine *m, uint64_t start, uint64_t size)
{
	if (m->reserved_count == FDT_REGIONS)
		m->dropped++;
	else if (size)
		m->reserved[m->reserved_count++] = (struct fdt_region){ start, size };
}

static void read_reserved(struct machine *m, uint64_t fdt_pa)
{
	uint64_t start, size;
	int node, child;
	struct cells cells;
	struct fdt_region r;

	for (int n = 0; n < fdt_num_mem_rsv(m->fdt); n++) {
		if (!fdt_get_mem_rsv(m->fdt, n, &start, &size))
			reserve(m, start, size);
	}
	node = fdt_path_offset(m->fdt, "/reserved-memory");
	if (node >= 0) {
		cells = node_cells(m->fdt, node);
		fdt_for_each_subnode(child, m->fdt, node) {
			if (reg_read(m->fdt, child, cells, 0, &r))
				reserve(m, r.start, r.size);
		}
	}
	reserve(m, fdt_pa, fdt_totalsize(m->fdt));
	reserve(m, m->initrd.start, m->initrd.size);
}

static void read_nodes(struct machine *m)
{
	struct cells cells[DEPTHS]; /* of the node at each depth */
	int depth = 0;

	cells[0] = node_cells(m->fdt, 0);
	for (int node = fdt_next_node(m->fdt, 0, &depth); node >= 0 && depth > 0;
	     node = fdt_next_node(m->fdt, node, &depth)) {
		if (depth >= DEPTHS) {
			m->dropped++;
			continue;
		}
		cells[depth] = node_cells(m->fdt, node);
		if (node_enabled(m->fdt, node))
			read_node(m, node, cells[depth - 1]);
	}
}

int fdt_read_machine(const void *fdt, uint64_t fdt_pa, struct machine *m, const char **why)
{
	memset(m, 0, sizeof(*m));
	m->fdt = fdt;
	*why = "a header of a version that is known";
	if (fdt_check_header(fdt))
		return -EINVAL;
	read_nodes(m);
	read_chosen(m);
	read_reserved(m, fdt_pa);
	*why = !m->memory_count	   ? "memory"
	       : !m->cpu_count	   ? "cpus"
	       : !m->gicd.size	   ? "interrupt controller (arm,gic-v3)"
	       : !m->gicr_count	   ? "redistributors of the interrupt controller"
	       : !m->uart.reg.size ? "console (arm,pl011)"
	       : !m->psci	   ? "firmware (arm,psci-0.2)"
				   : NULL;
	return *why ? -EINVAL : 0;
}

/* Cut r out of list (of *count rows, at most max). */
static void region_cut(struct fdt_region *list, unsigned *count, unsigned max, struct fdt_region r)
{
	uint64_t start = align_down(r.start, PAGE_SIZE);
	uint64_t end = align_up(r.start + r.size, PAGE_SIZE);

	for (unsigned n = 0; n < *count; n++) {
		uint64_t from = list[n].start, to = from + list[n].size;

		if (start >= to || end <= from)
			continue;
		list[n].size = start > from ? start - from : 0;
		if (end < to && start <= from)
			list[n] = (struct fdt_region){ end, to - end };
		else if (end < to && *count < max)
			list[(*count)++] = (struct fdt_region){ end, to - end };
	}
}

unsigned fdt_free_memory(const struct machine *m, struct fdt_region image, struct fdt_region *out,
			 unsigned max)
{
	unsigned count = 0;

	for (unsigned n = 0; n < m->memory_count && count < max; n++) {
		uint64_t start = align_up(m->memory[n].start, PAGE_SIZE);
		uint64_t end = align_down(m->memory[n].start + m->memory[n].size, PAGE_SIZE);

		if (end > start)
			out[count++] = (struct fdt_region){ start, end - start };
	}
	region_cut(out, &count, max, image);
	for (unsigned n = 0; n < m->reserved_count; n++)
		region_cut(out, &count, max, m->reserved[n]);
	return count;
}
