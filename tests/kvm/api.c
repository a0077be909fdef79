/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ioctls of /dev/kvm, of a VM and of a vCPU as a VMM meets them first: versions, capabilities,
 * and the errors of what is wrong. Linux: Documentation/virt/kvm/api.rst.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#include "tests/kvm/lib/vm.h"

static struct vm vm;

static long has(int cap)
{
	return ioc(vm.kvm, KVM_CHECK_EXTENSION, cap);
}

TEST(the_device_opens_and_tells_its_version)
{
	vm_create_bare(&vm);
	expect_eq(ioc(vm.kvm, KVM_GET_API_VERSION, 0), 12);
	expect_eq(ioc(vm.kvm, KVM_GET_API_VERSION, 1), -EINVAL);
	expect(vm.run_size >= 4096 && vm.run_size % 4096 == 0);
	expect_eq(ioc(vm.kvm, KVM_GET_VCPU_MMAP_SIZE, 1), -EINVAL);
	vm_destroy(&vm);
}

TEST(the_capabilities_vmms_ask_for_are_there)
{
	static const int needed[] = {
		KVM_CAP_IRQCHIP,
		KVM_CAP_USER_MEMORY,
		KVM_CAP_MP_STATE,
		KVM_CAP_SYNC_MMU,
		KVM_CAP_DESTROY_MEMORY_REGION_WORKS,
		KVM_CAP_JOIN_MEMORY_REGIONS_WORKS,
		KVM_CAP_IRQFD,
		KVM_CAP_IOEVENTFD,
		KVM_CAP_ONE_REG,
		KVM_CAP_ARM_PSCI,
		KVM_CAP_ARM_PSCI_0_2,
		KVM_CAP_DEVICE_CTRL,
		KVM_CAP_CHECK_EXTENSION_VM,
		KVM_CAP_IOEVENTFD_ANY_LENGTH,
		KVM_CAP_IMMEDIATE_EXIT,
		KVM_CAP_INTERNAL_ERROR_DATA,
	};
	long ipa, nr, max;

	vm_create_bare(&vm);
	for (unsigned i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		if (!expect(has(needed[i]) > 0))
			tap_print("# capability %d\n", needed[i]);
	}
	nr = has(KVM_CAP_NR_VCPUS);
	max = has(KVM_CAP_MAX_VCPUS);
	expect(nr >= 1 && max >= 8 && max >= nr);
	expect(has(KVM_CAP_NR_MEMSLOTS) >= 32);
	ipa = has(KVM_CAP_ARM_VM_IPA_SIZE);
	expect(ipa == 0 || (ipa >= 36 && ipa <= 52));
	vm_destroy(&vm);
}

TEST(what_is_unknown_is_not_there)
{
	vm_create_bare(&vm);
	expect_eq(has(9999), 0);
	expect_eq(has(-1), 0);
	expect_eq(has(KVM_CAP_HLT), 0);
	expect_eq(has(KVM_CAP_PIT), 0);
	vm_destroy(&vm);
}

TEST(a_vm_answers_for_its_capabilities_too)
{
	vm_create_bare(&vm);
	expect_eq(ioc(vm.fd, KVM_CHECK_EXTENSION, KVM_CAP_ONE_REG), has(KVM_CAP_ONE_REG));
	expect_eq(ioc(vm.fd, KVM_CHECK_EXTENSION, 9999), 0);
	vm_destroy(&vm);
}

TEST(unknown_ioctls_are_refused)
{
	vm_create(&vm, 1);
	expect_eq(ioc(vm.kvm, KVM_RUN, 0), -EINVAL);
	expect_eq(ioc(vm.kvm, 0xae00 | 0xfe, 0), -EINVAL);
	expect_eq(ioc(vm.fd, KVM_RUN, 0), -EINVAL);
	expect_eq(ioc(vm.fd, 0xaefe, 0), -EINVAL);
	expect_eq(ioc(vm.vcpu[0].fd, KVM_CREATE_VCPU, 0), -EINVAL);
	expect_eq(ioc(vm.vcpu[0].fd, 0xaefe, 0), -EINVAL);
	vm_destroy(&vm);
}

TEST(vms_are_made_with_the_ipa_size_asked_for)
{
	long ipa, fd;

	vm_create_bare(&vm);
	ipa = has(KVM_CAP_ARM_VM_IPA_SIZE);
	expect_eq(ioc(vm.kvm, KVM_CREATE_VM, 0x10000), -EINVAL);
	if (ipa > 0) {
		fd = ioc(vm.kvm, KVM_CREATE_VM, 36);
		expect(fd >= 0);
		close((int)fd);
		fd = ioc(vm.kvm, KVM_CREATE_VM, ipa);
		expect(fd >= 0);
		close((int)fd);
		expect_eq(ioc(vm.kvm, KVM_CREATE_VM, ipa + 1), -EINVAL);
		expect_eq(ioc(vm.kvm, KVM_CREATE_VM, 31), -EINVAL);
	}
	vm_destroy(&vm);
}

/* No descriptor is left: as if nobody had asked. */
TEST(a_vcpu_without_a_descriptor_never_was)
{
	struct rlimit was, none;
	int next;

	vm_create_bare(&vm);
	next = dup(vm.fd);
	close(next);
	require(!getrlimit(RLIMIT_NOFILE, &was));
	none = (struct rlimit){ (rlim_t)next, was.rlim_max };
	require(!setrlimit(RLIMIT_NOFILE, &none));
	expect_eq(vm_add_vcpu(&vm, 0), -EMFILE);
	expect_eq(vm_add_vcpu(&vm, 0), -EMFILE);
	setrlimit(RLIMIT_NOFILE, &was);
	expect_eq(vm_add_vcpu(&vm, 0), 0);
	expect_eq(vcpu_init(&vm.vcpu[0], 1 << KVM_ARM_VCPU_PSCI_0_2), 0);
	vm_destroy(&vm);
}

TEST(vcpu_ids_are_checked)
{
	long max;

	vm_create_bare(&vm);
	max = has(KVM_CAP_MAX_VCPU_ID) ?: has(KVM_CAP_MAX_VCPUS);
	expect_eq(vm_add_vcpu(&vm, 3), 0);
	expect_eq(vm_add_vcpu(&vm, 3), -EEXIST);
	expect_eq(vm_add_vcpu(&vm, 0), 0);
	expect_eq(vm_add_vcpu(&vm, (int)max), -EINVAL);
	expect_eq(vm_add_vcpu(&vm, -1), -EINVAL);
	vm_destroy(&vm);
}

TEST(a_vcpu_is_nothing_before_its_init)
{
	uint64_t value;
	struct vcpu *vcpu;

	vm_create_bare(&vm);
	expect_eq(vm_add_vcpu(&vm, 0), 0);
	vcpu = &vm.vcpu[0];
	expect_eq(vcpu_run(vcpu), -ENOEXEC);
	expect_eq(reg_get(vcpu, REG_CORE(regs.pc), &value), -ENOEXEC);
	expect_eq(reg_set(vcpu, REG_CORE(regs.pc), &value), -ENOEXEC);
	expect_eq(vcpu_init(vcpu, 1 << KVM_ARM_VCPU_PSCI_0_2), 0);
	expect_eq(reg_get(vcpu, REG_CORE(regs.pc), &value), 0);
	vm_destroy(&vm);
}

TEST(init_checks_target_and_features)
{
	struct kvm_vcpu_init init = { 0 };

	vm_create_bare(&vm);
	vm_add_vcpu(&vm, 0);
	expect_eq(ioc(vm.fd, KVM_ARM_PREFERRED_TARGET, &init), 0);
	expect_eq(init.target, KVM_ARM_TARGET_GENERIC_V8);
	init.target = 99;
	expect_eq(ioc(vm.vcpu[0].fd, KVM_ARM_VCPU_INIT, &init), -EINVAL);
	init.target = KVM_ARM_TARGET_GENERIC_V8;
	init.features[0] = 1u << 31;
	expect_eq(ioc(vm.vcpu[0].fd, KVM_ARM_VCPU_INIT, &init), -ENOENT);
	init.features[0] = 0;
	init.features[2] = 1;
	expect_eq(ioc(vm.vcpu[0].fd, KVM_ARM_VCPU_INIT, &init), -ENOENT);
	init.features[2] = 0;
	init.features[0] = 1 << KVM_ARM_VCPU_PSCI_0_2;
	expect_eq(ioc(vm.vcpu[0].fd, KVM_ARM_VCPU_INIT, &init), 0);
	expect_eq(ioc(vm.vcpu[0].fd, KVM_ARM_VCPU_INIT, 8), -EFAULT);
	vm_destroy(&vm);
}

TEST(init_again_resets_the_registers)
{
	struct vcpu *vcpu;

	vm_create(&vm, 1);
	vcpu = &vm.vcpu[0];
	reg_set64(vcpu, REG_X(5), 55);
	reg_set64(vcpu, REG_CORE(regs.pc), 0x1000);
	reg_set64(vcpu, ARM64_SYS_REG(3, 0, 12, 0, 0), 0x800); /* VBAR_EL1 */
	expect_eq(vcpu_init(vcpu, 1 << KVM_ARM_VCPU_PSCI_0_2), 0);
	expect_eq(reg_get64(vcpu, REG_X(5)), 0);
	expect_eq(reg_get64(vcpu, REG_CORE(regs.pc)), 0);
	expect_eq(reg_get64(vcpu, REG_CORE(regs.pstate)), 0x3c5);
	expect_eq(reg_get64(vcpu, ARM64_SYS_REG(3, 0, 12, 0, 0)), 0);
	/* Other features than the first time are refused. */
	expect_eq(vcpu_init(vcpu, 0), -EINVAL);
	vm_destroy(&vm);
}

TEST(the_run_page_is_shared_between_mappings)
{
	struct kvm_run *again;
	struct vcpu *vcpu;

	vm_create(&vm, 1);
	vcpu = &vm.vcpu[0];
	again = mmap(NULL, (size_t)vm.run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	require(again != MAP_FAILED);
	vcpu->run->immediate_exit = 1;
	expect_eq(again->immediate_exit, 1);
	again->immediate_exit = 0;
	expect_eq(vcpu->run->immediate_exit, 0);
	munmap(again, (size_t)vm.run_size);
	vm_destroy(&vm);
}

TEST(mp_state_tells_and_sets_power)
{
	struct kvm_mp_state state = { 99 };

	vm_create_bare(&vm);
	vm_add_vcpu(&vm, 0);
	vcpu_init(&vm.vcpu[0], 1 << KVM_ARM_VCPU_PSCI_0_2 | 1 << KVM_ARM_VCPU_POWER_OFF);
	expect_eq(ioc(vm.vcpu[0].fd, KVM_GET_MP_STATE, &state), 0);
	expect_eq(state.mp_state, KVM_MP_STATE_STOPPED);
	state.mp_state = KVM_MP_STATE_RUNNABLE;
	expect_eq(ioc(vm.vcpu[0].fd, KVM_SET_MP_STATE, &state), 0);
	expect_eq(ioc(vm.vcpu[0].fd, KVM_GET_MP_STATE, &state), 0);
	expect_eq(state.mp_state, KVM_MP_STATE_RUNNABLE);
	state.mp_state = KVM_MP_STATE_HALTED;
	expect_eq(ioc(vm.vcpu[0].fd, KVM_SET_MP_STATE, &state), -EINVAL);
	vm_destroy(&vm);
}

TEST(devices_can_be_tried_without_making_them)
{
	struct kvm_create_device device = { .type = KVM_DEV_TYPE_ARM_VGIC_V3,
					    .flags = KVM_CREATE_DEVICE_TEST };

	vm_create_bare(&vm);
	expect_eq(ioc(vm.fd, KVM_CREATE_DEVICE, &device), 0);
	expect_eq(ioc(vm.fd, KVM_CREATE_DEVICE, &device), 0);
	device.type = 9999;
	expect_eq(ioc(vm.fd, KVM_CREATE_DEVICE, &device), -ENODEV);
	expect_eq(ioc(vm.fd, KVM_CREATE_DEVICE, 8), -EFAULT);
	vm_destroy(&vm);
}

TEST(bad_pointers_are_refused)
{
	vm_create(&vm, 1);
	expect_eq(ioc(vm.fd, KVM_SET_USER_MEMORY_REGION, 8), -EFAULT);
	expect_eq(ioc(vm.fd, KVM_IRQ_LINE, 8), -EFAULT);
	expect_eq(ioc(vm.fd, KVM_IOEVENTFD, 8), -EFAULT);
	expect_eq(ioc(vm.fd, KVM_IRQFD, 8), -EFAULT);
	expect_eq(ioc(vm.vcpu[0].fd, KVM_GET_ONE_REG, 8), -EFAULT);
	expect_eq(ioc(vm.vcpu[0].fd, KVM_SET_ONE_REG, 8), -EFAULT);
	expect_eq(ioc(vm.vcpu[0].fd, KVM_GET_REG_LIST, 8), -EFAULT);
	expect_eq(reg_get(&vm.vcpu[0], REG_CORE(regs.pc), (void *)8), -EFAULT);
	expect_eq(reg_set(&vm.vcpu[0], REG_CORE(regs.pc), (void *)8), -EFAULT);
	vm_destroy(&vm);
}

TEST(irq_line_without_a_controller_or_to_nobody)
{
	vm_create(&vm, 1);
	expect_eq(vm_irq_line(&vm, 32, 1), -ENXIO);
	expect_eq(vm_add_gic(&vm, 64), 0);
	expect_eq(vm_irq_line(&vm, 32, 1), 0);
	expect_eq(vm_irq_line(&vm, 32, 0), 0);
	expect_eq(vm_irq_line(&vm, 31, 1), -EINVAL);
	expect_eq(vm_irq_line(&vm, 64, 1), -EINVAL);
	vm_destroy(&vm);
}

TEST(a_file_that_is_not_kvm_knows_none_of_it)
{
	int fd = open("/dev/null", O_RDWR);

	expect_eq(ioc(fd, KVM_GET_API_VERSION, 0), -ENOTTY);
	close(fd);
}
