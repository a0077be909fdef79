/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * chroot(2): paths begin in the directory, ".." does not lead out of it, the working directory is named
 * from there; children inherit it.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/lib/abi.h"

static char root[128], below[160];

static void make_root(void)
{
	strcpy(root, scratch("root"));
	strcpy(below, root);
	strcat(below, "/below");
	mkdir(root, 0755);
	mkdir(below, 0755);
}

/* Runs in a child, which must end with 0; its failures are printed. */
static void in_child(void (*act)(void))
{
	int status = -1;
	pid_t pid = fork();

	if (!pid) {
		tap_failed = 0;
		act();
		_exit(tap_failed);
	}
	expect_eq(waitpid(pid, &status, 0), pid);
	expect_eq(status, 0);
}

static bool same(const char *a, const char *b)
{
	struct stat x, y;

	return !stat(a, &x) && !stat(b, &y) && x.st_ino == y.st_ino;
}

static void inner(void)
{
	expect_eq(chdir("/"), 0);
	expect_eq(access("below", F_OK), 0);
}

static void enter(void)
{
	char cwd[64];

	expect_eq(chdir(below), 0);
	expect_eq(sys(__NR_chroot, ".."), 0);
	expect(getcwd(cwd, sizeof(cwd)) && !strcmp(cwd, "/below"));
	expect(same("..", "/"));
	expect(same("../../..", "/"));
	expect(same("/../../below", "."));
	expect_eq(access("/proc/self", F_OK), -1);
	expect_eq(symlink("/below", "/link"), 0);
	expect(same("/link", "."));
	in_child(inner);
	expect_eq(unlink("/link"), 0);
	expect_eq(sys(__NR_chroot, "/below/../nosuch"), -ENOENT);
}

TEST(paths_begin_there)
{
	make_root();
	in_child(enter);
}

static void by_descriptor(void)
{
	int out = open("/", O_RDONLY | O_DIRECTORY);

	expect(out >= 0);
	expect_eq(sys(__NR_chroot, root), 0);
	expect_eq(faccessat(out, "proc", F_OK, 0), 0);
}

TEST(a_descriptor_leads_out)
{
	in_child(by_descriptor);
}

static void as_somebody(void)
{
	expect_eq(sys(__NR_setuid, 1000), 0);
	expect_eq(sys(__NR_chroot, root), -EPERM);
}

TEST(only_root_may_and_only_into_directories)
{
	int fd = open(strcat(strcpy(below, root), "/file"), O_CREAT | O_WRONLY, 0600);

	in_child(as_somebody);
	expect_eq(sys(__NR_chroot, below), -ENOTDIR);
	expect_eq(sys(__NR_chroot, 8), -EFAULT);
	close(fd);
	unlink(below);
	strcat(strcpy(below, root), "/below");
	rmdir(below);
	rmdir(root);
}
