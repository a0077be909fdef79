/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of a VM's GIC: created (KVM_CREATE_DEVICE), told its size and its frames' addresses in
 * any order, initialised, and from then on fixed. vCPUs may come before the GIC or between its
 * creation and its initialisation; a vCPU's struct vgic_cpu is made with the vCPU and joins then.
 * All under vm->lock.
 */
#include "kvm/vgic/setup.h"

#include <linux/errno.h>

#include "kvm/vgic/cpuif.h"
#include "kvm/vgic/regs.h"
#include "mm/slab.h"

#define DEFAULT_IRQS 256u

int vgic_create(struct vm *vm)
{
	struct vcpu *vcpu;
	unsigned i;

	if (vm->vgic)
		return -EEXIST;
	vm_for_each_vcpu(i, vcpu, vm) if (vcpu->ready) return -EBUSY;
	vm->vgic = kzalloc(sizeof(*vm->vgic));
	if (!vm->vgic)
		return -ENOMEM;
	vm->vgic->dist_base = VGIC_NO_ADDRESS;
	vm->vgic->nr_lrs = cpuif_lrs();
	vm->vgic->more_priorities = cpuif_has_more_priorities();
	return 0;
}

void vgic_destroy(struct vm *vm)
{
	if (!vm->vgic)
		return;
	kfree(vm->vgic->spis);
	kfree(vm->vgic);
	vm->vgic = NULL;
}

static bool initialised(const struct vm *vm)
{
	return vm->vgic && vm->vgic->initialised;
}

int vgic_vcpu_init(struct vcpu *vcpu)
{
	struct vgic_cpu *cpu;

	if (initialised(vcpu->vm))
		return -EBUSY;
	cpu = kzalloc(sizeof(*cpu));
	if (!cpu)
		return -ENOMEM;
	cpu->vcpu = vcpu;
	cpu->home = -1;
	cpu->base = VGIC_NO_ADDRESS;
	list_init(&cpu->queue);
	vcpu->vgic = cpu;
	return 0;
}

void vgic_vcpu_destroy(struct vcpu *vcpu)
{
	kfree(vcpu->vgic);
	vcpu->vgic = NULL;
}

void vgic_vcpu_reset(struct vcpu *vcpu)
{
	struct vgic_cpu *cpu = vcpu->vgic;

	cpu->vmcr = 0;
	for (unsigned i = 0; i < 4; i++)
		cpu->apr[i][0] = cpu->apr[i][1] = 0;
}

/* ---- size ---- */

int vgic_set_nr_irqs(struct vgic *vgic, unsigned nr_irqs)
{
	if (nr_irqs < VGIC_PRIVATE + 32 || nr_irqs > VGIC_MAX_IRQS || nr_irqs % 32)
		return -EINVAL;
	if (vgic->initialised || vgic->nr_irqs)
		return -EBUSY;
	vgic->nr_irqs = nr_irqs;
	return 0;
}

static void join(struct vgic *vgic, struct vcpu *vcpu)
{
	struct vgic_cpu *cpu = vcpu->vgic;
	uint64_t mpidr = vcpu_mpidr(vcpu);

	cpu->vgic = vgic;
	cpu->affinity = (mpidr >> 8 & BITS(31, 24)) | (mpidr & BITS(23, 0));
	cpu->index = vgic->nr_cpus;
	vgic_model_init_cpu(cpu);
	cpu->irqs[VGIC_PPI_VTIMER].hw_intid = VGIC_PPI_VTIMER;
	cpu->irqs[VGIC_PPI_PTIMER].hw_intid = VGIC_PPI_PTIMER;
	vgic->cpus[vgic->nr_cpus++] = cpu;
}

static void place_redistributors(struct vgic *vgic);

int vgic_initialise(struct vm *vm)
{
	struct vgic *vgic = vm->vgic;
	struct vgic_irq *spis;
	struct vcpu *vcpu;
	unsigned i;

	if (vgic->initialised)
		return 0;
	if (!vgic->nr_irqs)
		vgic->nr_irqs = DEFAULT_IRQS;
	spis = kcalloc(vgic->nr_irqs - VGIC_PRIVATE, sizeof(*spis));
	if (!spis)
		return -ENOMEM;
	vgic->spis = spis;
	vm_for_each_vcpu(i, vcpu, vm) join(vgic, vcpu);
	vgic_model_init_spis(vgic);
	place_redistributors(vgic);
	/* release: pairs with the acquire in vgic_inject() */
	atomic_store_explicit(&vgic->initialised, true, memory_order_release);
	return 0;
}

/* ---- addresses ---- */

static int check_range(struct vm *vm, uint64_t base, uint64_t size)
{
	uint64_t end = 1ull << vm->stage2.ipa_bits;

	if (base % GICR_FRAME || base + size < base)
		return -EINVAL;
	return base >= end || base + size > end ? -E2BIG : 0;
}

static bool overlap(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
	return a < b + b_size && b < a + a_size;
}

static uint64_t region_size(struct vm *vm, const struct vgic_region *r)
{
	return (uint64_t)(r->count ? r->count : vm->vcpu_count) * GICR_SIZE;
}

int vgic_set_dist_base(struct vm *vm, uint64_t base)
{
	int err;

	if (vm->vgic->dist_base != VGIC_NO_ADDRESS)
		return -EEXIST;
	err = check_range(vm, base, GICD_SIZE);
	if (!err)
		vm->vgic->dist_base = base;
	return err;
}

static int check_region_order(const struct vgic *vgic, unsigned index, unsigned count)
{
	if (!vgic->nr_regions)
		return index ? -EINVAL : 0;
	if (!count)
		return vgic->regions[0].count ? -EINVAL : -EEXIST;
	return !vgic->regions[0].count || index != vgic->nr_regions ? -EINVAL : 0;
}

static int check_region_place(struct vm *vm, const struct vgic_region *r)
{
	struct vgic *vgic = vm->vgic;
	uint64_t size = region_size(vm, r);

	if (vgic->dist_base != VGIC_NO_ADDRESS &&
	    overlap(r->base, size, vgic->dist_base, GICD_SIZE))
		return -EINVAL;
	for (unsigned i = 0; i < vgic->nr_regions; i++)
		if (overlap(r->base, size, vgic->regions[i].base,
			    region_size(vm, &vgic->regions[i])))
			return -EINVAL;
	return check_range(vm, r->base, size);
}

int vgic_add_region(struct vm *vm, unsigned index, uint64_t base, unsigned count)
{
	struct vgic *vgic = vm->vgic;
	struct vgic_region region = { .base = base, .count = count };
	int err = check_region_order(vgic, index, count);

	if (!err)
		err = check_region_place(vm, &region);
	if (err)
		return err;
	if (vgic->nr_regions == ARRAY_SIZE(vgic->regions))
		return -ENOMEM;
	vgic->regions[vgic->nr_regions++] = region;
	place_redistributors(vgic);
	return 0;
}

/* vCPU after vCPU fills the regions in their order. */
static void place_redistributors(struct vgic *vgic)
{
	unsigned n = 0;

	for (unsigned i = 0; i < vgic->nr_regions; i++) {
		const struct vgic_region *r = &vgic->regions[i];

		for (unsigned k = 0; n < vgic->nr_cpus && (!r->count || k < r->count); k++, n++) {
			vgic->cpus[n]->base = r->base + (uint64_t)k * GICR_SIZE;
			vgic->cpus[n]->last = false;
			if (n)
				vgic->cpus[n - 1]->last =
					vgic->cpus[n - 1]->base + GICR_SIZE != vgic->cpus[n]->base;
		}
	}
	if (n)
		vgic->cpus[n - 1]->last = true;
}

/* The span of all frames, so that mmio.c need not ask for each address. */
static void note_span(struct vgic *vgic)
{
	uint64_t low = vgic->dist_base, high = vgic->dist_base + GICD_SIZE;

	for (unsigned i = 0; i < vgic->nr_cpus; i++) {
		if (vgic->cpus[i]->base == VGIC_NO_ADDRESS)
			continue;
		low = min(low, vgic->cpus[i]->base);
		high = max(high, vgic->cpus[i]->base + GICR_SIZE);
	}
	vgic->low = low;
	vgic->span = high - low;
}

static int check_ready(struct vcpu *vcpu)
{
	struct vgic *vgic = vcpu->vm->vgic;
	uint64_t size = vcpu->vm->vcpu_count * (uint64_t)GICR_SIZE;

	if (vgic->dist_base == VGIC_NO_ADDRESS || !vgic->nr_regions)
		return -ENXIO;
	if (vgic->initialised && vcpu->vgic->base == VGIC_NO_ADDRESS)
		return -ENXIO; /* the regions have no room for it */
	if (!vgic->regions[0].count &&
	    overlap(vgic->dist_base, GICD_SIZE, vgic->regions[0].base, size))
		return -EINVAL;
	return vgic->initialised ? 0 : -EBUSY;
}

int vgic_ready_to_run(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	int err;

	mutex_lock(&vm->lock);
	err = vm->vgic ? check_ready(vcpu) : 0;
	if (!err && vm->vgic)
		note_span(vm->vgic);
	mutex_unlock(&vm->lock);
	return err;
}
