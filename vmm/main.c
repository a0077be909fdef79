/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `stet`, the user's program: reads the command line and does what it asks. `stet run` is a virtual
 * machine monitor over the KVM API; it needs nothing but /dev/kvm and the files it is given, and
 * runs on Stet and on Linux alike. See docs/man/stet.1.
 *
 * Exit status: 0 when the guest switched itself off, 1 for a mistake in the command line, a host
 * or file that cannot be used, or a guest that cannot go on, 2 when the guest reset itself under
 * --no-reboot, 3 when the user ended it with the escape key or `stet stop`.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control.h"
#include "info.h"
#include "machine.h"
#include "report.h"
#include "stat.h"

#define VERSION "0.1"

#define MEMORY_LEAST   (16ull << 20)
#define MEMORY_ALIGN   (2ull << 20)
#define MEMORY_DEFAULT (512ull << 20)
#define MEMORY_MOST    (1ull << 42) /* KVM takes less than 2^31 pages a slot */

static const char help_text[] =
	"usage: stet run --kernel IMAGE [option]...   run a Linux guest\n"
	"       stet list                             the guests that run on this host\n"
	"       stet stop NAME                        end one of them\n"
	"       stet top [--interval S]               what they do, live; on a Stet host\n"
	"       stet stat [GUEST] [--interval S] [--count N] [--vcpu N]\n"
	"       stet stat run ...                     the same as tables; at the end\n"
	"       stet info                             what this host's KVM offers\n"
	"       stet version\n"
	"\n"
	"  --kernel FILE       arm64 Linux Image\n"
	"  --initrd FILE       initramfs\n"
	"  --cmdline STRING    added to the kernel's command line; may be repeated\n"
	"  --memory SIZE       in MiB, or with a suffix M or G (512M)\n"
	"  --cpus N            vCPUs (1)\n"
	"  --disk FILE[,ro]    a disk, the first one is /dev/vda; may be repeated\n"
	"  --console WHICH     where the keyboard goes: serial (ttyAMA0) or virtio (hvc0)\n"
	"  --name NAME         the guest's host name, and its name for list and stop\n"
	"  --no-reboot         end when the guest resets itself, with status 2\n"
	"  --stats             print a table of exits at the end\n"
	"  --sve               vCPUs with SVE, at every vector length of the host\n"
	"\n"
	"While the guest runs, Ctrl-A x ends it and Ctrl-A h shows help.\n";

/* A decimal number at the start of `text`; *end is what follows it. */
static unsigned long long parse_number(const char *option, const char *text, char **end)
{
	unsigned long long value;

	errno = 0;
	value = strtoull(text, end, 10);
	if (*end == text || *text < '0' || *text > '9' || errno)
		die("--%s %s: a number is needed", option, text);
	return value;
}

static uint64_t parse_memory(const char *text)
{
	char *end;
	uint64_t mib = parse_number("memory", text, &end);

	if (mib > MEMORY_MOST >> 20)
		die("--memory %s is too much", text);
	if (*end == 'G' || *end == 'g')
		mib <<= 10;
	if (*end && strcmp(end, "M") && strcmp(end, "m") && strcmp(end, "G") && strcmp(end, "g"))
		die("--memory %s: the suffix must be M or G", text);
	if (mib > MEMORY_MOST >> 20)
		die("--memory %s is too much", text);
	if (mib << 20 < MEMORY_LEAST || (mib << 20) % MEMORY_ALIGN)
		die("--memory %s: an even number of MiB, at least %llu, is needed", text,
		    MEMORY_LEAST >> 20);
	return mib << 20;
}

static unsigned parse_cpus(const char *text)
{
	char *end;
	unsigned long long count = parse_number("cpus", text, &end);

	if (*end || !count || count > VCPUS_MAX)
		die("--cpus %s: 1 to %d vCPUs", text, VCPUS_MAX);
	return (unsigned)count;
}

static void parse_disk(struct machine_config *config, char *text)
{
	struct disk *disk = &config->disks[config->disk_count];
	size_t length = strlen(text);

	if (config->disk_count == DISKS_MAX)
		die("more than %d disks", DISKS_MAX);
	config->disk_count++;
	if (length > 3 && !strcmp(text + length - 3, ",ro")) {
		text[length - 3] = '\0';
		disk->read_only = true;
	}
	disk->path = text;
}

static void parse_console(struct machine_config *config, const char *text)
{
	config->virtio_console = !strcmp(text, "virtio");
	if (!config->virtio_console && strcmp(text, "serial"))
		die("--console %s: serial or virtio", text);
}

/* It becomes part of the kernel's command line and of the device tree. */
static const char *parse_name(const char *text)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";

	if (!*text || strlen(text) > 63 || text[strspn(text, allowed)])
		die("--name %s: up to 63 letters, digits, dots and hyphens", text);
	return text;
}

enum option_key {
	OPTION_KERNEL = 256,
	OPTION_INITRD,
	OPTION_CMDLINE,
	OPTION_MEMORY,
	OPTION_CPUS,
	OPTION_DISK,
	OPTION_CONSOLE,
	OPTION_NAME,
	OPTION_NO_REBOOT,
	OPTION_STATS,
	OPTION_SVE,
	OPTION_HELP,
};

static const struct option options[] = {
	{ "kernel", required_argument, NULL, OPTION_KERNEL },
	{ "initrd", required_argument, NULL, OPTION_INITRD },
	{ "cmdline", required_argument, NULL, OPTION_CMDLINE },
	{ "memory", required_argument, NULL, OPTION_MEMORY },
	{ "cpus", required_argument, NULL, OPTION_CPUS },
	{ "disk", required_argument, NULL, OPTION_DISK },
	{ "console", required_argument, NULL, OPTION_CONSOLE },
	{ "name", required_argument, NULL, OPTION_NAME },
	{ "no-reboot", no_argument, NULL, OPTION_NO_REBOOT },
	{ "stats", no_argument, NULL, OPTION_STATS },
	{ "sve", no_argument, NULL, OPTION_SVE },
	{ "help", no_argument, NULL, OPTION_HELP },
	{ 0 },
};

static _Noreturn void print_help(void)
{
	fputs(help_text, stdout);
	exit(0);
}

/* Both strings with a space between them; `before` may be NULL. */
static const char *joined(const char *before, const char *more)
{
	char *all;

	if (!before)
		return more;
	if (asprintf(&all, "%s %s", before, more) < 0)
		die("no memory");
	return all;
}

static void apply_option(struct machine_config *config, int key)
{
	switch ((enum option_key)key) {
	case OPTION_KERNEL:
		config->kernel.path = optarg;
		break;
	case OPTION_INITRD:
		config->initrd.path = optarg;
		break;
	case OPTION_CMDLINE:
		config->command_line = joined(config->command_line, optarg);
		break;
	case OPTION_MEMORY:
		config->vm.memory = parse_memory(optarg);
		break;
	case OPTION_CPUS:
		config->vm.vcpus = parse_cpus(optarg);
		break;
	case OPTION_DISK:
		parse_disk(config, optarg);
		break;
	case OPTION_CONSOLE:
		parse_console(config, optarg);
		break;
	case OPTION_NAME:
		config->name = parse_name(optarg);
		break;
	case OPTION_NO_REBOOT:
		config->reboot = false;
		break;
	case OPTION_STATS:
		config->stats = true;
		break;
	case OPTION_SVE:
		config->vm.sve = true;
		break;
	case OPTION_HELP:
		print_help();
	}
}

static void parse_run(struct machine_config *config, int argc, char **argv)
{
	int key;

	opterr = 0;
	while ((key = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		if (key == ':')
			die("%s needs an argument; see stet --help", argv[optind - 1]);
		if (key == '?')
			die("unknown option %s; see stet --help", argv[optind - 1]);
		apply_option(config, key);
	}
	if (optind < argc)
		die("%s is not expected here; see stet --help", argv[optind]);
	if (!config->kernel.path)
		die("--kernel is needed; see stet --help");
}

static int run(int argc, char **argv, bool watch)
{
	static struct machine_config config = {
		.reboot = true,
		.vm = { .memory = MEMORY_DEFAULT, .vcpus = 1 },
	};

	config.watch = watch;
	parse_run(&config, argc, argv);
	switch (machine_run(&config)) {
	case VM_POWEROFF:
		return 0;
	case VM_RESET:
		return 2;
	case VM_QUIT:
		report("guest ended by the escape key");
		return 3;
	case VM_STOPPED:
		report("guest ended by stet stop");
		return 3;
	case VM_CRASH:
		report("the guest crashed");
		return 1;
	default:
		return 1;
	}
}

/* stat [--] run ...: a guest of its own. */
static int stat_or_run(int argc, char **argv)
{
	int at = argc > 1 && !strcmp(argv[1], "--") ? 2 : 1;

	if (argc <= at || strcmp(argv[at], "run"))
		return stat_command(argc, argv);
	watched_need_stet();
	return run(argc - at, argv + at, true);
}

int main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";

	if (!strcmp(command, "run"))
		return run(argc - 1, argv + 1, false);
	if (!strcmp(command, "top"))
		return top_command(argc - 1, argv + 1);
	if (!strcmp(command, "stat"))
		return stat_or_run(argc - 1, argv + 1);
	if (!strcmp(command, "stop")) {
		if (argc != 3)
			die("stop takes the name of one guest; see stet --help");
		control_stop(argv[2]);
		return 0;
	}
	if (argc > 2 &&
	    (!strcmp(command, "info") || !strcmp(command, "version") || !strcmp(command, "list")))
		die("%s takes no arguments; see stet --help", command);
	if (!strcmp(command, "info")) {
		info_print();
		return 0;
	}
	if (!strcmp(command, "list")) {
		control_list();
		return 0;
	}
	if (!strcmp(command, "version")) {
		puts("stet " VERSION);
		return 0;
	}
	if (!strcmp(command, "--help") || !strcmp(command, "help"))
		print_help();
	if (*command)
		die("unknown command %s; see stet --help", command);
	die("a command is needed; see stet --help");
}
