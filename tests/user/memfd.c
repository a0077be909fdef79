/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared memory without a name: memfd_create, two mappings of the same pages, seals. Linux: man 2.
 */
#include <fcntl.h>
#include <linux/memfd.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/lib/abi.h"

#define PAGE 4096

static int memfd(unsigned flags, long size)
{
	int fd = (int)sys(__NR_memfd_create, "test", flags);

	if (size)
		expect_eq(sys(__NR_ftruncate, fd, size), 0);
	return fd;
}

TEST(a_mapping_and_the_file_are_the_same_bytes)
{
	int fd = memfd(0, 2 * PAGE);
	char got[4], *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	require(p != MAP_FAILED);
	strcpy(p + PAGE, "abc");
	expect_eq(pread(fd, got, 4, PAGE), 4);
	expect_eq(strcmp(got, "abc"), 0);
	expect_eq(pwrite(fd, "xyz", 4, PAGE), 4);
	expect_eq(strcmp(p + PAGE, "xyz"), 0);
	munmap(p, 2 * PAGE);
	close(fd);
}

TEST(a_ring_mapped_twice_in_a_row)
{
	int fd = memfd(0, PAGE);
	char *p = mmap(NULL, 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	require(mmap(p, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) == p);
	require(mmap(p + PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) ==
		p + PAGE);
	close(fd);
	p[5] = 7;
	expect_eq(p[PAGE + 5], 7);
	strcpy(p + PAGE - 2, "wrap");
	expect_eq(memcmp(p, "ap", 3), 0);
	munmap(p, 2 * PAGE);
}

TEST(private_mappings_keep_their_changes)
{
	int fd = memfd(0, PAGE);
	char *p, c;

	pwrite(fd, "a", 1, 0);
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	require(p != MAP_FAILED);
	expect_eq(p[0], 'a');
	p[0] = 'b';
	expect_eq(pread(fd, &c, 1, 0), 1);
	expect_eq(c, 'a');
	munmap(p, PAGE);
	close(fd);
}

TEST(a_child_shares_the_mapping)
{
	int fd = memfd(0, PAGE), status;
	volatile char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	pid_t child = fork();

	if (!child) {
		p[0] = 42;
		_exit(0);
	}
	waitpid(child, &status, 0);
	expect_eq(p[0], 42);
	munmap((void *)p, PAGE);
	close(fd);
}

TEST(beyond_the_end_is_a_bus_error)
{
	int fd = memfd(0, PAGE);
	char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	expect_eq(fault_read(p).signo, 0);
	expect_eq(fault_read(p + PAGE).signo, 7);
	munmap(p, 2 * PAGE);
	close(fd);
}

TEST(seals_hold)
{
	int fd = memfd(MFD_ALLOW_SEALING, PAGE), plain = memfd(0, PAGE);

	expect_eq(sys(__NR_fcntl, fd, F_GET_SEALS), 0);
	expect_eq(sys(__NR_fcntl, plain, F_GET_SEALS), F_SEAL_SEAL);
	expect_eq(sys(__NR_fcntl, plain, F_ADD_SEALS, F_SEAL_GROW), -EPERM);
	expect_eq(sys(__NR_fcntl, fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
	expect_eq(sys(__NR_ftruncate, fd, 0), -EPERM);
	expect_eq(sys(__NR_ftruncate, fd, 2 * PAGE), -EPERM);
	expect_eq(sys(__NR_ftruncate, fd, PAGE), 0);
	expect_eq(sys(__NR_pwrite64, fd, "x", 1, 0), 1);
	expect_eq(sys(__NR_fcntl, fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SEAL), 0);
	expect_eq(sys(__NR_pwrite64, fd, "x", 1, 0), -EPERM);
	expect_eq(sys(__NR_fcntl, fd, F_ADD_SEALS, 0), -EPERM);
	expect_eq(sys(__NR_fcntl, fd, F_GET_SEALS),
		  F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
	close(fd);
	close(plain);
}

TEST(bad_arguments)
{
	static char name[300];

	memset(name, 'n', 299);
	expect_eq(sys(__NR_memfd_create, name, 0), -EINVAL);
	expect_eq(sys(__NR_memfd_create, 8, 0), -EFAULT);
	expect_eq(sys(__NR_memfd_create, "x", 0x8000), -EINVAL);
}
