/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest whose data accesses are big-endian (SCTLR_EL1.EE) at devices: those of the VMM and the
 * GIC, which is little-endian always. Linux: Documentation/virt/kvm/api.rst, KVM_EXIT_MMIO: data
 * holds the bytes as they would lie in memory. DDI 0487, D19.2.128.
 */
#include <string.h>
#include <unistd.h>
#include "tests/kvm/lib/gic.h"
#include "tests/kvm/lib/vm.h"

#define AT (GUEST_PORT + PORT_TEST)

static struct vm vm;
static volatile uint64_t results[8];

/* One instruction with big-endian data accesses; nothing else may touch memory meanwhile. */
#define big_endian(insn, x, at)                                                                    \
	({                                                                                         \
		uint64_t v_ = (x), kept_, set_;                                                    \
		__asm__ volatile("mrs %1, sctlr_el1\n\t"                                           \
				 "orr %2, %1, #(1 << 25)\n\t"                                      \
				 "msr sctlr_el1, %2\n\t"                                           \
				 "isb\n\t" insn "\n\t"                                             \
				 "msr sctlr_el1, %1\n\t"                                           \
				 "isb"                                                             \
				 : "+r"(v_), "=&r"(kept_), "=&r"(set_)                             \
				 : "r"(at)                                                         \
				 : "memory");                                                      \
		v_;                                                                                \
	})

static GUEST void guest_stores(uint64_t arg)
{
	(void)arg;
	big_endian("strb %w0, [%3]", 0x11223344, AT);
	big_endian("strh %w0, [%3]", 0x11223344, AT);
	big_endian("str %w0, [%3]", 0x11223344, AT);
	big_endian("str %x0, [%3]", 0x1122334455667788, AT);
	guest_done(1);
}

TEST(stores_leave_their_bytes_in_memory_order)
{
	static const struct {
		unsigned len;
		unsigned char bytes[8];
	} stores[] = {
		{ 1, { 0x44 } },
		{ 2, { 0x33, 0x44 } },
		{ 4, { 0x11, 0x22, 0x33, 0x44 } },
		{ 8, { 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88 } },
	};
	struct kvm_run *run;
	uint64_t done;

	vm_create(&vm, 1);
	run = vm.vcpu[0].run;
	vcpu_start(&vm.vcpu[0], guest_stores, 0);
	for (unsigned i = 0; i < 4; i++) {
		expect_eq(vcpu_run(&vm.vcpu[0]), 0);
		expect_eq(run->exit_reason, KVM_EXIT_MMIO);
		expect_eq(run->mmio.phys_addr, AT);
		expect_eq(run->mmio.len, stores[i].len);
		if (!expect(!memcmp(run->mmio.data, stores[i].bytes, stores[i].len)))
			tap_print("# %u bytes: %#lx\n", stores[i].len, *(long *)run->mmio.data);
	}
	expect(vcpu_run_done(&vm.vcpu[0], &done));
	vm_destroy(&vm);
}

static GUEST void guest_loads(uint64_t arg)
{
	(void)arg;
	results[0] = big_endian("ldrb %w0, [%3]", 0, AT);
	results[1] = big_endian("ldrh %w0, [%3]", 0, AT);
	results[2] = big_endian("ldrsh %x0, [%3]", 0, AT);
	results[3] = big_endian("ldr %w0, [%3]", 0, AT);
	results[4] = big_endian("ldrsw %x0, [%3]", 0, AT);
	results[5] = big_endian("ldr %x0, [%3]", 0, AT);
	guest_done(1);
}

TEST(loads_take_their_bytes_in_memory_order)
{
	static const uint64_t want[] = {
		0x81, 0x8102, 0xffffffffffff8102, 0x81020304, 0xffffffff81020304, 0x8102030405060708
	};
	static const unsigned char bytes[8] = { 0x81, 2, 3, 4, 5, 6, 7, 8 };
	uint64_t done;

	vm_create(&vm, 1);
	vcpu_start(&vm.vcpu[0], guest_loads, 0);
	for (unsigned i = 0; i < 6; i++) {
		expect_eq(vcpu_run(&vm.vcpu[0]), 0);
		expect_eq(vm.vcpu[0].run->exit_reason, KVM_EXIT_MMIO);
		memcpy(vm.vcpu[0].run->mmio.data, bytes, 8);
	}
	expect(vcpu_run_done(&vm.vcpu[0], &done));
	for (unsigned i = 0; i < 6; i++) {
		/* Linux 6.1 extends the sign before it turns the bytes around. */
		if ((i == 2 || i == 4) && !on_stet())
			continue;
		expect_eq(guest_view(&vm, results[i]), want[i]);
	}
	vm_destroy(&vm);
}

/* A big-endian operating system turns the values of little-endian devices around by itself. */
static GUEST void guest_uses_the_gic(uint64_t arg)
{
	uint64_t redist = gicr_sgi_base() - GICR_SGI;

	(void)arg;
	results[0] = mmio_read32(GUEST_GICD + GICD_TYPER);
	results[1] = __builtin_bswap32(
		(uint32_t)big_endian("ldr %w0, [%3]", 0, GUEST_GICD + GICD_TYPER));
	results[2] = mmio_read64(redist + GICR_TYPER);
	results[3] = __builtin_bswap64(big_endian("ldr %x0, [%3]", 0, redist + GICR_TYPER));
	big_endian("str %w0, [%3]", __builtin_bswap32(0xf0), GUEST_GICD + GICD_ISENABLER + 4);
	results[4] = mmio_read32(GUEST_GICD + GICD_ISENABLER + 4);
	big_endian("strb %w0, [%3]", 0xa8, GUEST_GICD + GICD_IPRIORITYR + 41);
	results[5] = mmio_read32(GUEST_GICD + GICD_IPRIORITYR + 40);
	big_endian("str %x0, [%3]", __builtin_bswap64(1), GUEST_GICD + GICD_IROUTER + 8 * 40);
	results[6] = mmio_read64(GUEST_GICD + GICD_IROUTER + 8 * 40);
	guest_done(1);
}

TEST(the_gic_is_little_endian)
{
	uint64_t done;

	vm_create(&vm, 2);
	expect_eq(vm_add_gic(&vm, 64), 0);
	vcpu_start(&vm.vcpu[1], guest_uses_the_gic, 0);
	expect(vcpu_run_done(&vm.vcpu[1], &done));
	expect_eq(guest_view(&vm, results[0]) & 31, 1);
	expect_eq(guest_view(&vm, results[1]), guest_view(&vm, results[0]));
	expect_eq(guest_view(&vm, results[2]) >> 32, 1);
	expect_eq(guest_view(&vm, results[3]), guest_view(&vm, results[2]));
	expect_eq(guest_view(&vm, results[4]), 0xf0);
	expect_eq(guest_view(&vm, results[5]), 0xa800);
	expect_eq(guest_view(&vm, results[6]), 1);
	vm_destroy(&vm);
}
