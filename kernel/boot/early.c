/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * C that runs with the MMU off, before it is known what the CPU can do: built for Armv8.0 with
 * -mstrict-align, touches only its own stack, the tables of head.S, the device tree and the
 * console. It either makes the first page tables or says why Stet does not start here.
 */
#include "lib/bits.h"
#include "lib/types.h"
#include "mm/mmu.h"
#include "mm/page.h"
#include "mm/pagetable.h"

/* The order is head.S's. */
enum refusal { NOT_AT_EL2, NO_VHE, NO_TREE, NO_GICV3, BAD_TREE, REFUSALS };

/* head.S */
extern uint64_t boot_id_l0[], boot_id_l1[], boot_id_l2[], boot_ttbr1[], boot_linear_l1[];
extern uint64_t boot_image_l1[], boot_image_l2[], boot_image_l3[];
extern char image_start[], text_end[], rodata_end[], data_end[], image_end[];

uint64_t boot_console_gib; /* for boot.c: which gigabyte early_tables() has mapped for it, or 1 */

unsigned long early_check_tree(const uint8_t *fdt);
void early_tables(uint64_t fdt);
_Noreturn void early_refuse(const uint8_t *fdt, unsigned long why);

#define LEAST_LINE   16 /* of a data cache, in bytes */
#define L0_INDEX(va) ((va) >> 39 & 511)
#define L1_INDEX(va) ((va) >> 30 & 511)
#define L2_INDEX(va) ((va) >> 21 & 511)
#define NORMAL	     (PTE_VALID | PTE_AF | PTE_INNER_SH) /* MAIR_NORMAL is 0 */
#define TABLE	     (PTE_VALID | PTE_TABLE)
#define IMAGE_VA     0xffff800000000000ull

/* Byte by byte, since memory is Device while the MMU is off; and not by libfdt, whose archive is
 * built to find its data through addresses that the MMU makes true. */
static uint32_t tree_word(const uint8_t *fdt, unsigned offset)
{
	const uint8_t *p = fdt + offset;

	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

#define TREE_MAGIC	 0xd00dfeed
#define TREE_STRUCT	 8  /* off_dt_struct */
#define TREE_STRUCT_SIZE 36 /* size_dt_struct */
#define TREE_HEADER	 40

/* Where text stands in the structure block (names of nodes and values of properties), behind it; or
 * NULL. */
static const uint8_t *tree_find(const uint8_t *fdt, const char *text)
{
	const uint8_t *at = fdt + tree_word(fdt, TREE_STRUCT);
	const uint8_t *end = at + tree_word(fdt, TREE_STRUCT_SIZE);

	for (; at < end; at++) {
		unsigned n = 0;

		while (text[n] && at + n < end && at[n] == (uint8_t)text[n])
			n++;
		if (!text[n])
			return at + n;
	}
	return NULL;
}

/* Whoever started us may have this part of the tree in a cache still: only the image has to be in
 * memory. */
static void tree_clean(const uint8_t *fdt, unsigned from, unsigned size)
{
	uint64_t at = align_down((uint64_t)fdt + from, LEAST_LINE),
		 end = (uint64_t)fdt + from + size;

	for (; at < end; at += LEAST_LINE)
		__asm__ volatile("dc civac, %0" ::"r"(at) : "memory");
	__asm__ volatile("dsb sy" ::: "memory");
}

/* 0, or why not. */
unsigned long early_check_tree(const uint8_t *fdt)
{
	tree_clean(fdt, 0, TREE_HEADER);
	if (tree_word(fdt, 0) != TREE_MAGIC)
		return BAD_TREE;
	tree_clean(fdt, tree_word(fdt, TREE_STRUCT), tree_word(fdt, TREE_STRUCT_SIZE));
	return tree_find(fdt, "arm,gic-v3") ? 0 : NO_GICV3;
}

#define VIRT_UART 0x09000000ull /* where QEMU's virt has it, if no tree says otherwise */

/* The console's address, from its node's name. */
static volatile uint32_t *early_uart(const uint8_t *fdt)
{
	const uint8_t *digit;
	uint64_t address = 0;

	digit = fdt && tree_word(fdt, 0) == TREE_MAGIC ? tree_find(fdt, "pl011@") : NULL;
	if (!digit)
		return (volatile uint32_t *)VIRT_UART;
	for (; (*digit >= '0' && *digit <= '9') || (*digit >= 'a' && *digit <= 'f'); digit++)
		address = address * 16 + (uint64_t)(*digit - (*digit <= '9' ? '0' : 'a' - 10));
	return (volatile uint32_t *)address;
}

static void map_image(uint64_t from, uint64_t to, uint64_t attrs)
{
	uint64_t start =
		(uint64_t)image_start; /* physical: the code is addressed relative to itself */

	for (uint64_t at = from; at < to; at += PAGE_SIZE)
		boot_image_l3[(at - start) >> PAGE_SHIFT] = at | NORMAL | PTE_TABLE | attrs;
}

static void map_linear_gib(uint64_t pa)
{
	boot_linear_l1[L1_INDEX(pa)] = align_down(pa, BIT(30)) | NORMAL | PTE_PXN | PTE_UXN;
}

/* As a device, unless it holds memory that is mapped already. */
static void map_console_gib(uint64_t pa)
{
	uint64_t *slot = &boot_linear_l1[L1_INDEX(pa)], gib = align_down(pa, BIT(30));

	boot_console_gib = 1;
	if (*slot || L0_INDEX(pa))
		return;
	*slot = gib | PTE_VALID | PTE_AF | PTE_ATTR(MAIR_DEVICE) | PTE_PXN | PTE_UXN;
	boot_console_gib = gib;
}

/* The identity map of the image (2 MiB, executable, not writable), the image at its virtual address
 * by sections, and a linear map of the gigabytes that hold the image, the device tree and the
 * console, for boot_main() until mmu_init(). */
void early_tables(uint64_t fdt)
{
	uint64_t start = (uint64_t)image_start;

	boot_id_l0[L0_INDEX(start)] = (uint64_t)boot_id_l1 | TABLE;
	boot_id_l1[L1_INDEX(start)] = (uint64_t)boot_id_l2 | TABLE;
	boot_id_l2[L2_INDEX(start)] = align_down(start, BLOCK_SIZE) | NORMAL | PTE_RDONLY | PTE_UXN;

	boot_ttbr1[L0_INDEX(IMAGE_VA)] = (uint64_t)boot_image_l1 | TABLE;
	boot_image_l1[L1_INDEX(IMAGE_VA)] = (uint64_t)boot_image_l2 | TABLE;
	boot_image_l2[L2_INDEX(IMAGE_VA)] = (uint64_t)boot_image_l3 | TABLE;
	map_image(start, (uint64_t)text_end, PTE_RDONLY | PTE_UXN);
	map_image((uint64_t)text_end, (uint64_t)rodata_end, PTE_RDONLY | PTE_PXN | PTE_UXN);
	map_image((uint64_t)rodata_end, (uint64_t)image_end, PTE_PXN | PTE_UXN);

	boot_ttbr1[L0_INDEX(LINEAR_BASE)] = (uint64_t)boot_linear_l1 | TABLE;
	map_linear_gib(start);
	map_linear_gib(fdt);
	map_linear_gib(fdt + BLOCK_SIZE - 1);
	map_console_gib((uint64_t)early_uart((const uint8_t *)fdt));
	/* A cache may hold older lines of what was written past it, bss and these tables: they go.
	 * The barrier, as maintenance is not ordered behind accesses with the MMU off. */
	__asm__ volatile("dmb sy" ::: "memory");
	for (uint64_t at = (uint64_t)data_end; at < (uint64_t)image_end; at += LEAST_LINE)
		__asm__ volatile("dc ivac, %0" ::"r"(at) : "memory");
	__asm__ volatile("dsb sy" ::: "memory");
}

/* ---- refusing in words ---- */

#define UART_DR	     0x00
#define UART_FR	     0x18
#define UART_FR_TXFF BIT(5)
#define PSCI_OFF     UINT64_C(0x84000008)

static void early_puts(volatile uint32_t *uart, const char *text)
{
	for (; *text; text++) {
		while (uart[UART_FR / 4] & UART_FR_TXFF)
			;
		uart[UART_DR / 4] = (uint32_t)*text;
	}
}

/* A chain of ifs and no table: a table of pointers would hold virtual addresses. */
static const char *refusal_text(unsigned long why)
{
	if (why == NOT_AT_EL2)
		return "it was not entered at EL2. With QEMU: -M virt,virtualization=on";
	if (why == NO_VHE)
		return "this CPU has no VHE (Armv8.1). With QEMU: -cpu max, cortex-a76, a64fx";
	if (why == NO_TREE)
		return "no device tree was given in x0";
	if (why == NO_GICV3)
		return "the device tree has no GICv3. With QEMU: -M virt,gic-version=3";
	return "what x0 points at is no device tree";
}

void early_refuse(const uint8_t *fdt, unsigned long why)
{
	volatile uint32_t *uart = early_uart(fdt);

	early_puts(uart, "stet: cannot run here: ");
	early_puts(uart, refusal_text(why));
	early_puts(uart, "\r\n");
	if (why != NO_TREE && why != BAD_TREE) {
		if (tree_find(fdt, "hvc"))
			__asm__ volatile("mov x0, %0\n\thvc #0" ::"r"(PSCI_OFF)
					 : "x0", "x1", "x2", "x3");
		else
			__asm__ volatile("mov x0, %0\n\tsmc #0" ::"r"(PSCI_OFF)
					 : "x0", "x1", "x2", "x3");
	}
	for (;;)
		__asm__ volatile("wfi");
}
