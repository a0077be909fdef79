/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest's load or store where no memory is. In this order: a frame of the virtual GIC, an
 * ioeventfd, the VMM. The last is told by KVM_EXIT_MMIO in the shared page; a read gets its value
 * from there at the next KVM_RUN. Pure but for who is asked.
 *
 * The page is the program's: what comes back is data for the guest and nothing else is believed.
 * Byte order: little-endian data accesses; the VMM sees the bytes as they lie in memory.
 */
#include <linux/errno.h>

#include "kvm/ioeventfd.h"
#include "kvm/vcpu.h"
#include "kvm/vgic/vgic.h"

static uint64_t low_bytes(uint64_t value, unsigned bytes)
{
	return value & ~0ull >> (64 - 8 * bytes);
}

static void deliver(struct vcpu *vcpu, const struct mmio_access *a, uint64_t value)
{
	unsigned unused = 64 - 8 * a->bytes;

	if (a->sign_extend)
		value = (uint64_t)((int64_t)(value << unused) >> unused);
	vcpu_set_reg(vcpu, a->reg, a->wide ? value : (uint32_t)value);
}

static bool answer_in_kernel(struct vcpu *vcpu, const struct mmio_access *a, uint64_t value)
{
	if (vgic_covers(vcpu, a->ipa) && vgic_mmio(vcpu, a->ipa, a->bytes, a->write, &value)) {
		if (!a->write)
			deliver(vcpu, a, low_bytes(value, a->bytes));
		return true;
	}
	return a->write && ioeventfd_write(vcpu->vm, a->ipa.v, a->bytes, value);
}

static void ask_vmm(struct vcpu *vcpu, const struct mmio_access *a, uint64_t value)
{
	struct kvm_run *run = vcpu->run;

	run->exit_reason = KVM_EXIT_MMIO;
	run->mmio.phys_addr = a->ipa.v;
	run->mmio.len = a->bytes;
	run->mmio.is_write = a->write;
	__builtin_memcpy(run->mmio.data, &value, sizeof(value));
	vcpu->mmio = *a;
	vcpu->mmio_pending = true;
	vcpu->stats.mmio_vmm++;
}

int mmio_access(struct vcpu *vcpu, const struct mmio_access *a)
{
	uint64_t value = a->write ? low_bytes(vcpu_reg(vcpu, a->reg), a->bytes) : 0;

	if (answer_in_kernel(vcpu, a, value)) {
		vcpu->stats.mmio_kernel++;
		return EXIT_RESUME;
	}
	ask_vmm(vcpu, a, value);
	return EXIT_TO_VMM;
}

void mmio_complete(struct vcpu *vcpu)
{
	uint64_t value;

	if (!vcpu->mmio_pending)
		return;
	vcpu->mmio_pending = false;
	if (vcpu->mmio.write)
		return;
	__builtin_memcpy(&value, vcpu->run->mmio.data, sizeof(value));
	deliver(vcpu, &vcpu->mmio, low_bytes(value, vcpu->mmio.bytes));
}
