/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtual machines: made by KVM_CREATE_VM, kept by references (the VM's file, each vCPU's, each
 * device's, statistics), and their memory slots.
 *
 * vm->lock is held where vCPUs are made and slots are changed; a fault that looks up a slot takes
 * only slots_lock, a spinlock, and compares slots_generation after it got the address space's lock.
 * The slots in use are the first slot_count ones, sorted by address. Errors are those of Linux's
 * Documentation/virt/kvm/api.rst, KVM_SET_USER_MEMORY_REGION.
 */
#include "kvm/api.h"

#include <linux/errno.h>

#include "arch/usercopy.h"
#include "kvm/ioeventfd.h"
#include "kvm/irqfd.h"
#include "kvm/vcpu.h"
#include "kvm/vgic/vgic.h"
#include "mm/slab.h"

#define MPIDR_AFFINITY (BITS(39, 32) | BITS(23, 0))

/* ---- life ---- */

static int vm_init(struct vm *vm, unsigned ipa_bits)
{
	int err;

	atomic_store(&vm->refs, 1);
	mutex_init(&vm->lock);
	vm->space = space_current();
	vm->pid = task_current()->process->pid;
	err = ioeventfd_init(vm);
	if (err)
		return err;
	err = irqfd_init(vm);
	if (err)
		goto destroy_ioeventfds;
	space_get(vm->space);
	err = stage2_init(vm, ipa_bits);
	if (err)
		goto put_space;
	return 0;

put_space:
	space_put(vm->space);
	irqfd_destroy(vm);
destroy_ioeventfds:
	ioeventfd_destroy(vm);
	return err;
}

int vm_create(unsigned ipa_bits, struct vm **out)
{
	struct vm *vm = kzalloc(sizeof(*vm));
	int err;

	if (!vm)
		return -ENOMEM;
	err = vm_init(vm, ipa_bits);
	if (err) {
		kfree(vm);
		return err;
	}
	proc_vm_add(vm);
	*out = vm;
	return 0;
}

void vm_get(struct vm *vm)
{
	atomic_fetch_add_explicit(&vm->refs, 1, memory_order_relaxed);
}

static void vm_free(struct vm *vm)
{
	proc_vm_remove(vm);
	irqfd_destroy(vm);
	/* Out of the banks first: an interrupt that leaves a list register may go to another vCPU.
	 */
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		bank_discard(&vm->vcpus[i]->bank);
	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		vgic_vcpu_destroy(vm->vcpus[i]);
		vcpu_destroy(vm->vcpus[i]);
	}
	ioeventfd_destroy(vm);
	vgic_destroy(vm);
	stage2_destroy(vm);
	space_put(vm->space);
	kfree(vm);
}

void vm_put(struct vm *vm)
{
	/* acq_rel: all that was done with a reference is done before the VM is freed */
	if (atomic_fetch_sub_explicit(&vm->refs, 1, memory_order_acq_rel) == 1)
		vm_free(vm);
}

/* ---- vCPUs ---- */

/* It has its file before it counts: without one it never was. */
static long add_vcpu_locked(struct vm *vm, unsigned id)
{
	unsigned count = vm->vcpu_count;
	struct vcpu *vcpu;
	long err;

	if (vm->vgic && vm->vgic->initialised)
		return -EBUSY;
	if (id >= VM_MAX_VCPUS || count == VM_MAX_VCPUS)
		return -EINVAL;
	err = vcpu_create(vm, id, &vcpu);
	if (err)
		return err;
	err = vgic_vcpu_init(vcpu);
	if (err)
		goto destroy_vcpu;
	vm->vcpus[count] = vcpu; /* who guesses the descriptor may use it at once */
	err = api_install_vcpu(vcpu);
	if (err < 0)
		goto destroy_vgic;
	/* release: pairs with the acquire in vm_for_each_vcpu() */
	atomic_store_explicit(&vm->vcpu_count, count + 1, memory_order_release);
	return err; /* its descriptor */

destroy_vgic:
	vm->vcpus[count] = NULL;
	vgic_vcpu_destroy(vcpu);
destroy_vcpu:
	vcpu_destroy(vcpu);
	return err;
}

long vm_add_vcpu(struct vm *vm, unsigned id)
{
	long fd;

	mutex_lock(&vm->lock);
	fd = add_vcpu_locked(vm, id);
	mutex_unlock(&vm->lock);
	return fd;
}

struct vcpu *vm_vcpu_by_id(struct vm *vm, unsigned id)
{
	struct vcpu *vcpu;
	unsigned i;

	vm_for_each_vcpu(i, vcpu, vm) {
		if (vcpu->id == id)
			return vcpu;
	}
	return NULL;
}

/* ---- memory slots ---- */

bool vm_find_slot(struct vm *vm, ipa_t ipa, struct memory_slot *slot, uint64_t *generation)
{
	bool found = false;

	spin_lock(&vm->slots_lock);
	for (unsigned i = 0; i < vm->slot_count && !found; i++) {
		found = ipa.v - vm->slots[i].ipa.v < vm->slots[i].size;
		if (found)
			*slot = vm->slots[i];
	}
	if (generation)
		*generation = vm->slots_generation;
	spin_unlock(&vm->slots_lock);
	return found;
}

void vm_note_gap(struct vcpu *vcpu, ipa_t ipa)
{
	struct vm *vm = vcpu->vm;
	uint64_t start = 0, end = 1ull << vm->stage2.ipa_bits;
	bool met = ipa.v >= end;

	spin_lock(&vm->slots_lock);
	for (unsigned i = 0; i < vm->slot_count; i++) {
		const struct memory_slot *s = &vm->slots[i];

		if (s->ipa.v > ipa.v)
			end = min(end, s->ipa.v);
		else if (s->ipa.v + s->size <= ipa.v)
			start = max(start, s->ipa.v + s->size);
		else
			met = true;
	}
	vcpu->gap.start = start;
	relaxed_store_u64(&vcpu->gap.size, met ? 0 : end - start);
	spin_unlock(&vm->slots_lock);
}

static struct memory_slot *slot_by_id(struct vm *vm, uint32_t id)
{
	for (unsigned i = 0; i < vm->slot_count; i++)
		if (vm->slots[i].id == id)
			return &vm->slots[i];
	return NULL;
}

static bool slot_overlaps(struct vm *vm, const struct memory_slot *new)
{
	for (unsigned i = 0; i < vm->slot_count; i++) {
		const struct memory_slot *s = &vm->slots[i];

		if (s->id != new->id &&new->ipa.v < s->ipa.v + s->size &&
		    s->ipa.v < new->ipa.v + new->size)
			return true;
	}
	return false;
}

static void slot_insert(struct vm *vm, const struct memory_slot *new) HOLDS(vm->slots_lock)
{
	unsigned i = vm->slot_count++;

	for (; i && vm->slots[i - 1].ipa.v > new->ipa.v; i--)
		vm->slots[i] = vm->slots[i - 1];
	vm->slots[i] = *new;
}

static void slot_remove(struct vm *vm, const struct memory_slot *old) HOLDS(vm->slots_lock)
{
	unsigned i = (unsigned)(old - vm->slots);

	for (vm->slot_count--; i < vm->slot_count; i++)
		vm->slots[i] = vm->slots[i + 1];
	vm->slots[vm->slot_count] = (struct memory_slot){ 0 };
}

/* Replace old by new; either may be NULL. What the guest had mapped of old is forgotten. */
static void slot_change(struct vm *vm, struct memory_slot *old, const struct memory_slot *new)
{
	struct memory_slot gone = { 0 };
	struct vcpu *vcpu;
	unsigned i;

	spin_lock(&vm->slots_lock);
	if (old) {
		gone = *old;
		slot_remove(vm, old);
	}
	if (new)
		slot_insert(vm, new);
	vm->slots_generation++;
	vm_for_each_vcpu(i, vcpu, vm) relaxed_store_u64(&vcpu->gap.size, 0);
	spin_unlock(&vm->slots_lock);
	if (gone.size)
		stage2_unmap(vm, gone.ipa, gone.size);
}

static int region_check(const struct kvm_userspace_memory_region *r)
{
	if ((r->memory_size | r->guest_phys_addr | r->userspace_addr) & PAGE_MASK)
		return -EINVAL;
	if (!user_range_ok(r->userspace_addr, r->memory_size))
		return -EINVAL;
	if (r->slot >= VM_MAX_SLOTS || (r->flags & ~KVM_MEM_READONLY))
		return -EINVAL;
	return r->guest_phys_addr + r->memory_size < r->guest_phys_addr ? -EINVAL : 0;
}

static int set_region_locked(struct vm *vm, const struct kvm_userspace_memory_region *r)
{
	struct memory_slot *old = slot_by_id(vm, r->slot);
	struct memory_slot new = { .id = r->slot,
				   .flags = r->flags,
				   .ipa = { r->guest_phys_addr },
				   .size = r->memory_size,
				   .uva = r->userspace_addr };

	if (!new.size && !old)
		return -EINVAL;
	if (!new.size) {
		slot_change(vm, old, NULL);
		return 0;
	}
	/* What exists may only move. */
	if (old && (new.uva != old->uva || new.size != old->size || new.flags != old->flags))
		return -EINVAL;
	if (old && new.ipa.v == old->ipa.v)
		return 0;
	if (new.ipa.v + new.size > 1ull << vm->stage2.ipa_bits)
		return -EFAULT;
	if (slot_overlaps(vm, &new))
		return -EEXIST;
	slot_change(vm, old, &new);
	return 0;
}

int vm_set_region(struct vm *vm, const struct kvm_userspace_memory_region *region)
{
	int err = region_check(region);

	if (err)
		return err;
	mutex_lock(&vm->lock);
	err = set_region_locked(vm, region);
	mutex_unlock(&vm->lock);
	return err;
}
