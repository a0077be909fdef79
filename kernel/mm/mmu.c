/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stage 1 of EL2&0 and the TLB maintenance of both stages. The kernel's table is written in boot
 * and grows by stacks and devices under kernel_lock; programs' tables belong to
 * linux/space/space.c; ASIDs are handed out under asid_lock. DDI 0487: D8 (translation), D8.14 (TLB
 * maintenance).
 *
 * TLB operations for EL2&0 entries act at HCR_EL2.TGE = 1, those for guests' entries at TGE = 0
 * with the guest's VTTBR_EL2; the kernel runs with either, so each goes through regime_enter() and
 * regime_leave(), masked.
 */
#include "mm/mmu.h"

#include <linux/errno.h>

#include "arch/cpu.h"
#include "arch/irq.h"
#include "arch/spinlock.h"
#include "arch/sysreg.h"
#include "lib/check.h"
#include "mm/page.h"

/* boot/kernel.ld */
extern char image_start[], text_end[], rodata_end[], image_end[];
/* boot/head.S: to another TTBR1_EL2, by way of the identity map */
void mmu_replace_kernel_root(uint64_t ttbr1);

static struct pagetable kernel_table; /* covered by kernel_lock after boot */
static struct spinlock kernel_lock;
static struct idspace asids; /* covered by asid_lock */
static struct spinlock asid_lock;
static uint64_t empty_root;		     /* a page of zeroes: TTBR0_EL2 of no program */
static struct mmu_context *active[MAX_CPUS]; /* written by that CPU, masked */

/* ---- the kernel's own map ---- */

static void map_image(uint64_t va, pa_t pa, uint64_t size, uint64_t attrs)
{
	int err = pagetable_map_range(&kernel_table, va, pa, size, attrs);

	check(!err);
}

/* The linear map of [start, end), leaving out the image's read-only part, which gets a read-only
 * alias. */
static void map_linear(pa_t start, pa_t end, pa_t image)
{
	uint64_t ro_end = image.v + (uint64_t)(rodata_end - image_start);

	if (image.v < start.v || image.v >= end.v) {
		map_image(LINEAR_BASE + start.v, start, end.v - start.v, PTE_KERNEL_RW);
		return;
	}
	if (image.v > start.v)
		map_image(LINEAR_BASE + start.v, start, image.v - start.v, PTE_KERNEL_RW);
	map_image(LINEAR_BASE + image.v, image, ro_end - image.v, PTE_KERNEL_RW | PTE_RDONLY);
	map_image(LINEAR_BASE + ro_end, (pa_t){ ro_end }, end.v - ro_end, PTE_KERNEL_RW);
}

void mmu_init(const struct mmu_region *ram, unsigned count, pa_t image)
{
	uint64_t va = (uint64_t)image_start, text = (uint64_t)(text_end - image_start);
	uint64_t rodata = (uint64_t)(rodata_end - image_start);
	uint64_t size = (uint64_t)(image_end - image_start);
	int err = pagetable_init(&kernel_table, 48, false);

	check(!err);
	for (unsigned n = 0; n < count; n++)
		map_linear(ram[n].start, ram[n].end, image);
	map_image(va, image, text, (PTE_KERNEL_RW & ~PTE_PXN) | PTE_RDONLY);
	map_image(va + text, (pa_t){ image.v + text }, rodata - text, PTE_KERNEL_RW | PTE_RDONLY);
	map_image(va + rodata, (pa_t){ image.v + rodata }, size - rodata, PTE_KERNEL_RW);
	empty_root = va_to_pa(page_alloc_zeroed(0)).v;
	err = idspace_init(&asids, cpu_has(CPU_ASID16) ? 16 : 8, MAX_CPUS);
	check(!err);
	mmu_cpu_init();
}

pa_t mmu_kernel_root(void)
{
	return kernel_table.root;
}

/* Leave the tables of head.S. */
void mmu_cpu_init(void)
{
	dsb(ish);
	mmu_replace_kernel_root(kernel_table.root.v);
	sysreg_write(ttbr0_el2, empty_root);
	isb();
	__asm__ volatile("tlbi alle2\n\tdsb nsh\n\tisb" ::: "memory");
}

/* One leaf of a device's map at address at: a block if it fits. What is mapped already (two devices
 * in one page) is the same. Returns its size, 0: no memory. */
static uint64_t map_device_leaf(uint64_t at, uint64_t end) HOLDS(kernel_lock)
{
	uint64_t attrs = PTE_AF | PTE_PXN | PTE_UXN | PTE_ATTR(MAIR_DEVICE), hole, size = PAGE_SIZE;

	if (pagetable_lookup(&kernel_table, LINEAR_BASE + at, &hole))
		return PAGE_SIZE;
	if (hole >= BLOCK_SIZE && is_aligned(at, BLOCK_SIZE) && end - at >= BLOCK_SIZE)
		size = BLOCK_SIZE;
	return pagetable_map(&kernel_table, LINEAR_BASE + at, (pa_t){ at }, size, attrs, NULL)
		       ? 0
		       : size;
}

void *mmu_map_device(pa_t pa, uint64_t size)
{
	uint64_t at = align_down(pa.v, PAGE_SIZE), end = align_up(pa.v + size, PAGE_SIZE);
	uint64_t leaf = PAGE_SIZE;

	for (; at < end && leaf; at += leaf) {
		uint64_t daif = spin_lock_irqsave(&kernel_lock);

		leaf = map_device_leaf(at, end);
		spin_unlock_irqrestore(&kernel_lock, daif);
	}
	mmu_publish();
	return leaf ? pa_to_va(pa) : NULL;
}

int mmu_map_kernel_page(uint64_t va, pa_t pa, uint64_t attrs)
{
	uint64_t daif = spin_lock_irqsave(&kernel_lock);
	int err = pagetable_map(&kernel_table, va, pa, PAGE_SIZE, attrs, NULL);

	spin_unlock_irqrestore(&kernel_lock, daif);
	mmu_publish();
	return err;
}

/* ---- programs ---- */

int mmu_context_init(struct mmu_context *mmu)
{
	mmu->asid.v = 0;
	return pagetable_init(&mmu->table, 48, false);
}

/* Runs on each CPU: whatever is loaded there of this context goes. */
static void mmu_forget(void *arg)
{
	if (active[cpu_id()] == arg)
		mmu_activate(NULL);
}

void mmu_context_destroy(struct mmu_context *mmu)
{
	for (unsigned cpu = 0; cpu < cpu_count(); cpu++) {
		/* A hint is enough: nobody can load it any more. */
		if (__atomic_load_n(&active[cpu], __ATOMIC_RELAXED) == mmu)
			cpu_call(cpu, mmu_forget, mmu);
	}
	tlb_flush_user(mmu);
	pagetable_destroy(&mmu->table);
}

void mmu_activate(struct mmu_context *mmu)
{
	unsigned cpu = cpu_id();
	uint64_t ttbr;
	bool flush;

	if (active[cpu] == mmu)
		return;
	__atomic_store_n(&active[cpu], mmu, __ATOMIC_RELAXED);
	if (!mmu) {
		sysreg_write(ttbr0_el2, empty_root); /* ASID 0 is nobody's */
		isb();
		return;
	}
	if (!idspace_try_activate(&asids, &mmu->asid, cpu)) {
		spin_lock(&asid_lock);
		flush = idspace_activate(&asids, &mmu->asid, cpu);
		spin_unlock(&asid_lock);
		if (flush)
			__asm__ volatile("tlbi alle2\n\tdsb nsh" ::: "memory");
		/* the number, before this CPU walks the tables with it; partner: tlb_flush_user()
		 */
		dsb(ish);
	}
	ttbr = mmu->table.root.v | field_set(TTBR_ASID, idspace_number(&asids, &mmu->asid));
	sysreg_write(ttbr0_el2, ttbr);
	isb();
}

/* ---- TLB maintenance ---- */

struct regime {
	uint64_t daif, hcr, vttbr;
};

/* Mask and set HCR_EL2.TGE (host) or clear it with this VTTBR_EL2 (guest). */
static struct regime regime_enter(bool host, uint64_t vttbr)
{
	struct regime old = { irq_save(), sysreg_read(hcr_el2), 0 };

	if (!host) {
		old.vttbr = sysreg_read(vttbr_el2);
		sysreg_write(vttbr_el2, vttbr);
		sysreg_write(hcr_el2, HCR_BASE | HCR_VM);
		isb();
	} else if (!(old.hcr & HCR_TGE)) {
		sysreg_write(hcr_el2, HCR_HOST);
		isb();
	}
	return old;
}

static void regime_leave(struct regime old, bool host)
{
	if (!host)
		sysreg_write(vttbr_el2, old.vttbr);
	sysreg_write(hcr_el2, old.hcr);
	isb();
	irq_restore(old.daif);
}

#define TLBI_ASID_SHIFT 48

static uint64_t clear_leaf(void *arg, uint64_t va, uint64_t size, uint64_t desc)
{
	(void)va, (void)size;
	*(pa_t *)arg = (pa_t){ desc & PTE_ADDRESS };
	return 0;
}

/* By VAAE1IS at TGE = 1 and not by VAE2IS, which is the same: QEMU 7.2 forgets nothing at that. */
pa_t mmu_unmap_kernel_page(uint64_t va)
{
	uint64_t daif = spin_lock_irqsave(&kernel_lock);
	struct regime old;
	pa_t pa = { 0 };

	pagetable_walk(&kernel_table, va, PAGE_SIZE, clear_leaf, &pa);
	spin_unlock_irqrestore(&kernel_lock, daif);
	dsb(ishst); /* the descriptor, before the invalidation */
	old = regime_enter(true, 0);
	__asm__ volatile("tlbi vaae1is, %0" ::"r"(va >> PAGE_SHIFT & BITS(43, 0)));
	dsb(ish);
	regime_leave(old, true);
	return pa;
}

void tlb_flush_user_page(struct mmu_context *mmu, uint64_t va)
{
	uint64_t asid = idspace_number(&asids, &mmu->asid);
	struct regime old;

	dsb(ishst); /* the descriptor, before the invalidation */
	old = regime_enter(true, 0);
	__asm__ volatile("tlbi vae1is, %0" ::"r"(asid << TLBI_ASID_SHIFT |
						 (va >> PAGE_SHIFT & BITS(43, 0))));
	dsb(ish);
	regime_leave(old, true);
}

void tlb_flush_user(struct mmu_context *mmu)
{
	uint64_t asid = idspace_number(&asids, &mmu->asid);
	struct regime old;

	dsb(ishst);
	old = regime_enter(true, 0);
	__asm__ volatile("tlbi aside1is, %0" ::"r"(asid << TLBI_ASID_SHIFT));
	dsb(ish);
	regime_leave(old, true);
}

void tlb_flush_stage2_ipa(uint64_t vttbr, ipa_t ipa)
{
	struct regime old;

	dsb(ishst);
	old = regime_enter(false, vttbr);
	/* Stage 2 entries by IPA, then the combined ones, which are found by no IPA (D8.14.5). */
	__asm__ volatile("tlbi ipas2e1is, %0" ::"r"(ipa.v >> PAGE_SHIFT));
	dsb(ish);
	__asm__ volatile("tlbi vmalle1is");
	dsb(ish);
	regime_leave(old, false);
}

void tlb_flush_stage2_all(uint64_t vttbr)
{
	struct regime old;

	dsb(ishst);
	old = regime_enter(false, vttbr);
	__asm__ volatile("tlbi vmalls12e1is");
	dsb(ish);
	regime_leave(old, false);
}

void tlb_flush_all_guests(void)
{
	dsb(ishst);
	__asm__ volatile("tlbi alle1is");
	dsb(ish);
	isb();
}

#define CTR_DMINLINE BITS(19, 16)

void cache_sync_code(const void *va, uint64_t size)
{
	uint64_t line = 4ull << field_get(CTR_DMINLINE, sysreg_read(ctr_el0));
	uint64_t end = (uint64_t)va + size;

	for (uint64_t at = align_down((uint64_t)va, line); at < end; at += line)
		__asm__ volatile("dc cvau, %0" ::"r"(at) : "memory");
	dsb(ish);
	__asm__ volatile("ic ialluis");
	dsb(ish);
	isb();
}
