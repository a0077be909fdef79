/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Open files: reading, writing and positions, in one piece and in many, the descriptor table and
 * its flags. Names and directories are in path.c. Linux: man 2 of each call.
 */
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include "tests/lib/abi.h"

static int fresh(void)
{
	int fd = (int)sys(__NR_openat, AT_FDCWD, scratch("file"), O_RDWR | O_CREAT | O_TRUNC, 0644);

	if (fd < 0)
		tap_print("# cannot make %s: %d\n", scratch("file"), fd);
	return fd;
}

/* The lowest free descriptor. */
static int lowest_free(void)
{
	int fd = (int)sys(__NR_openat, AT_FDCWD, "/", O_RDONLY | O_DIRECTORY, 0);

	close(fd);
	return fd;
}

TEST(what_is_written_is_read_back)
{
	int fd = fresh();
	char got[16] = { 0 };

	expect_eq(sys(__NR_write, fd, "hello world", 11), 11);
	expect_eq(sys(__NR_read, fd, got, 5), 0);
	expect_eq(sys(__NR_lseek, fd, 0, SEEK_SET), 0);
	expect_eq(sys(__NR_read, fd, got, sizeof(got)), 11);
	expect_eq(memcmp(got, "hello world", 12), 0);
	expect_eq(sys(__NR_close, fd), 0);
	fd = (int)sys(__NR_openat, AT_FDCWD, scratch("file"), O_RDONLY, 0);
	expect_eq(sys(__NR_read, fd, got, 5), 5);
	expect_eq(sys(__NR_write, fd, got, 5), -EBADF);
	expect_eq(sys(__NR_close, fd), 0);
	expect_eq(sys(__NR_close, fd), -EBADF);
}

TEST(open_takes_the_lowest_free_descriptor)
{
	int a = fresh(), b = fresh(), c = fresh();

	expect(b > a && c > b);
	close(a);
	expect_eq(lowest_free(), a);
	expect_eq(sys(__NR_dup, b), a);
	close(a);
	close(b);
	close(c);
}

TEST(bad_descriptors_are_refused)
{
	static const int calls[] = { __NR_read,	      __NR_write,     __NR_lseek,
				     __NR_fsync,      __NR_fdatasync, __NR_dup,
				     __NR_getdents64, __NR_ftruncate, __NR_fchdir };
	static const int bad[] = { -1, 1000, INT_MAX, INT_MIN };
	char c;
	struct stat st;

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		for (unsigned n = 0; n < sizeof(calls) / sizeof(calls[0]); n++)
			expect_eq(sys(calls[n], bad[i], &c, 0, 0), -EBADF);
		expect_eq(sys(__NR_pread64, bad[i], &c, 1, 0), -EBADF);
		expect_eq(sys(__NR_fcntl, bad[i], F_GETFL), -EBADF);
		expect_eq(sys(__NR_ioctl, bad[i], FIONREAD, &c), -EBADF);
		expect_eq(sys(__NR_fstat, bad[i], &st), -EBADF);
		expect_eq(sys(__NR_dup3, bad[i], 50, 0), -EBADF);
	}
}

TEST(positions_move_as_asked)
{
	int fd = fresh();

	sys(__NR_write, fd, "0123456789", 10);
	expect_eq(sys(__NR_lseek, fd, -3, SEEK_END), 7);
	expect_eq(sys(__NR_lseek, fd, 1, SEEK_CUR), 8);
	expect_eq(sys(__NR_lseek, fd, -9, SEEK_CUR), -EINVAL);
	expect_eq(sys(__NR_lseek, fd, -1, SEEK_SET), -EINVAL);
	expect_eq(sys(__NR_lseek, fd, 0, 77), -EINVAL);
	expect_eq(sys(__NR_lseek, fd, 0, SEEK_CUR), 8);
	expect_eq(sys(__NR_lseek, fd, 1000, SEEK_SET), 1000);
	close(fd);
}

TEST(a_hole_reads_as_zeros)
{
	int fd = fresh();
	char got[20000];
	struct stat st;

	memset(got, 1, sizeof(got));
	sys(__NR_write, fd, "a", 1);
	expect_eq(sys(__NR_lseek, fd, 15000, SEEK_SET), 15000);
	expect_eq(sys(__NR_write, fd, "b", 1), 1);
	expect_eq(sys(__NR_fstat, fd, &st), 0);
	expect_eq(st.st_size, 15001);
	expect_eq(sys(__NR_pread64, fd, got, sizeof(got), 0), 15001);
	expect(got[0] == 'a' && got[1] == 0 && got[14999] == 0 && got[15000] == 'b');
	expect_eq(got[15001], 1);
	close(fd);
}

TEST(pread_and_pwrite_leave_the_position)
{
	int fd = fresh();
	char got[8] = { 0 };

	expect_eq(sys(__NR_write, fd, "abcdef", 6), 6);
	expect_eq(sys(__NR_pwrite64, fd, "XY", 2, 1), 2);
	expect_eq(sys(__NR_pread64, fd, got, 8, 0), 6);
	expect_eq(memcmp(got, "aXYdef", 7), 0);
	expect_eq(sys(__NR_pread64, fd, got, 8, 6), 0);
	expect_eq(sys(__NR_pread64, fd, got, 8, -1), -EINVAL);
	expect_eq(sys(__NR_pwrite64, fd, got, 8, -1), -EINVAL);
	expect_eq(sys(__NR_lseek, fd, 0, SEEK_CUR), 6);
	close(fd);
}

TEST(vectors_are_read_and_written_in_order)
{
	int fd = fresh();
	char a[3], b[5], c[4];
	struct iovec out[] = { { "abc", 3 }, { NULL, 0 }, { "defgh", 5 }, { "ij", 2 } };
	struct iovec in[] = { { a, 3 }, { b, 5 }, { c, 4 } };

	expect_eq(sys(__NR_writev, fd, out, 4), 10);
	expect_eq(sys(__NR_lseek, fd, 0, SEEK_CUR), 10);
	expect_eq(sys(__NR_preadv, fd, in, 3, 0), 10);
	expect(!memcmp(a, "abc", 3) && !memcmp(b, "defgh", 5) && !memcmp(c, "ij", 2));
	expect_eq(sys(__NR_pwritev, fd, out, 3, 4), 8);
	expect_eq(sys(__NR_lseek, fd, 0, SEEK_SET), 0);
	expect_eq(sys(__NR_readv, fd, in, 3), 12);
	expect(!memcmp(a, "abc", 3) && !memcmp(b, "dabcd", 5) && !memcmp(c, "efgh", 4));
	expect_eq(sys(__NR_readv, fd, in, 0), 0);
	close(fd);
}

TEST(bad_vectors_are_refused)
{
	int fd = fresh();
	char c[4];
	struct iovec good = { c, 4 }, negative = { c, (size_t)-1 };
	struct iovec sum[] = { { c, SSIZE_MAX }, { c, SSIZE_MAX } };

	expect_eq(sys(__NR_readv, fd, &good, 1025), -EINVAL);
	expect_eq(sys(__NR_readv, fd, &good, -1), -EINVAL);
	expect_eq(sys(__NR_writev, fd, &negative, 1), -EINVAL);
	expect_eq(sys(__NR_writev, fd, (void *)8, 1), -EFAULT);
	expect_eq(sys(__NR_preadv, fd, &good, 1, -1), -EINVAL);
	expect_eq(sys(__NR_readv, fd, sum, 2), -EFAULT);
	close(fd);
}

TEST(append_writes_at_the_end)
{
	int fd = fresh();
	char got[16] = { 0 };
	int append = (int)sys(__NR_openat, AT_FDCWD, scratch("file"), O_RDWR | O_APPEND, 0);

	sys(__NR_write, fd, "12345", 5);
	expect_eq(sys(__NR_write, append, "67", 2), 2);
	expect_eq(sys(__NR_lseek, append, 0, SEEK_CUR), 7);
	expect_eq(sys(__NR_lseek, append, 0, SEEK_SET), 0);
	expect_eq(sys(__NR_write, append, "8", 1), 1);
	expect_eq(sys(__NR_pread64, fd, got, 16, 0), 8);
	expect_eq(memcmp(got, "12345678", 9), 0);
	close(append);
	close(fd);
}

TEST(ftruncate_cuts_and_extends_with_zeros)
{
	int fd = fresh();
	char got[9000];
	struct stat st;

	memset(got, 'x', sizeof(got));
	sys(__NR_write, fd, got, 9000);
	expect_eq(sys(__NR_ftruncate, fd, 100), 0);
	expect_eq(sys(__NR_ftruncate, fd, 5000), 0);
	sys(__NR_fstat, fd, &st);
	expect_eq(st.st_size, 5000);
	expect_eq(sys(__NR_pread64, fd, got, 9000, 0), 5000);
	expect(got[99] == 'x' && got[100] == 0 && got[4999] == 0);
	expect_eq(sys(__NR_ftruncate, fd, -1), -EINVAL);
	close(fd);
	fd = open(scratch("file"), O_RDONLY);
	expect_eq(sys(__NR_ftruncate, fd, 1), -EINVAL);
	close(fd);
}

TEST(fstat_tells_kind_size_and_links)
{
	int fd = fresh();
	struct stat st, named;

	sys(__NR_write, fd, "abc", 3);
	expect_eq(sys(__NR_fstat, fd, &st), 0);
	expect(S_ISREG(st.st_mode));
	expect_eq(st.st_size, 3);
	expect_eq(st.st_nlink, 1);
	expect_eq(st.st_uid, getuid());
	expect(st.st_blksize >= 512);
	expect_eq(sys(__NR_newfstatat, AT_FDCWD, scratch("file"), &named, 0), 0);
	expect(named.st_ino == st.st_ino && named.st_dev == st.st_dev);
	expect_eq(sys(__NR_newfstatat, fd, "", &named, AT_EMPTY_PATH), 0);
	expect(named.st_ino == st.st_ino);
	expect_eq(sys(__NR_newfstatat, fd, "", &named, 0), -ENOENT);
	expect_eq(sys(__NR_newfstatat, fd, "", &named, 0x40000000), -EINVAL);
	close(fd);
}

TEST(dup_shares_the_position_and_not_the_flags)
{
	int fd = fresh(), copy = (int)sys(__NR_dup, fd);

	sys(__NR_write, fd, "abc", 3);
	expect_eq(sys(__NR_lseek, copy, 0, SEEK_CUR), 3);
	expect_eq(sys(__NR_fcntl, fd, F_SETFD, FD_CLOEXEC), 0);
	expect_eq(sys(__NR_fcntl, fd, F_GETFD), FD_CLOEXEC);
	expect_eq(sys(__NR_fcntl, copy, F_GETFD), 0);
	close(fd);
	expect_eq(sys(__NR_write, copy, "d", 1), 1);
	close(copy);
}

TEST(dup3_replaces_its_target)
{
	int fd = fresh(), other = fresh();

	sys(__NR_write, fd, "abc", 3);
	expect_eq(sys(__NR_dup3, fd, other, O_CLOEXEC), other);
	expect_eq(sys(__NR_lseek, other, 0, SEEK_CUR), 3);
	expect_eq(sys(__NR_fcntl, other, F_GETFD), FD_CLOEXEC);
	expect_eq(sys(__NR_dup3, fd, fd, 0), -EINVAL);
	expect_eq(sys(__NR_dup3, fd, other, 1), -EINVAL);
	expect_eq(sys(__NR_dup3, fd, -1, 0), -EBADF);
	expect_eq(sys(__NR_dup3, fd, 1 << 30, 0), -EBADF);
	close(fd);
	close(other);
}

TEST(fcntl_duplicates_from_a_number_up)
{
	int fd = fresh();

	expect_eq(sys(__NR_fcntl, fd, F_DUPFD, 90), 90);
	expect_eq(sys(__NR_fcntl, fd, F_DUPFD_CLOEXEC, 90), 91);
	expect_eq(sys(__NR_fcntl, 90, F_GETFD), 0);
	expect_eq(sys(__NR_fcntl, 91, F_GETFD), FD_CLOEXEC);
	expect_eq(sys(__NR_fcntl, fd, F_DUPFD, -1), -EINVAL);
	expect_eq(sys(__NR_fcntl, fd, 9999, 0), -EINVAL);
	close(90);
	close(91);
	close(fd);
}

TEST(status_flags_are_kept)
{
	int fd = (int)sys(__NR_openat, AT_FDCWD, scratch("file"), O_RDWR | O_APPEND, 0);
	long flags = sys(__NR_fcntl, fd, F_GETFL);

	expect_eq(flags & (O_ACCMODE | O_APPEND | O_NONBLOCK), O_RDWR | O_APPEND);
	expect_eq(sys(__NR_fcntl, fd, F_SETFL, O_NONBLOCK), 0);
	flags = sys(__NR_fcntl, fd, F_GETFL);
	expect_eq(flags & (O_ACCMODE | O_APPEND | O_NONBLOCK), O_RDWR | O_NONBLOCK);
	close(fd);
}

TEST(many_descriptors_can_be_open)
{
	int fds[200], bad = 0;

	for (int i = 0; i < 200; i++) {
		fds[i] = (int)sys(__NR_openat, AT_FDCWD, "/", O_RDONLY, 0);
		bad += fds[i] < 0;
	}
	expect_eq(bad, 0);
	for (int i = 0; i < 200; i++)
		close(fds[i]);
}

TEST(the_descriptor_limit_is_kept)
{
	struct rlimit before, low;
	int fd = lowest_free();

	expect_eq(sys(__NR_prlimit64, 0, RLIMIT_NOFILE, 0, &before), 0);
	expect(before.rlim_cur >= 256);
	low = (struct rlimit){ (rlim_t)fd, before.rlim_max };
	expect_eq(sys(__NR_prlimit64, 0, RLIMIT_NOFILE, &low, 0), 0);
	expect_eq(sys(__NR_openat, AT_FDCWD, "/", O_RDONLY, 0), -EMFILE);
	expect_eq(sys(__NR_dup, 0), -EMFILE);
	expect_eq(sys(__NR_prlimit64, 0, RLIMIT_NOFILE, &before, 0), 0);
	expect_eq(lowest_free(), fd);
}

TEST(a_large_file_keeps_its_bytes)
{
	enum { SIZE = 8 << 20, STEP = 70001 };
	static unsigned char block[STEP];
	int fd = fresh();
	uint64_t seed = 1;
	long wrong = 0;

	for (int done = 0; done < SIZE; done += STEP) {
		for (int i = 0; i < STEP; i++)
			block[i] = (unsigned char)(random_next(&seed) >> 40);
		expect_eq(sys(__NR_write, fd, block, STEP), STEP);
	}
	seed = 1;
	expect_eq(sys(__NR_lseek, fd, 0, SEEK_SET), 0);
	for (int done = 0; done < SIZE; done += STEP) {
		expect_eq(sys(__NR_read, fd, block, STEP), STEP);
		for (int i = 0; i < STEP; i++)
			wrong += block[i] != (unsigned char)(random_next(&seed) >> 40);
	}
	expect_eq(wrong, 0);
	expect_eq(sys(__NR_fsync, fd), 0);
	expect_eq(sys(__NR_fdatasync, fd), 0);
	close(fd);
	unlink(scratch("file"));
}

TEST(null_and_zero_devices)
{
	int null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDWR);
	int random = open("/dev/urandom", O_RDONLY);
	char got[4096];
	long sum = 0;

	memset(got, 1, sizeof(got));
	expect_eq(sys(__NR_write, null, got, 100), 100);
	expect_eq(sys(__NR_read, null, got, 100), 0);
	expect_eq(sys(__NR_read, zero, got, sizeof(got)), sizeof(got));
	for (unsigned i = 0; i < sizeof(got); i++)
		sum += got[i] != 0;
	expect_eq(sum, 0);
	expect_eq(sys(__NR_read, random, got, sizeof(got)), sizeof(got));
	for (unsigned i = 0; i < sizeof(got); i++)
		sum += got[i] != 0;
	expect(sum > 3500);
	close(null);
	close(zero);
	close(random);
}
