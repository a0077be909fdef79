/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices of a VM as files (KVM_CREATE_DEVICE): there is one kind, the GICv3. Its attributes are
 * those of Linux's Documentation/virt/kvm/devices/arm-vgic-v3.rst, a table row for each group.
 *
 * vm->lock is held by all of them. The register groups look into every vCPU's interrupts: they
 * need all vCPUs' locks (-EBUSY if one is running) and evict them, so that the image is the truth.
 */
#include "kvm/api.h"

#include <linux/errno.h>

#include "arch/usercopy.h"
#include "bank/bank.h"
#include "kvm/vcpu.h"
#include "kvm/vgic/frames.h"
#include "kvm/vgic/icc.h"
#include "kvm/vgic/setup.h"

#define ATTR_MPIDR  BITS(63, 32) /* aff3.aff2.aff1.aff0 */
#define ATTR_OFFSET BITS(31, 0)
#define ATTR_SYSREG BITS(15, 0)
#define ATTR_INTID  BITS(9, 0)
#define ATTR_INFO   BITS(31, 10)

/* A value of KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION */
#define REGION_COUNT BITS(63, 52)
#define REGION_BASE  BITS(51, 16)
#define REGION_FLAGS BITS(15, 12)
#define REGION_INDEX BITS(11, 0)

struct attr_group {
	uint32_t group;
	int (*has)(struct vm *vm, uint64_t attr);
	int (*get)(struct vm *vm, uint64_t attr, uint64_t user);
	int (*set)(struct vm *vm, uint64_t attr, uint64_t user);
};

/* ---- KVM_DEV_ARM_VGIC_GRP_ADDR ---- */

static int addr_has(struct vm *vm, uint64_t attr)
{
	(void)vm;
	return attr >= KVM_VGIC_V3_ADDR_TYPE_DIST && attr <= KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION &&
			       attr != KVM_VGIC_ITS_ADDR_TYPE
		       ? 0
		       : -ENXIO;
}

static uint64_t shown(uint64_t base)
{
	return base == VGIC_NO_ADDRESS ? ~0ull : base;
}

static int region_get(struct vgic *vgic, uint64_t *value)
{
	unsigned index = (unsigned)field_get(REGION_INDEX, *value);

	if (index >= vgic->nr_regions)
		return -ENOENT;
	*value = index | vgic->regions[index].base |
		 field_set(REGION_COUNT, vgic->regions[index].count);
	return 0;
}

static int addr_get(struct vm *vm, uint64_t attr, uint64_t user)
{
	struct vgic *vgic = vm->vgic;
	uint64_t value;
	int err;

	if (get_user(value, user))
		return -EFAULT;
	switch (attr) {
	case KVM_VGIC_V3_ADDR_TYPE_DIST:
		value = shown(vgic->dist_base);
		break;
	case KVM_VGIC_V3_ADDR_TYPE_REDIST:
		value = vgic->nr_regions ? vgic->regions[0].base : ~0ull;
		break;
	case KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION:
		err = region_get(vgic, &value);
		if (err)
			return err;
		break;
	default:
		return -ENXIO;
	}
	return put_user(value, user);
}

static int region_set(struct vm *vm, uint64_t value)
{
	if (!field_get(REGION_COUNT, value) || (value & REGION_FLAGS))
		return -EINVAL;
	return vgic_add_region(vm, (unsigned)field_get(REGION_INDEX, value), value & REGION_BASE,
			       (unsigned)field_get(REGION_COUNT, value));
}

static int addr_set(struct vm *vm, uint64_t attr, uint64_t user)
{
	uint64_t value;

	if (get_user(value, user))
		return -EFAULT;
	switch (attr) {
	case KVM_VGIC_V3_ADDR_TYPE_DIST:
		return vgic_set_dist_base(vm, value);
	case KVM_VGIC_V3_ADDR_TYPE_REDIST:
		return vgic_add_region(vm, 0, value, 0);
	case KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION:
		return region_set(vm, value);
	default:
		return -ENXIO;
	}
}

/* ---- KVM_DEV_ARM_VGIC_GRP_NR_IRQS, _CTRL ---- */

static int any_has(struct vm *vm, uint64_t attr)
{
	(void)vm, (void)attr;
	return 0;
}

static int nr_irqs_get(struct vm *vm, uint64_t attr, uint64_t user)
{
	uint32_t value = vm->vgic->nr_irqs ? vm->vgic->nr_irqs : VGIC_PRIVATE;

	(void)attr;
	return put_user(value, user);
}

static int nr_irqs_set(struct vm *vm, uint64_t attr, uint64_t user)
{
	uint32_t value;

	(void)attr;
	return get_user(value, user) ? -EFAULT : vgic_set_nr_irqs(vm->vgic, value);
}

static int ctrl_has(struct vm *vm, uint64_t attr)
{
	(void)vm;
	return attr == KVM_DEV_ARM_VGIC_CTRL_INIT ? 0 : -ENXIO;
}

static int ctrl_get(struct vm *vm, uint64_t attr, uint64_t user)
{
	(void)vm, (void)attr, (void)user;
	return -ENXIO;
}

static int ctrl_set(struct vm *vm, uint64_t attr, uint64_t user)
{
	(void)user;
	return attr == KVM_DEV_ARM_VGIC_CTRL_INIT ? vgic_initialise(vm) : -ENXIO;
}

/* ---- the register groups ---- */

static void unlock_vcpus(struct vm *vm, unsigned count) NO_LOCK_ANALYSIS
{
	while (count)
		mutex_unlock(&vm->vcpus[--count]->lock);
}

/* All vCPUs, and what stands in banks back in their images. */
static int lock_vcpus(struct vm *vm) NO_LOCK_ANALYSIS
{
	if (!vm->vgic->initialised)
		return -EBUSY;
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		if (!mutex_trylock(&vm->vcpus[i]->lock)) {
			unlock_vcpus(vm, i);
			return -EBUSY;
		}
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		bank_evict(&vm->vcpus[i]->bank);
	return 0;
}

static struct vgic_cpu *attr_cpu(struct vm *vm, uint64_t attr)
{
	return vgic_cpu_by_affinity(vm->vgic, field_get(ATTR_MPIDR, attr));
}

/* redist: of which vCPU, by affinity. */
static int find_register(struct vm *vm, bool redist, uint64_t attr, struct vgic_reg_access *a)
{
	const struct vgic_reg *regs = redist ? vgic_redist_regs : vgic_dist_regs;

	*a = (struct vgic_reg_access){ .vgic = vm->vgic, .bytes = 4, .user = true };
	a->offset = (uint32_t)field_get(ATTR_OFFSET, attr);
	a->reg = vgic_reg_find(regs, a->offset, 4);
	if (redist) {
		a->cpu = attr_cpu(vm, attr);
		if (!a->cpu)
			return -EINVAL;
	}
	return a->reg ? 0 : -ENXIO;
}

static int register_access(struct vm *vm, bool redist, uint64_t attr, bool write, uint32_t *value)
{
	struct vgic_reg_access a;
	uint64_t wide = *value;
	int err = lock_vcpus(vm);

	if (err)
		return err;
	err = find_register(vm, redist, attr, &a);
	if (!err)
		err = vgic_reg_access(&a, write, &wide);
	unlock_vcpus(vm, vm->vcpu_count);
	*value = (uint32_t)wide;
	return err;
}

static int register_get(struct vm *vm, bool redist, uint64_t attr, uint64_t user)
{
	uint32_t value = 0;
	int err = register_access(vm, redist, attr, false, &value);

	return err ? err : put_user(value, user);
}

static int register_set(struct vm *vm, bool redist, uint64_t attr, uint64_t user)
{
	uint32_t value;

	return get_user(value, user) ? -EFAULT : register_access(vm, redist, attr, true, &value);
}

static int dist_has(struct vm *vm, uint64_t attr)
{
	(void)vm;
	return vgic_reg_find(vgic_dist_regs, (uint32_t)field_get(ATTR_OFFSET, attr), 4) ? 0
											 : -ENXIO;
}

static int dist_get(struct vm *vm, uint64_t attr, uint64_t user)
{
	return register_get(vm, false, attr, user);
}

static int dist_set(struct vm *vm, uint64_t attr, uint64_t user)
{
	return register_set(vm, false, attr, user);
}

static int redist_has(struct vm *vm, uint64_t attr)
{
	(void)vm;
	return vgic_reg_find(vgic_redist_regs, (uint32_t)field_get(ATTR_OFFSET, attr), 4) ? 0
											   : -ENXIO;
}

static int redist_get(struct vm *vm, uint64_t attr, uint64_t user)
{
	return register_get(vm, true, attr, user);
}

static int redist_set(struct vm *vm, uint64_t attr, uint64_t user)
{
	return register_set(vm, true, attr, user);
}

/* ---- KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS ---- */

static int sysreg_has(struct vm *vm, uint64_t attr)
{
	(void)vm;
	return icc_find(field_get(ATTR_SYSREG, attr)) ? 0 : -ENXIO;
}

static int sysreg_access(struct vm *vm, uint64_t attr, bool write, uint64_t *value)
{
	const struct icc_reg *reg = icc_find(field_get(ATTR_SYSREG, attr));
	struct vgic_cpu *cpu;
	int err = lock_vcpus(vm);

	if (err)
		return err;
	cpu = attr_cpu(vm, attr);
	if (!cpu)
		err = -EINVAL;
	else if (!reg)
		err = -ENOENT;
	else if (write)
		err = icc_write(reg, cpu, *value);
	else
		*value = icc_read(reg, cpu);
	unlock_vcpus(vm, vm->vcpu_count);
	return err;
}

static int sysreg_get(struct vm *vm, uint64_t attr, uint64_t user)
{
	uint64_t value = 0;
	int err = sysreg_access(vm, attr, false, &value);

	return err ? err : put_user(value, user);
}

static int sysreg_set(struct vm *vm, uint64_t attr, uint64_t user)
{
	uint64_t value;

	return get_user(value, user) ? -EFAULT : sysreg_access(vm, attr, true, &value);
}

/* ---- KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO ---- */

static int level_has(struct vm *vm, uint64_t attr)
{
	(void)vm;
	return field_get(ATTR_INFO, attr) == VGIC_LEVEL_INFO_LINE_LEVEL &&
			       field_get(ATTR_INTID, attr) % 32 == 0
		       ? 0
		       : -ENXIO;
}

static int level_locked(struct vm *vm, uint64_t attr, bool write, uint32_t *value)
{
	unsigned first = (unsigned)field_get(ATTR_INTID, attr);
	struct vgic_cpu *cpu = attr_cpu(vm, attr);

	if (level_has(vm, attr) || !cpu)
		return -EINVAL;
	vgic_levels(vm->vgic, cpu, first, write, value);
	return 0;
}

static int level_access(struct vm *vm, uint64_t attr, bool write, uint32_t *value)
{
	int err = lock_vcpus(vm);

	if (err)
		return err;
	err = level_locked(vm, attr, write, value);
	unlock_vcpus(vm, vm->vcpu_count);
	return err;
}

static int level_get(struct vm *vm, uint64_t attr, uint64_t user)
{
	uint32_t value = 0;
	int err = level_access(vm, attr, false, &value);

	return err ? err : put_user(value, user);
}

static int level_set(struct vm *vm, uint64_t attr, uint64_t user)
{
	uint32_t value;

	return get_user(value, user) ? -EFAULT : level_access(vm, attr, true, &value);
}

/* ---- the device's file ---- */

static const struct attr_group groups[] = {
	{ KVM_DEV_ARM_VGIC_GRP_ADDR, addr_has, addr_get, addr_set },
	{ KVM_DEV_ARM_VGIC_GRP_NR_IRQS, any_has, nr_irqs_get, nr_irqs_set },
	{ KVM_DEV_ARM_VGIC_GRP_CTRL, ctrl_has, ctrl_get, ctrl_set },
	{ KVM_DEV_ARM_VGIC_GRP_DIST_REGS, dist_has, dist_get, dist_set },
	{ KVM_DEV_ARM_VGIC_GRP_REDIST_REGS, redist_has, redist_get, redist_set },
	{ KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS, sysreg_has, sysreg_get, sysreg_set },
	{ KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO, level_has, level_get, level_set },
};

static const struct attr_group *find_group(uint32_t group)
{
	for (unsigned i = 0; i < ARRAY_SIZE(groups); i++)
		if (groups[i].group == group)
			return &groups[i];
	return NULL;
}

static int attr_call(struct vm *vm, unsigned cmd, const struct kvm_device_attr *attr)
{
	const struct attr_group *group = find_group(attr->group);

	if (!group)
		return -ENXIO;
	switch (cmd) {
	case KVM_HAS_DEVICE_ATTR:
		return group->has(vm, attr->attr);
	case KVM_GET_DEVICE_ATTR:
		return group->get(vm, attr->attr, attr->addr);
	default:
		return group->set(vm, attr->attr, attr->addr);
	}
}

static long device_ioctl(struct file *f, unsigned cmd, uint64_t arg)
{
	struct vm *vm = f->data;
	struct kvm_device_attr attr;
	int err;

	if (vm->space != space_current())
		return -EIO;
	if (cmd != KVM_HAS_DEVICE_ATTR && cmd != KVM_GET_DEVICE_ATTR && cmd != KVM_SET_DEVICE_ATTR)
		return -ENOTTY;
	if (get_user(attr, arg))
		return -EFAULT;
	mutex_lock(&vm->lock);
	err = attr_call(vm, cmd, &attr);
	mutex_unlock(&vm->lock);
	return err;
}

static void device_release(struct file *f)
{
	vm_put(f->data);
}

static const struct file_ops device_file_ops = {
	.ioctl = device_ioctl,
	.release = device_release,
};

int device_create(struct vm *vm, struct kvm_create_device *device)
{
	long fd;
	int err;

	if (device->type != KVM_DEV_TYPE_ARM_VGIC_V3)
		return -ENODEV;
	if (device->flags & KVM_CREATE_DEVICE_TEST)
		return 0;
	mutex_lock(&vm->lock);
	err = vgic_create(vm);
	mutex_unlock(&vm->lock);
	if (err)
		return err;
	vm_get(vm);
	fd = api_install(&device_file_ops, vm);
	if (fd < 0)
		return (int)fd;
	device->fd = (uint32_t)fd;
	return 0;
}
