/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest from its first instruction to its end: opens what the user named, then makes a virtual
 * machine with its devices, loads it, runs it and takes it apart; once more for each reset. What
 * outlives a reset is here and in tty.c: the files, the terminal and the sums of the counters.
 */
#include "machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "control.h"
#include "fdt.h"
#include "report.h"
#include "rtc.h"
#include "serial.h"
#include "stats.h"
#include "tty.h"
#include "virtio_console.h"
#include "virtio_mmio.h"
#include "virtio_rng.h"
#include "vmstat.h"

#define COMMAND_LINE_MAX 2048 /* COMMAND_LINE_SIZE of arm64 Linux */

struct machine {
	const struct machine_config *config;
	struct vm vm;
	struct serial *serial;
	struct rtc *rtc;
	struct virtio_device *console;
	struct virtio_device *virtio[VIRTIO_DEVICES_MAX]; /* the console among them */
	unsigned virtio_count;
	struct tty_sink sink;
};

static void quit(void *vm)
{
	vm_stop(vm, VM_QUIT);
}

static void stop(void *vm)
{
	vm_stop(vm, VM_STOPPED);
}

/* Disks first, so that the first one is /dev/vda in any guest. */
static void create_devices(struct machine *m)
{
	unsigned n = 0;

	m->serial = serial_create(&m->vm);
	m->rtc = rtc_create(&m->vm);
	for (; n < m->config->disk_count; n++)
		m->virtio[n] = virtio_blk_create(&m->vm, n, &m->config->disks[n]);
	m->virtio[n] = virtio_rng_create(&m->vm, n);
	n++;
	m->console = virtio_console_create(&m->vm, n);
	m->virtio[n] = m->console;
	m->virtio_count = n + 1;
}

static void connect_tty(struct machine *m)
{
	m->sink = (struct tty_sink){
		.input = serial_input, .device = m->serial, .quit = quit, .vm = &m->vm
	};
	if (m->config->virtio_console) {
		m->sink.input = virtio_console_input;
		m->sink.device = m->console;
	}
	tty_start(); /* only now: what is wrong with the host has been said */
	tty_set_sink(&m->sink);
	control_set_vm(stop, &m->vm);
}

/* In this order: the input thread may be waiting in a device, and devices write to the VM. */
static void disconnect_tty(struct machine *m)
{
	control_set_vm(NULL, NULL);
	serial_close(m->serial);
	virtio_console_close(m->console);
	tty_set_sink(NULL);
}

static void destroy_devices(struct machine *m)
{
	for (unsigned i = 0; i < m->virtio_count; i++) {
		virtio_destroy(m->virtio[i]);
		free(m->virtio[i]);
	}
	rtc_destroy(m->rtc);
	serial_destroy(m->serial);
}

static void make_command_line(const struct machine_config *config, char *out)
{
	int n = snprintf(out, COMMAND_LINE_MAX, "console=%s earlycon%s%s%s%s%s",
			 config->virtio_console ? "hvc0" : "ttyAMA0",
			 config->reboot ? "" : " panic=-1", config->name ? " hostname=" : "",
			 config->name ? config->name : "", config->command_line ? " " : "",
			 config->command_line ? config->command_line : "");

	if (n >= COMMAND_LINE_MAX)
		die("the command line is longer than %d characters", COMMAND_LINE_MAX - 1);
}

static void load(struct machine *m, struct boot_layout *layout)
{
	const struct machine_config *config = m->config;
	const struct boot_file *initrd = config->initrd.path ? &config->initrd : NULL;
	char model[80], command_line[COMMAND_LINE_MAX];

	snprintf(model, sizeof(model), "stet%s%s", config->name ? ": " : "",
		 config->name ? config->name : "");
	make_command_line(config, command_line);
	boot_load(layout, &config->kernel, initrd, &m->vm.memory);
	fdt_write(&m->vm, &(struct fdt_config){
				  .model = model,
				  .command_line = command_line,
				  .boot = layout,
				  .virtio_devices = m->virtio_count,
			  });
}

/* ---- `stet stat run` ---- */

static int watch_fd = -1;		/* of the machine that runs */
static struct vm_stat watch_sum; /* of those before */

/* The VM that this process has just made. */
static void watch_begin(void)
{
	unsigned last = 0, n;

	while ((n = vmstat_next(last, getpid())))
		last = n;
	watch_fd = vmstat_open(last);
}

static void watch_end(void)
{
	static struct vm_stat s;

	if (watch_fd < 0)
		return;
	if (vmstat_read(watch_fd, &s))
		vmstat_add(&watch_sum, &s);
	close(watch_fd);
	watch_fd = -1;
}

static enum vm_end run_once(const struct machine_config *config, int kvm,
			    struct boot_layout *layout, struct stats *stats)
{
	struct machine *m = calloc(1, sizeof(*m));
	enum vm_end end;

	if (!m)
		die("no memory");
	m->config = config;
	vm_create(&m->vm, kvm, &config->vm);
	if (config->watch)
		watch_begin();
	create_devices(m);
	load(m, layout);
	connect_tty(m);
	vm_start(&m->vm, layout->kernel, layout->fdt);
	end = vm_wait(&m->vm);
	stats_add(stats, &m->vm);
	watch_end();
	if (end == VM_QUIT || end == VM_STOPPED) /* at once: a thread may be stuck in a write to the terminal */
		return end;
	vm_join(&m->vm);
	disconnect_tty(m);
	destroy_devices(m);
	vm_destroy(&m->vm);
	free(m);
	return end;
}

static void open_files(struct machine_config *config, struct boot_layout *layout)
{
	boot_open(&config->kernel, "kernel");
	if (config->initrd.path)
		boot_open(&config->initrd, "initrd");
	boot_plan(layout, &config->kernel, config->initrd.path ? &config->initrd : NULL,
		  MEMORY_BASE, config->vm.memory);
	for (unsigned i = 0; i < config->disk_count; i++)
		disk_open(&config->disks[i]);
}

enum vm_end machine_run(struct machine_config *config)
{
	static struct stats stats; /* zero at the start; too big for the stack */
	struct boot_layout layout;
	enum vm_end end;
	int kvm;

	open_files(config, &layout);
	kvm = vm_open_kvm();
	control_start(config->name, config->vm.vcpus, config->vm.memory);
	do
		end = run_once(config, kvm, &layout, &stats);
	while (end == VM_RESET && config->reboot);
	tty_restore();
	if (config->stats)
		stats_print(&stats, config->name ? config->name : "guest");
	if (config->watch)
		vmstat_print(stderr, &watch_sum, config->name ? config->name : "guest", -1, "\n");
	return end;
}
