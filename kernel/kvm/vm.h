/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtual machine: its memory slots, its stage-2 tables, its vCPUs and devices. A VM is a file
 * (linux/fs/file.h) and lives until the last of its files (VM, vCPUs, devices, irqfds) is closed.
 *
 * Locks, outermost first (docs/locking.md): vcpu->lock, vm->lock, space->lock, then spinlocks:
 * vm->slots_lock, vm->power_lock and the vgic's.
 */
#pragma once

#include <linux/kvm.h>

#include "arch/spinlock.h"
#include "kvm/psci.h"
#include "lib/list.h"
#include "linux/space/space.h"
#include "mm/idspace.h"
#include "mm/pagetable.h"
#include "sched/mutex.h"

#define VM_MAX_VCPUS 64
#define VM_MAX_SLOTS 64

struct vcpu;
struct vgic;
struct vm_devices; /* ioeventfd.c: ioeventfds by address */
struct vm_irqfds;  /* irqfd.c: irqfds and the routing table */

/* Guest memory backed by the VMM's own. size 0: the slot is free. */
struct memory_slot {
	uint32_t id, flags; /* KVM_MEM_* */
	ipa_t ipa;
	uint64_t size;
	uint64_t uva;
};

/* kvm/stage2.c: the tables' contents are covered by vm->space->lock. */
struct stage2 {
	struct pagetable table;
	struct id_tag vmid;
	uint64_t vtcr;
	unsigned ipa_bits;
	struct space_notifier notifier;
	int last_vcpu[MAX_CPUS]; /* which vCPU of this VM ran last on each CPU: local TLBI on change
				  */
};

struct vm {
	_Atomic uint32_t refs;
	int pid;	     /* of that program, for statistics */
	struct space *space; /* of the program that created it; one reference */
	struct mutex lock;   /* covers creation of vCPUs and devices, and changes of slots */
	struct vcpu *vcpus[VM_MAX_VCPUS]; /* in order of creation */
	_Atomic unsigned vcpu_count;	  /* release: after vcpus[count - 1] was filled */

	/* covers slots and slots_generation; never taken in interrupts */
	struct spinlock slots_lock;
	struct memory_slot slots[VM_MAX_SLOTS]; /* those in use first, sorted by ipa */
	unsigned slot_count;
	/* counts changes: a fault looks again after it got space->lock */
	uint64_t slots_generation;

	struct stage2 stage2;
	uint64_t counter_offset;    /* CNTVOFF_EL2 of all its vCPUs */
	struct spinlock power_lock; /* covers psci and every vCPU's power */
	struct psci_vm psci;

	/* the other half's */
	struct vgic *vgic; /* NULL: none created yet */
	struct vm_devices *devices;
	unsigned number;	  /* proc_vm.c: its name in /proc/stet/vm */
	struct list node;	  /* there */
	unsigned watchers;	  /* files open there; vm->lock */
	uint64_t watched_since;	  /* ticks */
	unsigned ioeventfd_count; /* read without a lock: 0, and no store looks for one */
	struct vm_irqfds *irqfds;
};

/* vm.c. A reference keeps the VM and all its vCPUs. */
void vm_get(struct vm *vm);
void vm_put(struct vm *vm);
/* The slot that contains ipa, copied; false: none. *generation (may be NULL) is slots_generation.
 */
bool vm_find_slot(struct vm *vm, ipa_t ipa, struct memory_slot *slot, uint64_t *generation);
/* A stretch of addresses that no slot touches, around one that was looked up; size 0: none known.
 */
struct slot_gap {
	uint64_t start, size;
};
/* The vCPU met no slot at ipa: its gap from now on, until the slots change, is the stretch around
 * it. */
void vm_note_gap(struct vcpu *vcpu, ipa_t ipa);
/* By KVM's vcpu id; NULL: none. Any context. */
struct vcpu *vm_vcpu_by_id(struct vm *vm, unsigned id);

#define vm_for_each_vcpu(i, vcpu, vm)                                                              \
	for ((i) = 0; (i) < atomic_load_explicit(&(vm)->vcpu_count, memory_order_acquire) &&       \
		      ((vcpu) = (vm)->vcpus[i], true);                                             \
	     (i)++)

/* ---- stage2.c ---- */
/* ipa_bits 32..stage2_max_ipa_bits(). The notifier is added to vm->space. -ENOMEM, -EINVAL. */
int stage2_init(struct vm *vm, unsigned ipa_bits);
/* No vCPU of it is left in any bank. */
void stage2_destroy(struct vm *vm);
unsigned stage2_max_ipa_bits(void);
/* A slot goes, moves or becomes read-only (it is out of vm->slots already): forget its mappings.
 * Takes vm->space->lock. */
void stage2_unmap(struct vm *vm, ipa_t ipa, uint64_t size);

/* ---- vcpu.c ---- */
/* All vCPUs leave the guest or wake from WFI and look at that request. */
void vm_kick_all(struct vm *vm, uint32_t request);
