/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making, resetting and ending vCPUs, and what the VMM asks about them besides registers: power
 * (MP_STATE), pending SError, attributes. Entered from api.c with vcpu->lock held (vcpu_create()
 * with vm->lock), and from vcpu.c when a vCPU is switched on. Manual:
 * Documentation/virt/kvm/api.rst of Linux, for the errors.
 */
#include "kvm/vcpu.h"

#include <linux/errno.h>

#include "arch/sysreg.h"
#include "arch/timer.h"
#include "arch/usercopy.h"
#include "kvm/sve.h"
#include "kvm/vgic/vgic.h"
#include "kvm/vtimer.h"
#include "kvm/world.h"
#include "lib/check.h"
#include "lib/string.h"
#include "mm/page.h"
#include "mm/slab.h"

#define PSTATE_RESET   (PSTATE_D | PSTATE_A | PSTATE_I | PSTATE_F | 5) /* EL1h */
#define MPIDR_AFF0     BITS(7, 0)
#define MPIDR_AFF1     BITS(15, 8)
#define MPIDR_AFF2     BITS(23, 16)
#define FEATURES_KNOWN 7 /* KVM_ARM_VCPU_POWER_OFF to _PTRAUTH_GENERIC */

/* As KVM numbers them: 16 a cluster, as many as ICC_SGI1R_EL1's target list reaches. */
static uint64_t affinity_of(unsigned id)
{
	return field_set(MPIDR_AFF0, id & 15) | field_set(MPIDR_AFF1, id >> 4 & 255) |
	       field_set(MPIDR_AFF2, id >> 12 & 255);
}

int vcpu_create(struct vm *vm, unsigned id, struct vcpu **out)
{
	unsigned count = atomic_load_explicit(&vm->vcpu_count, memory_order_relaxed);
	struct vcpu *vcpu;

	if (id >= VM_MAX_VCPUS || count == VM_MAX_VCPUS)
		return -EINVAL;
	if (vm_vcpu_by_id(vm, id))
		return -EEXIST;
	vcpu = kzalloc(sizeof(*vcpu));
	if (!vcpu)
		return -ENOMEM;
	vcpu->run = page_alloc_zeroed(0);
	if (!vcpu->run) {
		kfree(vcpu);
		return -ENOMEM;
	}
	vm->counter_offset = timer_ticks(); /* the guest's time begins now */
	vcpu->vm = vm;
	vcpu->id = id;
	vcpu->index = count;
	vcpu->power.mpidr = affinity_of(id);
	vcpu->power.state = POWER_OFF;
	mutex_init(&vcpu->lock);
	bank_ctx_init(&vcpu->bank, &guest_bank);
	fp_context_init(&vcpu->fp, 0, NULL);
	vtimer_init_vcpu(vcpu);
	world_reset_image(vcpu);
	*out = vcpu;
	return 0;
}

void vcpu_destroy(struct vcpu *vcpu)
{
	bank_discard(&vcpu->bank);
	vtimer_destroy_vcpu(vcpu);
	fp_context_end(&vcpu->fp);
	page_free(vcpu->run);
	kfree(vcpu->watch);
	kfree(vcpu);
}

void vcpu_reset(struct vcpu *vcpu)
{
	bank_discard(&vcpu->bank);
	fp_context_reset(&vcpu->fp);
	memset(vcpu->x, 0, sizeof(vcpu->x));
	vcpu->pc = 0;
	vcpu->pstate = PSTATE_RESET;
	world_reset_image(vcpu);
	memset(vcpu->spsr32, 0, sizeof(vcpu->spsr32));
	memset(&vcpu->debug, 0, sizeof(vcpu->debug));
	vcpu->timer.active = 0;
	vcpu->mmio_pending = false;
	vgic_vcpu_reset(vcpu);
	if (vcpu->vm->vgic) {
		vgic_inject(vcpu->vm, vcpu, VGIC_PPI_VTIMER, false);
		vgic_inject(vcpu->vm, vcpu, VGIC_PPI_PTIMER, false);
	}
}

void vcpu_preferred_target(struct kvm_vcpu_init *init)
{
	memset(init, 0, sizeof(*init));
	init->target = KVM_ARM_TARGET_GENERIC_V8;
}

static uint64_t features_offered(void)
{
	return BIT(KVM_ARM_VCPU_POWER_OFF) | BIT(KVM_ARM_VCPU_PSCI_0_2) |
	       (sve_offered() ? BIT(KVM_ARM_VCPU_SVE) : 0);
}

/* -ENOENT: a feature nobody has heard of; -EINVAL: one that is not offered. */
static int check_features(const struct vcpu *vcpu, const struct kvm_vcpu_init *init)
{
	if (init->features[0] >> FEATURES_KNOWN)
		return -ENOENT;
	for (unsigned i = 1; i < ARRAY_SIZE(init->features); i++)
		if (init->features[i])
			return -ENOENT;
	if (init->features[0] & ~features_offered())
		return -EINVAL;
	if (vcpu->initialised && vcpu->features != init->features[0])
		return -EINVAL;
	return 0;
}

/* Known to its VM's firmware from the first time on. */
static void register_power(struct vcpu *vcpu, bool off)
{
	struct vm *vm = vcpu->vm;
	uint64_t daif = spin_lock_irqsave(&vm->power_lock);

	if (!vcpu->initialised)
		vm->psci.cpus[vm->psci.count++] = &vcpu->power;
	if (!vm->psci.version && (vcpu->features & BIT(KVM_ARM_VCPU_PSCI_0_2)))
		vm->psci.version = PSCI_DEFAULT_VERSION;
	vcpu->power.state = off ? POWER_OFF : POWER_ON;
	spin_unlock_irqrestore(&vm->power_lock, daif);
}

int vcpu_init(struct vcpu *vcpu, const struct kvm_vcpu_init *init)
{
	int err;

	if (init->target != KVM_ARM_TARGET_GENERIC_V8)
		return -EINVAL;
	err = check_features(vcpu, init);
	if (err)
		return err;
	vcpu->features = init->features[0];
	if (vcpu_has_sve(vcpu) && !vcpu->sve_finalized)
		sve_vcpu_init(vcpu);
	register_power(vcpu, vcpu->features & BIT(KVM_ARM_VCPU_POWER_OFF));
	vcpu_reset(vcpu);
	vcpu->initialised = true;
	vcpu_kick(vcpu, REQ_POWER);
	return 0;
}

/* ---- power ---- */

void vcpu_get_mp_state(struct vcpu *vcpu, struct kvm_mp_state *state)
{
	state->mp_state =
		vcpu->power.state == POWER_OFF ? KVM_MP_STATE_STOPPED : KVM_MP_STATE_RUNNABLE;
}

int vcpu_set_mp_state(struct vcpu *vcpu, const struct kvm_mp_state *state)
{
	struct spinlock *lock = &vcpu->vm->power_lock;
	uint64_t daif;

	if (state->mp_state != KVM_MP_STATE_STOPPED && state->mp_state != KVM_MP_STATE_RUNNABLE)
		return -EINVAL;
	daif = spin_lock_irqsave(lock);
	if (state->mp_state == KVM_MP_STATE_STOPPED)
		vcpu->power.state = POWER_OFF;
	else if (vcpu->power.state == POWER_OFF) /* else it is on, or will be when it runs */
		vcpu->power.state = POWER_ON;
	spin_unlock_irqrestore(lock, daif);
	vcpu_kick(vcpu, REQ_POWER);
	return 0;
}

/* ---- pending exceptions ---- */

int vcpu_get_events(struct vcpu *vcpu, struct kvm_vcpu_events *events)
{
	bank_evict(&vcpu->bank); /* HCR_EL2 is read back */
	memset(events, 0, sizeof(*events));
	events->exception.serror_pending = !!(vcpu->hcr & HCR_VSE);
	return 0;
}

int vcpu_set_events(struct vcpu *vcpu, const struct kvm_vcpu_events *events)
{
	for (unsigned i = 0; i < ARRAY_SIZE(events->reserved); i++)
		if (events->reserved[i])
			return -EINVAL;
	for (unsigned i = 0; i < ARRAY_SIZE(events->exception.pad); i++)
		if (events->exception.pad[i])
			return -EINVAL;
	if (events->exception.serror_has_esr)
		return -EINVAL;
	if (events->exception.serror_pending)
		inject_serror(vcpu);
	if (events->exception.ext_dabt_pending) {
		vcpu->mmio_pending = false; /* this is the access's end */
		inject_data_abort(vcpu, vcpu->far);
	}
	bank_evict(&vcpu->bank); /* it may not have run yet: nobody stands in a bank before his GIC
				    is complete */
	return 0;
}

/* ---- attributes ---- */

/* Stet's own group, docs/abi.md: the policy of this vCPU's vector registers. */
#define GROUP_STET_VECTORS  0x53746574u
#define STET_VECTORS_POLICY 0

static bool is_policy(const struct kvm_device_attr *attr)
{
	return attr->group == GROUP_STET_VECTORS && attr->attr == STET_VECTORS_POLICY;
}

static int set_policy(struct vcpu *vcpu, uint64_t addr)
{
	uint32_t kind;

	if (get_user(kind, addr))
		return -EFAULT;
	if (kind >= FP_POLICIES)
		return -EINVAL;
	fp_set_policy(&vcpu->fp, (enum fp_policy_kind)kind);
	return 0;
}

static int timer_ppi(const struct kvm_device_attr *attr, unsigned *ppi)
{
	if (attr->group != KVM_ARM_VCPU_TIMER_CTRL)
		return -ENXIO;
	if (attr->attr == KVM_ARM_VCPU_TIMER_IRQ_VTIMER)
		*ppi = VGIC_PPI_VTIMER;
	else if (attr->attr == KVM_ARM_VCPU_TIMER_IRQ_PTIMER)
		*ppi = VGIC_PPI_PTIMER;
	else
		return -ENXIO;
	return 0;
}

int vcpu_has_attr(struct vcpu *vcpu, const struct kvm_device_attr *attr)
{
	unsigned ppi;

	(void)vcpu;
	return is_policy(attr) ? 0 : timer_ppi(attr, &ppi);
}

int vcpu_get_attr(struct vcpu *vcpu, const struct kvm_device_attr *attr)
{
	unsigned ppi;
	int err;

	if (is_policy(attr))
		return put_user((uint32_t)vcpu->fp.policy.kind, attr->addr);
	err = timer_ppi(attr, &ppi);
	return err ? err : put_user((uint32_t)ppi, attr->addr);
}

/* The numbers are the hardware's; choosing them again is allowed. */
int vcpu_set_attr(struct vcpu *vcpu, const struct kvm_device_attr *attr)
{
	unsigned ppi;
	uint32_t wanted;
	int err;

	if (is_policy(attr))
		return set_policy(vcpu, attr->addr);
	err = timer_ppi(attr, &ppi);
	if (!err)
		err = get_user(wanted, attr->addr);
	if (err)
		return err;
	return wanted == ppi ? 0 : -EINVAL;
}
