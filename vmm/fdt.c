/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device tree the guest reads: memory, vCPUs, PSCI, timer, GICv3 and the devices of layout.h,
 * written from top to bottom by libfdt's sequential functions, a node a function. Errors stick in
 * the writer and are looked at once, at the end. Manual: Devicetree Specification 0.4 and the
 * bindings in Linux's Documentation/devicetree/bindings.
 */
#include "fdt.h"

#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "boot.h"
#include "report.h"
#include "vm.h"

enum { PHANDLE_GIC = 1, PHANDLE_CLOCK };

/* Cells of an interrupt specifier: arm,gic-v3.yaml. */
enum { GIC_SPI, GIC_PPI };
enum { EDGE_RISING = 1, LEVEL_HIGH = 4 };

/* PPI numbers of the secure and non-secure physical, virtual and hypervisor timers. */
static const uint32_t timer_ppis[] = { 13, 14, 11, 10 };

#define UART_CLOCK_HZ 24000000

struct writer {
	void *fdt;
	int err; /* the first one */
};

static void note(struct writer *w, int err)
{
	if (err < 0 && !w->err)
		w->err = err;
}

static void begin(struct writer *w, const char *name)
{
	note(w, fdt_begin_node(w->fdt, name));
}

/* A node named by its address: name@address. */
static void begin_at(struct writer *w, const char *name, uint64_t address)
{
	char full[64];

	snprintf(full, sizeof(full), "%s@%llx", name, (unsigned long long)address);
	begin(w, full);
}

static void end(struct writer *w)
{
	note(w, fdt_end_node(w->fdt));
}

static void cells(struct writer *w, const char *name, const uint32_t *values, unsigned count)
{
	fdt32_t big[16];

	for (unsigned i = 0; i < count; i++)
		big[i] = cpu_to_fdt32(values[i]);
	note(w, fdt_property(w->fdt, name, big, (int)(count * sizeof(big[0]))));
}

static void cell(struct writer *w, const char *name, uint32_t value)
{
	cells(w, name, &value, 1);
}

static void u64(struct writer *w, const char *name, uint64_t value)
{
	note(w, fdt_property_u64(w->fdt, name, value));
}

static void string(struct writer *w, const char *name, const char *value)
{
	note(w, fdt_property_string(w->fdt, name, value));
}

static void empty(struct writer *w, const char *name)
{
	note(w, fdt_property(w->fdt, name, NULL, 0));
}

static void random_bytes(struct writer *w, const char *name, size_t bytes)
{
	uint8_t seed[64];

	if (getrandom(seed, bytes, 0) == (ssize_t)bytes)
		note(w, fdt_property(w->fdt, name, seed, (int)bytes));
}

/* Two cells each, as #address-cells and #size-cells of the root say. */
static void reg(struct writer *w, uint64_t base, uint64_t size)
{
	const uint32_t values[] = { (uint32_t)(base >> 32), (uint32_t)base, (uint32_t)(size >> 32),
				    (uint32_t)size };

	cells(w, "reg", values, 4);
}

static void interrupt(struct writer *w, unsigned spi, uint32_t trigger)
{
	const uint32_t values[] = { GIC_SPI, spi, trigger };

	cells(w, "interrupts", values, 3);
}

static void write_chosen(struct writer *w, const struct fdt_config *config)
{
	const struct boot_layout *boot = config->boot;
	char path[32];

	snprintf(path, sizeof(path), "/serial@%llx", SERIAL_BASE);
	begin(w, "chosen");
	string(w, "bootargs", config->command_line);
	string(w, "stdout-path", path);
	if (boot->initrd_end > boot->initrd) {
		u64(w, "linux,initrd-start", boot->initrd);
		u64(w, "linux,initrd-end", boot->initrd_end);
	}
	random_bytes(w, "kaslr-seed", 8);
	random_bytes(w, "rng-seed", 64);
	end(w);
}

static void write_memory(struct writer *w, const struct guest_memory *memory)
{
	begin_at(w, "memory", memory->base);
	string(w, "device_type", "memory");
	reg(w, memory->base, memory->size);
	end(w);
}

static void write_cpus(struct writer *w, const struct vm *vm)
{
	begin(w, "cpus");
	cell(w, "#address-cells", 2);
	cell(w, "#size-cells", 0);
	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		uint64_t mpidr = vcpu_mpidr(&vm->vcpus[i]);

		begin_at(w, "cpu", mpidr);
		string(w, "device_type", "cpu");
		string(w, "compatible", "arm,armv8");
		string(w, "enable-method", "psci");
		u64(w, "reg", mpidr);
		end(w);
	}
	end(w);
}

static void write_psci(struct writer *w)
{
	static const char compatible[] = "arm,psci-1.0\0arm,psci-0.2";

	begin(w, "psci");
	note(w, fdt_property(w->fdt, "compatible", compatible, sizeof(compatible)));
	string(w, "method", "hvc");
	end(w);
}

static void write_timer(struct writer *w)
{
	uint32_t values[3 * 4];

	for (unsigned i = 0; i < 4; i++) {
		values[3 * i] = GIC_PPI;
		values[3 * i + 1] = timer_ppis[i];
		values[3 * i + 2] = LEVEL_HIGH;
	}
	begin(w, "timer");
	string(w, "compatible", "arm,armv8-timer");
	cells(w, "interrupts", values, 3 * 4);
	empty(w, "always-on");
	end(w);
}

static void write_gic(struct writer *w, unsigned vcpu_count)
{
	const uint64_t redist_size = vcpu_count * GICR_SIZE;
	const uint32_t frames[] = {
		0, (uint32_t)GICD_BASE, 0, (uint32_t)GICD_SIZE,
		0, (uint32_t)GICR_BASE, 0, (uint32_t)redist_size,
	};

	begin_at(w, "interrupt-controller", GICD_BASE);
	string(w, "compatible", "arm,gic-v3");
	cell(w, "#interrupt-cells", 3);
	empty(w, "interrupt-controller");
	cells(w, "reg", frames, 8);
	cell(w, "phandle", PHANDLE_GIC);
	end(w);
}

static void write_clock(struct writer *w)
{
	begin(w, "clock");
	string(w, "compatible", "fixed-clock");
	cell(w, "#clock-cells", 0);
	cell(w, "clock-frequency", UART_CLOCK_HZ);
	cell(w, "phandle", PHANDLE_CLOCK);
	end(w);
}

/* A PrimeCell: a device of Arm's with identification registers and a bus clock. */
static void begin_primecell(struct writer *w, const char *name, uint64_t base,
			    const char *compatible, int compatible_size)
{
	begin_at(w, name, base);
	note(w, fdt_property(w->fdt, "compatible", compatible, compatible_size));
	reg(w, base, DEVICE_SIZE);
}

static void write_serial(struct writer *w)
{
	static const char compatible[] = "arm,pl011\0arm,primecell";
	static const char clock_names[] = "uartclk\0apb_pclk";
	const uint32_t clocks[] = { PHANDLE_CLOCK, PHANDLE_CLOCK };

	begin_primecell(w, "serial", SERIAL_BASE, compatible, sizeof(compatible));
	interrupt(w, SERIAL_SPI, LEVEL_HIGH);
	cells(w, "clocks", clocks, 2);
	note(w, fdt_property(w->fdt, "clock-names", clock_names, sizeof(clock_names)));
	end(w);
}

static void write_rtc(struct writer *w)
{
	static const char compatible[] = "arm,pl031\0arm,primecell";

	begin_primecell(w, "rtc", RTC_BASE, compatible, sizeof(compatible));
	cell(w, "clocks", PHANDLE_CLOCK);
	string(w, "clock-names", "apb_pclk");
	end(w);
}

static void write_virtio(struct writer *w, unsigned index)
{
	uint64_t base = VIRTIO_BASE + index * DEVICE_SIZE;

	begin_at(w, "virtio", base);
	string(w, "compatible", "virtio,mmio");
	reg(w, base, DEVICE_SIZE);
	interrupt(w, VIRTIO_SPI + index, EDGE_RISING);
	empty(w, "dma-coherent");
	end(w);
}

static void write_root(struct writer *w, const struct vm *vm, const struct fdt_config *config)
{
	begin(w, "");
	string(w, "compatible", "linux,dummy-virt");
	string(w, "model", config->model);
	cell(w, "#address-cells", 2);
	cell(w, "#size-cells", 2);
	cell(w, "interrupt-parent", PHANDLE_GIC);
	write_chosen(w, config);
	write_memory(w, &vm->memory);
	write_cpus(w, vm);
	write_psci(w);
	write_timer(w);
	write_gic(w, vm->vcpu_count);
	write_clock(w);
	write_serial(w);
	write_rtc(w);
	for (unsigned i = 0; i < config->virtio_devices; i++)
		write_virtio(w, i);
	end(w);
}

void fdt_write(struct vm *vm, const struct fdt_config *config)
{
	struct writer w = { .fdt = memory_at(&vm->memory, config->boot->fdt, FDT_SIZE_MAX) };

	if (!w.fdt)
		die("no room for the device tree");
	note(&w, fdt_create(w.fdt, FDT_SIZE_MAX));
	note(&w, fdt_finish_reservemap(w.fdt));
	write_root(&w, vm, config);
	note(&w, fdt_finish(w.fdt));
	if (w.err)
		die("cannot make the device tree: %s", fdt_strerror(w.err));
}
