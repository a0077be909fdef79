/* SPDX-License-Identifier: BSD-2-Clause */
/* ioeventfds: a guest's store to one address counts up an eventfd, and the VMM never hears of it. */
#pragma once

#include "kvm/vm.h"

int ioeventfd_init(struct vm *vm); /* -ENOMEM */
void ioeventfd_destroy(struct vm *vm);
/* KVM_IOEVENTFD: -EINVAL, -EBADF, -EEXIST (assign), -ENOENT (deassign), -ENOMEM. */
int ioeventfd_change(struct vm *vm, const struct kvm_ioeventfd *args);
/* A guest's store: true if an eventfd took it. */
bool ioeventfd_write(struct vm *vm, uint64_t ipa, unsigned bytes, uint64_t value);
