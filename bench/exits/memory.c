/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stage-2 faults: a guest touches memory of a slot that it has not touched before, one word in each
 * 4 KiB page or each 2 MiB block. The memory has been touched by the VMM, so that the fault maps
 * and does nothing else, or it is new, and the fault also finds and zeroes a page. A row in which
 * the VMM touches new memory itself shows what that costs without any guest.
 */
#include <sys/mman.h>
#include "bench/exits/rows.h"

#define SLOT_IPA 0x80000000ul

enum { PAGE = 4096, BLOCK = 2 << 20 };

GUEST_INLINE void touch(uint64_t rounds, uint64_t step, enum fp fp)
{
	uint64_t begin = section_begin();

	for (uint64_t n = 0; n < rounds; n++) {
		guest_fp(fp);
		mmio_read8(SLOT_IPA + n * step);
	}
	guest_done(section_end(begin));
}

GUEST_INLINE void guest_touches_pages_with(uint64_t rounds, enum fp fp)
{
	touch(rounds, PAGE, fp);
}
GUEST_PAIR(guest_touches_pages)

static GUEST void guest_touches_blocks(uint64_t rounds)
{
	touch(rounds, BLOCK, FP_NOBODY);
}

/*
 * Memory whose address agrees with SLOT_IPA below 2 MiB, between guards. Pages are given so that no
 * aligned 2 MiB lie in them: both kernels would map those at once. NULL if there is none.
 */
static char *memory_new(uint64_t size)
{
	char *at = mmap(NULL, size + 2 * BLOCK, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		return NULL;
	at += -(uintptr_t)at % BLOCK;
	if (mprotect(at, size, PROT_READ | PROT_WRITE))
		return NULL;
	madvise(at, size, MADV_HUGEPAGE);
	return at;
}

static uint64_t faults(const struct row *row, uint64_t rounds, uint64_t step, bool touched)
{
	uint64_t size = rounds * step, ticks = 0;
	char *at = memory_new(size);

	if (!at || (step == PAGE && size >= BLOCK))
		return 0;
	for (uint64_t n = 0; touched && n < size; n += PAGE)
		*(volatile char *)(at + n) = 1;
	vm_create(&vm, 1);
	if (vm_add_gic(&vm, 64) == 0 && vm_add_memory(&vm, 1, SLOT_IPA, size, at, 0) == 0) {
		vcpu_start(&vm.vcpu[0], row->guest, rounds);
		vcpu_run_done(&vm.vcpu[0], &ticks);
	}
	vm_destroy(&vm);
	munmap(at, size);
	return ticks;
}

static uint64_t page_faults(const struct row *row, uint64_t rounds)
{
	return faults(row, rounds, PAGE, true);
}

static uint64_t new_page_faults(const struct row *row, uint64_t rounds)
{
	return faults(row, rounds, PAGE, false);
}

static uint64_t block_faults(const struct row *row, uint64_t rounds)
{
	return faults(row, rounds, BLOCK, true);
}

static uint64_t host_faults(const struct row *row, uint64_t rounds)
{
	char *at = memory_new(rounds * PAGE);
	uint64_t ticks;

	(void)row;
	if (!at || rounds * PAGE >= BLOCK)
		return 0;
	ticks = section_begin();
	for (uint64_t n = 0; n < rounds; n++)
		*(volatile char *)(at + n * PAGE) = 1;
	ticks = section_end(ticks);
	munmap(at, rounds * PAGE);
	return ticks;
}

static const struct row rows[] = {
	{ "stage2-4k", "stage-2 fault, 4 KiB, the VMM has the page", page_faults, 250,
	  guest_touches_pages, FP_NOBODY },
	{ "stage2-4k-guest-fp", "... the guest uses FP each round", page_faults, 250,
	  guest_touches_pages_fp, FP_GUEST },
	{ "stage2-4k-new", "... nobody has: the page is found and zeroed", new_page_faults, 250,
	  guest_touches_pages, FP_NOBODY },
	{ "host-4k-new", "the same page fault of the VMM itself", host_faults, 250, NULL,
	  FP_NOBODY },
	{ "stage2-2m", "stage-2 fault, 2 MiB, the VMM has the memory", block_faults, 16,
	  guest_touches_blocks, FP_NOBODY },
};
const struct row_list memory_rows = ROW_LIST(rows);
