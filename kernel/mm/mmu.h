/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stage 1 of the EL2&0 regime and TLB maintenance for both stages.
 * TTBR1_EL2 maps the kernel, TTBR0_EL2 the current program (48 bits each, ASID in TTBR0).
 */
#pragma once

#include "lib/types.h"
#include "mm/pagetable.h"
#include "mm/idspace.h"

/* Indices into MAIR_EL2. */
enum mair {
	MAIR_NORMAL, /* write-back, read and write allocate */
	MAIR_DEVICE, /* nGnRE */
	MAIR_NORMAL_NC,
};

#define PTE_KERNEL_RW (PTE_AF | PTE_INNER_SH | PTE_ATTR(MAIR_NORMAL) | PTE_PXN | PTE_UXN)

/* What the hardware needs to run a program: embedded in linux/space/space.h's struct space. */
struct mmu_context {
	struct pagetable table;
	struct id_tag asid;
};

int mmu_context_init(struct mmu_context *mmu);
/* Nothing runs on it any more: forget it on every CPU and free its tables. */
void mmu_context_destroy(struct mmu_context *mmu);
/* Make it this CPU's TTBR0_EL2; NULL: an empty one. Masked. */
void mmu_activate(struct mmu_context *mmu);

/* A device's registers, mapped for ever; NULL: no memory. */
void *mmu_map_device(pa_t pa, uint64_t size);
/* Map one page at va in the kernel's half (thread stacks). -ENOMEM. */
int mmu_map_kernel_page(uint64_t va, pa_t pa, uint64_t attrs);
/* Such a page is no longer mapped on any CPU; which it was. */
pa_t mmu_unmap_kernel_page(uint64_t va);
#define KERNEL_STACKS 0xffff900000000000ull /* sched/stack.c */

/* Order descriptor stores that made something valid before the accesses that need it, here and on
 * other CPUs' table walkers. */
static inline void mmu_publish(void)
{
	__asm__ volatile("dsb ishst\n\tisb" ::: "memory");
}

/* After a change to a program's live descriptors. All CPUs; the entries are gone when it returns.
 */
void tlb_flush_user_page(struct mmu_context *mmu, uint64_t va);
void tlb_flush_user(struct mmu_context *mmu);
/* Instruction fetch sees what was written at [va, va + size) (kernel address): DC CVAU, IC IALLU.
 */
void cache_sync_code(const void *va, uint64_t size);

/* Stage 2, for one VM by its VTTBR_EL2 value (with VMID); usable with any owner of the guest bank
 * and in either cpu_mode: the CPU's VTTBR_EL2 and HCR_EL2 are put back. */
void tlb_flush_stage2_ipa(uint64_t vttbr, ipa_t ipa);
void tlb_flush_stage2_all(uint64_t vttbr);
void tlb_flush_all_guests(void); /* ALLE1IS: VMID rollover */

/* Boot. mmu_init(): the final kernel table (all of RAM, the image by its sections) from
 * page_alloc(), and to it; mmu_cpu_init(): the same on another CPU. */
struct mmu_region {
	pa_t start, end;
};
void mmu_init(const struct mmu_region *ram, unsigned count, pa_t image);
pa_t mmu_kernel_root(void);
void mmu_cpu_init(void);
