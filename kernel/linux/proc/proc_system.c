/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The files of /proc and /sys that tell of the whole machine (man 5 proc), as far as programs look
 * at them. Each is a function that writes its text; the table at the end names them.
 */
#include "linux/proc/procfs.h"

#include "arch/cpu.h"
#include "arch/irq.h"
#include "arch/timer.h"
#include "lib/bits.h"
#include "lib/check.h"
#include "linux/time/clock.h"
#include "linux/process/elf_image.h"
#include "linux/process/process.h"
#include "linux/process/sve.h"
#include "linux/uname.h"
#include "mm/page.h"
#include "mm/slab.h"
#include "sched/run.h"

#define KIB_PER_PAGE ((unsigned long)PAGE_SIZE / 1024)
#define INTIDS	     1020 /* SGIs, PPIs and SPIs */
#define SECOND_NS    1000000000ul
#define TICK_NS	     10000000ul /* USER_HZ is 100 */

static void show_meminfo(struct text *t, void *arg)
{
	unsigned long free = page_free_count() * KIB_PER_PAGE;

	(void)arg;
	text_printf(t, "MemTotal:       %8lu kB\n", page_total() * KIB_PER_PAGE);
	text_printf(t, "MemFree:        %8lu kB\n", free);
	text_printf(t, "MemAvailable:   %8lu kB\n", free);
	text_printf(t, "Buffers:        %8u kB\nCached:         %8u kB\n", 0, 0);
	text_printf(t, "SwapTotal:      %8u kB\nSwapFree:       %8u kB\n", 0, 0);
	text_printf(t, "Slab:           %8lu kB\n", slab_pages() * KIB_PER_PAGE);
	text_printf(t, "SReclaimable:   %8u kB\n", 0);
	text_printf(t, "Hugepagesize:   %8u kB\n", (unsigned)(BLOCK_SIZE / 1024));
}

static uint64_t idle_total(void)
{
	struct run_stats stats;
	uint64_t ns = 0;

	for (unsigned cpu = 0; cpu < cpu_count(); cpu++) {
		run_stats(cpu, &stats);
		ns += stats.idle_ns;
	}
	return ns;
}

/* Seconds with two decimals. */
static void put_seconds(struct text *t, uint64_t ns, const char *end)
{
	text_printf(t, "%lu.%02lu%s", ns / SECOND_NS, ns % SECOND_NS / TICK_NS, end);
}

static void show_uptime(struct text *t, void *arg)
{
	(void)arg;
	put_seconds(t, timer_now(), " ");
	put_seconds(t, idle_total(), "\n");
}

static unsigned count_processes(unsigned *last_pid)
{
	struct process *p;
	unsigned n = 0;
	int pid = 0;

	while ((p = process_next(pid))) {
		pid = p->pid;
		n++;
		process_put(p);
	}
	*last_pid = (unsigned)pid;
	return n;
}

/* No averages are kept: the three say what wants to run now. */
static void show_loadavg(struct text *t, void *arg)
{
	unsigned last, all = count_processes(&last), runnable = 0;
	struct run_stats stats;

	(void)arg;
	for (unsigned cpu = 0; cpu < cpu_count(); cpu++) {
		run_stats(cpu, &stats);
		runnable += stats.runnable;
	}
	text_printf(t, "%u.00 %u.00 %u.00 %u/%u %u\n", runnable, runnable, runnable, runnable, all,
		    last);
}

static void show_stat_cpu(struct text *t, unsigned cpu, uint64_t *switches)
{
	struct run_stats stats;
	uint64_t now = timer_now();

	run_stats(cpu, &stats);
	*switches += stats.switches;
	/* user and system time are not told apart */
	text_printf(t, "cpu%u %lu 0 0 %lu 0 0 0 0 0 0\n", cpu,
		    (now > stats.idle_ns ? now - stats.idle_ns : 0) / TICK_NS,
		    stats.idle_ns / TICK_NS);
}

static void show_stat(struct text *t, void *arg)
{
	uint64_t idle = idle_total(), all = timer_now() * cpu_count(), switches = 0;
	unsigned last;

	(void)arg;
	text_printf(t, "cpu  %lu 0 0 %lu 0 0 0 0 0 0\n", (all > idle ? all - idle : 0) / TICK_NS,
		    idle / TICK_NS);
	for (unsigned cpu = 0; cpu < cpu_count(); cpu++)
		if (cpu_is_online(cpu))
			show_stat_cpu(t, cpu, &switches);
	count_processes(&last);
	text_printf(t, "ctxt %lu\nbtime %lu\nprocesses %u\n", switches,
		    (clock_realtime() - timer_now()) / SECOND_NS, last);
}

/* The names of HWCAP's and HWCAP2's bits (<asm/hwcap.h>), in their order. */
static const char features[] =
	"fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm jscvt fcma "
	"lrcpc "
	"dcpop sha3 sm3 sm4 asimddp sha512 sve asimdfhm dit uscat ilrcpc flagm ssbs sb paca pacg";
static const char features2[] = "dcpodp sve2 sveaes svepmull svebitperm svesha3 svesm4 flagm2 "
				"frint svei8mm svef32mm svef64mm "
				"svebf16 i8mm bf16 dgh rng bti mte";

static void put_features(struct text *t, const char *names, uint64_t bits)
{
	for (; *names; bits >>= 1) {
		size_t n = 0;

		while (names[n] && names[n] != ' ')
			n++;
		if (bits & 1)
			text_printf(t, " %.*s", (int)n, names);
		names += n + (names[n] == ' ');
	}
}

static void show_cpuinfo(struct text *t, void *arg)
{
	uint64_t midr;

	(void)arg;
	__asm__("mrs %0, midr_el1" : "=r"(midr));
	for (unsigned cpu = 0; cpu < cpu_count(); cpu++) {
		if (!cpu_is_online(cpu))
			continue;
		text_printf(t, "processor\t: %u\n", cpu);
		text_printf(t, "BogoMIPS\t: %lu.%02lu\n", timer_frequency() / 500000,
			    timer_frequency() / 5000 % 100);
		text_printf(t, "Features\t:");
		put_features(t, features, elf_hwcap() | sve_hwcap());
		put_features(t, features2, sve_hwcap2());
		text_printf(t, "\n");
		text_printf(t, "CPU implementer\t: 0x%02lx\n", field_get(BITS(31, 24), midr));
		text_printf(t, "CPU architecture: 8\n");
		text_printf(t, "CPU variant\t: 0x%lx\n", field_get(BITS(23, 20), midr));
		text_printf(t, "CPU part\t: 0x%03lx\n", field_get(BITS(15, 4), midr));
		text_printf(t, "CPU revision\t: %lu\n\n", field_get(BITS(3, 0), midr));
	}
}

static void show_interrupts(struct text *t, void *arg)
{
	(void)arg;
	text_printf(t, "     ");
	for (unsigned cpu = 0; cpu < cpu_count(); cpu++)
		text_printf(t, "       CPU%-2u", cpu);
	text_printf(t, "\n");
	for (unsigned intid = 0; intid < INTIDS; intid++) {
		uint64_t sum = 0;

		for (unsigned cpu = 0; cpu < cpu_count(); cpu++)
			sum += irq_counts(intid, cpu);
		if (!sum)
			continue;
		text_printf(t, "%4u:", intid);
		for (unsigned cpu = 0; cpu < cpu_count(); cpu++)
			text_printf(t, " %11lu", irq_counts(intid, cpu));
		text_printf(t, "  GICv3\n");
	}
}

void proc_show_mounts(struct text *t, void *arg)
{
	(void)arg;
	text_printf(t, "rootfs / rootfs rw 0 0\ndevtmpfs /dev devtmpfs rw 0 0\n"
		       "proc /proc proc rw 0 0\nsysfs /sys sysfs rw 0 0\n");
}

static void show_version(struct text *t, void *arg)
{
	struct new_utsname n;

	(void)arg;
	uname_get(&n);
	text_printf(t, "%s version %s %s\n", n.sysname, n.release, n.version);
}

static void show_osrelease(struct text *t, void *arg)
{
	struct new_utsname n;

	(void)arg;
	uname_get(&n);
	text_printf(t, "%s\n", n.release);
}

static void show_hostname(struct text *t, void *arg)
{
	struct new_utsname n;

	(void)arg;
	uname_get(&n);
	text_printf(t, "%s\n", n.nodename);
}

static void show_text(struct text *t, void *text)
{
	text_printf(t, "%s", (const char *)text);
}

/* "0-1,3\n" */
static void put_cpu_list(struct text *t, uint64_t cpus)
{
	const char *before = "";

	while (cpus) {
		unsigned first = (unsigned)__builtin_ctzll(cpus);
		unsigned after = first + (unsigned)__builtin_ctzll(~(cpus >> first));

		text_printf(t, after > first + 1 ? "%s%u-%u" : "%s%u", before, first, after - 1);
		before = ",";
		cpus &= ~0ull << after;
	}
	text_printf(t, "\n");
}

static void show_possible(struct text *t, void *arg)
{
	(void)arg;
	put_cpu_list(t, BIT(cpu_count()) - 1);
}

static void show_online(struct text *t, void *arg)
{
	(void)arg;
	put_cpu_list(t, cpu_online_mask());
}

static void show_offline(struct text *t, void *arg)
{
	(void)arg;
	put_cpu_list(t, (BIT(cpu_count()) - 1) & ~cpu_online_mask());
}

static const struct {
	const char *path;
	void (*show)(struct text *t, void *arg);
	const char *text; /* of show_text() */
} files[] = {
	{ "/proc/meminfo", show_meminfo, NULL },
	{ "/proc/uptime", show_uptime, NULL },
	{ "/proc/loadavg", show_loadavg, NULL },
	{ "/proc/stat", show_stat, NULL },
	{ "/proc/cpuinfo", show_cpuinfo, NULL },
	{ "/proc/interrupts", show_interrupts, NULL },
	{ "/proc/version", show_version, NULL },
	{ "/proc/filesystems", show_text,
	  "nodev\tproc\nnodev\tsysfs\nnodev\tdevtmpfs\nnodev\ttmpfs\n" },
	{ "/proc/sys/kernel/osrelease", show_osrelease, NULL },
	{ "/proc/sys/kernel/hostname", show_hostname, NULL },
	{ "/proc/sys/kernel/ostype", show_text, "Linux\n" },
	{ "/proc/sys/kernel/pid_max", show_text, "4194304\n" },
	{ "/proc/sys/fs/nr_open", show_text, "65536\n" },
	{ "/proc/modules", show_text, "" },
	{ "/proc/sys/vm/max_map_count", show_text, "65530\n" },
	{ "/proc/sys/vm/overcommit_memory", show_text, "1\n" },
	{ "/sys/devices/system/cpu/online", show_online, NULL },
	{ "/sys/devices/system/cpu/possible", show_possible, NULL },
	{ "/sys/devices/system/cpu/present", show_possible, NULL },
	{ "/sys/devices/system/cpu/offline", show_offline, NULL },
};

void proc_system_init(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		check(!pseudo_register(files[i].path, files[i].show, (void *)files[i].text));
	check(!pseudo_link("/proc/mounts", "self/mounts"));
}
