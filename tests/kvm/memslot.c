/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guest memory: slots made, changed and deleted, what is refused, and that the guest sees what the
 * VMM does to the memory behind them. Linux: Documentation/virt/kvm/api.rst,
 * KVM_SET_USER_MEMORY_REGION.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include "tests/kvm/lib/vm.h"

enum { PAGE = 4096, MIB = 1 << 20 };
#define AT 0x40000000ul

static struct vm vm;
static volatile uint64_t answers, value;

static char *area(size_t size)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		    -1, 0);
}

/* x0: an address. Reads it and reports what it found, then writes 1 more there. */
static GUEST void guest_bumps(uint64_t at)
{
	for (;;) {
		uint64_t v = mmio_read64(at);

		mmio_write64(at, v + 1);
		guest_done(v);
	}
}

TEST(slots_are_checked)
{
	char *p = area(MIB);

	vm_create_bare(&vm);
	expect_eq(vm_add_memory(&vm, 0, AT + 1, PAGE, p, 0), -EINVAL);
	expect_eq(vm_add_memory(&vm, 0, AT, PAGE + 1, p, 0), -EINVAL);
	expect_eq(vm_add_memory(&vm, 0, AT, PAGE, p + 1, 0), -EINVAL);
	expect_eq(vm_add_memory(&vm, 0, AT, PAGE, p, 0x80), -EINVAL);
	expect_eq(vm_add_memory(&vm, 0, 1ul << 40, PAGE, p, 0), -EFAULT);
	expect_eq(vm_add_memory(&vm, 0, -4096ul, 2 * PAGE, p, 0), -EINVAL);
	expect_eq(vm_add_memory(&vm, 0, AT, PAGE, (void *)0xffff000000000000, 0), -EINVAL);
	expect_eq(vm_add_memory(&vm, 0x7fffffff, AT, PAGE, p, 0), -EINVAL);
	expect_eq(vm_add_memory(&vm, 0, AT, 0, p, 0), -EINVAL); /* nothing there to delete */
	vm_destroy(&vm);
	munmap(p, MIB);
}

TEST(slots_must_not_overlap)
{
	char *p = area(MIB);

	vm_create_bare(&vm);
	expect_eq(vm_add_memory(&vm, 0, AT, 4 * PAGE, p, 0), 0);
	expect_eq(vm_add_memory(&vm, 1, AT, PAGE, p, 0), -EEXIST);
	expect_eq(vm_add_memory(&vm, 1, AT + 3 * PAGE, PAGE, p, 0), -EEXIST);
	expect_eq(vm_add_memory(&vm, 1, AT - PAGE, 6 * PAGE, p, 0), -EEXIST);
	expect_eq(vm_add_memory(&vm, 1, AT + 4 * PAGE, PAGE, p, 0), 0);
	expect_eq(vm_add_memory(&vm, 2, AT - PAGE, PAGE, p, 0), 0);
	/* Deleted, its place is free. */
	expect_eq(vm_add_memory(&vm, 0, AT, 0, p, 0), 0);
	expect_eq(vm_add_memory(&vm, 3, AT, PAGE, p, 0), 0);
	vm_destroy(&vm);
	munmap(p, MIB);
}

TEST(a_slot_moves_but_does_not_change_size)
{
	char *p = area(MIB);

	vm_create_bare(&vm);
	expect_eq(vm_add_memory(&vm, 0, AT, 4 * PAGE, p, 0), 0);
	expect_eq(vm_add_memory(&vm, 0, AT, 8 * PAGE, p, 0), -EINVAL);
	expect_eq(vm_add_memory(&vm, 0, AT, 4 * PAGE, p + PAGE, 0), -EINVAL);
	expect_eq(vm_add_memory(&vm, 0, AT, 4 * PAGE, p, KVM_MEM_READONLY), -EINVAL);
	expect_eq(vm_add_memory(&vm, 0, AT, 4 * PAGE, p, 0), 0);
	expect_eq(vm_add_memory(&vm, 0, AT + MIB, 4 * PAGE, p, 0), 0);
	expect_eq(vm_add_memory(&vm, 1, AT, 4 * PAGE, p, 0), 0);
	vm_destroy(&vm);
	munmap(p, MIB);
}

TEST(all_offered_slots_can_be_used)
{
	char *p = area(MIB);
	long slots;

	vm_create_bare(&vm);
	slots = ioc(vm.kvm, KVM_CHECK_EXTENSION, KVM_CAP_NR_MEMSLOTS);
	if (slots > 512)
		slots = 512;
	for (long i = 0; i < slots; i++)
		expect_eq(vm_add_memory(&vm, (unsigned)i, AT + (uint64_t)i * 2 * PAGE, PAGE, p, 0),
			  0);
	vm_destroy(&vm);
	munmap(p, MIB);
}

TEST(memory_the_vmm_never_touched_is_faulted_in)
{
	char *p = area(64 * MIB);
	uint64_t v;

	vm_create(&vm, 1);
	expect_eq(vm_add_memory(&vm, 1, AT, 64 * MIB, p, 0), 0);
	for (int i = 0; i < 64; i += 7) {
		vcpu_start(&vm.vcpu[0], guest_bumps, AT + (uint64_t)i * MIB + 8 * (uint64_t)i);
		expect(vcpu_run_done(&vm.vcpu[0], &v));
		expect_eq(v, 0);
		expect_eq(*(uint64_t *)(p + i * MIB + 8 * i), 1);
	}
	/* And what the VMM wrote is read: the same page, not a copy. */
	*(uint64_t *)(p + 30 * MIB) = 41;
	vcpu_start(&vm.vcpu[0], guest_bumps, AT + 30 * MIB);
	expect(vcpu_run_done(&vm.vcpu[0], &v));
	expect_eq(v, 41);
	expect_eq(*(uint64_t *)(p + 30 * MIB), 42);
	vm_destroy(&vm);
	munmap(p, 64 * MIB);
}

/* Reads and writes every page of [AT, AT + size). */
static GUEST void guest_sweeps(uint64_t size)
{
	uint64_t wrong = 0;

	for (uint64_t i = 0; i < size; i += PAGE)
		mmio_write64(AT + i, i ^ 0x5555);
	for (uint64_t i = 0; i < size; i += PAGE)
		wrong += mmio_read64(AT + i) != (i ^ 0x5555);
	guest_done(wrong);
}

TEST(a_guest_sweeps_its_memory)
{
	char *p = area(32 * MIB);
	uint64_t wrong = 1, missed = 0;

	vm_create(&vm, 1);
	expect_eq(vm_add_memory(&vm, 1, AT, 32 * MIB, p, 0), 0);
	vcpu_start(&vm.vcpu[0], guest_sweeps, 32 * MIB);
	expect(vcpu_run_done(&vm.vcpu[0], &wrong));
	expect_eq(wrong, 0);
	for (uint64_t i = 0; i < 32 * MIB; i += PAGE)
		missed += *(uint64_t *)(p + i) != (i ^ 0x5555);
	expect_eq(missed, 0);
	vm_destroy(&vm);
	munmap(p, 32 * MIB);
}

TEST(a_deleted_slot_is_nobodys_address)
{
	char *p = area(MIB);
	uint64_t v;

	vm_create(&vm, 1);
	expect_eq(vm_add_memory(&vm, 1, AT, MIB, p, 0), 0);
	vcpu_start(&vm.vcpu[0], guest_bumps, AT);
	expect(vcpu_run_done(&vm.vcpu[0], &v));
	expect_eq(vm_add_memory(&vm, 1, AT, 0, p, 0), 0);
	expect_eq(vcpu_run(&vm.vcpu[0]), 0);
	expect(exit_is_read(&vm.vcpu[0], AT, 8));
	vm_destroy(&vm);
	munmap(p, MIB);
}

TEST(a_read_only_slot_reads_and_its_writes_leave)
{
	char *p = area(MIB);

	vm_create(&vm, 1);
	*(uint64_t *)p = 7;
	expect_eq(vm_add_memory(&vm, 1, AT, MIB, p, KVM_MEM_READONLY), 0);
	vcpu_start(&vm.vcpu[0], guest_bumps, AT);
	expect_eq(vcpu_run(&vm.vcpu[0]), 0);
	expect(exit_is_write(&vm.vcpu[0], AT, 8, 8));
	expect_eq(*(uint64_t *)p, 7);
	vm_destroy(&vm);
	munmap(p, MIB);
}

TEST(two_slots_show_the_same_memory)
{
	char *p = area(MIB);
	uint64_t v;

	vm_create(&vm, 1);
	expect_eq(vm_add_memory(&vm, 1, AT, MIB, p, 0), 0);
	expect_eq(vm_add_memory(&vm, 2, AT + 64 * MIB, MIB, p, 0), 0);
	vcpu_start(&vm.vcpu[0], guest_bumps, AT + 8);
	expect(vcpu_run_done(&vm.vcpu[0], &v));
	vcpu_start(&vm.vcpu[0], guest_bumps, AT + 64 * MIB + 8);
	expect(vcpu_run_done(&vm.vcpu[0], &v));
	expect_eq(v, 1);
	vm_destroy(&vm);
	munmap(p, MIB);
}

/* Reports a change of *AT by counting answers; ends when it reads 99. */
static GUEST void guest_watches(uint64_t arg)
{
	uint64_t last = arg, now;

	while ((now = mmio_read64(AT)) != 99) {
		if (now != last) {
			last = now;
			value = now;
			dsb();
			answers++;
		}
	}
	guest_done(answers);
}

static bool wait_answers(uint64_t n)
{
	for (int i = 0; i < 5000 && guest_view(&vm, answers) < n; i++)
		sleep_ms(1);
	return expect_eq(guest_view(&vm, answers), n);
}

TEST(a_running_guest_sees_pages_replaced)
{
	char *p = area(4 * MIB), *page = p + 2 * MIB;
	uint64_t done;

	vm_create(&vm, 1);
	expect_eq(vm_add_memory(&vm, 1, AT, 2 * MIB, page, 0), 0);
	*(uint64_t *)page = 5;
	vcpu_thread_start(&vm.vcpu[0], guest_watches, 0);
	expect(wait_answers(1));
	expect_eq(guest_view(&vm, value), 5);
	/* Dropped by madvise: zero again, so no answer... */
	madvise(page, PAGE, MADV_DONTNEED);
	*(uint64_t *)page = 6;
	for (int i = 0; i < 5000 && guest_view(&vm, value) != 6; i++)
		sleep_ms(1);
	expect_eq(guest_view(&vm, value), 6);
	/* ... and mapped anew. */
	mmap(page, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	*(uint64_t *)page = 7;
	for (int i = 0; i < 5000 && guest_view(&vm, value) != 7; i++)
		sleep_ms(1);
	expect_eq(guest_view(&vm, value), 7);
	*(uint64_t *)page = 99;
	expect(vcpu_thread_join(&vm.vcpu[0], &done));
	vm_destroy(&vm);
	munmap(p, 4 * MIB);
}

static atomic_bool enough;

/* The lowest slot goes and comes: the others take another place in the order. */
static void *change_slots(void *low)
{
	while (!enough) {
		expect_eq(vm_add_memory(&vm, 1, AT - PAGE, 0, low, 0), 0);
		expect_eq(vm_add_memory(&vm, 1, AT - PAGE, PAGE, low, 0), 0);
	}
	return NULL;
}

enum { PLACES = 40 };

/* x0: how many pages, every other one from AT on. Reports their sum, and puts 1 in each. */
static GUEST void guest_sums(uint64_t count)
{
	for (;;) {
		uint64_t sum = 0;

		for (uint64_t i = 0; i < count; i++) {
			sum += mmio_read64(AT + i * 2 * PAGE);
			mmio_write64(AT + i * 2 * PAGE, 1);
		}
		guest_done(sum);
	}
}

TEST(slots_that_change_hide_no_page_that_goes)
{
	char *p = area(MIB);
	uint64_t stale = 0, sum;
	pthread_t thread;

	vm_create(&vm, 1);
	for (unsigned i = 0; i < PLACES; i++)
		expect_eq(vm_add_memory(&vm, 2 + i, AT + i * 2 * PAGE, PAGE, p + (1 + i) * PAGE, 0),
			  0);
	expect_eq(vm_add_memory(&vm, 1, AT - PAGE, PAGE, p, 0), 0);
	vcpu_start(&vm.vcpu[0], guest_sums, PLACES);
	enough = false;
	require(!pthread_create(&thread, NULL, change_slots, p));
	for (unsigned n = 0; n < 300; n++) {
		sum = 1;
		expect(vcpu_run_done(&vm.vcpu[0], &sum));
		stale += sum;
		madvise(p + PAGE, PLACES * PAGE, MADV_DONTNEED);
	}
	enough = true;
	pthread_join(thread, NULL);
	expect_eq(stale, 0);
	vm_destroy(&vm);
	munmap(p, MIB);
}

TEST(memory_that_is_not_there_stops_the_vcpu)
{
	char *p = area(MIB);

	vm_create(&vm, 1);
	expect_eq(vm_add_memory(&vm, 1, AT, MIB, p, 0), 0);
	munmap(p, MIB);
	vcpu_start(&vm.vcpu[0], guest_bumps, AT);
	expect_eq(vcpu_run(&vm.vcpu[0]), -EFAULT);
	expect_eq(vcpu_run(&vm.vcpu[0]), -EFAULT);
	/* Mapped again at the same place, the guest goes on. */
	mmap(p, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	*(uint64_t *)p = 3;
	uint64_t v = 0;
	expect(vcpu_run_done(&vm.vcpu[0], &v));
	expect_eq(v, 3);
	vm_destroy(&vm);
	munmap(p, MIB);
}

TEST(memory_the_vmm_may_only_read_is_not_written)
{
	char *p = area(MIB);

	vm_create(&vm, 1);
	*(uint64_t *)p = 3;
	mprotect(p, MIB, PROT_READ);
	expect_eq(vm_add_memory(&vm, 1, AT, MIB, p, 0), 0);
	vcpu_start(&vm.vcpu[0], guest_bumps, AT);
	expect_eq(vcpu_run(&vm.vcpu[0]), -EFAULT);
	expect_eq(*(uint64_t *)p, 3);
	vm_destroy(&vm);
	munmap(p, MIB);
}
