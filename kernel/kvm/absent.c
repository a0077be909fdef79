/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Weak definitions of what kvm's machine half needs of files that have not been built yet, so that
 * the kernel links. None is reached before they are. Goes with the last of them.
 */
#include "kvm/vgic/vgic.h"
#include "lib/check.h"

#define ABSENT(...) __attribute__((weak)) __VA_ARGS__ { panic("%s", __func__); }

#pragma GCC diagnostic ignored "-Wunused-parameter"

ABSENT(int mmio_access(struct vcpu *vcpu, const struct mmio_access *a))
ABSENT(void mmio_complete(struct vcpu *vcpu))
ABSENT(void space_notifier_add(struct space *s, struct space_notifier *n))
ABSENT(void space_notifier_remove(struct space *s, struct space_notifier *n))
ABSENT(int space_pin_locked(struct space *s, uint64_t va, bool write, pa_t *pa, uint64_t *size,
			    bool *writable))
ABSENT(void vgic_close(void))
ABSENT(void vgic_flush_stale(struct vcpu *vcpu))
ABSENT(int vgic_inject(struct vm *vm, struct vcpu *vcpu, unsigned intid, bool level))
ABSENT(void vgic_load(struct vcpu *vcpu))
ABSENT(void vgic_save(struct vcpu *vcpu))
ABSENT(bool vgic_pending(struct vcpu *vcpu))
ABSENT(int vgic_ready_to_run(struct vcpu *vcpu))
ABSENT(void vgic_send_sgi(struct vcpu *vcpu, uint64_t value, bool group1))
ABSENT(void vgic_vcpu_reset(struct vcpu *vcpu))
ABSENT(bool vm_find_slot(struct vm *vm, ipa_t ipa, struct memory_slot *slot, uint64_t *generation))
ABSENT(struct vcpu *vm_vcpu_by_id(struct vm *vm, unsigned id))
