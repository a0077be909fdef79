/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the ioctl tables of api.c call in the other files of the API half, and how a device or a
 * statistics file is made. User addresses are plain uint64_t.
 */
#pragma once

#include "kvm/vm.h"
#include "linux/fs/file.h"
#include "linux/process/task.h"

/* One ioctl of a file whose object is a struct TYPE. */
typedef long (*api_ioctl)(void *object, uint64_t arg);
struct api_row {
	unsigned cmd;
	bool initialised; /* vCPUs: only after KVM_ARM_VCPU_INIT, else -ENOEXEC */
	api_ioctl call;
};

/* ---- vm.c ---- */
/* KVM_CREATE_VM: one reference. -ENOMEM, -EINVAL. */
int vm_create(unsigned ipa_bits, struct vm **out);
/* KVM_CREATE_VCPU: its descriptor. -EINVAL, -EEXIST, -EBUSY (the vgic is initialised), -ENOMEM,
 * -EMFILE. */
long vm_add_vcpu(struct vm *vm, unsigned id);
int vm_set_region(struct vm *vm, const struct kvm_userspace_memory_region *region);

/* ---- proc_vm.c: /proc/stet/vm ---- */
void proc_vm_init(void);
/* A new VM has a number and is seen; its last reference has gone, and it is not. */
void proc_vm_add(struct vm *vm);
void proc_vm_remove(struct vm *vm);

/* ---- device.c ---- */
/* KVM_CREATE_DEVICE; device->fd is filled in. -ENODEV, -EINVAL and as vgic_create(). */
int device_create(struct vm *vm, struct kvm_create_device *device);

/* ---- stats.c ---- */
/* KVM_GET_STATS_FD of a VM, or of one of its vCPUs: the new descriptor, -ENOMEM, -EMFILE. */
long stats_open_vm(struct vm *vm);
long stats_open_vcpu(struct vcpu *vcpu);

/* A new file around data, whose reference to its VM the file takes over: ops->release() gives it
 * back, at once if there is an error. ops->release() looks at nothing but data. The descriptor or
 * -errno. */
long api_install(const struct file_ops *ops, void *data);
/* The same for a vCPU, with a reference to its VM. */
long api_install_vcpu(struct vcpu *vcpu);
