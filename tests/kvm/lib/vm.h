/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A VM for a test: some memory, some vCPUs, perhaps an interrupt controller.
 *
 * The guest is this very program. vm_create() copies the program's image into guest memory at its
 * own addresses (it is linked without PIE, and guests run with the MMU off), so a guest is a C
 * function marked GUEST that uses globals and constants like any other; guest_view() shows the
 * VMM the guest's copy of a variable. What guests may call is in guest.h.
 */
#pragma once
#include <linux/kvm.h>
#include "tests/lib/abi.h"
#include "tests/kvm/lib/guest.h"

enum {
	VM_MAX_VCPUS = 8,
	VM_RAM_SIZE = 4 << 20, /* at GUEST_BASE, slot 0 */
	VM_STACK_SIZE = 32 << 10,
};

struct vcpu {
	struct vm *vm;
	int id, fd;
	struct kvm_run *run;
};

struct vm {
	int kvm, fd, gic;
	long run_size;
	int vcpu_count;
	char *ram;
	struct vcpu vcpu[VM_MAX_VCPUS];
};

/* An ioctl's own answer: what it returns, or -errno. */
#define ioc(fd, command, arg) sys(__NR_ioctl, fd, command, arg)

/* A VM with that many initialised vCPUs (PSCI 0.2 on) and its memory. Broken parts fail the test.
 */
void vm_create(struct vm *vm, int vcpus);
/* The same with neither vCPUs nor memory. */
void vm_create_bare(struct vm *vm);
/* Give it its memory: the program's image and stacks. */
void vm_add_ram(struct vm *vm);
/* Close everything that is open and unmap the memory. */
void vm_destroy(struct vm *vm);

/* Result: 0 or -errno, also of the mmap of kvm_run. */
long vm_add_vcpu(struct vm *vm, int id);
long vcpu_init(struct vcpu *vcpu, uint32_t features);
long vm_add_memory(struct vm *vm, unsigned slot, uint64_t ipa, uint64_t size, void *at,
		   unsigned flags);

/* A GICv3 with the distributor at GUEST_GICD and redistributors at GUEST_GICR; 0 or -errno. */
long vm_add_gic(struct vm *vm, unsigned irqs);
long device_set(int device, unsigned group, uint64_t attribute, const void *value);
long device_get(int device, unsigned group, uint64_t attribute, void *value);
/* Drive SPI irq (32 and up) of the in-kernel GIC. */
long vm_irq_line(struct vm *vm, unsigned irq, int level);

long reg_get(struct vcpu *vcpu, uint64_t id, void *value);
long reg_set(struct vcpu *vcpu, uint64_t id, const void *value);
uint64_t reg_get64(struct vcpu *vcpu, uint64_t id);
long reg_set64(struct vcpu *vcpu, uint64_t id, uint64_t value);
#define REG_CORE(field)                                                                            \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(field))
#define REG_X(n) (REG_CORE(regs.regs[0]) + 2 * (n))

/* Let the vCPU begin at fn(arg) with a stack, vectors and FP on. */
void vcpu_start(struct vcpu *vcpu, void (*fn)(uint64_t), uint64_t arg);

/* KVM_RUN once: 0 or -errno. */
long vcpu_run(struct vcpu *vcpu);
/* Run until guest_done(value); false, with a message, if the guest leaves in any other way. */
bool vcpu_run_done(struct vcpu *vcpu, uint64_t *value);
/* The exit is this access, a write of exactly value or a read. */
bool exit_is_write(struct vcpu *vcpu, uint64_t address, unsigned bytes, uint64_t value);
bool exit_is_read(struct vcpu *vcpu, uint64_t address, unsigned bytes);

/* Start, run until guest_done() in a thread of its own; then join. Results as vcpu_run_done(). */
void vcpu_thread_start(struct vcpu *vcpu, void (*fn)(uint64_t), uint64_t arg);
bool vcpu_thread_join(struct vcpu *vcpu, uint64_t *value);
/* The same for a vCPU that will not be done by itself: it is made to leave. */
void vcpu_thread_stop(struct vcpu *vcpu);
/* The thread id of a started thread, for tgkill. */
int vcpu_thread_id(struct vcpu *vcpu);

/* The guest's own copy of a variable of this program. */
void *guest_address(struct vm *vm, const volatile void *p);
#define guest_view(vm, variable) (*(volatile __typeof__(variable) *)guest_address(vm, &(variable)))
