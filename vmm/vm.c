/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtual machine as KVM knows it: the VM's file, one memory slot, the vCPUs and a GICv3, and how
 * devices reach it: interrupt lines, irqfds, ioeventfds. Made and destroyed by machine.c, once for
 * each time the guest starts: a guest that resets gets a new machine, so nothing of the old one's
 * interrupt controller or timers is left.
 *
 * vm->end goes once from VM_RUNNING to the reason, under vm->lock; everything else is written
 * before the vCPU threads start. Manual: Linux's Documentation/virt/kvm/api.rst and
 * devices/arm-vgic-v3.rst.
 */
#include "vm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "report.h"

#define IPA_BITS_DEFAULT 40 /* of a VM of type 0 */
#define IPA_BITS_LEAST	 32

static void require_capabilities(int kvm)
{
	static const struct {
		int number;
		const char *name;
	} needed[] = {
		{ KVM_CAP_USER_MEMORY, "memory slots" },      { KVM_CAP_ONE_REG, "ONE_REG" },
		{ KVM_CAP_DEVICE_CTRL, "device control" },    { KVM_CAP_ARM_PSCI_0_2, "PSCI 0.2" },
		{ KVM_CAP_IOEVENTFD, "ioeventfd" },	      { KVM_CAP_IRQFD, "irqfd" },
		{ KVM_CAP_IMMEDIATE_EXIT, "immediate exit" },
	};

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (ioctl(kvm, KVM_CHECK_EXTENSION, needed[i].number) <= 0)
			die("this host's KVM has no %s", needed[i].name);
}

int vm_open_kvm(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (kvm < 0)
		die("cannot open /dev/kvm: %m");
	if (ioctl(kvm, KVM_GET_API_VERSION, 0) != KVM_API_VERSION)
		die("/dev/kvm does not speak version %d of the KVM API", KVM_API_VERSION);
	require_capabilities(kvm);
	return kvm;
}

/* The VM's type: how many bits its physical addresses have. */
static unsigned long vm_type(int kvm, uint64_t memory_end)
{
	int limit = ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_ARM_VM_IPA_SIZE);
	int bits = IPA_BITS_LEAST;

	while (bits < 64 && memory_end > 1ull << bits)
		bits++;
	if (bits > (limit > 0 ? limit : IPA_BITS_DEFAULT))
		die("the guest's memory would need %d bits of address; this host has %d", bits,
		    limit > 0 ? limit : IPA_BITS_DEFAULT);
	return limit > 0 ? KVM_VM_TYPE_ARM_IPA_SIZE(bits) : 0;
}

static unsigned vcpus_limit(int kvm)
{
	int limit = ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPUS);

	if (limit <= 0)
		limit = ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_NR_VCPUS);
	if (limit <= 0)
		limit = 4; /* what the API's documentation says to assume */
	return limit < VCPUS_MAX ? (unsigned)limit : VCPUS_MAX;
}

static void add_memory(struct vm *vm, uint64_t size)
{
	struct kvm_userspace_memory_region region;
	int err = memory_create(&vm->memory, MEMORY_BASE, size);

	if (err)
		die("no room for %llu MiB of guest memory: %s", (unsigned long long)size >> 20,
		    strerror(-err));
	region = (struct kvm_userspace_memory_region){
		.guest_phys_addr = MEMORY_BASE,
		.memory_size = size,
		.userspace_addr = (uintptr_t)vm->memory.host,
	};
	if (ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region))
		die("KVM does not take the guest's memory: %m");
}

static void gic_set(struct vm *vm, uint32_t group, uint64_t attribute, const void *value)
{
	struct kvm_device_attr attr = {
		.group = group,
		.attr = attribute,
		.addr = (uintptr_t)value,
	};

	if (ioctl(vm->gic_fd, KVM_SET_DEVICE_ATTR, &attr))
		die("KVM does not set up the GICv3 (group %u, attribute %llu): %m", group,
		    (unsigned long long)attribute);
}

/* After the vCPUs: the redistributors are one each. */
static void create_gic(struct vm *vm)
{
	struct kvm_create_device device = { .type = KVM_DEV_TYPE_ARM_VGIC_V3 };
	const uint64_t dist = GICD_BASE, redist = GICR_BASE;
	const uint32_t irqs = 32 + SPI_COUNT;

	if (ioctl(vm->fd, KVM_CREATE_DEVICE, &device))
		die("this host's KVM makes no GICv3: %m");
	vm->gic_fd = (int)device.fd;
	gic_set(vm, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST, &dist);
	gic_set(vm, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST, &redist);
	gic_set(vm, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &irqs);
	gic_set(vm, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, NULL);
}

static void create_vcpus(struct vm *vm, int kvm, const struct vm_config *config)
{
	struct kvm_vcpu_init init;
	int run_size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);

	if (run_size < (int)sizeof(struct kvm_run))
		die("KVM's shared vCPU page is too small (%d bytes)", run_size);
	vm->run_size = (size_t)run_size;
	if (ioctl(vm->fd, KVM_ARM_PREFERRED_TARGET, &init))
		die("KVM offers no kind of vCPU: %m");
	memset(init.features, 0, sizeof(init.features));
	if (config->sve && ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_ARM_SVE) <= 0)
		die("this host gives guests no SVE");
	if (config->sve)
		init.features[0] |= 1u << KVM_ARM_VCPU_SVE;
	for (vm->vcpu_count = 0; vm->vcpu_count < config->vcpus; vm->vcpu_count++)
		vcpu_create(&vm->vcpus[vm->vcpu_count], vm, vm->vcpu_count, &init);
}

void vm_create(struct vm *vm, int kvm, const struct vm_config *config)
{
	if (config->vcpus > vcpus_limit(kvm))
		die("%u vCPUs asked for; this host gives at most %u", config->vcpus,
		    vcpus_limit(kvm));
	memset(vm, 0, sizeof(*vm));
	pthread_mutex_init(&vm->lock, NULL);
	pthread_cond_init(&vm->ended, NULL);
	vm->fd = ioctl(kvm, KVM_CREATE_VM, vm_type(kvm, MEMORY_BASE + config->memory));
	if (vm->fd < 0)
		die("KVM makes no virtual machine: %m");
	add_memory(vm, config->memory);
	create_vcpus(vm, kvm, config);
	create_gic(vm);
}

void vm_start(struct vm *vm, uint64_t entry, uint64_t argument)
{
	vcpu_set_entry(&vm->vcpus[0], entry, argument);
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		vcpu_start(&vm->vcpus[i]);
}

void vm_stop(struct vm *vm, enum vm_end why)
{
	pthread_mutex_lock(&vm->lock);
	if (vm->end == VM_RUNNING)
		vm->end = why;
	pthread_cond_signal(&vm->ended);
	pthread_mutex_unlock(&vm->lock);
}

enum vm_end vm_wait(struct vm *vm)
{
	pthread_mutex_lock(&vm->lock);
	while (vm->end == VM_RUNNING)
		pthread_cond_wait(&vm->ended, &vm->lock);
	pthread_mutex_unlock(&vm->lock);
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		vcpu_kick(&vm->vcpus[i]);
	return vm->end;
}

void vm_join(struct vm *vm)
{
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		vcpu_join(&vm->vcpus[i]);
}

void vm_destroy(struct vm *vm)
{
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		vcpu_destroy(&vm->vcpus[i]);
	close(vm->gic_fd);
	close(vm->fd);
	memory_destroy(&vm->memory);
	pthread_cond_destroy(&vm->ended);
	pthread_mutex_destroy(&vm->lock);
}

void vm_irq_line(struct vm *vm, unsigned spi, int level)
{
	struct kvm_irq_level line = {
		.irq = KVM_ARM_IRQ_TYPE_SPI << KVM_ARM_IRQ_TYPE_SHIFT | (spi + 32),
		.level = (uint32_t)level,
	};

	if (ioctl(vm->fd, KVM_IRQ_LINE, &line))
		die("KVM does not drive interrupt %u: %m", spi + 32);
}

void vm_irqfd(struct vm *vm, unsigned spi, int fd)
{
	struct kvm_irqfd irqfd = { .fd = (uint32_t)fd, .gsi = spi };

	if (ioctl(vm->fd, KVM_IRQFD, &irqfd))
		die("KVM does not take an eventfd for interrupt %u: %m", spi + 32);
}

void vm_ioeventfd(struct vm *vm, uint64_t address, uint32_t value, int fd)
{
	struct kvm_ioeventfd ioeventfd = {
		.datamatch = value,
		.addr = address,
		.len = sizeof(value),
		.fd = fd,
		.flags = KVM_IOEVENTFD_FLAG_DATAMATCH,
	};

	if (ioctl(vm->fd, KVM_IOEVENTFD, &ioeventfd))
		die("KVM does not take an eventfd for address 0x%llx: %m",
		    (unsigned long long)address);
}
