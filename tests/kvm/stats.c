/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * KVM_GET_STATS_FD: the binary format of statistics, for a VM and for a vCPU. Linux:
 * Documentation/virt/kvm/api.rst, 4.133.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "tests/kvm/lib/takes.h"

static struct vm vm;

struct stats {
	struct kvm_stats_header header;
	char *descriptors;
	size_t stride;
	uint64_t data[4096];
	size_t data_size;
};

static const struct kvm_stats_desc *descriptor(const struct stats *s, unsigned i)
{
	return (const void *)(s->descriptors + i * s->stride);
}

static bool stats_read(int fd, struct stats *s)
{
	size_t size;

	memset(s, 0, sizeof(*s));
	if (!expect_eq(sys(__NR_pread64, fd, &s->header, sizeof(s->header), 0), sizeof(s->header)))
		return false;
	s->stride = sizeof(struct kvm_stats_desc) + s->header.name_size;
	size = s->stride * s->header.num_desc;
	s->descriptors = calloc(1, size);
	if (!expect_eq(sys(__NR_pread64, fd, s->descriptors, size, s->header.desc_offset), size))
		return false;
	for (unsigned i = 0; i < s->header.num_desc; i++) {
		size_t end = descriptor(s, i)->offset + 8u * descriptor(s, i)->size;

		if (end > s->data_size)
			s->data_size = end;
	}
	return expect(s->data_size <= sizeof(s->data)) &&
	       expect_eq(sys(__NR_pread64, fd, s->data, s->data_size, s->header.data_offset),
			 s->data_size);
}

static void expect_well_formed(const struct stats *s)
{
	expect_eq(s->header.flags, 0);
	expect(s->header.name_size >= 16 && s->header.name_size <= 64);
	expect(s->header.num_desc >= 1);
	expect(s->header.id_offset >= sizeof(s->header));
	expect(s->header.desc_offset >= s->header.id_offset);
	for (unsigned i = 0; i < s->header.num_desc; i++) {
		const struct kvm_stats_desc *d = descriptor(s, i);

		expect((d->flags & KVM_STATS_TYPE_MASK) <= KVM_STATS_TYPE_MAX);
		expect((d->flags & KVM_STATS_UNIT_MASK) <= KVM_STATS_UNIT_MAX);
		expect((d->flags & KVM_STATS_BASE_MASK) <= KVM_STATS_BASE_MAX);
		expect(d->size >= 1);
		expect_eq(d->offset % 8, 0);
		expect(strnlen(d->name, s->header.name_size) < s->header.name_size);
		for (unsigned j = 0; j < i; j++)
			expect(strcmp(d->name, descriptor(s, j)->name) != 0);
	}
}

/* The first value of the statistic, or -1. */
static uint64_t stat_value(const struct stats *s, const char *name)
{
	for (unsigned i = 0; i < s->header.num_desc; i++) {
		if (!strcmp(descriptor(s, i)->name, name))
			return s->data[descriptor(s, i)->offset / 8];
	}
	return ~0ul;
}

static GUEST void guest_leaves(uint64_t rounds)
{
	while (rounds--)
		mmio_write64(GUEST_PORT + PORT_TEST, rounds);
	guest_done(0);
}

TEST(a_vm_has_statistics_in_the_format)
{
	static struct stats s;
	int fd;

	vm_create(&vm, 1);
	fd = (int)ioc(vm.fd, KVM_GET_STATS_FD, 0);
	if (expect(fd >= 0) && stats_read(fd, &s))
		expect_well_formed(&s);
	free(s.descriptors);
	close(fd);
	vm_destroy(&vm);
}

TEST(a_vcpu_counts_its_exits)
{
	static struct stats before, after;
	uint64_t done;
	int fd;

	vm_create(&vm, 1);
	fd = (int)ioc(vm.vcpu[0].fd, KVM_GET_STATS_FD, 0);
	require(expect(fd >= 0) && stats_read(fd, &before));
	expect_well_formed(&before);
	vcpu_start(&vm.vcpu[0], guest_leaves, 10);
	for (int i = 0; i < 10; i++)
		expect_eq(vcpu_run(&vm.vcpu[0]), 0);
	expect(vcpu_run_done(&vm.vcpu[0], &done));
	expect(stats_read(fd, &after));
	expect_eq(stat_value(&before, "exits"), 0);
	expect_eq(stat_value(&before, "mmio_exit_user"), 0);
	expect(stat_value(&after, "exits") >= 11);
	expect_eq(stat_value(&after, "mmio_exit_user"), 11);
	free(before.descriptors);
	free(after.descriptors);
	close(fd);
	vm_destroy(&vm);
}

enum { NAPS = 5, NAP_US = 50000, WFES = 3 };

/* A nap is a WFI; none if the timer was due before it, two if it was woken too early. */
static GUEST void guest_naps(uint64_t naps)
{
	takes_begin(takes_timer_off);
	for (uint64_t n = 0; n < naps; n++) {
		takes_timer(takes_now() + takes_us(NAP_US), ENABLE);
		wfi_until(taken[TIMER] > n);
	}
	for (int i = 0; i < WFES; i++)
		__asm__ volatile("sev; wfe" ::: "memory");
	guest_done(0);
}

TEST(wfi_and_wfe_are_counted_apart)
{
	static struct stats s;
	uint64_t done;
	int fd;

	takes_create(&vm, 1);
	fd = (int)ioc(vm.vcpu[0].fd, KVM_GET_STATS_FD, 0);
	vcpu_start(&vm.vcpu[0], guest_naps, NAPS);
	expect(vcpu_run_done(&vm.vcpu[0], &done));
	require(expect(fd >= 0) && stats_read(fd, &s));
	tap_print("# WFI %lld of %d, WFE %lld of %d\n", (long long)stat_value(&s, "wfi_exit_stat"),
		  NAPS, (long long)stat_value(&s, "wfe_exit_stat"), WFES);
	expect(stat_value(&s, "wfi_exit_stat") >= 1);
	expect(stat_value(&s, "wfi_exit_stat") <= 2 * NAPS);
	expect(stat_value(&s, "wfe_exit_stat") <= WFES);
	free(s.descriptors);
	close(fd);
	takes_destroy(&vm);
}

TEST(reads_take_any_part)
{
	char whole[64], parts[64] = { 0 };
	int fd;

	vm_create(&vm, 1);
	fd = (int)ioc(vm.vcpu[0].fd, KVM_GET_STATS_FD, 0);
	require(fd >= 0);
	expect_eq(sys(__NR_pread64, fd, whole, 64, 0), 64);
	for (int i = 0; i < 64; i++)
		expect_eq(sys(__NR_pread64, fd, &parts[i], 1, i), 1);
	expect_eq(memcmp(whole, parts, 64), 0);
	expect_eq(sys(__NR_pread64, fd, whole, 64, 1 << 30), 0);
	expect_eq(sys(__NR_read, fd, parts, 24), 24);
	expect_eq(memcmp(whole, parts, 24), 0);
	expect_eq(sys(__NR_read, fd, parts + 24, 24), 24);
	expect_eq(memcmp(whole, parts, 48), 0);
	expect_eq(sys(__NR_pread64, fd, 8, 64, 0), -EFAULT);
	close(fd);
	vm_destroy(&vm);
}

enum { MIB = 1 << 20, PAGE = 4096, SWEPT = 32 * MIB, AREA = SWEPT + 4 * MIB };
static const uint64_t swept_at = 0x80000000; /* the guest's address */

static GUEST void guest_sweeps(uint64_t size)
{
	for (uint64_t i = 0; i < size; i += PAGE)
		mmio_write64(swept_at + i, i);
	guest_done(0);
}

/* How often the guest leaves while it writes to each page of memory that lies `offset` bytes behind
 * an address the host could map by 2 MiB blocks. */
static uint64_t exits_of_sweep(uint64_t offset)
{
	static struct stats before, after;
	char *area = mmap(NULL, AREA, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	char *aligned = (char *)(((uintptr_t)area + 2 * MIB - 1) & -(uintptr_t)(2 * MIB));
	uint64_t exits = 0, done;
	int fd;

	madvise(aligned, SWEPT, MADV_HUGEPAGE);
	vm_create(&vm, 1);
	expect_eq(vm_add_memory(&vm, 1, swept_at, SWEPT, aligned + offset, 0), 0);
	fd = (int)ioc(vm.vcpu[0].fd, KVM_GET_STATS_FD, 0);
	vcpu_start(&vm.vcpu[0], guest_sweeps, SWEPT);
	expect(stats_read(fd, &before));
	expect(vcpu_run_done(&vm.vcpu[0], &done));
	if (expect(stats_read(fd, &after)))
		exits = stat_value(&after, "exits") - stat_value(&before, "exits");
	free(before.descriptors);
	free(after.descriptors);
	close(fd);
	vm_destroy(&vm);
	munmap(area, AREA);
	return exits;
}

TEST(stage_2_has_large_blocks_where_both_sides_allow)
{
	uint64_t aligned = exits_of_sweep(0), apart = exits_of_sweep(PAGE);

	tap_print("# 32 MiB: %llu exits, 4 KiB apart %llu\n", (unsigned long long)aligned,
		  (unsigned long long)apart);
	expect(aligned >= SWEPT / (2 * MIB));
	expect(aligned < 300);
	expect(apart >= SWEPT / PAGE);
}
