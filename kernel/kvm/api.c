/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ioctls of /dev/kvm, of VMs and of vCPUs: one table each, and the files they are asked on.
 * Linux: Documentation/virt/kvm/api.rst. The work is done in vm.c, vcpu.c, device.c, irqfd.c …;
 * here arguments are fetched and the rules that hold for all ioctls of a file are kept:
 *
 *   - a VM and its vCPUs answer only to the program whose memory they use (-EIO);
 *   - an ioctl of a vCPU holds its lock, so it waits for KVM_RUN to end;
 *   - what is in no table does not exist (-EINVAL).
 */
#include "kvm/api.h"

#include <linux/errno.h>
#include <linux/fcntl.h>

#include "arch/usercopy.h"
#include "kvm/ioeventfd.h"
#include "kvm/irqfd.h"
#include "kvm/kvm.h"
#include "kvm/sve.h"
#include "kvm/vcpu.h"
#include "kvm/vgic/vgic.h"
#include "lib/check.h"
#include "mm/page.h"

#define KVM_MINOR   232
#define MISC_MAJOR  10
#define MODE_ALL_RW 0666
#define DEFAULT_IPA 40u
#define ROUTES	    4096

long api_install(const struct file_ops *ops, void *data)
{
	struct file *f = file_create(ops, data, O_RDWR);
	int fd;

	if (!f) {
		struct file never = { .data = data };

		ops->release(&never);
		return -ENOMEM;
	}
	fd = fd_install(f, true);
	if (fd < 0)
		file_put(f);
	return fd;
}

static const struct api_row *find(const struct api_row *rows, unsigned count, unsigned cmd)
{
	for (unsigned i = 0; i < count; i++)
		if (rows[i].cmd == cmd)
			return &rows[i];
	return NULL;
}

/* ---- capabilities ---- */

static long cap_vcpus(void)
{
	return min(cpu_count(), (unsigned)VM_MAX_VCPUS);
}

static long cap_ipa_bits(void)
{
	return stage2_max_ipa_bits();
}

/* Those not here are 0. */
static const struct {
	unsigned cap;
	int value;
	long (*ask)(void);
} caps[] = {
	{ KVM_CAP_IRQCHIP, 1, NULL },
	{ KVM_CAP_USER_MEMORY, 1, NULL },
	{ KVM_CAP_NR_VCPUS, 0, cap_vcpus },
	{ KVM_CAP_NR_MEMSLOTS, VM_MAX_SLOTS, NULL },
	{ KVM_CAP_MP_STATE, 1, NULL },
	{ KVM_CAP_SYNC_MMU, 1, NULL },
	{ KVM_CAP_DESTROY_MEMORY_REGION_WORKS, 1, NULL },
	{ KVM_CAP_IRQ_ROUTING, ROUTES, NULL },
	{ KVM_CAP_JOIN_MEMORY_REGIONS_WORKS, 1, NULL },
	{ KVM_CAP_IRQFD, 1, NULL },
	{ KVM_CAP_IOEVENTFD, 1, NULL },
	{ KVM_CAP_INTERNAL_ERROR_DATA, 1, NULL },
	{ KVM_CAP_VCPU_EVENTS, 1, NULL },
	{ KVM_CAP_MAX_VCPUS, VM_MAX_VCPUS, NULL },
	{ KVM_CAP_ONE_REG, 1, NULL },
	{ KVM_CAP_READONLY_MEM, 1, NULL },
	{ KVM_CAP_ARM_PSCI, 1, NULL },
	{ KVM_CAP_DEVICE_CTRL, 1, NULL },
	{ KVM_CAP_ARM_PSCI_0_2, 1, NULL },
	{ KVM_CAP_CHECK_EXTENSION_VM, 1, NULL },
	{ KVM_CAP_IOEVENTFD_ANY_LENGTH, 1, NULL },
	{ KVM_CAP_VCPU_ATTRIBUTES, 1, NULL },
	{ KVM_CAP_MAX_VCPU_ID, VM_MAX_VCPUS, NULL },
	{ KVM_CAP_IMMEDIATE_EXIT, 1, NULL },
	{ KVM_CAP_ARM_VM_IPA_SIZE, 0, cap_ipa_bits },
	{ KVM_CAP_ARM_SVE, 0, sve_offered },
	{ KVM_CAP_ARM_INJECT_EXT_DABT, 1, NULL },
	{ KVM_CAP_BINARY_STATS_FD, 1, NULL },
};

static long check_extension(void *object, uint64_t arg)
{
	(void)object;
	for (unsigned i = 0; i < ARRAY_SIZE(caps); i++)
		if (caps[i].cap == arg)
			return caps[i].ask ? caps[i].ask() : caps[i].value;
	return 0;
}

/* ---- vCPU ---- */

static long vcpu_ioctl_run(void *object, uint64_t arg)
{
	return arg ? -EINVAL : vcpu_run(object);
}

static long vcpu_ioctl_init(void *object, uint64_t arg)
{
	struct kvm_vcpu_init init;

	return get_user(init, arg) ? -EFAULT : vcpu_init(object, &init);
}

static long vcpu_ioctl_finalize(void *object, uint64_t arg)
{
	int feature;

	return get_user(feature, arg) ? -EFAULT : vcpu_finalize(object, feature);
}

static long vcpu_ioctl_get_one_reg(void *object, uint64_t arg)
{
	return vcpu_get_one_reg(object, arg);
}

static long vcpu_ioctl_set_one_reg(void *object, uint64_t arg)
{
	return vcpu_set_one_reg(object, arg);
}

static long vcpu_ioctl_get_reg_list(void *object, uint64_t arg)
{
	return vcpu_get_reg_list(object, arg);
}

static long vcpu_ioctl_get_mp_state(void *object, uint64_t arg)
{
	struct kvm_mp_state state;

	vcpu_get_mp_state(object, &state);
	return put_user(state, arg);
}

static long vcpu_ioctl_set_mp_state(void *object, uint64_t arg)
{
	struct kvm_mp_state state;

	return get_user(state, arg) ? -EFAULT : vcpu_set_mp_state(object, &state);
}

static long vcpu_ioctl_get_events(void *object, uint64_t arg)
{
	struct kvm_vcpu_events events = { 0 };
	int err = vcpu_get_events(object, &events);

	return err ? err : put_user(events, arg);
}

static long vcpu_ioctl_set_events(void *object, uint64_t arg)
{
	struct kvm_vcpu_events events;

	return get_user(events, arg) ? -EFAULT : vcpu_set_events(object, &events);
}

static long vcpu_ioctl_has_attr(void *object, uint64_t arg)
{
	struct kvm_device_attr attr;

	return get_user(attr, arg) ? -EFAULT : vcpu_has_attr(object, &attr);
}

static long vcpu_ioctl_get_attr(void *object, uint64_t arg)
{
	struct kvm_device_attr attr;

	return get_user(attr, arg) ? -EFAULT : vcpu_get_attr(object, &attr);
}

static long vcpu_ioctl_set_attr(void *object, uint64_t arg)
{
	struct kvm_device_attr attr;

	return get_user(attr, arg) ? -EFAULT : vcpu_set_attr(object, &attr);
}

static long vcpu_ioctl_stats(void *object, uint64_t arg)
{
	(void)arg;
	return stats_open_vcpu(object);
}

static const struct api_row vcpu_rows[] = {
	{ KVM_RUN, false, vcpu_ioctl_run },
	{ KVM_SET_ONE_REG, true, vcpu_ioctl_set_one_reg },
	{ KVM_GET_ONE_REG, true, vcpu_ioctl_get_one_reg },
	{ KVM_GET_REG_LIST, true, vcpu_ioctl_get_reg_list },
	{ KVM_ARM_VCPU_INIT, false, vcpu_ioctl_init },
	{ KVM_ARM_VCPU_FINALIZE, true, vcpu_ioctl_finalize },
	{ KVM_GET_MP_STATE, false, vcpu_ioctl_get_mp_state },
	{ KVM_SET_MP_STATE, false, vcpu_ioctl_set_mp_state },
	{ KVM_GET_VCPU_EVENTS, true, vcpu_ioctl_get_events },
	{ KVM_SET_VCPU_EVENTS, true, vcpu_ioctl_set_events },
	{ KVM_HAS_DEVICE_ATTR, false, vcpu_ioctl_has_attr },
	{ KVM_GET_DEVICE_ATTR, false, vcpu_ioctl_get_attr },
	{ KVM_SET_DEVICE_ATTR, false, vcpu_ioctl_set_attr },
	{ KVM_GET_STATS_FD, false, vcpu_ioctl_stats },
};

/* False: it was not initialised. */
static __attribute__((noinline)) bool settle(struct vcpu *vcpu)
{
	if (vcpu->initialised)
		vcpu_finish_power_up(vcpu);
	return vcpu->initialised;
}

static long vcpu_ioctl(struct file *f, unsigned cmd, uint64_t arg)
{
	struct vcpu *vcpu = f->data;
	const struct api_row *row = find(vcpu_rows, ARRAY_SIZE(vcpu_rows), cmd);
	long result;

	if (vcpu->vm->space != space_current())
		return -EIO;
	if (!row)
		return -EINVAL;
	if (mutex_lock_interruptible(&vcpu->lock))
		return -EINTR;
	if (row->initialised && !vcpu_settled(vcpu) && !settle(vcpu))
		result = -ENOEXEC;
	else
		result = row->call(vcpu, arg);
	mutex_unlock(&vcpu->lock);
	return result;
}

/* The page of struct kvm_run, shared with the VMM. */
static int run_page(struct vma *vma, uint64_t offset, pa_t *pa)
{
	struct vcpu *vcpu = vma->file->data;

	if (offset)
		return -EFAULT;
	*pa = va_to_pa(vcpu->run);
	page_get(*pa);
	return 0;
}

static const struct vma_ops run_vma_ops = { .page = run_page };

static int vcpu_mmap(struct file *f, struct vma *vma)
{
	(void)f;
	vma->ops = &run_vma_ops;
	return 0;
}

static void vcpu_release(struct file *f)
{
	struct vcpu *vcpu = f->data;

	vm_put(vcpu->vm);
}

static const struct file_ops vcpu_file_ops = {
	.ioctl = vcpu_ioctl,
	.mmap = vcpu_mmap,
	.release = vcpu_release,
};

long api_install_vcpu(struct vcpu *vcpu)
{
	vm_get(vcpu->vm);
	return api_install(&vcpu_file_ops, vcpu);
}

/* ---- VM ---- */

static long vm_ioctl_create_vcpu(void *object, uint64_t id)
{
	return id >= VM_MAX_VCPUS ? -EINVAL : vm_add_vcpu(object, (unsigned)id);
}

static long vm_ioctl_set_region(void *object, uint64_t arg)
{
	struct kvm_userspace_memory_region region;

	return get_user(region, arg) ? -EFAULT : vm_set_region(object, &region);
}

static long vm_ioctl_preferred_target(void *object, uint64_t arg)
{
	struct kvm_vcpu_init init = { 0 };

	(void)object;
	vcpu_preferred_target(&init);
	return put_user(init, arg);
}

static long vm_ioctl_create_device(void *object, uint64_t arg)
{
	struct kvm_create_device device;
	int err;

	if (get_user(device, arg))
		return -EFAULT;
	err = device_create(object, &device);
	return err ? err : put_user(device, arg);
}

/* KVM_IRQ_LINE's argument: type, vCPU and number in one word. */
#define LINE_NUMBER BITS(15, 0)
#define LINE_VCPU   BITS(23, 16)
#define LINE_TYPE   BITS(27, 24)
#define LINE_VCPU2  BITS(31, 28)

static long inject_line(struct vm *vm, uint32_t irq, bool level)
{
	unsigned number = (unsigned)field_get(LINE_NUMBER, irq);
	unsigned index = (unsigned)(field_get(LINE_VCPU2, irq) << 8 | field_get(LINE_VCPU, irq));

	if (!vm->vgic)
		return -ENXIO;
	switch (field_get(LINE_TYPE, irq)) {
	case KVM_ARM_IRQ_TYPE_PPI:
		if (index >= vm->vcpu_count || number < VGIC_SGIS || number >= VGIC_PRIVATE)
			return -EINVAL;
		if (number == VGIC_PPI_VTIMER || number == VGIC_PPI_PTIMER)
			return 0; /* the timers' own; Linux says nothing either */
		return vgic_inject(vm, vm->vcpus[index], number, level);
	case KVM_ARM_IRQ_TYPE_SPI:
		return number < VGIC_PRIVATE ? -EINVAL : vgic_inject(vm, NULL, number, level);
	case KVM_ARM_IRQ_TYPE_CPU:
		return -ENXIO; /* the CPU's own inputs are the vgic's */
	default:
		return -EINVAL;
	}
}

static long vm_ioctl_irq_line(void *object, uint64_t arg)
{
	struct kvm_irq_level line;

	return get_user(line, arg) ? -EFAULT : inject_line(object, line.irq, line.level);
}

static long vm_ioctl_irqfd(void *object, uint64_t arg)
{
	struct kvm_irqfd irqfd;

	return get_user(irqfd, arg) ? -EFAULT : irqfd_change(object, &irqfd);
}

static long vm_ioctl_ioeventfd(void *object, uint64_t arg)
{
	struct kvm_ioeventfd ioeventfd;

	return get_user(ioeventfd, arg) ? -EFAULT : ioeventfd_change(object, &ioeventfd);
}

static long vm_ioctl_set_routing(void *object, uint64_t arg)
{
	struct kvm_irq_routing head;

	return get_user(head, arg) ? -EFAULT : irqfd_set_routing(object, &head, arg + sizeof(head));
}

static long vm_ioctl_stats(void *object, uint64_t arg)
{
	(void)arg;
	return stats_open_vm(object);
}

static const struct api_row vm_rows[] = {
	{ KVM_IRQ_LINE, false, vm_ioctl_irq_line },
	{ KVM_CREATE_VCPU, false, vm_ioctl_create_vcpu },
	{ KVM_SET_USER_MEMORY_REGION, false, vm_ioctl_set_region },
	{ KVM_ARM_PREFERRED_TARGET, false, vm_ioctl_preferred_target },
	{ KVM_CREATE_DEVICE, false, vm_ioctl_create_device },
	{ KVM_IRQFD, false, vm_ioctl_irqfd },
	{ KVM_IOEVENTFD, false, vm_ioctl_ioeventfd },
	{ KVM_SET_GSI_ROUTING, false, vm_ioctl_set_routing },
	{ KVM_CHECK_EXTENSION, false, check_extension },
	{ KVM_GET_STATS_FD, false, vm_ioctl_stats },
};

static long vm_ioctl(struct file *f, unsigned cmd, uint64_t arg)
{
	const struct api_row *row = find(vm_rows, ARRAY_SIZE(vm_rows), cmd);
	struct vm *vm = f->data;

	if (vm->space != space_current())
		return -EIO;
	return row ? row->call(vm, arg) : -EINVAL;
}

static void vm_release(struct file *f)
{
	struct vm *vm = f->data;

	irqfd_release(vm);
	vm_put(vm);
}

static const struct file_ops vm_file_ops = {
	.ioctl = vm_ioctl,
	.release = vm_release,
};

/* ---- /dev/kvm ---- */

static long kvm_ioctl_version(void *object, uint64_t arg)
{
	(void)object;
	return arg ? -EINVAL : KVM_API_VERSION;
}

/* arg: the size of the guest's physical addresses in bits, 0: 40. */
static long kvm_ioctl_create_vm(void *object, uint64_t arg)
{
	struct vm *vm;
	int err;

	(void)object;
	if (arg & ~KVM_VM_TYPE_ARM_IPA_SIZE_MASK)
		return -EINVAL;
	err = vm_create(arg ? (unsigned)arg : DEFAULT_IPA, &vm);
	return err ? err : api_install(&vm_file_ops, vm);
}

static long kvm_ioctl_mmap_size(void *object, uint64_t arg)
{
	(void)object;
	return arg ? -EINVAL : (long)PAGE_SIZE;
}

static const struct api_row kvm_rows[] = {
	{ KVM_GET_API_VERSION, false, kvm_ioctl_version },
	{ KVM_CREATE_VM, false, kvm_ioctl_create_vm },
	{ KVM_CHECK_EXTENSION, false, check_extension },
	{ KVM_GET_VCPU_MMAP_SIZE, false, kvm_ioctl_mmap_size },
};

static long kvm_ioctl(struct file *f, unsigned cmd, uint64_t arg)
{
	const struct api_row *row = find(kvm_rows, ARRAY_SIZE(kvm_rows), cmd);

	(void)f;
	return row ? row->call(NULL, arg) : -EINVAL;
}

static const struct file_ops kvm_file_ops = { .ioctl = kvm_ioctl };

static int kvm_open(struct file *f)
{
	f->ops = &kvm_file_ops;
	return 0;
}

void kvm_init(void)
{
	world_init();
	check(vgic_init() == 0);
	proc_stet_init();
	check(devfs_register("kvm", MISC_MAJOR, KVM_MINOR, false, kvm_open, MODE_ALL_RW) == 0);
}

void kvm_cpu_init(void)
{
	world_cpu_init();
	vgic_cpu_init();
}

void kvm_cpu_leave(void)
{
	bank_evict_local(&guest_bank);
}
