/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Anonymous and private memory: mmap, munmap, mprotect, brk, madvise, mremap, and the faults that
 * what is not there must give. Linux: mm/mmap.c, man 2 mmap, mremap, madvise, brk.
 */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "tests/lib/abi.h"

enum { PAGE = 4096, RW = PROT_READ | PROT_WRITE, ANON = MAP_PRIVATE | MAP_ANONYMOUS };

static char *map(size_t pages, int prot)
{
	return (char *)sys(__NR_mmap, 0, pages * PAGE, prot, ANON, -1, 0);
}

static bool is_address(void *p)
{
	return (uintptr_t)p < -4096ul && p && (uintptr_t)p % PAGE == 0;
}

/* A file of two and a half pages; page n begins with the letter 'A' + n and ends with 'z'. */
static int file_open(void)
{
	static char page[PAGE];
	int fd = open(scratch("mem"), O_RDWR | O_CREAT | O_TRUNC, 0600);

	for (int n = 0; n < 3; n++) {
		memset(page, 'z', PAGE);
		page[0] = (char)('A' + n);
		if (write(fd, page, n == 2 ? PAGE / 2 : PAGE) < 0)
			tap_print("# cannot write the scratch file: %d\n", errno);
	}
	unlink(scratch("mem"));
	return fd;
}

TEST(anonymous_memory_is_zero_and_keeps_what_is_written)
{
	char *p = map(16, RW);
	size_t dirty = 0;

	require(is_address(p));
	for (size_t i = 0; i < 16 * PAGE; i++)
		dirty += p[i] != 0;
	expect_eq(dirty, 0);
	memset(p, 0x5a, 16 * PAGE);
	for (size_t i = 0; i < 16 * PAGE; i++)
		dirty += p[i] != 0x5a;
	expect_eq(dirty, 0);
	expect_eq(sys(__NR_munmap, p, 16 * PAGE), 0);
	expect(read_faults(p, SEGV_MAPERR));
}

TEST(length_is_rounded_up_to_pages)
{
	char *p = (char *)sys(__NR_mmap, 0, 1, RW, ANON, -1, 0);

	require(is_address(p));
	p[PAGE - 1] = 1;
	expect_eq(sys(__NR_munmap, p, 1), 0);
	expect(read_faults(p + PAGE - 1, SEGV_MAPERR));
}

TEST(mmap_refuses_bad_arguments)
{
	expect_eq(sys(__NR_mmap, 0, 0, RW, ANON, -1, 0), -EINVAL);
	expect_eq(sys(__NR_mmap, 0, PAGE, RW, ANON, -1, 1), -EINVAL);
	expect_eq(sys(__NR_mmap, 0, PAGE, RW, MAP_ANONYMOUS, -1, 0), -EINVAL);
	expect_eq(sys(__NR_mmap, 0, PAGE, RW, MAP_PRIVATE, -1, 0), -EBADF);
	expect_eq(sys(__NR_mmap, 1, PAGE, RW, ANON | MAP_FIXED, -1, 0), -EINVAL);
	expect_eq(sys(__NR_mmap, 0, -PAGE, RW, ANON, -1, 0), -ENOMEM);
	expect_eq(sys(__NR_mmap, 0, 1ul << 52, RW, ANON, -1, 0), -ENOMEM);
	expect_eq(sys(__NR_mmap, 1ul << 52, PAGE, RW, ANON | MAP_FIXED, -1, 0), -ENOMEM);
}

TEST(munmap_refuses_bad_arguments)
{
	char *p = map(1, RW);

	expect_eq(sys(__NR_munmap, p, 0), -EINVAL);
	expect_eq(sys(__NR_munmap, p + 1, PAGE), -EINVAL);
	expect_eq(sys(__NR_munmap, p, 1ul << 52), -EINVAL);
	expect_eq(fault_read(p).signo, 0);
	expect_eq(sys(__NR_munmap, p, PAGE), 0);
	expect_eq(sys(__NR_munmap, p, PAGE), 0);
}

TEST(munmap_of_the_middle_leaves_both_ends)
{
	char *p = map(3, RW);

	memset(p, 1, 3 * PAGE);
	expect_eq(sys(__NR_munmap, p + PAGE, PAGE), 0);
	expect(read_faults(p + PAGE, SEGV_MAPERR));
	expect(read_faults(p + 2 * PAGE - 1, SEGV_MAPERR));
	expect_eq(p[PAGE - 1], 1);
	expect_eq(p[2 * PAGE], 1);
	expect_eq(sys(__NR_munmap, p, 3 * PAGE), 0);
}

TEST(fixed_replaces_what_is_there)
{
	char *p = map(3, RW);

	memset(p, 1, 3 * PAGE);
	expect_eq(sys(__NR_mmap, p + PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0), (long)p + PAGE);
	expect_eq(p[PAGE - 1], 1);
	expect_eq(p[PAGE], 0);
	expect_eq(p[2 * PAGE], 1);
	expect_eq(sys(__NR_mmap, p, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0), -EEXIST);
	expect_eq(p[0], 1);
	sys(__NR_munmap, p, 3 * PAGE);
}

TEST(a_free_hint_is_taken_and_a_used_one_is_not)
{
	char *p = map(4, RW);

	sys(__NR_munmap, p, 4 * PAGE);
	expect_eq(sys(__NR_mmap, p, PAGE, RW, ANON, -1, 0), (long)p);
	p[0] = 1;
	char *q = (char *)sys(__NR_mmap, p, PAGE, RW, ANON, -1, 0);
	expect(is_address(q) && q != p);
	expect_eq(p[0], 1);
	sys(__NR_munmap, p, PAGE);
	sys(__NR_munmap, q, PAGE);
}

TEST(protections_are_enforced)
{
	char *p = map(1, PROT_NONE);

	expect(read_faults(p, SEGV_ACCERR));
	expect(write_faults(p + 5, SEGV_ACCERR));
	expect_eq(sys(__NR_mprotect, p, PAGE, PROT_READ), 0);
	expect_eq(fault_read(p).signo, 0);
	expect(write_faults(p + PAGE - 1, SEGV_ACCERR));
	expect_eq(sys(__NR_mprotect, p, PAGE, RW), 0);
	p[0] = 7;
	expect_eq(sys(__NR_mprotect, p, PAGE, PROT_NONE), 0);
	expect(read_faults(p, SEGV_ACCERR));
	expect_eq(sys(__NR_mprotect, p, PAGE, PROT_READ), 0);
	expect_eq(p[0], 7);
	sys(__NR_munmap, p, PAGE);
}

static void call(void *p)
{
	((void (*)(void))p)();
}

TEST(data_is_not_executable)
{
	char *p = map(1, RW);
	struct fault f;

	*(uint32_t *)p = 0xd65f03c0; /* ret */
	f = fault_call(call, p);
	expect_eq(f.signo, SIGSEGV);
	expect_eq(f.code, SEGV_ACCERR);
	expect_eq(f.address, (long)p);
	f = fault_call(call, (void *)16);
	expect_eq(f.signo, SIGSEGV);
	expect_eq(f.code, SEGV_MAPERR);
	expect_eq(f.address, 16);
	sys(__NR_munmap, p, PAGE);
}

TEST(mprotect_of_part_splits_the_mapping)
{
	char *p = map(5, RW);

	memset(p, 3, 5 * PAGE);
	expect_eq(sys(__NR_mprotect, p + PAGE, 3 * PAGE, PROT_READ), 0);
	expect_eq(sys(__NR_mprotect, p + 2 * PAGE, PAGE, PROT_NONE), 0);
	expect_eq(fault_write(p + PAGE - 1).signo, 0);
	expect(write_faults(p + PAGE, SEGV_ACCERR));
	expect(read_faults(p + 2 * PAGE, SEGV_ACCERR));
	expect_eq(p[3 * PAGE], 3);
	expect(write_faults(p + 4 * PAGE - 1, SEGV_ACCERR));
	expect_eq(fault_write(p + 4 * PAGE).signo, 0);
	expect_eq(sys(__NR_mprotect, p, 5 * PAGE, RW), 0);
	memset(p, 4, 5 * PAGE);
	sys(__NR_munmap, p, 5 * PAGE);
}

TEST(mprotect_refuses_bad_arguments)
{
	char *p = map(2, RW);

	expect_eq(sys(__NR_mprotect, p + 1, PAGE, RW), -EINVAL);
	expect_eq(sys(__NR_mprotect, p, PAGE, 0x40), -EINVAL);
	expect_eq(sys(__NR_mprotect, p, 0, PROT_NONE), 0);
	sys(__NR_munmap, p + PAGE, PAGE);
	expect_eq(sys(__NR_mprotect, p + PAGE, PAGE, RW), -ENOMEM);
	sys(__NR_munmap, p, PAGE);
	expect_eq(sys(__NR_mprotect, p, PAGE, RW), -ENOMEM);
}

TEST(null_and_kernel_addresses_fault)
{
	expect(read_faults((void *)0, SEGV_MAPERR));
	expect(write_faults((void *)8, SEGV_MAPERR));
	expect(read_faults((void *)0xffff000000000000, SEGV_MAPERR));
	expect(write_faults((void *)0xffffffffffffff00, SEGV_MAPERR));
	expect_eq(fault_read((void *)0x0100000000000000).signo, SIGSEGV);
}

TEST(a_reservation_larger_than_memory_costs_nothing)
{
	size_t size = 64ul << 30;
	char *p = (char *)sys(__NR_mmap, 0, size, RW, ANON | MAP_NORESERVE, -1, 0);

	require(is_address(p));
	p[0] = 1;
	p[size - 1] = 2;
	p[size / 2] = 3;
	expect_eq(p[size / 2 + PAGE], 0);
	expect_eq(p[0] + p[size - 1] + p[size / 2], 6);
	expect_eq(sys(__NR_munmap, p, size), 0);
	p = (char *)sys(__NR_mmap, 0, size, PROT_NONE, ANON | MAP_NORESERVE, -1, 0);
	require(is_address(p));
	expect_eq(sys(__NR_mprotect, p + (1 << 30), PAGE, RW), 0);
	p[1 << 30] = 1;
	expect_eq(sys(__NR_munmap, p, size), 0);
}

TEST(large_memory_is_kept_and_given_back)
{
	size_t size = 64 << 20, wrong = 0;

	for (unsigned round = rounds_wanted(10); round > 0; round--) {
		char *p = (char *)sys(__NR_mmap, 0, size, RW, ANON, -1, 0);

		require(is_address(p));
		for (size_t i = 0; i < size; i += PAGE)
			*(size_t *)(p + i) += i + 1;
		for (size_t i = 0; i < size; i += PAGE)
			wrong += *(size_t *)(p + i) != i + 1;
		sys(__NR_munmap, p, size);
	}
	expect_eq(wrong, 0);
}

TEST(mprotect_of_a_page_within_a_huge_one)
{
	size_t huge = 2 << 20;
	char *p = (char *)sys(__NR_mmap, 0, 3 * huge, RW, ANON, -1, 0);
	char *h = (char *)(((uintptr_t)p + huge - 1) & -huge);

	require(is_address(p));
	memset(h, 1, huge);
	expect_eq(sys(__NR_mprotect, h + 9 * PAGE, PAGE, PROT_READ), 0);
	expect(write_faults(h + 9 * PAGE, SEGV_ACCERR));
	expect_eq(fault_write(h + 8 * PAGE).signo, 0);
	expect_eq(fault_write(h + 10 * PAGE).signo, 0);
	expect_eq(sys(__NR_munmap, h + 20 * PAGE, PAGE), 0);
	expect(read_faults(h + 20 * PAGE, SEGV_MAPERR));
	expect_eq(h[21 * PAGE] + h[9 * PAGE] + h[huge - 1], 3);
	expect_eq(sys(__NR_madvise, h + 30 * PAGE, PAGE, MADV_DONTNEED), 0);
	expect_eq(h[30 * PAGE], 0);
	expect_eq(h[31 * PAGE], 1);
	sys(__NR_munmap, p, 3 * huge);
}

TEST(dontneed_drops_contents)
{
	char *p = map(3, RW);

	memset(p, 9, 3 * PAGE);
	expect_eq(sys(__NR_madvise, p + PAGE, PAGE, MADV_DONTNEED), 0);
	expect_eq(p[PAGE - 1], 9);
	expect_eq(p[PAGE], 0);
	expect_eq(p[2 * PAGE - 1], 0);
	expect_eq(p[2 * PAGE], 9);
	sys(__NR_munmap, p, 3 * PAGE);
}

TEST(madvise_refuses_bad_arguments)
{
	char *p = map(2, RW);

	expect_eq(sys(__NR_madvise, p + 1, PAGE, MADV_DONTNEED), -EINVAL);
	expect_eq(sys(__NR_madvise, p, PAGE, 9999), -EINVAL);
	expect_eq(sys(__NR_madvise, p, 0, MADV_DONTNEED), 0);
	sys(__NR_munmap, p + PAGE, PAGE);
	expect_eq(sys(__NR_madvise, p, 2 * PAGE, MADV_DONTNEED), -ENOMEM);
	sys(__NR_munmap, p, PAGE);
}

TEST(mremap_grows_shrinks_and_moves)
{
	char *p = map(4, RW), *q;

	memset(p, 6, 4 * PAGE);
	expect_eq(sys(__NR_mremap, p, 4 * PAGE, 2 * PAGE, 0), (long)p);
	expect(read_faults(p + 2 * PAGE, SEGV_MAPERR));
	expect_eq(sys(__NR_mremap, p, 2 * PAGE, 4 * PAGE, 0), (long)p);
	expect_eq(p[2 * PAGE], 0);
	expect_eq(p[2 * PAGE - 1], 6);
	char *wall = (char *)sys(__NR_mmap, p + 4 * PAGE, PAGE, PROT_NONE,
				 ANON | MAP_FIXED_NOREPLACE, -1, 0);
	expect_eq(sys(__NR_mremap, p, 4 * PAGE, 8 * PAGE, 0), -ENOMEM);
	q = (char *)sys(__NR_mremap, p, 4 * PAGE, 8 * PAGE, MREMAP_MAYMOVE);
	require(is_address(q) && q != p);
	expect(read_faults(p, SEGV_MAPERR));
	expect_eq(q[0], 6);
	expect_eq(q[2 * PAGE], 0);
	expect_eq(q[8 * PAGE - 1], 0);
	sys(__NR_munmap, q, 8 * PAGE);
	if (is_address(wall))
		sys(__NR_munmap, wall, PAGE);
}

TEST(mremap_fixed_replaces_its_target)
{
	char *p = map(1, RW), *q = map(3, RW);

	p[5] = 5;
	memset(q, 1, 3 * PAGE);
	expect_eq(sys(__NR_mremap, p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, q + PAGE),
		  (long)q + PAGE);
	expect(read_faults(p, SEGV_MAPERR));
	expect_eq(q[PAGE + 5], 5);
	expect_eq(q[PAGE - 1] + q[2 * PAGE], 2);
	sys(__NR_munmap, q, 3 * PAGE);
}

TEST(mremap_refuses_bad_arguments)
{
	char *p = map(2, RW);

	expect_eq(sys(__NR_mremap, p + 1, PAGE, PAGE, 0), -EINVAL);
	expect_eq(sys(__NR_mremap, p, PAGE, 0, 0), -EINVAL);
	expect_eq(sys(__NR_mremap, p, PAGE, PAGE, 0x80), -EINVAL);
	expect_eq(sys(__NR_mremap, p, PAGE, PAGE, MREMAP_FIXED, p), -EINVAL);
	expect_eq(sys(__NR_mremap, p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + PAGE),
		  -EINVAL);
	sys(__NR_munmap, p, 2 * PAGE);
	expect_eq(sys(__NR_mremap, p, PAGE, 2 * PAGE, MREMAP_MAYMOVE), -EFAULT);
}

TEST(brk_grows_and_shrinks)
{
	char *start = (char *)sys(__NR_brk, 0);
	char *p = (char *)(((uintptr_t)start + PAGE - 1) & -PAGE);

	require(start != NULL);
	expect_eq(sys(__NR_brk, p + 8 * PAGE), (long)p + 8 * PAGE);
	expect_eq(p[0] + p[8 * PAGE - 1], 0);
	memset(p, 1, 8 * PAGE);
	expect_eq(sys(__NR_brk, p + PAGE), (long)p + PAGE);
	expect(read_faults(p + PAGE, SEGV_MAPERR));
	expect_eq(sys(__NR_brk, p + 2 * PAGE), (long)p + 2 * PAGE);
	expect_eq(p[PAGE], 0);
	expect_eq(p[0], 1);
	expect_eq(sys(__NR_brk, 1), (long)p + 2 * PAGE);
	expect_eq(sys(__NR_brk, -1), (long)p + 2 * PAGE);
	expect_eq(sys(__NR_brk, start), (long)start);
}

TEST(private_file_pages_are_read_and_copied_on_write)
{
	int fd = file_open();
	char *p = (char *)sys(__NR_mmap, 0, 3 * PAGE, RW, MAP_PRIVATE, fd, 0);
	char *q = (char *)sys(__NR_mmap, 0, PAGE, PROT_READ, MAP_PRIVATE, fd, PAGE);
	char c = 0;

	require(is_address(p) && is_address(q));
	expect_eq(p[0], 'A');
	expect_eq(p[PAGE], 'B');
	expect_eq(p[2 * PAGE], 'C');
	expect_eq(p[2 * PAGE + PAGE / 2 - 1], 'z');
	expect_eq(p[2 * PAGE + PAGE / 2], 0);
	p[PAGE] = 'x';
	expect_eq(q[0], 'B');
	expect_eq(sys(__NR_pread64, fd, &c, 1, PAGE), 1);
	expect_eq(c, 'B');
	expect_eq(sys(__NR_madvise, p, 3 * PAGE, MADV_DONTNEED), 0);
	expect_eq(p[PAGE], 'B');
	close(fd);
	expect_eq(p[0], 'A');
	sys(__NR_munmap, p, 3 * PAGE);
	sys(__NR_munmap, q, PAGE);
}

TEST(file_pages_past_the_end_give_sigbus)
{
	int fd = file_open();
	char *p = (char *)sys(__NR_mmap, 0, 5 * PAGE, RW, MAP_PRIVATE, fd, 0);
	struct fault f = fault_read(p + 3 * PAGE);

	expect_eq(f.signo, SIGBUS);
	expect_eq(f.code, BUS_ADRERR);
	expect_eq(f.address, (long)p + 3 * PAGE);
	close(fd);
	sys(__NR_munmap, p, 5 * PAGE);
}

TEST(private_file_mapping_is_private_at_an_offset_and_fixed)
{
	int fd = file_open();
	char *area = map(4, RW);

	memset(area, 1, 4 * PAGE);
	expect_eq(
		sys(__NR_mmap, area + PAGE, 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, PAGE),
		(long)area + PAGE);
	expect_eq(area[PAGE], 'B');
	expect_eq(area[2 * PAGE], 'C');
	expect_eq(area[0] + area[3 * PAGE], 2);
	expect(write_faults(area + PAGE, SEGV_ACCERR));
	expect_eq(sys(__NR_mmap, 0, PAGE, PROT_READ, MAP_PRIVATE, fd, 100), -EINVAL);
	close(fd);
	sys(__NR_munmap, area, 4 * PAGE);
}

TEST(file_access_rights_bound_the_mapping)
{
	int fd = open(scratch("mem"), O_WRONLY | O_CREAT, 0600);

	expect_eq(write(fd, "x", 1), 1);
	expect_eq(sys(__NR_mmap, 0, PAGE, PROT_READ, MAP_PRIVATE, fd, 0), -EACCES);
	close(fd);
	fd = open(scratch("mem"), O_RDONLY);
	char *p = (char *)sys(__NR_mmap, 0, PAGE, RW, MAP_PRIVATE, fd, 0);
	expect(is_address(p));
	expect_eq(sys(__NR_mmap, 0, PAGE, RW, MAP_SHARED, fd, 0), -EACCES);
	close(fd);
	unlink(scratch("mem"));
	sys(__NR_munmap, p, PAGE);
}

TEST(shared_anonymous_memory_is_zero_and_kept)
{
	char *p = (char *)sys(__NR_mmap, 0, 4 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	require(is_address(p));
	expect_eq(p[0] + p[4 * PAGE - 1], 0);
	memset(p, 2, 4 * PAGE);
	expect_eq(p[PAGE], 2);
	sys(__NR_munmap, p, 4 * PAGE);
}

TEST(system_calls_fault_pages_in)
{
	char *p = map(2, RW), *q = map(1, RW);
	int fd = open(scratch("mem"), O_RDWR | O_CREAT | O_TRUNC, 0600);

	expect_eq(sys(__NR_write, fd, q, PAGE), PAGE);
	expect_eq(sys(__NR_pread64, fd, p + PAGE / 2, PAGE, 0), PAGE);
	expect_eq(sys(__NR_mprotect, p, PAGE, PROT_NONE), 0);
	expect_eq(sys(__NR_pread64, fd, p, PAGE, 0), -EFAULT);
	close(fd);
	unlink(scratch("mem"));
	sys(__NR_munmap, p, 2 * PAGE);
	sys(__NR_munmap, q, PAGE);
}
