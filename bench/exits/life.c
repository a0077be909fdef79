/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Beginnings and ends: of a VM, of a vCPU, and of a small guest as a whole. What a kernel puts off
 * until later is not in the row (Linux frees much of a VM after a grace period).
 */
#include <sys/mman.h>
#include <unistd.h>
#include "bench/exits/rows.h"

static uint64_t vm_creations(const struct row *row, uint64_t rounds)
{
	uint64_t ticks = 0, begin;

	(void)row;
	while (rounds--) {
		begin = section_begin();
		vm_create_bare(&vm);
		ticks += section_end(begin);
		vm_destroy(&vm);
	}
	return ticks;
}

static uint64_t vm_destructions(const struct row *row, uint64_t rounds)
{
	uint64_t ticks = 0, begin;

	(void)row;
	while (rounds--) {
		vm_create_bare(&vm);
		begin = section_begin();
		vm_destroy(&vm);
		ticks += section_end(begin);
	}
	return ticks;
}

static void vcpus_create(void)
{
	for (int id = 0; id < VM_MAX_VCPUS; id++) {
		vm_add_vcpu(&vm, id);
		vcpu_init(&vm.vcpu[id], 1 << KVM_ARM_VCPU_PSCI_0_2);
	}
}

/* By eights: that many has each VM. */
static uint64_t vcpu_creations(const struct row *row, uint64_t rounds)
{
	uint64_t ticks = 0, begin;

	(void)row;
	for (; rounds >= VM_MAX_VCPUS; rounds -= VM_MAX_VCPUS) {
		vm_create_bare(&vm);
		begin = section_begin();
		vcpus_create();
		ticks += section_end(begin);
		vm_destroy(&vm);
	}
	return ticks;
}

static uint64_t vcpu_destructions(const struct row *row, uint64_t rounds)
{
	uint64_t ticks = 0, begin;

	(void)row;
	for (; rounds >= VM_MAX_VCPUS; rounds -= VM_MAX_VCPUS) {
		vm_create_bare(&vm);
		vcpus_create();
		begin = section_begin();
		vm_destroy(&vm);
		ticks += section_end(begin);
	}
	return ticks;
}

/* A VM with memory, a vCPU and a GIC, to the guest's first store to the VMM, and its end. */
static uint64_t whole_lives(const struct row *row, uint64_t rounds)
{
	uint64_t begin = section_begin();
	long err = 0;

	while (rounds-- && !err) {
		vm_create(&vm, 1);
		err = vm_add_gic(&vm, 64);
		vcpu_start(&vm.vcpu[0], row->guest, 0);
		err = err ?: vcpu_run(&vm.vcpu[0]);
		vm_destroy(&vm);
	}
	begin = section_end(begin);
	return err ? 0 : begin;
}

static const struct row rows[] = {
	{ "vm-create", "open /dev/kvm, KVM_CREATE_VM", vm_creations, 16, NULL, FP_NOBODY },
	{ "vm-destroy", "close both", vm_destructions, 16, NULL, FP_NOBODY },
	{ "vcpu-create", "KVM_CREATE_VCPU, mmap, KVM_ARM_VCPU_INIT; eight in a VM", vcpu_creations,
	  16, NULL, FP_NOBODY },
	{ "vcpu-destroy", "closing a VM with eight vCPUs, for each vCPU", vcpu_destructions, 16,
	  NULL, FP_NOBODY },
	{ "vm-life", "VM, memory, GIC, vCPU, to its first exit, and their end", whole_lives, 5,
	  guest_writes, FP_NOBODY },
};
const struct row_list life_rows = ROW_LIST(rows);
