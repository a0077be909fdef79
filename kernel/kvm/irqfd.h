/* SPDX-License-Identifier: BSD-2-Clause */
/* irqfds: an eventfd's count raises an interrupt; and the table that says which. */
#pragma once

#include "kvm/vm.h"

int irqfd_init(struct vm *vm); /* -ENOMEM */
/* No callback runs any more when it returns. Harmless when called twice; the second call frees. */
void irqfd_release(struct vm *vm);
void irqfd_destroy(struct vm *vm);
/* KVM_IRQFD: -EINVAL, -EBADF, -EBUSY (that eventfd has one), -EAGAIN (no initialised vgic), -ENOMEM. */
int irqfd_change(struct vm *vm, const struct kvm_irqfd *args);
/* KVM_SET_GSI_ROUTING: nr entries at that user address. -EINVAL, -EFAULT, -ENOMEM. */
int irqfd_set_routing(struct vm *vm, const struct kvm_irq_routing *head, uint64_t user_entries);
