/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Start-up, a call a line: from head.S on the boot CPU, with the image mapped, the device tree
 * readable and nothing else. Ends as the boot CPU's idle thread. What it finds is said in about a
 * dozen lines.
 */
#include <libfdt.h>

#include "arch/cpu.h"
#include "arch/gic.h"
#include "arch/irq.h"
#include "mm/mmu.h"
#include "arch/panic.h"
#include "arch/power.h"
#include "arch/sysreg.h"
#include "arch/timer.h"
#include "bank/bank.h"
#include "bank/fp.h"
#include "bank/fp_kernel.h"
#include "bank/fp_length.h"
#include "boot/cmdline.h"
#include "boot/fdt.h"
#include "boot/selftest.h"
#include "boot/smp.h"
#include "drivers/entropy.h"
#include "drivers/rtc.h"
#include "drivers/uart.h"
#include "drivers/virtio_mmio.h"
#include "kvm/kvm.h"
#include "lib/check.h"
#include "lib/printk.h"
#include "lib/string.h"
#include "lib/version.h"
#include "linux/linux.h"
#include "linux/process/task.h"
#include "mm/page.h"
#include "mm/slab.h"
#include "sched/metronome.h"
#include "sched/ktimer.h"
#include "sched/run.h"
#include "sched/stack.h"

#define MIB BIT(20)

extern char image_start[], image_end[], boot_stack_top[], host_vectors[];
extern uint64_t boot_console_gib; /* boot/early.c */
uint64_t image_pa;		  /* head.S: mmu_replace_kernel_root */

static struct machine machine;
static struct cmdline cmdline;

_Noreturn void boot_main(pa_t fdt, pa_t image);

/* ---- the console and the log ---- */

#define TAG_MARK "\x02"

/* One line of the log. With log.tag=WORD it is marked, so that a runner can tell it from a
 * program's output. */
static void console_line(const char *text, size_t length)
{
	if (cmdline.log_tag) {
		char line[400];
		int n = snprintf(line, sizeof(line), TAG_MARK "%s:%.*s\n", cmdline.log_tag,
				 (int)min(length, (size_t)256), text);

		uart_write(line, min((size_t)n, sizeof(line) - 1));
		return;
	}
	uart_write(text, length);
	uart_write("\r\n", 2);
}

/* For the runner alone: power.c's exit status or panic mark, lines of linux/trace.c. */
static void console_status(const char *what)
{
	if (cmdline.log_tag)
		console_line(what, strlen(what));
}

static void console_init(void *registers)
{
	uart_init(registers, 0);
	power_set_status_sink(console_status);
	if (cmdline.log_tag || !cmdline.quiet)
		printk_set_console(console_line);
}

/* Until mmu_init(): for those of whom the machine is refused. */
static void console_init_early(void)
{
	pa_t uart = { machine.uart.reg.start };

	if (machine.uart.reg.size && align_down(uart.v, BIT(30)) == boot_console_gib)
		console_init(pa_to_va(uart));
}

/* ---- memory ---- */

static struct fdt_region image_region(void)
{
	return (struct fdt_region){ image_pa, (uint64_t)(image_end - image_start) };
}

#define MEMORY_SPAN BIT(38) /* what metadata in the image's gigabyte is enough for */

static struct fdt_region free_memory[2 * FDT_REGIONS];
static unsigned free_count;

/* What lies too far from the lowest memory is not used. */
static void limit_memory(uint64_t lowest)
{
	uint64_t end = lowest + MEMORY_SPAN, left_out = 0;

	for (unsigned n = 0; n < machine.memory_count; n++) {
		struct fdt_region *m = &machine.memory[n];
		uint64_t size = m->start >= end ? 0 : min(m->size, end - m->start);

		left_out += m->size - size;
		m->size = size;
	}
	if (left_out)
		printk("memory: %lu MiB beyond 0x%lx are not used\n", left_out / MIB, end);
}

/* The page allocator begins with a part of the image's gigabyte, since until mmu_init() nothing
 * else is mapped for certain. */
static void memory_begin(uint64_t lowest, uint64_t highest)
{
	size_t metadata =
		align_up(page_metadata_bytes((pa_t){ lowest }, (pa_t){ highest }), PAGE_SIZE);
	uint64_t gib = align_down(image_pa, BIT(30));

	for (unsigned n = 0; n < free_count; n++) {
		struct fdt_region *f = &free_memory[n];
		uint64_t end = min(f->start + f->size, gib + BIT(30));

		if (f->start < gib || f->start >= end || end - f->start < metadata + 4 * MIB)
			continue;
		page_init((pa_t){ lowest }, (pa_t){ highest }, pa_to_va((pa_t){ f->start }));
		page_add_region((pa_t){ f->start + metadata }, (pa_t){ end });
		*f = (struct fdt_region){ end, f->start + f->size - end };
		return;
	}
	panic("no %lu KiB of free memory at 0x%lx", metadata / 1024 + 4096, gib);
}

/* All memory mapped, some of it free. */
static void memory_init(void)
{
	uint64_t lowest = UINT64_MAX, highest = 0;
	struct mmu_region ram[FDT_REGIONS];
	unsigned count = 0;

	for (unsigned n = 0; n < machine.memory_count; n++)
		lowest = min(lowest, align_down(machine.memory[n].start, BLOCK_SIZE));
	limit_memory(lowest);
	for (unsigned n = 0; n < machine.memory_count; n++) {
		const struct fdt_region *m = &machine.memory[n];

		if (!m->size)
			continue;
		highest = max(highest, m->start + m->size);
		ram[count++] = (struct mmu_region){ { align_up(m->start, PAGE_SIZE) },
						    { align_down(m->start + m->size, PAGE_SIZE) } };
	}
	free_count =
		fdt_free_memory(&machine, image_region(), free_memory, ARRAY_SIZE(free_memory));
	memory_begin(lowest, highest);
	mmu_init(ram, count, (pa_t){ image_pa });
}

/* And the rest of it free. */
static void memory_add_free(void)
{
	for (unsigned n = 0; n < free_count; n++) {
		const struct fdt_region *f = &free_memory[n];

		if (f->size)
			page_add_region((pa_t){ f->start }, (pa_t){ f->start + f->size });
	}
}

/* ---- devices ---- */

static void gic_setup(void)
{
	struct gic_region regions[GIC_REGIONS];
	void *gicd = mmu_map_device((pa_t){ machine.gicd.start }, machine.gicd.size);
	unsigned count = min(machine.gicr_count, (unsigned)GIC_REGIONS);

	if (machine.gicr_count > GIC_REGIONS)
		printk("gic: %u redistributor regions, Stet uses %u\n", machine.gicr_count,
		       GIC_REGIONS);
	for (unsigned n = 0; n < count; n++)
		regions[n] = (struct gic_region){ mmu_map_device((pa_t){ machine.gicr[n].start },
								 machine.gicr[n].size),
						  machine.gicr[n].size };
	gic_init(gicd, regions, count, kzalloc(gic_memory(gicd)));
}

static void devices_init(void)
{
	if (machine.rtc.reg.size)
		rtc_init(mmu_map_device((pa_t){ machine.rtc.reg.start }, machine.rtc.reg.size));
	if (machine.rng_seed)
		entropy_seed(machine.rng_seed, machine.rng_seed_size);
	for (unsigned n = 0; n < machine.virtio_count; n++) {
		struct fdt_device *d = &machine.virtio[n];

		virtio_mmio_probe(mmu_map_device((pa_t){ d->reg.start }, d->reg.size), d->intid,
				  d->edge);
	}
	uart_init(pa_to_va((pa_t){ machine.uart.reg.start }), machine.uart.intid);
	uart_set_input(tty_input);
}

/* ---- the vector bank's policy: fp_policy= and fp_costs= ---- */

static struct fp_costs costs;
static enum fp_policy_kind policy = FP_ADAPTIVE;

static void choose_policy(void)
{
	costs = fp_costs_of((uint32_t)sysreg_read(midr_el1));
	if (cmdline.fp_costs && !fp_costs_parse(&costs, cmdline.fp_costs))
		printk("fp_costs=%s: not three numbers\n", cmdline.fp_costs);
	if (cmdline.fp_policy && !fp_policy_parse(cmdline.fp_policy, &policy))
		printk("fp_policy=%s: no such policy\n", cmdline.fp_policy);
	fp_policy_set_costs(&costs);
}

/* ---- what was found ---- */

static void print_lengths(void)
{
	char text[96] = "";
	size_t at = 0;

	for (unsigned vq = 1; vq <= SVE_VQ_LIMIT; vq++)
		if (fp_length_exists(vq))
			at += (size_t)snprintf(text + at, sizeof(text) - at, " %u", vq * 128);
	printk("vector lengths: FP/SIMD 128 bits; %s%s\n", at ? "SVE" : "no SVE", text);
}

static void print_banner(void)
{
	const char *model = fdt_getprop(machine.fdt, 0, "model", NULL);

	printk("Stet %s on %s\n", STET_VERSION, model ? model : "a machine without a name");
}

static void print_machine(void)
{
	printk("cpus: %u, MIDR 0x%08lx, VHE, PAN, %u-bit addresses, %s-bit VMIDs%s%s\n",
	       cpu_count(), sysreg_read(midr_el1), cpu_pa_bits(), cpu_has(CPU_VMID16) ? "16" : "8",
	       cpu_has(CPU_AARCH32_EL1) ? ", AArch32 guests possible" : "",
	       cpu_has(CPU_RNDR) ? ", RNDR" : "");
	printk("memory: %lu MiB, %lu MiB free; kernel %lu KiB at 0x%lx\n",
	       page_total() * PAGE_SIZE / MIB, page_free_count() * PAGE_SIZE / MIB,
	       (uint64_t)(image_end - image_start) / 1024, image_pa);
	printk("gic: GICv3 at 0x%lx, %u redistributor region%s, %lu list registers\n",
	       machine.gicd.start, machine.gicr_count, machine.gicr_count == 1 ? "" : "s",
	       (sysreg_read(ich_vtr_el2) & 31) + 1);
	printk("timer: %lu kHz\n", timer_frequency() / 1000);
	print_lengths();
	printk("vector policy: %s; trap %u, save %u, load %u\n", fp_policy_name(policy), costs.trap,
	       costs.save, costs.load);
	if (machine.dropped || cmdline.dropped)
		printk("limits: %u entries of the device tree, %u words of the command line left "
		       "out\n",
		       machine.dropped, cmdline.dropped);
}

/* Where IPI_STOP is an interrupt like any other. */
static void stop_cpu(void)
{
	panic_stop_cpu(NULL);
}

/* ---- the first program ---- */

static void start_init(void *arg)
{
	static char home[] = "HOME=/", term[] = "TERM=linux",
		    path[] = "PATH=/sbin:/usr/sbin:/bin:/usr/bin";
	static char init[] = "/init";
	char *env[CMDLINE_ARGS + 4] = { home, term, path };
	int err;

	(void)arg;
	memcpy(env + 3, cmdline.env, sizeof(cmdline.env[0]) * cmdline.env_count);
	if (!cmdline.init)
		cmdline.init = init;
	cmdline.args[0] = cmdline.init;
	printk("init: %s after %lu us\n", cmdline.init, timer_now() / 1000);
	if (cmdline.crash)
		selftest_crash(cmdline.crash);
	err = process_start_init(cmdline.init, cmdline.args, env);
	if (err)
		panic("cannot start %s: error %d", cmdline.init, -err);
}

static void show_cmdline(struct text *t, void *arg)
{
	(void)arg;
	text_printf(t, "%s\n", machine.bootargs ? machine.bootargs : "");
}

static void load_archive(void)
{
	int err;

	if (!machine.initrd.size) {
		printk("files: no initrd was given\n");
		return;
	}
	err = ramfs_load_cpio(pa_to_va((pa_t){ machine.initrd.start }), machine.initrd.size);
	if (err)
		panic("the initrd is no newc cpio archive (error %d)", -err);
	printk("files: an archive of %lu KiB, used in place\n", machine.initrd.size / 1024);
}

/* The rest, on a stack with a guard, which becomes that of the boot CPU's idle thread. */
static _Noreturn void boot_on(uint64_t stack)
{
	gic_setup();
	timer_init();
	ktimer_setup();
	ipi_register(IPI_STOP, stop_cpu);
	ipi_register(IPI_CALL, cpu_handle_call);
	choose_policy();
	fp_init(policy);
	linux_init();
	check(!procfs_register("cmdline", show_cmdline, NULL));
	if (cmdline.tty_raw)
		tty_set_raw();
	kvm_init();
	if (!smp_cpu_setup(this_cpu(), stack))
		panic("the boot CPU cannot run");
	irq_enable();
	devices_init();
	linux_devices_init();
	smp_start(machine.cpus, machine.cpu_count, (pa_t){ image_pa });
	smp_register();
	print_machine();
	load_archive();
	if (cmdline.neon)
		kernel_neon_test();
	if (cmdline.metronome && !metronome_start())
		panic("no memory for the metronome");
	if (cmdline.trace && trace_syscalls(console_status))
		panic("no memory for the trace");
	if (!thread_spawn("init", start_init, NULL))
		panic("no memory for the first program");
	run_idle();
}

void boot_main(pa_t fdt, pa_t image)
{
	const char *missing;
	uint64_t stack;
	int err;

	image_pa = image.v;
	sysreg_write(tpidr_el2, cpu_add(sysreg_read(mpidr_el1) & 0xff00ffffff));
	/* An exception from here on is taken for an overflow, which needs a stack to be told on. */
	this_cpu()->overflow_stack = (uint64_t)boot_stack_top;
	sysreg_write(vbar_el2, host_vectors);
	isb();
	err = fdt_read_machine(pa_to_va(fdt), fdt.v, &machine, &missing);
	cmdline_parse(&cmdline, machine.bootargs);
	power_init(machine.psci_hvc);
	console_init_early();
	if (err)
		panic("the device tree lacks: %s", missing);
	cpu_init_features();
	if (cmdline.id_bits)
		idspace_limit(cmdline.id_bits);
	memory_init();
	console_init(mmu_map_device((pa_t){ machine.uart.reg.start }, machine.uart.reg.size));
	print_banner();
	memory_add_free();
	stack = stack_alloc();
	check(stack);
	stack_continue(stack, boot_on);
}
