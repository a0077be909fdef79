/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who answers a guest's access, and what arrives in the register: the virtual GIC and ioeventfds
 * are played by the test.
 */
#include <string.h>

#include "kvm/ioeventfd.h"
#include "kvm/vcpu.h"
#include "kvm/vgic/vgic.h"
#include "tap.h"

enum { GIC = 0x8000000, DOORBELL = 0xa000050, NOBODY = 0x9000000 };

static struct kvm_run run;
static struct vgic vgic = { .low = GIC, .span = 0x10000 };
static struct vgic_cpu vgic_cpu = { .vgic = &vgic };
static struct vm vm = { .ioeventfd_count = 1 };
static struct vcpu vcpu = { .vm = &vm, .run = &run, .vgic = &vgic_cpu };
static uint64_t gic_value, doorbell_value;

struct vgic_answer vgic_read(struct vcpu *who, ipa_t ipa, unsigned bytes)
{
	expect(who == &vcpu && bytes <= 8);
	return (struct vgic_answer){ gic_value, ipa.v == GIC };
}

bool vgic_write(struct vcpu *who, ipa_t ipa, unsigned bytes, uint64_t value)
{
	expect(who == &vcpu && bytes <= 8);
	if (ipa.v == GIC)
		gic_value = value;
	return ipa.v == GIC;
}

bool ioeventfd_write(struct vm *vm, uint64_t ipa, unsigned bytes, uint64_t value)
{
	(void)vm, (void)bytes;
	if (ipa == DOORBELL)
		doorbell_value = value;
	return ipa == DOORBELL;
}

static struct mmio_access load(uint64_t ipa, unsigned bytes, unsigned reg)
{
	return decode_mmio(field_set(ISS_SAS, __builtin_ctz(bytes)) | field_set(ISS_SRT, reg),
			   (ipa_t){ ipa });
}

static struct mmio_access store(uint64_t ipa, unsigned bytes, unsigned reg)
{
	struct mmio_access a = load(ipa, bytes, reg);

	a.how |= ISS_WNR;
	return a;
}

/* What a load of those bytes leaves in x3 when the VMM answers with data. */
static uint64_t loaded(unsigned bytes, bool sign_extend, bool wide, uint64_t data)
{
	struct mmio_access a = load(NOBODY, bytes, 3);

	a.how |= (sign_extend ? ISS_SSE : 0) | (wide ? ISS_SF : 0);
	vcpu.x[3] = ~0ull;
	expect_eq(mmio_access(&vcpu, a), EXIT_TO_VMM);
	expect(run.exit_reason == KVM_EXIT_MMIO && !run.mmio.is_write);
	expect(run.mmio.phys_addr == NOBODY && run.mmio.len == bytes);
	memcpy(run.mmio.data, &data, sizeof(data));
	mmio_complete(&vcpu);
	expect(!vcpu.mmio_pending);
	return vcpu.x[3];
}

TEST(loads_take_their_width)
{
	const uint64_t data = 0x8182838485868788;

	expect_eq(loaded(1, false, false, data), 0x88);
	expect_eq(loaded(2, false, false, data), 0x8788);
	expect_eq(loaded(4, false, false, data), 0x85868788);
	expect_eq(loaded(8, false, true, data), data);
}

TEST(big_endian_accesses_are_turned_around)
{
	struct mmio_access a = load(NOBODY, 2, 3);
	uint64_t data = 0x8182;

	a.how |= (uint32_t)(ISS_SSE | ISS_SF | MMIO_BIG_ENDIAN);
	expect_eq(mmio_access(&vcpu, a), EXIT_TO_VMM);
	memcpy(run.mmio.data, &data, sizeof(data));
	mmio_complete(&vcpu);
	expect_eq(vcpu.x[3], 0xffffffffffff8281);
	a = store(NOBODY, 4, 3);
	a.how |= (uint32_t)MMIO_BIG_ENDIAN;
	vcpu.x[3] = 0xaabbccdd11223344;
	expect_eq(mmio_access(&vcpu, a), EXIT_TO_VMM);
	memcpy(&data, run.mmio.data, sizeof(data));
	expect_eq(data, 0x44332211);
	mmio_complete(&vcpu);
	a = store(GIC, 8, 3);
	a.how |= (uint32_t)MMIO_BIG_ENDIAN;
	vcpu.x[3] = 0x0102030405060708;
	expect_eq(mmio_access(&vcpu, a), EXIT_RESUME);
	expect_eq(gic_value, 0x0807060504030201);
}

TEST(signed_loads_are_extended_to_their_register)
{
	const uint64_t data = 0x8182838485868788;

	expect_eq(loaded(1, true, false, data), 0xffffff88);
	expect_eq(loaded(1, true, true, data), 0xffffffffffffff88);
	expect_eq(loaded(2, true, false, data), 0xffff8788);
	expect_eq(loaded(4, true, true, data), 0xffffffff85868788);
	expect_eq(loaded(1, true, true, 0x7f), 0x7f);
}

TEST(stores_give_the_vmm_only_their_bytes)
{
	struct mmio_access a = store(NOBODY, 2, 5);
	uint64_t data;

	vcpu.x[5] = 0x1122334455667788;
	expect_eq(mmio_access(&vcpu, a), EXIT_TO_VMM);
	memcpy(&data, run.mmio.data, sizeof(data));
	expect_eq(data, 0x7788);
	expect(run.mmio.is_write && run.mmio.len == 2);
	run.mmio.data[0] = 0; /* the page is the program's: no register changes */
	mmio_complete(&vcpu);
	expect_eq(vcpu.x[5], 0x1122334455667788);
	a = store(NOBODY, 2, 31);
	mmio_access(&vcpu, a);
	memcpy(&data, run.mmio.data, sizeof(data));
	expect_eq(data, 0);
	mmio_complete(&vcpu);
}

TEST(a_load_into_the_zero_register_changes_nothing)
{
	struct mmio_access a = load(NOBODY, 8, 31);
	uint64_t before[31];

	memcpy(before, vcpu.x, sizeof(before));
	expect_eq(mmio_access(&vcpu, a), EXIT_TO_VMM);
	memset(run.mmio.data, 0xff, 8);
	mmio_complete(&vcpu);
	expect(!memcmp(before, vcpu.x, sizeof(before)));
}

TEST(it_is_completed_once_and_on_the_next_instruction)
{
	vcpu.pc = 0x1000;
	expect_eq(loaded(4, false, false, 7), 7);
	expect(!vcpu.mmio_pending);
	expect_eq(vcpu.pc, 0x1004);
}

TEST(the_gic_answers_first)
{
	struct mmio_access a = store(GIC, 4, 2);

	vcpu.x[2] = 0xffffffff00000005;
	expect_eq(mmio_access(&vcpu, a), EXIT_RESUME);
	expect_eq(gic_value, 5);
	gic_value = 0x1234;
	a = load(GIC, 4, 2);
	expect_eq(mmio_access(&vcpu, a), EXIT_RESUME);
	expect_eq(vcpu.x[2], 0x1234);
	expect(!vcpu.mmio_pending);
}

TEST(a_store_to_an_ioeventfd_stays_in_the_kernel)
{
	struct mmio_access a = store(DOORBELL, 4, 2);

	vcpu.x[2] = 3;
	expect_eq(mmio_access(&vcpu, a), EXIT_RESUME);
	expect_eq(doorbell_value, 3);
	a = load(DOORBELL, 4, 2);
	expect_eq(mmio_access(&vcpu, a), EXIT_TO_VMM);
	mmio_complete(&vcpu);
}
