/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names: making, finding, linking, renaming and removing files and directories, and reading
 * directories. Works in a directory of its own under the scratch directory, as root.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "tests/lib/abi.h"

struct linux_dirent64 {
	uint64_t d_ino;
	int64_t d_off;
	unsigned short d_reclen;
	unsigned char d_type;
	char d_name[];
};

static int root = -1; /* the directory all tests work in */

static long make(const char *name)
{
	long fd = sys(__NR_openat, root, name, O_RDWR | O_CREAT | O_EXCL, 0644);

	if (fd >= 0)
		close((int)fd);
	return fd < 0 ? fd : 0;
}

static long drop(const char *name)
{
	return sys(__NR_unlinkat, root, name, 0);
}

static long stat_of(const char *name, struct stat *st)
{
	return sys(__NR_newfstatat, root, name, st, AT_SYMLINK_NOFOLLOW);
}

TEST(a_directory_to_work_in)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s", scratch("path"));
	expect_eq(sys(__NR_mkdirat, AT_FDCWD, path, 0755), 0);
	root = (int)sys(__NR_openat, AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0);
	expect(root >= 0);
}

TEST(create_and_exclusive)
{
	struct stat st;

	expect_eq(stat_of("a", &st), -ENOENT);
	expect_eq(sys(__NR_openat, root, "a", O_RDONLY, 0), -ENOENT);
	expect_eq(make("a"), 0);
	expect_eq(make("a"), -EEXIST);
	expect_eq(stat_of("a", &st), 0);
	expect_eq(st.st_mode, S_IFREG | 0644);
	expect_eq(drop("a"), 0);
	expect_eq(drop("a"), -ENOENT);
}

TEST(umask_is_taken_away)
{
	struct stat st;
	mode_t before = (mode_t)sys(__NR_umask, 077);

	expect_eq(make("a"), 0);
	expect_eq(sys(__NR_umask, before), 077);
	stat_of("a", &st);
	expect_eq(st.st_mode & 0777, 0600);
	drop("a");
}

TEST(names_that_do_not_lead_anywhere)
{
	static char name[5000];

	expect_eq(make("f"), 0);
	expect_eq(sys(__NR_openat, root, "", O_RDONLY, 0), -ENOENT);
	expect_eq(sys(__NR_openat, root, "f/x", O_RDONLY, 0), -ENOTDIR);
	expect_eq(sys(__NR_openat, root, "f/", O_RDONLY, 0), -ENOTDIR);
	expect_eq(sys(__NR_openat, root, "none/x", O_RDONLY | O_CREAT, 0600), -ENOENT);
	expect_eq(sys(__NR_openat, root, "f", O_RDONLY | O_DIRECTORY, 0), -ENOTDIR);
	expect_eq(sys(__NR_openat, -1, "f", O_RDONLY, 0), -EBADF);
	expect_eq(sys(__NR_openat, root, ".", O_RDWR, 0), -EISDIR);
	expect_eq(sys(__NR_openat, root, 8, O_RDONLY, 0), -EFAULT);
	memset(name, 'n', 256);
	expect_eq(sys(__NR_openat, root, name, O_RDONLY | O_CREAT, 0600), -ENAMETOOLONG);
	memset(name, '/', 4999);
	expect_eq(sys(__NR_openat, root, name, O_RDONLY, 0), -ENAMETOOLONG);
	memset(name, 'n', 255);
	name[255] = 0;
	expect_eq(make(name), 0);
	expect_eq(drop(name), 0);
	drop("f");
}

TEST(dots_and_slashes)
{
	struct stat a, b;

	expect_eq(sys(__NR_mkdirat, root, "d", 0755), 0);
	expect_eq(make("d/f"), 0);
	expect_eq(stat_of("d/f", &a), 0);
	expect_eq(stat_of("./d//./../d/f", &b), 0);
	expect_eq(a.st_ino, b.st_ino);
	expect_eq(stat_of("/../..", &a), 0);
	expect_eq(stat_of("/", &b), 0);
	expect_eq(a.st_ino, b.st_ino);
	expect_eq(stat_of("d/f/..", &a), -ENOTDIR);
	drop("d/f");
	expect_eq(sys(__NR_unlinkat, root, "d", AT_REMOVEDIR), 0);
}

TEST(directories_are_made_and_removed)
{
	struct stat st;

	expect_eq(sys(__NR_mkdirat, root, "d", 0700), 0);
	expect_eq(sys(__NR_mkdirat, root, "d", 0700), -EEXIST);
	expect_eq(sys(__NR_mkdirat, root, "d/e/", 0700), 0);
	expect_eq(sys(__NR_mkdirat, root, "x/y", 0700), -ENOENT);
	expect_eq(stat_of("d", &st), 0);
	expect_eq(st.st_mode, S_IFDIR | 0700);
	expect_eq(st.st_nlink, 3);
	expect_eq(drop("d"), -EISDIR);
	expect_eq(sys(__NR_unlinkat, root, "d", AT_REMOVEDIR), -ENOTEMPTY);
	expect_eq(sys(__NR_unlinkat, root, "d", 1), -EINVAL);
	expect_eq(sys(__NR_unlinkat, root, "d/e", AT_REMOVEDIR), 0);
	expect_eq(sys(__NR_unlinkat, root, "d", AT_REMOVEDIR), 0);
	expect_eq(make("f"), 0);
	expect_eq(sys(__NR_unlinkat, root, "f", AT_REMOVEDIR), -ENOTDIR);
	drop("f");
}

TEST(a_removed_open_file_lives_on)
{
	int fd = (int)sys(__NR_openat, root, "f", O_RDWR | O_CREAT, 0644);
	char got[4] = { 0 };
	struct stat st;

	sys(__NR_write, fd, "abc", 3);
	expect_eq(drop("f"), 0);
	expect_eq(sys(__NR_openat, root, "f", O_RDONLY, 0), -ENOENT);
	expect_eq(sys(__NR_pread64, fd, got, 4, 0), 3);
	sys(__NR_fstat, fd, &st);
	expect_eq(st.st_nlink, 0);
	close(fd);
}

TEST(links_share_the_file)
{
	struct stat a, b;

	expect_eq(make("a"), 0);
	expect_eq(sys(__NR_linkat, root, "a", root, "b", 0), 0);
	expect_eq(sys(__NR_linkat, root, "a", root, "b", 0), -EEXIST);
	expect_eq(sys(__NR_linkat, root, "none", root, "c", 0), -ENOENT);
	stat_of("a", &a);
	stat_of("b", &b);
	expect_eq(a.st_ino, b.st_ino);
	expect_eq(b.st_nlink, 2);
	drop("a");
	stat_of("b", &b);
	expect_eq(b.st_nlink, 1);
	drop("b");
	sys(__NR_mkdirat, root, "d", 0755);
	expect_eq(sys(__NR_linkat, root, "d", root, "e", 0), -EPERM);
	sys(__NR_unlinkat, root, "d", AT_REMOVEDIR);
}

TEST(symlinks_are_followed_and_read)
{
	char got[16];
	struct stat st;

	expect_eq(make("a"), 0);
	expect_eq(sys(__NR_symlinkat, "a", root, "s"), 0);
	expect_eq(sys(__NR_symlinkat, "a", root, "s"), -EEXIST);
	expect_eq(sys(__NR_symlinkat, "", root, "t"), -ENOENT);
	memset(got, 'x', sizeof(got));
	expect_eq(sys(__NR_readlinkat, root, "s", got, sizeof(got)), 1);
	expect(got[0] == 'a' && got[1] == 'x');
	expect_eq(sys(__NR_readlinkat, root, "a", got, sizeof(got)), -EINVAL);
	expect_eq(sys(__NR_readlinkat, root, "s", got, 0), -EINVAL);
	expect_eq(stat_of("s", &st), 0);
	expect(S_ISLNK(st.st_mode) && st.st_size == 1);
	expect_eq(sys(__NR_newfstatat, root, "s", &st, 0), 0);
	expect(S_ISREG(st.st_mode));
	expect_eq(sys(__NR_openat, root, "s", O_RDONLY | O_NOFOLLOW, 0), -ELOOP);
	drop("a");
	expect_eq(sys(__NR_openat, root, "s", O_RDONLY, 0), -ENOENT);
	expect_eq(sys(__NR_openat, root, "s", O_RDWR | O_CREAT | O_EXCL, 0600), -EEXIST);
	drop("s");
}

TEST(symlinks_in_the_middle_and_in_a_loop)
{
	struct stat st;

	sys(__NR_mkdirat, root, "d", 0755);
	expect_eq(make("d/f"), 0);
	expect_eq(sys(__NR_symlinkat, "../d/./", root, "d/up"), 0);
	expect_eq(stat_of("d/up/up/up/f", &st), 0);
	expect_eq(sys(__NR_symlinkat, "l2", root, "l1"), 0);
	expect_eq(sys(__NR_symlinkat, "l1", root, "l2"), 0);
	expect_eq(sys(__NR_openat, root, "l1", O_RDONLY, 0), -ELOOP);
	expect_eq(sys(__NR_openat, root, "l1/x", O_RDONLY, 0), -ELOOP);
	drop("l1");
	drop("l2");
	drop("d/up");
	drop("d/f");
	sys(__NR_unlinkat, root, "d", AT_REMOVEDIR);
}

TEST(rename_moves_and_replaces)
{
	struct stat a, st;

	expect_eq(make("a"), 0);
	expect_eq(make("b"), 0);
	sys(__NR_mkdirat, root, "d", 0755);
	stat_of("a", &a);
	expect_eq(sys(__NR_renameat2, root, "a", root, "d/c", 0), 0);
	expect_eq(stat_of("a", &st), -ENOENT);
	expect_eq(stat_of("d/c", &st), 0);
	expect_eq(st.st_ino, a.st_ino);
	expect_eq(sys(__NR_renameat2, root, "d/c", root, "b", 1), -EEXIST);
	expect_eq(sys(__NR_renameat2, root, "d/c", root, "b", 0), 0);
	stat_of("b", &st);
	expect_eq(st.st_ino, a.st_ino);
	expect_eq(sys(__NR_renameat, root, "none", root, "b"), -ENOENT);
	expect_eq(sys(__NR_renameat, root, "b", root, "d"), -EISDIR);
	expect_eq(sys(__NR_renameat, root, "d", root, "b"), -ENOTDIR);
	expect_eq(sys(__NR_renameat, root, "d", root, "d/e"), -EINVAL);
	expect_eq(sys(__NR_renameat, root, "b", root, "b"), 0);
	sys(__NR_mkdirat, root, "full", 0755);
	make("full/x");
	expect_eq(sys(__NR_renameat, root, "d", root, "full"), -ENOTEMPTY);
	expect_eq(sys(__NR_renameat, root, "full", root, "d"), 0);
	expect_eq(stat_of("d/x", &st), 0);
	drop("d/x");
	drop("b");
	sys(__NR_unlinkat, root, "d", AT_REMOVEDIR);
}

/* Count the entries of root named n0..n(count-1) once each through a buffer of that size. */
static int entries_seen(size_t buffer_size, int count, bool dots[2])
{
	static char buffer[4096];
	static char seen[256];
	int distinct = 0;
	long n;

	memset(seen, 0, sizeof(seen));
	dots[0] = dots[1] = false;
	sys(__NR_lseek, root, 0, SEEK_SET);
	while ((n = sys(__NR_getdents64, root, buffer, buffer_size)) > 0) {
		for (long at = 0; at < n;) {
			struct linux_dirent64 *d = (void *)(buffer + at);
			int i;

			if (sscanf(d->d_name, "n%d", &i) == 1 && i < count)
				distinct += !seen[i]++;
			dots[0] |= !strcmp(d->d_name, ".") && d->d_type == DT_DIR;
			dots[1] |= !strcmp(d->d_name, "..") && d->d_type == DT_DIR;
			at += d->d_reclen;
		}
	}
	if (n < 0)
		tap_print("# getdents64 gave %ld\n", n);
	for (int i = 0; i < count; i++)
		distinct -= seen[i] > 1;
	return distinct;
}

TEST(directories_are_read_whole_in_small_pieces)
{
	char name[16];
	bool dots[2];

	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		make(name);
	}
	expect_eq(entries_seen(4096, 100, dots), 100);
	expect(dots[0] && dots[1]);
	expect_eq(entries_seen(64, 100, dots), 100);
	expect(dots[0] && dots[1]);
	sys(__NR_lseek, root, 0, SEEK_SET);
	expect_eq(sys(__NR_getdents64, root, name, 10), -EINVAL);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		expect_eq(drop(name), 0);
	}
	expect_eq(entries_seen(4096, 100, dots), 0);
}

TEST(files_are_not_directories_to_read)
{
	char c[64];
	int fd;

	make("f");
	fd = (int)sys(__NR_openat, root, "f", O_RDONLY, 0);
	expect_eq(sys(__NR_getdents64, fd, c, 64), -ENOTDIR);
	expect_eq(sys(__NR_read, root, c, 64), -EISDIR);
	close(fd);
	drop("f");
}

TEST(access_tells_existence)
{
	make("f");
	expect_eq(sys(__NR_faccessat, root, "f", F_OK), 0);
	expect_eq(sys(__NR_faccessat, root, "f", R_OK | W_OK), 0);
	expect_eq(sys(__NR_faccessat, root, "none", F_OK), -ENOENT);
	expect_eq(sys(__NR_faccessat, root, "f", 0x100), -EINVAL);
	drop("f");
}

TEST(the_working_directory_is_where_relative_names_begin)
{
	char before[PATH_MAX], now[PATH_MAX];
	struct stat a, b;
	long n = sys(__NR_getcwd, before, sizeof(before));

	expect(n > 0 && before[0] == '/' && (size_t)n == strlen(before) + 1);
	expect_eq(sys(__NR_fchdir, root), 0);
	expect(sys(__NR_getcwd, now, sizeof(now)) > 0);
	expect_eq(strcmp(now, scratch("path")), 0);
	expect_eq(sys(__NR_getcwd, now, 3), -ERANGE);
	expect_eq(sys(__NR_newfstatat, AT_FDCWD, ".", &a, 0), 0);
	expect_eq(sys(__NR_fstat, root, &b), 0);
	expect_eq(a.st_ino, b.st_ino);
	expect_eq(sys(__NR_chdir, "none"), -ENOENT);
	expect_eq(sys(__NR_chdir, before), 0);
}

TEST(mode_can_be_changed)
{
	struct stat st;

	make("f");
	expect_eq(sys(__NR_fchmodat, root, "f", 0640), 0);
	stat_of("f", &st);
	expect_eq(st.st_mode, S_IFREG | 0640);
	drop("f");
}

TEST(the_directory_is_removed_again)
{
	close(root);
	expect_eq(sys(__NR_unlinkat, AT_FDCWD, scratch("path"), AT_REMOVEDIR), 0);
	expect_eq(sys(__NR_unlinkat, AT_FDCWD, "/", AT_REMOVEDIR), -EBUSY);
}
