/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making, running and dropping the VMs of the tests. Set-up that must not fail is checked with
 * expect(), so a failure fails the test it happens in.
 */
#include <elf.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "tests/kvm/lib/vm.h"

extern const Elf64_Ehdr __ehdr_start;
extern char _end[];

struct vcpu_thread {
	pthread_t thread;
	volatile int id;
	volatile bool stop;
	bool ok;
	uint64_t value;
};
static struct vcpu_thread threads[VM_MAX_VCPUS];

void vm_create_bare(struct vm *vm)
{
	memset(vm, 0, sizeof(*vm));
	vm->gic = -1;
	vm->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	expect(vm->kvm >= 0);
	vm->fd = (int)ioc(vm->kvm, KVM_CREATE_VM, 0);
	expect(vm->fd >= 0);
	vm->run_size = ioc(vm->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
}

/* Between the segments of the program nothing is mapped, so they go one by one. */
static void image_copy(struct vm *vm)
{
	const Elf64_Ehdr *elf = &__ehdr_start;
	const Elf64_Phdr *ph = (const void *)((const char *)elf + elf->e_phoff);

	for (int i = 0; i < elf->e_phnum; i++) {
		void *at = (void *)ph[i].p_vaddr;

		if (ph[i].p_type == PT_LOAD)
			memcpy(guest_address(vm, at), at, ph[i].p_memsz);
	}
}

void vm_add_ram(struct vm *vm)
{
	vm->ram = mmap(NULL, VM_RAM_SIZE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (!expect(vm->ram != MAP_FAILED) ||
	    !expect((uintptr_t)_end < GUEST_BASE + VM_RAM_SIZE - VM_MAX_VCPUS * VM_STACK_SIZE))
		return;
	image_copy(vm);
	expect_eq(vm_add_memory(vm, 0, GUEST_BASE, VM_RAM_SIZE, vm->ram, 0), 0);
}

void vm_create(struct vm *vm, int vcpus)
{
	vm_create_bare(vm);
	vm_add_ram(vm);
	for (int i = 0; i < vcpus; i++) {
		expect_eq(vm_add_vcpu(vm, i), 0);
		expect_eq(vcpu_init(&vm->vcpu[i], 1 << KVM_ARM_VCPU_PSCI_0_2), 0);
	}
}

void vm_destroy(struct vm *vm)
{
	for (int i = 0; i < vm->vcpu_count; i++) {
		munmap(vm->vcpu[i].run, (size_t)vm->run_size);
		close(vm->vcpu[i].fd);
	}
	if (vm->gic >= 0)
		close(vm->gic);
	close(vm->fd);
	close(vm->kvm);
	if (vm->ram)
		munmap(vm->ram, VM_RAM_SIZE);
}

long vm_add_vcpu(struct vm *vm, int id)
{
	struct vcpu *vcpu = &vm->vcpu[vm->vcpu_count];
	long fd = ioc(vm->fd, KVM_CREATE_VCPU, id), run;

	if (fd < 0)
		return fd;
	run = sys(__NR_mmap, 0, vm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (run < 0 && run > -4096) {
		close((int)fd);
		return run;
	}
	*vcpu = (struct vcpu){ vm, id, (int)fd, (struct kvm_run *)run };
	vm->vcpu_count++;
	return 0;
}

long vcpu_init(struct vcpu *vcpu, uint32_t features)
{
	struct kvm_vcpu_init init = { 0 };
	long err = ioc(vcpu->vm->fd, KVM_ARM_PREFERRED_TARGET, &init);

	if (err)
		return err;
	init.features[0] = features;
	return ioc(vcpu->fd, KVM_ARM_VCPU_INIT, &init);
}

long vm_add_memory(struct vm *vm, unsigned slot, uint64_t ipa, uint64_t size, void *at,
		   unsigned flags)
{
	struct kvm_userspace_memory_region region = { slot, flags, ipa, size, (uintptr_t)at };

	return ioc(vm->fd, KVM_SET_USER_MEMORY_REGION, &region);
}

long device_set(int device, unsigned group, uint64_t attribute, const void *value)
{
	struct kvm_device_attr attr = { 0, group, attribute, (uintptr_t)value };

	return ioc(device, KVM_SET_DEVICE_ATTR, &attr);
}

long device_get(int device, unsigned group, uint64_t attribute, void *value)
{
	struct kvm_device_attr attr = { 0, group, attribute, (uintptr_t)value };

	return ioc(device, KVM_GET_DEVICE_ATTR, &attr);
}

/*
 * The frames get their place at the first KVM_RUN. Linux 6.1 lets a second vCPU that comes in at
 * that moment run before they have it, so the first run is one that leaves at once.
 */
static long gic_settle(struct vm *vm)
{
	long err;

	if (!vm->vcpu_count)
		return 0;
	vm->vcpu[0].run->immediate_exit = 1;
	err = vcpu_run(&vm->vcpu[0]);
	vm->vcpu[0].run->immediate_exit = 0;
	return err == -EINTR ? 0 : err;
}

long vm_add_gic(struct vm *vm, unsigned irqs)
{
	struct kvm_create_device device = { .type = KVM_DEV_TYPE_ARM_VGIC_V3 };
	uint64_t dist = GUEST_GICD, redist = GUEST_GICR;
	long err = ioc(vm->fd, KVM_CREATE_DEVICE, &device);

	if (err)
		return err;
	vm->gic = (int)device.fd;
	err = device_set(vm->gic, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST, &dist);
	if (!err)
		err = device_set(vm->gic, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST,
				 &redist);
	if (!err)
		err = device_set(vm->gic, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &irqs);
	if (!err)
		err = device_set(vm->gic, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT,
				 NULL);
	return err ?: gic_settle(vm);
}

long vm_irq_line(struct vm *vm, unsigned irq, int level)
{
	struct kvm_irq_level line = {
		.irq = KVM_ARM_IRQ_TYPE_SPI << KVM_ARM_IRQ_TYPE_SHIFT | irq,
		.level = (unsigned)level,
	};

	return ioc(vm->fd, KVM_IRQ_LINE, &line);
}

long reg_get(struct vcpu *vcpu, uint64_t id, void *value)
{
	struct kvm_one_reg reg = { id, (uintptr_t)value };

	return ioc(vcpu->fd, KVM_GET_ONE_REG, &reg);
}

long reg_set(struct vcpu *vcpu, uint64_t id, const void *value)
{
	struct kvm_one_reg reg = { id, (uintptr_t)value };

	return ioc(vcpu->fd, KVM_SET_ONE_REG, &reg);
}

uint64_t reg_get64(struct vcpu *vcpu, uint64_t id)
{
	uint64_t value = 0;

	expect_eq(reg_get(vcpu, id, &value), 0);
	return value;
}

long reg_set64(struct vcpu *vcpu, uint64_t id, uint64_t value)
{
	return reg_set(vcpu, id, &value);
}

void *guest_address(struct vm *vm, const volatile void *p)
{
	return vm->ram + ((uintptr_t)p - GUEST_BASE);
}

void vcpu_start(struct vcpu *vcpu, void (*fn)(uint64_t), uint64_t arg)
{
	uint64_t stack = GUEST_BASE + VM_RAM_SIZE - (uint64_t)vcpu->id * VM_STACK_SIZE;
	struct guest_cpu *cpu = guest_address(vcpu->vm, &guest_cpus[vcpu->id]);

	memset(cpu, 0, sizeof(*cpu));
	cpu->id = (uint64_t)vcpu->id;
	expect_eq(reg_set64(vcpu, REG_CORE(regs.pc), (uintptr_t)guest_entry), 0);
	expect_eq(reg_set64(vcpu, REG_X(0), (uintptr_t)fn), 0);
	expect_eq(reg_set64(vcpu, REG_X(1), arg), 0);
	expect_eq(reg_set64(vcpu, REG_X(2), stack), 0);
	expect_eq(reg_set64(vcpu, REG_X(3), (uintptr_t)&guest_cpus[vcpu->id]), 0);
}

long vcpu_run(struct vcpu *vcpu)
{
	return ioc(vcpu->fd, KVM_RUN, 0);
}

static uint64_t mmio_value(const struct kvm_run *run)
{
	uint64_t value = 0;

	memcpy(&value, run->mmio.data, run->mmio.len <= 8 ? run->mmio.len : 8);
	return value;
}

static void exit_print(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	tap_print("# exit %u at pc %#lx", run->exit_reason,
		  (long)reg_get64(vcpu, REG_CORE(regs.pc)));
	if (run->exit_reason == KVM_EXIT_MMIO)
		tap_print(": %s %#lx, %u bytes, value %#lx", run->mmio.is_write ? "write" : "read",
			  (long)run->mmio.phys_addr, run->mmio.len, (long)mmio_value(run));
	tap_print("\n");
}

static bool exit_is(struct vcpu *vcpu, uint64_t address, unsigned bytes, bool write)
{
	struct kvm_run *run = vcpu->run;
	bool same = run->exit_reason == KVM_EXIT_MMIO && run->mmio.phys_addr == address &&
		    run->mmio.len == bytes && run->mmio.is_write == write;

	if (!same)
		exit_print(vcpu);
	return same;
}

bool exit_is_write(struct vcpu *vcpu, uint64_t address, unsigned bytes, uint64_t value)
{
	return exit_is(vcpu, address, bytes, true) && expect_eq(mmio_value(vcpu->run), value);
}

bool exit_is_read(struct vcpu *vcpu, uint64_t address, unsigned bytes)
{
	return exit_is(vcpu, address, bytes, false);
}

/* Run until the guest leaves for a reason of its own, or the thread is to stop. */
static long run_on(struct vcpu *vcpu)
{
	long err;

	do
		err = vcpu_run(vcpu);
	while ((err == -EINTR || err == -EAGAIN) && !threads[vcpu->id].stop);
	return err;
}

bool vcpu_run_done(struct vcpu *vcpu, uint64_t *value)
{
	long err = run_on(vcpu);

	if (threads[vcpu->id].stop)
		return false;
	if (!expect_eq(err, 0) || !expect(exit_is(vcpu, GUEST_PORT + PORT_DONE, 8, true)))
		return false;
	*value = mmio_value(vcpu->run);
	return true;
}

static void *thread_body(void *arg)
{
	struct vcpu *vcpu = arg;
	struct vcpu_thread *t = &threads[vcpu->id];

	t->id = (int)sys(__NR_gettid);
	t->ok = vcpu_run_done(vcpu, &t->value);
	return NULL;
}

static void on_kick(int signo)
{
	(void)signo;
}

void vcpu_thread_start(struct vcpu *vcpu, void (*fn)(uint64_t), uint64_t arg)
{
	struct sigaction sa = { .sa_handler = on_kick };

	sigaction(SIGRTMIN, &sa, NULL);
	vcpu_start(vcpu, fn, arg);
	threads[vcpu->id].id = 0;
	threads[vcpu->id].stop = false;
	expect_eq(pthread_create(&threads[vcpu->id].thread, NULL, thread_body, vcpu), 0);
}

bool vcpu_thread_join(struct vcpu *vcpu, uint64_t *value)
{
	struct vcpu_thread *t = &threads[vcpu->id];

	pthread_join(t->thread, NULL);
	*value = t->value;
	return t->ok;
}

void vcpu_thread_stop(struct vcpu *vcpu)
{
	struct vcpu_thread *t = &threads[vcpu->id];

	t->stop = true;
	vcpu->run->immediate_exit = 1;
	sys(__NR_tgkill, getpid(), vcpu_thread_id(vcpu), SIGRTMIN);
	pthread_join(t->thread, NULL);
	t->stop = false;
	vcpu->run->immediate_exit = 0;
}

int vcpu_thread_id(struct vcpu *vcpu)
{
	while (!threads[vcpu->id].id)
		sleep_ms(1);
	return threads[vcpu->id].id;
}
