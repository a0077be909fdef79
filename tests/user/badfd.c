/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptors that are closed, negative, beyond the table or opened by O_PATH, given to every call
 * that takes one: EBADF, in a program whose descriptors are its own and in one that shares them.
 */
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "tests/lib/abi.h"

/* The descriptor is the first argument, the others would do. */
/* The descriptor is the first argument, the others would do; 0 stands for a buffer. */
static const struct call {
	const char *name;
	short nr;
	bool path_too; /* does something for O_PATH */
	long b, c, d;
} calls[] = {
#define C(call, path_too, b, c, d)                                                                 \
	{                                                                                          \
#call, __NR_##call, path_too, b, c, d                                              \
	}
	C(read, 0, 0, 8, 0),	  C(write, 0, 0, 8, 0),		  C(readv, 0, 0, 1, 0),
	C(writev, 0, 0, 1, 0),	  C(pread64, 0, 0, 8, 0),	  C(pwrite64, 0, 0, 8, 0),
	C(lseek, 0, 1, 0, 0),	  C(ioctl, 0, 0x5401, 0, 0),	  C(fsync, 0, 0, 0, 0),
	C(fdatasync, 0, 0, 0, 0), C(ftruncate, 0, 1, 0, 0),	  C(fchmod, 0, 0644, 0, 0),
	C(fchown, 0, -1, -1, 0),  C(getdents64, 0, 0, 64, 0),	  C(fallocate, 0, 1, 0, 8),
	C(flock, 0, 8, 0, 0),	  C(fcntl, 1, F_GETFD, 0, 0),	  C(fstat, 1, 0, 0, 0),
	C(dup, 1, 0, 0, 0),	  C(fchdir, 1, 0, 0, 0),	  C(fstatfs, 1, 0, 0, 0),
	C(listen, 0, 1, 0, 0),	  C(accept, 0, 0, 0, 0),	  C(getsockname, 0, 0, 0, 0),
	C(shutdown, 0, 1, 0, 0),  C(timerfd_gettime, 0, 0, 0, 0),
};

static char room[4096] __attribute__((aligned(16)));

static void try_all(int fd, bool is_path)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		long b = calls[i].b ? calls[i].b : (long)room, result;

		if (is_path && calls[i].path_too)
			continue;
		result = sys(calls[i].nr, fd, b, calls[i].c, calls[i].d, room);
		if (!expect(result == -EBADF))
			tap_print("# %s(%d) gives %ld\n", calls[i].name, fd, result);
	}
}

static void try_descriptors(void)
{
	int path = open("/proc", O_PATH);

	try_all(-1, false);
	try_all(1000, false);
	try_all(0x7fffffff, false);
	try_all(path, true);
	close(path);
	try_all(path, false);
	expect_eq(sys(__NR_mmap, 0, 4096, PROT_READ, MAP_PRIVATE, 1000, 0), -EBADF);
	expect_eq(sys(__NR_openat, 1000, "x", O_RDONLY), -EBADF);
	expect_eq(sys(__NR_close, 1000), -EBADF);
	expect_eq(sys(__NR_dup3, 1000, 5, 0), -EBADF);
}

TEST(descriptors_of_its_own)
{
	try_descriptors();
}

static void *wait_for_end(void *arg)
{
	char c;

	(void)!read(*(int *)arg, &c, 1);
	return NULL;
}

TEST(descriptors_that_are_shared)
{
	pthread_t other;
	int ends[2];

	require(pipe(ends) == 0);
	pthread_create(&other, NULL, wait_for_end, &ends[0]);
	try_descriptors();
	close(ends[1]);
	pthread_join(other, NULL);
	close(ends[0]);
}
