/* SPDX-License-Identifier: BSD-2-Clause */
/* Syndromes as QEMU and real cores give them, taken apart. */
#include "kvm/decode.h"

#include "tap.h"

#define DABT(iss) (0x24ull << 26 | 1ull << 25 | (iss))
#define IABT(iss) (0x20ull << 26 | 1ull << 25 | (iss))
#define ISV	  (1ull << 24)

TEST(word_store)
{
	struct guest_abort a;

	/* str w7, [x0] to IPA 0x9000018 */
	decode_abort(DABT(ISV | 2ull << 22 | 7ull << 16 | 1 << 6 | 0x06), 0xffff800000001018,
		     0x90000, &a);
	expect_eq(a.ipa.v, 0x9000018);
	expect_eq(a.kind, ABORT_TRANSLATION);
	expect(a.write && a.syndrome && !a.fetch && !a.walk && !a.cache_op);
	expect_eq(mmio_bytes(a.mmio), 4);
	expect_eq(mmio_reg(a.mmio), 7);
	expect_eq(a.mmio.ipa.v, 0x9000018);
	expect(mmio_is_store(a.mmio));
	expect_eq(mmio_extend(a.mmio, 0x1122334485667788), 0x85667788);
	expect_eq(mmio_cut(a.mmio, 0x1122334485667788), 0x85667788);
}

TEST(signed_byte_load_to_x)
{
	struct guest_abort a;

	decode_abort(DABT(ISV | 1ull << 21 | 31ull << 16 | 1 << 15 | 0x07), 0x3, 0x10, &a);
	expect_eq(a.ipa.v, 0x1003);
	expect_eq(mmio_bytes(a.mmio), 1);
	expect_eq(mmio_reg(a.mmio), 31);
	expect(!mmio_is_store(a.mmio));
	expect_eq(mmio_extend(a.mmio, 0x1180), 0xffffffffffffff80);
}

TEST(plain_accesses_are_told_by_one_mask)
{
	expect(decode_is_access(DABT(ISV | 0x04)));
	expect(decode_is_access(DABT(ISV | 2ull << 22 | 7ull << 16 | 1 << 6 | 0x07)));
	expect(!decode_is_access(DABT(0x06)));		     /* no syndrome */
	expect(!decode_is_access(DABT(ISV | 0x0f)));	     /* permission */
	expect(!decode_is_access(DABT(ISV | 0x10)));	     /* external */
	expect(!decode_is_access(DABT(ISV | 0x21)));	     /* alignment */
	expect(!decode_is_access(DABT(ISV | 1 << 7 | 0x06))); /* table walk */
	expect(!decode_is_access(DABT(ISV | 1 << 8 | 0x06))); /* cache maintenance */
	expect(!decode_is_access(IABT(0x06)));
}

TEST(pair_has_no_syndrome)
{
	struct guest_abort a;

	decode_abort(DABT(1 << 6 | 0x07), 0x8, 0x10, &a);
	expect(!a.syndrome);
	expect(a.write);
}

TEST(table_walk)
{
	struct guest_abort a;

	decode_abort(DABT(1 << 7 | 0x05), 0xffff800012345678, 0x80010, &a);
	expect(a.walk && !a.syndrome);
	expect_eq(a.ipa.v, 0x8001000);
	expect_eq(a.far, 0xffff800012345678);
}

TEST(fetch)
{
	struct guest_abort a;

	decode_abort(IABT(0x06), 0x80000abc, 0x800000, &a);
	expect(a.fetch && !a.write && !a.syndrome);
	expect_eq(a.ipa.v, 0x80000abc);
}

TEST(cache_maintenance_is_no_write)
{
	struct guest_abort a;

	decode_abort(DABT(1 << 8 | 1 << 6 | 0x06), 0x40, 0x10, &a);
	expect(a.cache_op && !a.write);
}

TEST(kinds)
{
	static const struct {
		uint8_t fsc;
		enum abort_kind kind;
	} cases[] = {
		{ 0x04, ABORT_TRANSLATION }, { 0x07, ABORT_TRANSLATION },
		{ 0x09, ABORT_ACCESS_FLAG }, { 0x0d, ABORT_PERMISSION },
		{ 0x0f, ABORT_PERMISSION },  { 0x10, ABORT_EXTERNAL },
		{ 0x15, ABORT_EXTERNAL },    { 0x00, ABORT_OTHER },
		{ 0x21, ABORT_OTHER },	     { 0x30, ABORT_OTHER },
	};
	struct guest_abort a;

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		decode_abort(DABT(cases[i].fsc), 0, 0, &a);
		expect_eq(a.kind, cases[i].kind);
	}
	expect(decode_hpfar_valid(DABT(0x06)));
	expect(!decode_hpfar_valid(DABT(0x0f)));
	expect(decode_hpfar_valid(DABT(1 << 7 | 0x0f)));
}

TEST(system_registers)
{
	/* msr icc_sgi1r_el1, x5: 3 0 12 11 5 */
	struct sysreg_access a = decode_sysreg(0x18ull << 26 | 1 << 25 | 3 << 20 | 5 << 17 |
					       0 << 14 | 12 << 10 | 5 << 5 | 11 << 1);

	expect_eq(a.reg, SYSREG(3, 0, 12, 11, 5));
	expect_eq(a.rt, 5);
	expect(a.write);
	expect(decode_is_sgi(0x18ull << 26 | 1 << 25 | 3 << 20 | 5 << 17 | 12 << 10 | 31 << 5 | 11 << 1));
	expect(!decode_is_sgi(0x18ull << 26 | 3 << 20 | 5 << 17 | 12 << 10 | 11 << 1 | 1)); /* MRS */
	expect(!decode_is_sgi(0x18ull << 26 | 3 << 20 | 6 << 17 | 12 << 10 | 11 << 1)); /* ASGI1R */
	expect(!decode_is_sgi(0x18ull << 26 | 3 << 20 | 5 << 17 | 1 << 14 | 12 << 10 | 11 << 1));
	/* mrs x0, id_aa64pfr0_el1: 3 0 0 4 0 */
	a = decode_sysreg(0x18ull << 26 | 1 << 25 | 3 << 20 | 4 << 1 | 1);
	expect_eq(a.reg, SYSREG(3, 0, 0, 4, 0));
	expect_eq(a.rt, 0);
	expect(!a.write);
}
