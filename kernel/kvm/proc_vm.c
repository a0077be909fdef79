/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /proc/stet/vm/N: what the vCPUs of a VM do, for `stet top`, `stet stat` and others (docs/stat.md
 * has the format). VMs are numbered from 1 in the order of their making. While one of these files
 * is open, that VM's exits are timed (watch.c); counts are there always.
 *
 * An open file keeps no VM: it knows the number and looks again at each reading, and when the VM
 * has gone there is nothing more to read. vms_lock covers the list and the last number; vm->lock
 * covers how many files are open. A VM leaves the list when its last reference has gone, so one in
 * the list may have none.
 */
#include <linux/errno.h>

#include "arch/timer.h"
#include "kvm/api.h"
#include "kvm/kvm.h"
#include "kvm/vcpu.h"
#include "kvm/watch.h"
#include "kvm/world.h"
#include "lib/check.h"
#include "linux/proc/procfs.h"

static struct spinlock vms_lock;	 /* covers what follows */
static struct list vms = LIST_INIT(vms); /* by number */
static unsigned last_number;
static struct world_stats gone; /* of VMs that were in the list */

static const char names[WATCH_REASONS][12] = {
	[WATCH_OTHER] = "other",
	[WATCH_WFX] = "wfx",
	[WATCH_HVC] = "hvc",
	[WATCH_SMC] = "smc",
	[WATCH_SYSREG] = "sysreg",
	[WATCH_FP] = "fp",
	[WATCH_SVE] = "sve",
	[WATCH_FAULT] = "fault",
	[WATCH_MMIO_KERNEL] = "mmio-kernel",
	[WATCH_MMIO_VMM] = "mmio-vmm",
	[WATCH_IRQ] = "irq",
	[WATCH_SERROR] = "serror",
};

void proc_vm_add(struct vm *vm)
{
	uint64_t daif = spin_lock_irqsave(&vms_lock);

	vm->number = ++last_number;
	list_append(&vms, &vm->node);
	spin_unlock_irqrestore(&vms_lock, daif);
}

/* Whoever came and is in no bank now has left it. */
static uint64_t bank_saves(const struct vcpu *vcpu)
{
	return relaxed_u64(&vcpu->stats.loads) - !bank_is_free(&vcpu->bank);
}

/* HOLDS(vms_lock) */
static void add_stats(struct world_stats *sum, const struct vm *vm)
{
	struct vcpu *vcpu;
	unsigned i;

	vm_for_each_vcpu(i, vcpu, vm) {
		sum->saves += bank_saves(vcpu);
		sum->loads += relaxed_u64(&vcpu->stats.loads);
	}
}

struct world_stats world_stats(void)
{
	uint64_t daif = spin_lock_irqsave(&vms_lock);
	struct world_stats sum = gone;
	const struct vm *vm;

	list_for_each(vm, &vms, node)
		add_stats(&sum, vm);
	spin_unlock_irqrestore(&vms_lock, daif);
	return sum;
}

void proc_vm_remove(struct vm *vm)
{
	uint64_t daif = spin_lock_irqsave(&vms_lock);

	add_stats(&gone, vm);
	list_remove(&vm->node);
	spin_unlock_irqrestore(&vms_lock, daif);
}

static unsigned vm_next(unsigned above)
{
	uint64_t daif = spin_lock_irqsave(&vms_lock);
	const struct vm *vm;
	unsigned number = 0;

	list_for_each(vm, &vms, node) {
		if (vm->number > above) {
			number = vm->number;
			break;
		}
	}
	spin_unlock_irqrestore(&vms_lock, daif);
	return number;
}

/* One reference, unless there was none left. */
static bool vm_revive(struct vm *vm)
{
	uint32_t refs = atomic_load_explicit(&vm->refs, memory_order_relaxed);

	/* relaxed: the lock orders what is read of it */
	while (refs &&
	       !atomic_compare_exchange_weak_explicit(&vm->refs, &refs, refs + 1,
						      memory_order_relaxed, memory_order_relaxed))
		;
	return refs;
}

/* The VM of that number, one reference; NULL: it has gone. */
static struct vm *vm_by_number(unsigned number)
{
	uint64_t daif = spin_lock_irqsave(&vms_lock);
	struct vm *vm, *found = NULL;

	list_for_each(vm, &vms, node) {
		if (vm->number == number && vm_revive(vm)) {
			found = vm;
			break;
		}
	}
	spin_unlock_irqrestore(&vms_lock, daif);
	return found;
}

/* ---- the text ---- */

static uint64_t ns(uint64_t ticks)
{
	return timer_ticks_to_ns(ticks);
}

static void show_exits(struct text *t, struct vcpu *vcpu)
{
	struct watch_times times[WATCH_REASONS];
	uint64_t counts[WATCH_REASONS];

	watch_read(vcpu, times, counts);
	for (unsigned reason = 0; reason < WATCH_REASONS; reason++) {
		const struct watch_times *w = &times[reason];

		if (counts[reason])
			text_printf(t, "exit %u %s %lu %lu %lu %lu %lu %lu\n", vcpu->id,
				    names[reason], counts[reason], w->count, w->sum, w->least,
				    w->most, (uint64_t)(w->squares >> 20));
	}
}

static void show_vcpu(struct text *t, struct vcpu *vcpu)
{
	uint64_t ticks[WATCH_PLACES];

	watch_places(vcpu, ticks);
	text_printf(t, "vcpu %u guest %lu host %lu idle %lu\n", vcpu->id, ns(ticks[WATCH_GUEST]),
		    ns(ticks[WATCH_HOST]), ns(ticks[WATCH_IDLE]));
	text_printf(t, "bank %u guest %lu %lu vector %lu %lu\n", vcpu->id, bank_saves(vcpu),
		    relaxed_u64(&vcpu->stats.loads), watch_vector_saves(vcpu),
		    watch_vector_loads(vcpu));
	show_exits(t, vcpu);
}

/* vCPUs made since the file was opened begin to be watched. HOLDS(vm->lock) */
static void watch_all(struct vm *vm)
{
	struct vcpu *vcpu;
	unsigned i;

	vm_for_each_vcpu(i, vcpu, vm)
		if (!(atomic_load_explicit(&vcpu->requests, memory_order_relaxed) & REQ_WATCH))
			watch_begin(vcpu);
}

static void show(struct text *t, void *number)
{
	struct vm *vm = vm_by_number((unsigned)(uintptr_t)number);
	struct vcpu *vcpu;
	unsigned i;

	if (!vm)
		return;
	mutex_lock(&vm->lock);
	watch_all(vm);
	mutex_unlock(&vm->lock);
	text_printf(t, "stet-vm 1\nvm %u pid %d vcpus %u watched %lu\n", vm->number, vm->pid,
		    vm->vcpu_count, ns(timer_ticks() - vm->watched_since));
	vm_for_each_vcpu(i, vcpu, vm)
		show_vcpu(t, vcpu);
	vm_put(vm);
}

/* ---- the files ---- */

static void watch(struct vm *vm, bool begin)
{
	struct vcpu *vcpu;
	unsigned i;

	mutex_lock(&vm->lock);
	if (begin && !vm->watchers++) {
		vm->watched_since = timer_ticks();
		watch_all(vm);
	}
	if (!begin && !--vm->watchers)
		vm_for_each_vcpu(i, vcpu, vm)
			watch_end(vcpu);
	mutex_unlock(&vm->lock);
}

static void release(void *number)
{
	struct vm *vm = vm_by_number((unsigned)(uintptr_t)number);

	if (!vm)
		return;
	watch(vm, false);
	vm_put(vm);
}

static int vm_open(struct file *f, unsigned number)
{
	struct vm *vm = vm_by_number(number);
	int err;

	if (!vm)
		return -ENOENT;
	err = text_open(f, show, (void *)(uintptr_t)number, release);
	if (!err)
		watch(vm, true);
	vm_put(vm);
	return err;
}

static const struct pseudo_numbers numbers = { .next = vm_next, .open = vm_open };

void proc_vm_init(void)
{
	check(!pseudo_register_numbers("/proc/stet/vm", &numbers));
}
