/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first program of a Linux machine started by tools/stet-qemu --kernel linux. It does what a
 * Stet kernel does of itself: mounts the usual file systems, loads the modules that lie in
 * /.stet/modules, sets the console so that output passes unchanged, says so by a tagged line (input
 * sent before would be echoed), runs the program named in /.stet/args, reports its exit status by
 * another tagged line and powers off.
 *
 * /.stet/args holds strings, each ended by a NUL: the tag, "raw" or "cooked" for the console, then
 * the program and its arguments.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define ARGS_SIZE 65536
#define ARGS_MAX  1024
#define CONSOLE	  "/dev/ttyAMA0"

static char text[ARGS_SIZE];
static char *args[ARGS_MAX + 1];

/* Something is missing without which no program runs: say so and stop without a status. */
static void fail(const char *what)
{
	dprintf(2, "linux_init: %s: %s\n", what, strerror(errno));
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

static void mount_all(void)
{
	static const struct {
		const char *type, *where;
	} mounts[] = {
		{ "devtmpfs", "/dev" }, { "proc", "/proc" },	     { "sysfs", "/sys" },
		{ "tmpfs", "/tmp" },	{ "devpts", "/dev/pts" },
	};

	for (size_t k = 0; k < sizeof(mounts) / sizeof(mounts[0]); k++) {
		mkdir(mounts[k].where, 0755);
		if (mount(mounts[k].type, mounts[k].where, mounts[k].type, 0, NULL) && errno != EBUSY)
			fail(mounts[k].where);
	}
	chmod("/tmp", 01777);
}

/* Their names begin with a digit that gives the order. */
static void load_modules(void)
{
	char path[64];

	for (char digit = '0'; digit <= '9'; digit++) {
		snprintf(path, sizeof(path), "/.stet/modules/%c.ko", digit);
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return;
		if (syscall(SYS_finit_module, fd, "", 0))
			fail(path);
		close(fd);
	}
}

static void read_args(void)
{
	int fd = open("/.stet/args", O_RDONLY | O_CLOEXEC);
	ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	int count = 0;

	if (size <= 0)
		fail("/.stet/args");
	close(fd);
	for (char *p = text; p < text + size && count < ARGS_MAX; p += strlen(p) + 1)
		args[count++] = p;
	if (count < 3) {
		errno = EINVAL;
		fail("/.stet/args");
	}
}

/* The console becomes 0, 1 and 2, and for the calling session leader the controlling terminal. */
static void open_console(int controlling)
{
	int fd = open(CONSOLE, O_RDWR | O_NOCTTY);

	if (fd < 0)
		fail(CONSOLE);
	if (controlling && ioctl(fd, TIOCSCTTY, 1))
		fail("TIOCSCTTY");
	for (int k = 0; k < 3; k++)
		dup2(fd, k);
	if (fd > 2)
		close(fd);
}

static void console_raw(void)
{
	struct termios tio;

	if (tcgetattr(1, &tio))
		fail("tcgetattr");
	cfmakeraw(&tio);
	tcsetattr(1, TCSANOW, &tio);
}

static void run_program(void)
{
	static char *env[] = { "HOME=/", "TERM=linux", "PATH=/bin:/sbin:/usr/bin:/usr/sbin", NULL };

	setsid();
	open_console(1);
	execve(args[2], args + 2, env);
	dprintf(2, "linux_init: %s: %s\n", args[2], strerror(errno));
	_exit(127);
}

/* The exit status of program, 128 + signal if it was killed; reaps whoever else ends. */
static int wait_for(pid_t program)
{
	int status;
	pid_t pid;

	while ((pid = wait(&status)) != program)
		if (pid < 0 && errno != EINTR)
			fail("wait");
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int main(void)
{
	mount_all();
	open_console(0);
	load_modules();
	read_args();
	if (!strcmp(args[1], "raw"))
		console_raw();
	dprintf(1, "\002%s:ready\n", args[0]);

	pid_t program = fork();
	if (program < 0)
		fail("fork");
	if (program == 0)
		run_program();
	int status = wait_for(program);

	/* the end of the session leader hung the console up for those who had it open */
	open_console(0);
	console_raw();
	dprintf(1, "\002%s:exit %d\n", args[0], status);
	tcdrain(1);
	sync();
	reboot(RB_POWER_OFF);
	fail("power off");
}
