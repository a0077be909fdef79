/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest's load or store where no memory is. In this order: a frame of the virtual GIC, an
 * ioeventfd, the VMM. The last is told by KVM_EXIT_MMIO in the shared page; a read gets its value
 * from there at the next KVM_RUN. Pure but for who is asked.
 *
 * The page is the program's: what comes back is data for the guest and nothing else is believed.
 * The VMM sees the bytes as they lie in memory, a device here the value a little-endian bus has:
 * for a guest whose data accesses are big-endian decode.h turns them around.
 */
#include <linux/errno.h>

#include "kvm/ioeventfd.h"
#include "kvm/vcpu.h"
#include "kvm/vgic/vgic.h"

static inline void deliver(struct vcpu *vcpu, struct mmio_access a, uint64_t value)
{
	vcpu_set_reg(vcpu, mmio_reg(a), mmio_extend(a, value));
}

static int answered(struct vcpu *vcpu)
{
	vcpu->stats.mmio_kernel++;
	vcpu_skip_instruction(vcpu);
	return EXIT_RESUME;
}

static inline __attribute__((always_inline)) int ask(struct vcpu *vcpu, struct mmio_access a,
						     uint64_t value)
{
	struct kvm_run *run = vcpu->run;

	run->exit_reason = KVM_EXIT_MMIO;
	run->mmio.phys_addr = a.ipa.v;
	run->mmio.len = mmio_bytes(a);
	run->mmio.is_write = mmio_is_store(a);
	__builtin_memcpy(run->mmio.data, &value, sizeof(value));
	vcpu->mmio = a;
	vcpu->mmio_pending = true;
	vcpu->stats.mmio_vmm++;
	return EXIT_TO_VMM;
}

static __attribute__((noinline)) int ask_vmm(struct vcpu *vcpu, struct mmio_access a,
					     uint64_t value)
{
	return ask(vcpu, a, value);
}

static __attribute__((noinline)) int load(struct vcpu *vcpu, struct mmio_access a)
{
	if (vgic_covers(vcpu, a.ipa)) {
		struct vgic_answer answer = vgic_read(vcpu, a.ipa, mmio_bytes(a));

		if (answer.answered) {
			deliver(vcpu, a, answer.value);
			return answered(vcpu);
		}
	}
	return ask_vmm(vcpu, a, 0);
}

/* A frame of the GIC may be there, or there are ioeventfds, or the bytes are turned round. */
static __attribute__((noinline)) int store_other(struct vcpu *vcpu, struct mmio_access a)
{
	uint64_t value = mmio_cut(a, vcpu_reg(vcpu, mmio_reg(a)));
	unsigned bytes = mmio_bytes(a);

	if ((vgic_covers(vcpu, a.ipa) && vgic_write(vcpu, a.ipa, bytes, value)) ||
	    (vcpu->vm->ioeventfd_count && ioeventfd_write(vcpu->vm, a.ipa.v, bytes, value)))
		return answered(vcpu);
	return ask_vmm(vcpu, a, value);
}

static int store(struct vcpu *vcpu, struct mmio_access a)
{
	if ((a.how & MMIO_BIG_ENDIAN) || vgic_covers(vcpu, a.ipa) || vcpu->vm->ioeventfd_count)
		return store_other(vcpu, a);
	return ask(vcpu, a, mmio_cut(a, vcpu_reg(vcpu, mmio_reg(a))));
}

int mmio_access(struct vcpu *vcpu, struct mmio_access a)
{
	return mmio_is_store(a) ? store(vcpu, a) : load(vcpu, a);
}

void mmio_complete_load(struct vcpu *vcpu)
{
	uint64_t value;

	__builtin_memcpy(&value, vcpu->run->mmio.data, sizeof(value));
	deliver(vcpu, vcpu->mmio, value);
}
